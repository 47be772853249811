#include "server/web.h"

#include <event2/event.h>
#include <string.h>

#include "server/base/buf.h"
#include "server/base/limits.h"
#include "server/base/metrics.h"
#include "server/base/now.h"
#include "server/render.h"

#define JSON_TYPE "application/json; charset=utf-8"
#define HTML_TYPE "text/html; charset=utf-8"
#define BUSY "系统繁忙，请稍后再试"

/* Nothing of others' is loaded, and nobody shows our pages inside theirs. */
#define PUBLIC_POLICY                                                                              \
    "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; "             \
    "base-uri 'none'; frame-ancestors 'none'"
#define SCRIPT_POLICY PUBLIC_POLICY "; script-src 'self'; connect-src 'self'"
#define MEMBER_POLICY                                                                              \
    "default-src 'none'; style-src 'self'; script-src 'self' https://res.wx.qq.com; "              \
    "img-src 'self' blob: data:; connect-src 'self'; form-action 'self'; base-uri 'none'; "        \
    "frame-ancestors 'none'"

static void on_exchange_end(void *context) {
    struct web *web = context;
    pg_cancel(web->services->pg, &web->call);
    if (web->late)
        event_free(web->late);
    if (web->on_end)
        web->on_end(web);
    cJSON_Delete(web->facts);
}

struct web *web_new(struct http_exchange *exchange, struct services *services) {
    struct web *web = arena_alloc(http_arena(exchange), sizeof *web);
    web->exchange = exchange;
    web->services = services;
    web->status = 200;
    web->since = now_ms();
    http_on_end(exchange, on_exchange_end, web);
    return web;
}

struct arena *web_arena(const struct web *web) {
    return http_arena(web->exchange);
}

void web_on_end(struct web *web, void (*on_end)(struct web *web)) {
    web->on_end = on_end;
}

static void on_late(evutil_socket_t fd, short what, void *context) {
    (void)fd;
    (void)what;
    struct web *web = context;
    if (!http_is_waiting(web->exchange))
        return;
    pg_cancel(web->services->pg, &web->call);
    web->on_end(web);
    web->on_late(web);
}

void web_on_end_or_late(struct web *web, void (*on_end)(struct web *web),
                        void (*on_late_)(struct web *web)) {
    web->on_end = on_end;
    web->on_late = on_late_;
    int64_t left = web->since + WEB_ANSWER_MS - now_ms();
    struct timeval wait = {left > 0 ? left / 1000 : 0, left > 0 ? left % 1000 * 1000 : 0};
    web->late = evtimer_new(web->services->base, on_late, web);
    evtimer_add(web->late, &wait);
}

/* ---- the database ---- */

static void on_answer(struct pg_call *call, enum pg_status status, const char *json, size_t n) {
    struct web *web = (struct web *)(void *)((char *)call - offsetof(struct web, call));
    cJSON *facts = status == PG_OK ? cJSON_ParseWithLength(json, n) : NULL;
    if (!facts) {
        web_error(web, 503, "busy", BUSY);
        return;
    }
    cJSON_Delete(web->facts);
    web->facts = facts;
    web->raw = (struct str){json, n};
    web->on_facts(web, facts);
}

static void submit(struct web *web, const char *key, const char *function, int n,
                   const char *const *args, void (*on_facts)(struct web *web, const cJSON *facts)) {
    web->call = (struct pg_call){.function = function,
                                 .n = n,
                                 .changes = key != NULL,
                                 .lane = web->account ? web->account->id : NULL,
                                 .key = key,
                                 .deadline_ms = WEB_WORK_MS,
                                 .on_done = on_answer};
    for (int i = 0; i < n; i++) {
        if (args[i] && !str_is_utf8(str_from(args[i]))) {
            web_error(web, 400, "bad_text", "请求里有读不出的文字");
            return;
        }
        web->call.args[i] = args[i];
    }
    web->on_facts = on_facts;
    if (pg_is_crowded(web->services->pg, web->call.lane) ||
        !pg_submit(web->services->pg, &web->call))
        web_error(web, 503, "busy", BUSY);
}

