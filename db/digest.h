#ifndef GULOU_DB_DIGEST_H
#define GULOU_DB_DIGEST_H

/* SHA-256 as hexadecimal text, for cache keys and the checksums of SQL files. */

#include <stddef.h>

#include "server/base/str.h"

#define DIGEST_HEX_SIZE 65 /* with the terminator */

/* Over all parts, each preceded by its length, so that ("ab","c") and ("a","bc") differ. */
void digest_hex(const struct str *parts, size_t n, char out[DIGEST_HEX_SIZE]);

/* Of these bytes alone, as SQL's sha256(). */
void digest_bytes(struct str bytes, char out[DIGEST_HEX_SIZE]);

#endif
