#include "server/platform.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "server/base/limits.h"
#include "server/base/log.h"
#include "server/base/metrics.h"

#define BACK_OFF_MAX_SECONDS 600
#define UNAUTHORIZED 48001
#define FORBIDDEN_MAX 64
#define FORBIDDEN_SECONDS 3600
#define BEIJING_SECONDS (8 * 3600)
#define DAY_SECONDS 86400

/* What an account may not do is not asked again and again: the operator has to mend it first. */
struct forbidden {
    const struct account *account;
    const char *path;
    time_t until;
};

struct platform {
    struct services *services;
    struct forbidden forbidden[FORBIDDEN_MAX];
    size_t forbidden_n; /* ever; the oldest are overwritten */
    struct api *api;
    struct tokens *tokens;
};

static void send_call(struct platform_call *call);

/* ---- reactions ---- */

static int until_midnight(void) {
    return DAY_SECONDS - (int)((time(NULL) + BEIJING_SECONDS) % DAY_SECONDS);
}

/* 1, 2, 4 … seconds. */
static int back_off(int attempt) {
    int seconds = attempt < 10 ? 1 << attempt : BACK_OFF_MAX_SECONDS;
    return seconds < BACK_OFF_MAX_SECONDS ? seconds : BACK_OFF_MAX_SECONDS;
}

static struct platform_result react(const struct platform_call *call,
                                    const struct api_error *error) {
    struct platform_result later = {.outcome = PLATFORM_LATER};
    switch (error->reaction) {
    case API_OK:
        return (struct platform_result){.outcome = PLATFORM_DONE};
    case API_RETRY:
    case API_REFRESH_TOKEN: /* the second time */
        later.later_seconds = back_off(call->attempt);
        return later;
    case API_WAIT:
        later.awaits_person = error->wait_seconds == API_WAIT_PERSON;
        later.later_seconds = error->wait_seconds == API_WAIT_MIDNIGHT ? until_midnight()
                              : later.awaits_person                    ? DAY_SECONDS
                                                                       : error->wait_seconds;
        return later;
    case API_GIVE_UP:
    case API_AUTHORISE_AGAIN:
        break;
    }
    return (struct platform_result){.outcome = PLATFORM_REFUSED};
}

static void tell_log(const struct platform_call *call, const struct api_result *result) {
    if (result->errcode == 0)
        return;
    if (result->error->alert)
        log_error("platform_alert",
                  "account=%s call=%s code=%d meaning=\"%s\" message=\"%s\" rid=%s",
                  call->account->id, call->path, result->errcode, result->error->meaning,
                  result->message, result->rid);
    else
        log_warn("platform_call", "account=%s call=%s code=%d meaning=\"%s\" message=\"%s\" rid=%s",
                 call->account->id, call->path, result->errcode, result->error->meaning,
                 result->message, result->rid);
}

static bool is_forbidden(const struct platform *platform, const struct platform_call *call) {
    for (size_t i = 0; i < FORBIDDEN_MAX; i++) {
        const struct forbidden *f = &platform->forbidden[i];
        if (f->account == call->account && f->until > time(NULL) &&
            strcmp(f->path, call->path) == 0)
            return true;
    }
    return false;
}

static void forbid(const struct platform_call *call) {
    struct platform *platform = call->platform;
    platform->forbidden[platform->forbidden_n++ % FORBIDDEN_MAX] =
        (struct forbidden){call->account, call->path, time(NULL) + FORBIDDEN_SECONDS};
}

static void on_answer(struct api_call *api, const struct api_result *answer) {
    struct platform_call *call =
        (struct platform_call *)(void *)((char *)api - offsetof(struct platform_call, api));
    tell_log(call, answer);
    metric_add(answer->errcode == 0 ? METRIC_PLATFORM_CALLS : METRIC_PLATFORM_FAILURES, 1);
    if (answer->error->reaction == API_REFRESH_TOKEN && !call->without_token) {
        token_refused(call->platform->tokens, call->account, call->token);
        if (!call->refreshed) {
            call->refreshed = true;
            send_call(call);
            return;
        }
    }
    if (answer->errcode == UNAUTHORIZED)
        forbid(call);
    struct platform_result result = react(call, answer->error);
    result.errcode = answer->errcode;
    result.meaning = answer->error->meaning;
    result.rid = answer->rid;
    result.json = answer->json;
    result.file = answer->file;
    result.file_type = answer->file_type;
    call->on_done(call, &result);
}

/* ---- one call ---- */

static void start_api(struct platform_call *call, const char *token) {
    call->api = (struct api_call){.path = call->path,
                                  .token = token,
                                  .body = call->body,
                                  .file = call->file,
                                  .wants_file = call->wants_file,
                                  .attempt = call->attempt,
                                  .on_done = on_answer};
    memcpy(call->api.query, call->query, sizeof call->query);
    api_start(call->platform->api, &call->api);
}

static void on_token(struct token_wait *wait, const char *token, int later_seconds) {
    struct platform_call *call =
        (struct platform_call *)(void *)((char *)wait - offsetof(struct platform_call, wait));
    if (token && is_forbidden(call->platform, call)) {
        call->on_done(call, &(struct platform_result){.outcome = PLATFORM_REFUSED,
                                                      .errcode = UNAUTHORIZED,
                                                      .meaning = api_error(UNAUTHORIZED)->meaning,
                                                      .rid = ""});
    } else if (token) {
        snprintf(call->token, sizeof call->token, "%s", token);
        start_api(call, call->token);
    } else {
        call->on_done(call, &(struct platform_result){.outcome = PLATFORM_LATER,
                                                      .later_seconds = later_seconds,
                                                      .not_sent = true,
                                                      .errcode = -1,
                                                      .meaning = "no access token",
                                                      .rid = ""});
    }
}

static void send_call(struct platform_call *call) {
    if (call->without_token) {
        start_api(call, NULL);
        return;
    }
    call->wait = (struct token_wait){.on_token = on_token};
    token_get(call->platform->tokens, call->account, &call->wait);
}

void platform_start(struct platform *platform, struct platform_call *call) {
    call->platform = platform;
    call->refreshed = false;
    send_call(call);
}

void platform_cancel(struct platform_call *call) {
    if (!call->platform)
        return;
    token_cancel(&call->wait);
    api_cancel(call->platform->api, &call->api);
}

/* ---- the whole ---- */

struct platform *platform_new(struct services *services) {
    struct platform *platform = calloc(1, sizeof *platform);
    if (!platform)
        abort();
    platform->services = services;
    platform->api = api_new(services->base, services->config->wechat_api_base);
    platform->tokens = tokens_new(services, platform->api);
    return platform;
}

void platform_free(struct platform *platform) {
    if (!platform)
        return;
    tokens_free(platform->tokens);
    api_free(platform->api);
    free(platform);
}
