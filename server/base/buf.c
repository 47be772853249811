#include "server/base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define BUF_FIRST_BYTES 256
#define BUF_LARGE_BYTES 131072

void buf_init_for(struct buf *buf, struct arena *arena, size_t expected) {
    *buf = (struct buf){arena, arena_room(arena, expected + 1), 0, expected + 1};
    buf->p[0] = '\0';
}

void buf_init(struct buf *buf, struct arena *arena) {
    buf_init_for(buf, arena, BUF_FIRST_BYTES - 1);
}

/* What it must grow to for `more` bytes; 0: it need not. */
static size_t room_for(const struct buf *buf, size_t more) {
    size_t wanted = buf->n + more + 1;
    if (wanted <= buf->room) {
        return 0;
    }
    return buf->room * 2 > wanted ? buf->room * 2 : wanted;
}

static void move_to(struct buf *buf, char *bigger, size_t room) {
    memcpy(bigger, buf->p, buf->n + 1);
    buf->p = bigger;
    buf->room = room;
}

void buf_grow(struct buf *buf, size_t more) {
    size_t room = room_for(buf, more);
    if (room > 0) {
        move_to(buf, arena_room(buf->arena, room), room);
    }
}

static bool try_move(struct buf *buf, size_t room) {
    char *bigger = arena_try_room(buf->arena, room);
    if (bigger == NULL) {
        return false;
    }
    move_to(buf, bigger, room);
    return true;
}

bool buf_try_room(struct buf *buf, size_t total) {
    return total < buf->room || try_move(buf, total + 1);
}

bool buf_try_add(struct buf *buf, const void *bytes, size_t n) {
    size_t room = room_for(buf, n);
    if (room > BUF_LARGE_BYTES && !try_move(buf, room)) {
        return false;
    }
    buf_add(buf, bytes, n);
    return true;
}

void buf_i64(struct buf *buf, int64_t number) {
    char digits[24];
    size_t at = sizeof digits;
    uint64_t left = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
    do {
        digits[--at] = (char)('0' + left % 10);
    } while ((left /= 10) > 0);
    if (number < 0) {
        digits[--at] = '-';
    }
    buf_add(buf, digits + at, sizeof digits - at);
}

void buf_printf(struct buf *buf, const char *format, ...) {
    va_list args;
    va_list again;
    va_start(args, format);
    va_copy(again, args);
    size_t left = buf->room - buf->n;
    int length = vsnprintf(buf->p + buf->n, left, format, args);
    va_end(args);
    if (length > 0 && (size_t)length >= left) { /* cut: once more, with room for all */
        buf_grow(buf, (size_t)length);
        vsnprintf(buf->p + buf->n, (size_t)length + 1, format, again);
    }
    buf->n += length > 0 ? (size_t)length : 0;
    va_end(again);
}

struct str buf_view(const struct buf *buf) {
    return (struct str){buf->p, buf->n};
}
