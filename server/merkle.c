#include "server/merkle.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

struct merkle_hash merkle_digest(const struct str *parts, size_t n) {
    struct merkle_hash hash;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    if (!context || !EVP_DigestInit_ex(context, EVP_sha256(), NULL))
        abort(); /* no memory, or an OpenSSL without SHA-256 */
    for (size_t i = 0; i < n; i++)
        EVP_DigestUpdate(context, parts[i].p, parts[i].n);
    EVP_DigestFinal_ex(context, hash.bytes, NULL);
    EVP_MD_CTX_free(context);
    return hash;
}

struct merkle_hash merkle_leaf(struct str leaf) {
    struct str parts[] = {STR("\0"), leaf};
    return merkle_digest(parts, 2);
}

static struct merkle_hash node(const struct merkle_hash *left, const struct merkle_hash *right) {
    struct str parts[] = {
        STR("\1"), {(const char *)left->bytes, 32}, {(const char *)right->bytes, 32}};
    return merkle_digest(parts, 3);
}

struct merkle_hash merkle_root(struct merkle_hash *hashes, size_t n) {
    if (n == 0)
        return merkle_digest(NULL, 0);
    for (; n > 1; n = (n + 1) / 2)
        for (size_t i = 0; i < n; i += 2)
            hashes[i / 2] = i + 1 < n ? node(&hashes[i], &hashes[i + 1]) : hashes[i];
    return hashes[0];
}

bool merkle_follow(struct merkle_hash leaf, size_t index, size_t size,
                   const struct merkle_hash *path, size_t n, struct merkle_hash *root) {
    size_t used = 0;
    *root = leaf;
    if (index >= size)
        return false;
    for (; size > 1; index /= 2, size = (size + 1) / 2) {
        size_t sibling = index ^ 1;
        if (sibling >= size)
            continue; /* the odd one at the end is carried up */
        if (used == n)
            return false;
        *root = index & 1 ? node(&path[used], root) : node(root, &path[used]);
        used++;
    }
    return used == n;
}

void merkle_hex(struct merkle_hash hash, char out[MERKLE_HEX_SIZE]) {
    str_hex(hash.bytes, sizeof hash.bytes, out);
}

bool merkle_from_hex(const char *text, struct merkle_hash *out) {
    static const char digits[] = "0123456789abcdef";
    if (strlen(text) != 64 || strspn(text, digits) != 64)
        return false;
    for (size_t i = 0; i < 32; i++)
        out->bytes[i] = (unsigned char)((strchr(digits, text[2 * i]) - digits) * 16 +
                                        (strchr(digits, text[2 * i + 1]) - digits));
    return true;
}
