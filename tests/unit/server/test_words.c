#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "server/hours.h"
#include "server/words.h"

static struct arena *arena;

static int setup(void **state) {
    (void)state;
    arena = arena_new();
    return 0;
}

static int teardown(void **state) {
    (void)state;
    arena_free(arena);
    return 0;
}

static struct words read_text(const char *text) {
    return words_read(arena, str_from(text));
}

static void assert_view(struct str view, const char *expected) {
    assert_string_equal(str_z(arena, view), expected);
}

static void full_width_letters_digits_and_blanks_become_half_width(void **state) {
    (void)state;
    assert_view(read_text("　绑定　ＤＥＭＯ０００１ ").plain, "绑定 DEMO0001");
    assert_view(read_text("通过\t\n１、２，３").plain, "通过 1、2,3");
    assert_view(read_text("\xE2\x80\x8B积分\xEF\xBB\xBF").plain, "积分");
    assert_view(read_text("").plain, "");
    assert_view(read_text("\xFF\xFE积\xE5").plain, "积");
}

static void a_sentence_keeps_what_was_typed(void **state) {
    (void)state;
    struct words rest;
    assert_true(words_command(read_text("退回 １２ 请补照片，谢谢！（看不清）"), "退回", &rest));
    int64_t no = 0;
    assert_true(words_number(&rest, &no));
    assert_int_equal(no, 12);
    assert_view(words_typed(rest), "请补照片，谢谢！（看不清）");
}

static void a_command_is_the_whole_text_or_followed_by_a_break(void **state) {
    (void)state;
    struct words rest;
    assert_true(words_is(read_text("积分"), "积分"));
    assert_true(words_is(read_text("「积分」。"), "积分"));
    assert_false(words_is(read_text("积分怎么算"), "积分"));
    assert_true(words_command(read_text("通过12 13"), "通过", &rest));
    assert_true(words_command(read_text("通过：12"), "通过", &rest));
    assert_true(words_command(read_text("通过"), "通过", &rest));
    assert_true(words_empty(rest));
    assert_false(words_command(read_text("通过努力帮助老人"), "通过", &rest));
}

static void traditional_characters_become_simplified(void **state) {
    (void)state;
    struct words words = read_text("綁定　ＤＥＭＯ０００１");
    struct words rest;
    assert_false(words_command(words, "绑定", &rest));
    words = words_simplified(arena, words);
    assert_true(words_command(words, "绑定", &rest));
    assert_view(words_typed(rest), "ＤＥＭＯ０００１");
    for (int i = 0; i < 2; i++) /* the second time without the dictionary */
        assert_true(words_is(words_simplified(arena, read_text("幫助一下😀幫助")), "帮助一下😀帮助"));
    assert_true(words_is(words_simplified(arena, read_text("幫助")), "帮助"));
    assert_true(words_is(words_simplified(arena, read_text("我的申報")), "我的申报"));
    assert_true(words_is(words_simplified(arena, read_text("凍結公示")), "冻结公示"));
    assert_true(words_is(words_simplified(arena, read_text("發佈公示")), "发布公示"));
    assert_true(words_is(words_simplified(arena, read_text("繼續")), "继续"));
}

static void numbers_come_in_lists(void **state) {
    (void)state;
    int64_t got[4];
    struct words words = read_text("3、4，5 3 #6号 其余");
    assert_int_equal(words_numbers(&words, got, 4), 4);
    assert_int_equal(got[0], 3);
    assert_int_equal(got[1], 4);
    assert_int_equal(got[2], 5);
    assert_int_equal(got[3], 6);
    words = read_text("没有");
    assert_int_equal(words_numbers(&words, got, 4), 0);
    words = read_text("99999999999999999999");
    assert_int_equal(words_numbers(&words, got, 4), 0);
    words = read_text("编号：7和8");
    assert_int_equal(words_numbers(&words, got, 4), 2);
}

