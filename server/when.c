#include "server/when.h"

#include <string.h>

#include "server/behind.h"
#include "server/unclear.h"

/* 和21号, but 到3号楼 is where somebody went. */
static size_t joined_day(struct str text) {
    int count;
    struct day day;
    size_t n = day_at(text, &day);
    n += n == 0 ? unclear_day(text, true) : 0;
    if (n > 0)
        return n;
    n = words_count(text, &count);
    size_t end = n > 0 ? words_prefix(str_drop(text, n), "号") : 0;
    return end > 0 && !behind_house(str_drop(text, n + end)) ? n + end : 0;
}

static bool has_unit(struct str text) {
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] != '.' && !words_is_digit(str_drop(text, i)))
            return true;
    return false;
}

/* 和, 到, /, or several of them. */
static size_t joint(struct str text) {
    size_t n = 0, more;
    for (struct str rest = text;; rest = str_drop(text, n += more)) {
        more = words_and(rest) + words_to(rest) + words_prefix(rest, "/");
        if (more == 0)
            return n > 0 ? n + words_blank(rest) : 0;
    }
}

/* A second day or length behind the first. What repeats or explains the first is none: 2小时 after
 * 9:00-11:00, 周六 after 11月21日. */
static struct str second(struct str text, const struct when *first) {
    struct day day = {0};
    struct hours hours;
    size_t join = joint(text), n;
    text = str_drop(text, join);
    if (first->dated) {
        n = join > 0 ? joined_day(text) : day_at(text, &day);
        bool explains = day.day < 0 && first->day.month != 0;
        bool ended = words_at_end(str_drop(text, n)) || behind_deed(str_drop(text, n));
        if (n > 0 && (join > 0 || (ended && !explains)))
            return (struct str){text.p, n};
    }
    n = first->timed ? hours_length(text, &hours) : 0;
    if (n == 0 || !has_unit((struct str){text.p, n}) ||
        (join == 0 && !words_at_end(str_drop(text, n))))
        return (struct str){text.p, 0};
    bool spans = first->hours.from[0] != '\0' && hours.from[0] != '\0';
    bool repeats = !spans && hours.minutes == first->hours.minutes;
    return (struct str){text.p, repeats ? 0 : n};
}

/* The start of what stands alone behind `at`; the text's end when there is nothing more. */
static size_t next_word(struct str text, size_t at) {
    static const char *const ends[] = {" ", ",", ";", ":", "、", "。", "!"};
    for (at++; at < text.n; at++) {
        size_t n = WORDS_ANY(str_drop(text, at), ends);
        bool clock = text.p[at] == ':' && words_is_digit(str_drop(text, at - 1)); /* 护学7:30 */
        if (clock || (n == 0 && text.p[at] != '('))
            continue;
        while (n > 0 && (at += n) < text.n)
            n = WORDS_ANY(str_drop(text, at), ends);
        break;
    }
    return at;
}

/* 昨天 and 11月20日 in the midst of a description. 3-5 may count something, and is asked about. */
static size_t day_inside(struct str text, struct day *out, bool *clear) {
    struct hours hours;
    size_t n = day_with_half(text, out);
    if (n == 0)
        return 0;
    struct str rest = str_drop(text, n);
    size_t half = hours_half_day(rest), length = hours_length(rest, &hours);
    struct str behind = str_drop(rest, half);
    bool halved = half > 0 && (words_at_end(behind) || words_is_digit(behind)); /* 昨晚7点 */
    bool alone = words_at_end(rest) || halved ||
                 (length > 0 && has_unit((struct str){rest.p, length}) &&
                  words_at_end(str_drop(rest, length)));
    *clear = alone;
    if (words_is_digit(text) && out->year == 0)
        for (size_t i = 0; i < n; i++)
            *clear = *clear && strchr("-/.", text.p[i]) == NULL;
    if (!*clear && behind_count(rest))
        return 0;
    return alone || (words_is_digit(text) && behind_deed(rest)) ? n : 0;
}

