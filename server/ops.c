#include "server/ops.h"

#include "server/base/buf.h"
#include "server/base/metrics.h"
#include "server/health.h"
#include "server/request.h"

#define TEXT_TYPE "text/plain; charset=utf-8"

static void ready(struct http_exchange *x, const struct services *services) {
    const char *fault = health_schema_fault(services->health);
    if (!pg_ready(services->pg)) {
        http_reply(x, 503, TEXT_TYPE, STR("down: postgres\n"));
    } else if (fault) {
        http_reply(x, 503, TEXT_TYPE,
                   str_from(arena_printf(http_arena(x), "down: schema: %s\n", fault)));
    } else if (redis_wanted(services->redis) && !redis_ready(services->redis)) {
        http_reply(x, 200, TEXT_TYPE, STR("degraded: redis\n"));
    } else {
        http_reply(x, 200, TEXT_TYPE, STR("ready\n"));
    }
}

void ops_handle(struct http_exchange *x, void *context) {
    struct services *services = context;
    struct str path = http_path(x);
    if (str_is(path, "/healthz")) {
        http_reply(x, 200, TEXT_TYPE, STR("alive\n"));
    } else if (str_is(path, "/readyz")) {
        ready(x, services);
    } else if (str_is(path, "/metrics")) {
        struct buf out;
        buf_init(&out, http_arena(x));
        metrics_write(&out);
        buf_printf(&out,
                   "# HELP gulou_pg_ready PostgreSQL answers\n# TYPE gulou_pg_ready gauge\n"
                   "gulou_pg_ready %d\n"
                   "# HELP gulou_redis_ready Redis answers\n# TYPE gulou_redis_ready gauge\n"
                   "gulou_redis_ready %d\n"
                   "# HELP gulou_redis_wanted The configuration names one\n"
                   "# TYPE gulou_redis_wanted gauge\ngulou_redis_wanted %d\n",
                   pg_ready(services->pg), redis_ready(services->redis),
                   redis_wanted(services->redis));
        health_write(services->health, &out);
        http_reply(x, 200, "text/plain; version=0.0.4", buf_view(&out));
    } else {
        http_reply(x, 404, TEXT_TYPE, STR("not here\n"));
    }
}
