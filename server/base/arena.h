#ifndef GULOU_BASE_ARENA_H
#define GULOU_BASE_ARENA_H

/* Memory of one request: everything is taken from an arena and given back at once.
 *
 * Ownership: whoever called arena_new() calls arena_free(). A pointer from an arena lives as long
 * as the arena; nothing taken from it is ever freed alone. When the system has no memory, the
 * reserve of server/base/memory.h stands in. An arena belongs to one thread, which keeps some
 * blocks for its next arenas. */

#include <stdarg.h>
#include <stddef.h>

struct arena;

struct arena *arena_new(void);

/* Runs the functions given to arena_on_free(), last one first, then frees everything. NULL is fine.
 */
void arena_free(struct arena *arena);

/* Gives back the blocks that this thread keeps: before it ends. */
void arena_release(void);

/* Zeroed memory of `size` bytes, aligned for any type. Never NULL. */
void *arena_alloc(struct arena *arena, size_t size);

/* The same without zeroing, for what is written over at once. */
void *arena_room(struct arena *arena, size_t size);

/* The same for what can be refused: NULL when only the reserve would have room. */
void *arena_try_room(struct arena *arena, size_t size);

/* A NUL-terminated copy of `n` bytes; an embedded NUL is kept. */
char *arena_strndup(struct arena *arena, const char *bytes, size_t n);

char *arena_printf(struct arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
char *arena_vprintf(struct arena *arena, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));

/* Has `release(what)` called when the arena is freed; for things of libraries with their own
 * memory. */
void arena_on_free(struct arena *arena, void (*release)(void *), void *what);

#endif
