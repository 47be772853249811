#include "server/day.h"

#include <string.h>

#include "server/behind.h"
#include "server/hours.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define DAYS_AGO_MAX 9999 /* the database says that it is too long ago */

static size_t read_word_day(struct str text, struct day *out) {
    static const struct {
        const char *word;
        int days_ago;
    } days[] = {{"今天", 0},  {"今日", 0},    {"昨天", 1}, {"昨日", 1},  {"前天", 2},
                {"前日", 2},  {"大前天", 3},  {"今早", 0}, {"明天", -1}, {"明日", -1},
                {"后天", -2}, {"大后天", -3}, {"今晚", 0}, {"昨晚", 1},  {"昨夜", 1},
                {"昨早", 1},  {"前晚", 2},    {"今儿", 0}, {"昨儿", 1},  {"前儿", 2}};
    struct hours span;
    size_t half = strlen("晚");
    for (size_t i = 0; i < COUNT(days); i++)
        if (words_prefix(text, days[i].word) > 0) {
            *out = (struct day){.days_ago = days[i].days_ago};
            size_t n = strlen(days[i].word);
            /* 昨晚7点到9点: the evening is also the clock's. */
            return hours_span(str_drop(text, n - half), &span) > 0 ? n - half : n;
        }
    return 0;
}

/* 3天前, 十天前 */
static size_t read_days_ago(struct str text, struct day *out) {
    static const char *const marks[] = {"天前", "天以前", "天之前"};
    int days;
    size_t n = words_count(text, &days);
    size_t mark = n > 0 ? WORDS_ANY(str_drop(text, n + words_blank(str_drop(text, n))), marks) : 0;
    if (mark == 0 || days < 1)
        return 0;
    *out = (struct day){.days_ago = days < DAYS_AGO_MAX ? days : DAYS_AGO_MAX};
    return n + words_blank(str_drop(text, n)) + mark;
}

/* Behind the number of a day. */
static size_t day_mark(struct str text) {
    static const char *const marks[] = {"日", "号"};
    return WORDS_ANY(text, marks);
}

bool day_plausible(const struct day *day) {
    return day->month >= 1 && day->month <= 12 && day->day >= 1 && day->day <= 31;
}

/* 13月1日 is meant as a day all the same: the database says that there is none. */
static bool says_day(const struct day *day, const char *mark, bool ended) {
    return day_plausible(day) ||
           (strcmp(mark, "月") == 0 && ended && day->month > 0 && day->day > 0);
}

/* A year of four digits with its mark, so that 2026-11-20 is not read as 2026 hours. */
static size_t read_year(struct str text, int *year, const char **mark) {
    static const char *const marks[] = {"年", "-", "/", "."};
    size_t n = words_count(text, year);
    if (n != 4 || !words_is_digit(text) || *year < 2000)
        return 0;
    for (size_t i = 0; i < COUNT(marks); i++)
        if (words_prefix(str_drop(text, n), marks[i]) > 0) {
            *mark = i == 0 ? NULL : marks[i];
            return n + strlen(marks[i]);
        }
    return 0;
}

static size_t read_month_day(struct str text, const char *mark, struct day *out) {
    bool word = strcmp(mark, "月") == 0; /* 11 月 20 日 */
    size_t n = words_count(text, &out->month);
    n += n > 0 && word ? words_blank(str_drop(text, n)) : 0;
    size_t sep = n > 0 ? words_prefix(str_drop(text, n), mark) : 0;
    if (sep == 0)
        return 0;
    n += sep;
    n += word ? words_blank(str_drop(text, n)) : 0;
    size_t count = words_count(str_drop(text, n), &out->day);
    n += count;
    size_t blank = word ? words_blank(str_drop(text, n)) : 0;
    size_t end = count > 0 ? day_mark(str_drop(text, n + blank)) : 0;
    end += end > 0 ? blank : 0;
    if (count == 0 || !says_day(out, mark, end > 0))
        return 0;
    /* 1-3岁, 1-3 单元 and 1-3号楼 are no days: without 日 the number stands alone, or what was done
     * follows. */
    struct str rest = str_drop(text, n + end);
    if (end == 0 && !words_at_break(rest) && !behind_deed(rest))
        return 0;
    if (!word && (end == 0 ? behind_count(rest) : behind_house(rest)))
        return 0;
    return n + end;
}

/* 11.20, but not 1.5: that is a length, unless one follows. */
static size_t read_dotted(struct str text, struct day *out) {
    struct hours length;
    size_t n = read_month_day(text, ".", out);
    if (n == 0)
        return 0;
    struct str rest = str_drop(text, n);
    bool ended = !words_is_digit(str_drop(text, n - 1));
    bool two_figures = n >= 3 && text.p[n - 3] == '.' && out->month > 4;
    return ended || two_figures || hours_length(str_drop(rest, words_blank(rest)), &length) > 0 ? n
                                                                                                : 0;
}

/* 20号, 20日, 20日演出, 20号上午, 20号晚巡逻, 20号打扫; 20号楼 is a house, 20日游 a journey. */
static size_t read_day_of_month(struct str text, struct day *out) {
    int day;
    size_t n = words_count(text, &day);
    size_t end = n > 0 ? day_mark(str_drop(text, n)) : 0;
    if (end == 0 || day < 1 || day > 31)
        return 0;
    struct str rest = str_drop(text, n + end);
    size_t half = hours_half_day(rest);
    bool named = words_is_digit(text) && words_prefix(str_drop(text, n), "日") > 0 &&
                 !behind_some_days(rest);
    bool ended = words_at_break(rest) || half >= strlen("上午"); /* 20号早餐店 is none */
    if (behind_house(rest) || (!named && !ended && !behind_deed(str_drop(rest, half))))
        return 0;
    *out = (struct day){.day = day};
    return n + end;
}

