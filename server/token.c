#include "server/token.h"

#include <event2/event.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "server/base/limits.h"
#include "server/base/log.h"
#include "server/base/random.h"

#define KIND "access_token"
#define ID_CHARS 16
#define WAIT_STEP_MS 500
#define WAIT_STEPS_MAX 40 /* as long as another server's lease lasts */
#define REST_SECONDS 60   /* after a fetch that was refused */
#define RETRY_SECONDS 5   /* after one that never got an answer, and after a fault here */

TAILQ_HEAD(waiters, token_wait);

struct token {
    struct tokens *tokens;
    const struct account *account;
    char text[TOKEN_MAX_BYTES + 1];
    int64_t good_till; /* seconds of the monotonic clock; 0: unknown */
    struct waiters waiters;
    bool busy; /* asking, fetching or waiting for another server */
    int waited;
    struct event *step;
    struct pg_call call;
    char argument[TOKEN_MAX_BYTES + 1]; /* of the call under way */
    char seconds[16];
    int rest; /* before the next fetch */
    struct api_call fetch;
    char *body;
    char refused[TOKEN_MAX_BYTES + 1]; /* told to the database with the next question; or empty */
};

struct tokens {
    struct services *services;
    struct api *api;
    char id[ID_CHARS + 1]; /* of this worker, for the lease */
    size_t n;
    struct token *of; /* one an account */
};

static int64_t now_seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec;
}

/* ---- giving it out ---- */

static void remember(struct token *token, const char *text, int seconds) {
    if (strcmp(text, token->refused) != 0)
        token->refused[0] = '\0';
    int keep = seconds - 5 < TOKEN_KEPT_SECONDS ? seconds - 5 : TOKEN_KEPT_SECONDS;
    snprintf(token->text, sizeof token->text, "%s", text);
    token->good_till = now_seconds() + keep;
}

static void give(struct token *token, const char *text, int later_seconds) {
    struct waiters waiting;
    TAILQ_INIT(&waiting);
    TAILQ_CONCAT(&waiting, &token->waiters, link);
    struct token_wait *wait;
    TAILQ_FOREACH(wait, &waiting, link) wait->queue = &waiting;
    while ((wait = TAILQ_FIRST(&waiting))) {
        TAILQ_REMOVE(&waiting, wait, link);
        wait->queue = NULL;
        wait->on_token(wait, text, later_seconds);
    }
}

static void fail(struct token *token, int later_seconds) {
    token->busy = false;
    give(token, NULL, later_seconds);
}

/* ---- one call of the database ---- */

static bool ask_database(struct token *token, const char *function, int n, const char *const args[],
                         void (*on_done)(struct pg_call *, enum pg_status, const char *, size_t)) {
    token->call = (struct pg_call){.function = function,
                                   .n = n + 2,
                                   .args = {token->account->id, KIND},
                                   .changes = true,
                                   .on_done = on_done};
    for (int i = 0; i < n; i++)
        token->call.args[i + 2] = args[i];
    if (pg_submit(token->tokens->services->pg, &token->call))
        return true;
    fail(token, RETRY_SECONDS);
    return false;
}

static struct token *token_of_call(struct pg_call *call) {
    return (struct token *)(void *)((char *)call - offsetof(struct token, call));
}

static const char *text_field(const cJSON *facts, const char *name) {
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(facts, name));
}

static bool is_set(const cJSON *facts, const char *name) {
    return cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(facts, name));
}

static int seconds_field(const cJSON *json, const char *name) {
    const cJSON *field = cJSON_GetObjectItemCaseSensitive(json, name);
    return cJSON_IsNumber(field) ? field->valueint : 0;
}

/* ---- fetching ---- */

static void fetch(struct token *token, bool force);

static void on_kept(struct pg_call *call, enum pg_status status, const char *json, size_t n) {
    struct token *token = token_of_call(call);
    cJSON *facts = status == PG_OK ? cJSON_ParseWithLength(json, n) : NULL;
    const char *text = text_field(facts, "token");
    if (text) {
        remember(token, text, seconds_field(facts, "seconds"));
        token->busy = false;
        log_info("token_fetched", "account=%s seconds=%d", token->account->id,
                 seconds_field(facts, "seconds"));
        give(token, token->text, 0);
    } else if (is_set(facts, "force")) {
        fetch(token, true);
    } else {
        int later = seconds_field(facts, "later");
        fail(token, later > 0 ? later : RETRY_SECONDS);
    }
    cJSON_Delete(facts);
}

static void on_released(struct pg_call *call, enum pg_status status, const char *json, size_t n) {
    (void)status;
    (void)json;
    (void)n;
    struct token *token = token_of_call(call);
    fail(token, token->rest);
}

static void release(struct token *token, const struct api_result *result) {
    token->rest = result->error->reaction == API_RETRY ? RETRY_SECONDS : REST_SECONDS;
    snprintf(token->seconds, sizeof token->seconds, "%d", token->rest);
    const char *args[] = {token->tokens->id, token->seconds};
    log_error("platform_alert",
              "account=%s call=stable_token code=%d meaning=\"%s\" message=\"%s\"",
              token->account->id, result->errcode, result->error->meaning, result->message);
    ask_database(token, "release_platform_token", 2, args, on_released);
}

