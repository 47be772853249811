#include "server/words.h"

#include <ctype.h>
#include <opencc/opencc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "server/base/log.h"

#define SIMPLIFY_CHARACTERS 64
#define COUNT_MAX 1000000 /* larger counts stay large, without overflow */

/* What may stand around a command without changing it. */
static const char *const decoration[] = {"「", "」", "『", "』", "【", "】", "“", "”", "‘", "’",
                                         "《", "》", "。", "、", "\"", "'",  "(", ")", "[", "]",
                                         "<",  ">",  ".",  ",",  "!",  "?",  ";", ":", "~", " "};
static const char *const separators[] = {" ", ",", ";", ":", "、", "。"};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

size_t words_prefix(struct str text, const char *prefix) {
    size_t n = 0; /* asked of hundreds of words, of which the first bytes say no */
    while (prefix[n] != '\0' && n < text.n && text.p[n] == prefix[n])
        n++;
    return prefix[n] == '\0' ? n : 0;
}

size_t words_any(struct str text, const char *const *list, size_t count) {
    for (size_t i = 0; i < count; i++) {
        size_t n = words_prefix(text, list[i]);
        if (n > 0)
            return n;
    }
    return 0;
}

static size_t any_suffix(struct str text, const char *const *list, size_t count) {
    for (size_t i = 0; i < count; i++) {
        size_t n = strlen(list[i]);
        if (text.n >= n && memcmp(text.p + text.n - n, list[i], n) == 0)
            return n;
    }
    return 0;
}

size_t words_blank(struct str text) {
    return words_prefix(text, " ");
}

bool words_is_digit(struct str text) {
    return text.n > 0 && text.p[0] >= '0' && text.p[0] <= '9';
}

size_t words_figures(struct str text) {
    size_t n = 0;
    while (words_is_digit(str_drop(text, n)))
        n++;
    return n;
}

size_t words_to(struct str text) {
    static const char *const marks[] = {"-", "~", "—", "–", "〜", "到", "至"};
    return WORDS_ANY(text, marks);
}

size_t words_and(struct str text) {
    static const char *const marks[] = {"和", "与", "及"};
    return WORDS_ANY(text, marks);
}

bool words_at_break(struct str text) {
    static const char *const breaks[] = {" ", ",", ";", "、", "。", "!", "?", "("};
    return text.n == 0 || WORDS_ANY(text, breaks) > 0;
}

bool words_at_end(struct str text) {
    unsigned char c = text.n > 0 ? (unsigned char)text.p[0] : ' ';
    return words_at_break(text) || (c < 0x80 && !isalnum(c));
}

/* ---- reading ---- */

struct reader {
    char *plain;
    size_t *from;
    size_t n;
    size_t room;
    struct arena *arena;
};

static void put(struct reader *r, const char *bytes, size_t n, size_t from) {
    if (r->n + n + 1 > r->room) {
        size_t room = (r->n + n + 1) * 2;
        char *plain = arena_alloc(r->arena, room);
        size_t *offsets = arena_alloc(r->arena, room * sizeof(size_t));
        if (r->n > 0) {
            memcpy(plain, r->plain, r->n);
            memcpy(offsets, r->from, r->n * sizeof(size_t));
        }
        r->plain = plain;
        r->from = offsets;
        r->room = room;
    }
    memcpy(r->plain + r->n, bytes, n);
    for (size_t i = 0; i < n; i++)
        r->from[r->n + i] = from;
    r->n += n;
}

/* Blanks become one, none at the start; invisible characters vanish. */
static void put_clean(struct reader *r, const char *bytes, size_t n, size_t from) {
    for (size_t i = 0; i < n;) {
        utf8proc_int32_t c;
        utf8proc_ssize_t len =
            utf8proc_iterate((const utf8proc_uint8_t *)bytes + i, (utf8proc_ssize_t)(n - i), &c);
        if (len <= 0)
            return;
        utf8proc_category_t category = utf8proc_category(c);
        bool blank = category == UTF8PROC_CATEGORY_ZS || category == UTF8PROC_CATEGORY_CC ||
                     category == UTF8PROC_CATEGORY_ZL || category == UTF8PROC_CATEGORY_ZP;
        if (blank && r->n > 0 && r->plain[r->n - 1] != ' ')
            put(r, " ", 1, from);
        else if (!blank && category != UTF8PROC_CATEGORY_CF)
            put(r, bytes + i, (size_t)len, from);
        i += (size_t)len;
    }
}

