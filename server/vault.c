#include "server/vault.h"

#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

#include "server/base/buf.h"

#define MAGIC "GLV1"
#define MAGIC_BYTES (sizeof MAGIC - 1)
#define NONCE_BYTES 12
#define TAG_BYTES 16

struct str vault_prefix(struct arena *arena, const struct config *config) {
    struct buf out;
    buf_init(&out, arena);
    if (config->data_keys_n > 0) {
        const char *id = config->data_keys[0].id;
        char n = (char)strlen(id);
        buf_puts(&out, MAGIC);
        buf_add(&out, &n, 1);
        buf_puts(&out, id);
    }
    return buf_view(&out);
}

const char *vault_photo(struct arena *arena, const char *account, const char *digest_hex,
                        bool small) {
    return arena_printf(arena, "photo|%s|%s|%s", account, digest_hex, small ? "small" : "full");
}

/* ---- sealing ---- */

/* Writes ciphertext and tag. With a good key only a lack of memory can fail. */
static bool encrypt(const struct data_key *key, const unsigned char *nonce, const char *what,
                    struct str bytes, unsigned char *out) {
    EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
    int n = 0, more = 0;
    bool ok = c && EVP_EncryptInit_ex(c, EVP_aes_256_gcm(), NULL, key->secret, nonce) == 1 &&
              EVP_EncryptUpdate(c, NULL, &n, (const unsigned char *)what, (int)strlen(what)) == 1 &&
              EVP_EncryptUpdate(c, out, &n, (const unsigned char *)bytes.p, (int)bytes.n) == 1 &&
              EVP_EncryptFinal_ex(c, out + n, &more) == 1 &&
              EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_GET_TAG, TAG_BYTES, out + bytes.n) == 1;
    EVP_CIPHER_CTX_free(c);
    return ok;
}

struct str vault_seal(struct arena *arena, const struct config *config, const char *what,
                      struct str bytes) {
    if (config->data_keys_n == 0)
        return bytes;
    struct str head = vault_prefix(arena, config);
    size_t n = head.n + NONCE_BYTES + bytes.n + TAG_BYTES;
    unsigned char *out = arena_alloc(arena, n);
    memcpy(out, head.p, head.n);
    unsigned char *nonce = out + head.n;
    if (RAND_bytes(nonce, NONCE_BYTES) != 1 ||
        !encrypt(&config->data_keys[0], nonce, what, bytes, nonce + NONCE_BYTES))
        abort();
    return (struct str){(const char *)out, n};
}

/* ---- opening ---- */

static const struct data_key *find_key(const struct config *config, struct str id) {
    for (size_t i = 0; i < config->data_keys_n; i++)
        if (str_is(id, config->data_keys[i].id))
            return &config->data_keys[i];
    return NULL;
}

static bool decrypt(const struct data_key *key, struct str nonce, const char *what,
                    struct str sealed, unsigned char *out) {
    EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
    int n = 0, more = 0, body = (int)(sealed.n - TAG_BYTES);
    void *tag = (void *)(uintptr_t)(sealed.p + body); /* only read */
    bool ok = c &&
              EVP_DecryptInit_ex(c, EVP_aes_256_gcm(), NULL, key->secret,
                                 (const unsigned char *)nonce.p) == 1 &&
              EVP_DecryptUpdate(c, NULL, &n, (const unsigned char *)what, (int)strlen(what)) == 1 &&
              EVP_DecryptUpdate(c, out, &n, (const unsigned char *)sealed.p, body) == 1 &&
              EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_SET_TAG, TAG_BYTES, tag) == 1 &&
              EVP_DecryptFinal_ex(c, out + n, &more) == 1;
    EVP_CIPHER_CTX_free(c);
    return ok;
}

bool vault_open(struct arena *arena, const struct config *config, const char *what,
                struct str bytes, struct str *out, const char **why) {
    *out = bytes;
    if (!str_starts(bytes, STR(MAGIC)))
        return true;
    size_t id_n = bytes.n > MAGIC_BYTES ? (unsigned char)bytes.p[MAGIC_BYTES] : 0;
    size_t head = MAGIC_BYTES + 1 + id_n;
    if (id_n == 0 || bytes.n < head + NONCE_BYTES + TAG_BYTES) {
        *why = "the envelope is cut off";
        return false;
    }
    struct str id = {bytes.p + MAGIC_BYTES + 1, id_n}, nonce = {bytes.p + head, NONCE_BYTES};
    struct str sealed = {nonce.p + NONCE_BYTES, bytes.n - head - NONCE_BYTES};
    const struct data_key *key = find_key(config, id);
    if (!key) {
        *why =
            arena_printf(arena, "the configuration has no [[data_key]] \"%.*s\"", (int)id.n, id.p);
        return false;
    }
    unsigned char *plain = arena_alloc(arena, sealed.n);
    if (!decrypt(key, nonce, what, sealed, plain)) {
        *why = arena_printf(
            arena, "[[data_key]] \"%s\" does not open it: another secret, or other bytes", key->id);
        return false;
    }
    *out = (struct str){(const char *)plain, sealed.n - TAG_BYTES};
    return true;
}
