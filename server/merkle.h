#ifndef GULOU_MERKLE_H
#define GULOU_MERKLE_H

/* Merkle trees as RFC 6962 2.1 defines them, for checking a notice without the database, which
 * builds the same trees in db/functions/16_merkle.sql. */

#include <stdbool.h>
#include <stddef.h>

#include "server/base/str.h"

struct merkle_hash {
    unsigned char bytes[32];
};

#define MERKLE_HEX_SIZE 65 /* with the terminator */

/* SHA-256 over the parts, one after the other. */
struct merkle_hash merkle_digest(const struct str *parts, size_t n);

struct merkle_hash merkle_leaf(struct str leaf);

/* The root over `n` leaf hashes; `hashes` is used up. The hash of nothing for none. */
struct merkle_hash merkle_root(struct merkle_hash *hashes, size_t n);

/* Whether `path` leads from leaf `index` of `size` to *root, which is computed. False: its length
 * cannot be right. */
bool merkle_follow(struct merkle_hash leaf, size_t index, size_t size,
                   const struct merkle_hash *path, size_t n, struct merkle_hash *root);

void merkle_hex(struct merkle_hash hash, char out[MERKLE_HEX_SIZE]);

/* 64 small hexadecimal digits. */
bool merkle_from_hex(const char *text, struct merkle_hash *out);

#endif