/* A character with the marks that belong to it: NFKC must see them together. */
static size_t cluster(struct str text, size_t at, bool *simple) {
    utf8proc_int32_t c;
    size_t end = at;
    *simple = true;
    while (end < text.n) {
        utf8proc_ssize_t len = utf8proc_iterate((const utf8proc_uint8_t *)text.p + end,
                                                (utf8proc_ssize_t)(text.n - end), &c);
        if (len <= 0 || (end > at && utf8proc_get_property(c)->combining_class == 0))
            break;
        if (end > at || (c >= 0x80 && (c < 0x4E00 || c > 0x9FFF)))
            *simple = false;
        end += (size_t)len;
    }
    return end - at;
}

static void put_normal(struct reader *r, struct str typed, size_t at, size_t n, bool simple) {
    utf8proc_uint8_t *mapped = NULL;
    if (!simple) {
        utf8proc_ssize_t len =
            utf8proc_map((const utf8proc_uint8_t *)typed.p + at, (utf8proc_ssize_t)n, &mapped,
                         UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT);
        if (len > 0)
            put_clean(r, (const char *)mapped, (size_t)len, at);
        free(mapped);
        return;
    }
    put_clean(r, typed.p + at, n, at);
}

struct words words_read(struct arena *arena, struct str typed) {
    struct reader r = {.arena = arena};
    put(&r, "", 0, 0);
    for (size_t at = 0; at < typed.n;) {
        bool simple;
        size_t n = cluster(typed, at, &simple);
        if (n == 0) { /* a byte that is no UTF-8 */
            at++;
            continue;
        }
        put_normal(&r, typed, at, n, simple);
        at += n;
    }
    if (r.n > 0 && r.plain[r.n - 1] == ' ')
        r.n--;
    r.from[r.n] = typed.n; /* put() always leaves room for it */
    return (struct words){.plain = {r.plain, r.n}, .from = r.from, .typed = typed};
}

struct str words_typed(struct words words) {
    size_t at = words.from[0];
    return str_trim((struct str){words.typed.p + at, words.typed.n - at});
}

/* ---- traditional characters ---- */

static opencc_t dictionary;
static pthread_once_t dictionary_once = PTHREAD_ONCE_INIT;
static pthread_mutex_t dictionary_lock = PTHREAD_MUTEX_INITIALIZER;

static void dictionary_open(void) {
    dictionary = opencc_open("t2s.json");
    if (dictionary == (opencc_t)-1)
        log_warn("opencc", "reason=%s", "no t2s.json, traditional characters stay as typed");
}

/* What the dictionary said of a character of three bytes, by its code point; 0: not asked yet.
 * Asking takes longer than all else that is done with a short message. */
static _Atomic uint16_t answers[0x10000];

static unsigned code_of(const char *text) {
    const unsigned char *p = (const unsigned char *)text;
    return (p[0] & 0x0Fu) << 12 | (p[1] & 0x3Fu) << 6 | (p[2] & 0x3Fu);
}

static void ask_dictionary(struct reader *r, const char *p, size_t n, size_t from) {
    pthread_mutex_lock(&dictionary_lock);
    char *changed = opencc_convert_utf8(dictionary, p, n);
    pthread_mutex_unlock(&dictionary_lock);
    struct str answer = changed && *changed ? str_from(changed) : (struct str){p, n};
    if (n == 3 && answer.n == 3)
        answers[code_of(p)] = (uint16_t)code_of(answer.p);
    put(r, answer.p, answer.n, from);
    if (changed)
        opencc_convert_utf8_free(changed);
}

