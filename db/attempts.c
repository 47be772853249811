#include "db/attempts.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "server/base/limits.h"

#define SLOTS 4096 /* some 70 late messages a second for a minute, all workers together */
#define PROBES 8   /* then the slot that ends soonest is taken over */

struct slot {
    char key[ATTEMPT_KEY_MAX + 1];
    int count;
    int64_t until;
};

/* One table for all workers: the platform's next attempt may arrive at another of them. */
static struct slot slots[SLOTS];
static pthread_mutex_t slots_lock = PTHREAD_MUTEX_INITIALIZER;

static const char count_script[] = "local n = redis.call('INCR', KEYS[1])\n"
                                   "if n == 1 then redis.call('EXPIRE', KEYS[1], ARGV[1]) end\n"
                                   "return n\n";

static uint32_t hash(const char *key) /* FNV-1a */
{
    uint32_t h = 2166136261u;
    for (; *key; key++)
        h = (h ^ (unsigned char)*key) * 16777619u;
    return h;
}

static struct slot *find_slot(const char *key, int64_t now) {
    uint32_t start = hash(key);
    struct slot *best = NULL;
    for (uint32_t i = 0; i < PROBES; i++) {
        struct slot *slot = &slots[(start + i) % SLOTS];
        if (slot->until > now && strcmp(slot->key, key) == 0)
            return slot;
        if (!best || slot->until < best->until)
            best = slot;
    }
    snprintf(best->key, sizeof best->key, "%s", key);
    best->count = 0;
    best->until = now + ATTEMPT_LIFE_SECONDS;
    return best;
}

static int count_here(const char *key) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    char cut[ATTEMPT_KEY_MAX + 1]; /* as the table keeps it */
    snprintf(cut, sizeof cut, "%s", key);
    pthread_mutex_lock(&slots_lock);
    int count = ++find_slot(cut, (int64_t)now.tv_sec)->count;
    pthread_mutex_unlock(&slots_lock);
    return count;
}

static void on_redis(struct redis_call *redis, enum redis_status status,
                     const struct redis_value *value) {
    struct attempt_call *call =
        (struct attempt_call *)((char *)redis - offsetof(struct attempt_call, redis));
    int64_t everywhere = 0;
    if (status != REDIS_ANSWERED || !redis_value_integer(value, &everywhere) || everywhere > 1000)
        everywhere = 0;
    call->on_done(call, everywhere > call->local ? (int)everywhere : call->local);
}

void attempt_count(struct redis *redis, struct attempt_call *call, const char *key) {
    char name[16 + ATTEMPT_KEY_MAX], life[16];
    snprintf(name, sizeof name, "attempt:%.36s", key);
    snprintf(life, sizeof life, "%d", ATTEMPT_LIFE_SECONDS);
    call->local = count_here(key);
    call->redis.on_done = on_redis;
    redis_eval(redis, &call->redis, count_script, 1, 2,
               (const struct str[]){str_from(name), str_from(life)});
}

void attempt_cancel(struct redis *redis, struct attempt_call *call) {
    redis_cancel(redis, &call->redis);
}
