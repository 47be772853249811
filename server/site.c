#include "server/site.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <string.h>

#include "server/base/embedded.h"
#include "server/base/limits.h"
#include "server/callback.h"
#include "server/evidence.h"
#include "server/member_pages.h"
#include "server/sheets.h"
#include "server/web.h"

#define SEGMENTS_MAX 7

/* What a public page shows. */
struct reading {
    const char *page; /* the template */
    const char *kind; /* which board; NULL for the others */
};

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

static void reply_page(struct web *web, cJSON *data) {
    const struct reading *reading = web->state;
    cJSON *head;
    cJSON_ArrayForEach(head, cJSON_GetObjectItem(data, "notices")) {
        prepare_head(head);
    }
    if (cJSON_GetObjectItem(data, "root") != NULL) {
        prepare_head(data);
    }
    if (reading->kind != NULL) {
        cJSON_AddBoolToObject(data, "units", strcmp(reading->kind, "units") == 0);
    }
    web_page(web, reading->page, data);
}

static void on_facts(struct web *web, const cJSON *facts) {
    const char *code = request_refusal(facts);
    if (code != NULL) {
        web_refusal(web, code);
    } else if (web->json) {
        web_json(web);
    } else {
        cJSON *data = cJSON_Duplicate(facts, true);
        reply_page(web, data);
        cJSON_Delete(data);
    }
}

static void look_up(struct web *web, const char *page, const char *kind, const char *function,
                    int n, const char *const *args) {
    const char *all[PG_ARGUMENTS_MAX] = {web->account->id};
    struct reading *reading = arena_alloc(web_arena(web), sizeof(*reading));
    *reading = (struct reading){page, kind};
    web->state = reading;
    for (int i = 0; i < n; i++) {
        all[i + 1] = args[i];
    }
    web_call(web, function, n + 1, all, on_facts);
}

/* ---- parameters ---- */

/* A whole number of the query from 1 to `max`, as text; `otherwise` when absent. False: answered.
 */
static bool read_number(struct web *web, const char *name, int64_t max, const char *otherwise,
                        const char **out) {
    struct str text = http_query(web->exchange, name);
    int64_t value;
    *out = otherwise;
    if (text.n == 0) {
        return true;
    }
    if (!str_to_i64(text, &value) || value < 1 || value > max) {
        web_error(web, 400, "bad_parameter",
                  arena_printf(web_arena(web), "参数 %s 应为 1 到 %" PRId64 " 的整数", name, max));
        return false;
    }
    *out = arena_printf(web_arena(web), "%" PRId64, value);
    return true;
}

static bool is_number(struct str text, int64_t max) {
    int64_t value;
    return str_to_i64(text, &value) && value >= 1 && value <= max;
}

/* ---- what can be read ---- */

static void read_notices(struct web *web) {
    const char *args[2];
    if (read_number(web, "before", INT32_MAX, NULL, &args[0]) &&
        read_number(web, "limit", 100, "20", &args[1])) {
        look_up(web, "notices", NULL, "notices", 2, args);
    }
}

static void read_notice(struct web *web, struct str id) {
    const char *args[3] = {str_z(web_arena(web), id)};
    if (read_number(web, "after", INT64_MAX, NULL, &args[1]) &&
        read_number(web, "limit", 1000, "100", &args[2])) {
        look_up(web, "notice", NULL, "notice", 3, args);
    }
}

static void read_proof(struct web *web, struct str id, struct str no) {
    struct arena *arena = web_arena(web);
    look_up(web, NULL, NULL, "proof", 2, (const char *[]){str_z(arena, id), str_z(arena, no)});
}

static void read_ranking(struct web *web, const char *kind) {
    struct str period = http_query(web->exchange, "period");
    const char *args[4] = {NULL, kind, period.n > 0 ? str_z(web_arena(web), period) : NULL};
    if (read_number(web, "limit", 1000, "50", &args[3])) {
        look_up(web, "ranking", kind, "ranking", 4, args);
    }
}

/* The part of a public path below the account: notices, notices/{id}, ranking, … */
static void read_path(struct web *web, const struct str *rest, size_t n) {
    bool notices = n >= 1 && str_is(rest[0], "notices");
    bool ranking = n >= 1 && str_is(rest[0], "ranking");
    bool units = ranking && n == 2 && str_is(rest[1], "units");
    bool members = ranking && n == 2 && str_is(rest[1], "members");
    if ((n == 0 && !web->json) || (notices && n == 1)) {
        read_notices(web);
    } else if (notices && n == 2 && is_number(rest[1], INT32_MAX)) {
        read_notice(web, rest[1]);
    } else if (notices && web->json && n == 4 && is_number(rest[1], INT32_MAX) &&
               str_is(rest[2], "proof") && is_number(rest[3], INT64_MAX)) {
        read_proof(web, rest[1], rest[3]);
    } else if (units || members || (ranking && n == 1 && !web->json)) {
        read_ranking(web, units ? "units" : "members");
    } else {
        web_not_found(web);
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

/* Style sheets and scripts, named by the program's version in the pages that use them. */
static void reply_static(struct web *web, struct str name) {
    static const char *const types[][2] = {{".css", "text/css; charset=utf-8"},
                                           {".js", "text/javascript; charset=utf-8"}};
    const struct embedded_file *file = embedded_pages;
    while (file->name != NULL && !str_is(name, file->name)) {
        file++;
    }
    for (size_t i = 0; file->name != NULL && i < sizeof(types) / sizeof(types[0]); i++) {
        const char *end = strrchr(file->name, '.');
        if (end != NULL && strcmp(end, types[i][0]) == 0) {
            http_set_header(web->exchange, "Cache-Control", "public, max-age=86400");
            web_bytes(web, types[i][1], (struct str){file->data, file->size});
            return;
        }
    }
    web_not_found(web);
}

void site_allow(struct str path, struct http_allowance *allowance) {
    struct str segments[SEGMENTS_MAX];
    if (split_path(path, segments) == 2 && str_is(segments[1], "photos")) {
        *allowance = (struct http_allowance){UPLOAD_MAX_BYTES, UPLOAD_DEADLINE_MS};
    }
}

void site_handle(struct http_exchange *x, void *context) {
    struct services *services = context;
    struct str segments[SEGMENTS_MAX];
    size_t n = split_path(http_path(x), segments);
    if (n == 2 && str_is(segments[0], "wechat")) {
        callback_handle(x, services, segments[1]);
        return;
    }
    struct web *web = web_new(x, services);
    if (n == 2 && str_is(segments[0], "static")) {
        reply_static(web, segments[1]);
        return;
    }
    web->json = n >= 3 && str_is(segments[0], "api") && str_is(segments[1], "v1");
    size_t first = web->json ? 2 : 0;
    if (n > first) {
        web->account = config_account(services->config, str_z(http_arena(x), segments[first]));
    }
    const struct str *rest = segments + first + 1;
    if (web->account == NULL) {
        web_not_found(web);
        return;
    }
    n -= first + 1;
    if (!web->json && ((n == 2 && evidence_handle(web, rest[0], rest[1])) ||
                       member_pages_handle(web, rest, n) || sheets_handle(web, rest, n))) {
        return;
    }
    if (http_method(x) != HTTP_GET) {
        http_set_header(x, "Allow", "GET");
        web_error(web, 405, "method_not_allowed", "这里只能读取");
    } else {
        read_path(web, rest, n);
    }
}
