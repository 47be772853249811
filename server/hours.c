#include "server/hours.h"

#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define MINUTES_MAX 600000 /* far above any real service: the database says that it is too long */

static struct str drop(struct str text, size_t n) {
    return (struct str){text.p + n, text.n - n};
}

static size_t one_of(struct str text, const char *const *list, size_t count) {
    for (size_t i = 0; i < count; i++) {
        size_t n = words_prefix(text, list[i]);
        if (n > 0)
            return n;
    }
    return 0;
}

static size_t blanks(struct str text) {
    return words_prefix(text, " ");
}

static bool is_digit(struct str text) {
    return text.n > 0 && text.p[0] >= '0' && text.p[0] <= '9';
}

/* Nothing that could still belong to a number or a word. */
static bool at_boundary(struct str text) {
    static const char *const ends[] = {" ", ",", ";", "、", "。", "!"};
    return text.n == 0 || one_of(text, ends, COUNT(ends)) > 0;
}

/* ---- a length ---- */

static size_t unit_hour(struct str text) {
    static const char *const units[] = {"小时", "个小时", "钟头", "个钟头", "hours",
                                        "hour", "hrs",    "hr",   "h",      "H"};
    size_t n = blanks(text);
    size_t unit = one_of(drop(text, n), units, COUNT(units));
    return unit > 0 ? n + unit : 0;
}

static size_t unit_minute(struct str text) {
    static const char *const units[] = {"分钟", "分", "minutes", "mins", "min", "m"};
    size_t n = blanks(text);
    size_t unit = one_of(drop(text, n), units, COUNT(units));
    return unit > 0 ? n + unit : 0;
}

/* Digits with at most three decimals, in minutes of an hour: 1.25 -> 75. */
static size_t decimal_hours(struct str text, int *minutes) {
    int whole = 0;
    size_t n = words_count(text, &whole);
    if (n == 0)
        return 0;
    int thousandths = 0;
    struct str rest = drop(text, n);
    if (is_digit(text) && rest.n > 1 && rest.p[0] == '.' && is_digit(drop(rest, 1))) {
        n++;
        for (int unit = 100; n < text.n && is_digit(drop(text, n)); unit /= 10, n++)
            thousandths += (text.p[n] - '0') * unit;
    } else if (words_prefix(rest, "点") > 0 && !is_digit(text)) { /* 一点五小时 */
        int tenth = 0;
        size_t point = strlen("点");
        size_t more = words_count(drop(rest, point), &tenth);
        if (more > 0 && tenth < 10 && unit_hour(drop(rest, point + more)) > 0) {
            thousandths = tenth * 100;
            n += point + more;
        }
    }
    *minutes = whole > MINUTES_MAX / 60 ? MINUTES_MAX : whole * 60 + thousandths * 60 / 1000;
    return n;
}

/* 半小时, 一个半小时, 2个半小时, 两小时半, 1小时30分. */
static size_t read_hours(struct str text, int *minutes) {
    static const char *const half[] = {"半个小时", "半小时", "半个钟头", "半钟头"};
    static const char *const and_half[] = {"个半小时", "个半钟头", "个半钟", "小时半"};
    size_t n = one_of(text, half, COUNT(half));
    if (n > 0) {
        *minutes = 30;
        return n;
    }
    n = decimal_hours(text, minutes);
    if (n == 0)
        return 0;
    size_t unit = one_of(drop(text, n), and_half, COUNT(and_half));
    if (unit > 0) {
        *minutes += 30;
        return n + unit;
    }
    unit = unit_hour(drop(text, n));
    if (unit == 0)
        return at_boundary(drop(text, n)) && is_digit(text) ? n : 0;
    n += unit;
    if (words_prefix(drop(text, n), "半") > 0) {
        *minutes += 30;
        return n + strlen("半");
    }
    int more = 0;
    size_t count = words_count(drop(text, n), &more);
    size_t minute = count > 0 && more < 60 ? unit_minute(drop(text, n + count)) : 0;
    if (minute > 0) {
        *minutes += more;
        n += count + minute;
    }
    return n;
}

static size_t read_minutes(struct str text, int *minutes) {
    static const char *const quarters[] = {"三刻钟", "一刻钟"};
    size_t quarter = one_of(text, quarters, COUNT(quarters));
    if (quarter > 0) {
        *minutes = words_prefix(text, quarters[0]) > 0 ? 45 : 15;
        return quarter;
    }
    size_t n = words_count(text, minutes);
    size_t unit = n > 0 ? unit_minute(drop(text, n)) : 0;
    return unit > 0 ? n + unit : 0;
}

/* ---- a span ---- */

#define EVENING (18 * 60)

