#include "server/hours.h"

#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define MINUTES_MAX 600000 /* far above any real service: the database says that it is too long */

/* ---- a length ---- */

static size_t unit_hour(struct str text) {
    static const char *const units[] = {"小时", "个小时", "钟头", "个钟头", "hours",
                                        "hour", "hrs",    "hr",   "h",      "H"};
    size_t n = words_blank(text);
    size_t unit = WORDS_ANY(str_drop(text, n), units);
    return unit > 0 ? n + unit : 0;
}

static size_t unit_minute(struct str text) {
    static const char *const units[] = {"分钟", "分", "minutes", "mins", "min", "m"};
    size_t n = words_blank(text);
    size_t unit = WORDS_ANY(str_drop(text, n), units);
    return unit > 0 ? n + unit : 0;
}

/* 1,5小时: a comma is a point where the unit shows it; 2，3号楼 is two hours. */
static bool decimal_comma(struct str text) {
    size_t n = words_prefix(text, ",") > 0 ? words_figures(str_drop(text, 1)) : 0;
    return n > 0 && unit_hour(str_drop(text, 1 + n)) > 0;
}

/* Digits with at most three decimals, in minutes of an hour: 1.25 -> 75. */
static size_t decimal_hours(struct str text, int *minutes) {
    int whole = 0;
    size_t n = words_count(text, &whole);
    if (n == 0)
        return 0;
    int thousandths = 0;
    struct str rest = str_drop(text, n);
    bool point = rest.n > 1 && rest.p[0] == '.' && words_is_digit(str_drop(rest, 1));
    if (words_is_digit(text) && (point || decimal_comma(rest))) {
        n++;
        for (int unit = 100; n < text.n && words_is_digit(str_drop(text, n)); unit /= 10, n++)
            thousandths += (text.p[n] - '0') * unit;
    } else if (words_prefix(rest, "点") > 0 && !words_is_digit(text)) { /* 一点五小时 */
        int tenth = 0;
        size_t mark = strlen("点");
        size_t more = words_count(str_drop(rest, mark), &tenth);
        if (more > 0 && tenth < 10 && unit_hour(str_drop(rest, mark + more)) > 0) {
            thousandths = tenth * 100;
            n += mark + more;
        }
    }
    *minutes = whole > MINUTES_MAX / 60 ? MINUTES_MAX : whole * 60 + thousandths * 60 / 1000;
    return n;
}

/* 半, 30分 or 40 behind 1小时. 1小时 30分钟 may have its blank where a word ends, 2小时 50m跑道 is
 * no 2:50. */
static size_t minutes_over(struct str text, int *over) {
    if (words_prefix(text, "半") > 0) {
        *over = 30;
        return strlen("半");
    }
    size_t blank = words_blank(text), n = blank + words_count(str_drop(text, blank), over);
    size_t unit = n > blank && *over < 60 ? unit_minute(str_drop(text, n)) : 0;
    bool ended = words_at_break(str_drop(text, n + unit));
    if (unit > 0)
        return blank == 0 || ended ? n + unit : 0;
    bool two_figures = words_figures(text) == 2 && n == 2;
    return two_figures && *over < 60 && ended ? n : 0;
}

/* 半小时, 一个半小时, 2个半小时, 两小时半, 1小时30分. */
static size_t read_hours(struct str text, int *minutes) {
    static const char *const half[] = {"半个小时", "半小时", "半个钟头", "半钟头"};
    static const char *const and_half[] = {"个半小时", "个半钟头", "个半钟", "小时半"};
    size_t n = WORDS_ANY(text, half);
    if (n > 0) {
        *minutes = 30;
        return n;
    }
    n = decimal_hours(text, minutes);
    if (n == 0)
        return 0;
    size_t unit = WORDS_ANY(str_drop(text, n), and_half);
    if (unit > 0) {
        *minutes += 30;
        return n + unit;
    }
    unit = unit_hour(str_drop(text, n));
    if (unit == 0)
        return words_at_break(str_drop(text, n)) && words_is_digit(text) ? n : 0;
    n += unit;
    int over = 0;
    size_t more = minutes_over(str_drop(text, n), &over);
    *minutes += more > 0 ? over : 0;
    return n + more;
}

static size_t read_minutes(struct str text, int *minutes) {
    static const char *const quarters[] = {"三刻钟", "一刻钟"};
    size_t quarter = WORDS_ANY(text, quarters);
    if (quarter > 0) {
        *minutes = words_prefix(text, quarters[0]) > 0 ? 45 : 15;
        return quarter;
    }
    size_t n = words_count(text, minutes);
    size_t unit = n > 0 ? unit_minute(str_drop(text, n)) : 0;
    return unit > 0 ? n + unit : 0;
}

/* ---- a span ---- */

#define EVENING (18 * 60)

enum half_day { HALF_UNSAID, HALF_MORNING, HALF_AFTERNOON };

static size_t read_half_day(struct str text, enum half_day *half) {
    static const char *const morning[] = {"上午", "早上", "早晨", "凌晨", "清晨", "早"};
    static const char *const afternoon[] = {"下午", "晚上", "傍晚", "夜里", "晚", "夜"};
    static const char *const noon[] = {"中午"};
    size_t n = WORDS_ANY(text, morning);
    if (n > 0)
        *half = HALF_MORNING;
    else if ((n = WORDS_ANY(text, afternoon)) > 0)
        *half = HALF_AFTERNOON;
    else if ((n = WORDS_ANY(text, noon)) > 0)
        *half = HALF_UNSAID;
    return n == 0 ? 0 : n + words_blank(str_drop(text, n));
}