/* A day in the midst of a description, where none stood before it. */
static bool take_day_inside(struct arena *arena, struct words *words, size_t at, struct when *out) {
    bool clear = false;
    struct str text = str_drop(words->plain, at);
    size_t n = day_inside(text, &out->day, &clear);
    if (clear && n > 0) {
        *words = words_without(arena, *words, at, n);
        out->dated = true;
        if (at < words->plain.n)
            out->unclear = second(str_drop(words->plain, at), out);
        return true;
    }
    out->day = (struct day){0};
    if (n == 0)
        n = unclear_day_inside(text);
    out->unclear = (struct str){text.p, n};
    return false;
}

/* A length with its unit in the midst of a description, where none stood before it. */
static bool take_hours_inside(struct arena *arena, struct words *words, size_t at,
                              struct when *out) {
    struct str text = str_drop(words->plain, at);
    struct hours hours;
    size_t n = hours_length(text, &hours);
    if (n == 0 || !has_unit((struct str){text.p, n}) || !words_at_end(str_drop(text, n)))
        return false;
    if (out->timed) { /* by a bare number */
        if (out->hours.minutes != hours.minutes)
            out->unclear = out->bare;
        return false;
    }
    out->hours = hours;
    out->timed = true;
    *words = words_without(arena, *words, at, n);
    return true;
}

static void read_inside(struct arena *arena, struct words *words, struct when *out) {
    bool bare = out->bare.n > 0;
    size_t at = 0;
    while (out->unclear.n == 0 && (!out->dated || !out->timed || bare)) {
        size_t here = at;
        at = next_word(words->plain, at);
        if (at >= words->plain.n)
            break;
        bool taken = !out->dated && take_day_inside(arena, words, at, out);
        if (!taken && out->unclear.n == 0 && (!out->timed || bare))
            taken = take_hours_inside(arena, words, at, out);
        if (taken)
            at = here; /* what followed stands there now */
    }
}

/* Who did it, or where: what follows is the deed, or its day. */
static size_t who_or_where(struct str text, bool *named) {
    static const char *const people[] = {"帮忙", "帮助", "我们", "我",     "大家",
                                         "一起", "共同", "坚持", "志愿者", "党员"},
                             *const places[] = {"参加", "参与", "社区", "小区", "街道", "楼道",
                                                "楼",   "院",   "公园", "广场", "村",   "家里"};
    size_t n = WORDS_ANY(text, people);
    *named = n == 0;
    return n > 0 ? n : WORDS_ANY(text, places);
}

static bool names_day(struct str text, bool named) {
    static const char *const marks[] = {"月", "日", "天"};
    for (size_t i = 0; i < text.n; i++)
        if (WORDS_ANY(str_drop(text, i), marks) > 0 ||
            (!named && words_prefix(str_drop(text, i), "号") > 0))
            return true;
    return !words_is_digit(text);
}

/* 昨天 in 我昨天打扫, 11月20日 in 帮忙11月20日上午打扫; 小区20号 is a house, perhaps. */
static size_t day_of_deed(struct str text, bool named, struct when *out) {
    struct when found = {.dated = true};
    size_t n = day_at(text, &found.day);
    if (n == 0 || !names_day((struct str){text.p, n}, named))
        return 0;
    struct str rest = str_drop(text, n), other = second(rest, &found);
    if (other.n > 0) {
        out->unclear = other;
        return 0;
    }
    rest = str_drop(rest, hours_half_day(rest));
    if (!behind_plain_deed(rest) || behind_papers(rest))
        return 0;
    out->day = found.day;
    out->dated = true;
    return n;
}

/* Where no day stood alone: one right before what was done, at the start of a word or behind who
 * did it. */
static void read_day_of_deed(struct arena *arena, struct words *words, struct when *out) {
    struct str text = words->plain;
    for (size_t at = 0; at < text.n && out->unclear.n == 0; at++) {
        bool named;
        size_t n = who_or_where(str_drop(text, at), &named);
        if (n == 0 && (at == 0 || !strchr(" ,;:", text.p[at - 1])))
            continue;
        struct str behind = str_drop(text, at + n);
        size_t taken = day_of_deed(behind, named, out);
        if (taken > 0) {
            *words = words_without(arena, *words, at + n, taken);
            return;
        }
        if (out->unclear.n == 0)
            out->unclear = (struct str){behind.p, unclear_day_of_deed(behind, named)};
    }
}

