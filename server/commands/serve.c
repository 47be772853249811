/* gulou serve: one event loop per worker thread, until SIGTERM or SIGINT. */

#include <cjson/cJSON.h>
#include <errno.h>
#include <event2/event.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include "db/schema.h"
#include "db/sync.h"
#include "server/background.h"
#include "server/base/limits.h"
#include "server/base/log.h"
#include "server/base/memory.h"
#include "server/base/random.h"
#include "server/boards.h"
#include "server/callback.h"
#include "server/commands/commands.h"
#include "server/crowd.h"
#include "server/health.h"
#include "server/jobs.h"
#include "server/ops.h"
#include "server/platform.h"
#include "server/rate.h"
#include "server/recent.h"
#include "server/sandbox.h"
#include "server/site.h"
#include "server/supervisor.h"
#include "server/visitors.h"
#include "wechat/crypto.h"
#include "wechat/message.h"

#define STOP_STEP_MS 20
#define PREDECESSOR_MS 3000

struct worker {
    struct services services;
    unsigned connections;
    pthread_t thread;
    int stop_fd;     /* written to by the main thread */
    int site_socket; /* the worker closes it when it stops */
    int ops_socket;  /* -1 but for the first worker */
    struct http_server *site;
    struct http_server *ops;
    struct jobs *jobs;
    struct event *stop;
    struct event *drain;
    int drained_ms;
};

/* ---- the worker's thread ---- */

/* What runs is finished first; a peer that keeps us waiting longer is cut. */
static void on_drain(evutil_socket_t fd, short what, void *context) {
    (void)fd;
    (void)what;
    struct worker *worker = context;
    worker->drained_ms += STOP_STEP_MS;
    bool idle = http_active(worker->site) == 0 && callback_active() == 0;
    if (idle || worker->drained_ms >= (STOP_SECONDS - 1) * 1000) {
        event_base_loopbreak(worker->services.base);
    }
}

static void on_stop(evutil_socket_t fd, short what, void *context) {
    (void)fd;
    (void)what;
    struct worker *worker = context;
    struct timeval step = {0, STOP_STEP_MS * 1000};
    http_stop_accepting(worker->site);
    close(worker->site_socket); /* else pushes would queue up before a door that nobody opens */
    worker->site_socket = -1;
    evtimer_add(worker->drain, &step);
}

static void *run_worker(void *context) {
    struct worker *worker = context;
    struct services *services = &worker->services;
    services->pg = pg_new(services->base, services->config->postgres_url, PG_CONNECTIONS);
    services->redis = redis_new(services->base, services->config->redis_url);
    services->platform = platform_new(services);
    services->background = background_new(services->base);
    services->visitors = visitors_new();
    services->recent = recent_new();
    services->boards = boards_new(services->base, services->redis, services->config);
    services->crowd = crowd_new();
    worker->site = http_new(&(struct http_options){.base = services->base,
                                                   .socket = worker->site_socket,
                                                   .on_request = site_handle,
                                                   .context = services,
                                                   .connections = worker->connections,
                                                   .allow = site_allow,
                                                   .fields = site_fields(services->config)});
    if (worker->ops_socket >= 0) {
        services->health = health_new(services);
        worker->ops = http_new(&(struct http_options){.base = services->base,
                                                      .socket = worker->ops_socket,
                                                      .on_request = ops_handle,
                                                      .context = services,
                                                      .connections = OPS_CONNECTIONS_MAX});
        worker->jobs = jobs_new(services);
    }
    worker->stop = event_new(services->base, worker->stop_fd, EV_READ, on_stop, worker);
    worker->drain = event_new(services->base, -1, EV_PERSIST, on_drain, worker);
    event_add(worker->stop, NULL);
    event_base_dispatch(services->base);

    jobs_free(worker->jobs);
    http_free(worker->site);
    if (worker->ops != NULL) {
        http_free(worker->ops);
    }
    health_free(services->health);
    background_free(services->background);
    visitors_free(services->visitors);
    recent_free(services->recent);
    boards_free(services->boards);
    platform_free(services->platform);
    redis_free(services->redis);
    pg_free(services->pg);
    callback_free_all();
    crowd_free(services->crowd);
    event_free(worker->stop);
    event_free(worker->drain);
    wechat_crypto_release();
    arena_release();
    return NULL;
}

