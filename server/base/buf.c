#include "server/base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define BUF_FIRST_BYTES 256

void buf_init(struct buf *buf, struct arena *arena) {
    *buf = (struct buf){arena, arena_alloc(arena, BUF_FIRST_BYTES), 0, BUF_FIRST_BYTES};
}

static void make_room(struct buf *buf, size_t more) {
    size_t wanted = buf->n + more + 1;
    if (wanted <= buf->room) {
        return;
    }
    size_t room = buf->room * 2 > wanted ? buf->room * 2 : wanted;
    char *bigger = arena_alloc(buf->arena, room);
    memcpy(bigger, buf->p, buf->n);
    buf->p = bigger;
    buf->room = room;
}

void buf_add(struct buf *buf, const void *bytes, size_t n) {
    if (n == 0) {
        return;
    }
    make_room(buf, n);
    memcpy(buf->p + buf->n, bytes, n);
    buf->n += n;
    buf->p[buf->n] = '\0';
}

void buf_puts(struct buf *buf, const char *text) {
    buf_add(buf, text, strlen(text));
}

void buf_addstr(struct buf *buf, struct str text) {
    buf_add(buf, text.p, text.n);
}

void buf_printf(struct buf *buf, const char *format, ...) {
    va_list args;
    va_list again;
    va_start(args, format);
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (length > 0) {
        make_room(buf, (size_t)length);
        vsnprintf(buf->p + buf->n, (size_t)length + 1, format, again);
        buf->n += (size_t)length;
    }
    va_end(again);
}

struct str buf_view(const struct buf *buf) {
    return (struct str){buf->p, buf->n};
}