/* 上个月20日, 本月3号 */
static size_t read_day_of_that_month(struct str text, struct day *out) {
    static const char *const this[] = {"本月", "这个月"}, *const last[] = {"上个月", "上月"};
    int day;
    size_t before = WORDS_ANY(text, last);
    size_t n = before > 0 ? before : WORDS_ANY(text, this);
    size_t count = n > 0 ? words_count(str_drop(text, n), &day) : 0;
    size_t end = count > 0 ? day_mark(str_drop(text, n + count)) : 0;
    if (end == 0 || behind_house(str_drop(text, n + count + end)))
        return 0;
    *out = (struct day){.month = before > 0 ? -2 : -1, .day = day};
    return day > 0 ? n + count + end : 0;
}

/* 20261119 */
static size_t read_eight_figures(struct str text, struct day *out) {
    size_t n = words_figures(text);
    if (n != 8 || !words_at_break(str_drop(text, n)))
        return 0;
    *out = (struct day){0};
    words_count((struct str){text.p, 4}, &out->year);
    words_count((struct str){text.p + 4, 2}, &out->month);
    words_count((struct str){text.p + 6, 2}, &out->day);
    return out->year >= 2000 && day_plausible(out) ? n : 0;
}

static size_t read_weekday(struct str text, struct day *out) {
    static const char *const weeks[] = {"星期", "礼拜", "周"};
    static const char *const days[] = {"一", "二", "三", "四", "五", "六", "日", "天"};
    static const char *const this[] = {"本", "这"};
    size_t last = words_prefix(text, "上"), n = last > 0 ? last : WORDS_ANY(text, this);
    size_t week = WORDS_ANY(str_drop(text, n), weeks);
    for (size_t i = 0; week > 0 && i < COUNT(days); i++)
        if (words_prefix(str_drop(text, n + week), days[i]) > 0) {
            int of_week = last > 0 ? 10 : n > 0 ? 20 : 0;
            *out = (struct day){.day = -(int)(i < 7 ? i + 1 : 7) - of_week};
            n += week + strlen(days[i]);
            size_t comma = words_prefix(str_drop(text, n), "、"); /* 周六日, 周一、三打扫 */
            size_t another = WORDS_ANY(str_drop(text, n + comma), days);
            struct str rest = str_drop(text, n + comma + another);
            return another > 0 &&
                           (words_at_break(rest) || behind_deed(rest) || WORDS_ANY(rest, days) > 0)
                       ? 0
                       : n;
        }
    return 0;
}

static size_t read_date(struct str text, struct day *out) {
    static const char *const marks[] = {"月", "-", "/"};
    const char *mark = NULL;
    *out = (struct day){0};
    size_t year = read_year(text, &out->year, &mark), n = 0;
    if (year > 0) {
        n = read_month_day(str_drop(text, year), mark != NULL ? mark : "月", out);
        return n > 0 ? year + n : 0;
    }
    out->year = 0;
    for (size_t i = 0; n == 0 && i < COUNT(marks); i++)
        n = read_month_day(text, marks[i], out);
    return n > 0 ? n : read_dotted(text, out);
}

/* 11月20日(周五) */
static size_t weekday_in_brackets(struct str text) {
    struct day day;
    size_t n = words_blank(text), open = words_prefix(str_drop(text, n), "(");
    size_t week = open > 0 ? read_weekday(str_drop(text, n + open), &day) : 0;
    n += open + week;
    size_t close = week > 0 ? words_prefix(str_drop(text, n), ")") : 0;
    return close > 0 ? n + close : 0;
}

size_t day_at(struct str text, struct day *out) {
    static size_t (*const readers[])(struct str, struct day *) = {
        read_word_day,          read_days_ago,      read_weekday, read_day_of_month,
        read_day_of_that_month, read_eight_figures, read_date};
    size_t n = 0;
    for (size_t i = 0; n == 0 && i < COUNT(readers); i++)
        n = readers[i](text, out);
    return n > 0 ? n + weekday_in_brackets(str_drop(text, n)) : 0;
}

/* 昨天晚上 2小时: the half of the day goes with the day where only a length follows. */
size_t day_with_half(struct str text, struct day *out) {
    struct hours hours;
    size_t n = day_at(text, out);
    if (n > 0 && words_prefix(str_drop(text, n), "的") > 0)
        return 0;
    struct str rest = str_drop(text, n + words_blank(str_drop(text, n)));
    size_t more = n > 0 ? hours_half_day(rest) : 0;
    if (more == 0 || hours_span(rest, &hours) > 0 ||
        hours_length(str_drop(rest, more), &hours) == 0)
        return n;
    return text.n - rest.n + more;
}

bool day_read(struct arena *arena, struct words *words, struct day *out) {
    struct day found;
    struct words at = *words;
    size_t n = day_with_half(at.plain, &found);
    if (n == 0) {
        at = words_simplified(arena, at);
        n = day_with_half(at.plain, &found);
    }
    if (n == 0)
        return false;
    *out = found;
    *words = words_after(at, n);
    return true;
}
