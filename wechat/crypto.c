#include "wechat/crypto.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "server/base/log.h"

#define PAD_BLOCK 32 /* the platform's, twice the cipher's own */
#define CIPHER_BLOCK 16
#define HEAD_BYTES (WECHAT_RANDOM_BYTES + 4)

/* Fetching an algorithm costs more than using it, so each thread does it once. */
struct tools {
    EVP_MD *sha1;
    EVP_MD *sha256;
    EVP_MD_CTX *digest; /* begun anew each time: that takes no memory, which a copy would */
    EVP_CIPHER *aes;
    struct cipher {
        EVP_CIPHER_CTX *context;
        bool keyed;
        unsigned char key[WECHAT_KEY_BYTES];
    } cipher[2]; /* to decrypt, to encrypt */
};

static _Thread_local struct tools own;

static struct tools *tools(void) {
    if (own.aes != NULL) {
        return &own;
    }
    own.sha1 = EVP_MD_fetch(NULL, "SHA1", NULL);
    own.sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    own.digest = EVP_MD_CTX_new();
    own.aes = EVP_CIPHER_fetch(NULL, "AES-256-CBC", NULL);
    own.cipher[0].context = EVP_CIPHER_CTX_new();
    own.cipher[1].context = EVP_CIPHER_CTX_new();
    if (!own.sha1 || !own.sha256 || !own.digest || !own.aes || !own.cipher[0].context ||
        !own.cipher[1].context) {
        log_error("crypto", "cause=\"OpenSSL offers no SHA1, SHA256 or AES-256-CBC\"");
        abort();
    }
    return &own;
}

void wechat_crypto_release(void) {
    EVP_MD_free(own.sha1);
    EVP_MD_free(own.sha256);
    EVP_MD_CTX_free(own.digest);
    EVP_CIPHER_CTX_free(own.cipher[0].context);
    EVP_CIPHER_CTX_free(own.cipher[1].context);
    EVP_CIPHER_free(own.aes);
    OPENSSL_cleanse(&own, sizeof own);
}

static bool is_before(struct str a, struct str b) {
    size_t n = a.n < b.n ? a.n : b.n;
    int order = n == 0 ? 0 : memcmp(a.p, b.p, n);
    return order < 0 || (order == 0 && a.n < b.n);
}

/* Four at most: the library's way to sort takes longer than this. */
static void sort_parts(size_t n, const struct str *parts, struct str *sorted) {
    for (size_t i = 0; i < n; i++) {
        size_t at = i;
        for (; at > 0 && is_before(parts[i], sorted[at - 1]); at--) {
            sorted[at] = sorted[at - 1];
        }
        sorted[at] = parts[i];
    }
}

void wechat_sign(size_t n, const struct str *parts, char out[WECHAT_SIGNATURE_CHARS + 1]) {
    struct str sorted[WECHAT_SIGNATURE_PARTS_MAX];
    unsigned char digest[WECHAT_SIGNATURE_CHARS / 2];
    struct tools *t = tools();
    sort_parts(n, parts, sorted);
    EVP_DigestInit_ex2(t->digest, t->sha1, NULL);
    for (size_t i = 0; i < n; i++) {
        EVP_DigestUpdate(t->digest, sorted[i].p, sorted[i].n);
    }
    EVP_DigestFinal_ex(t->digest, digest, NULL);
    str_hex(digest, sizeof digest, out);
}

bool wechat_signed(struct str given, size_t n, const struct str *parts) {
    char expected[WECHAT_SIGNATURE_CHARS + 1];
    wechat_sign(n, parts, expected);
    return given.n == WECHAT_SIGNATURE_CHARS && CRYPTO_memcmp(given.p, expected, given.n) == 0;
}

void wechat_digest(struct str text, unsigned char out[WECHAT_DIGEST_BYTES]) {
    struct tools *t = tools();
    EVP_DigestInit_ex2(t->digest, t->sha256, NULL);
    EVP_DigestUpdate(t->digest, text.p, text.n);
    EVP_DigestFinal_ex(t->digest, out, NULL);
}

/* ---- base64 ---- */

static bool is_digit(char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' ||
           c == '/';
}

/* Refuses what EVP_DecodeBlock() would let pass: blanks at both ends, and pads elsewhere than at
 * the end. What is no digit in between it refuses itself. */
static bool is_base64(struct str text, size_t *pads) {
    *pads = 0;
    if (text.n % 4 != 0 || text.n > INT32_MAX) {
        return false;
    }
    while (*pads < 2 && *pads < text.n && text.p[text.n - 1 - *pads] == '=') {
        ++*pads;
    }
    size_t digits = text.n - *pads;
    return digits == 0 || (is_digit(text.p[0]) && is_digit(text.p[digits - 1]) &&
                           memchr(text.p, '=', digits) == NULL);
}

bool wechat_key_decode(struct str encoding_aes_key, unsigned char key[WECHAT_KEY_BYTES]) {
    char text[44];
    unsigned char decoded[WECHAT_KEY_BYTES + 1];
    size_t pads;
    if (encoding_aes_key.n != sizeof text - 1) {
        return false;
    }
    memcpy(text, encoding_aes_key.p, sizeof text - 1);
    text[sizeof text - 1] = '=';
    bool ok = is_base64((struct str){text, sizeof text}, &pads) && pads == 1 &&
              EVP_DecodeBlock(decoded, (unsigned char *)text, sizeof text) == sizeof decoded;
    if (ok) {
        memcpy(key, decoded, WECHAT_KEY_BYTES);
    }
    OPENSSL_cleanse(text, sizeof text);
    OPENSSL_cleanse(decoded, sizeof decoded);
    return ok;
}

