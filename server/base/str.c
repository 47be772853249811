#include "server/base/str.h"

#include <string.h>
#include <strings.h>

bool str_is_nocase(struct str a, const char *text) {
    return a.n == strlen(text) && (a.n == 0 || strncasecmp(a.p, text, a.n) == 0);
}

bool str_starts(struct str text, struct str prefix) {
    return text.n >= prefix.n && str_eq((struct str){text.p, prefix.n}, prefix);
}

/* FNV-1a. */
uint64_t str_hash(struct str text, uint64_t seed) {
    uint64_t hash = seed ^ 14695981039346656037u;
    for (size_t i = 0; i < text.n; i++) {
        hash = (hash ^ (unsigned char)text.p[i]) * 1099511628211u;
    }
    return hash ^ hash >> 32;
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

/* The length of the sequence that begins at `p`, 0 when it is none: RFC 3629, which knows no
 * surrogates, nothing longer than needed and nothing beyond U+10FFFF. */
static size_t utf8_length(const unsigned char *p, size_t n) {
    static const struct {
        unsigned char first, last, low, high; /* of the lead byte, and of the byte after it */
        size_t length;
    } forms[] = {
        {0x01, 0x7f, 0, 0, 1},       {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
        {0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
        {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4}};
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        if (p[0] < forms[i].first || p[0] > forms[i].last)
            continue;
        if (forms[i].length > n ||
            (forms[i].length > 1 && (p[1] < forms[i].low || p[1] > forms[i].high)))
            return 0;
        for (size_t k = 2; k < forms[i].length; k++)
            if (p[k] < 0x80 || p[k] > 0xbf)
                return 0;
        return forms[i].length;
    }
    return 0;
}

/* Most text is ASCII: eight bytes of it at a time. */
static size_t ascii_length(const unsigned char *p, size_t n) {
    const uint64_t each = UINT64_MAX / 255;
    size_t at = 0;
    for (uint64_t eight; n - at >= sizeof eight; at += sizeof eight) {
        memcpy(&eight, p + at, sizeof eight);
        if ((((eight - each) | eight) & each * 0x80) != 0) /* a NUL, or no ASCII */
            break;
    }
    return at;
}

bool str_is_utf8(struct str text) {
    const unsigned char *p = (const unsigned char *)text.p;
    size_t at = ascii_length(p, text.n), length = 1;
    while (at < text.n && (length = utf8_length(p + at, text.n - at)) > 0) {
        at += length;
        at += ascii_length(p + at, text.n - at);
    }
    return at == text.n;
}

char *str_z(struct arena *arena, struct str text) {
    return arena_strndup(arena, text.p, text.n);
}

void str_hex(const void *bytes, size_t n, char *out) {
    static const char digits[] = "0123456789abcdef";
    for (const unsigned char *byte = bytes, *end = byte + n; byte < end; byte++) {
        *out++ = digits[*byte >> 4];
        *out++ = digits[*byte & 15];
    }
    *out = '\0';
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

size_t str_json_nul(struct str json) {
    for (size_t i = 0; i < json.n; i++) {
        if (json.p[i] == '\0' || str_starts((struct str){json.p + i, json.n - i}, STR("\\u0000")))
            return i;
        if (json.p[i] == '\\') /* \\u0000 is a backslash and five letters */
            i++;
    }
    return json.n;
}
