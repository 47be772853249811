#include "db/leaderboard_feed.h"

#include <cjson/cJSON.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "db/leaderboard.h"
#include "server/base/log.h"

#define TICK_SECONDS 1
#define LOOK_TICKS 10     /* between two looks at the markers */
#define REFRESH_TICKS 600 /* then the latest periods are rebuilt, whatever their markers say; */
#define REST_FACTOR 10    /* not before so many times as long as it took */
#define LATEST_PERIODS 2
#define SINCE_SIZE 48

/* One round at a time: start -> (periods -> each, the latest first: check) -> changes -> apply. The
 * first board that is to be rebuilt is rebuilt beside the rounds that follow; then the next look
 * finds the next one. */
struct leaderboard_feed {
    struct event_base *base;
    struct pg *pg;
    struct redis *redis;
    struct event *tick;
    char *account;
    bool busy;     /* a round is under way */
    bool look;     /* the next round looks at the markers */
    int refreshed; /* so many of the latest periods, the very latest first, were rebuilt */
    int ticks;     /* since the markers were looked at */
    int age;       /* since the latest periods began to be rebuilt */
    int built;     /* ticks of it in which a rebuild was under way */
    unsigned connections;

    char since[SINCE_SIZE]; /* PostgreSQL's time of the last look; empty before the first */
    struct pg_call ask;
    struct redis_call check;
    struct leaderboard_filling filling;
    struct leaderboard_rebuild *rebuild; /* NULL: none is under way */
    bool refreshing;                     /* and it is for the latest periods' sake */
    cJSON *periods;
    int behind;         /* of the periods, so many are later than the one in hand */
    const char *period; /* the one in hand */
    cJSON *changes;
};

static struct leaderboard_feed *feed_of(struct pg_call *ask) {
    return (struct leaderboard_feed *)((char *)ask - offsetof(struct leaderboard_feed, ask));
}

static void end_round(struct leaderboard_feed *feed) {
    cJSON_Delete(feed->periods);
    cJSON_Delete(feed->changes);
    feed->periods = feed->changes = NULL;
    feed->period = NULL;
    feed->busy = false;
}

static bool ask(struct leaderboard_feed *feed, const char *function, const char *argument,
                void (*on_done)(struct pg_call *, enum pg_status, const char *, size_t)) {
    feed->ask = (struct pg_call){.function = function,
                                 .n = argument ? 2 : 1,
                                 .args = {feed->account, argument},
                                 .on_done = on_done};
    return pg_submit(feed->pg, &feed->ask);
}

/* ---- changes ---- */

/* Only what Redis has taken counts as seen; the rest is read again by the next round. */
static void keep_since(struct leaderboard_feed *feed) {
    const cJSON *until = cJSON_GetObjectItemCaseSensitive(feed->changes, "until");
    if (cJSON_IsString(until) && strlen(until->valuestring) < SINCE_SIZE)
        snprintf(feed->since, sizeof feed->since, "%s", until->valuestring);
}

static void on_applied(struct leaderboard_filling *filling, bool ok) {
    struct leaderboard_feed *feed =
        (struct leaderboard_feed *)((char *)filling - offsetof(struct leaderboard_feed, filling));
    if (ok)
        keep_since(feed);
    end_round(feed);
}

static void on_changes(struct pg_call *call, enum pg_status status, const char *json, size_t len) {
    struct leaderboard_feed *feed = feed_of(call);
    feed->changes = status == PG_OK ? cJSON_ParseWithLength(json, len) : NULL;
    const cJSON *rows = cJSON_GetObjectItemCaseSensitive(feed->changes, "rows");
    if (!cJSON_IsArray(rows) || !rows->child) {
        keep_since(feed);
        end_round(feed);
        return;
    }
    feed->filling = (struct leaderboard_filling){
        .redis = feed->redis, .account = feed->account, .next = rows->child, .on_done = on_applied};
    leaderboard_fill(&feed->filling);
}

static void read_changes(struct leaderboard_feed *feed) {
    if (!ask(feed, "score_changes", feed->since, on_changes))
        end_round(feed);
}

/* ---- boards that are to be rebuilt ---- */

static void on_rebuilt(void *context, bool ok) {
    struct leaderboard_feed *feed = context;
    feed->rebuild = NULL;
    feed->refreshed += feed->refreshing && ok;
    feed->look = true; /* for the next one, or to try again */
}

static void rebuild(struct leaderboard_feed *feed, bool refreshing) {
    feed->refreshing = refreshing;
    feed->rebuild = leaderboard_rebuild(feed->base, feed->redis, feed->pg, feed->account,
                                        feed->period, LEADERBOARD_BESIDE, on_rebuilt, feed);
    read_changes(feed);
}

