#include "server/base/arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/base/memory.h"

/* With AddressSanitizer every block is new, so that it sees what is used too late. Clang, which
 * builds the fuzzers, tells of it in another way than GCC. */
#ifdef __has_feature
#if __has_feature(address_sanitizer)
#define __SANITIZE_ADDRESS__ 1
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#define SPARE_BLOCKS_MAX 0
#else
#define SPARE_BLOCKS_MAX 64
#endif

/* One block holds an ordinary message from push to reply: 64 KiB would be touched for nothing. */
#define ARENA_BLOCK_BYTES 16384

struct block {
    struct block *previous;
    size_t size;
    alignas(max_align_t) char bytes[];
};

struct release {
    struct release *previous;
    void (*function)(void *);
    void *what;
};

static _Thread_local struct block *spare;
static _Thread_local int spare_n;

static size_t rounded(size_t size) {
    const size_t align = alignof(max_align_t);
    if (size > SIZE_MAX / 2) {
        abort(); /* no caller has so much to say: a length that went below 0 */
    }
    return (size + align - 1) / align * align;
}

static bool is_standard(size_t size) {
    return size <= ARENA_BLOCK_BYTES;
}

/* NULL when none is kept. */
static struct block *take_spare(void) {
    struct block *block = spare;
    if (block != NULL) {
        spare = block->previous;
        spare_n--;
    }
    return block;
}

static void give_back(struct block *block) {
    if (spare_n < SPARE_BLOCKS_MAX && block->size == ARENA_BLOCK_BYTES &&
        !memory_is_reserved(block)) {
        block->previous = spare;
        spare = block;
        spare_n++;
    } else {
        memory_put(block);
    }
}

/* NULL only when `get` has none. */
static struct block *block_new(size_t size, void *(*get)(size_t size)) {
    size_t wanted = is_standard(size) ? ARENA_BLOCK_BYTES : size;
    struct block *block = is_standard(size) ? take_spare() : NULL;
    if (block == NULL) {
        block = get(sizeof(*block) + wanted);
    }
    if (block != NULL) {
        *block = (struct block){.size = wanted};
    }
    return block;
}

static void block_add(struct arena *arena, struct block *block) {
    block->previous = arena->block;
    arena->block = block;
    arena->rest = block->bytes;
    arena->rest_n = block->size;
}

struct arena *arena_new(void) {
    struct block *block = block_new(0, memory_get);
    struct arena *arena = (struct arena *)(void *)block->bytes;
    *arena = (struct arena){0};
    block_add(arena, block);
    return arena_room(arena, sizeof(*arena)); /* where it lies already */
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
        give_back(block);
        block = previous;
    }
}

void arena_release(void) {
    for (struct block *block; (block = take_spare()) != NULL;) {
        memory_put(block);
    }
}

static void *take_of_new_block(struct arena *arena, size_t size, void *(*get)(size_t size)) {
    struct block *block = block_new(rounded(size), get);
    if (block == NULL) {
        return NULL;
    }
    block_add(arena, block);
    return arena_take(arena, size);
}

void *arena_more(struct arena *arena, size_t size) {
    return take_of_new_block(arena, size, memory_get);
}

void *arena_try_more(struct arena *arena, size_t size) {
    return take_of_new_block(arena, size, memory_try);
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
    int length = vsnprintf(arena->rest, arena->rest_n, format, args); /* as a rule it has room */
    bool cut = length >= 0 && (size_t)length >= arena->rest_n;
    char *text = arena_room(arena, length < 0 ? 1 : (size_t)length + 1);
    if (length < 0) {
        text[0] = '\0';
    } else if (cut) {
        vsnprintf(text, (size_t)length + 1, format, again);
    }
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
