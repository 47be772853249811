#include "server/sheets.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "server/base/limits.h"
#include "server/base/log.h"
#include "server/invite_code.h"
#include "server/opening.h"
#include "server/qr.h"
#include "server/say.h"
#include "server/session.h"

#define SHEET_QR_PIXELS 420
#define INVITE_QR_PIXELS 160

/* ---- the platform's codes ---- */

/* For qrcode/create; seconds 0: permanent. */
static struct str code_body(struct arena *arena, const char *scene_text, int seconds) {
    cJSON *body = cJSON_CreateObject();
    if (seconds > 0)
        cJSON_AddNumberToObject(body, "expire_seconds", seconds);
    cJSON_AddStringToObject(body, "action_name",
                            seconds > 0 ? "QR_STR_SCENE" : "QR_LIMIT_STR_SCENE");
    cJSON *scene = cJSON_AddObjectToObject(cJSON_AddObjectToObject(body, "action_info"), "scene");
    cJSON_AddStringToObject(scene, "scene_str", scene_text);
    struct str text = api_json(arena, body);
    cJSON_Delete(body);
    return text;
}

static struct platform_call code_call(struct web *web, const char *scene, int seconds) {
    return (struct platform_call){.account = web->account,
                                  .path = "/cgi-bin/qrcode/create",
                                  .body = code_body(web_arena(web), scene, seconds),
                                  .context = web};
}

/* ---- a unit's sheet ---- */

struct sheet {
    struct opening opening;
    struct platform_call call;
    cJSON *facts;
};

static void delete_json(void *json) {
    cJSON_Delete(json);
}

static void refuse(struct web *web, const char *code) {
    if (strcmp(code, "not_found") == 0)
        web_not_found(web);
    else
        web_error(web, 403, code, "这一页由管理员办理");
}

static void show_sheet(struct web *web, const char *url) {
    struct sheet *sheet = web->state;
    const char *svg = qr_svg(web_arena(web), url, SHEET_QR_PIXELS);
    if (!svg) {
        web_error(web, 503, "platform", "二维码暂时做不出来，请稍后再试");
        return;
    }
    cJSON_AddStringToObject(sheet->facts, "qr", svg);
    cJSON_AddBoolToObject(sheet->facts, "inviting", fact_number(sheet->facts, "unbound") > 0);
    cJSON_AddStringToObject(sheet->facts, "title", fact_text(sheet->facts, "unit"));
    cJSON_AddStringToObject(sheet->facts, "script", "sheet.js");
    web_member_page(web, "sheet", sheet->facts);
}

static void on_kept(struct web *web, const cJSON *facts) {
    show_sheet(web, fact_text(facts, "url"));
}

static void without_platform(struct web *web) {
    web_error(web, 503, "platform", "微信暂时做不出二维码，请稍后再试");
}

static void on_code(struct platform_call *call, const struct platform_result *result) {
    struct web *web = call->context;
    struct sheet *sheet = web->state;
    struct arena *arena = web_arena(web);
    if (result->outcome != PLATFORM_DONE || !*fact_text(result->json, "url")) {
        without_platform(web);
        return;
    }
    const char *args[] = {web->account->id, fact_text(sheet->facts, "scene"),
                          arena_printf(arena, "%s", fact_text(result->json, "ticket")),
                          arena_printf(arena, "%s", fact_text(result->json, "url"))};
    web_change(web, args[1], "keep_qr_code", 4, args, on_kept);
}

static void cancel_sheet(struct web *web) {
    struct sheet *sheet = web->state;
    platform_cancel(&sheet->call);
}

static void on_sheet(struct web *web, cJSON *facts) {
    struct sheet *sheet = web->state;
    const char *code = request_refusal(facts);
    if (code) {
        refuse(web, code);
        return;
    }
    sheet->facts = cJSON_Duplicate(facts, true);
    arena_on_free(web_arena(web), delete_json, sheet->facts);
    if (fact(facts, "url")) {
        show_sheet(web, fact_text(facts, "url"));
        return;
    }
    sheet->call = code_call(web, fact_text(sheet->facts, "scene"), 0);
    sheet->call.on_done = on_code;
    web_on_end_or_late(web, cancel_sheet, without_platform);
    platform_start(web->services->platform, &sheet->call);
}

static void open_sheet(struct web *web, const char *unit) {
    struct sheet *sheet = arena_alloc(web_arena(web), sizeof *sheet);
    sheet->opening = (struct opening){.page = "sheets", .then = on_sheet};
    web->state = sheet;
    opening_start(web, "page_sheet", 1, &unit);
}

/* ---- the units ---- */

static void on_list(struct web *web, cJSON *facts) {
    const char *code = request_refusal(facts);
    if (code) {
        refuse(web, code);
        return;
    }
    cJSON_AddStringToObject(facts, "title", "单位二维码");
    web_member_page(web, "sheets", facts);
}

static void open_list(struct web *web) {
    struct opening *opening = arena_alloc(web_arena(web), sizeof *opening);
    *opening = (struct opening){.page = "sheets", .then = on_list};
    web->state = opening;
    opening_start(web, "page_sheets", 0, NULL);
}

/* ---- invites ---- */

struct invite {
    struct platform_call call; /* first, so that on_invite_code finds the rest */
    struct inviting *all;
    int64_t member;
    const char *name;
    const char *code;
    const char *qr; /* NULL: the platform made none; the code can be typed */
};

struct inviting {
    struct web *web;
    const char *unit; /* its number */
    struct invite *invites;
    size_t n;
    size_t open; /* calls that are not done */
};

