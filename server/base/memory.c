#include "server/base/memory.h"

#include <malloc.h>
#include <pthread.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/base/limits.h"
#include "server/base/log.h"

/* The reserve is a row of pieces, each behind its head. Looking for room walks along it: that is
 * slow, and seldom. Pages that were never needed cost nothing. */
struct piece {
    size_t size; /* without the head; 0 in the first one: nothing was ever taken */
    bool used;
    alignas(max_align_t) char bytes[];
};

static alignas(max_align_t) char reserve[MEMORY_RESERVE_BYTES];
static size_t reserve_used;                                      /* heads included */
static pthread_mutex_t reserve_lock = PTHREAD_MUTEX_INITIALIZER; /* guards both */
static _Atomic bool failed;                                      /* the system had none lately */

static struct piece *first(void) {
    return (struct piece *)(void *)reserve;
}

static struct piece *after(struct piece *piece) {
    return (struct piece *)(void *)(piece->bytes + piece->size);
}

static bool is_end(const struct piece *piece) {
    return (const char *)piece >= reserve + sizeof reserve;
}

bool memory_is_reserved(const void *memory) {
    return (const char *)memory >= reserve && (const char *)memory < reserve + sizeof reserve;
}

static struct piece *piece_of(void *memory) {
    return (struct piece *)(void *)((char *)memory - offsetof(struct piece, bytes));
}

/* ---- the reserve, behind its lock ---- */

static struct piece *find_room(size_t size) {
    if (first()->size == 0)
        first()->size = sizeof reserve - sizeof(struct piece);
    for (struct piece *p = first(); !is_end(p); p = after(p)) {
        if (p->used)
            continue;
        while (!is_end(after(p)) && !after(p)->used)
            p->size += sizeof *p + after(p)->size;
        if (p->size >= size)
            return p;
    }
    return NULL;
}

static void *take(size_t size) {
    struct piece *p = find_room(size);
    if (!p)
        return NULL;
    if (p->size >= size + 2 * sizeof *p) { /* the rest is a piece of its own */
        struct piece *rest = (struct piece *)(void *)(p->bytes + size);
        *rest = (struct piece){.size = p->size - size - sizeof *p};
        p->size = size;
    }
    p->used = true;
    reserve_used += sizeof *p + p->size;
    return p->bytes;
}

static void *reserve_take(size_t size) {
    const size_t align = alignof(max_align_t);
    if (size > sizeof reserve)
        return NULL;
    pthread_mutex_lock(&reserve_lock);
    void *memory = take(size ? (size + align - 1) / align * align : align);
    pthread_mutex_unlock(&reserve_lock);
    if (!atomic_exchange(&failed, true))
        log_error("memory_short", "wanted=%zu hint=\"new requests are turned away\"", size);
    return memory;
}

static void reserve_put(void *memory) {
    pthread_mutex_lock(&reserve_lock);
    struct piece *p = piece_of(memory);
    p->used = false;
    reserve_used -= sizeof *p + p->size;
    pthread_mutex_unlock(&reserve_lock);
}

static bool is_half_used(void) {
    pthread_mutex_lock(&reserve_lock);
    bool half = reserve_used > sizeof reserve / 2;
    pthread_mutex_unlock(&reserve_lock);
    return half;
}

/* ---- public ---- */

void *memory_try(size_t size) {
    return malloc(size ? size : 1);
}

void *memory_malloc(size_t size) {
    void *memory = memory_try(size);
    return memory ? memory : reserve_take(size);
}

void *memory_calloc(size_t n, size_t size) {
    if (size > 0 && n > SIZE_MAX / size)
        return NULL;
    void *memory = calloc(n ? n : 1, size ? size : 1);
    if (memory)
        return memory;
    memory = reserve_take(n * size);
    return memory ? memset(memory, 0, n * size) : NULL;
}

void *memory_realloc(void *memory, size_t size) {
    if (!memory)
        return memory_malloc(size);
    void *moved = memory_is_reserved(memory) ? NULL : realloc(memory, size ? size : 1);
    if (moved)
        return moved;
    size_t before =
        memory_is_reserved(memory) ? piece_of(memory)->size : malloc_usable_size(memory);
    moved = memory_malloc(size);
    if (moved) {
        memcpy(moved, memory, before < size ? before : size);
        memory_put(memory);
    }
    return moved;
}

char *memory_strdup(const char *text) {
    size_t n = strlen(text) + 1;
    char *copy = memory_malloc(n);
    return copy ? memcpy(copy, text, n) : NULL;
}

void memory_put(void *memory) {
    if (!memory) /* expat puts back a table's empty places, too */
        return;
    if (memory_is_reserved(memory))
        reserve_put(memory);
    else
        free(memory);
}

static void *must(void *memory) {
    if (!memory) {
        fputs("gulou: out of memory\n", stderr);
        abort();
    }
    return memory;
}

void *memory_get(size_t size) {
    return must(memory_malloc(size));
}

void *memory_get_zeroed(size_t size) {
    return must(memory_calloc(1, size));
}

bool memory_is_short(void) {
    if (!atomic_load_explicit(&failed, memory_order_relaxed))
        return false;
    void *probe = memory_try(MEMORY_PROBE_BYTES);
    free(probe);
    if (!probe || is_half_used())
        return true;
    if (atomic_exchange(&failed, false))
        log_info("memory_back", "served=true");
    return false;
}
