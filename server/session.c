#include "server/session.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "db/digest.h"
#include "server/base/limits.h"
#include "server/base/random.h"

static const char cookie_name[] = "gulou_session";

const char *random_text(struct arena *arena) {
    unsigned char bytes[16];
    char *text = arena_alloc(arena, 2 * sizeof bytes + 1);
    random_bytes(bytes, sizeof bytes);
    str_hex(bytes, sizeof bytes, text);
    return text;
}

const char *digest_argument(struct arena *arena, struct str text) {
    char digest[DIGEST_HEX_SIZE];
    digest_hex(&text, 1, digest);
    return arena_printf(arena, "\\x%s", digest);
}

void set_cookie(struct web *web, const char *name, const char *value, int seconds) {
    bool secure = strncmp(web->services->config->public_url, "https:", 6) == 0;
    http_set_header(web->exchange, "Set-Cookie",
                    arena_printf(web_arena(web),
                                 "%s=%s; Path=/%s; Max-Age=%d; HttpOnly; SameSite=Lax%s", name,
                                 value, web->account->id, seconds, secure ? "; Secure" : ""));
}

bool session_is_there(struct web *web) {
    return http_cookie(web->exchange, cookie_name).n > 0;
}

const char *session_of(struct web *web) {
    return digest_argument(web_arena(web), http_cookie(web->exchange, cookie_name));
}

const char *session_offer(struct web *web, const char **token) {
    struct arena *arena = web_arena(web);
    *token = arena_printf(arena, "%s%s", random_text(arena), random_text(arena));
    return digest_argument(arena, str_from(*token));
}

void session_give(struct web *web, const char *token) {
    set_cookie(web, cookie_name, token, SESSION_COOKIE_SECONDS);
}

void session_take(struct web *web) {
    set_cookie(web, cookie_name, "", 0);
}

const char *session_csrf(struct web *web, const char *token) {
    char digest[DIGEST_HEX_SIZE];
    struct str parts[] = {STR("gulou csrf "),
                          token ? str_from(token) : http_cookie(web->exchange, cookie_name)};
    digest_hex(parts, 2, digest);
    return arena_strndup(web_arena(web), digest, strlen(digest));
}

bool session_csrf_ok(struct web *web) {
    struct str given = http_header(web->exchange, "X-CSRF-Token");
    const char *right = session_csrf(web, NULL);
    return http_cookie(web->exchange, cookie_name).n > 0 && given.n == strlen(right) &&
           CRYPTO_memcmp(given.p, right, given.n) == 0;
}