size_t hours_half_day(struct str text) {
    enum half_day half;
    return read_half_day(text, &half);
}

/* The minutes behind 9: or 9点. */
static size_t read_minute_of(struct str text, bool colon, int *minute) {
    *minute = 0;
    if (!colon) {
        static const char *const half[] = {"半", "一刻", "三刻"};
        for (size_t i = 0; i < COUNT(half); i++)
            if (words_prefix(text, half[i]) > 0) {
                *minute = i == 0 ? 30 : i == 1 ? 15 : 45;
                return strlen(half[i]);
            }
    }
    size_t n = words_count(text, minute);
    if (n > 0 && !colon)
        n += words_prefix(str_drop(text, n), "分");
    return n;
}

/* 9:00, 09:00, 9点, 9点半, 9点30分, 九点; in minutes of the day, -1 when it is no time. */
static size_t read_clock(struct str text, enum half_day *half, int *minutes) {
    static const char *const marks[] = {"点钟", "点", "时"};
    size_t lead = read_half_day(text, half);
    int hour = 0, minute = 0;
    size_t n = words_count(str_drop(text, lead), &hour);
    if (n == 0)
        return 0;
    n += lead;
    bool colon = words_prefix(str_drop(text, n), ":") > 0;
    size_t mark = colon ? 1 : WORDS_ANY(str_drop(text, n), marks);
    if (mark == 0)
        return 0;
    n += mark;
    size_t rest = read_minute_of(str_drop(text, n), colon, &minute);
    if (colon && rest != 2)
        return 0;
    if (hour > 24 || minute > 59 || (hour == 24 && minute > 0))
        return 0;
    if (*half == HALF_AFTERNOON && hour < 12)
        hour += 12;
    *minutes = hour * 60 + minute;
    return n + rest;
}

static size_t read_to(struct str text) {
    size_t n = words_blank(text);
    size_t total = n;
    for (int twice = 0; twice < 2; twice++) /* —— is typed as two */
        total += words_to(str_drop(text, total));
    return total == n ? 0 : total + words_blank(str_drop(text, total));
}

static void put_clock(char out[6], int minutes) {
    unsigned hour = (unsigned)minutes / 60 % 100, minute = (unsigned)minutes % 60;
    memcpy(out,
           (char[]){(char)('0' + hour / 10), (char)('0' + hour % 10), ':',
                    (char)('0' + minute / 10), (char)('0' + minute % 10), '\0'},
           6);
}

/* 9-11点: the first hour may leave its mark to the second. */
static size_t read_bare_hour(struct str text, enum half_day *half, int *minutes) {
    size_t lead = read_half_day(text, half);
    int hour = 0;
    size_t n = words_count(str_drop(text, lead), &hour);
    if (n == 0 || hour > 24 || read_to(str_drop(text, lead + n)) == 0)
        return 0;
    *minutes = (hour + (*half == HALF_AFTERNOON && hour < 12 ? 12 : 0)) * 60;
    return lead + n;
}

size_t hours_span(struct str text, struct hours *out) {
    enum half_day half = HALF_UNSAID;
    int from = 0, to = 0;
    size_t n = read_clock(text, &half, &from);
    if (n == 0)
        n = read_bare_hour(text, &half, &from);
    size_t mark = n > 0 ? read_to(str_drop(text, n)) : 0;
    if (mark == 0)
        return 0;
    n += mark;
    /* 下午2点到4点 goes on in the afternoon; 上午9点到1点 does not stay in the morning. */
    enum half_day end_half = half == HALF_AFTERNOON ? HALF_AFTERNOON : HALF_UNSAID,
                  said = HALF_UNSAID;
    size_t end = read_clock(str_drop(text, n), &end_half, &to);
    if (end == 0)
        return 0;
    /* 晚上10点到12点 ends at midnight, 晚上10点到1点 after it. */
    if (half == HALF_AFTERNOON && from >= EVENING && to <= from && to >= 720 &&
        read_half_day(str_drop(text, n), &said) == 0)
        to = (to + 720) % 1440;
    if (half == HALF_MORNING && end_half == HALF_UNSAID && to < from && to + 720 > from && to < 720)
        to += 720;
    out->minutes = to > from ? to - from : to + 1440 - from;
    if (to == from)
        out->minutes = 0;
    put_clock(out->from, from);
    put_clock(out->to, to);
    return n + end;
}

/* 约2小时, 共2小时左右: declared are two hours. Nobody means a bare number by it. */
size_t hours_length(struct str text, struct hours *out) {
    static const char *const about[] = {"大约", "大概", "约", "一共", "总共", "共", "用时", "时长"};
    memset(out, 0, sizeof *out);
    size_t lead = WORDS_ANY(text, about);
    struct str rest = str_drop(text, lead);
    size_t n = hours_span(rest, out);
    if (n == 0)
        n = read_minutes(rest, &out->minutes);
    if (n == 0)
        n = read_hours(rest, &out->minutes);
    if (n == 0 || (lead > 0 && words_figures(rest) == n))
        return 0;
    n += lead;
    return n + words_prefix(str_drop(text, n), "左右");
}

bool hours_read(struct arena *arena, struct words *words, struct hours *out) {
    struct hours found;
    struct words at = *words;
    size_t n = hours_length(at.plain, &found);
    /* 90分鐘 is half understood already; simplified it is understood whole. */
    struct words simple = words_simplified(arena, at);
    struct hours again;
    size_t more = hours_length(simple.plain, &again);
    if (more > n) {
        at = simple;
        n = more;
        found = again;
    }
    if (n == 0)
        return false;
    *out = found;
    *words = words_after(at, n);
    return true;
}
