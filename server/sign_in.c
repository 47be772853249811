#include "server/sign_in.h"

#include <inttypes.h>
#include <openssl/crypto.h>
#include <string.h>
#include <time.h>

#include "server/base/limits.h"
#include "server/base/log.h"
#include "server/base/random.h"
#include "server/objection_page.h"
#include "server/qr.h"
#include "server/rate.h"
#include "server/say.h"
#include "server/session.h"
#include "server/visitors.h"

#define STATE_COOKIE "gulou_signin"    /* state.page.tries */
#define BROWSER_COOKIE "gulou_browser" /* of a desktop that shows a QR code */
#define TRIES_MAX 2
#define DAY_SECONDS 86400
#define BEIJING_SECONDS (8 * 3600)
#define CODE_USED_FIRST 40029
#define CODE_USED_SECOND 40163

struct signing_in {
    struct platform_call call;
    const char *page;
    const char *token; /* of the session to be */
    int tries;
    const char *scene;
    int number;
    const char *qr;
};

static const char *const pages[] = {"declare", "review", "sheets", "notices"};

static const char *known_page(struct arena *arena, struct str name) {
    const char *command;
    for (size_t i = 0; i < sizeof pages / sizeof pages[0]; i++)
        if (str_is(name, pages[i]))
            return pages[i];
    return objection_page_is(arena, name, &command) ? str_z(arena, name) : pages[0];
}

/* What to send in the chat instead of using this page. */
static const char *command_for(struct arena *arena, const char *page) {
    const char *command;
    if (objection_page_is(arena, str_from(page), &command))
        return command;
    return strcmp(page, "review") == 0 ? "待审" : strcmp(page, "declare") == 0 ? "申报" : "帮助";
}

static struct signing_in *of(struct web *web) {
    return web->state;
}

static void cancel_call(struct web *web) {
    platform_cancel(&of(web)->call);
}

static struct signing_in *begin(struct web *web) {
    struct signing_in *s = arena_alloc(web_arena(web), sizeof *s);
    web->state = s;
    return s;
}

static void without_platform(struct web *web) {
    web_error(web, 503, "platform", "微信暂时不能登录，请稍后再打开");
}

static void without_code(struct web *web) {
    web_error(web, 503, "platform", "暂时不能扫码登录，请在微信里打开");
}

static struct web *web_of(struct platform_call *call) {
    return call->context;
}

static void tell(struct web *web, const char *heading, const char *words) {
    cJSON *data = cJSON_CreateObject();
    cJSON_AddStringToObject(data, "title", heading);
    cJSON_AddStringToObject(data, "words", words);
    web_member_page(web, "message", data);
    cJSON_Delete(data);
}

void sign_in_not_bound(struct web *web) {
    tell(web, "请先绑定身份",
         "回到公众号，发送「绑定 邀请码」，例如：绑定 ABCD1234。邀请码请向所在单位或社区索取。");
}

/* ---- inside WeChat ---- */

static void ask_platform(struct web *web, const char *page, int tries) {
    struct arena *arena = web_arena(web);
    const struct config *config = web->services->config;
    const char *state = random_text(arena);
    const char *back = http_escape(
        arena, arena_printf(arena, "%s/%s/signin", config->public_url, web->account->id));
    set_cookie(web, STATE_COOKIE, arena_printf(arena, "%s.%s.%d", state, page, tries),
               SIGN_IN_SECONDS);
    /* The platform insists on this order of parameters. */
    web_redirect(web, arena_printf(arena,
                                   "%s/connect/oauth2/authorize?appid=%s&redirect_uri=%s"
                                   "&response_type=code&scope=snsapi_base&state=%s#wechat_redirect",
                                   config->wechat_open_base, web->account->app_id, back, state));
}

static void on_session(struct web *web, const cJSON *facts) {
    if (request_refusal(facts)) {
        sign_in_not_bound(web);
        return;
    }
    set_cookie(web, STATE_COOKIE, "", 0);
    session_give(web, of(web)->token);
    log_info("signed_in", "account=%s by=platform", web->account->id);
    web_redirect(web, arena_printf(web_arena(web), "/%s/%s", web->account->id, of(web)->page));
}