static void assert_minutes(const char *text, int minutes, const char *left) {
    struct words words = read_text(text);
    struct hours hours;
    if (!hours_read(arena, &words, &hours))
        fail_msg("not read: %s", text);
    if (hours.minutes != minutes)
        fail_msg("%s: %d minutes, not %d", text, hours.minutes, minutes);
    assert_view(words.plain, left);
}

static void lengths_in_every_form(void **state) {
    (void)state;
    assert_minutes("2", 120, "");
    assert_minutes("２ 打扫", 120, "打扫");
    assert_minutes("1.5 楼道", 90, "楼道");
    assert_minutes("1.25", 75, "");
    assert_minutes("0.5小时", 30, "");
    assert_minutes("两小时打扫", 120, "打扫");
    assert_minutes("兩個小時", 120, "");
    assert_minutes("三个小时", 180, "");
    assert_minutes("十二小时", 720, "");
    assert_minutes("半小时", 30, "");
    assert_minutes("半个小时", 30, "");
    assert_minutes("一个半小时", 90, "");
    assert_minutes("2个半小时 x", 150, "x");
    assert_minutes("两小时半", 150, "");
    assert_minutes("一点五小时", 90, "");
    assert_minutes("90分钟", 90, "");
    assert_minutes("九十分钟", 90, "");
    assert_minutes("90 分鐘 陪聊", 90, "陪聊");
    assert_minutes("1小时30分钟", 90, "");
    assert_minutes("1小时30分", 90, "");
    assert_minutes("2 小时 打扫", 120, "打扫");
    assert_minutes("1小时 30分钟 打扫", 90, "打扫");
    assert_minutes("2小时 50m跑道清扫", 120, "50m跑道清扫");
    assert_minutes("1,5小时", 90, "");
    assert_minutes("1，5 小时", 90, "");
    assert_minutes("1，5小时 打扫", 90, "打扫");
    assert_minutes("2，3号楼打扫", 120, "3号楼打扫");
    assert_minutes("2h", 120, "");
    assert_minutes("30min", 30, "");
    assert_minutes("99999999", 600000, "");
}

static void assert_span(const char *text, const char *from, const char *to, int minutes) {
    struct words words = read_text(text);
    struct hours hours;
    if (!hours_read(arena, &words, &hours))
        fail_msg("not read: %s", text);
    assert_string_equal(hours.from, from);
    assert_string_equal(hours.to, to);
    if (hours.minutes != minutes)
        fail_msg("%s: %d minutes, not %d", text, hours.minutes, minutes);
}

static void spans_in_every_form(void **state) {
    (void)state;
    assert_span("9:00-11:30", "09:00", "11:30", 150);
    assert_span("９：００－１１：３０", "09:00", "11:30", 150);
    assert_span("9:00 ~ 11:30 打扫", "09:00", "11:30", 150);
    assert_span("9:00——11:30", "09:00", "11:30", 150);
    assert_span("9点到11点半", "09:00", "11:30", 150);
    assert_span("上午9點至11點", "09:00", "11:00", 120);
    assert_span("下午2点到4点半", "14:00", "16:30", 150);
    assert_span("下午两点到四点", "14:00", "16:00", 120);
    assert_span("上午11点到下午1点", "11:00", "13:00", 120);
    assert_span("9-11点", "09:00", "11:00", 120);
    assert_span("22:00-1:00", "22:00", "01:00", 180);
    assert_span("22:00-24:00", "22:00", "24:00", 120);
    /* Who begins in the evening does not end in the afternoon before. */
    assert_span("晚上10点到12点", "22:00", "00:00", 120);
    assert_span("晚上10点到1点半", "22:00", "01:30", 210);
    assert_span("晚上7点到9点", "19:00", "21:00", 120);
    assert_span("晚上10点到凌晨1点", "22:00", "01:00", 180);
    assert_span("9:00-9:00", "09:00", "09:00", 0);
    assert_span("晚7点到9点", "19:00", "21:00", 120);
    assert_span("晚上8点到12点", "20:00", "00:00", 240);
    assert_span("晚上10点到1点", "22:00", "01:00", 180);
}

