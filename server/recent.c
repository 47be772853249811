#include "server/recent.h"

#include <stdlib.h>
#include <string.h>

#include "server/base/limits.h"
#include "server/base/memory.h"
#include "server/base/random.h"
#include "server/request.h"

struct place {
    char *key; /* account, openid and act, each terminated; NULL: free */
    size_t key_n;
    char *text;
    size_t text_n;
    int64_t until;
};

struct recent {
    uint64_t seed; /* so that nobody can choose whose place to fill */
    struct place places[RECENT_PLACES];
};

struct recent *recent_new(void) {
    struct recent *recent = calloc(1, sizeof *recent);
    if (!recent)
        abort();
    random_bytes(&recent->seed, sizeof recent->seed);
    return recent;
}

static void empty(struct place *place) {
    memory_put(place->key);
    memory_put(place->text);
    *place = (struct place){0};
}

void recent_free(struct recent *recent) {
    for (size_t i = 0; recent && i < RECENT_PLACES; i++)
        empty(&recent->places[i]);
    free(recent);
}

/* False: nobody speaks. */
static bool key_of(const struct request *rq, char key[RECENT_KEY_MAX_BYTES], size_t *n) {
    const char *parts[] = {rq->account->id, rq->openid, rq->act};
    *n = 0;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        size_t length = parts[i] ? strlen(parts[i]) + 1 : RECENT_KEY_MAX_BYTES;
        if (length > RECENT_KEY_MAX_BYTES - *n)
            return false;
        memcpy(key + *n, parts[i], length);
        *n += length;
    }
    return true;
}

static size_t number_of(const struct recent *recent, const char *key, size_t n) {
    return str_hash((struct str){key, n}, recent->seed) % RECENT_PLACES;
}

struct str recent_find(const struct recent *recent, const struct request *rq, int64_t now_ms) {
    char key[RECENT_KEY_MAX_BYTES];
    size_t n;
    if (!key_of(rq, key, &n))
        return STR("");
    const struct place *place = &recent->places[number_of(recent, key, n)];
    bool known =
        place->key && place->until > now_ms && place->key_n == n && memcmp(place->key, key, n) == 0;
    return known ? (struct str){place->text, place->text_n} : STR("");
}

void recent_keep(struct recent *recent, const struct request *rq, struct str text, int64_t now_ms) {
    char key[RECENT_KEY_MAX_BYTES];
    size_t n;
    if (!key_of(rq, key, &n))
        return;
    struct place *place = &recent->places[number_of(recent, key, n)];
    empty(place);
    *place = (struct place){memory_try(n), n, memory_try(text.n), text.n, now_ms + RECENT_MS};
    if (!place->key || !place->text) {
        empty(place); /* nothing is lost: the question is asked again */
        return;
    }
    memcpy(place->key, key, n);
    memcpy(place->text, text.p, text.n);
}