static void on_openid(struct platform_call *call, const struct platform_result *result) {
    struct web *web = web_of(call);
    struct signing_in *s = of(web);
    bool used = result->errcode == CODE_USED_FIRST || result->errcode == CODE_USED_SECOND;
    if (used && s->tries < TRIES_MAX) {
        /* Browsers ask twice, now and then: the second time the code is spent. */
        ask_platform(web, s->page, s->tries + 1);
    } else if (result->outcome != PLATFORM_DONE) {
        without_platform(web);
    } else if (fact_number(result->json, "is_snapshotuser") == 1) {
        tell(web, "需要完整打开", "这是页面快照。请点右下角「使用完整服务」，再重新打开。");
    } else {
        const char *openid = arena_printf(web_arena(web), "%s", fact_text(result->json, "openid"));
        const char *args[] = {web->account->id, openid, session_offer(web, &s->token)};
        web_change(web, openid, "start_session", 3, args, on_session);
    }
}

/* "state.page.tries" of this browser; false when it is not the state that came back. */
static bool read_state(struct web *web, struct signing_in *s) {
    struct str cookie = http_cookie(web->exchange, STATE_COOKIE);
    struct str state = http_query(web->exchange, "state");
    const char *dot = cookie.n > 0 ? memchr(cookie.p, '.', cookie.n) : NULL;
    if (!dot || state.n == 0 || state.n != (size_t)(dot - cookie.p) ||
        CRYPTO_memcmp(state.p, cookie.p, state.n) != 0)
        return false;
    struct str rest = {dot + 1, cookie.n - state.n - 1};
    const char *second = memchr(rest.p, '.', rest.n);
    struct str name = {rest.p, second ? (size_t)(second - rest.p) : rest.n};
    int64_t tries = TRIES_MAX;
    if (second)
        str_to_i64((struct str){second + 1, rest.n - name.n - 1}, &tries);
    s->page = known_page(web_arena(web), name);
    s->tries = (int)tries;
    return true;
}

void sign_in_return(struct web *web) {
    struct signing_in *s = begin(web);
    struct str code = http_query(web->exchange, "code");
    if (!read_state(web, s) || code.n == 0 || code.n > 512) {
        web_error(web, 403, "state", "登录已过期，请回到公众号重新打开");
        return;
    }
    s->call = (struct platform_call){.account = web->account,
                                     .path = "/sns/oauth2/access_token",
                                     .query = {{"appid", web->account->app_id},
                                               {"secret", web->account->app_secret},
                                               {"code", str_z(web_arena(web), code)},
                                               {"grant_type", "authorization_code"}},
                                     .without_token = true,
                                     .on_done = on_openid,
                                     .context = web};
    web_on_end_or_late(web, cancel_call, without_platform);
    platform_start(web->services->platform, &s->call);
}

/* ---- on a desktop ---- */

static void on_offered(struct web *web, const cJSON *facts) {
    (void)facts;
    struct signing_in *s = of(web);
    cJSON *data = cJSON_CreateObject();
    cJSON_AddStringToObject(data, "title", "扫码登录");
    cJSON_AddStringToObject(data, "qr", s->qr);
    cJSON_AddNumberToObject(data, "number", s->number);
    cJSON_AddStringToObject(data, "page", s->page);
    cJSON_AddStringToObject(data, "command", command_for(web_arena(web), s->page));
    cJSON_AddStringToObject(data, "script", "sign_in.js");
    web_member_page(web, "sign_in", data);
    cJSON_Delete(data);
}

static void on_qr_code(struct platform_call *call, const struct platform_result *result) {
    struct web *web = web_of(call);
    struct signing_in *s = of(web);
    struct arena *arena = web_arena(web);
    s->qr = result->outcome == PLATFORM_DONE ? qr_svg(arena, fact_text(result->json, "url"), 220)
                                             : NULL;
    if (!s->qr) {
        without_code(web);
        return;
    }
    unsigned char random;
    random_bytes(&random, 1);
    s->number = 10 + random % 90;
    const char *browser = random_text(arena);
    set_cookie(web, BROWSER_COOKIE, browser, SIGN_IN_SECONDS);
    const char *args[] = {web->account->id, s->scene, digest_argument(arena, str_from(browser)),
                          arena_printf(arena, "%d", s->number),
                          arena_printf(arena, "%d", SIGN_IN_SECONDS)};
    web_change(web, s->scene, "offer_sign_in", 5, args, on_offered);
}