static void what_is_no_length_is_left_alone(void **state) {
    (void)state;
    const char *texts[] = {"",   "打扫", "2号楼", "1-3岁", "九楼", "25:00-26:00",
                           "半", "2.",   "-2",    ".",     "9:00"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct words words = read_text(texts[i]);
        struct hours hours;
        if (hours_read(arena, &words, &hours))
            fail_msg("read: %s", texts[i]);
    }
}

static void assert_day(const char *text, struct day expected, const char *left) {
    struct words words = read_text(text);
    struct day day;
    if (!day_read(arena, &words, &day))
        fail_msg("not read: %s", text);
    assert_int_equal(day.days_ago, expected.days_ago);
    assert_int_equal(day.year, expected.year);
    assert_int_equal(day.month, expected.month);
    assert_int_equal(day.day, expected.day);
    assert_view(words.plain, left);
}

static void days_in_every_form(void **state) {
    (void)state;
    assert_day("今天打扫", (struct day){.days_ago = 0}, "打扫");
    assert_day("昨天 打扫", (struct day){.days_ago = 1}, "打扫");
    assert_day("前天，打扫", (struct day){.days_ago = 2}, "打扫");
    assert_day("大前天", (struct day){.days_ago = 3}, "");
    assert_day("明天 打扫", (struct day){.days_ago = -1}, "打扫");
    assert_day("後天", (struct day){.days_ago = -2}, "");
    assert_day("13月1日 打扫", (struct day){.month = 13, .day = 1}, "打扫");
    assert_day("11月20日打扫", (struct day){.month = 11, .day = 20}, "打扫");
    assert_day("11月20號 打扫", (struct day){.month = 11, .day = 20}, "打扫");
    assert_day("十一月二十日", (struct day){.month = 11, .day = 20}, "");
    assert_day("11-20 打扫", (struct day){.month = 11, .day = 20}, "打扫");
    assert_day("11/20", (struct day){.month = 11, .day = 20}, "");
    assert_day("2026-11-20", (struct day){.year = 2026, .month = 11, .day = 20}, "");
    assert_day("11.20 2小时 打扫", (struct day){.month = 11, .day = 20}, "2小时 打扫");
    assert_day("11.20 打扫", (struct day){.month = 11, .day = 20}, "打扫");
    assert_day("1.5日 打扫", (struct day){.month = 1, .day = 5}, "打扫");
    assert_day("3.5 2小时", (struct day){.month = 3, .day = 5}, "2小时");
    assert_day("20号 2小时", (struct day){.day = 20}, "2小时");
    assert_day("二十日，打扫", (struct day){.day = 20}, "打扫");
    assert_day("周六 打扫", (struct day){.day = -6}, "打扫");
    assert_day("星期天上午", (struct day){.day = -7}, "上午");
    assert_day("20号上午 打扫", (struct day){.day = 20}, "上午 打扫");
    assert_day("20日上午 2小时", (struct day){.day = 20}, "2小时");
    assert_day("这周三打扫", (struct day){.day = -23}, "打扫");
    assert_day("上周一打扫", (struct day){.day = -11}, "打扫");
    assert_day("上禮拜日", (struct day){.day = -17}, "");
    assert_day("3天前 打扫", (struct day){.days_ago = 3}, "打扫");
    assert_day("十天前", (struct day){.days_ago = 10}, "");
    assert_day("两天以前", (struct day){.days_ago = 2}, "");
    assert_day("99999999天前", (struct day){.days_ago = 9999}, "");
    assert_day("昨晚 打扫", (struct day){.days_ago = 1}, "打扫");
    assert_day("昨晚7点到9点", (struct day){.days_ago = 1}, "晚7点到9点");
    assert_day("昨天晚上7点到9点", (struct day){.days_ago = 1}, "晚上7点到9点");
    assert_day("昨天晚上 2小时", (struct day){.days_ago = 1}, "2小时");
    assert_day("昨天晚上打扫", (struct day){.days_ago = 1}, "晚上打扫");
    assert_day("今早", (struct day){.days_ago = 0}, "");
    assert_day("今晚", (struct day){.days_ago = 0}, "");
    assert_day("20261119", (struct day){.year = 2026, .month = 11, .day = 19}, "");
    assert_day("上个月20日打扫", (struct day){.month = -2, .day = 20}, "打扫");
    assert_day("本月3号", (struct day){.month = -1, .day = 3}, "");
    assert_day("11 月 20 日 打扫", (struct day){.month = 11, .day = 20}, "打扫");
    assert_day("20号打扫", (struct day){.day = 20}, "打扫");
    assert_day("20号巡逻3号楼", (struct day){.day = 20}, "巡逻3号楼");
    assert_day("2026年11月20日x", (struct day){.year = 2026, .month = 11, .day = 20}, "x");
}

