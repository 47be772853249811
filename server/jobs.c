#include "server/jobs.h"

#include <cjson/cJSON.h>
#include <event2/event.h>
#include <stdlib.h>

#include "db/leaderboard_feed.h"
#include "server/base/log.h"
#include "server/outbox.h"

#define SEAL_SECONDS 60
#define PURGE_SECONDS 3600
#define REMIND_SECONDS 600
#define TAGS_SECONDS 180
#define SETTLE_SECONDS 5
#define SETTLERS 2 /* as many as api.settle_due() lets work at once */
#define SETTLERS_APART_US 1000
#define FOLD_SECONDS 1

struct job {
    struct jobs *jobs;
    const char *function;
    int seconds;
    struct timeval pause; /* before the next step of work that is not done */
    struct event *timer;
    struct event *next;
    struct pg_call call;
    bool running;
};

struct jobs {
    struct services *services;
    struct job seal;
    struct job purge;
    struct job purge_outbox;
    struct job purge_sessions;
    struct job remind;
    struct job tags;
    struct job purge_joining;
    struct job remind_administrators;
    struct job settle[SETTLERS];
    struct job fold;
    struct outbox *outbox;
    struct leaderboard_feed **feeds; /* one an account */
};

static void on_time(evutil_socket_t fd, short what, void *context);

static void on_done(struct pg_call *call, enum pg_status status, const char *json, size_t n) {
    struct job *job = (struct job *)(void *)((char *)call - offsetof(struct job, call));
    job->running = false;
    if (status != PG_OK) {
        log_warn("job", "name=%s result=failed sqlstate=%s", job->function, call->sqlstate);
        return;
    }
    cJSON *facts = cJSON_ParseWithLength(json, n);
    const cJSON *seal;
    cJSON_ArrayForEach(seal, cJSON_GetObjectItem(facts, "sealed")) {
        /* The log is the copy off the database: a rewritten history contradicts it. */
        log_info("daily_seal", "account=%s day=%s root=%s",
                 cJSON_GetStringValue(cJSON_GetObjectItem(seal, "account")),
                 cJSON_GetStringValue(cJSON_GetObjectItem(seal, "day")),
                 cJSON_GetStringValue(cJSON_GetObjectItem(seal, "root")));
    }
    if (cJSON_IsTrue(cJSON_GetObjectItem(facts, "finished")))
        log_info("settled", "account=%s notice=%.0f",
                 cJSON_GetStringValue(cJSON_GetObjectItem(facts, "account")),
                 cJSON_GetNumberValue(cJSON_GetObjectItem(facts, "notice")));
    /* Work in small steps, each a transaction: what waits for the database goes between two. */
    bool more = cJSON_IsTrue(cJSON_GetObjectItem(facts, "more"));
    cJSON_Delete(facts);
    if (more)
        evtimer_add(job->next, &job->pause);
}

static void on_time(evutil_socket_t fd, short what, void *context) {
    (void)fd;
    (void)what;
    struct job *job = context;
    if (job->running) {
        return;
    }
    job->call = (struct pg_call){.function = job->function, .changes = true, .on_done = on_done};
    job->running = pg_submit(job->jobs->services->pg, &job->call);
}

/* Who waited for the server comes first: on fresh connections every function is slow. */
static const struct timeval after_people = {1, 0};

static void start_job(struct jobs *jobs, struct job *job, const char *function, int seconds) {
    struct timeval every = {seconds, 0};
    *job = (struct job){.jobs = jobs, .function = function, .seconds = seconds};
    job->timer = event_new(jobs->services->base, -1, EV_PERSIST, on_time, job);
    job->next = evtimer_new(jobs->services->base, on_time, job);
    evtimer_add(job->timer, &every);
    event_base_once(jobs->services->base, -1, EV_TIMEOUT, on_time, job, &after_people);
}

static void stop_job(struct job *job) {
    pg_cancel(job->jobs->services->pg, &job->call);
    event_free(job->timer);
    event_free(job->next);
}

/* Said once, so that nobody looks for what cannot be there. */
static void tell_what_is_missing(const struct config *config) {
    for (size_t i = 0; i < config->accounts_n; i++)
        if (!config->accounts[i].verified)
            log_warn("account_unverified",
                     "account=%s missing=\"menus, tags, notifications, QR codes, sign-in pages, "
                     "publishing\" why=\"verified = false in the configuration\" instead=\"text "
                     "commands, tap-links, and notifications on top of the next reply\"",
                     config->accounts[i].id);
}

struct jobs *jobs_new(struct services *services) {
    const struct config *config = services->config;
    struct jobs *jobs = calloc(1, sizeof(*jobs));
    if (jobs == NULL) {
        abort();
    }
    jobs->services = services;
    tell_what_is_missing(config);
    start_job(jobs, &jobs->seal, "seal_day", SEAL_SECONDS);
    start_job(jobs, &jobs->purge, "purge_inbox", PURGE_SECONDS);
    start_job(jobs, &jobs->purge_outbox, "purge_outbox", PURGE_SECONDS);
    start_job(jobs, &jobs->purge_sessions, "purge_sessions", PURGE_SECONDS);
    start_job(jobs, &jobs->remind, "remind_reviewers", REMIND_SECONDS);
    start_job(jobs, &jobs->tags, "reconcile_tags", TAGS_SECONDS);
    start_job(jobs, &jobs->purge_joining, "purge_joining", PURGE_SECONDS);
    start_job(jobs, &jobs->remind_administrators, "remind_administrators", REMIND_SECONDS);
    for (int i = 0; i < SETTLERS; i++) {
        start_job(jobs, &jobs->settle[i], "settle_due", SETTLE_SECONDS);
        /* Calls of one turn of the loop would share a connection and a transaction. */
        jobs->settle[i].pause.tv_usec = i * SETTLERS_APART_US;
    }
    start_job(jobs, &jobs->fold, "fold_scores", FOLD_SECONDS);
    jobs->outbox = outbox_new(services);
    jobs->feeds = calloc(config->accounts_n + 1, sizeof(*jobs->feeds));
    for (size_t i = 0; jobs->feeds != NULL && i < config->accounts_n; i++) {
        jobs->feeds[i] = leaderboard_feed_new(services->base, services->pg, services->redis,
                                              config->accounts[i].id);
    }
    return jobs;
}

void jobs_free(struct jobs *jobs) {
    if (jobs == NULL) {
        return;
    }
    for (size_t i = 0; jobs->feeds != NULL && i < jobs->services->config->accounts_n; i++) {
        leaderboard_feed_free(jobs->feeds[i]);
    }
    free(jobs->feeds);
    stop_job(&jobs->seal);
    stop_job(&jobs->purge);
    stop_job(&jobs->purge_outbox);
    stop_job(&jobs->purge_sessions);
    stop_job(&jobs->remind);
    stop_job(&jobs->tags);
    stop_job(&jobs->purge_joining);
    stop_job(&jobs->remind_administrators);
    for (int i = 0; i < SETTLERS; i++)
        stop_job(&jobs->settle[i]);
    stop_job(&jobs->fold);
    outbox_free(jobs->outbox);
    free(jobs);
}