static void look_at_period(struct leaderboard_feed *feed);

static void on_checked(struct redis_call *call, enum redis_status status,
                       const struct redis_value *value) {
    struct leaderboard_feed *feed =
        (struct leaderboard_feed *)((char *)call - offsetof(struct leaderboard_feed, check));
    int64_t ready = 0;
    if (status != REDIS_ANSWERED) {
        feed->look = true;
        end_round(feed);
    } else if (redis_value_integer(value, &ready) && ready == 1) {
        feed->behind++;
        look_at_period(feed);
    } else {
        rebuild(feed, false);
    }
}

static void look_at_period(struct leaderboard_feed *feed) {
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(feed->periods, "periods");
    int last = cJSON_GetArraySize(list) - 1;
    feed->period = cJSON_GetStringValue(cJSON_GetArrayItem(list, last - feed->behind));
    if (!feed->period) {
        read_changes(feed);
    } else if (feed->behind == feed->refreshed && feed->behind < LATEST_PERIODS) {
        rebuild(feed, true);
    } else {
        feed->check.on_done = on_checked;
        leaderboard_check(feed->redis, &feed->check, feed->account, feed->period);
    }
}

static void on_periods(struct pg_call *call, enum pg_status status, const char *json, size_t len) {
    struct leaderboard_feed *feed = feed_of(call);
    feed->periods = status == PG_OK ? cJSON_ParseWithLength(json, len) : NULL;
    if (!feed->periods) {
        feed->look = true;
        end_round(feed);
        return;
    }
    feed->behind = 0;
    look_at_period(feed);
}

static void look_at_markers(struct leaderboard_feed *feed) {
    feed->connections = redis_connections(feed->redis);
    feed->ticks = 0;
    feed->look = !ask(feed, "periods", NULL, on_periods);
    if (feed->look)
        end_round(feed);
}

/* ---- rounds ---- */

/* The first look: PostgreSQL's time before anything is rebuilt, so that no change falls between. */
static void on_first_time(struct pg_call *call, enum pg_status status, const char *json,
                          size_t len) {
    struct leaderboard_feed *feed = feed_of(call);
    feed->changes = status == PG_OK ? cJSON_ParseWithLength(json, len) : NULL;
    keep_since(feed);
    end_round(feed);
}

static void on_tick(evutil_socket_t fd, short what, void *context) {
    (void)fd;
    (void)what;
    struct leaderboard_feed *feed = context;
    feed->ticks++;
    feed->age++;
    feed->built += feed->rebuild != NULL;
    if (feed->age >= REFRESH_TICKS && feed->age >= REST_FACTOR * feed->built && !feed->rebuild) {
        feed->age = feed->built = 0;
        feed->refreshed = 0;
        feed->look = true;
    }
    if (feed->busy || !redis_ready(feed->redis) || !pg_ready(feed->pg))
        return;
    bool reconnected = feed->connections != redis_connections(feed->redis);
    feed->busy = true;
    if (!feed->since[0]) {
        if (!ask(feed, "score_changes", "infinity", on_first_time))
            end_round(feed);
    } else if (!feed->rebuild && (feed->look || reconnected || feed->ticks >= LOOK_TICKS)) {
        look_at_markers(feed);
    } else {
        read_changes(feed);
    }
}

/* ---- life ---- */

struct leaderboard_feed *leaderboard_feed_new(struct event_base *base, struct pg *pg,
                                              struct redis *redis, const char *account) {
    struct leaderboard_feed *feed = calloc(1, sizeof *feed);
    char *copy = strdup(account);
    if (!feed || !copy)
        abort();
    feed->base = base;
    feed->pg = pg;
    feed->redis = redis;
    feed->look = true;
    feed->account = copy;
    feed->tick = event_new(base, -1, EV_PERSIST, on_tick, feed);
    if (!feed->tick)
        abort();
    event_add(feed->tick, &(struct timeval){.tv_sec = TICK_SECONDS});
    return feed;
}

void leaderboard_feed_free(struct leaderboard_feed *feed) {
    if (!feed)
        return;
    event_free(feed->tick);
    pg_cancel(feed->pg, &feed->ask);
    redis_cancel(feed->redis, &feed->check);
    redis_cancel(feed->redis, &feed->filling.call);
    if (feed->rebuild)
        leaderboard_rebuild_cancel(feed->rebuild);
    end_round(feed);
    free(feed->account);
    free(feed);
}