static void what_is_no_day_is_left_alone(void **state) {
    (void)state;
    const char *texts[] = {"",      "1-3岁儿童", "13-40 x",   "11月",      "昨",       "3.5 公里",
                           "2026",  "11-",       "1.5",       "2.25 打扫", "20号楼",   "3号早餐店",
                           "32号",  "周边打扫",  "上楼",      "11.20公里", "20261319", "2月饼",
                           "0天前", "天前",      "3号巡逻车", "3号值班室"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct words words = read_text(texts[i]);
        struct day day;
        if (day_read(arena, &words, &day))
            fail_msg("read: %s", texts[i]);
        assert_view(words.plain, texts[i]);
    }
}

/* What `申报 40` is followed by: a day and a length in whichever order, then the description. */
static struct when read_when(const char *text, struct words *rest) {
    struct when when;
    *rest = read_text(text);
    when_read(arena, rest, &when);
    return when;
}

static void what_looks_like_a_day_is_asked_about(void **state) {
    (void)state;
    static const char *const unclear[][2] = {
        {"1小时 22/11 打扫", "22/11"},
        {"22/11 1小时 打扫", "22/11"},
        {"1小时 31/10", "31/10"},
        {"1小时 0月0日 打扫", "0月0日"},
        {"1小时 0月0日打扫", "0月0日"},
        {"1小时 下周一 打扫", "下周一"},
        {"1小时 上周 打扫", "上周"},
        {"1小时 上周帮老人买菜", "上周"},
        {"1小时 上個月 打扫", "上个月"},
        {"1小时 一周前 打扫", "一周前"},
        {"1小时 Nov 20 打扫", "Nov 20"},
        {"1小时 Nov. 20", "Nov. 20"},
        {"1小时 20 November 打扫", "20 November"},
        {"261101 1小时 打扫", "261101"},
        {"1小时 20261301", "20261301"},
        {"1小时 1120 打扫", "1120"},
        {"1小时 11-20-2026", "11-20-2026"},
        {"1小时 3.5 打扫", "3.5"},
        {"1小时 腊月初八 打扫", "腊月初八"},
        {"1小时 11月 打扫", "11月"},
        {"1小时 月底 打扫", "月底"},
        {"1小时 前几天 打扫", "前几天"},
        {"1小时 周末 打扫", "周末"},
        {"1小时 20号和21号 打扫", "20号和21号"},
        {"1小时 11月20-22日 打扫", "11月20-22日"},
        {"1小时 20日游", "20日"},
        {"1小时 20号志愿活动", "20号"},
        {"1小时 3号值班室打扫", "3号"},
        {"1小时 20号和21号打扫", "20号和21号"},
        {"1小时 下周六打扫", "下周六"},
        {"1小时 下个星期天打扫", "下个星期天"},
        {"1小时 下个月20号打扫", "下个月20号"},
        {"1小时 去年11月20日打扫", "去年11月20日"},
        {"1小时 11 20 打扫", "11 20"},
        {"11 20 打扫 1小时", "11 20"},
        {"20 打扫", "20"},
        {"20 打扫 2小时", "20"},
        {"1小时 打扫卫生 上周", "上周"},
        {"1小时 打扫卫生 下周六", "下周六"},
        {"1小时 打扫卫生 22/11", "22/11"},
        {"1小时 打扫卫生 11-20", "11-20"},
        {"1小时 打扫卫生 11 20", "11 20"},
        {"1小时 打扫卫生（昨天）", "(昨天)"},
        {"1小时 打扫卫生（昨天下午）", "(昨天下午)"},
        {"1小时 去年 11月20日 打扫", "去年 11月20日"},
        {"1小时 打扫卫生 去年 11月20日", "去年 11月20日"},
        {"1小时 打扫卫生，20号打扫", "20号"},
        {"1小时 20~22日打扫", "20~22日"},
        {"1小时 26年11月20日打扫", "26年11月20日"},
        {"1小时 11-20到11-22 打扫", "11-20到11-22"},
        {"1小时 周六日 打扫", "周六日"},
        {"1小时 半个月前打扫", "半个月前"},
        {"1小时（昨天）打扫", "(昨天)"},
        {"1,5 打扫", "1,5"},
    };
    for (size_t i = 0; i < sizeof unclear / sizeof unclear[0]; i++) {
        struct words rest;
        struct when when = read_when(unclear[i][0], &rest);
        if (when.unclear.n == 0 || when.dated)
            fail_msg("not asked about: %s", unclear[i][0]);
        assert_view(when.unclear, unclear[i][1]);
    }
}

