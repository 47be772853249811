#include "server/evidence.h"

#include <inttypes.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>
#include <time.h>

#include "server/base/limits.h"
#include "server/say.h"

#define MAC_BYTES 16
#define MAC_TEXT (2 * MAC_BYTES + 1)

/* ---- links ---- */

static void sign(const struct account *account, const char *what, const char *id, int64_t until,
                 char out[MAC_TEXT]) {
    char text[160];
    unsigned char mac[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    /* The first words keep this apart from whatever else the secret may sign. */
    int length = snprintf(text, sizeof text, "gulou evidence|%s|%s|%s|%" PRId64, account->id, what,
                          id, until);
    HMAC(EVP_sha256(), account->app_secret, (int)strlen(account->app_secret),
         (const unsigned char *)text, (size_t)length, mac, &n);
    for (int i = 0; i < MAC_BYTES; i++)
        snprintf(out + 2 * i, 3, "%02x", mac[i]);
}

static const char *signed_path(struct arena *arena, const struct account *account, const char *what,
                               int64_t id, int64_t until) {
    char mac[MAC_TEXT];
    const char *text = arena_printf(arena, "%" PRId64, id);
    sign(account, what, text, until, mac);
    return arena_printf(arena, "/%s/%s/%s?until=%" PRId64 "&mac=%s", account->id, what, text, until,
                        mac);
}

static const char *signed_link(struct arena *arena, const struct config *config,
                               const struct account *account, const char *what, int64_t id) {
    return arena_printf(arena, "%s%s", config->public_url,
                        signed_path(arena, account, what, id, time(NULL) + PHOTO_LINK_SECONDS));
}

const char *evidence_link(struct arena *arena, const struct config *config,
                          const struct account *account, int64_t no) {
    return signed_link(arena, config, account, "evidence", no);
}

const char *evidence_objection_link(struct arena *arena, const struct config *config,
                                    const struct account *account, int64_t objection) {
    return signed_link(arena, config, account, "objection", objection);
}

const char *evidence_photo_path(struct arena *arena, const struct account *account, int64_t photo,
                                bool small) {
    return signed_path(arena, account, small ? "thumb" : "photo", photo,
                       time(NULL) + PHOTO_LINK_SECONDS);
}

static bool is_good(struct web *web, const char *what, const char *id) {
    struct str until_text = http_query(web->exchange, "until");
    struct str given = http_query(web->exchange, "mac");
    char mac[MAC_TEXT];
    int64_t until;
    if (!str_to_i64(until_text, &until) || strlen(id) > 20)
        return false;
    sign(web->account, what, id, until, mac);
    return given.n == MAC_TEXT - 1 && CRYPTO_memcmp(given.p, mac, given.n) == 0 &&
           until > time(NULL);
}

/* ---- pages ---- */

static void on_evidence(struct web *web, const cJSON *facts) {
    if (request_refusal(facts)) {
        web_not_found(web);
        return;
    }
    cJSON *data = cJSON_Duplicate(facts, true);
    cJSON *photo;
    cJSON_ArrayForEach(photo, cJSON_GetObjectItem(data, "photos")) {
        cJSON_AddBoolToObject(photo, "stored", fact_is(photo, "status", "stored"));
        cJSON_AddBoolToObject(photo, "failed", fact_is(photo, "status", "failed"));
        cJSON_AddStringToObject(
            photo, "path",
            evidence_photo_path(web_arena(web), web->account, fact_number(photo, "photo"), false));
    }
    cJSON_AddStringToObject(data, "title", fact(facts, "objection") ? "异议照片" : "服务照片");
    web_page(web, "evidence", data);
    cJSON_Delete(data);
}

static void on_photo(struct web *web, const cJSON *facts) {
    const char *text = fact_text(facts, "jpeg");
    size_t n = strlen(text);
    unsigned char *bytes = arena_alloc(web_arena(web), n + 1);
    int decoded = EVP_DecodeBlock(bytes, (const unsigned char *)text, (int)n);
    if (decoded <= 0) {
        web_not_found(web);
        return;
    }
    size_t padding = (n > 0 && text[n - 1] == '=') + (size_t)(n > 1 && text[n - 2] == '=');
    web_bytes(web, "image/jpeg", (struct str){(char *)bytes, (size_t)decoded - padding});
}

bool evidence_handle(struct web *web, struct str kind, struct str id) {
    const char *what = str_is(kind, "evidence")    ? "evidence"
                       : str_is(kind, "objection") ? "objection"
                       : str_is(kind, "photo")     ? "photo"
                       : str_is(kind, "thumb")     ? "thumb"
                                                   : NULL;
    if (!what || http_method(web->exchange) != HTTP_GET)
        return false;
    const char *text = str_z(web_arena(web), id);
    http_set_header(web->exchange, "Cache-Control", "private, no-store");
    http_set_header(web->exchange, "Referrer-Policy", "no-referrer");
    if (!is_good(web, what, text)) {
        web_error(web, 403, "link_ended", "链接已过期，请回到公众号重新打开");
        return true;
    }
    const char *args[] = {web->account->id, text, str_is(kind, "thumb") ? "true" : "false"};
    if (str_is(kind, "evidence"))
        web_call(web, "evidence", 2, args, on_evidence);
    else if (str_is(kind, "objection"))
        web_call(web, "objection_evidence", 2, args, on_evidence);
    else
        web_call(web, "photo", 3, args, on_photo);
    return true;
}