/* ---- starting and stopping ---- */

/* One that was killed a moment ago may still have the address. */
static int open_ops_socket(const struct config *config, char **error) {
    int fd = -1;
    for (int waited = 0; fd < 0; waited += STOP_STEP_MS) {
        free(*error);
        *error = NULL;
        fd = http_listen(config->ops_listen.host, config->ops_listen.port, false, error);
        if (fd < 0 && (errno != EADDRINUSE || waited >= PREDECESSOR_MS))
            break;
        if (fd < 0)
            poll(NULL, 0, STOP_STEP_MS);
    }
    return fd;
}

static bool open_sockets(struct worker *worker, bool first, const struct config *config,
                         char **error) {
    worker->ops_socket = -1;
    /* Not shared, and first: a second server of this configuration ends here, before it takes a
     * part of the first one's messages, or tells the database what its file says of accounts. */
    if (first) {
        worker->ops_socket = open_ops_socket(config, error);
        if (worker->ops_socket < 0) {
            return false;
        }
    }
    worker->site_socket = http_listen(config->listen.host, config->listen.port, true, error);
    return worker->site_socket >= 0;
}

/* An absent database is no reason not to start: /readyz tells, and server/health.c looks again. */
static bool schema_fits(const struct config *config, struct sync **session) {
    char *why = NULL;
    enum schema_state state = schema_check(config->postgres_url, session, &why);
    bool fits = state != SCHEMA_TOO_OLD && state != SCHEMA_TOO_NEW;
    if (!fits)
        command_fail(strdup(why));
    free(why);
    return fits;
}

/* What the database shall know of the configuration's accounts. False: not now, and
 * server/health.c makes up for it. */
static bool sync_accounts(const struct config *config, struct sync *session) {
    bool all = true;
    for (size_t i = 0; i < config->accounts_n; i++) {
        const struct account *account = &config->accounts[i];
        const char *args[] = {account->id, account->name, account->verified ? "true" : "false"};
        char *error = NULL;
        char *json = sync_call(session, "sync_account", 3, args, &error);
        if (json == NULL) {
            log_error("sync_account", "account=%s cause=\"%s\"", args[0],
                      error != NULL ? error : "");
            all = false;
        }
        free(json);
        free(error);
    }
    return all;
}

/* The last thing that needs more of the kernel than serving does. */
static bool enter_sandbox(const struct config *config, char **error) {
    bool wanted = config->seccomp != SANDBOX_OFF;
    if (!wanted || !sandbox_fits()) {
        log_warn("no_sandbox", "cause=%s", wanted ? "sanitizers" : "server.seccomp");
        return true;
    }
    return sandbox_enter(config->seccomp, error);
}

/* With more rights than the functions need, one mistake of ours would be everybody's data. */
static void look_at_login(struct sync *session) {
    char *json = sync_call(session, "login_rights", 0, NULL, NULL);
    cJSON *rights = json != NULL ? cJSON_Parse(json) : NULL;
    if (cJSON_IsTrue(cJSON_GetObjectItem(rights, "more_than_needed"))) {
        log_warn("login_too_strong", "login=%s see=docs/security.md",
                 cJSON_GetStringValue(cJSON_GetObjectItem(rights, "login")));
    }
    cJSON_Delete(rights);
    free(json);
}

/* In one session; false when the schema is another's. */
static bool meet_database(const struct config *config, bool *accounts_known) {
    struct sync *session = NULL;
    bool fits = schema_fits(config, &session);
    if (fits && session != NULL) {
        *accounts_known = sync_accounts(config, session);
        look_at_login(session);
    }
    sync_close(session);
    return fits;
}