static void a_second_day_or_length_is_asked_about(void **state) {
    (void)state;
    static const char *const unclear[][2] = {
        {"1小时 2小时 昨天", "2小时"},
        {"2小时和3小时 打扫", "3小时"},
        {"9:00-11:00 14:00-16:00 打扫", "14:00-16:00"},
        {"11月20号和21号 1小时 打扫", "21号"},
        {"1小时 11月20号和21号", "21号"},
        {"1小时 11月20号和21号打扫", "21号"},
        {"1小时 11月20日、21日 打扫", "21日"},
        {"1小时 11月20日至22日打扫", "22日"},
        {"1小时 昨天和今天打扫", "今天"},
        {"1小时 周一到周五值班", "周五"},
        {"1小时 昨天 11月20日 打扫", "11月20日"},
        {"1小时 打扫 20号和21号", "20号和21号"},
        {"1小时 打扫 昨天 今天", "今天"},
        {"1小时 打扫 20号 和 21号", "21号"},
        {"1小时 20号、21号打扫", "21号"},
        {"2 打扫 3小时", "2"},
    };
    for (size_t i = 0; i < sizeof unclear / sizeof unclear[0]; i++) {
        struct words rest;
        struct when when = read_when(unclear[i][0], &rest);
        if (when.unclear.n == 0)
            fail_msg("not asked about: %s", unclear[i][0]);
        assert_view(when.unclear, unclear[i][1]);
    }
}

static void descriptions_pass_whatever_figures_they_hold(void **state) {
    (void)state;
    static const char *const today[] = {
        "巡逻3号楼",
        "3号楼巡逻",
        "3号和5号楼巡逻",
        "3号、5号楼巡逻",
        "照顾80岁老人",
        "80岁老人陪护",
        "第2次",
        "第2次 巡逻",
        "周末市集",
        "周边巡逻",
        "周老师的课",
        "24小时便民点值守",
        "3次 巡逻",
        "3 号楼巡逻",
        "三年级辅导",
        "1-3岁儿童看护",
        "上楼送菜",
        "下楼陪同",
        "前进社区巡逻",
        "本小区巡逻",
        "天台清扫",
        "日常巡逻",
        "月饼分发",
        "三八妇女节活动",
        "七一慰问",
        "十周年庆典",
        "一日三餐配送",
        "五一 慰问",
        "初心讲堂",
        "大家一起打扫",
        "到3号楼巡逻",
        "和平街巡逻",
        "110 宣传",
        "13912345678 联系",
        "1203室打扫",
        "2026年度总结",
        "2.5公里徒步",
        "5名老人",
        "9:00 集合",
        "- 打扫",
        "——打扫",
        "3月学雷锋活动",
        "下周活动筹备",
        "每天巡逻",
        "decorations",
        "A3 海报",
        "100-200米河道清理",
        "(2小时) 打扫",
        "一月一访",
        "1+1 结对",
        "整理上周会议纪要",
        "整理 上周会议纪要",
        "整理 11月20日会议纪要",
        "巡逻 3号楼",
        "1-3号楼打扫",
        "巡逻 3 号楼",
        "巡逻 3号 楼",
        "巡逻 3号、5号楼",
        "巡逻 3-5 号楼",
        "看护 1-3 岁儿童",
        "走访 11 20 号楼",
        "打扫 1120 室",
        "寄信 100010",
        "陪护,5名老人,每天三次",
        "走了 3.5 公里",
        "服务 周末市集",
        "发放 今天的报纸",
    };
    for (size_t i = 0; i < sizeof today / sizeof today[0]; i++) {
        struct words rest;
        char line[128];
        snprintf(line, sizeof line, "2小时 %s", today[i]);
        struct when when = read_when(line, &rest);
        if (when.unclear.n > 0)
            fail_msg("%s: asked about %s", line, str_z(arena, when.unclear));
        assert_true(when.timed && !when.dated);
        assert_int_equal(when.hours.minutes, 120);
        assert_view(rest.plain, today[i]);
    }
}

