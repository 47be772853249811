/* Any bytes as ciphertext, as the frame inside it and as plain text: decrypting undoes encrypting
 * and never crashes, and a message that is let out lies within its frame. */

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "wechat/crypto.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define BLOCK 16

static const unsigned char key[WECHAT_KEY_BYTES] = {1, 2, 3};

/* Sealed without the checks of envelope_encrypt(): no mutation of a ciphertext reaches behind the
 * padding, so the frame is what is mutated. */
static struct str seal_frame(struct arena *arena, const uint8_t *frame, size_t size) {
    static EVP_CIPHER_CTX *cipher;
    size_t n = (size + BLOCK - 1) / BLOCK * BLOCK;
    int written = 0;
    unsigned char *plain = arena_alloc(arena, n + 1), *sealed = arena_alloc(arena, n + BLOCK);
    unsigned char *base64 = arena_alloc(arena, (n + 2) / 3 * 4 + 1);
    memcpy(plain, frame, size);
    if (!cipher)
        cipher = EVP_CIPHER_CTX_new();
    if (!cipher || !EVP_CipherInit_ex(cipher, EVP_aes_256_cbc(), NULL, key, key, 1) ||
        !EVP_CIPHER_CTX_set_padding(cipher, 0) ||
        !EVP_CipherUpdate(cipher, sealed, &written, plain, (int)n))
        abort();
    return (struct str){(const char *)base64,
                        (size_t)EVP_EncodeBlock(base64, sealed, (int)written)};
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct arena *arena = arena_new();
    struct str input = {(const char *)data, size};
    struct str message;
    envelope_decrypt(arena, key, "wx1", input, &message);
    if (size > 0 &&
        envelope_decrypt(arena, key, "wx1", seal_frame(arena, data, size), &message) ==
            ENVELOPE_OK &&
        message.n + WECHAT_RANDOM_BYTES + 4 > size + BLOCK)
        abort();
    struct str sealed = envelope_encrypt(arena, key, "wx1", key, input);
    if (envelope_decrypt(arena, key, "wx1", sealed, &message) != ENVELOPE_OK ||
        !str_eq(message, input)) {
        abort();
    }
    arena_free(arena);
    return 0;
}
