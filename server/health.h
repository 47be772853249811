#ifndef GULOU_HEALTH_H
#define GULOU_HEALTH_H

/* What the database says about the state of things (api.health), asked every 15 s by the first
 * worker of each server, for /metrics and /readyz: what waits, what is overdue, the last seal and
 * backup.
 *
 * Without an answer the last one stays, and gulou_health_age_seconds grows. Thread: the worker's.
 */

#include "server/base/buf.h"
#include "server/request.h"

struct health;

struct health *health_new(struct services *services);
void health_free(struct health *health); /* NULL is fine */

/* NULL, or why this program may not use this schema. */
const char *health_schema_fault(const struct health *health);

/* Gauges in the Prometheus text format. */
void health_write(const struct health *health, struct buf *out);

#endif
