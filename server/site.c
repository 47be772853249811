#include "server/site.h"

#include <string.h>

#include "server/base/embedded.h"
#include "server/base/limits.h"
#include "server/base/memory.h"
#include "server/callback.h"
#include "server/evidence.h"
#include "server/member_pages.h"
#include "server/objection_page.h"
#include "server/public_pages.h"
#include "server/sheets.h"
#include "server/visitors.h"
#include "server/web.h"

#define SEGMENTS_MAX 7
#define NO_POWERS                                                                                  \
    "accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), "              \
    "magnetometer=(), microphone=(), midi=(), payment=(), usb=()"

const struct http_field *site_fields(const struct config *config) {
    static const struct http_field fields[] = {
        {"Strict-Transport-Security", "max-age=31536000"},
        {"Cross-Origin-Opener-Policy", "same-origin"},
#define FIELDS_OF_HTTPS 2
        /* A page says what more it needs (web.c); data, files and refusals are no pages. */
        {"Content-Security-Policy",
         "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"},
        {"X-Content-Type-Options", "nosniff"},
        {"X-Frame-Options", "DENY"},
        {"X-Robots-Tag", "noindex, nofollow"},
        {"Referrer-Policy", "same-origin"},
        {"Permissions-Policy", NO_POWERS},
        {"Cross-Origin-Resource-Policy", "same-origin"},
        {NULL, NULL}};
    bool https = strncmp(config->public_url, "https:", 6) == 0;
    return fields + (https ? 0 : FIELDS_OF_HTTPS);
}

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
    size_t n = split_path(path, segments);
    if (n == 2 && str_is(segments[1], "photos")) {
        *allowance = (struct http_allowance){UPLOAD_MAX_BYTES, UPLOAD_DEADLINE_MS};
    } else if (n == 3 && str_is(segments[1], "notices") &&
               memchr(segments[2].p, '.', segments[2].n) != NULL) {
        allowance->deadline_ms = FILE_DEADLINE_MS;
    }
}

/* A crowd behind one address is let in; a program that reads page after page is slowed down. */
static void reply_too_many(struct web *web) {
    http_set_header(web->exchange, "Retry-After", "5");
    web_error(web, 429, "too_many_requests", "打开得太快了，请歇几秒再试");
}

static void reply_robots(struct web *web) {
    web_bytes(web, "text/plain; charset=utf-8", STR("User-agent: *\nDisallow: /\n"));
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
    if (n == 1 && str_is(segments[0], "robots.txt")) {
        reply_robots(web);
        return;
    }
    web->json = n >= 3 && str_is(segments[0], "api") && str_is(segments[1], "v1");
    if (memory_is_short()) {
        http_set_header(x, "Retry-After", "5");
        web_error(web, 503, "busy", "系统繁忙，请稍后再试");
        return;
    }
    if (!visitors_let_in(services->visitors, x, services->config)) {
        reply_too_many(web);
        return;
    }
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
    if (!web->json &&
        ((n == 2 && evidence_handle(web, rest[0], rest[1])) || member_pages_handle(web, rest, n) ||
         objection_page_handle(web, rest, n) || sheets_handle(web, rest, n))) {
        return;
    }
    if (http_method(x) != HTTP_GET) {
        http_set_header(x, "Allow", "GET");
        web_error(web, 405, "method_not_allowed", "这里只能读取");
    } else {
        public_pages_read(web, rest, n);
    }
}