void web_call(struct web *web, const char *function, int n, const char *const *args,
              void (*on_facts)(struct web *web, const cJSON *facts)) {
    submit(web, NULL, function, n, args, on_facts);
}

void web_change(struct web *web, const char *person, const char *function, int n,
                const char *const *args, void (*on_facts)(struct web *web, const cJSON *facts)) {
    submit(web, person, function, n, args, on_facts);
}

/* ---- answers ---- */

static void set_policy(struct web *web, const char *policy) {
    http_set_header(web->exchange, "Content-Security-Policy", policy);
}

static void reply_page(struct web *web, const char *layout, const char *template, cJSON *data) {
    if (web->account) {
        cJSON_AddStringToObject(data, "account", web->account->id);
        cJSON_AddStringToObject(data, "account_name", web->account->name);
    }
    char *html = render_page(web_arena(web), layout, template, data);
    metric_add(METRIC_PAGES, 1);
    if (!html) {
        web->json = true; /* the template of errors may be what is wrong */
        web_error(web, 500, "fault", BUSY);
        return;
    }
    http_reply(web->exchange, web->status, HTML_TYPE, str_from(html));
}

void web_page(struct web *web, const char *template, cJSON *data) {
    bool script = cJSON_GetObjectItem(data, "script");
    set_policy(web, script ? SCRIPT_POLICY : PUBLIC_POLICY);
    reply_page(web, "layout", template, data);
}

void web_member_page(struct web *web, const char *template, cJSON *data) {
    set_policy(web, MEMBER_POLICY);
    http_set_header(web->exchange, "Cache-Control", "private, no-store");
    reply_page(web, "member_layout", template, data);
}

void web_json(struct web *web) {
    metric_add(METRIC_API, 1);
    http_reply(web->exchange, 200, JSON_TYPE, web->raw);
}

void web_json_of(struct web *web, const cJSON *json) {
    char *text = cJSON_PrintUnformatted(json);
    metric_add(METRIC_API, 1);
    http_reply(web->exchange, 200, JSON_TYPE, str_from(text));
    cJSON_free(text);
}

void web_error(struct web *web, int status, const char *code, const char *message) {
    struct arena *arena = web_arena(web);
    if (web->json) {
        http_reply(web->exchange, status, JSON_TYPE,
                   str_from(arena_printf(arena, "{\"error\":{\"code\":\"%s\",\"message\":\"%s\"}}",
                                         code, message)));
        return;
    }
    cJSON *data = cJSON_CreateObject();
    cJSON_AddStringToObject(data, "heading", message);
    cJSON_AddStringToObject(data, "title", message);
    set_policy(web, PUBLIC_POLICY);
    if (web->account) {
        cJSON_AddStringToObject(data, "account", web->account->id);
        cJSON_AddStringToObject(data, "account_name", web->account->name);
    }
    char *html = render_page(arena, "layout", "error", data);
    cJSON_Delete(data);
    http_reply(web->exchange, status, HTML_TYPE, str_from(html));
}

void web_not_found(struct web *web) {
    web_error(web, 404, "not_found", "没有这个页面");
}

void web_refusal(struct web *web, const char *code) {
    bool unknown = strcmp(code, "not_found") == 0;
    web_error(web, unknown ? 404 : 400, code,
              unknown ? "没有这一项" : "请求的内容不对：周期请写成 2026-Q3 或 2026-10");
}

void web_redirect(struct web *web, const char *url) {
    http_set_header(web->exchange, "Location", url);
    http_set_header(web->exchange, "Cache-Control", "no-store");
    http_reply(web->exchange, 302, "text/plain; charset=utf-8", (struct str){"", 0});
}

void web_bytes(struct web *web, const char *type, struct str bytes) {
    http_reply(web->exchange, 200, type, bytes);
}
