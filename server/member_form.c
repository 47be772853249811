#include "server/member_form.h"

#include <string.h>

#include "server/actions/actions.h"
#include "server/opening.h"
#include "server/say.h"
#include "server/words.h"

/* ---- reading what a script sent ---- */

bool form_fits(const char *text, const char *form) {
    for (; *form; form++, text++) {
        bool fits = *form == '0'   ? *text >= '0' && *text <= '9'
                    : *form == 'x' ? *text && strchr("0123456789abcdef", *text) != NULL
                                   : *text == *form;
        if (!fits)
            return false;
    }
    return *text == '\0';
}

bool form_is_uuid(const char *text) {
    return form_fits(text, "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx");
}

static void delete_json(void *json) {
    cJSON_Delete(json);
}

void form_wrong(struct web *web, const char *field) {
    web_error(web, 400, "bad_field", arena_printf(web_arena(web), "%s 的写法不对", field));
}

const cJSON *form_read_body(struct web *web) {
    struct str body = http_body(web->exchange);
    if (str_json_nul(body) < body.n) {
        web_error(web, 400, "bad_text", "请求里有读不出的文字"); /* as web_call() says */
        return NULL;
    }
    cJSON *json = cJSON_ParseWithLength(body.p, body.n);
    arena_on_free(web_arena(web), delete_json, json);
    if (!cJSON_IsObject(json)) {
        web_error(web, 400, "bad_body", "请求应为一个 JSON 对象");
        return NULL;
    }
    return json;
}

bool form_read_number(const cJSON *number, int64_t *out) {
    if (!cJSON_IsNumber(number) || !(number->valuedouble > -9e15 && number->valuedouble < 9e15))
        return false;
    *out = (int64_t)number->valuedouble;
    return !(number->valuedouble < (double)*out || number->valuedouble > (double)*out);
}

const char *form_read_words(struct web *web, const cJSON *body, const char *field) {
    const char *typed = fact_text(body, field);
    return words_empty(words_read(web_arena(web), str_from(typed))) ? "" : typed;
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
    if (strcmp(code, "photos_gone") == 0)
        return "照片放得太久，已经失效，正在重新上传，请再提交一次";
    return tell_refusal(&out, facts) || tell_filing_refusal(&out, facts) ? buf_view(&out).p
                                                                         : "这一步现在办不了";
}

void form_reply(struct web *web, const cJSON *facts) {
    if (!request_refusal(facts)) {
        web_json(web);
        return;
    }
    cJSON *copy = cJSON_Duplicate(facts, true);
    cJSON_AddStringToObject(copy, "message", refusal_words(web, facts));
    web_json_of(web, copy);
    cJSON_Delete(copy);
}

const char *form_read_photos(struct web *web, const cJSON *body) {
    const cJSON *photos = fact(body, "photos"), *photo;
    if (photos && !cJSON_IsArray(photos)) {
        form_wrong(web, "photos");
        return NULL;
    }
    cJSON_ArrayForEach(photo, photos) {
        if (!cJSON_IsString(photo) || !form_is_uuid(photo->valuestring)) {
            form_wrong(web, "photos");
            return NULL;
        }
    }
    char *text = cJSON_PrintUnformatted(photos);
    const char *copy = arena_printf(web_arena(web), "%s", text ? text : "[]");
    cJSON_free(text);
    return copy;
}

/* ---- opening a page ---- */

struct page {
    struct opening opening;
    const struct member_page *member;
};

static void show(struct web *web, cJSON *facts) {
    const struct member_page *page = ((const struct page *)web->state)->member;
    const char *code = request_refusal(facts);
    if (code) {
        web_error(web, strcmp(code, "notice_unknown") == 0 ? 404 : 403, code,
                  refusal_words(web, facts));
        return;
    }
    cJSON_AddStringToObject(facts, "title", page->title);
    cJSON_AddStringToObject(facts, "script", arena_printf(web_arena(web), "%s.js", page->template));
    cJSON_AddBoolToObject(facts, "with_photos", page->photos);
    if (page->prepare)
        page->prepare(web, facts);
    web_member_page(web, page->template, facts);
}

void form_open_page(struct web *web, const struct member_page *member, const char *function, int n,
                    const char *const *args) {
    struct page *page = arena_alloc(web_arena(web), sizeof *page);
    *page = (struct page){{.page = member->page, .then = show}, member};
    web->state = page;
    opening_start(web, function, n, args);
}