/* Anybody can ask for a code, and every one counts against the account's quota. Neither may one
 * visitor keep the others from signing in, nor many of them use up the day's. */
static bool may_show(struct web *web) {
    struct services *services = web->services;
    struct str who = visitors_network(web->exchange, services->config);
    time_t now = time(NULL);
    const char *wait = "60", *words = "扫码登录的人太多，请过一分钟再试，或在微信里打开";
    if (rate_take(services->sign_in_codes, who, now / 60)) {
        int64_t day = (now + BEIJING_SECONDS) / DAY_SECONDS; /* as the platform counts */
        if (rate_take(services->sign_in_codes_day, who, day))
            return true;
        wait = "3600";
        words = "今天扫码登录的次数太多，请明天再试，或在微信里打开";
    }
    log_warn("sign_in_codes_spent", "account=%s wait=%s", web->account->id, wait);
    http_set_header(web->exchange, "Retry-After", wait);
    web_error(web, 429, "too_many", words);
    return false;
}

static void show_qr_code(struct web *web, const char *page) {
    struct signing_in *s = begin(web);
    struct arena *arena = web_arena(web);
    if (!may_show(web))
        return;
    s->page = page;
    s->scene = arena_printf(arena, "signin_%s", random_text(arena));
    cJSON *body = cJSON_CreateObject();
    cJSON_AddNumberToObject(body, "expire_seconds", SIGN_IN_SECONDS);
    cJSON_AddStringToObject(body, "action_name", "QR_STR_SCENE");
    cJSON *scene = cJSON_AddObjectToObject(cJSON_AddObjectToObject(body, "action_info"), "scene");
    cJSON_AddStringToObject(scene, "scene_str", s->scene);
    s->call = (struct platform_call){.account = web->account,
                                     .path = "/cgi-bin/qrcode/create",
                                     .body = api_json(arena, body),
                                     .on_done = on_qr_code,
                                     .context = web};
    cJSON_Delete(body);
    web_on_end_or_late(web, cancel_call, without_code);
    platform_start(web->services->platform, &s->call);
}

static void on_state(struct web *web, const cJSON *facts) {
    if (fact_is(facts, "status", "confirmed") && !request_refusal(facts)) {
        set_cookie(web, BROWSER_COOKIE, "", 0);
        session_give(web, of(web)->token);
        log_info("signed_in", "account=%s by=qr_code", web->account->id);
    }
    web_json(web);
}

void sign_in_state(struct web *web) {
    struct signing_in *s = begin(web);
    struct str browser = http_cookie(web->exchange, BROWSER_COOKIE);
    web->json = true;
    http_set_header(web->exchange, "Cache-Control", "no-store");
    const char *digest = digest_argument(web_arena(web), browser);
    const char *args[] = {web->account->id, digest, session_offer(web, &s->token)};
    web_change(web, digest, "sign_in_state", 3, args, on_state);
}

/* ---- beginning and end ---- */

/* WeChat's own browser says so; links that we put into the chat say it, too. */
static bool is_inside_wechat(struct web *web) {
    struct str agent = http_header(web->exchange, "User-Agent");
    return http_query(web->exchange, "wx").n > 0 ||
           (agent.n > 0 && strcasestr(str_z(web_arena(web), agent), "MicroMessenger"));
}

void sign_in_start(struct web *web, const char *page) {
    if (!web->account->verified)
        tell(web, "请在公众号里办理",
             arena_printf(web_arena(web),
                          "这个公众号没有开通网页登录。回到公众号发送「%s」，一样可以办理。",
                          command_for(web_arena(web), page)));
    else if (is_inside_wechat(web))
        ask_platform(web, page, 0);
    else
        show_qr_code(web, page);
}

static void on_out(struct web *web, const cJSON *facts) {
    (void)facts;
    session_take(web);
    web_redirect(web, arena_printf(web_arena(web), "/%s/", web->account->id));
}

void sign_in_out(struct web *web) {
    const char *session = session_of(web);
    const char *args[] = {web->account->id, session};
    web_change(web, session, "end_session", 2, args, on_out);
}
