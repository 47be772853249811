#ifndef GULOU_VAULT_H
#define GULOU_VAULT_H

/* Bytes that are kept encrypted: photos. AES-256-GCM under a key of the configuration, in an
 * envelope that names the key:
 *
 *     "GLV1" | length of the id, 1 byte | id | nonce, 12 bytes | ciphertext | tag, 16 bytes
 *
 * What the bytes are (account, digest, full or small) is authenticated with them, so that one row's
 * cannot be put into another's place. Keys: config->data_keys; the first seals, all of them open,
 * and without any everything stays plain. Bytes without an envelope are what they are: they were
 * kept before there was a key.
 * Ownership: results live in the arena, or are the given bytes.
 * Thread:    any. */

#include <stdbool.h>

#include "server/base/arena.h"
#include "server/base/str.h"
#include "server/config.h"

/* The same `what` opens it. */
struct str vault_seal(struct arena *arena, const struct config *config, const char *what,
                      struct str bytes);

/* False: *why (in the arena, for a log or a person at the command line) names the key that is
 * missing or wrong; no secret. */
bool vault_open(struct arena *arena, const struct config *config, const char *what,
                struct str bytes, struct str *out, const char **why);

/* What every envelope of the newest key begins with; empty without keys. */
struct str vault_prefix(struct arena *arena, const struct config *config);

/* `what` of a photo in the database. */
const char *vault_photo(struct arena *arena, const char *account, const char *digest_hex,
                        bool small);

#endif
