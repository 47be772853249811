/* Any bytes as ciphertext and as plain text: decrypting undoes encrypting and never crashes. */

#include <stdlib.h>

#include "wechat/crypto.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const unsigned char key[WECHAT_KEY_BYTES] = {1, 2, 3};
    struct arena *arena = arena_new();
    struct str input = {(const char *)data, size};
    struct str message;
    envelope_decrypt(arena, key, "wx1", input, &message);
    struct str sealed = envelope_encrypt(arena, key, "wx1", key, input);
    if (envelope_decrypt(arena, key, "wx1", sealed, &message) != ENVELOPE_OK ||
        !str_eq(message, input)) {
        abort();
    }
    arena_free(arena);
    return 0;
}
