#ifndef GULOU_BASE_BUF_H
#define GULOU_BASE_BUF_H

/* Text that grows, in an arena. Always NUL-terminated behind its end, so buf_view(b).p is also a C
 * string. */

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "server/base/arena.h"
#include "server/base/str.h"

struct buf {
    struct arena *arena;
    char *p;
    size_t n;
    size_t room;
};

void buf_init(struct buf *buf, struct arena *arena);
/* When it is known how many bytes there will be, about. */
void buf_init_for(struct buf *buf, struct arena *arena, size_t expected);
/* Makes room for `more` bytes and the NUL behind them. */
void buf_grow(struct buf *buf, size_t more);

/* Here, so that a literal is copied by a few instructions. */
static inline void buf_add(struct buf *buf, const void *bytes, size_t n) {
    if (n == 0) {
        return;
    }
    if (buf->room - buf->n <= n) {
        buf_grow(buf, n);
    }
    memcpy(buf->p + buf->n, bytes, n);
    buf->n += n;
    buf->p[buf->n] = '\0';
}

void buf_i64(struct buf *buf, int64_t number); /* in decimal */

static inline void buf_puts(struct buf *buf, const char *text) {
    buf_add(buf, text, strlen(text));
}

static inline void buf_addstr(struct buf *buf, struct str text) {
    buf_add(buf, text.p, text.n);
}

/* Room for `total` bytes in all, where there is memory for it; it is not touched before it is used.
 */
bool buf_try_room(struct buf *buf, size_t total);

/* False: it is large, and there is no memory for it; nothing was added. */
bool buf_try_add(struct buf *buf, const void *bytes, size_t n);

void buf_printf(struct buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* What was added so far; valid until the next addition. */
struct str buf_view(const struct buf *buf);

#endif
