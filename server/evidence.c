#include "server/evidence.h"

#include <inttypes.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>
#include <time.h>

#include "server/base/limits.h"
#include "server/base/log.h"
#include "server/say.h"
#include "server/vault.h"

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
    str_hex(mac, MAC_BYTES, out);
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
    struct arena *arena = web_arena(web);
    bool small = cJSON_IsTrue(fact(facts, "small"));
    const char *what = vault_photo(arena, web->account->id, fact_text(facts, "digest"), small);
    const char *why = NULL;
    struct str bytes, jpeg;
    if (!image_decode(arena, fact_text(facts, "jpeg"), &bytes)) {
        web_not_found(web);
    } else if (!vault_open(arena, web->services->config, what, bytes, &jpeg, &why)) {
        log_error("photo_sealed", "account=%s cause=\"%s\"", web->account->id, why);
        web_error(web, 503, "sealed", "照片暂时打不开，请联系区域党委办公室");
    } else {
        web_bytes(web, "image/jpeg", jpeg);
    }
}

void evidence_arguments(struct arena *arena, const struct config *config,
                        const struct account *account, const struct image *image,
                        const char *args[EVIDENCE_ARGS]) {
    const char *full = vault_photo(arena, account->id, image->digest, false);
    const char *small = vault_photo(arena, account->id, image->digest, true);
    args[EVIDENCE_WIDTH] = arena_printf(arena, "%d", image->width);
    args[EVIDENCE_HEIGHT] = arena_printf(arena, "%d", image->height);
    args[EVIDENCE_DIGEST] = arena_printf(arena, "\\x%s", image->digest);
    args[EVIDENCE_JPEG] = image_argument(arena, vault_seal(arena, config, full, image->jpeg));
    args[EVIDENCE_SMALL] = image_argument(arena, vault_seal(arena, config, small, image->small));
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
