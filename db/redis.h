#ifndef GULOU_DB_REDIS_H
#define GULOU_DB_REDIS_H

/* Redis for one event loop: one connection, pipelined, that may be absent at any time.
 *
 * Use:       embed a struct redis_call in your own context, set on_done, redis_command().
 * Ownership: words are copied at once; the value is the library's and ends when on_done returns.
 * Failure:   on_done is called exactly once, never inside the submitting call. Without a
 *            connection, with an empty url, after REDIS_COMMAND_MS without an answer (which ends
 * the connection) or with REDIS_CALLS_MAX calls under way it says REDIS_AWAY; a command may then
 * have had its effect or not, so every command must bear repetition. Thread:    one per worker; no
 * call from another thread. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "server/base/str.h"

#define REDIS_CALLS_MAX 4096
#define REDIS_WORDS_MAX 24

struct event_base;
struct redis;
struct redis_flight;
struct redis_value;

enum redis_status {
    REDIS_ANSWERED,
    REDIS_REFUSED, /* an error reply: our mistake or a full server; logged */
    REDIS_AWAY,
};

struct redis_call {
    /* value is NULL unless status is REDIS_ANSWERED */
    void (*on_done)(struct redis_call *call, enum redis_status status,
                    const struct redis_value *value);

    /* private to redis.c */
    struct redis_flight *flight;
};

/* `url`: "unix:///path/redis.sock[?db=N]", "redis://[:password@]host[:port][/db]", or empty for a
 * Redis that is always away. NULL: the url is none of these. */
struct redis *redis_new(struct event_base *base, const char *url);
bool redis_url_is_good(const char *url); /* one of these; nothing is connected to */
void redis_free(struct redis *redis);    /* calls under way are cancelled */

/* Connected, and it takes what is written: looked at when it came up, and every five seconds. */
bool redis_ready(const struct redis *redis);
/* Why it went away last, or did not come up; "" while it never did. */
const char *redis_away_because(const struct redis *redis);
/* Its own words for why it writes nothing although it answers; else NULL. */
const char *redis_refuses(const struct redis *redis);
unsigned redis_connections(const struct redis *redis); /* how often it came up */
bool redis_wanted(const struct redis *redis);          /* the url was not empty */

/* call NULL: nobody wants to know what becomes of it. */
void redis_command(struct redis *redis, struct redis_call *call, size_t n, const struct str *words);

/* A Lua script; words are its `keys` keys, then its arguments. */
void redis_eval(struct redis *redis, struct redis_call *call, const char *script, size_t keys,
                size_t n, const struct str *words);

void redis_get(struct redis *redis, struct redis_call *call, const char *key);
void redis_set(struct redis *redis, struct redis_call *call, const char *key, struct str value,
               int life_seconds);

/* REDIS_AWAY on the next turn, for what is not worth sending. */
void redis_refuse(struct redis *redis, struct redis_call *call);

/* on_done will not be called any more. Fine for a zeroed call and for one that is done. */
void redis_cancel(struct redis *redis, struct redis_call *call);

/* Reading a value; each bears NULL and the wrong type. */
bool redis_value_is_nil(const struct redis_value *value);
bool redis_value_integer(const struct redis_value *value, int64_t *out); /* digits as text too */
struct str redis_value_text(const struct redis_value *value);            /* else the empty view */
size_t redis_value_count(const struct redis_value *value);               /* of a list, else 0 */
const struct redis_value *redis_value_at(const struct redis_value *value, size_t i);

#endif
