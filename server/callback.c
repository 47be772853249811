#include "server/callback.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <time.h>

#include "db/attempts.h"
#include "server/base/limits.h"
#include "server/base/log.h"
#include "server/base/metrics.h"
#include "server/crowd.h"
#include "server/route.h"
#include "wechat/callback.h"
#include "wechat/reply.h"

struct work {
    LIST_ENTRY(work) link;
    struct request rq;
    struct callback_open open;
    struct http_exchange *exchange; /* NULL once the connection is done with */
    struct event *budget;           /* and, once all is over, the end of the work */
    struct attempt_call attempt;
    int attempt_by_age;
    int attempt_counted; /* 0: not yet */
    bool counting;
    bool answered;
    const char *turned_away; /* NULL: let in */
    uint16_t *under_way;     /* of the crowd, once let in */
};

static _Thread_local size_t active;
static _Thread_local LIST_HEAD(, work) works;

static void refuse(struct http_exchange *x, int status, enum metric metric) {
    metric_add(metric, 1);
    http_reply(x, status, NULL, (struct str){"", 0});
}

static void answer(struct work *w, struct str text) {
    if (!w->exchange || w->answered)
        return;
    w->answered = true;
    metric_add(METRIC_CALLBACKS, 1);
    struct str body = reply_text(w->rq.arena, &w->open, text);
    if (body.n > 0)
        http_reply(w->exchange, 200, "application/xml; charset=utf-8", body);
    else
        http_reply(w->exchange, 200, "text/plain; charset=utf-8", STR("success"));
}

/* ---- two ends, one free ---- */

static void free_work(struct work *w) {
    LIST_REMOVE(w, link);
    active--;
    crowd_leave(w->under_way);
    event_del(w->budget);
    arena_free(w->rq.arena);
}

static bool is_over(const struct work *w) {
    return w->rq.ended && !w->exchange;
}

/* Not at once: whoever ended the work is still running on its memory. */
static void free_when_over(struct work *w) {
    if (is_over(w))
        event_active(w->budget, EV_TIMEOUT, 0);
}

static void on_exchange_end(void *arg) {
    struct work *w = arg;
    w->exchange = NULL;
    free_when_over(w);
}

static void on_work_end(struct request *rq, struct str reply) {
    struct work *w = (struct work *)(void *)((char *)rq - offsetof(struct work, rq));
    answer(w, reply);
    free_when_over(w);
}

/* ---- the time budget ---- */

/* Which attempt this must be, from when the message was written; 0 when the clocks do not tell.
 * What was counted is too low when an earlier attempt was lost on its way, or with the server that
 * had done its work, or was counted by another server while Redis was away. */
static int attempt_by_age(const struct message *message) {
    int64_t age = (int64_t)time(NULL) - message->create_time;
    if (age < -CALLBACK_CLOCKS_APART_SECONDS ||
        age > CALLBACK_ATTEMPTS * CALLBACK_ATTEMPT_SECONDS + CALLBACK_CLOCKS_APART_SECONDS)
        return 0;
    return 1 + (int)(age + 1) / CALLBACK_ATTEMPT_SECONDS;
}

static void on_attempt(struct attempt_call *call, int attempt) {
    struct work *w = (struct work *)(void *)((char *)call - offsetof(struct work, attempt));
    w->counting = false;
    w->attempt_counted = attempt;
    if (attempt < w->attempt_by_age)
        attempt = w->attempt_by_age;
    log_info("callback_late", "request=%s account=%s attempt=%d", request_id(&w->rq),
             w->rq.account->id, attempt);
    if (w->rq.ended)
        return;
    /* An earlier attempt may be under way where this one knows nothing of, so only the first may
     * say that nothing has happened. */
    if (attempt == 1 && request_give_up(&w->rq))
        return;
    if (attempt < CALLBACK_ATTEMPTS)
        return;
    answer(w, request_unfinished(&w->rq));
}

static void on_budget(evutil_socket_t fd, short what, void *arg) {
    (void)fd;
    (void)what;
    struct work *w = arg;
    if (is_over(w)) {
        if (w->counting)
            attempt_cancel(w->rq.services->redis, &w->attempt);
        free_work(w);
        return;
    }
    if (w->rq.ended || w->answered)
        return;
    metric_add(METRIC_CALLBACKS_LATE, 1);
    if (w->counting) /* since it came: it is being judged already */
        return;
    if (w->attempt_counted > 0) {
        on_attempt(&w->attempt, w->attempt_counted);
        return;
    }
    w->counting = true;
    w->attempt.on_done = on_attempt;
    attempt_count(w->rq.services->redis, &w->attempt, request_key(&w->rq));
}

/* ---- too much at once ---- */

/* An earlier attempt may be under way: that one is done with, whatever comes. */
static void on_turned_away(struct attempt_call *call, int attempt) {
    struct work *w = (struct work *)(void *)((char *)call - offsetof(struct work, attempt));
    w->counting = false;
    w->attempt_counted = attempt;
    if (attempt > 1 || w->attempt_by_age > 1) {
        w->rq.later = true;
        route_message(&w->rq);
        return;
    }
    metric_add(METRIC_CALLBACKS_TURNED_AWAY, 1);
    log_warn("callback_turned_away", "request=%s account=%s", request_id(&w->rq),
             w->rq.account->id);
    request_reply(&w->rq, str_from(w->turned_away));
}

