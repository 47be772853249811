#ifndef GULOU_BASE_STR_H
#define GULOU_BASE_STR_H

/* A view of bytes that somebody else owns: no terminator, any content, UTF-8 by convention. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "server/base/arena.h"

struct str {
    const char *p;
    size_t n;
};

#define STR(literal) ((struct str){(literal), sizeof(literal) - 1})

/* A view of a terminated string; NULL gives the empty view. Here, so that the compiler knows the
 * length of a literal. */
static inline struct str str_from(const char *text) {
    return text == NULL ? STR("") : (struct str){text, strlen(text)};
}

static inline bool str_eq(struct str a, struct str b) {
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static inline bool str_is(struct str a, const char *text) {
    return str_eq(a, str_from(text));
}

/* Without its first `n` bytes. */
static inline struct str str_drop(struct str text, size_t n) {
    return (struct str){text.p + n, text.n - n};
}

bool str_is_nocase(struct str a, const char *text); /* ASCII letters alike */
bool str_starts(struct str text, struct str prefix);

/* For a table: a seed that nobody can know keeps strangers from choosing what shares a place. */
uint64_t str_hash(struct str text, uint64_t seed);

/* Without ASCII blanks and line ends on both sides. */
struct str str_trim(struct str text);

/* Whether PostgreSQL takes it as text: UTF-8 without a NUL. */
bool str_is_utf8(struct str text);

/* The first NUL of a JSON, raw or written \u0000, where cJSON would silently end a text; its length
 * when there is none. */
size_t str_json_nul(struct str json);

/* A terminated copy. */
char *str_z(struct arena *arena, struct str text);

/* `n` bytes as 2 n small hexadecimal digits and a NUL. */
void str_hex(const void *bytes, size_t n, char *out);

/* Decimal digits with an optional leading '-', nothing else, within int64_t; false leaves *out
 * alone. */
bool str_to_i64(struct str text, int64_t *out);

#endif
