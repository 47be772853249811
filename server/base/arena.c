#include "server/base/arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

static void *must(void *memory) {
    if (memory == NULL) {
        fputs("gulou: out of memory\n", stderr);
        abort();
    }
    return memory;
}

struct arena *arena_new(void) {
    return must(calloc(1, sizeof(struct arena)));
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
        free(block);
        block = previous;
    }
    free(arena);
}

static struct block *block_add(struct arena *arena, size_t wanted) {
    size_t size = wanted > ARENA_BLOCK_BYTES ? wanted : ARENA_BLOCK_BYTES;
    struct block *block = must(malloc(sizeof(*block) + size));
    block->used = 0;
    block->size = size;
    block->previous = arena->block;
    arena->block = block;
    return block;
}

void *arena_room(struct arena *arena, size_t size) {
    const size_t align = alignof(max_align_t);
    if (size > SIZE_MAX / 2) {
        must(NULL);
    }
    size_t rounded = (size + align - 1) / align * align;
    struct block *block = arena->block;
    if (block == NULL || block->size - block->used < rounded) {
        block = block_add(arena, rounded);
    }
    void *memory = block->bytes + block->used;
    block->used += rounded;
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
