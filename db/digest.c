#include "db/digest.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

static EVP_MD_CTX *begin(void) {
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    if (!context || !EVP_DigestInit_ex(context, EVP_sha256(), NULL))
        abort(); /* no memory, or an OpenSSL without SHA-256 */
    return context;
}

static void end(EVP_MD_CTX *context, char out[DIGEST_HEX_SIZE]) {
    unsigned char bytes[EVP_MAX_MD_SIZE];
    EVP_DigestFinal_ex(context, bytes, NULL);
    EVP_MD_CTX_free(context);
    str_hex(bytes, 32, out);
}

void digest_hex(const struct str *parts, size_t n, char out[DIGEST_HEX_SIZE]) {
    EVP_MD_CTX *context = begin();
    for (size_t i = 0; i < n; i++) {
        char length[32];
        int digits = snprintf(length, sizeof length, "%zu:", parts[i].n);
        EVP_DigestUpdate(context, length, (size_t)digits);
        EVP_DigestUpdate(context, parts[i].p, parts[i].n);
    }
    end(context, out);
}

void digest_bytes(struct str bytes, char out[DIGEST_HEX_SIZE]) {
    EVP_MD_CTX *context = begin();
    EVP_DigestUpdate(context, bytes.p, bytes.n);
    end(context, out);
}
