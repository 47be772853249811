#ifndef GULOU_BASE_JSON_H
#define GULOU_BASE_JSON_H

/* JSON that lives in an arena, and ends with it: no piece of it is taken or given back by itself,
 * which costs as much as reading it.
 *
 * Use:       cJSON_InitHooks() with json_malloc() and json_free() first, once (server/main.c);
 *            then json_parse() for what is only read. What is changed or deleted by itself is
 *            parsed by cJSON's own functions.
 * Thread:    any, each with its arenas. */

#include <cjson/cJSON.h>
#include <stddef.h>

struct arena;

/* NULL: it is none. Not to be given to cJSON_Delete(), nor changed. */
const cJSON *json_parse(struct arena *arena, const char *text, size_t n);

/* As server/base/memory.h's, except while json_parse() reads. */
void *json_malloc(size_t size);
void json_free(void *memory);

#endif
