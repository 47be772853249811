#include "server/member_pages.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "server/background.h"
#include "server/base/limits.h"
#include "server/base/log.h"
#include "server/evidence.h"
#include "server/image.h"
#include "server/js_sdk.h"
#include "server/member_form.h"
#include "server/rate.h"
#include "server/say.h"
#include "server/session.h"
#include "server/sign_in.h"

/* ---- declare ---- */

static bool is_day(const char *text) {
    int year, month, day;
    if (!form_fits(text, "0000-00-00") || sscanf(text, "%d-%d-%d", &year, &month, &day) != 3)
        return false;
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return year >= 2000 && month >= 1 && month <= 12 && day >= 1 &&
           day <= days[month - 1] + (leap && month == 2);
}

static bool is_time(const char *text) {
    return form_fits(text, "00:00") && strcmp(text, "24:00") < 0 && text[3] < '6';
}

enum { ACCOUNT, SESSION, KEY, REQUEST, ITEM, MINUTES, FROM, TO, DAY, WORDS, PHOTOS, DECLARE_ARGS };

/* False: answered. */
static bool read_declaration(struct web *web, const cJSON *body, const char *args[DECLARE_ARGS]) {
    struct arena *arena = web_arena(web);
    int64_t item = 0, minutes = 0;
    const char *from = fact_text(body, "from"), *to = fact_text(body, "to");
    const char *day = fact_text(body, "day");
    bool timed = *from || *to;
    if (!form_read_number(fact(body, "item"), &item))
        form_wrong(web, "item");
    else if (!is_day(day))
        form_wrong(web, "day");
    else if (timed && (!is_time(from) || !is_time(to) || strcmp(from, to) == 0))
        form_wrong(web, "from, to");
    else if (!timed && (!form_read_number(fact(body, "minutes"), &minutes) || minutes < 1 ||
                        minutes > 100000))
        form_wrong(web, "minutes");
    else {
        args[ITEM] = arena_printf(arena, "%" PRId64, item);
        args[MINUTES] = timed ? NULL : arena_printf(arena, "%" PRId64, minutes);
        args[FROM] = timed ? from : NULL;
        args[TO] = timed ? to : NULL;
        args[DAY] = day;
        args[WORDS] = form_read_words(web, body, "words");
        return true;
    }
    return false;
}

static void preview(struct web *web) {
    const cJSON *body = form_read_body(web);
    const char *args[DECLARE_ARGS];
    if (!body || !read_declaration(web, body, args))
        return;
    const char *words = *args[WORDS] ? args[WORDS] : "…"; /* not yet typed */
    const char *all[] = {web->account->id, session_of(web), args[ITEM], args[MINUTES],
                         args[FROM],       args[TO],        args[DAY],  words};
    web_call(web, "web_preview", 8, all, form_reply);
}

static void declare(struct web *web) {
    const cJSON *body = form_read_body(web);
    const char *args[DECLARE_ARGS];
    if (!body || !read_declaration(web, body, args))
        return;
    args[ACCOUNT] = web->account->id;
    args[SESSION] = session_of(web);
    args[KEY] = fact_text(body, "key");
    args[REQUEST] = random_text(web_arena(web));
    args[PHOTOS] = form_read_photos(web, body);
    if (args[PHOTOS] && !form_is_uuid(args[KEY]))
        form_wrong(web, "key");
    else if (args[PHOTOS])
        web_change(web, args[SESSION], "web_declare", DECLARE_ARGS, args, form_reply);
}

/* ---- one photo ---- */

struct upload {
    struct web *web;
    struct background_job job;
    struct image image;
    bool good;
    const char *why;
};

static void cancel_upload(struct web *web) {
    struct upload *upload = web->state;
    background_cancel(&upload->job);
}

static void clean(struct background_job *job) {
    struct upload *u = (struct upload *)(void *)((char *)job - offsetof(struct upload, job));
    u->good = image_clean(web_arena(u->web), http_body(u->web->exchange), &u->image, &u->why);
}

static void on_cleaned(struct background_job *job) {
    struct upload *u = (struct upload *)(void *)((char *)job - offsetof(struct upload, job));
    struct web *web = u->web;
    struct arena *arena = web_arena(web);
    if (!u->good) {
        log_info("upload_refused", "account=%s why=\"%s\"", web->account->id, u->why);
        web_error(web, 400, "bad_photo", "这不是能用的照片，请换一张 JPG 或 PNG");
        return;
    }
    const char *session = session_of(web);
    const char *args[3 + EVIDENCE_ARGS] = {web->account->id, session,
                                           str_z(arena, http_query(web->exchange, "key"))};
    evidence_arguments(arena, web->services->config, web->account, &u->image, args + 3);
    web_change(web, session, "web_upload", 3 + EVIDENCE_ARGS, args, form_reply);
}

static void on_allowed(struct web *web, const cJSON *facts) {
    if (request_refusal(facts)) {
        form_reply(web, facts);
        return;
    }
    const char *whose =
        arena_printf(web_arena(web), "%s/%" PRId64, web->account->id, fact_number(facts, "person"));
    /* What the database counts are pictures that were kept; unpacking costs for the others, too. */
    if (!rate_take(web->services->pictures, str_from(whose), time(NULL) / 60)) {
        web_error(web, 429, "too_many", "照片发得太快了，请过一分钟再传");
        return;
    }
    struct upload *u = arena_alloc(web_arena(web), sizeof *u);
    u->web = web;
    u->job = (struct background_job){.work = clean, .on_done = on_cleaned, .whose = whose};
    web->state = u;
    web_on_end(web, cancel_upload);
    background_submit(web->services->background, &u->job);
}

