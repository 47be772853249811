#ifndef GULOU_RENDER_H
#define GULOU_RENDER_H

/* Page templates: {{mustache}} over a cJSON tree. The door to the C++ template library.
 *
 * Templates are the embedded files server/pages/NAME.mustache; a partial {{>NAME}} is another of
 * them. {{name}} is escaped for HTML; there is no use of the unescaped form. Numbers are given to
 * templates as text. NULL: no such template, or one that does not parse; `*error` says what. */

#include <cjson/cJSON.h>

#ifdef __cplusplus
extern "C" {
#endif

#include "server/base/arena.h"
#include "server/base/str.h"

/* {NULL, 0} on failure, with the reason in the arena. */
struct str render_page(struct arena *arena, const char *name, const cJSON *facts,
                       const char **error);

#ifdef __cplusplus
}
#endif

#endif