/* ---- the envelope ---- */

const char *envelope_error_text(enum envelope_error error) {
    switch (error) {
    case ENVELOPE_OK:
        return "ok";
    case ENVELOPE_BASE64:
        return "not base64";
    case ENVELOPE_LENGTH:
        return "not whole cipher blocks";
    case ENVELOPE_PAD:
        return "wrong padding";
    case ENVELOPE_SHORT:
        return "length beyond the end";
    case ENVELOPE_APP_ID:
        return "another AppID";
    }
    return "unknown";
}

/* A context that holds this key: an account's second message needs no key schedule. The IV is the
 * first half of the key: that is the protocol. To decrypt it need not be told again, because it
 * changes only the first block, which is random and which nobody reads. */
static EVP_CIPHER_CTX *cipher_for(const unsigned char *key, int encrypt) {
    struct cipher *c = &tools()->cipher[encrypt];
    if (c->keyed && memcmp(c->key, key, sizeof c->key) == 0) {
        bool ready = !encrypt || EVP_CipherInit_ex2(c->context, NULL, NULL, key, 1, NULL) == 1;
        return ready ? c->context : NULL;
    }
    /* The library's own padding is added by EVP_CipherFinal_ex() alone, which nobody calls. */
    c->keyed = EVP_CipherInit_ex2(c->context, own.aes, key, key, encrypt, NULL) == 1 &&
               (encrypt || EVP_CIPHER_CTX_set_padding(c->context, 0) == 1);
    memcpy(c->key, key, sizeof c->key);
    return c->keyed ? c->context : NULL;
}

static int cipher_run(const unsigned char *key, int encrypt, const unsigned char *in, size_t n,
                      unsigned char *out) {
    EVP_CIPHER_CTX *context = cipher_for(key, encrypt);
    int written = 0;
    return context != NULL && EVP_CipherUpdate(context, out, &written, in, (int)n) == 1 ? written
                                                                                        : -1;
}

/* The length without the padding, or 0 when it is wrong. */
static size_t unpad(const unsigned char *plain, size_t n) {
    unsigned char pad = plain[n - 1];
    if (pad < 1 || pad > PAD_BLOCK || pad > n) {
        return 0;
    }
    unsigned char wrong = 0;
    for (size_t i = 0; i < pad; i++) {
        wrong |= plain[n - 1 - i] ^ pad;
    }
    return wrong ? 0 : n - pad;
}

enum envelope_error envelope_decrypt(struct arena *arena, const unsigned char key[WECHAT_KEY_BYTES],
                                     const char *app_id, struct str base64, struct str *message) {
    size_t pads;
    if (!is_base64(base64, &pads)) {
        return ENVELOPE_BASE64;
    }
    if (base64.n == 0) {
        return ENVELOPE_LENGTH;
    }
    unsigned char *cipher = arena_room(arena, base64.n);
    int decoded = EVP_DecodeBlock(cipher, (const unsigned char *)base64.p, (int)base64.n);
    if (decoded < 0) {
        return ENVELOPE_BASE64;
    }
    size_t n = (size_t)decoded - pads;
    if (n == 0 || n % CIPHER_BLOCK != 0) {
        return ENVELOPE_LENGTH;
    }
    unsigned char *plain = arena_room(arena, n + CIPHER_BLOCK);
    if (cipher_run(key, 0, cipher, n, plain) != (int)n) {
        return ENVELOPE_LENGTH;
    }
    size_t body = unpad(plain, n);
    if (body == 0) {
        return ENVELOPE_PAD;
    }
    if (body < HEAD_BYTES) {
        return ENVELOPE_SHORT;
    }
    uint32_t length = (uint32_t)plain[16] << 24 | (uint32_t)plain[17] << 16 |
                      (uint32_t)plain[18] << 8 | (uint32_t)plain[19];
    if (length > body - HEAD_BYTES) {
        return ENVELOPE_SHORT;
    }
    struct str for_whom = {(const char *)plain + HEAD_BYTES + length, body - HEAD_BYTES - length};
    if (!str_is(for_whom, app_id)) {
        return ENVELOPE_APP_ID;
    }
    *message = (struct str){(const char *)plain + HEAD_BYTES, length};
    return ENVELOPE_OK;
}

struct str envelope_encrypt(struct arena *arena, const unsigned char key[WECHAT_KEY_BYTES],
                            const char *app_id, const unsigned char random[WECHAT_RANDOM_BYTES],
                            struct str message) {
    size_t id_n = strlen(app_id);
    size_t body = HEAD_BYTES + message.n + id_n;
    size_t pad = PAD_BLOCK - body % PAD_BLOCK;
    size_t n = body + pad;
    unsigned char *plain = arena_room(arena, n);
    unsigned char *cipher = arena_room(arena, n + CIPHER_BLOCK);
    memcpy(plain, random, WECHAT_RANDOM_BYTES);
    for (int i = 0; i < 4; i++) {
        plain[WECHAT_RANDOM_BYTES + i] = (unsigned char)(message.n >> (24 - 8 * i));
    }
    memcpy(plain + HEAD_BYTES, message.p, message.n);
    memcpy(plain + HEAD_BYTES + message.n, app_id, id_n);
    memset(plain + body, (int)pad, pad);
    cipher_run(key, 1, plain, n, cipher);
    unsigned char *base64 = arena_room(arena, (n + 2) / 3 * 4 + 1);
    int length = EVP_EncodeBlock(base64, cipher, (int)n);
    return (struct str){(const char *)base64, (size_t)length};
}
