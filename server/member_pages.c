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
#include "server/opening.h"
#include "server/rate.h"
#include "server/say.h"
#include "server/session.h"
#include "server/sign_in.h"

/* ---- reading what a script sent ---- */

/* Fixed forms, so that the database never has to raise over one: 0 stands for a digit, x for a
 * hexadecimal one. */
static bool has_form(const char *text, const char *form) {
    for (; *form; form++, text++) {
        bool fits = *form == '0'   ? *text >= '0' && *text <= '9'
                    : *form == 'x' ? *text && strchr("0123456789abcdef", *text) != NULL
                                   : *text == *form;
        if (!fits)
            return false;
    }
    return *text == '\0';
}

static bool is_uuid(const char *text) {
    return has_form(text, "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx");
}

static bool is_day(const char *text) {
    int year, month, day;
    if (!has_form(text, "0000-00-00") || sscanf(text, "%d-%d-%d", &year, &month, &day) != 3)
        return false;
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return year >= 2000 && month >= 1 && month <= 12 && day >= 1 &&
           day <= days[month - 1] + (leap && month == 2);
}

static bool is_time(const char *text) {
    return has_form(text, "00:00") && strcmp(text, "24:00") < 0 && text[3] < '6';
}

static void delete_json(void *json) {
    cJSON_Delete(json);
}

static void wrong(struct web *web, const char *field) {
    web_error(web, 400, "bad_field", arena_printf(web_arena(web), "%s 的写法不对", field));
}

/* NULL: answered. */
static const cJSON *read_body(struct web *web) {
    struct str body = http_body(web->exchange);
    cJSON *json = cJSON_ParseWithLength(body.p, body.n);
    arena_on_free(web_arena(web), delete_json, json);
    if (!cJSON_IsObject(json)) {
        web_error(web, 400, "bad_body", "请求应为一个 JSON 对象");
        return NULL;
    }
    return json;
}

/* ---- answers that all share ---- */

static const char *refusal_words(struct web *web, const cJSON *facts) {
    struct buf out;
    const char *code = request_refusal(facts);
    buf_init(&out, web_arena(web));
    if (strcmp(code, "signed_out") == 0)
        return "登录已过期，请重新打开这个页面";
    if (strcmp(code, "not_bound") == 0)
        return "请先在公众号里绑定身份";
    if (strcmp(code, "not_yours") == 0)
        return "这项操作由审核员办理";
    if (strcmp(code, "too_many") == 0)
        return "一小时内的照片太多了，请稍后再传";
    return tell_refusal(&out, facts) ? buf_view(&out).p : "这一步现在办不了";
}

/* The facts, and for a refusal its words. */
static void reply_facts(struct web *web, const cJSON *facts) {
    if (!request_refusal(facts)) {
        web_json(web);
        return;
    }
    cJSON *copy = cJSON_Duplicate(facts, true);
    cJSON_AddStringToObject(copy, "message", refusal_words(web, facts));
    web_json_of(web, copy);
    cJSON_Delete(copy);
}

/* ---- opening a page ---- */

struct page {
    struct opening opening;
    const char *script;
    const char *title;
};

static void show(struct web *web, cJSON *facts) {
    const struct page *page = web->state;
    const char *code = request_refusal(facts);
    if (code) {
        web_error(web, 403, code, refusal_words(web, facts));
        return;
    }
    cJSON_AddStringToObject(facts, "title", page->title);
    cJSON_AddStringToObject(facts, "script", page->script);
    web_member_page(web, page->opening.page, facts);
}

static void open_page(struct web *web, const char *name, const char *script, const char *function,
                      const char *title) {
    struct page *page = arena_alloc(web_arena(web), sizeof *page);
    *page = (struct page){{.page = name, .then = show}, script, title};
    web->state = page;
    opening_start(web, function, 0, NULL);
}

/* ---- declare ---- */

enum { ACCOUNT, SESSION, KEY, REQUEST, ITEM, MINUTES, FROM, TO, DAY, WORDS, PHOTOS, DECLARE_ARGS };

/* False: answered. */
static bool read_declaration(struct web *web, const cJSON *body, const char *args[DECLARE_ARGS]) {
    struct arena *arena = web_arena(web);
    int64_t minutes = fact_number(body, "minutes");
    const char *from = fact_text(body, "from"), *to = fact_text(body, "to");
    const char *day = fact_text(body, "day");
    bool timed = *from || *to;
    if (!is_day(day))
        wrong(web, "day");
    else if (timed && (!is_time(from) || !is_time(to) || strcmp(from, to) == 0))
        wrong(web, "from, to");
    else if (!timed && (minutes < 1 || minutes > 100000))
        wrong(web, "minutes");
    else if (fact(body, "photos") && !cJSON_IsArray(fact(body, "photos")))
        wrong(web, "photos");
    else {
        args[ITEM] = arena_printf(arena, "%" PRId64, fact_number(body, "item"));
        args[MINUTES] = timed ? NULL : arena_printf(arena, "%" PRId64, minutes);
        args[FROM] = timed ? from : NULL;
        args[TO] = timed ? to : NULL;
        args[DAY] = day;
        args[WORDS] = fact_text(body, "words");
        return true;
    }
    return false;
}