static void cancel_invites(struct web *web) {
    struct inviting *inviting = web->state;
    for (size_t i = 0; i < inviting->n; i++)
        platform_cancel(&inviting->invites[i].call);
}

static void reply_invites(struct web *web) {
    struct inviting *inviting = web->state;
    cJSON *data = cJSON_CreateObject();
    cJSON *rows = cJSON_AddArrayToObject(data, "rows");
    for (size_t i = 0; i < inviting->n; i++) {
        const struct invite *invite = &inviting->invites[i];
        cJSON *row = cJSON_CreateObject();
        cJSON_AddStringToObject(row, "name", invite->name);
        cJSON_AddStringToObject(row, "code", invite->code);
        if (invite->qr)
            cJSON_AddStringToObject(row, "qr", invite->qr);
        cJSON_AddItemToArray(rows, row);
    }
    log_info("invites_printed", "account=%s unit=%s invites=%zu", web->account->id, inviting->unit,
             inviting->n);
    if (inviting->n == INVITES_MAX)
        cJSON_AddNumberToObject(data, "next", (double)inviting->invites[inviting->n - 1].member);
    web_json_of(web, data);
    cJSON_Delete(data);
}

static void on_invite_code(struct platform_call *call, const struct platform_result *result) {
    struct invite *invite = (struct invite *)call;
    struct web *web = invite->all->web;
    if (result->outcome == PLATFORM_DONE && *fact_text(result->json, "url"))
        invite->qr = qr_svg(web_arena(web), fact_text(result->json, "url"), INVITE_QR_PIXELS);
    if (--invite->all->open == 0)
        reply_invites(web);
}

static void on_invited(struct web *web, const cJSON *facts) {
    struct inviting *inviting = web->state;
    struct arena *arena = web_arena(web);
    if (request_refusal(facts)) {
        refuse(web, request_refusal(facts));
        return;
    }
    if (inviting->n == 0) {
        reply_invites(web);
        return;
    }
    web_on_end_or_late(web, cancel_invites, reply_invites); /* whose codes are changed already */
    inviting->open = inviting->n;
    for (size_t i = 0; i < inviting->n; i++) {
        struct invite *invite = &inviting->invites[i];
        const char *scene = arena_printf(arena, "invite_%s", invite->code);
        invite->call = code_call(web, scene, INVITE_SECONDS);
        invite->call.on_done = on_invite_code;
        platform_start(web->services->platform, &invite->call);
    }
}

static void on_unbound(struct web *web, const cJSON *facts) {
    struct inviting *inviting = web->state;
    struct arena *arena = web_arena(web);
    const cJSON *member, *members = fact(facts, "members");
    if (request_refusal(facts)) {
        refuse(web, request_refusal(facts));
        return;
    }
    inviting->invites =
        arena_alloc(arena, (size_t)(cJSON_GetArraySize(members) + 1) * sizeof(struct invite));
    cJSON *list = cJSON_CreateArray();
    cJSON_ArrayForEach(member, members) {
        struct invite *invite = &inviting->invites[inviting->n++];
        invite->all = inviting;
        invite->member = fact_number(member, "member_id");
        invite->name = arena_printf(arena, "%s", fact_text(member, "name"));
        invite->code = invite_code_new(arena);
        cJSON *row = cJSON_CreateObject();
        cJSON_AddNumberToObject(row, "member", (double)invite->member);
        cJSON_AddStringToObject(row, "code", invite->code);
        cJSON_AddItemToArray(list, row);
    }
    const char *session = session_of(web);
    const char *args[] = {web->account->id, session, random_text(arena), inviting->unit,
                          api_json(arena, list).p};
    cJSON_Delete(list);
    web_change(web, session, "web_invite", 5, args, on_invited);
}

static void make_invites(struct web *web, const char *unit) {
    struct inviting *inviting = arena_alloc(web_arena(web), sizeof *inviting);
    *inviting = (struct inviting){.web = web, .unit = unit};
    web->state = inviting;
    web->json = true;
    if (!session_csrf_ok(web)) {
        web_error(web, 403, "csrf", "页面已过期，请重新打开");
        return;
    }
    struct str text = http_query(web->exchange, "after");
    int64_t after = 0;
    if (text.n > 0 && (!str_to_i64(text, &after) || after < 0 || after > INT32_MAX)) {
        web_error(web, 400, "bad_field", "after 的写法不对");
        return;
    }
    http_set_header(web->exchange, "Cache-Control", "private, no-store");
    const char *args[] = {web->account->id, session_of(web), unit,
                          arena_printf(web_arena(web), "%" PRId64, after),
                          arena_printf(web_arena(web), "%d", INVITES_MAX)};
    web_call(web, "web_unbound", 5, args, on_unbound);
}

/* ---- routing ---- */

bool sheets_handle(struct web *web, const struct str *rest, size_t n) {
    int64_t unit;
    enum http_method method = http_method(web->exchange);
    if (n < 1 || !str_is(rest[0], "sheets"))
        return false;
    if (n == 1 && method == HTTP_GET) {
        open_list(web);
        return true;
    }
    if (n < 2 || !str_to_i64(rest[1], &unit) || unit < 1 || unit > INT32_MAX)
        return false;
    const char *number = arena_printf(web_arena(web), "%" PRId64, unit);
    if (n == 2 && method == HTTP_GET)
        open_sheet(web, number);
    else if (n == 3 && str_is(rest[2], "invites") && method == HTTP_POST)
        make_invites(web, number);
    else
        return false;
    return true;
}
