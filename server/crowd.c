#include "server/crowd.h"

#include <time.h>

#include "server/base/limits.h"
#include "server/base/memory.h"
#include "server/base/random.h"
#include "server/rate.h"

#define PLACES 65536

struct crowd {
    uint64_t seed; /* so that nobody can choose whose place to fill */
    uint16_t under_way[PLACES];
};

struct crowd *crowd_new(void) {
    struct crowd *crowd = memory_get_zeroed(sizeof *crowd);
    random_bytes(&crowd->seed, sizeof crowd->seed);
    return crowd;
}

void crowd_free(struct crowd *crowd) {
    memory_put(crowd);
}

static uint16_t *place_of(struct crowd *crowd, const char *person) {
    return &crowd->under_way[str_hash(str_from(person), crowd->seed) % PLACES];
}

static bool is_too_fast(const struct request *rq) {
    struct timespec now;
    const struct services *services = rq->services;
    if (*place_of(services->crowd, rq->openid) >= PERSON_UNDER_WAY_MAX)
        return true;
    if (pg_pending(services->pg) < PG_QUEUE_BUSY)
        return false;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return !rate_take(services->people, str_from(rq->openid), (int64_t)now.tv_sec / 60);
}

const char *crowd_why_not(const struct request *rq) {
    if (memory_is_short() || pg_is_crowded(rq->services->pg, rq->account->id))
        return "系统繁忙，请稍后再试";
    return is_too_fast(rq) ? "您发得太快了，这一条没有处理，请稍等几秒再发" : NULL;
}

uint16_t *crowd_enter(struct crowd *crowd, const char *person) {
    uint16_t *under_way = place_of(crowd, person);
    ++*under_way;
    return under_way;
}

void crowd_leave(uint16_t *under_way) {
    if (under_way)
        --*under_way;
}
