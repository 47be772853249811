#include "server/site.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <string.h>

#include "server/base/buf.h"
#include "server/base/log.h"
#include "server/base/metrics.h"
#include "server/callback.h"
#include "server/render.h"

#define SEGMENTS_MAX 7
#define JSON_TYPE "application/json; charset=utf-8"
#define HTML_TYPE "text/html; charset=utf-8"

/* One question to the database on behalf of a reader, and the face its answer gets. */
struct lookup {
    struct http_exchange *exchange;
    struct services *services;
    const struct account *account;
    const char *page; /* the template; NULL: the JSON itself */
    const char *kind; /* for the page: which board */
    struct pg_call call;
};

/* ---- answers ---- */

static void reply_error(struct http_exchange *x, const char *page, int status, const char *code,
                        const char *message) {
    struct arena *arena = http_arena(x);
    if (page == NULL) {
        http_reply(x, status, JSON_TYPE,
                   str_from(arena_printf(arena, "{\"error\":{\"code\":\"%s\",\"message\":\"%s\"}}",
                                         code, message)));
        return;
    }
    cJSON *data = cJSON_CreateObject();
    cJSON_AddStringToObject(data, "heading", message);
    char *html = render_page(arena, "error", data);
    cJSON_Delete(data);
    http_reply(x, status, HTML_TYPE, str_from(html));
}

static void reply_refusal(struct lookup *lookup, const char *code) {
    bool unknown = strcmp(code, "not_found") == 0;
    reply_error(lookup->exchange, lookup->page, unknown ? 404 : 400, code,
                unknown ? "没有这一项" : "请求的内容不对：季度请写成 2026-Q3");
}

/* 2026-11-23T10:00:00+08:00 → 2026-11-23 10:00; a closing midnight is told as 24:00 by the page's
 * words. */
static void shorten_time(cJSON *object, const char *name) {
    cJSON *item = cJSON_GetObjectItem(object, name);
    char *text = cJSON_GetStringValue(item);
    if (text != NULL && strlen(text) > 16) {
        text[10] = ' ';
        text[16] = '\0';
    }
}

static void prepare_head(cJSON *head) {
    const char *status = cJSON_GetStringValue(cJSON_GetObjectItem(head, "status"));
    cJSON_AddBoolToObject(head, "is_open", status != NULL && strcmp(status, "open") == 0);
    shorten_time(head, "opened_at");
    shorten_time(head, "closes_at");
}

static void reply_page(struct lookup *lookup, cJSON *data) {
    struct arena *arena = http_arena(lookup->exchange);
    cJSON *head;
    cJSON_ArrayForEach(head, cJSON_GetObjectItem(data, "notices")) {
        prepare_head(head);
    }
    if (cJSON_GetObjectItem(data, "root") != NULL) {
        prepare_head(data);
    }
    cJSON_AddStringToObject(data, "account", lookup->account->id);
    cJSON_AddStringToObject(data, "account_name", lookup->account->name);
    if (lookup->kind != NULL) {
        cJSON_AddBoolToObject(data, "units", strcmp(lookup->kind, "units") == 0);
    }
    char *html = render_page(arena, lookup->page, data);
    metric_add(METRIC_PAGES, 1);
    if (html == NULL) {
        reply_error(lookup->exchange, NULL, 500, "fault", "系统繁忙，请稍后再试");
        return;
    }
    http_set_header(lookup->exchange, "Content-Security-Policy",
                    "default-src 'none'; style-src 'unsafe-inline'; img-src data:");
    http_set_header(lookup->exchange, "X-Robots-Tag", "noindex");
    http_reply(lookup->exchange, 200, HTML_TYPE, str_from(html));
}

static void on_facts(struct pg_call *call, enum pg_status status, const char *json, size_t n) {
    struct lookup *lookup = (struct lookup *)(void *)((char *)call - offsetof(struct lookup, call));
    if (status != PG_OK) {
        reply_error(lookup->exchange, lookup->page, 503, "busy", "系统繁忙，请稍后再试");
        return;
    }
    cJSON *facts = cJSON_ParseWithLength(json, n);
    const char *code = request_refusal(facts);
    if (code != NULL) {
        reply_refusal(lookup, code);
    } else if (lookup->page != NULL) {
        reply_page(lookup, facts);
    } else {
        metric_add(METRIC_API, 1);
        http_reply(lookup->exchange, 200, JSON_TYPE, (struct str){json, n});
    }
    cJSON_Delete(facts);
}

static void on_gone(void *context) {
    struct lookup *lookup = context;
    pg_cancel(lookup->services->pg, &lookup->call);
}

static void look_up(struct lookup *lookup, const char *function, int n, const char *const *args) {
    lookup->call = (struct pg_call){
        .function = function, .n = n + 1, .deadline_ms = 5000, .on_done = on_facts};
    lookup->call.args[0] = lookup->account->id;
    for (int i = 0; i < n; i++) {
        lookup->call.args[i + 1] = args[i];
    }
    http_on_end(lookup->exchange, on_gone, lookup);
    if (!pg_submit(lookup->services->pg, &lookup->call)) {
        reply_error(lookup->exchange, lookup->page, 503, "busy", "系统繁忙，请稍后再试");
    }
}

/* ---- parameters ---- */

