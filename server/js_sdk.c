#include "server/js_sdk.h"

#include <inttypes.h>
#include <openssl/evp.h>
#include <string.h>
#include <time.h>

#include "server/say.h"
#include "server/session.h"

#define KIND "jsapi_ticket"

struct signing {
    struct platform_call call;
    const char *url;
    const char *server; /* for the lease of the fetch */
};

const char *js_sdk_signature(struct arena *arena, const char *ticket, const char *nonce,
                             int64_t timestamp, const char *url) {
    unsigned char digest[EVP_MAX_MD_SIZE] = {0};
    unsigned n = 0;
    char *text = arena_room(arena, 41);
    const char *signed_text =
        arena_printf(arena, "jsapi_ticket=%s&noncestr=%s&timestamp=%" PRId64 "&url=%.*s", ticket,
                     nonce, timestamp, (int)strcspn(url, "#"), url);
    EVP_Digest(signed_text, strlen(signed_text), digest, &n, EVP_sha1(), NULL);
    str_hex(digest, 20, text);
    return text;
}

static void reply(struct web *web, const char *ticket) {
    struct signing *s = web->state;
    struct arena *arena = web_arena(web);
    const char *nonce = random_text(arena);
    int64_t now = time(NULL);
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "appId", web->account->app_id);
    cJSON_AddNumberToObject(json, "timestamp", (double)now);
    cJSON_AddStringToObject(json, "nonceStr", nonce);
    cJSON_AddStringToObject(json, "signature", js_sdk_signature(arena, ticket, nonce, now, s->url));
    web_json_of(web, json);
    cJSON_Delete(json);
}

static void without(struct web *web) {
    web_error(web, 503, "no_ticket", "微信功能暂时不能用，不影响办理");
}

static void on_kept(struct web *web, const cJSON *facts) {
    if (fact(facts, "token"))
        reply(web, fact_text(facts, "token"));
    else
        without(web);
}

static void on_given_back(struct web *web, const cJSON *facts) {
    (void)facts;
    without(web);
}

static void on_fetched(struct platform_call *call, const struct platform_result *result) {
    struct web *web = call->context;
    struct signing *s = web->state;
    const char *id = web->account->id;
    if (result->outcome != PLATFORM_DONE || !*fact_text(result->json, "ticket")) {
        const char *args[] = {id, KIND, s->server};
        web_change(web, id, "release_platform_token", 3, args, on_given_back);
        return;
    }
    struct arena *arena = web_arena(web);
    const char *args[] = {id, KIND, arena_printf(arena, "%s", fact_text(result->json, "ticket")),
                          arena_printf(arena, "%" PRId64, fact_number(result->json, "expires_in"))};
    web_change(web, id, "keep_platform_token", 4, args, on_kept);
}

static void on_ticket(struct web *web, const cJSON *facts) {
    struct signing *s = web->state;
    if (fact(facts, "token")) {
        reply(web, fact_text(facts, "token"));
    } else if (fact_true(facts, "fetch")) {
        s->call = (struct platform_call){.account = web->account,
                                         .path = "/cgi-bin/ticket/getticket",
                                         .query = {{"type", "jsapi"}},
                                         .on_done = on_fetched,
                                         .context = web};
        platform_start(web->services->platform, &s->call);
    } else {
        without(web);
    }
}

static void cancel_call(struct web *web) {
    struct signing *s = web->state;
    platform_cancel(&s->call);
}

void js_sdk_sign(struct web *web) {
    struct signing *s = arena_alloc(web_arena(web), sizeof *s);
    struct str url = http_query(web->exchange, "url");
    const char *own =
        arena_printf(web_arena(web), "%s/%s/", web->services->config->public_url, web->account->id);
    if (!web->account->verified || !str_starts(url, str_from(own))) {
        web_error(web, 400, "bad_url", "只能用于本公众号的页面");
        return;
    }
    s->url = str_z(web_arena(web), url);
    s->server = random_text(web_arena(web));
    web->state = s;
    web_on_end_or_late(web, cancel_call, without);
    const char *args[] = {web->account->id, KIND, s->server, NULL};
    web_change(web, web->account->id, "platform_token", 4, args, on_ticket);
}