/* As many files as the system allows; how many connections that leaves for each worker. */
static unsigned raise_file_limit(int workers) {
    struct rlimit files = {0};
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    getrlimit(RLIMIT_NOFILE, &files);
    rlim_t each = files.rlim_cur > 2 * FILES_KEPT ? (files.rlim_cur - FILES_KEPT) / (rlim_t)workers
                                                  : FILES_KEPT / (rlim_t)workers;
    if (each >= HTTP_CONNECTIONS_MAX)
        return HTTP_CONNECTIONS_MAX;
    log_warn("few_files", "limit=%ju connections_per_worker=%ju hint=\"LimitNOFILE\"",
             (uintmax_t)files.rlim_cur, (uintmax_t)each);
    return each > 0 ? (unsigned)each : 1;
}

/* SIGHUP asks other servers to read their files again, and systemd takes a death by it for an
 * orderly end, after which nothing is started anew. At a terminal it means that nobody is there. */
static int wait_to_stop(const sigset_t *signals, bool at_terminal) {
    int received = 0;
    while (sigwait(signals, &received) == 0 && received == SIGHUP && !at_terminal)
        log_warn("not_reloaded",
                 "signal=%d hint=\"the configuration is read when the server starts; "
                 "restart it\"",
                 received);
    return received;
}

static int serve(const struct config *config, struct worker *workers) {
    char *error = NULL;
    sigset_t signals;
    bool at_terminal = isatty(STDIN_FILENO) != 0; /* the sandbox answers no such question */
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    unsigned connections = raise_file_limit(config->workers);
    for (int i = 0; i < config->workers; i++) {
        workers[i].connections = connections;
        if (!open_sockets(&workers[i], i == 0, config, &error)) {
            return command_fail(error);
        }
        workers[i].stop_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
        workers[i].services.base = event_base_new();
        workers[i].services.config = config;
        if (workers[i].stop_fd < 0 || workers[i].services.base == NULL) {
            return command_fail(strdup(strerror(errno)));
        }
    }
    if (!meet_database(config, &workers[0].services.accounts_known)) {
        return COMMAND_FAILED;
    }
    if (!enter_sandbox(config, &error)) {
        return command_fail(error);
    }
    struct rate *codes = rate_new(SIGN_IN_CODES_PER_ADDRESS, SIGN_IN_CODES_PER_MINUTE);
    struct rate *codes_day = rate_new(SIGN_IN_CODES_PER_ADDRESS_AND_DAY, SIGN_IN_CODES_PER_DAY);
    struct rate *pictures = rate_new(UPLOADS_PER_PERSON, UPLOADS_PER_MINUTE);
    struct rate *people = rate_new(PERSON_PER_MINUTE, UINT_MAX);
    for (int i = 0; i < config->workers; i++) {
        workers[i].services.sign_in_codes = codes;
        workers[i].services.sign_in_codes_day = codes_day;
        workers[i].services.pictures = pictures;
        workers[i].services.people = people;
        if (pthread_create(&workers[i].thread, NULL, run_worker, &workers[i]) != 0) {
            return command_fail(strdup("cannot start a worker thread"));
        }
    }
    log_info("serving", "version=%s workers=%d accounts=%zu", GULOU_VERSION, config->workers,
             config->accounts_n);
    if (!supervisor_ready(&error)) {
        log_error("supervisor", "cause=\"%s\"", error);
        free(error);
    }
    log_info("stopping", "signal=%d", wait_to_stop(&signals, at_terminal));
    for (int i = 0; i < config->workers; i++) {
        eventfd_write(workers[i].stop_fd, 1);
    }
    for (int i = 0; i < config->workers; i++) {
        pthread_join(workers[i].thread, NULL);
        close(workers[i].stop_fd);
        if (workers[i].ops_socket >= 0) {
            close(workers[i].ops_socket);
        }
        event_base_free(workers[i].services.base);
    }
    rate_free(codes);
    rate_free(codes_day);
    rate_free(pictures);
    rate_free(people);
    log_info("stopped", "clean=true");
    return COMMAND_DONE;
}

static int run(int argc, const char **argv) {
    static struct worker workers[WORKERS_MAX];
    int exit_code;
    struct config *config = command_config(argc, argv, NULL, &exit_code);
    if (config == NULL) {
        return exit_code;
    }
    log_init(config->log_level);
    exit_code = serve(config, workers);
    config_free(config);
    return exit_code;
}

const struct subcommand command_serve = {"serve", "answer the platform and show the pages", run};