/* A whole number of the query from 1 to `max`, as text; `otherwise` when absent. False: answered.
 */
static bool read_number(struct lookup *lookup, const char *name, int64_t max, const char *otherwise,
                        const char **out) {
    struct str text = http_query(lookup->exchange, name);
    int64_t value;
    *out = otherwise;
    if (text.n == 0) {
        return true;
    }
    if (!str_to_i64(text, &value) || value < 1 || value > max) {
        reply_error(lookup->exchange, lookup->page, 400, "bad_parameter",
                    arena_printf(http_arena(lookup->exchange),
                                 "参数 %s 应为 1 到 %" PRId64 " 的整数", name, max));
        return false;
    }
    *out = arena_printf(http_arena(lookup->exchange), "%" PRId64, value);
    return true;
}

static void not_found(struct lookup *lookup) {
    reply_error(lookup->exchange, lookup->page, 404, "not_found", "没有这个页面");
}

static bool is_number(struct str text, int64_t max) {
    int64_t value;
    return str_to_i64(text, &value) && value >= 1 && value <= max;
}

/* ---- what can be read ---- */

static void read_notices(struct lookup *lookup) {
    const char *args[2];
    lookup->page = lookup->page != NULL ? "notices" : NULL;
    if (read_number(lookup, "before", INT32_MAX, NULL, &args[0]) &&
        read_number(lookup, "limit", 100, "20", &args[1])) {
        look_up(lookup, "notices", 2, args);
    }
}

static void read_notice(struct lookup *lookup, struct str id) {
    const char *args[3] = {str_z(http_arena(lookup->exchange), id)};
    lookup->page = lookup->page != NULL ? "notice" : NULL;
    if (read_number(lookup, "after", INT64_MAX, NULL, &args[1]) &&
        read_number(lookup, "limit", 1000, "100", &args[2])) {
        look_up(lookup, "notice", 3, args);
    }
}

static void read_ranking(struct lookup *lookup, const char *kind) {
    struct str period = http_query(lookup->exchange, "period");
    const char *args[4] = {NULL, kind,
                           period.n > 0 ? str_z(http_arena(lookup->exchange), period) : NULL};
    lookup->kind = kind;
    lookup->page = lookup->page != NULL ? "ranking" : NULL;
    if (read_number(lookup, "limit", 1000, "50", &args[3])) {
        look_up(lookup, "ranking", 4, args);
    }
}

/* The part of a path below the account: notices, notices/{id}, ranking, … */
static void read_path(struct lookup *lookup, const struct str *rest, size_t n) {
    if (n >= 1 && str_is(rest[0], "notices")) {
        if (n == 1) {
            read_notices(lookup);
        } else if (n == 2 && is_number(rest[1], INT32_MAX)) {
            read_notice(lookup, rest[1]);
        } else if (lookup->page == NULL && n == 4 && is_number(rest[1], INT32_MAX) &&
                   str_is(rest[2], "proof") && is_number(rest[3], INT64_MAX)) {
            struct arena *arena = http_arena(lookup->exchange);
            look_up(lookup, "proof", 2,
                    (const char *[]){str_z(arena, rest[1]), str_z(arena, rest[3])});
        } else {
            not_found(lookup);
        }
    } else if (n >= 1 && str_is(rest[0], "ranking")) {
        bool units = n == 2 && str_is(rest[1], "units");
        bool members = n == 2 && str_is(rest[1], "members");
        if (units || members || (n == 1 && lookup->page != NULL)) {
            read_ranking(lookup, units ? "units" : "members");
        } else {
            not_found(lookup);
        }
    } else if (n == 0 && lookup->page != NULL) {
        read_notices(lookup);
    } else {
        not_found(lookup);
    }
}

/* ---- routing ---- */

static size_t split_path(struct str path, struct str *segments) {
    size_t n = 0;
    const char *at = path.p + (path.n > 0 && path.p[0] == '/');
    const char *end = path.p + path.n;
    while (at < end && n < SEGMENTS_MAX) {
        const char *slash = memchr(at, '/', (size_t)(end - at));
        const char *stop = slash != NULL ? slash : end;
        segments[n++] = (struct str){at, (size_t)(stop - at)};
        at = slash != NULL ? slash + 1 : end;
    }
    return n;
}

void site_handle(struct http_exchange *x, void *context) {
    struct services *services = context;
    struct str segments[SEGMENTS_MAX];
    size_t n = split_path(http_path(x), segments);
    if (n == 2 && str_is(segments[0], "wechat")) {
        callback_handle(x, services, segments[1]);
        return;
    }
    bool api = n >= 3 && str_is(segments[0], "api") && str_is(segments[1], "v1");
    size_t first = api ? 2 : 0;
    struct lookup *lookup = arena_alloc(http_arena(x), sizeof(*lookup));
    lookup->exchange = x;
    lookup->services = services;
    lookup->page = api ? NULL : "error";
    if (n > first) {
        lookup->account = config_account(services->config, str_z(http_arena(x), segments[first]));
    }
    if (lookup->account == NULL) {
        not_found(lookup);
    } else if (http_method(x) != HTTP_GET) {
        http_set_header(x, "Allow", "GET");
        reply_error(x, lookup->page, 405, "method_not_allowed", "这里只能读取");
    } else {
        read_path(lookup, segments + first + 1, n - first - 1);
    }
}
