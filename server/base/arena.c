#include "server/base/arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/base/memory.h"

/* One block holds an ordinary message from push to reply: 64 KiB would be touched for nothing. */
#define ARENA_BLOCK_BYTES 16384

struct block {
    struct block *previous;
    size_t used;
    size_t size;
    alignas(max_align_t) char bytes[];
};

struct release {
    struct release *previous;
    void (*function)(void *);
    void *what;
};

struct arena {
    struct block *block;
    struct release *releases;
};

struct arena *arena_new(void) {
    return memory_get_zeroed(sizeof(struct arena));
}

void arena_free(struct arena *arena) {
    if (arena == NULL) {
        return;
    }
    for (struct release *release = arena->releases; release != NULL; release = release->previous) {
        release->function(release->what);
    }
    for (struct block *block = arena->block; block != NULL;) {
        struct block *previous = block->previous;
        memory_put(block);
        block = previous;
    }
    memory_put(arena);
}

static size_t rounded(size_t size) {
    const size_t align = alignof(max_align_t);
    if (size > SIZE_MAX / 2) {
        abort(); /* no caller has so much to say: a length that went below 0 */
    }
    return (size + align - 1) / align * align;
}

static size_t block_size(size_t wanted) {
    return wanted > ARENA_BLOCK_BYTES ? wanted : ARENA_BLOCK_BYTES;
}

static void block_add(struct arena *arena, struct block *block, size_t size) {
    block->used = 0;
    block->size = size;
    block->previous = arena->block;
    arena->block = block;
}

static bool has_room(const struct arena *arena, size_t size) {
    return arena->block != NULL && arena->block->size - arena->block->used >= size;
}

bool arena_try_room(struct arena *arena, size_t size) {
    size_t wanted = block_size(rounded(size));
    if (has_room(arena, rounded(size))) {
        return true;
    }
    struct block *block = memory_try(sizeof(*block) + wanted);
    if (block != NULL) {
        block_add(arena, block, wanted);
    }
    return block != NULL;
}

void *arena_room(struct arena *arena, size_t size) {
    size_t taken = rounded(size);
    if (!has_room(arena, taken)) {
        size_t wanted = block_size(taken);
        block_add(arena, memory_get(sizeof(struct block) + wanted), wanted);
    }
    void *memory = arena->block->bytes + arena->block->used;
    arena->block->used += taken;
    return memory;
}

void *arena_alloc(struct arena *arena, size_t size) {
    return memset(arena_room(arena, size), 0, size);
}

char *arena_strndup(struct arena *arena, const char *bytes, size_t n) {
    char *copy = arena_room(arena, n + 1);
    if (n > 0) {
        memcpy(copy, bytes, n);
    }
    copy[n] = '\0';
    return copy;
}

char *arena_vprintf(struct arena *arena, const char *format, va_list args) {
    va_list again;
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, format, args);
    if (length < 0) {
        length = 0;
    }
    char *text = arena_room(arena, (size_t)length + 1);
    text[0] = '\0';
    vsnprintf(text, (size_t)length + 1, format, again);
    va_end(again);
    return text;
}

char *arena_printf(struct arena *arena, const char *format, ...) {
    va_list args;
    va_start(args, format);
    char *text = arena_vprintf(arena, format, args);
    va_end(args);
    return text;
}

void arena_on_free(struct arena *arena, void (*release)(void *), void *what) {
    struct release *entry = arena_alloc(arena, sizeof(*entry));
    entry->function = release;
    entry->what = what;
    entry->previous = arena->releases;
    arena->releases = entry;
}
