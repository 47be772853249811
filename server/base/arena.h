#ifndef GULOU_BASE_ARENA_H
#define GULOU_BASE_ARENA_H

/* Memory of one request: everything is taken from an arena and given back at once.
 *
 * Ownership: whoever called arena_new() calls arena_free(). A pointer from an arena lives as long
 * as the arena; nothing taken from it is ever freed alone. When the system has no memory, the
 * reserve of server/base/memory.h stands in. An arena belongs to one thread, which keeps some
 * blocks for its next arenas. */

#include <stdalign.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

/* Lies at the beginning of its first block. */
struct arena {
    char *rest;    /* of the block: what nobody has taken yet */
    size_t rest_n; /* a multiple of the alignment */

    /* private to arena.c */
    struct block *block;
    struct release *releases;
};

struct arena *arena_new(void);

/* Runs the functions given to arena_on_free(), last one first, then frees everything. NULL is fine.
 */
void arena_free(struct arena *arena);

/* Gives back the blocks that this thread keeps: before it ends. */
void arena_release(void);

/* Of a new block, when the last one has no room. */
void *arena_more(struct arena *arena, size_t size);
void *arena_try_more(struct arena *arena, size_t size);

/* What has room in the block; here, because it is a few instructions. */
static inline void *arena_take(struct arena *arena, size_t size) {
    const size_t align = alignof(max_align_t), n = (size + align - 1) / align * align;
    void *memory = arena->rest;
    arena->rest += n;
    arena->rest_n -= n;
    return memory;
}

/* Memory of `size` bytes, aligned for any type, not zeroed. Never NULL. */
static inline void *arena_room(struct arena *arena, size_t size) {
    return size <= arena->rest_n ? arena_take(arena, size) : arena_more(arena, size);
}

/* The same for what can be refused: NULL when only the reserve would have room. */
static inline void *arena_try_room(struct arena *arena, size_t size) {
    return size <= arena->rest_n ? arena_take(arena, size) : arena_try_more(arena, size);
}

/* The same, zeroed. Never NULL. */
static inline void *arena_alloc(struct arena *arena, size_t size) {
    return memset(arena_room(arena, size), 0, size);
}

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
