#include "server/unclear.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "server/behind.h"
#include "server/day.h"
#include "server/hours.h"

/* The leading signs that days are written with; whether one of them names days. */
static size_t day_signs(struct str text, bool *named) {
    static const char *const names[] = {"年", "正月", "腊月", "冬月", "月", "日", "号",
                                        "周", "星期", "礼拜", "天",   "初", "旬"};
    static const char *const others[] = {"零", "一", "二", "三",   "四",   "五",   "六", "七", "八",
                                         "九", "十", "廿", "两",   "几",   "上",   "下", "前", "后",
                                         "今", "昨", "明", "去年", "半",   "这",   "那", "本", "个",
                                         "大", "末", "底", "以前", "之前", "中旬", "/",  "."};
    size_t n = 0, taken;
    for (*named = false;; n += taken) {
        struct str rest = str_drop(text, n);
        if (words_prefix(rest, "周年") > 0) /* 10周年 庆典 */
            return 0;
        if ((taken = WORDS_ANY(rest, names)) > 0)
            *named = true;
        else if ((taken = words_is_digit(rest)) == 0 &&
                 (taken = WORDS_ANY(rest, others) + words_to(rest) + words_and(rest)) == 0)
            return n;
    }
}

/* 22/11, 2026.11.31, 261101, 1120: groups of one, two or four figures. 1.5 may be a length as long
 * as there is none. */
