#include "server/web.h"

#include <stddef.h>
#include <string.h>

#include "server/base/limits.h"
#include "server/base/log.h"
#include "server/callback.h"

#define SEGMENTS_MAX 8

struct path {
    struct str segments[SEGMENTS_MAX];
    size_t n; /* SEGMENTS_MAX + 1: too many */
};

static struct path split(struct str text) {
    struct path path = {.n = 0};
    size_t at = 0;
    while (at < text.n) {
        const char *slash = memchr(text.p + at, '/', text.n - at);
        size_t end = slash ? (size_t)(slash - text.p) : text.n;
        if (end > at) {
            if (path.n == SEGMENTS_MAX) {
                path.n++;
                return path;
            }
            path.segments[path.n++] = (struct str){text.p + at, end - at};
        }
        at = end + 1;
    }
    return path;
}

static bool is_at(const struct path *path, size_t i, const char *word) {
    return i < path->n && str_is(path->segments[i], word);
}

/* ---- answering ---- */

static void answer_error(struct web_call *w, int status, const char *code, const char *message) {
    if (w->json)
        api_error(w, status, code, message);
    else
        page_error(w, status, message);
}

static void not_found(struct web_call *w) {
    answer_error(w, 404, "not_found", "没有这个页面，或者内容还没有公开。");
}

static void unavailable(struct web_call *w) {
    http_set_header(w->exchange, "Retry-After", "5");
    answer_error(w, 503, "unavailable", "系统繁忙，请稍后再试。");
}

static void on_facts(struct pg_call *call, enum pg_status status, const char *json, size_t n) {
    struct web_call *w =
        (struct web_call *)(void *)((char *)call - offsetof(struct web_call, call));
    cJSON *facts = status == PG_OK ? cJSON_ParseWithLength(json, n) : NULL;
    if (!facts) {
        log_error("view_failed", "account=%s function=%s cause=%s sqlstate=%s", w->account->id,
                  call->function, status == PG_LATE ? "deadline" : "fault", call->sqlstate);
        unavailable(w);
        return;
    }
    const char *refusal = request_refusal(facts);
    if (refusal && strcmp(refusal, "not_found") == 0)
        not_found(w);
    else if (refusal)
        answer_error(w, 400, refusal, "请求中的某个值不对。");
    else if (w->json)
        api_answer(w, facts);
    else
        page_answer(w, facts);
    cJSON_Delete(facts);
}

static void on_exchange_end(void *context) {
    struct web_call *w = context;
    pg_cancel(w->services->pg, &w->call);
}

/* ---- asking ---- */

static void add(struct web_call *w, const char *value) {
    w->call.args[w->call.n++] = value;
}

static const char *z(struct web_call *w, struct str text) {
    return str_z(http_arena(w->exchange), text);
}

/* A whole number from the address, as text for the database. *out stays NULL when it is absent. */
static bool take_number(struct web_call *w, struct str text, int64_t max, const char **out) {
    int64_t value;
    *out = NULL;
    if (!text.p)
        return true;
    if (!str_to_i64(text, &value) || value < 0 || value > max)
        return false;
    *out = z(w, text);
    return true;
}

static bool take_limit(struct web_call *w, const char *otherwise, const char **out) {
    if (!take_number(w, http_query(w->exchange, "limit"), WEB_ROWS_MAX, out) ||
        (*out && strcmp(*out, "0") == 0))
        return false;
    if (!*out)
        *out = otherwise;
    return true;
}

