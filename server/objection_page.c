#include "server/objection_page.h"

#include <inttypes.h>
#include <string.h>

#include "server/actions/actions.h"
#include "server/member_form.h"
#include "server/say.h"
#include "server/session.h"

/* ---- where a sign-in comes back to ---- */

static bool take(struct str *text, const char *prefix) {
    size_t n = strlen(prefix);
    if (text->n < n || memcmp(text->p, prefix, n) != 0)
        return false;
    *text = (struct str){text->p + n, text->n - n};
    return true;
}

static bool take_number(struct str *text, int64_t max, int64_t *out) {
    size_t n = 0;
    while (n < text->n && text->p[n] >= '0' && text->p[n] <= '9')
        n++;
    struct str digits = {text->p, n};
    *text = (struct str){text->p + n, text->n - n};
    return str_to_i64(digits, out) && *out >= 1 && *out <= max;
}

bool objection_page_is(struct arena *arena, struct str page, const char **command) {
    int64_t notice, no = 0;
    if (!take(&page, "notices/") || !take_number(&page, INT32_MAX, &notice) ||
        !take(&page, "/object") ||
        (page.n > 0 && (!take(&page, "?no=") || !take_number(&page, INT64_MAX, &no))) || page.n > 0)
        return false;
    *command = no > 0 ? arena_printf(arena, "异议 %" PRId64 " %" PRId64 " 理由", notice, no)
                      : arena_printf(arena, "异议 %" PRId64 " 条目编号 理由", notice);
    return true;
}

/* ---- the form ---- */

/* An objection's state in words; closed ones have an answer. */
static void prepare_own(cJSON *facts) {
    cJSON *one;
    cJSON_ArrayForEach(one, cJSON_GetObjectItem(facts, "own")) {
        cJSON_AddStringToObject(one, "state", say_objection_status(fact_text(one, "status")));
        cJSON_AddBoolToObject(one, "is_open", fact(one, "answer") == NULL);
    }
}

static void prepare(struct web *web, cJSON *facts) {
    const cJSON *why = fact(facts, "why");
    if (why) {
        struct buf out;
        buf_init(&out, web_arena(web));
        tell_filing_refusal(&out, why);
        cJSON_AddStringToObject(facts, "why_not", buf_view(&out).p);
    }
    cJSON_AddBoolToObject(facts, "form", !why && fact(facts, "line"));
    cJSON_AddBoolToObject(facts, "ask", fact_true(facts, "is_open") && !fact(facts, "line"));
    cJSON_AddBoolToObject(facts, "has_own", cJSON_GetArraySize(fact(facts, "own")) > 0);
    prepare_own(facts);
}

static void open_form(struct web *web, const char *notice) {
    struct arena *arena = web_arena(web);
    struct str no = http_query(web->exchange, "no");
    int64_t value;
    if (no.n > 0 && (!str_to_i64(no, &value) || value < 1)) {
        web_error(web, 400, "bad_parameter", "编号是名单第一列的数字");
        return;
    }
    const char *number = no.n > 0 ? str_z(arena, no) : NULL;
    struct member_page *page = arena_alloc(arena, sizeof *page);
    *page = (struct member_page){.page = arena_printf(arena, "notices/%s/object%s%s", notice,
                                                      number ? "?no=" : "", number ? number : ""),
                                 .template = "object",
                                 .title = "提出异议",
                                 .photos = true,
                                 .prepare = prepare};
    const char *args[] = {notice, number};
    form_open_page(web, page, "page_object", 2, args);
}

/* ---- filing ---- */

static void file(struct web *web, const char *notice) {
    struct arena *arena = web_arena(web);
    const cJSON *body = form_read_body(web);
    const char *photos = body ? form_read_photos(web, body) : NULL;
    if (!photos)
        return;
    int64_t no = 0;
    bool numbered = form_read_number(fact(body, "no"), &no);
    const char *session = session_of(web);
    const char *args[] = {web->account->id,
                          session,
                          fact_text(body, "key"),
                          random_text(arena),
                          notice,
                          arena_printf(arena, "%" PRId64, no),
                          form_read_words(web, body, "words"),
                          photos,
                          arg_now(arena)};
    if (!form_is_uuid(args[2]))
        form_wrong(web, "key");
    else if (!numbered)
        form_wrong(web, "no");
    else
        web_change(web, session, "web_object", 9, args, form_reply);
}

bool objection_page_handle(struct web *web, const struct str *rest, size_t n) {
    int64_t notice;
    enum http_method method = http_method(web->exchange);
    if (n != 3 || !str_is(rest[0], "notices") || !str_is(rest[2], "object") ||
        !str_to_i64(rest[1], &notice) || notice < 1 || notice > INT32_MAX ||
        (method != HTTP_GET && method != HTTP_POST))
        return false;
    const char *id = arena_printf(web_arena(web), "%" PRId64, notice);
    web->json = method == HTTP_POST;
    if (method == HTTP_GET)
        open_form(web, id);
    else if (!session_csrf_ok(web))
        web_error(web, 403, "csrf", "页面已过期，请重新打开");
    else
        file(web, id);
    return true;
}
