#ifndef GULOU_BASE_METRICS_H
#define GULOU_BASE_METRICS_H

/* Counters and gauges for /metrics. Adding is one relaxed atomic add, from any thread. */

#include <stdint.h>

#include "server/base/buf.h"

enum metric {
    METRIC_CALLBACKS,             /* pushes answered 200 */
    METRIC_CALLBACKS_REFUSED,     /* 403 and 404 */
    METRIC_CALLBACKS_MALFORMED,   /* 400 and 413 */
    METRIC_CALLBACKS_LATE,        /* attempts left or answered at the time budget */
    METRIC_CALLBACKS_TURNED_AWAY, /* too many at once, or one person too fast */
    METRIC_REPLIES_BUSY,          /* a fault inside, answered 系统繁忙 */
    METRIC_PAGES,
    METRIC_API,
    METRIC_PG_CALLS,
    METRIC_PG_GROUPS,
    METRIC_PG_RERUNS,
    METRIC_PG_FAULTS,
    METRIC_REDIS_COMMANDS,
    METRIC_REDIS_FAULTS,
    METRIC_PLATFORM_CALLS,    /* calls of the platform's API that succeeded */
    METRIC_PLATFORM_FAILURES, /* … and that failed, each attempt */
    METRIC_OUTBOX_DONE,
    METRIC_OUTBOX_LATER,
    METRIC_OUTBOX_FAILED,
    /* ---- gauges: what there is now, of all workers ---- */
    METRIC_PG_CONNECTED, /* connections that can be used */
    METRIC_PG_PENDING,   /* calls that wait or run */
    METRIC_COUNT
};

void metric_add(enum metric metric, uint64_t n);
void metric_subtract(enum metric gauge, uint64_t n);
uint64_t metric_value(enum metric metric);

/* All of them in the Prometheus text format, version 0.0.4. */
void metrics_write(struct buf *out);

#endif