static void on_fetched(struct api_call *call, const struct api_result *result) {
    struct token *token = (struct token *)(void *)((char *)call - offsetof(struct token, fetch));
    const char *text = text_field(result->json, "access_token");
    int seconds = seconds_field(result->json, "expires_in");
    cJSON_free(token->body);
    token->body = NULL;
    if (result->errcode != 0 || !text || !*text || strlen(text) > TOKEN_MAX_BYTES || seconds <= 0) {
        release(token, result);
        return;
    }
    snprintf(token->argument, sizeof token->argument, "%s", text);
    snprintf(token->seconds, sizeof token->seconds, "%d", seconds);
    const char *args[] = {token->argument, token->seconds};
    ask_database(token, "keep_platform_token", 2, args, on_kept);
}

static void fetch(struct token *token, bool force) {
    cJSON *body = cJSON_CreateObject();
    cJSON_AddStringToObject(body, "grant_type", "client_credential");
    cJSON_AddStringToObject(body, "appid", token->account->app_id);
    cJSON_AddStringToObject(body, "secret", token->account->app_secret);
    cJSON_AddBoolToObject(body, "force_refresh", force);
    token->body = cJSON_PrintUnformatted(body);
    cJSON_Delete(body);
    token->fetch = (struct api_call){
        .path = "/cgi-bin/stable_token", .body = str_from(token->body), .on_done = on_fetched};
    api_start(token->tokens->api, &token->fetch);
}

/* ---- asking for the shared one ---- */

static void ask(struct token *token);

static void on_step(evutil_socket_t fd, short what, void *arg) {
    (void)fd;
    (void)what;
    ask(arg);
}

static void wait_for_other(struct token *token) {
    struct timeval step = {0, WAIT_STEP_MS * 1000};
    if (++token->waited > WAIT_STEPS_MAX)
        fail(token, RETRY_SECONDS);
    else
        evtimer_add(token->step, &step);
}

static void on_asked(struct pg_call *call, enum pg_status status, const char *json, size_t n) {
    struct token *token = token_of_call(call);
    cJSON *facts = status == PG_OK ? cJSON_ParseWithLength(json, n) : NULL;
    const char *text = text_field(facts, "token");
    bool fetches = is_set(facts, "fetch");
    int later = seconds_field(facts, "later");
    if (text) {
        remember(token, text, seconds_field(facts, "seconds"));
        token->busy = fetches;
        give(token, token->text, 0);
    }
    if (fetches)
        fetch(token, false);
    else if (is_set(facts, "wait"))
        wait_for_other(token);
    else if (!text)
        fail(token, later > 0 ? later : RETRY_SECONDS);
    cJSON_Delete(facts);
}

static void ask(struct token *token) {
    snprintf(token->argument, sizeof token->argument, "%s", token->refused);
    const char *args[] = {token->tokens->id, *token->argument ? token->argument : NULL};
    ask_database(token, "platform_token", 2, args, on_asked);
}

void token_get(struct tokens *tokens, const struct account *account, struct token_wait *wait) {
    struct token *token = &tokens->of[account - tokens->services->config->accounts];
    if (now_seconds() < token->good_till) {
        wait->on_token(wait, token->text, 0);
        return;
    }
    wait->queue = &token->waiters;
    TAILQ_INSERT_TAIL(&token->waiters, wait, link);
    if (token->busy)
        return;
    token->busy = true;
    token->waited = 0;
    ask(token);
}

void token_cancel(struct token_wait *wait) {
    struct waiters *queue = wait->queue;
    if (queue)
        TAILQ_REMOVE(queue, wait, link);
    wait->queue = NULL;
}

void token_refused(struct tokens *tokens, const struct account *account, const char *text) {
    struct token *token = &tokens->of[account - tokens->services->config->accounts];
    log_warn("token_refused", "account=%s", account->id);
    if (strcmp(token->text, text) != 0)
        return; /* there is a newer one */
    token->good_till = 0;
    snprintf(token->refused, sizeof token->refused, "%s", text);
}

/* ---- all of them ---- */

struct tokens *tokens_new(struct services *services, struct api *api) {
    struct tokens *tokens = calloc(1, sizeof *tokens);
    uint64_t id;
    size_t n = services->config->accounts_n;
    struct token *of = calloc(n + 1, sizeof *of);
    if (!tokens || !of)
        abort();
    random_bytes(&id, sizeof id);
    *tokens = (struct tokens){.services = services, .api = api, .n = n, .of = of};
    snprintf(tokens->id, sizeof tokens->id, "%016" PRIx64, id);
    for (size_t i = 0; i < n; i++) {
        of[i].tokens = tokens;
        of[i].account = &services->config->accounts[i];
        of[i].step = evtimer_new(services->base, on_step, &of[i]);
        TAILQ_INIT(&of[i].waiters);
    }
    return tokens;
}

void tokens_free(struct tokens *tokens) {
    if (!tokens)
        return;
    for (size_t i = 0; i < tokens->n; i++) {
        struct token *token = &tokens->of[i];
        api_cancel(tokens->api, &token->fetch);
        pg_cancel(tokens->services->pg, &token->call);
        event_free(token->step);
        cJSON_free(token->body);
    }
    free(tokens->of);
    free(tokens);
}