/* One character, so that every offset keeps its place; phrases do not matter for commands. */
static void put_simple(struct reader *r, const char *p, size_t n, size_t from) {
    unsigned code = n == 3 ? answers[code_of(p)] : 0;
    if (code > 0) {
        char known[] = {(char)(0xE0 | code >> 12), (char)(0x80 | (code >> 6 & 0x3F)),
                        (char)(0x80 | (code & 0x3F))};
        put(r, known, sizeof known, from);
    } else if (n < 3) {
        put(r, p, n, from);
    } else {
        ask_dictionary(r, p, n, from);
    }
}

struct words words_simplified(struct arena *arena, struct words words) {
    pthread_once(&dictionary_once, dictionary_open);
    if (dictionary == (opencc_t)-1)
        return words;
    struct reader r = {.arena = arena};
    put(&r, "", 0, 0);
    size_t at = 0;
    for (int i = 0; i < SIMPLIFY_CHARACTERS && at < words.plain.n; i++) {
        size_t n = 1;
        while (at + n < words.plain.n && ((unsigned char)words.plain.p[at + n] & 0xC0) == 0x80)
            n++;
        put_simple(&r, words.plain.p + at, n, words.from[at]);
        at += n;
    }
    for (; at < words.plain.n; at++)
        put(&r, words.plain.p + at, 1, words.from[at]);
    r.from[r.n] = words.from[words.plain.n];
    return (struct words){.plain = {r.plain, r.n}, .from = r.from, .typed = words.typed};
}

/* ---- taking it apart ---- */

static struct words skip(struct words words, size_t n) {
    words.plain.p += n;
    words.plain.n -= n;
    words.from += n;
    return words;
}

/* All decoration begins with one of these bytes, hardly any word does. */
static bool may_be_decoration(struct str text) {
    unsigned char c = text.n > 0 ? (unsigned char)text.p[0] : 'a';
    return c == 0xe2 || c == 0xe3 || (c < 0x80 && !isalnum(c));
}

static struct words without_lead(struct words words) {
    size_t n;
    while (may_be_decoration(words.plain) && (n = WORDS_ANY(words.plain, decoration)) > 0)
        words = skip(words, n);
    return words;
}

bool words_is(struct words words, const char *word) {
    struct str text = without_lead(words).plain;
    if (words_prefix(text, word) == 0)
        return false;
    for (size_t n; (n = any_suffix(text, decoration, COUNT(decoration))) > 0;)
        text.n -= n;
    return str_is(text, word);
}

static bool ends_word(struct str text) {
    if (text.n == 0 || WORDS_ANY(text, decoration) > 0)
        return true;
    unsigned char c = (unsigned char)text.p[0];
    return c < 0x80; /* a digit, a letter, #: anything a Chinese word does not go on with */
}

bool words_command(struct words words, const char *word, struct words *rest) {
    words = without_lead(words);
    size_t n = words_prefix(words.plain, word);
    if (n == 0)
        return false;
    words = skip(words, n);
    if (!ends_word(words.plain))
        return false;
    *rest = without_lead(words);
    return true;
}

bool words_empty(struct words words) {
    return words.plain.n == 0;
}

struct words words_after(struct words words, size_t n) {
    words = skip(words, n);
    while ((n = WORDS_ANY(words.plain, separators)) > 0)
        words = skip(words, n);
    return words;
}

struct words words_without(struct arena *arena, struct words words, size_t at, size_t n) {
    size_t end = at + n, mark;
    while ((mark = WORDS_ANY(str_drop(words.plain, end), separators)) > 0)
        end += mark;
    while (end == words.plain.n &&
           (mark = any_suffix((struct str){words.plain.p, at}, separators, COUNT(separators))) > 0)
        at -= mark;
    size_t cut = words.from[end] - words.from[at], first = words.from[0];
    char *typed = arena_room(arena, words.typed.n + 1);
    size_t *from = arena_room(arena, (words.plain.n + 1) * sizeof *from);
    size_t before = words.from[at] - first, behind = words.typed.n - words.from[end];
    memcpy(typed, words.typed.p + first, before);
    memcpy(typed + before, words.typed.p + words.from[end], behind);
    size_t length = at + words.plain.n - end;
    char *plain = arena_room(arena, length + 1);
    memcpy(plain, words.plain.p, at);
    memcpy(plain + at, words.plain.p + end, words.plain.n - end);
    for (size_t i = 0; i <= length; i++)
        from[i] = i < at ? words.from[i] - first : words.from[i + end - at] - first - cut;
    return (struct words){
        .plain = {plain, length}, .from = from, .typed = {typed, before + behind}};
}