static void preview(struct web *web) {
    const cJSON *body = read_body(web);
    const char *args[DECLARE_ARGS];
    if (!body || !read_declaration(web, body, args))
        return;
    const char *words = *args[WORDS] ? args[WORDS] : "…"; /* not yet typed */
    const char *all[] = {web->account->id, session_of(web), args[ITEM], args[MINUTES],
                         args[FROM],       args[TO],        args[DAY],  words};
    web_call(web, "web_preview", 8, all, reply_facts);
}

/* ["uuid"…], checked; NULL: answered. */
static const char *read_photos(struct web *web, const cJSON *body) {
    const cJSON *photo;
    cJSON_ArrayForEach(photo, fact(body, "photos")) {
        if (!cJSON_IsString(photo) || !is_uuid(photo->valuestring)) {
            wrong(web, "photos");
            return NULL;
        }
    }
    char *text = cJSON_PrintUnformatted(fact(body, "photos"));
    const char *copy = arena_printf(web_arena(web), "%s", text ? text : "[]");
    cJSON_free(text);
    return copy;
}

static void declare(struct web *web) {
    const cJSON *body = read_body(web);
    const char *args[DECLARE_ARGS];
    if (!body || !read_declaration(web, body, args))
        return;
    args[ACCOUNT] = web->account->id;
    args[SESSION] = session_of(web);
    args[KEY] = fact_text(body, "key");
    args[REQUEST] = random_text(web_arena(web));
    args[PHOTOS] = read_photos(web, body);
    if (args[PHOTOS] && !is_uuid(args[KEY]))
        wrong(web, "key");
    else if (args[PHOTOS])
        web_change(web, args[SESSION], "web_declare", DECLARE_ARGS, args, reply_facts);
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
    const char *args[] = {web->account->id,
                          session,
                          str_z(arena, http_query(web->exchange, "key")),
                          arena_printf(arena, "%d", u->image.width),
                          arena_printf(arena, "%d", u->image.height),
                          image_argument(arena, u->image.jpeg),
                          image_argument(arena, u->image.small)};
    web_change(web, session, "web_upload", 7, args, reply_facts);
}

static void on_allowed(struct web *web, const cJSON *facts) {
    if (request_refusal(facts)) {
        reply_facts(web, facts);
        return;
    }
    /* What the database counts are pictures that were kept; unpacking costs for the others, too. */
    if (!rate_take(web->services->pictures, str_from(session_of(web)), time(NULL) / 60)) {
        web_error(web, 429, "too_many", "照片发得太快了，请过一分钟再传");
        return;
    }
    struct upload *u = arena_alloc(web_arena(web), sizeof *u);
    u->web = web;
    u->job = (struct background_job){.work = clean, .on_done = on_cleaned};
    web->state = u;
    web_on_end(web, cancel_upload);
    background_submit(web->services->background, &u->job);
}

/* The browser gives the photo its id, so that sending it twice keeps it once. Strangers' pictures
 * are not even looked at. */
static void take_photo(struct web *web) {
    const char *args[] = {web->account->id, session_of(web)};
    if (!is_uuid(str_z(web_arena(web), http_query(web->exchange, "key"))))
        wrong(web, "key");
    else
        web_call(web, "web_may_upload", 2, args, on_allowed);
}

/* ---- review ---- */

static void on_queue(struct web *web, const cJSON *facts) {
    if (request_refusal(facts)) {
        reply_facts(web, facts);
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
        wrong(web, "after");
        return;
    }
    const char *args[] = {web->account->id, session_of(web),
                          after.n > 0 ? str_z(web_arena(web), after) : NULL};
    http_set_header(web->exchange, "Cache-Control", "private, no-store");
    web_call(web, "web_queue", 3, args, on_queue);
}

static void decide(struct web *web) {
    const cJSON *body = read_body(web), *no;
    struct buf nos;
    if (!body)
        return;
    const char *decision = fact_text(body, "decision");
    int count = cJSON_GetArraySize(fact(body, "nos"));
    bool several = strcmp(decision, "approve") == 0;
    buf_init(&nos, web_arena(web));
    cJSON_ArrayForEach(no, fact(body, "nos")) {
        bool number = cJSON_IsNumber(no) && no->valuedouble >= 1 && no->valuedouble < 9e15;
        buf_printf(&nos, "%s%.0f", nos.n > 0 ? "," : "{", number ? no->valuedouble : 0);
    }
    buf_puts(&nos, "}");
    const char *session = session_of(web);
    const char *args[] = {
        web->account->id, session,          fact_text(body, "key"),  random_text(web_arena(web)),
        decision,         buf_view(&nos).p, fact_text(body, "words")};
    if (!is_uuid(args[2]))
        wrong(web, "key");
    else if (count < 1 || count > (several ? 100 : 1))
        wrong(web, "nos");
    else
        web_change(web, session, "web_decide", 7, args, reply_facts);
}

/* ---- routing ---- */

const char *member_page_link(struct request *rq, const char *page) {
    return arena_printf(rq->arena, "%s/%s/%s?wx=1", rq->services->config->public_url,
                        rq->account->id, page);
}

static void open_declare(struct web *web) {
    open_page(web, "declare", "declare.js", "page_declare", "申报服务");
}

static void open_review(struct web *web) {
    open_page(web, "review", "review.js", "page_review", "待审申报");
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