enum half_day { HALF_UNSAID, HALF_MORNING, HALF_AFTERNOON };

static size_t read_half_day(struct str text, enum half_day *half) {
    static const char *const morning[] = {"上午", "早上", "早晨", "凌晨", "清晨"};
    static const char *const afternoon[] = {"下午", "晚上", "傍晚", "夜里"};
    static const char *const noon[] = {"中午"};
    size_t n = one_of(text, morning, COUNT(morning));
    if (n > 0)
        *half = HALF_MORNING;
    else if ((n = one_of(text, afternoon, COUNT(afternoon))) > 0)
        *half = HALF_AFTERNOON;
    else if ((n = one_of(text, noon, COUNT(noon))) > 0)
        *half = HALF_UNSAID;
    return n == 0 ? 0 : n + blanks(drop(text, n));
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
        n += words_prefix(drop(text, n), "分");
    return n;
}

/* 9:00, 09:00, 9点, 9点半, 9点30分, 九点; in minutes of the day, -1 when it is no time. */
static size_t read_clock(struct str text, enum half_day *half, int *minutes) {
    static const char *const marks[] = {"点钟", "点", "时"};
    size_t lead = read_half_day(text, half);
    int hour = 0, minute = 0;
    size_t n = words_count(drop(text, lead), &hour);
    if (n == 0)
        return 0;
    n += lead;
    bool colon = words_prefix(drop(text, n), ":") > 0;
    size_t mark = colon ? 1 : one_of(drop(text, n), marks, COUNT(marks));
    if (mark == 0)
        return 0;
    n += mark;
    size_t rest = read_minute_of(drop(text, n), colon, &minute);
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
    static const char *const marks[] = {"-", "~", "—", "–", "到", "至", "〜"};
    size_t n = blanks(text);
    size_t total = n;
    for (int twice = 0; twice < 2; twice++) /* —— is typed as two */
        total += one_of(drop(text, total), marks, COUNT(marks));
    return total == n ? 0 : total + blanks(drop(text, total));
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
    size_t n = words_count(drop(text, lead), &hour);
    if (n == 0 || hour > 24 || read_to(drop(text, lead + n)) == 0)
        return 0;
    *minutes = (hour + (*half == HALF_AFTERNOON && hour < 12 ? 12 : 0)) * 60;
    return lead + n;
}

