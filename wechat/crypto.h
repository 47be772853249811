#ifndef GULOU_WECHAT_CRYPTO_H
#define GULOU_WECHAT_CRYPTO_H

/* The platform's signature and cipher.
 *
 * Source: developers.weixin.qq.com, "消息加解密说明" (push/encryption): signatures are lower-case
 * hex SHA-1 over the byte-wise sorted parts; bodies are AES-256-CBC, IV = first half of the key,
 * padded to 32 bytes: random(16) | length(4, big-endian) | message | appid. Ownership: results live
 * in the given arena. Thread: any; each thread keeps its own cipher contexts. */

#include <stdbool.h>
#include <stddef.h>

#include "server/base/arena.h"
#include "server/base/str.h"

#define WECHAT_KEY_BYTES 32
#define WECHAT_RANDOM_BYTES 16
#define WECHAT_SIGNATURE_CHARS 40
#define WECHAT_SIGNATURE_PARTS_MAX 4

/* Writes the signature of up to WECHAT_SIGNATURE_PARTS_MAX parts, terminated. */
void wechat_sign(size_t n, const struct str *parts, char out[WECHAT_SIGNATURE_CHARS + 1]);

/* Whether `given` is the signature of the parts; takes the same time wherever it differs. */
bool wechat_signed(struct str given, size_t n, const struct str *parts);

#define WECHAT_DIGEST_BYTES 32

/* SHA-256, for keys of ours. */
void wechat_digest(struct str text, unsigned char out[WECHAT_DIGEST_BYTES]);

/* EncodingAESKey: 43 base64 characters. The last one's two spare bits may be anything: real keys,
 * Tencent's own example among them, have them set. */
bool wechat_key_decode(struct str encoding_aes_key, unsigned char key[WECHAT_KEY_BYTES]);

/* Frees what this thread keeps; before the thread ends. Using the module again is fine. */
void wechat_crypto_release(void);

enum envelope_error {
    ENVELOPE_OK,
    ENVELOPE_BASE64, /* not base64 */
    ENVELOPE_LENGTH, /* empty, or not whole blocks */
    ENVELOPE_PAD,
    ENVELOPE_SHORT,  /* no room for random and length, or a length beyond the end */
    ENVELOPE_APP_ID, /* for somebody else */
};

/* For the log; never shown outside. */
const char *envelope_error_text(enum envelope_error error);

enum envelope_error envelope_decrypt(struct arena *arena, const unsigned char key[WECHAT_KEY_BYTES],
                                     const char *app_id, struct str base64, struct str *message);

/* `random`: WECHAT_RANDOM_BYTES fresh random bytes. Never fails: the size is bounded by the caller.
 */
struct str envelope_encrypt(struct arena *arena, const unsigned char key[WECHAT_KEY_BYTES],
                            const char *app_id, const unsigned char random[WECHAT_RANDOM_BYTES],
                            struct str message);

#endif
