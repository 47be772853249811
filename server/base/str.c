#include "server/base/str.h"

#include <string.h>
#include <strings.h>

struct str str_from(const char *text) {
    return text == NULL ? STR("") : (struct str){text, strlen(text)};
}

bool str_eq(struct str a, struct str b) {
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

bool str_is(struct str a, const char *text) {
    return str_eq(a, str_from(text));
}

bool str_is_nocase(struct str a, const char *text) {
    return a.n == strlen(text) && (a.n == 0 || strncasecmp(a.p, text, a.n) == 0);
}

bool str_starts(struct str text, struct str prefix) {
    return text.n >= prefix.n && str_eq((struct str){text.p, prefix.n}, prefix);
}

static bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct str str_trim(struct str text) {
    while (text.n > 0 && is_blank(text.p[0])) {
        text.p++;
        text.n--;
    }
    while (text.n > 0 && is_blank(text.p[text.n - 1])) {
        text.n--;
    }
    return text;
}

char *str_z(struct arena *arena, struct str text) {
    return arena_strndup(arena, text.p, text.n);
}

bool str_to_i64(struct str text, int64_t *out) {
    bool negative = text.n > 0 && text.p[0] == '-';
    size_t i = negative ? 1 : 0;
    if (i == text.n) {
        return false;
    }
    int64_t value = 0;
    for (; i < text.n; i++) {
        if (text.p[i] < '0' || text.p[i] > '9') {
            return false;
        }
        int digit = text.p[i] - '0';
        /* Counting downwards reaches INT64_MIN, which has no positive twin. */
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_sub_overflow(value, digit, &value)) {
            return false;
        }
    }
    if (!negative && __builtin_sub_overflow((int64_t)0, value, &value)) {
        return false;
    }
    *out = value;
    return true;
}