static size_t read_span(struct str text, struct hours *out) {
    enum half_day half = HALF_UNSAID;
    int from = 0, to = 0;
    size_t n = read_clock(text, &half, &from);
    if (n == 0)
        n = read_bare_hour(text, &half, &from);
    size_t mark = n > 0 ? read_to(drop(text, n)) : 0;
    if (mark == 0)
        return 0;
    n += mark;
    /* 下午2点到4点 goes on in the afternoon; 上午9点到1点 does not stay in the morning. */
    enum half_day end_half = half == HALF_AFTERNOON ? HALF_AFTERNOON : HALF_UNSAID,
                  said = HALF_UNSAID;
    size_t end = read_clock(drop(text, n), &end_half, &to);
    if (end == 0)
        return 0;
    /* 晚上10点到12点 ends at midnight, 晚上10点到1点 after it. */
    if (half == HALF_AFTERNOON && from >= EVENING && to <= from && to >= 720 &&
        read_half_day(drop(text, n), &said) == 0)
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

static size_t read_length(struct str text, struct hours *out) {
    memset(out, 0, sizeof *out);
    size_t n = read_span(text, out);
    if (n == 0)
        n = read_minutes(text, &out->minutes);
    if (n == 0)
        n = read_hours(text, &out->minutes);
    return n;
}

bool hours_read(struct arena *arena, struct words *words, struct hours *out) {
    struct hours found;
    struct words at = *words;
    size_t n = read_length(at.plain, &found);
    /* 90分鐘 is half understood already; simplified it is understood whole. */
    struct words simple = words_simplified(arena, at);
    struct hours again;
    size_t more = read_length(simple.plain, &again);
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

/* ---- a day ---- */

static size_t read_word_day(struct str text, struct day *out) {
    static const struct {
        const char *word;
        int days_ago;
    } days[] = {{"今天", 0},   {"今日", 0}, {"昨天", 1},  {"昨日", 1},  {"前天", 2}, {"前日", 2},
                {"大前天", 3}, {"今早", 0}, {"明天", -1}, {"明日", -1}, {"后天", -2}};
    for (size_t i = 0; i < COUNT(days); i++)
        if (words_prefix(text, days[i].word) > 0) {
            *out = (struct day){.days_ago = days[i].days_ago};
            return strlen(days[i].word);
        }
    return 0;
}

static bool plausible(const struct day *day) {
    return day->month >= 1 && day->month <= 12 && day->day >= 1 && day->day <= 31;
}

/* 13月1日 is meant as a day all the same: the database says that there is none. */
static bool says_day(const struct day *day, const char *mark, bool ended) {
    return plausible(day) || (strcmp(mark, "月") == 0 && ended && day->month > 0 && day->day > 0);
}

/* A year of four digits with its mark, so that 2026-11-20 is not read as 2026 hours. */
static size_t read_year(struct str text, int *year, const char **mark) {
    static const char *const marks[] = {"年", "-", "/", "."};
    size_t n = words_count(text, year);
    if (n != 4 || !is_digit(text) || *year < 2000)
        return 0;
    for (size_t i = 0; i < COUNT(marks); i++)
        if (words_prefix(drop(text, n), marks[i]) > 0) {
            *mark = i == 0 ? NULL : marks[i];
            return n + strlen(marks[i]);
        }
    return 0;
}

static size_t read_month_day(struct str text, const char *mark, struct day *out) {
    static const char *const ends[] = {"日", "号"};
    size_t n = words_count(text, &out->month);
    size_t sep = n > 0 ? words_prefix(drop(text, n), mark) : 0;
    if (sep == 0)
        return 0;
    n += sep;
    size_t count = words_count(drop(text, n), &out->day);
    n += count;
    size_t end = count > 0 ? one_of(drop(text, n), ends, COUNT(ends)) : 0;
    if (count == 0 || !says_day(out, mark, end > 0))
        return 0;
    /* 1-3岁 is no day: with a dash or a stroke the number must stand alone. */
    if (end == 0 && !at_boundary(drop(text, n)))
        return 0;
    return n + end;
}

/* 11.20, but not 1.5: that is a length, unless one follows. */
static size_t read_dotted(struct str text, struct day *out) {
    struct hours length;
    size_t n = read_month_day(text, ".", out);
    if (n == 0)
        return 0;
    struct str rest = drop(text, n);
    bool ended = !is_digit(drop(text, n - 1));
    bool two_figures = n >= 3 && text.p[n - 3] == '.' && out->month > 4;
    return ended || two_figures || read_length(drop(rest, blanks(rest)), &length) > 0 ? n : 0;
}

/* 20号, 20日; 20号楼 is a house. */
static size_t read_day_of_month(struct str text, struct day *out) {
    static const char *const ends[] = {"日", "号"};
    int day;
    size_t n = words_count(text, &day);
    size_t end = n > 0 ? one_of(drop(text, n), ends, COUNT(ends)) : 0;
    if (end == 0 || day < 1 || day > 31 || !at_boundary(drop(text, n + end)))
        return 0;
    *out = (struct day){.day = day};
    return n + end;
}

static size_t read_weekday(struct str text, struct day *out) {
    static const char *const weeks[] = {"星期", "礼拜", "周"};
    static const char *const days[] = {"一", "二", "三", "四", "五", "六", "日", "天"};
    size_t last = words_prefix(text, "上"), n = last > 0 ? last : words_prefix(text, "本");
    size_t week = one_of(drop(text, n), weeks, COUNT(weeks));
    for (size_t i = 0; week > 0 && i < COUNT(days); i++)
        if (words_prefix(drop(text, n + week), days[i]) > 0) {
            *out = (struct day){.day = -(int)(i < 7 ? i + 1 : 7) - (last > 0 ? 10 : 0)};
            return n + week + strlen(days[i]);
        }
    return 0;
}

static size_t read_day(struct str text, struct day *out) {
    size_t n = read_word_day(text, out);
    if (n == 0)
        n = read_weekday(text, out);
    if (n == 0)
        n = read_day_of_month(text, out);
    if (n > 0)
        return n;
    *out = (struct day){0};
    const char *mark = NULL;
    size_t year = read_year(text, &out->year, &mark);
    if (year == 0) {
        out->year = 0;
        n = read_month_day(text, "月", out);
        if (n == 0)
            n = read_month_day(text, "-", out);
        if (n == 0)
            n = read_month_day(text, "/", out);
        return n > 0 ? n : read_dotted(text, out);
    }
    n = read_month_day(drop(text, year), mark != NULL ? mark : "月", out);
    return n > 0 ? year + n : 0;
}

bool day_read(struct arena *arena, struct words *words, struct day *out) {
    struct day found;
    struct words at = *words;
    size_t n = read_day(at.plain, &found);
    if (n == 0) {
        at = words_simplified(arena, at);
        n = read_day(at.plain, &found);
    }
    if (n == 0)
        return false;
    *out = found;
    *words = words_after(at, n);
    return true;
}