static void behind_a_day_its_description_passes_too(void **state) {
    (void)state;
    static const char *const yesterday[] = {
        "到3号楼巡逻",    "和5号院居民座谈", "周六市集布置",     "上周会议纪要整理",
        "下周一活动筹备", "十周年 庆典",     "2小时 打扫",       "晚上 打扫",
        "到周边社区宣传", "20号楼打扫",      "24小时便民点值守", "今天的报纸分发",
    };
    for (size_t i = 0; i < sizeof yesterday / sizeof yesterday[0]; i++) {
        struct words rest;
        char line[128];
        snprintf(line, sizeof line, "2小时 昨天 %s", yesterday[i]);
        struct when when = read_when(line, &rest);
        if (when.unclear.n > 0)
            fail_msg("%s: asked about %s", line, str_z(arena, when.unclear));
        assert_true(when.timed && when.dated);
        assert_int_equal(when.day.days_ago, 1);
        assert_view(rest.plain, yesterday[i]);
    }
    struct words rest;
    assert_int_equal(read_when("20 昨天 打扫", &rest).hours.minutes, 1200);
    assert_view(rest.plain, "打扫");
    assert_int_equal(read_when("2小时 11月21日 周六 打扫", &rest).unclear.n, 0);
    assert_int_equal(read_when("9:00-11:00 2小时 打扫", &rest).unclear.n, 0);
}

static void a_day_stands_before_in_or_behind_the_description(void **state) {
    (void)state;
    static const struct {
        const char *text;
        struct day day;
        const char *description;
    } declared[] = {
        {"20号打扫 2小时", {.day = 20}, "打扫"},
        {"2小时 20号打扫3号楼", {.day = 20}, "打扫3号楼"},
        {"2小时 20日打扫", {.day = 20}, "打扫"},
        {"2小时 11/20打扫", {.month = 11, .day = 20}, "打扫"},
        {"2小时 11.20打扫", {.month = 11, .day = 20}, "打扫"},
        {"11月20打扫 2小时", {.month = 11, .day = 20}, "打扫"},
        {"2小时 二十號打掃", {.day = 20}, "打掃"},
        {"打扫卫生 昨天 2小时", {.days_ago = 1}, "打扫卫生"},
        {"打扫卫生，昨天，2小时。", {.days_ago = 1}, "打扫卫生"},
        {"2小时 打扫卫生 11月20日", {.month = 11, .day = 20}, "打扫卫生"},
        {"2小时 打扫卫生，11月20日，扶老人", {.month = 11, .day = 20}, "打扫卫生，扶老人"},
        {"打扫卫生 9:00-11:00 周六", {.day = -6}, "打扫卫生"},
        {"打扫卫生 昨天2小时", {.days_ago = 1}, "打扫卫生"},
        {"打扫卫生 昨天上午 2小时", {.days_ago = 1}, "打扫卫生"},
        {"2小时 打扫卫生 昨天上午", {.days_ago = 1}, "打扫卫生 上午"},
        {"2小时 打扫卫生 2026-11-20", {.year = 2026, .month = 11, .day = 20}, "打扫卫生"},
        {"2小时 打扫卫生 3天前 很累", {.days_ago = 3}, "打扫卫生 很累"},
        {"2小时 打扫卫生 明天", {.days_ago = -1}, "打扫卫生"},
        {"2 打扫卫生 昨天", {.days_ago = 1}, "打扫卫生"},
    };
    for (size_t i = 0; i < sizeof declared / sizeof declared[0]; i++) {
        struct words rest;
        struct when when = read_when(declared[i].text, &rest);
        if (when.unclear.n > 0)
            fail_msg("%s: asked about %s", declared[i].text, str_z(arena, when.unclear));
        if (!when.dated || when.hours.minutes != 120)
            fail_msg("not understood: %s", declared[i].text);
        assert_memory_equal(&when.day, &declared[i].day, sizeof when.day);
        assert_view(words_typed(rest), declared[i].description);
    }
}

