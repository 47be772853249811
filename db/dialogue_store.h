#ifndef GULOU_DB_DIALOGUE_STORE_H
#define GULOU_DB_DIALOGUE_STORE_H

/* Where a guided dialogue stands between two messages: a small JSON text per person in Redis, for
 * DIALOGUE_LIFE_SECONDS after the last change. The key is dialogue:{account}:{digest of openid}, so
 * no openid is stored.
 *
 * A save names the version it read and loses against a newer one, so two messages that arrive
 * together cannot both move the same dialogue. Versions only ever grow, over clearing and starting
 * anew too.
 *
 * on_done is called exactly once, never inside the starting call; its JSON ends when it returns.
 * DIALOGUE_AWAY: no Redis now; whoever asks falls back to one-line commands. */

#include <stdint.h>

#include "db/redis.h"

#define DIALOGUE_MAX_BYTES 8192

enum dialogue_status {
    DIALOGUE_FOUND,    /* load: version and json */
    DIALOGUE_NONE,     /* load: there is none; version 0 */
    DIALOGUE_SAVED,    /* save: version is the new one */
    DIALOGUE_CONFLICT, /* save or clear: another message was faster, nothing changed */
    DIALOGUE_CLEARED,  /* clear: gone, or was not there */
    DIALOGUE_AWAY,
};

struct dialogue_call {
    void (*on_done)(struct dialogue_call *call, enum dialogue_status status, int64_t version,
                    struct str json);

    /* private to dialogue_store.c */
    struct redis_call redis;
    unsigned act;
};

void dialogue_load(struct redis *store, struct dialogue_call *call, const char *account,
                   const char *openid);

/* expected_version 0: there must be none yet. A text over DIALOGUE_MAX_BYTES is DIALOGUE_AWAY. */
void dialogue_save(struct redis *store, struct dialogue_call *call, const char *account,
                   const char *openid, int64_t expected_version, struct str json);

/* expected_version -1: whatever it is. */
void dialogue_clear(struct redis *store, struct dialogue_call *call, const char *account,
                    const char *openid, int64_t expected_version);

void dialogue_cancel(struct redis *store, struct dialogue_call *call);

#endif