static bool prepare(struct web_call *w, const struct path *path, size_t at) {
    const char *id, *no, *limit, *seen;
    struct http_exchange *x = w->exchange;
    add(w, w->account->id);
    switch (w->view) {
    case WEB_HOME:
        w->call.function = "notices";
        add(w, NULL);
        add(w, "3");
        return true;
    case WEB_NOTICES:
        w->call.function = "notices";
        if (!take_number(w, http_query(x, "before"), INT32_MAX, &seen) ||
            !take_limit(w, "20", &limit))
            return false;
        add(w, seen);
        add(w, limit);
        return true;
    case WEB_NOTICE:
        w->call.function = "notice";
        if (!take_number(w, path->segments[at], INT32_MAX, &id) ||
            !take_number(w, http_query(x, "after"), INT64_MAX, &seen) ||
            !take_limit(w, "100", &limit))
            return false;
        add(w, id);
        add(w, seen);
        add(w, limit);
        return true;
    case WEB_PROOF:
        w->call.function = "proof";
        if (!take_number(w, path->segments[at], INT32_MAX, &id) ||
            !take_number(w, path->segments[at + 2], INT64_MAX, &no))
            return false;
        add(w, id);
        add(w, no);
        return true;
    case WEB_RANKING_MEMBERS:
    case WEB_RANKING_UNITS:
        w->call.function = "ranking";
        if (!take_limit(w, "10", &limit))
            return false;
        add(w, NULL); /* nobody in particular asks */
        add(w, w->view == WEB_RANKING_UNITS ? "units" : "members");
        add(w, http_query(x, "period").p ? z(w, http_query(x, "period")) : NULL);
        add(w, limit);
        return true;
    }
    return false;
}

static void ask(struct web_call *w, enum web_view view, const struct path *path, size_t at) {
    w->view = view;
    w->call = (struct pg_call){.on_done = on_facts, .deadline_ms = WEB_WORK_MS};
    if (!prepare(w, path, at)) {
        answer_error(w, 400, "bad_request", "请求中的某个值不对。");
        return;
    }
    if (!pg_submit(w->services->pg, &w->call)) {
        unavailable(w);
        return;
    }
    http_on_end(w->exchange, on_exchange_end, w);
}

/* ---- which view a path names ---- */

static void route_api(struct web_call *w, const struct path *path) {
    if (path->n == 4 && is_at(path, 3, "notices"))
        ask(w, WEB_NOTICES, path, 0);
    else if (path->n == 5 && is_at(path, 3, "notices"))
        ask(w, WEB_NOTICE, path, 4);
    else if (path->n == 7 && is_at(path, 3, "notices") && is_at(path, 5, "proof"))
        ask(w, WEB_PROOF, path, 4);
    else if (path->n == 5 && is_at(path, 3, "ranking") && is_at(path, 4, "members"))
        ask(w, WEB_RANKING_MEMBERS, path, 0);
    else if (path->n == 5 && is_at(path, 3, "ranking") && is_at(path, 4, "units"))
        ask(w, WEB_RANKING_UNITS, path, 0);
    else
        not_found(w);
}

static void route_page(struct web_call *w, const struct path *path) {
    if (path->n == 1)
        ask(w, WEB_HOME, path, 0);
    else if (path->n == 2 && is_at(path, 1, "notices"))
        ask(w, WEB_NOTICES, path, 0);
    else if (path->n == 3 && is_at(path, 1, "notices"))
        ask(w, WEB_NOTICE, path, 2);
    else if (path->n == 2 && is_at(path, 1, "ranking"))
        ask(w, str_is(http_query(w->exchange, "by"), "units") ? WEB_RANKING_UNITS
                                                             : WEB_RANKING_MEMBERS,
            path, 0);
    else
        not_found(w);
}

void web_handle(struct http_exchange *x, void *context) {
    struct services *services = context;
    struct path path = split(http_path(x));
    if (path.n == 2 && is_at(&path, 0, "wechat")) {
        callback_handle(x, services, path.segments[1]);
        return;
    }
    struct web_call *w = arena_alloc(http_arena(x), sizeof *w);
    w->exchange = x;
    w->services = services;
    w->json = is_at(&path, 0, "api");
    size_t at = w->json ? 2 : 0;
    if (path.n > at)
        w->account = config_account(services->config, z(w, path.segments[at]));
    if (http_method(x) != HTTP_GET) {
        http_set_header(x, "Allow", "GET, HEAD");
        answer_error(w, 405, "method_not_allowed", "这里只能查看。");
    } else if (path.n == 2 && is_at(&path, 0, "static") && is_at(&path, 1, "pages.css")) {
        page_style(x);
    } else if (!w->account || path.n > SEGMENTS_MAX || (w->json && !is_at(&path, 1, "v1"))) {
        not_found(w);
    } else if (w->json) {
        route_api(w, &path);
    } else {
        route_page(w, &path);
    }
}