static void the_evening_of_a_day_is_the_evening_of_its_clock(void **state) {
    (void)state;
    struct words rest;
    struct when when = read_when("昨晚7点到9点 巡逻", &rest);
    assert_int_equal(when.day.days_ago, 1);
    assert_string_equal(when.hours.from, "19:00");
    assert_string_equal(when.hours.to, "21:00");
    assert_view(rest.plain, "巡逻");
    when = read_when("昨天晚上 2小时 巡逻", &rest);
    assert_int_equal(when.day.days_ago, 1);
    assert_int_equal(when.hours.minutes, 120);
    assert_view(rest.plain, "巡逻");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

static void assert_period(const char *typed, const char *expected) {
    char out[WORDS_PERIOD_SIZE] = "";
    size_t n = words_period(str_from(typed), out);
    if (!expected) {
        assert_int_not_equal(n, strlen(typed));
        return;
    }
    assert_string_equal(out, expected);
    assert_int_equal(n, strlen(typed));
}

static void test_a_period_is_a_quarter_or_a_month(void **state) {
    (void)state;
    static const char *const quarters[] = {"2026-Q3", "2026Q3", "2026年第三季度", "2026年3季度",
                                           "2026-3"};
    static const char *const months[] = {"2026-03", "2026年3月", "2026年三月", "2026年03月份"};
    for (size_t i = 0; i < sizeof quarters / sizeof quarters[0]; i++)
        assert_period(quarters[i], "2026-Q3");
    for (size_t i = 0; i < sizeof months / sizeof months[0]; i++)
        assert_period(months[i], "2026-03");
    assert_period("2026-10", "2026-10");
    assert_period("2026年十二月", "2026-12");
    static const char *const none[] = {"2026-Q5", "2026-13", "2026-00",       "2026-5",
                                       "26-Q3",   "1999-Q3", "2026年第10季度"};
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++)
        assert_period(none[i], NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_period_is_a_quarter_or_a_month),
        TEST(full_width_letters_digits_and_blanks_become_half_width),
        TEST(a_sentence_keeps_what_was_typed),
        TEST(a_command_is_the_whole_text_or_followed_by_a_break),
        TEST(traditional_characters_become_simplified),
        TEST(numbers_come_in_lists),
        TEST(lengths_in_every_form),
        TEST(spans_in_every_form),
        TEST(what_is_no_length_is_left_alone),
        TEST(days_in_every_form),
        TEST(what_is_no_day_is_left_alone),
        TEST(what_looks_like_a_day_is_asked_about),
        TEST(a_second_day_or_length_is_asked_about),
        TEST(descriptions_pass_whatever_figures_they_hold),
        TEST(behind_a_day_its_description_passes_too),
        TEST(a_day_stands_before_in_or_behind_the_description),
        TEST(the_evening_of_a_day_is_the_evening_of_its_clock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
