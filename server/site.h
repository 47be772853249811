#ifndef GULOU_SITE_H
#define GULOU_SITE_H

/* Everything that is served on the public address: the callback, the JSON of contract.md, and the
 * pages, which are the same JSON through a template. */

#include "server/http.h"
#include "server/request.h"

/* The handler of http_options; `services` is the worker's. */
void site_handle(struct http_exchange *exchange, void *services);

/* For http_options: what browsers are told with everything, and that they come by https only when
 * that is how the world reaches us. */
const struct http_field *site_fields(const struct config *config);

/* For http_options: photos may be large and slow, and files for downloading slow. */
void site_allow(struct str path, struct http_allowance *allowance);

#endif
