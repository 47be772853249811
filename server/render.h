#ifndef GULOU_RENDER_H
#define GULOU_RENDER_H

/* A JSON tree through a Mustache template of server/pages. Everything is escaped for HTML unless a
 * template says {{{…}}}. The door to the C++ library. */

#ifdef __cplusplus
extern "C" {
#endif

#include <cjson/cJSON.h>

#include "server/base/arena.h"

/* `page` is the file's name without ".mustache"; it is put into the layout as {{{content}}}.
 * Terminated text in the arena; NULL when there is no such template or it is broken (logged). */
char *render_page(struct arena *arena, const char *layout, const char *page, const cJSON *data);

/* The same without a layout. */
char *render_part(struct arena *arena, const char *part, const cJSON *data);

#ifdef __cplusplus
}
#endif

#endif
