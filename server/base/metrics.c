#include "server/base/metrics.h"

#include <inttypes.h>
#include <stdatomic.h>

static _Atomic uint64_t values[METRIC_COUNT];

static const struct {
    const char *name;
    const char *help;
} descriptions[METRIC_COUNT] = {
    [METRIC_CALLBACKS] = {"gulou_callbacks_total", "Pushes of the platform answered 200"},
    [METRIC_CALLBACKS_REFUSED] = {"gulou_callbacks_refused_total", "Pushes answered 403 or 404"},
    [METRIC_CALLBACKS_MALFORMED] = {"gulou_callbacks_malformed_total",
                                    "Pushes answered 400 or 413"},
    [METRIC_CALLBACKS_LATE] = {"gulou_callbacks_late_total", "Attempts that met the time budget"},
    [METRIC_CALLBACKS_TURNED_AWAY] = {"gulou_callbacks_turned_away_total",
                                      "Messages answered kindly, and not begun"},
    [METRIC_REPLIES_BUSY] = {"gulou_replies_busy_total", "Replies that told of a fault inside"},
    [METRIC_PAGES] = {"gulou_pages_total", "Public pages served"},
    [METRIC_API] = {"gulou_api_total", "JSON answers served"},
    [METRIC_PG_CALLS] = {"gulou_pg_calls_total", "Database functions called"},
    [METRIC_PG_GROUPS] = {"gulou_pg_groups_total", "Groups of calls committed together"},
    [METRIC_PG_RERUNS] = {"gulou_pg_reruns_total", "Calls run again after a broken group"},
    [METRIC_PG_FAULTS] = {"gulou_pg_faults_total", "Calls that failed for good"},
    [METRIC_REDIS_COMMANDS] = {"gulou_redis_commands_total", "Redis commands sent"},
    [METRIC_REDIS_FAULTS] = {"gulou_redis_faults_total", "Redis commands without an answer"},
    [METRIC_PLATFORM_CALLS] = {"gulou_platform_calls_total", "Calls of the platform's API"},
    [METRIC_PLATFORM_FAILURES] = {"gulou_platform_failures_total", "Calls that it refused"},
    [METRIC_OUTBOX_DONE] = {"gulou_outbox_done_total", "Things sent to the platform"},
    [METRIC_OUTBOX_LATER] = {"gulou_outbox_later_total", "Attempts put off"},
    [METRIC_OUTBOX_FAILED] = {"gulou_outbox_failed_total", "Things given up"},
    [METRIC_PG_CONNECTED] = {"gulou_pg_connections", "Connections to PostgreSQL that can be used"},
    [METRIC_PG_PENDING] = {"gulou_pg_pending", "Calls of the database that wait or run"},
};

void metric_add(enum metric metric, uint64_t n) {
    atomic_fetch_add_explicit(&values[metric], n, memory_order_relaxed);
}

void metric_subtract(enum metric gauge, uint64_t n) {
    atomic_fetch_sub_explicit(&values[gauge], n, memory_order_relaxed);
}

uint64_t metric_value(enum metric metric) {
    return atomic_load_explicit(&values[metric], memory_order_relaxed);
}

void metrics_write(struct buf *out) {
    for (int i = 0; i < METRIC_COUNT; i++) {
        const char *type = i >= METRIC_PG_CONNECTED ? "gauge" : "counter";
        buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n%s %" PRIu64 "\n", descriptions[i].name,
                   descriptions[i].help, descriptions[i].name, type, descriptions[i].name,
                   metric_value((enum metric)i));
    }
}