/* What makes the number behind it another one: 第2小时, 每2小时, 提前2小时. */
static bool behind_another(struct str text, size_t at) {
    static const char *const words[] = {"几", "多", "第", "个", "每", "百", "前", "后", "-", "."};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        size_t n = strlen(words[i]);
        if (at >= n && words_prefix(str_drop(text, at - n), words[i]) > 0)
            return true;
    }
    return at > 0 && words_is_digit(str_drop(text, at - 1));
}

/* 2小时 at the end of a word: 打扫2小时; 河道100m and 得3分 are no hours. */
static size_t hours_ending(struct str text, size_t at, struct hours *out) {
    static const char *const units[] = {"时", "钟", "h", "H"};
    size_t n = behind_another(text, at) ? 0 : hours_length(str_drop(text, at), out);
    if (n == 0 || !words_at_end(str_drop(text, at + n)))
        return 0;
    for (size_t i = at; i < at + n; i++)
        if (out->from[0] != '\0' || WORDS_ANY(str_drop(text, i), units) > 0)
            return n;
    return 0;
}

/* Where no length stood alone. The description stays as it was typed. */
static void read_ending(struct str text, struct when *out) {
    struct hours hours;
    size_t at = 0;
    while (at < text.n) {
        size_t n = hours_ending(text, at, &hours);
        if (n > 0 && out->timed && hours.minutes != out->hours.minutes) {
            out->unclear = (struct str){text.p + at, n};
            return;
        }
        if (n > 0 && !out->timed) {
            out->hours = hours;
            out->timed = true;
        }
        at += n > 0 ? n : 1;
    }
}

/* 补报昨天打扫 */
static void skip_late(struct words *words) {
    static const char *const late[] = {"补报", "补登", "补录", "补"};
    struct day day;
    size_t n = WORDS_ANY(words->plain, late);
    n += n > 0 ? words_blank(str_drop(words->plain, n)) : 0;
    if (n > 0 && day_with_half(str_drop(words->plain, n), &day) > 0)
        *words = words_after(*words, n);
}

/* The day and the length that the words begin with. */
static void read_start(struct arena *arena, struct words *words, struct when *out) {
    for (;;) {
        if (!out->dated)
            skip_late(words);
        size_t n = 0;
        if (!out->dated && day_read(arena, words, &out->day)) {
            out->dated = true;
            continue;
        }
        if (!out->dated)
            n = unclear_day(words->plain, out->timed);
        if (n == 0 && !out->timed)
            n = unclear_length(words->plain);
        if (n > 0) {
            out->unclear = (struct str){words->plain.p, n};
            return;
        }
        struct str text = words->plain;
        if (out->timed || !hours_read(arena, words, &out->hours))
            return;
        out->timed = true;
        n = hours_length(text, &(struct hours){0});
        if (n > 0 && !has_unit((struct str){text.p, n}))
            out->bare = (struct str){text.p, n};
    }
}

void when_read(struct arena *arena, struct words *words, struct when *out) {
    memset(out, 0, sizeof *out);
    *words = words_simplified(arena, *words);
    read_start(arena, words, out);
    if (out->unclear.n == 0)
        out->unclear = second(words->plain, out);
    if (out->unclear.n == 0)
        read_inside(arena, words, out);
    if (out->unclear.n == 0 && !out->dated)
        read_day_of_deed(arena, words, out);
    if (out->unclear.n == 0 && !out->timed)
        read_ending(words->plain, out);
    int hours = out->hours.minutes / 60;
    bool whole = out->bare.n > 0 && words_figures(out->bare) == out->bare.n;
    if (out->unclear.n == 0 && !out->dated && whole && hours > 12 && hours <= 31)
        out->unclear = out->bare;
}

bool when_begins(struct arena *arena, struct words words) {
    struct when when = {0};
    words = words_simplified(arena, words);
    read_start(arena, &words, &when);
    return when.timed || when.dated || when.unclear.n > 0;
}
