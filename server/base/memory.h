#ifndef GULOU_BASE_MEMORY_H
#define GULOU_BASE_MEMORY_H

/* Memory for what is under way. When the system has none left, it comes from a reserve of the
 * process, so that a request that was begun ends as it should; new ones are turned away kindly
 * until the system has memory again.
 *
 * Use:       memory_get() for what cannot be done without, memory_try() for what is large and can
 * be refused, memory_put() for both. Whoever takes on new work asks memory_is_short() first.
 *            Libraries that let us are given memory_malloc() and its like (server/main.c).
 * Failure:   memory_get() ends the process with one line when the reserve, too, is used up: the
 *            platform repeats its push and nothing half-done stays behind, because every effect is
 *            one database transaction.
 * Thread:    any. */

#include <stdbool.h>
#include <stddef.h>

void *memory_get(size_t size);        /* never NULL; not zeroed */
void *memory_get_zeroed(size_t size); /* never NULL */
void *memory_try(size_t size);        /* without the reserve: NULL when the system has none */
void memory_put(void *memory);        /* NULL is fine */

bool memory_is_reserved(const void *memory); /* comes from the reserve: is not to be kept */

/* The system had no memory lately and still has none to speak of, or the reserve is half used. */
bool memory_is_short(void);

/* ---- for libraries: the reserve is tried, and NULL is an answer ---- */
void *memory_malloc(size_t size);
void *memory_calloc(size_t n, size_t size);
void *memory_realloc(void *memory, size_t size);
char *memory_strdup(const char *text);

#endif
