#include "server/hours.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define DAYS_AGO_MAX 9999  /* the database says that it is too long ago */
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

static size_t figures(struct str text) {
    size_t n = 0;
    while (is_digit(drop(text, n)))
        n++;
    return n;
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

/* 1,5小时: a comma is a point where the unit shows it; 2，3号楼 is two hours. */
static bool decimal_comma(struct str text) {
    size_t n = words_prefix(text, ",") > 0 ? figures(drop(text, 1)) : 0;
    return n > 0 && unit_hour(drop(text, 1 + n)) > 0;
}

/* Digits with at most three decimals, in minutes of an hour: 1.25 -> 75. */
static size_t decimal_hours(struct str text, int *minutes) {
    int whole = 0;
    size_t n = words_count(text, &whole);
    if (n == 0)
        return 0;
    int thousandths = 0;
    struct str rest = drop(text, n);
    bool point = rest.n > 1 && rest.p[0] == '.' && is_digit(drop(rest, 1));
    if (is_digit(text) && (point || decimal_comma(rest))) {
        n++;
        for (int unit = 100; n < text.n && is_digit(drop(text, n)); unit /= 10, n++)
            thousandths += (text.p[n] - '0') * unit;
    } else if (words_prefix(rest, "点") > 0 && !is_digit(text)) { /* 一点五小时 */
        int tenth = 0;
        size_t mark = strlen("点");
        size_t more = words_count(drop(rest, mark), &tenth);
        if (more > 0 && tenth < 10 && unit_hour(drop(rest, mark + more)) > 0) {
            thousandths = tenth * 100;
            n += mark + more;
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
    /* 1小时 30分钟 may have its blank where a word ends; 2小时 50m跑道 is no 2:50. */
    int more = 0;
    size_t blank = blanks(drop(text, n));
    size_t count = words_count(drop(text, n + blank), &more);
    size_t minute = count > 0 && more < 60 ? unit_minute(drop(text, n + blank + count)) : 0;
    size_t end = n + blank + count + minute;
    if (minute > 0 && (blank == 0 || at_boundary(drop(text, end)))) {
        *minutes += more;
        n = end;
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
    static const char *const morning[] = {"上午", "早上", "早晨", "凌晨", "清晨", "早"};
    static const char *const afternoon[] = {"下午", "晚上", "傍晚", "夜里", "晚", "夜"};
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
    } days[] = {{"今天", 0},   {"今日", 0}, {"昨天", 1},  {"昨日", 1},  {"前天", 2},  {"前日", 2},
                {"大前天", 3}, {"今早", 0}, {"明天", -1}, {"明日", -1}, {"后天", -2}, {"今晚", 0},
                {"昨晚", 1},   {"昨夜", 1}, {"昨早", 1},  {"前晚", 2}};
    struct hours span;
    size_t half = strlen("晚");
    for (size_t i = 0; i < COUNT(days); i++)
        if (words_prefix(text, days[i].word) > 0) {
            *out = (struct day){.days_ago = days[i].days_ago};
            size_t n = strlen(days[i].word);
            /* 昨晚7点到9点: the evening is also the clock's. */
            return read_span(drop(text, n - half), &span) > 0 ? n - half : n;
        }
    return 0;
}

/* 3天前, 十天前 */
static size_t read_days_ago(struct str text, struct day *out) {
    static const char *const marks[] = {"天前", "天以前", "天之前"};
    int days;
    size_t n = words_count(text, &days);
    size_t mark = n > 0 ? one_of(drop(text, n + blanks(drop(text, n))), marks, COUNT(marks)) : 0;
    if (mark == 0 || days < 1)
        return 0;
    *out = (struct day){.days_ago = days < DAYS_AGO_MAX ? days : DAYS_AGO_MAX};
    return n + blanks(drop(text, n)) + mark;
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

/* 3号楼, 3号和5号楼, 3号、5号楼 are houses; 20号、21号 are days. `text` is what stands behind 号.
 */
static bool is_house(struct str text) {
    static const char *const places[] = {
        "楼",   "院",   "门",   "栋", "线",   "车", "房", "室",   "店",   "点",   "巷",
        "馆",   "桥",   "岗",   "厅", "仓库", "池", "井", "路",   "街",   "弄",   "村",
        "组",   "站",   "口",   "园", "桌",   "床", "家", "小区", "单元", "居民", "户",
        "电梯", "早餐", "食堂", "窗", "亭",   "厂", "柜", "铺",   "台"};
    static const char *const joins[] = {"、", "和", "与", "及", "到", "至", "-", "~"};
    int count;
    for (;;) {
        size_t n = one_of(text, joins, COUNT(joins));
        size_t number = n > 0 ? words_count(drop(text, n), &count) : 0;
        size_t end = number > 0 ? words_prefix(drop(text, n + number), "号") : 0;
        if (end == 0)
            return one_of(drop(text, blanks(text)), places, COUNT(places)) > 0;
        text = drop(text, n + number + end);
    }
}

/* 3-5 号楼, 11 20 人: figures that count or name something. */
static bool is_counted(struct str text) {
    static const char *const counters[] = {"号",   "人", "名", "位", "次", "岁", "层",
                                           "公里", "米", "分", "元", "斤", "户", "个"};
    size_t n = blanks(text);
    struct str rest = drop(text, n);
    return is_house(text) ||
           (n > 0 && (is_digit(rest) || one_of(rest, counters, COUNT(counters)) > 0));
}

/* What was done, as a description begins: 20号打扫. What else follows may make the number a name:
 * 3号值班室. */
static bool is_deed(struct str text) {
    static const char *const deeds[] = {
        "打扫", "清扫", "清理", "清洗", "扫雪", "扫地", "擦",   "修剪", "修理", "帮",   "陪",
        "上门", "参加", "参与", "去",   "在",   "给",   "替",   "做",   "整理", "看望", "探望",
        "慰问", "照顾", "照看", "照料", "协助", "组织", "讲课", "辅导", "搬",   "走访", "植树",
        "种树", "浇",   "捡",   "调解", "义诊", "献血", "分发", "发放", "疏导", "买",   "我"};
    static const char *const duties[] = {"巡逻", "巡查", "执勤", "维修", "清洁", "劝导"};
    static const char *const names[] = {"点", "车", "店", "岗", "室", "站", "队", "员", "处", "亭"};
    size_t n = one_of(text, duties, COUNT(duties));
    return one_of(text, deeds, COUNT(deeds)) > 0 ||
           (n > 0 && one_of(drop(text, n), names, COUNT(names)) == 0);
}

static size_t read_month_day(struct str text, const char *mark, struct day *out) {
    static const char *const ends[] = {"日", "号"};
    bool word = strcmp(mark, "月") == 0; /* 11 月 20 日 */
    size_t n = words_count(text, &out->month);
    n += n > 0 && word ? blanks(drop(text, n)) : 0;
    size_t sep = n > 0 ? words_prefix(drop(text, n), mark) : 0;
    if (sep == 0)
        return 0;
    n += sep;
    n += word ? blanks(drop(text, n)) : 0;
    size_t count = words_count(drop(text, n), &out->day);
    n += count;
    size_t blank = word ? blanks(drop(text, n)) : 0;
    size_t end = count > 0 ? one_of(drop(text, n + blank), ends, COUNT(ends)) : 0;
    end += end > 0 ? blank : 0;
    if (count == 0 || !says_day(out, mark, end > 0))
        return 0;
    /* 1-3岁 and 1-3号楼 are no days: without 日 the number stands alone, or what was done follows.
     */
    struct str rest = drop(text, n + end);
    if (end == 0 ? !at_boundary(rest) && !is_deed(rest) : !word && is_house(rest))
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

/* 20号, 20日, 20号上午, 20号打扫; 20号楼 is a house. */
static size_t read_day_of_month(struct str text, struct day *out) {
    static const char *const ends[] = {"日", "号"};
    int day;
    size_t n = words_count(text, &day);
    size_t end = n > 0 ? one_of(drop(text, n), ends, COUNT(ends)) : 0;
    if (end == 0 || day < 1 || day > 31)
        return 0;
    enum half_day half;
    struct str rest = drop(text, n + end);
    if (is_house(rest))
        return 0;
    if (!at_boundary(rest) && !is_deed(rest) &&
        read_half_day(rest, &half) < strlen("上午")) /* 20号早餐店 */
        return 0;
    *out = (struct day){.day = day};
    return n + end;
}

/* 上个月20日, 本月3号 */
static size_t read_day_of_that_month(struct str text, struct day *out) {
    static const char *const this[] = {"本月", "这个月"}, *const last[] = {"上个月", "上月"};
    static const char *const ends[] = {"日", "号"};
    int day;
    size_t before = one_of(text, last, COUNT(last));
    size_t n = before > 0 ? before : one_of(text, this, COUNT(this));
    size_t count = n > 0 ? words_count(drop(text, n), &day) : 0;
    size_t end = count > 0 ? one_of(drop(text, n + count), ends, COUNT(ends)) : 0;
    if (end == 0)
        return 0;
    *out = (struct day){.month = before > 0 ? -2 : -1, .day = day};
    return day > 0 ? n + count + end : 0;
}

/* 20261119 */
static size_t read_eight_figures(struct str text, struct day *out) {
    size_t n = figures(text);
    if (n != 8 || !at_boundary(drop(text, n)))
        return 0;
    *out = (struct day){0};
    words_count((struct str){text.p, 4}, &out->year);
    words_count((struct str){text.p + 4, 2}, &out->month);
    words_count((struct str){text.p + 6, 2}, &out->day);
    return out->year >= 2000 && plausible(out) ? n : 0;
}

static size_t read_weekday(struct str text, struct day *out) {
    static const char *const weeks[] = {"星期", "礼拜", "周"};
    static const char *const days[] = {"一", "二", "三", "四", "五", "六", "日", "天"};
    static const char *const this[] = {"本", "这"};
    size_t last = words_prefix(text, "上"), n = last > 0 ? last : one_of(text, this, COUNT(this));
    size_t week = one_of(drop(text, n), weeks, COUNT(weeks));
    for (size_t i = 0; week > 0 && i < COUNT(days); i++)
        if (words_prefix(drop(text, n + week), days[i]) > 0) {
            int of_week = last > 0 ? 10 : n > 0 ? 20 : 0;
            *out = (struct day){.day = -(int)(i < 7 ? i + 1 : 7) - of_week};
            n += week + strlen(days[i]);
            size_t another = one_of(drop(text, n), days, COUNT(days)); /* 周六日 */
            return another > 0 && at_boundary(drop(text, n + another)) ? 0 : n;
        }
    return 0;
}

static size_t read_day(struct str text, struct day *out) {
    static size_t (*const readers[])(struct str, struct day *) = {
        read_word_day,     read_days_ago,          read_weekday,
        read_day_of_month, read_day_of_that_month, read_eight_figures};
    for (size_t i = 0; i < COUNT(readers); i++) {
        size_t taken = readers[i](text, out);
        if (taken > 0)
            return taken;
    }
    size_t n;
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

/* 昨天晚上 2小时: the half of the day goes with the day where only a length follows. */
static size_t read_day_and_half(struct str text, struct day *out) {
    enum half_day half;
    struct hours hours;
    size_t n = read_day(text, out);
    struct str rest = drop(text, n + blanks(drop(text, n)));
    size_t more = n > 0 ? read_half_day(rest, &half) : 0;
    if (more == 0 || read_span(rest, &hours) > 0 || read_length(drop(rest, more), &hours) == 0)
        return n;
    return text.n - rest.n + more;
}

bool day_read(struct arena *arena, struct words *words, struct day *out) {
    struct day found;
    struct words at = *words;
    size_t n = read_day_and_half(at.plain, &found);
    if (n == 0) {
        at = words_simplified(arena, at);
        n = read_day_and_half(at.plain, &found);
    }
    if (n == 0)
        return false;
    *out = found;
    *words = words_after(at, n);
    return true;
}

/* ---- both, and what is neither ---- */

/* The word is over; unlike at_boundary() also before a bracket. */
static bool at_end(struct str text) {
    unsigned char c = text.n > 0 ? (unsigned char)text.p[0] : ' ';
    return at_boundary(text) || (c < 0x80 && !isalnum(c));
}

/* The leading signs that days are written with; whether one of them names days. */
static size_t day_signs(struct str text, bool *named) {
    static const char *const names[] = {"年", "正月", "腊月", "冬月", "月", "日", "号",
                                        "周", "星期", "礼拜", "天",   "初", "旬"};
    static const char *const others[] = {
        "零",   "一",   "二",   "三", "四", "五", "六", "七", "八", "九", "十",
        "廿",   "两",   "几",   "上", "下", "前", "后", "今", "昨", "明", "去年",
        "半",   "这",   "那",   "本", "个", "大", "末", "底", "和", "与", "及",
        "以前", "之前", "中旬", "到", "至", "-",  "~",  "—",  "–",  "/",  "."};
    size_t n = 0, taken;
    for (*named = false;; n += taken) {
        struct str rest = drop(text, n);
        if ((taken = one_of(rest, names, COUNT(names))) > 0)
            *named = true;
        else if ((taken = is_digit(rest)) == 0 &&
                 (taken = one_of(rest, others, COUNT(others))) == 0)
            return n;
    }
}

/* 22/11, 2026.11.31, 261101, 1120: groups of one, two or four figures. 1.5 may be a length as long
 * as there is none. */
static bool figures_of_day(struct str text, bool timed) {
    size_t n = figures(text);
    if (n == text.n) {
        struct day day = {0};
        words_count((struct str){text.p, n / 2}, &day.month);
        words_count(drop(text, n / 2), &day.day);
        return n == 6 || n == 8 || (n == 4 && plausible(&day));
    }
    static const char *const marks[] = {".", "-", "~", "/", "—", "–", "到", "至"};
    size_t seen = 0, points = 0, mark;
    for (struct str rest = text;; rest = drop(rest, n + mark)) {
        n = figures(rest);
        if (n != 1 && n != 2 && n != 4)
            return false;
        if (n == rest.n)
            break;
        mark = one_of(drop(rest, n), marks, COUNT(marks));
        if (mark == 0)
            return false;
        seen++;
        points += rest.p[n] == '.';
    }
    return timed || seen > points || seen > 1;
}

/* Nov 20, 20 Nov */
static size_t english_day(struct str text) {
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    size_t n = figures(text);
    n += n > 0 ? blanks(drop(text, n)) : 0;
    for (size_t i = 0; text.n >= n + 3 && i < sizeof months - 1; i += 3) {
        if (strncasecmp(text.p + n, months + i, 3) != 0)
            continue;
        bool before = n > 0;
        for (n += 3; n < text.n && isalpha((unsigned char)text.p[n]);)
            n++;
        n += words_prefix(drop(text, n), ".");
        size_t blank = blanks(drop(text, n));
        size_t day = figures(drop(text, n + blank));
        return day > 0 ? n + blank + day : before && at_end(drop(text, n)) ? n : 0;
    }
    return 0;
}

/* 下周六, 下个月20号: what is still to come is no day of service. */
static size_t coming_day(struct str text) {
    static const char *const next[] = {"下个", "下"}, *const months[] = {"月"};
    struct day day;
    size_t n = one_of(text, next, COUNT(next));
    while (n > 0 && words_prefix(drop(text, n), "下") > 0)
        n += strlen("下");
    size_t more = n > 0 ? read_weekday(drop(text, n), &day) : 0;
    size_t month = n > 0 ? one_of(drop(text, n), months, COUNT(months)) : 0;
    if (month > 0 && (more = read_day_of_month(drop(text, n + month), &day)) > 0)
        more += month;
    return more > 0 ? n + more : 0;
}

/* What can only be a day, whatever follows: 上周帮忙, 一个月前帮忙, 0月0日打扫, 20日游. */
static size_t vague_day(struct str text, size_t signs) {
    static const char *const one[] = {"一个", "个", "一"};
    static const char *const units[] = {"周", "星期", "礼拜", "月"};
    static const char *const ago[] = {"前", "以前", "之前"};
    static const char *const years[] = {"去年", "今年", "明年", "前年"};
    int count;
    size_t n = coming_day(text), last = strlen("日");
    if (n > 0)
        return n;
    struct str rest = drop(text, signs > last ? signs - last : 0);
    bool dated = words_prefix(rest, "日") > 0 ||
                 (words_prefix(rest, "号") > 0 && !is_house(drop(text, signs)));
    if (one_of(text, years, COUNT(years)) > 0 && dated)
        return signs;
    n = words_prefix(text, "上");
    n += n > 0 ? one_of(drop(text, n), one, COUNT(one)) : 0;
    size_t unit = n > 0 ? one_of(drop(text, n), units, COUNT(units)) : 0;
    if (unit > 0)
        return n + unit;
    n = words_count(text, &count);
    n += n == 0 ? words_prefix(text, "半") : 0;
    if (n == 0)
        return 0;
    rest = drop(text, n);
    if (is_digit(text)) {
        size_t day = words_prefix(rest, "日"), month = words_prefix(rest, "月");
        if (day > 0)
            return n + day;
        if ((month > 0 && words_count(drop(rest, month), &count) > 0) || dated)
            return signs;
    }
    n += words_prefix(rest, "个");
    unit = one_of(drop(text, n), units, COUNT(units));
    size_t past = unit > 0 ? one_of(drop(text, n + unit), ago, COUNT(ago)) : 0;
    return past > 0 ? n + unit + past : 0;
}

/* 11 20: a month and a day, or two numbers? */
static size_t two_figures(struct str text) {
    struct day day = {0};
    size_t n = figures(text), blank = blanks(drop(text, n));
    if (n == 0 || n > 2 || blank == 0)
        return 0;
    size_t more = figures(drop(text, n + blank));
    words_count(text, &day.month);
    words_count(drop(text, n + blank), &day.day);
    n += blank + more;
    struct str rest = drop(text, n);
    return more > 0 && more <= 2 && plausible(&day) && at_boundary(rest) && !is_counted(rest) ? n
                                                                                              : 0;
}

/* 2小时（昨天下午）打扫 */
static size_t day_in_brackets(struct str text) {
    struct day day;
    enum half_day half;
    size_t open = words_prefix(text, "(");
    size_t n = open > 0 ? read_day(drop(text, open), &day) : 0;
    if (n == 0)
        return 0;
    n += open;
    n += read_half_day(drop(text, n), &half);
    size_t close = words_prefix(drop(text, n), ")");
    return close > 0 || at_boundary(drop(text, n)) ? n + close : 0;
}

/* 去年 11月20日: without the year it would be another day. */
static size_t last_year(struct str text) {
    static const char *const years[] = {"去年", "前年", "明年"};
    struct day day = {0};
    size_t n = one_of(text, years, COUNT(years));
    n += blanks(drop(text, n));
    size_t more = n > 0 ? read_month_day(drop(text, n), "月", &day) : 0;
    return more > 0 ? n + more : 0;
}

/* What looks like a day and is none that day_read() understands. 3号楼, 80岁 and 周末市集 go on
 * with other words and are no days. */
static size_t unclear_day(struct str text, bool timed) {
    bool named;
    size_t n = day_in_brackets(text), last = strlen("号");
    if (n > 0)
        return n;
    n = last_year(text);
    n += n == 0 ? english_day(text) : 0;
    n += n == 0 ? two_figures(text) : 0;
    if (n > 0)
        return n;
    n = day_signs(text, &named);
    if (n == 0)
        return 0;
    if (n > last && words_prefix(drop(text, n - last), "号") > 0 && is_house(drop(text, n)))
        return 0;
    if (!at_end(drop(text, n)))
        return vague_day(text, n);
    named = named && n > strlen("天"); /* a sign alone is any word */
    return named || figures_of_day((struct str){text.p, n}, timed) ? n : 0;
}

/* 1,5 without a unit: an hour and a half, or one hour and then 5? */
static size_t unclear_length(struct str text) {
    size_t n = figures(text);
    if (n == 0 || words_prefix(drop(text, n), ",") == 0 || decimal_comma(drop(text, n)))
        return 0;
    size_t more = figures(drop(text, n + 1));
    n += 1 + more;
    return more > 0 && more <= 2 && at_boundary(drop(text, n)) ? n : 0;
}

/* 和21号, but 到3号楼 is where somebody went. */
static size_t joined_day(struct str text) {
    static const char *const places[] = {"楼", "院", "门", "栋", "线",   "车",   "房",  "室",
                                         "店", "点", "巷", "馆", "小区", "单元", "居民"};
    int day;
    struct day found;
    size_t n = read_day(text, &found);
    if (n == 0)
        n = unclear_day(text, true);
    if (n > 0)
        return n;
    n = words_count(text, &day);
    size_t end = n > 0 ? words_prefix(drop(text, n), "号") : 0;
    return end > 0 && one_of(drop(text, n + end), places, COUNT(places)) == 0 ? n + end : 0;
}

static bool has_unit(struct str text) {
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] != '.' && !is_digit(drop(text, i)))
            return true;
    return false;
}

/* A second day or length behind the first. What repeats or explains the first is none: 2小时 after
 * 9:00-11:00, 周六 after 11月21日. */
static struct str second(struct str text, const struct when *first) {
    static const char *const joins[] = {"和", "与", "及", "到", "至", "-", "~", "—", "–", "/"};
    struct day day = {0};
    struct hours hours;
    size_t join = 0, n;
    while ((n = one_of(drop(text, join), joins, COUNT(joins))) > 0)
        join += n;
    text = drop(text, join + (join > 0 ? blanks(drop(text, join)) : 0));
    if (first->dated) {
        n = join > 0 ? joined_day(text) : read_day(text, &day);
        bool explains = day.day < 0 && first->day.month != 0;
        bool ended = at_end(drop(text, n)) || (is_digit(text) && is_deed(drop(text, n)));
        if (n > 0 && (join > 0 || (ended && !explains)))
            return (struct str){text.p, n};
    }
    n = first->timed ? read_length(text, &hours) : 0;
    if (n == 0 || !has_unit((struct str){text.p, n}) || (join == 0 && !at_end(drop(text, n))))
        return (struct str){text.p, 0};
    bool spans = first->hours.from[0] != '\0' && hours.from[0] != '\0';
    bool repeats = !spans && hours.minutes == first->hours.minutes;
    return (struct str){text.p, repeats ? 0 : n};
}

/* The start of what stands alone behind `at`; the text's end when there is nothing more. */
static size_t next_word(struct str text, size_t at) {
    static const char *const ends[] = {" ", ",", ";", ":", "、", "。", "!"};
    for (at++; at < text.n; at++) {
        size_t n = one_of(drop(text, at), ends, COUNT(ends));
        if (n == 0 && text.p[at] != '(')
            continue;
        while (n > 0 && (at += n) < text.n)
            n = one_of(drop(text, at), ends, COUNT(ends));
        break;
    }
    return at;
}

/* 昨天 and 11月20日 in the midst of a description. 3-5 may count something, and is asked about. */
static size_t day_inside(struct str text, struct day *out, bool *clear) {
    enum half_day half;
    struct hours hours;
    size_t n = read_day_and_half(text, out);
    if (n == 0)
        return 0;
    struct str rest = drop(text, n);
    size_t part = read_half_day(rest, &half), length = read_length(rest, &hours);
    bool alone =
        at_end(rest) || (part >= strlen("上午") && at_end(drop(rest, part))) ||
        (length > 0 && has_unit((struct str){rest.p, length}) && at_end(drop(rest, length)));
    *clear = alone;
    if (is_digit(text) && out->year == 0)
        for (size_t i = 0; i < n; i++)
            *clear = *clear && strchr("-/.", text.p[i]) == NULL;
    if (!*clear && is_counted(rest))
        return 0;
    return alone || (is_digit(text) && is_deed(rest)) ? n : 0;
}

/* 上周会议纪要 is what was done, 3-5 号楼 where; 1120 and 100010 alone name a room and a post. */
static bool may_be_day_inside(struct str text) {
    bool named;
    struct day day = {0};
    if (text.p[0] == '(' || last_year(text) > 0 || english_day(text) > 0 || two_figures(text) > 0)
        return true;
    size_t n = day_signs(text, &named);
    struct str rest = drop(text, n);
    if (!at_end(rest) || (!named && is_counted(rest)))
        return false;
    if (figures(text) != n || n != 6)
        return n != 4 || figures(text) != n;
    words_count((struct str){text.p + 2, 2}, &day.month);
    words_count((struct str){text.p + 4, 2}, &day.day);
    return plausible(&day);
}

/* A day in the midst of a description, where none stood before it. */
static bool take_day_inside(struct arena *arena, struct words *words, size_t at, struct when *out) {
    bool clear = false;
    struct str text = drop(words->plain, at);
    size_t n = day_inside(text, &out->day, &clear);
    if (clear && n > 0) {
        *words = words_without(arena, *words, at, n);
        out->dated = true;
        if (at < words->plain.n)
            out->unclear = second(drop(words->plain, at), out);
        return true;
    }
    out->day = (struct day){0};
    if (n == 0 && may_be_day_inside(text))
        n = unclear_day(text, false);
    out->unclear = (struct str){text.p, n};
    return false;
}

/* A length with its unit in the midst of a description, where none stood before it. */
static bool take_hours_inside(struct arena *arena, struct words *words, size_t at,
                              struct when *out) {
    struct str text = drop(words->plain, at);
    struct hours hours;
    size_t n = read_length(text, &hours);
    if (n == 0 || !has_unit((struct str){text.p, n}) || !at_end(drop(text, n)))
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

/* The day and the length that the words begin with. */
static void read_start(struct arena *arena, struct words *words, struct when *out) {
    for (;;) {
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
        n = read_length(text, &(struct hours){0});
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
    int hours = out->hours.minutes / 60;
    bool whole = out->bare.n > 0 && figures(out->bare) == out->bare.n;
    if (out->unclear.n == 0 && !out->dated && whole && hours > 12 && hours <= 31)
        out->unclear = out->bare;
}

bool when_begins(struct arena *arena, struct words words) {
    struct when when = {0};
    words = words_simplified(arena, words);
    read_start(arena, &words, &when);
    return when.timed || when.dated || when.unclear.n > 0;
}