/* What people say can be said again; what the platform tells of them comes once. */
static bool turn_away(struct work *w) {
    bool said = w->rq.act && strcmp(w->rq.act, "arrival") != 0;
    w->turned_away = said ? crowd_why_not(&w->rq) : NULL;
    if (!w->turned_away)
        return false;
    w->counting = true;
    w->attempt.on_done = on_turned_away;
    attempt_count(w->rq.services->redis, &w->attempt, request_key(&w->rq));
    return true;
}

/* ---- one push ---- */

static struct callback_query query_of(struct http_exchange *x) {
    struct callback_query query = {0};
    const struct http_parameter parameters[] = {{STR("signature"), &query.signature},
                                                {STR("timestamp"), &query.timestamp},
                                                {STR("nonce"), &query.nonce},
                                                {STR("echostr"), &query.echostr},
                                                {STR("encrypt_type"), &query.encrypt_type},
                                                {STR("msg_signature"), &query.msg_signature}};
    http_query_all(x, parameters, sizeof parameters / sizeof *parameters);
    return query;
}

static void verify(struct http_exchange *x, const struct account *account) {
    struct callback_query query = query_of(x);
    if (callback_verify(account->wechat, &query) == CALLBACK_OK) {
        metric_add(METRIC_CALLBACKS, 1);
        http_reply(x, 200, "text/plain; charset=utf-8", query.echostr);
        return;
    }
    log_warn("callback_refused", "account=%s reason=verification", account->id);
    refuse(x, 403, METRIC_CALLBACKS_REFUSED);
}

/* What the platform counts for its window (wechat-protocol.md 7.4). */
static const char *act_of(const struct message *message) {
    static const char *const taps[] = {"CLICK", "scancode_push", "scancode_waitmsg"};
    static const char *const arrivals[] = {"subscribe", "SCAN"};
    if (message->type == MESSAGE_UNKNOWN)
        return NULL;
    if (message->type != MESSAGE_EVENT)
        return message->bizmsgmenuid.n > 0 ? "tap" : "message";
    for (size_t i = 0; i < sizeof taps / sizeof taps[0]; i++)
        if (str_is_nocase(message->event, taps[i]))
            return "tap";
    for (size_t i = 0; i < sizeof arrivals / sizeof arrivals[0]; i++)
        if (str_is_nocase(message->event, arrivals[i]))
            return "arrival";
    return NULL;
}

static void start_work(struct work *w, struct http_exchange *x) {
    struct request *rq = &w->rq;
    rq->message = &w->open.message;
    rq->open = &w->open;
    rq->openid = str_z(rq->arena, rq->message->from_user);
    rq->act = act_of(rq->message);
    rq->on_ended = on_work_end;
    w->attempt_by_age = attempt_by_age(rq->message);
    rq->later = w->attempt_by_age > 1;
    w->exchange = x;
    http_on_end(x, on_exchange_end, w);
    w->budget = arena_room(rq->arena, event_get_struct_event_size());
    evtimer_assign(w->budget, rq->services->base, on_budget, w);
    LIST_INSERT_HEAD(&works, w, link);
    active++;
    if (!turn_away(w)) {
        w->under_way = crowd_enter(rq->services->crowd, rq->openid);
        route_message(rq);
    }
    struct timeval budget = {CALLBACK_BUDGET_MS / 1000, CALLBACK_BUDGET_MS % 1000 * 1000};
    if (!rq->ended) /* which most that need no database have by now */
        evtimer_add(w->budget, &budget);
}

static void receive(struct http_exchange *x, struct services *services,
                    const struct account *account) {
    struct arena *arena = arena_new();
    struct work *w = arena_alloc(arena, sizeof *w);
    w->rq.arena = arena;
    w->rq.account = account;
    w->rq.services = services;
    struct callback_query query = query_of(x);
    /* The work may outlive the exchange: what it keeps of it, beside what is read into the arena.
     */
    query.nonce.p = str_z(arena, query.nonce);
    enum callback_result result =
        callback_open(arena, account->wechat, &query, http_body(x), &w->open);
    if (result == CALLBACK_OK) {
        start_work(w, x);
        return;
    }
    log_warn("callback_refused", "request=%s account=%s reason=\"%s\"", request_id(&w->rq),
             account->id, w->open.reason ? w->open.reason : "");
    if (result == CALLBACK_MALFORMED)
        refuse(x, 400, METRIC_CALLBACKS_MALFORMED);
    else
        refuse(x, 403, METRIC_CALLBACKS_REFUSED);
    arena_free(arena);
}

void callback_handle(struct http_exchange *x, struct services *services, struct str account_id) {
    const struct account *account =
        config_account(services->config, str_z(http_arena(x), account_id));
    if (!account) {
        refuse(x, 404, METRIC_CALLBACKS_REFUSED);
    } else if (http_method(x) == HTTP_GET) {
        verify(x, account);
    } else if (http_method(x) == HTTP_POST) {
        receive(x, services, account);
    } else {
        http_set_header(x, "Allow", "GET, POST");
        refuse(x, 405, METRIC_CALLBACKS_REFUSED);
    }
}

size_t callback_active(void) {
    return active;
}

void callback_free_all(void) {
    while (!LIST_EMPTY(&works))
        free_work(LIST_FIRST(&works));
}
