#include "server/rate.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "server/base/random.h"

#define PLACES 65536

struct rate {
    unsigned each, all;
    pthread_mutex_t lock; /* guards all below */
    unsigned taken;
    int64_t span;
    uint64_t seed; /* so that nobody can choose whose place to fill */
    unsigned counts[PLACES];
};

struct rate *rate_new(unsigned each, unsigned all) {
    struct rate *rate = calloc(1, sizeof *rate);
    if (!rate)
        abort();
    random_bytes(&rate->seed, sizeof rate->seed);
    pthread_mutex_init(&rate->lock, NULL);
    rate->each = each;
    rate->all = all;
    return rate;
}

void rate_free(struct rate *rate) {
    if (!rate)
        return;
    pthread_mutex_destroy(&rate->lock);
    free(rate);
}

static void begin_span(struct rate *rate, int64_t span) {
    if (rate->span != span) {
        memset(rate->counts, 0, sizeof rate->counts);
        rate->taken = 0;
        rate->span = span;
    }
}

bool rate_take(struct rate *rate, struct str key, int64_t span) {
    pthread_mutex_lock(&rate->lock);
    begin_span(rate, span);
    unsigned *count = &rate->counts[str_hash(key, rate->seed) % PLACES];
    bool good = *count < rate->each && rate->taken < rate->all;
    *count += good;
    rate->taken += good;
    pthread_mutex_unlock(&rate->lock);
    return good;
}