struct str words_next(struct words *words) {
    const char *blank = words->plain.n > 0 ? memchr(words->plain.p, ' ', words->plain.n) : NULL;
    size_t n = blank != NULL ? (size_t)(blank - words->plain.p) : words->plain.n;
    struct str token = {words->plain.p, n};
    *words = words_after(*words, n);
    return token;
}

/* ---- numbers ---- */

bool words_number(struct words *words, int64_t *out) {
    static const char *const before[] = {"编号", "編號", "第", "#", ":", " ", "№", "No."};
    static const char *const after[] = {"号", "號", "项", "項", "条", "條"};
    struct words at = *words;
    size_t n;
    while ((n = WORDS_ANY(at.plain, before)) > 0)
        at = skip(at, n);
    size_t digits = words_figures(at.plain);
    if (!str_to_i64((struct str){at.plain.p, digits}, out))
        return false;
    at = skip(at, digits);
    at = skip(at, WORDS_ANY(at.plain, after));
    *words = words_after(at, 0);
    return true;
}

size_t words_numbers(struct words *words, int64_t *out, size_t max) {
    size_t count = 0;
    int64_t no;
    while (count < max && words_number(words, &no)) {
        size_t i = 0;
        while (i < count && out[i] != no)
            i++;
        if (i == count)
            out[count++] = no;
        *words = words_after(*words, words_prefix(words->plain, "和"));
        *words = words_after(*words, words_prefix(words->plain, "/"));
    }
    return count;
}

static size_t numeral(struct str text, int *out) {
    static const char *const digits[] = {"零", "一", "二", "三", "四", "五",
                                         "六", "七", "八", "九", "两"};
    for (size_t i = 0; i < COUNT(digits); i++)
        if (words_prefix(text, digits[i]) > 0) {
            *out = i == 10 ? 2 : (int)i;
            return strlen(digits[i]);
        }
    return 0;
}

size_t words_count(struct str text, int *out) {
    size_t n = 0;
    int value = 0;
    for (; n < text.n && text.p[n] >= '0' && text.p[n] <= '9'; n++)
        value = value > COUNT_MAX ? value : value * 10 + (text.p[n] - '0');
    if (n > 0) {
        *out = value;
        return n;
    }
    int high = 0, low = 0;
    size_t lead = numeral(text, &high);
    struct str rest = str_drop(text, lead);
    size_t ten = words_prefix(rest, "十");
    if (ten == 0) {
        *out = high;
        return lead;
    }
    rest = str_drop(rest, ten);
    size_t unit = numeral(rest, &low);
    *out = (lead > 0 ? high : 1) * 10 + low;
    return lead + ten + unit;
}

/* A single figure without a word is a quarter, as people have always written it here. */
size_t words_period(struct str text, char out[WORDS_PERIOD_SIZE]) {
    static const char *const marks[] = {"-", "年", " ", "Q", "q", "第"};
    static const char *const quarters[] = {"季度", "季"}, *const months[] = {"月份", "月"};
    int year, count;
    size_t n = words_count(text, &year), digits, unit;
    bool marked = false; /* as a quarter */
    if (n != 4 || year < 2000 || year > 2099)
        return 0;
    for (size_t i = 0; i < COUNT(marks); i++) {
        size_t taken = words_prefix(str_drop(text, n), marks[i]);
        marked = marked || (taken > 0 && i >= 3);
        n += taken;
    }
    digits = words_count(str_drop(text, n), &count);
    n += digits;
    bool quarter = (unit = WORDS_ANY(str_drop(text, n), quarters)) > 0;
    bool month =
        !marked && !quarter && ((unit = WORDS_ANY(str_drop(text, n), months)) > 0 || digits == 2);
    if (digits == 0 || count < 1 || count > (month ? 12 : 4))
        return 0;
    snprintf(out, WORDS_PERIOD_SIZE, month ? "%04d-%02d" : "%04d-Q%d", year, count);
    return n + unit;
}
