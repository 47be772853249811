#ifndef GULOU_DB_ATTEMPTS_H
#define GULOU_DB_ATTEMPTS_H

/* How often the platform has tried to deliver one message. It tries three times: the last one that
 * is late, and a later one for which there is no room, are answered "still working on it".
 *
 * Counted in Redis (attempt:{key}, ATTEMPT_LIFE_SECONDS), where all servers see it, and in a table
 * of this process, which answers while Redis is away; the larger number counts. on_done is called
 * exactly once, never inside attempt_count(). */

#include "db/redis.h"

#define ATTEMPT_KEY_MAX 36 /* a UUID's text */

struct attempt_call {
    void (*on_done)(struct attempt_call *call, int attempt); /* 1 for the first */

    /* private to attempts.c */
    struct redis_call redis;
    int local;
};

/* Counts one more for this message key. */
void attempt_count(struct redis *redis, struct attempt_call *call, const char *key);
void attempt_cancel(struct redis *redis, struct attempt_call *call);

#endif
