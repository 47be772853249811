/* Any bytes as a whole push: query and body, signed as the platform signs or not, sealed or not.
 * Nothing unsigned gets in, and what is opened has its key. The first byte says how the rest is
 * dressed; then timestamp, nonce and body, divided by NUL. */

#include <stdlib.h>
#include <string.h>

#include "server/base/buf.h"
#include "wechat/callback.h"
#include "wechat/crypto.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SIGNED = 1, SEALED = 2, BARE = 4, ROTATED = 8 };

static const unsigned char key[WECHAT_KEY_BYTES] = {1, 2, 3};
static const unsigned char old_key[WECHAT_KEY_BYTES] = {4, 5, 6};

static struct str take(struct str *rest) {
    const char *end = rest->n > 0 ? memchr(rest->p, 0, rest->n) : NULL;
    size_t n = end ? (size_t)(end - rest->p) : rest->n;
    struct str part = {rest->p, n};
    *rest = (struct str){rest->p + n + (end != NULL), rest->n - n - (end != NULL)};
    return part;
}

static struct str sign(struct arena *arena, size_t n, const struct str *parts) {
    char *text = arena_alloc(arena, WECHAT_SIGNATURE_CHARS + 1);
    wechat_sign(n, parts, text);
    return str_from(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0)
        return 0;
    unsigned how = data[0];
    struct wechat_account account = {.id = "demo",
                                     .app_id = "wx1",
                                     .token = "token",
                                     .token_previous = "before",
                                     .aes_key = key,
                                     .aes_key_previous = old_key,
                                     .mode = (enum wechat_mode)(how >> 4 & 3) % 3};
    struct arena *arena = arena_new();
    struct str rest = {(const char *)data + 1, size - 1}, token = STR("token"), sealed = STR("");
    struct callback_query query = {.timestamp = take(&rest), .nonce = take(&rest)};
    struct str body = rest;
    if (how & ROTATED)
        token = STR("before");
    if (how & SEALED) {
        struct buf xml;
        sealed = how & BARE
                     ? body
                     : envelope_encrypt(arena, how & ROTATED ? old_key : key, "wx1", key, body);
        buf_init(&xml, arena);
        buf_puts(&xml, "<xml><Encrypt><![CDATA[");
        buf_addstr(&xml, sealed);
        buf_puts(&xml, "]]></Encrypt></xml>");
        body = buf_view(&xml);
        query.encrypt_type = STR("aes");
    }
    if (how & SIGNED) {
        query.signature = sign(arena, 3, (struct str[]){token, query.timestamp, query.nonce});
        query.msg_signature =
            sign(arena, 4, (struct str[]){token, query.timestamp, query.nonce, sealed});
    }
    struct callback_open open;
    bool opened = callback_open(arena, &account, &query, body, &open) == CALLBACK_OK;
    if (opened && !(how & SIGNED))
        abort();
    if (opened && (open.message.from_user.n == 0 ||
                   strlen(callback_message_key(arena, "demo", &open.message)) != 36))
        abort();
    query.echostr = body;
    if (callback_verify(&account, &query) == CALLBACK_OK && !(how & SIGNED))
        abort();
    arena_free(arena);
    return 0;
}
