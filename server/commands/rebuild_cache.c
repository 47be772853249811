/* gulou rebuild-cache: fills the leaderboards in Redis anew from PostgreSQL. */

#include <cjson/cJSON.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>

#include "db/leaderboard.h"
#include "db/sync.h"
#include "server/base/limits.h"
#include "server/commands/commands.h"

struct rebuild {
    struct event_base *base;
    struct pg *pg;
    struct redis *redis;
    bool ok;
};

static void on_rebuilt(void *context, bool ok) {
    struct rebuild *rebuild = context;
    rebuild->ok = ok;
    event_base_loopbreak(rebuild->base);
}

static bool rebuild_period(struct rebuild *rebuild, const char *account, const char *period) {
    rebuild->ok = false;
    leaderboard_rebuild(rebuild->base, rebuild->redis, rebuild->pg, account, period,
                        LEADERBOARD_AT_ONCE, on_rebuilt, rebuild);
    event_base_dispatch(rebuild->base); /* it ends by itself, well or not */
    printf("rebuild-cache: %s %s %s\n", account, period, rebuild->ok ? "done" : "FAILED");
    return rebuild->ok;
}

static bool rebuild_account(struct rebuild *rebuild, const char *url, const char *account) {
    char *error = NULL;
    char *json = pg_run(url, "periods", 1, &account, &error);
    if (json == NULL) {
        command_fail(error);
        return false;
    }
    cJSON *facts = cJSON_Parse(json);
    bool ok = true;
    const cJSON *period;
    cJSON_ArrayForEach(period, cJSON_GetObjectItem(facts, "periods")) {
        ok = rebuild_period(rebuild, account, cJSON_GetStringValue(period)) && ok;
    }
    cJSON_Delete(facts);
    free(json);
    return ok;
}

/* Redis is asked only once it is there: a rebuild before that would report it away. */
static void wait_for_redis(struct rebuild *rebuild) {
    struct timeval step = {0, 50000};
    for (int i = 0; i < 60 && !redis_ready(rebuild->redis); i++) {
        event_base_loopexit(rebuild->base, &step);
        event_base_dispatch(rebuild->base);
    }
}

static int run(int argc, const char **argv) {
    int exit_code;
    struct config *config = command_config(argc, argv, NULL, &exit_code);
    if (config == NULL) {
        return exit_code;
    }
    struct rebuild rebuild = {.base = event_base_new()};
    rebuild.redis = redis_new(rebuild.base, config->redis_url);
    if (!redis_wanted(rebuild.redis)) {
        fprintf(stderr, "gulou: %s: redis.url names no Redis to rebuild\n", config->path);
        exit_code = COMMAND_USAGE;
    } else {
        rebuild.pg = pg_new(rebuild.base, config->postgres_url, 1);
        wait_for_redis(&rebuild);
        bool ok = true;
        for (size_t i = 0; i < config->accounts_n; i++) {
            ok = rebuild_account(&rebuild, config->postgres_url, config->accounts[i].id) && ok;
        }
        exit_code = ok ? COMMAND_DONE : COMMAND_FAILED;
    }
    redis_free(rebuild.redis);
    pg_free(rebuild.pg);
    event_base_free(rebuild.base);
    config_free(config);
    return exit_code;
}

const struct subcommand command_rebuild_cache = {"rebuild-cache",
                                                 "fill the leaderboards in Redis anew", run};