/* The browser gives the photo its id, so that sending it twice keeps it once. Strangers' pictures
 * are not even looked at. */
static void take_photo(struct web *web) {
    const char *args[] = {web->account->id, session_of(web)};
    if (!form_is_uuid(str_z(web_arena(web), http_query(web->exchange, "key"))))
        form_wrong(web, "key");
    else
        web_call(web, "web_may_upload", 2, args, on_allowed);
}

/* ---- review ---- */

static void on_queue(struct web *web, const cJSON *facts) {
    if (request_refusal(facts)) {
        form_reply(web, facts);
        return;
    }
    struct arena *arena = web_arena(web);
    cJSON *data = cJSON_Duplicate(facts, true);
    cJSON *row, *photo;
    cJSON_ArrayForEach(row, cJSON_GetObjectItem(data, "rows")) {
        cJSON_ArrayForEach(photo, cJSON_GetObjectItem(row, "evidence")) {
            int64_t id = fact_number(photo, "photo");
            if (!fact_is(photo, "status", "stored"))
                continue;
            cJSON_AddStringToObject(photo, "path",
                                    evidence_photo_path(arena, web->account, id, false));
            cJSON_AddStringToObject(photo, "small",
                                    evidence_photo_path(arena, web->account, id, true));
        }
    }
    web_json_of(web, data);
    cJSON_Delete(data);
}

static void queue(struct web *web) {
    struct str after = http_query(web->exchange, "after");
    int64_t no;
    if (after.n > 0 && !str_to_i64(after, &no)) {
        form_wrong(web, "after");
        return;
    }
    const char *args[] = {web->account->id, session_of(web),
                          after.n > 0 ? str_z(web_arena(web), after) : NULL};
    http_set_header(web->exchange, "Cache-Control", "private, no-store");
    web_call(web, "web_queue", 3, args, on_queue);
}

static void decide(struct web *web) {
    const cJSON *body = form_read_body(web), *no;
    struct buf nos;
    if (!body)
        return;
    const char *decision = fact_text(body, "decision");
    int count = cJSON_GetArraySize(fact(body, "nos"));
    bool several = strcmp(decision, "approve") == 0;
    buf_init(&nos, web_arena(web));
    bool numbers = true;
    cJSON_ArrayForEach(no, fact(body, "nos")) {
        int64_t number = 0;
        numbers = numbers && form_read_number(no, &number);
        buf_printf(&nos, "%s%" PRId64, nos.n > 0 ? "," : "{", number);
    }
    buf_puts(&nos, "}");
    const char *session = session_of(web);
    const char *args[] = {web->account->id,
                          session,
                          fact_text(body, "key"),
                          random_text(web_arena(web)),
                          decision,
                          buf_view(&nos).p,
                          form_read_words(web, body, "words")};
    if (!form_is_uuid(args[2]))
        form_wrong(web, "key");
    else if (!numbers || count < 1 || count > (several ? 100 : 1))
        form_wrong(web, "nos");
    else
        web_change(web, session, "web_decide", 7, args, form_reply);
}

/* ---- routing ---- */

const char *member_page_link(struct request *rq, const char *page) {
    return arena_printf(rq->arena, "%s/%s/%s?wx=1", rq->services->config->public_url,
                        rq->account->id, page);
}

static void open_declare(struct web *web) {
    static const struct member_page page = {
        .page = "declare", .template = "declare", .title = "申报服务", .photos = true};
    form_open_page(web, &page, "page_declare", 0, NULL);
}

static void open_review(struct web *web) {
    static const struct member_page page = {
        .page = "review", .template = "review", .title = "待审申报"};
    form_open_page(web, &page, "page_review", 0, NULL);
}

static const struct {
    const char *first, *second; /* second NULL: nothing follows */
    enum http_method method;
    bool json;
    void (*handle)(struct web *web);
} pages[] = {
    {"declare", NULL, HTTP_GET, false, open_declare},
    {"declare", NULL, HTTP_POST, true, declare},
    {"declare", "preview", HTTP_POST, true, preview},
    {"photos", NULL, HTTP_POST, true, take_photo},
    {"review", NULL, HTTP_GET, false, open_review},
    {"review", "queue", HTTP_GET, true, queue},
    {"review", "decide", HTTP_POST, true, decide},
    {"signin", NULL, HTTP_GET, false, sign_in_return},
    {"signin", "state", HTTP_GET, true, sign_in_state},
    {"signout", NULL, HTTP_POST, true, sign_in_out},
    {"jssdk", NULL, HTTP_GET, true, js_sdk_sign},
};

bool member_pages_handle(struct web *web, const struct str *rest, size_t n) {
    for (size_t i = 0; i < sizeof pages / sizeof pages[0]; i++) {
        bool second = pages[i].second ? n == 2 && str_is(rest[1], pages[i].second) : n == 1;
        if (!second || !str_is(rest[0], pages[i].first) ||
            http_method(web->exchange) != pages[i].method)
            continue;
        web->json = pages[i].json;
        if (pages[i].method == HTTP_POST && !session_csrf_ok(web))
            web_error(web, 403, "csrf", "页面已过期，请重新打开");
        else
            pages[i].handle(web);
        return true;
    }
    return false;
}
