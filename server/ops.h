#ifndef GULOU_OPS_H
#define GULOU_OPS_H

/* For the operator, on an address of its own: /healthz, /readyz, /metrics. Never public. */

#include "server/http.h"

/* The handler of http_options; `services` is the worker's (struct services). */
void ops_handle(struct http_exchange *exchange, void *services);

#endif