static bool figures_of_day(struct str text, bool timed) {
    size_t n = words_figures(text);
    if (n == text.n) {
        struct day day = {0};
        words_count((struct str){text.p, n / 2}, &day.month);
        words_count(str_drop(text, n / 2), &day.day);
        return n == 6 || n == 8 || (n == 4 && day_plausible(&day));
    }
    static const char *const marks[] = {".", "/"};
    size_t seen = 0, points = 0, mark;
    for (struct str rest = text;; rest = str_drop(rest, n + mark)) {
        n = words_figures(rest);
        if (n != 1 && n != 2 && n != 4)
            return false;
        if (n == rest.n)
            break;
        mark = WORDS_ANY(str_drop(rest, n), marks) + words_to(str_drop(rest, n));
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
    size_t n = words_figures(text);
    n += n > 0 ? words_blank(str_drop(text, n)) : 0;
    for (size_t i = 0; text.n >= n + 3 && i < sizeof months - 1; i += 3) {
        if (strncasecmp(text.p + n, months + i, 3) != 0)
            continue;
        bool before = n > 0;
        for (n += 3; n < text.n && isalpha((unsigned char)text.p[n]);)
            n++;
        n += words_prefix(str_drop(text, n), ".");
        size_t blank = words_blank(str_drop(text, n));
        size_t day = words_figures(str_drop(text, n + blank));
        return day > 0 ? n + blank + day : before && words_at_end(str_drop(text, n)) ? n : 0;
    }
    return 0;
}

/* Their days cannot be declared; without the year they would be this one's. */
static size_t other_year(struct str text) {
    static const char *const years[] = {"去年", "前年", "明年"};
    return WORDS_ANY(text, years);
}

static size_t week_or_month(struct str text) {
    static const char *const units[] = {"周", "星期", "礼拜", "月"};
    return WORDS_ANY(text, units);
}

/* 下周六, 下个月20号: what is still to come is no day of service. */
static size_t coming_day(struct str text) {
    static const char *const next[] = {"下个", "下"};
    struct day day;
    size_t n = WORDS_ANY(text, next);
    while (n > 0 && words_prefix(str_drop(text, n), "下") > 0)
        n += strlen("下");
    n += n > 0 ? words_prefix(str_drop(text, n), "月") : 0;
    size_t more = n > 0 ? day_at(str_drop(text, n), &day) : 0;
    return more > 0 ? n + more : 0;
}

/* 上周, 上个月, 上周末, 上上周三 */
static size_t last_week(struct str text) {
    static const char *const one[] = {"一个", "个", "一"};
    size_t n = 0;
    while (words_prefix(str_drop(text, n), "上") > 0)
        n += strlen("上");
    n += n > 0 ? WORDS_ANY(str_drop(text, n), one) : 0;
    size_t unit = n > 0 ? week_or_month(str_drop(text, n)) : 0;
    return unit > 0 ? n + unit + words_prefix(str_drop(text, n + unit), "末") : 0;
}

/* Not 3号楼 */
static bool begins_with_number(struct str text) {
    int count;
    size_t n = words_count(text, &count), end = words_prefix(str_drop(text, n), "号");
    return n > 0 && !(end > 0 && behind_house(str_drop(text, n + end)));
}

/* 本周, 这个月, 本季度: not 这周边, 本周六日, 本月20日 */
static size_t this_week(struct str text) {
    static const char *const this[] = {"本", "这一个", "这个", "这一", "这"};
    size_t n = WORDS_ANY(text, this);
    struct str rest = str_drop(text, n);
    size_t unit = n > 0 ? week_or_month(rest) + words_prefix(rest, "季度") : 0;
    rest = str_drop(rest, unit);
    if (unit == 0 || begins_with_number(rest) || words_prefix(rest, "日") > 0 ||
        words_prefix(rest, "天") > 0 || behind_another_word(rest))
        return 0;
    return n + unit + words_prefix(rest, "末");
}

/* 这学期, 上个学期, 暑假; *certain: not the name of something, 暑假辅导班. */
static size_t school_term(struct str text, bool *certain) {
    static const char *const which[] = {"整个", "这一个", "上一个", "这个", "上个", "一个",
                                        "这一", "上一",   "这",     "本",   "上",   "一"},
                             *const terms[] = {"学期", "学年"},
                             *const vacations[] = {"暑假", "寒假", "暑期", "假期"};
    size_t n = WORDS_ANY(text, which), term = 0;
    *certain = n > 0;
    if (n > 0)
        term = WORDS_ANY(str_drop(text, n), terms);
    term += term == 0 ? WORDS_ANY(str_drop(text, n), vacations) : 0;
    return term > 0 ? n + term : 0;
}

/* 每天, 每周六, 每个月20号, 每天早上, 天天 */
static size_t every_day(struct str text) {
    static const char *const units[] = {"天",   "日",   "晚上", "早上", "晚", "早",
                                        "星期", "礼拜", "周",   "月",   "年"},
                             *const days[] = {"一", "二", "三", "四", "五",
                                              "六", "日", "天", "末", "、"},
                             *const marks[] = {"日", "号"};
    int count;
    size_t n = words_prefix(text, "天天");
    if (n > 0)
        return n;
    n = words_prefix(text, "每");
    n += n > 0 ? words_prefix(str_drop(text, n), "个") : 0;
    size_t unit = n > 0 ? WORDS_ANY(str_drop(text, n), units) : 0, more;
    if (unit == 0)
        return 0;
    bool week = week_or_month(str_drop(text, n)) > 0;
    n += unit;
    size_t number = week ? words_count(str_drop(text, n), &count) : 0;
    size_t mark = number > 0 ? WORDS_ANY(str_drop(text, n + number), marks) : 0;
    if (mark > 0)
        n += number + mark;
    else
        while (week && (more = WORDS_ANY(str_drop(text, n), days)) > 0)
            n += more;
    return n + hours_half_day(str_drop(text, n));
}

/* 前几天, 前阵子 */
static size_t some_days(struct str text) {
    static const char *const days[] = {"前几天", "前些天", "前两天",   "前几日", "前阵子",
                                       "这几天", "这两天", "前段时间", "近几天", "这些天"};
    return WORDS_ANY(text, days);
}

/* 11月, 11月份, 11月上旬; only 11月 may be the name of something: 3月学雷锋活动. */
static size_t whole_month(struct str text, bool *certain) {
    static const char *const parts[] = {"份", "初", "底", "末", "上旬", "中旬", "下旬"};
    int month, count;
    size_t n = words_count(text, &month), unit = words_prefix(str_drop(text, n), "月");
    if (n == 0 || unit == 0 || month < 1 || month > 12)
        return 0;
    size_t part = WORDS_ANY(str_drop(text, n + unit), parts);
    *certain = part > 0 && words_count(str_drop(text, n + unit + part), &count) == 0;
    return n + unit + (*certain ? part : 0);
}

/* These may begin a name: 周末市集. */
static size_t loose_span(struct str text) {
    static const char *const spans[] = {"周末",   "月初",   "月中",   "月底", "月末", "去年",
                                        "前年",   "今年",   "最近",   "近期", "那天", "某天",
                                        "有一天", "上半年", "下半年", "全年"};
    return WORDS_ANY(text, spans);
}

/* 每天9:00-11:00打扫, 每天2小时; not 每天三次 */
static bool lasts(struct str text) {
    struct hours hours;
    int count;
    return hours_span(text, &hours) > 0 || hours_length(text, &hours) > words_count(text, &count);
}

/* 本周打扫, 11月打扫, 周末打扫: so many days, of which one is asked for. */
static size_t span_of_days(struct str text) {
    bool certain = true;
    size_t n = this_week(text);
    n += n == 0 ? some_days(text) : 0;
    n += n == 0 ? whole_month(text, &certain) : 0;
    if (n > 0)
        return certain || behind_deed(str_drop(text, n)) ? n : 0;
    if ((n = every_day(text)) > 0) {
        struct str rest = str_drop(text, n);
        return behind_plain_deed(rest) || words_at_end(rest) || lasts(rest) ? n : 0;
    }
    n = school_term(text, &certain);
    bool lesson = n > 0 && !certain && behind_lesson(str_drop(text, n));
    n += n == 0 ? loose_span(text) : 0;
    struct str rest = str_drop(text, n);
    return n > 0 && !lesson && (behind_deed(rest) || words_at_end(rest)) ? n : 0;
}

/* 初三, 正月十五, 农历十月初三, 大年三十; *grade: 初三 may be one of a school. */
static size_t lunar_words(struct str text, bool *grade) {
    static const char *const calendars[] = {"农历", "阴历"}, *const tens[] = {"初", "廿"},
                             *const months[] = {"正月", "腊月", "冬月", "大年"};
    int count = 0;
    size_t n = WORDS_ANY(text, calendars);
    size_t month = WORDS_ANY(str_drop(text, n), months);
    bool lunar = n + month > 0;
    if (month == 0) {
        size_t figure = words_count(str_drop(text, n), &count);
        size_t unit = figure > 0 ? words_prefix(str_drop(text, n + figure), "月") : 0;
        month = unit > 0 ? figure + unit : 0;
    }
    n += month;
    size_t ten = WORDS_ANY(str_drop(text, n), tens);
    size_t day = words_count(str_drop(text, n + ten), &count);
    *grade = n == 0 && ten > 0 && count <= 3;
    if (day == 0 || (ten == 0 && !lunar) || words_is_digit(str_drop(text, n + ten)))
        return lunar && month > 0 ? n : 0;
    return n + ten + day;
}

/* 初三打扫, not 初三辅导 */
static size_t lunar_day(struct str text) {
    bool grade;
    size_t n = lunar_words(text, &grade);
    struct str rest = str_drop(text, n);
    return n > 0 && behind_deed(rest) && !(grade && behind_lesson(rest)) ? n : 0;
}

/* 三天打扫, 连续三天打扫, 半天打扫 */
static size_t several_days(struct str text) {
    int count;
    size_t lead = words_prefix(text, "连续");
    size_t n = words_count(str_drop(text, lead), &count);
    n += n == 0 ? words_prefix(str_drop(text, lead), "半") : 0;
    size_t unit = n > 0 ? words_prefix(str_drop(text, lead + n), "天") : 0;
    n += lead + unit;
    return unit > 0 && behind_deed(str_drop(text, n)) ? n : 0;
}

/* 周六日打扫, 本周一三五打扫 */
static size_t some_weekdays(struct str text) {
    static const char *const which[] = {"上", "本", "这"}, *const weeks[] = {"星期", "礼拜", "周"},
                             *const days[] = {"一", "二", "三", "四", "五", "六", "日", "天", "、"};
    size_t n = WORDS_ANY(text, which), week = WORDS_ANY(str_drop(text, n), weeks), more, seen = 0;
    for (n += week; week > 0 && (more = WORDS_ANY(str_drop(text, n), days)) > 0; n += more)
        seen++;
    return seen > 1 && behind_deed(str_drop(text, n)) ? n : 0;
}

/* 一个月前, 半个月前, 3周以前 */
static size_t weeks_ago(struct str text) {
    static const char *const ago[] = {"前", "以前", "之前"};
    int count;
    size_t n = words_count(text, &count);
    n += n == 0 ? words_prefix(text, "半") : 0;
    if (n == 0)
        return 0;
    n += words_prefix(str_drop(text, n), "个");
    size_t unit = week_or_month(str_drop(text, n));
    size_t past = unit > 0 ? WORDS_ANY(str_drop(text, n + unit), ago) : 0;
    return past > 0 ? n + unit + past : 0;
}

/* 20日游, 0月0日打扫, 3号值班室, 去年11月20日打扫, 本月20-22日打扫 */
static size_t numbered_day(struct str text, size_t signs) {
    static const char *const these[] = {"今年", "本月", "这个月"};
    int count;
    size_t last = strlen("日"), n = words_count(text, &count);
    bool figures = words_is_digit(text), year = other_year(text) > 0 || WORDS_ANY(text, these) > 0;
    struct str end = str_drop(text, signs > last ? signs - last : 0), rest = str_drop(text, n);
    if (figures && words_prefix(rest, "日") > 0)
        return n + last;
    bool month = figures && words_prefix(rest, "月") > 0 &&
                 words_count(str_drop(rest, strlen("月")), &count) > 0;
    bool dated = words_prefix(end, "日") > 0 ||
                 (words_prefix(end, "号") > 0 && !behind_house(str_drop(text, signs)));
    return month || ((figures || year) && dated) ? signs : 0;
}

/* What can only be a day, whatever follows: 上周帮忙, 一个月前帮忙, 20日游. */
static size_t vague_day(struct str text, size_t signs) {
    size_t n = coming_day(text);
    n += n == 0 ? last_week(text) : 0;
    n += n == 0 ? weeks_ago(text) : 0;
    return n > 0 ? n : numbered_day(text, signs);
}

/* 11 20: a month and a day, or two numbers? */
static size_t two_figures(struct str text) {
    struct day day = {0};
    size_t n = words_figures(text), blank = words_blank(str_drop(text, n));
    if (n == 0 || n > 2 || blank == 0)
        return 0;
    size_t more = words_figures(str_drop(text, n + blank));
    words_count(text, &day.month);
    words_count(str_drop(text, n + blank), &day.day);
    n += blank + more;
    struct str rest = str_drop(text, n);
    return more > 0 && more <= 2 && day_plausible(&day) && words_at_break(rest) &&
                   !behind_count(rest)
               ? n
               : 0;
}

/* 2小时（昨天下午）打扫 */
static size_t day_in_brackets(struct str text) {
    struct day day;
    size_t open = words_prefix(text, "(");
    size_t n = open > 0 ? day_at(str_drop(text, open), &day) : 0;
    if (n == 0)
        return 0;
    n += open;
    n += hours_half_day(str_drop(text, n));
    size_t close = words_prefix(str_drop(text, n), ")");
    return close > 0 || words_at_break(str_drop(text, n)) ? n + close : 0;
}

/* 去年 11月20日 */
static size_t last_year(struct str text) {
    struct day day;
    size_t n = other_year(text);
    n += words_blank(str_drop(text, n));
    size_t more = n > 0 ? day_at(str_drop(text, n), &day) : 0;
    return more > 0 ? n + more : 0;
}

/* 昨天的会议 may have been its day, or what was done about it today. */
static size_t day_of_something(struct str text) {
    struct day day;
    size_t n = day_at(text, &day);
    bool today = day.days_ago == 0 && day.day == 0;
    return n > 0 && !today && words_prefix(str_drop(text, n), "的") > 0 ? n : 0;
}

size_t unclear_day(struct str text, bool timed) {
    static size_t (*const readers[])(struct str) = {day_in_brackets, last_year,    day_of_something,
                                                    english_day,     two_figures,  lunar_day,
                                                    span_of_days,    several_days, some_weekdays};
    size_t n = 0, last = strlen("号");
    for (size_t i = 0; n == 0 && i < sizeof readers / sizeof readers[0]; i++)
        n = readers[i](text);
    if (n > 0)
        return n;
    bool named;
    n = day_signs(text, &named);
    struct str rest = str_drop(text, n);
    bool house = n > last && words_prefix(str_drop(text, n - last), "号") > 0 && behind_house(rest);
    if (n == 0 || house)
        return last_week(text); /* 上个月3号楼打扫 */
    if (!words_at_end(rest))
        return vague_day(text, n);
    if (named)
        return n > strlen("天") ? n : 0; /* a sign alone is any word */
    return !behind_count(rest) && figures_of_day((struct str){text.p, n}, timed) ? n : 0;
}

size_t unclear_length(struct str text) {
    struct hours hours;
    size_t n = words_figures(text);
    if (n == 0 || words_prefix(str_drop(text, n), ",") == 0 || hours_length(text, &hours) > n)
        return 0;
    size_t more = words_figures(str_drop(text, n + 1));
    n += 1 + more;
    return more > 0 && more <= 2 && words_at_break(str_drop(text, n)) ? n : 0;
}

enum unclear_kind unclear_kind(struct str text) {
    static const char *const lengths[] = {"半天", "半日", "一天", "一日"};
    static size_t (*const spans[])(struct str) = {last_week, this_week, some_days,
                                                  weeks_ago, every_day, loose_span};
    bool ignored;
    if (WORDS_ANY(text, lengths) == text.n)
        return UNCLEAR_LENGTH;
    for (size_t i = 0; i < sizeof spans / sizeof spans[0]; i++)
        if (spans[i](text) == text.n)
            return UNCLEAR_SPAN;
    if (whole_month(text, &ignored) == text.n || school_term(text, &ignored) == text.n)
        return UNCLEAR_SPAN;
    return lunar_words(text, &ignored) == text.n ? UNCLEAR_LUNAR : UNCLEAR_OTHER;
}

/* 上周会议纪要 is what was done, 3-5 号楼 where; 1120 and 100010 alone name a room and a post. */
static bool may_stand_inside(struct str text) {
    bool named;
    struct day day = {0};
    if (text.p[0] == '(' || last_year(text) > 0 || english_day(text) > 0 || two_figures(text) > 0)
        return true;
    size_t n = day_signs(text, &named);
    struct str rest = str_drop(text, n);
    if (!words_at_end(rest) || (!named && behind_count(rest)))
        return false;
    if (words_figures(text) != n || n != 6)
        return n != 4 || words_figures(text) != n;
    words_count((struct str){text.p + 2, 2}, &day.month);
    words_count((struct str){text.p + 4, 2}, &day.day);
    return day_plausible(&day);
}

size_t unclear_day_inside(struct str text) {
    return may_stand_inside(text) ? unclear_day(text, false) : 0;
}

/* 本周, 上个月, 前几天, 这学期: no name begins like that. */
static size_t told_span(struct str text) {
    bool certain;
    size_t n = last_week(text);
    n += n == 0 ? this_week(text) : 0;
    n += n == 0 ? some_days(text) : 0;
    n += n == 0 ? weeks_ago(text) : 0;
    n += n == 0 ? every_day(text) : 0;
    if (n > 0)
        return n;
    n = school_term(text, &certain);
    return certain ? n : 0;
}

size_t unclear_day_of_deed(struct str text, bool named) {
    bool certain;
    size_t n = told_span(text);
    n += n == 0 ? whole_month(text, &certain) : 0;
    n += n == 0 && words_prefix(text, "半") == 0 ? several_days(text) : 0;
    n += n == 0 && !named ? school_term(text, &certain) : 0;
    n += n == 0 && !named ? loose_span(text) : 0;
    struct str rest = str_drop(text, n);
    return n > 0 && behind_plain_deed(rest) && !behind_papers(rest) ? n : 0;
}
