#include "tests/unit/server/typed.h"

#include <stdio.h>

#include "server/unclear.h"
#include "server/when.h"

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
        {"1小时 打扫卫生 11-20 组织活动", "11-20"},
        {"1小时 打扫卫生 12-31 元旦", "12-31"},
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
        {"1小时 昨天的活动收尾", "昨天"},
        {"1小时 上上周三打扫", "上上周"},
        {"1,5 打扫", "1,5"},
        /* of which day of them? */
        {"本周打扫2小时", "本周"},
        {"2小时 这周社区活动", "这周"},
        {"這個星期打扫2小时", "这个星期"},
        {"上周打扫2小时", "上周"},
        {"上周末打扫2小时", "上周末"},
        {"周末巡逻2小时", "周末"},
        {"本月打扫2小时", "本月"},
        {"本月3号楼打扫2小时", "本月"},
        {"上个月3号楼打扫2小时", "上个月"},
        {"本月20-22日打扫2小时", "本月20-22日"},
        {"11月打扫2小时", "11月"},
        {"11月份社区活动2小时", "11月份"},
        {"11月上旬社区活动2小时", "11月上旬"},
        {"月底打扫2小时", "月底"},
        {"前几天打扫2小时", "前几天"},
        {"最近打扫2小时", "最近"},
        {"去年打扫2小时", "去年"},
        {"那天打扫2小时", "那天"},
        {"三天打扫2小时", "三天"},
        {"连续三天打扫2小时", "连续三天"},
        {"周六日打扫2小时", "周六日"},
        {"周三、五打扫2小时", "周三、五"},
        {"初三打扫2小时", "初三"},
        {"农历十月初三打扫2小时", "农历十月初三"},
        {"正月十五打扫2小时", "正月十五"},
        {"半天打扫", "半天"},
        {"每天打扫2小时", "每天"},
        {"每天早上打扫2小时", "每天早上"},
        {"每日 打扫2小时", "每日"},
        {"天天打扫2小时", "天天"},
        {"每天9:00-11:00打扫", "每天"},
        {"每天2小时打扫", "每天"},
        {"每周打扫2小时", "每周"},
        {"每周六打扫2小时", "每周六"},
        {"每个月20号打扫2小时", "每个月20号"},
        {"這學期打扫2小时", "这学期"},
        {"上个学期护学2小时", "上个学期"},
        {"本学期 打扫2小时", "本学期"},
        {"暑假打扫2小时", "暑假"},
        {"上半年打扫2小时", "上半年"},
        {"最近 打扫2小时", "最近"},
        /* … also in the midst of what was done */
        {"帮忙本周打扫2小时", "本周"},
        {"幫忙這學期打扫2小时", "这学期"},
        {"我上周打扫2小时", "上周"},
        {"大家前几天打扫2小时", "前几天"},
        {"帮忙周末打扫2小时", "周末"},
        {"帮忙11月打扫2小时", "11月"},
        {"帮忙连续三天打扫2小时", "连续三天"},
        {"在前进社区每天打扫2小时", "每天"},
        {"参加上个月打扫2小时", "上个月"},
        {"清理楼道 本周打扫2小时", "本周"},
        {"我昨天和今天打扫2小时", "今天"},
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
        {"周三、周五打扫 2小时", "周五"},
        {"昨天打扫2小时，扫雪3小时", "3小时"},
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
        "今天的报纸分发",
        "单车摆放 20-30 辆",
        "1-3 单元 打扫",
        "10周年 庆典",
        "提前2小时准备",
        "补课",
        "这周边巡逻",
        "本月刊分发",
        "最近的公园打扫",
        "初三辅导",
        "初步整理",
        "三天两头打扫",
        "20号街道清扫",
        "每天晨练队的集合",
        "每天三次巡逻",
        "每周一歌排练",
        "每日优鲜站送菜",
        "每人一盏灯",
        "天天超市门口劝导",
        "暑假辅导班",
        "学期总结会",
        "上学接送",
        "本学堂打扫",
        "整理本周打扫记录",
        "整理 上周走访记录",
        "帮忙本周打扫照片归档",
        "参加周末打扫活动",
        "帮忙半天打扫",
        "帮上周老师搬家",
        "社区本周刊分发",
        "小区20号打扫",
        "我们11-20打扫",
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
    assert_int_equal(read_when("周日三人打扫", &rest).day.day, -7);
    assert_view(rest.plain, "三人打扫");
    assert_int_equal(read_when("2小时 大后天 打扫", &rest).day.days_ago, -3);
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
        {"2小时 打扫卫生 昨天晚", {.days_ago = 1}, "打扫卫生 晚"},
        {"2小时 打扫卫生 昨天晚上7点", {.days_ago = 1}, "打扫卫生 晚上7点"},
        {"2小时 补报 昨天打扫", {.days_ago = 1}, "打扫"},
        {"补报昨天打扫，2小时", {.days_ago = 1}, "打扫"},
        {"11月20日（周五）2小时 打扫", {.month = 11, .day = 20}, "打扫"},
        {"昨天打扫卫生，共2小时", {.days_ago = 1}, "打扫卫生"},
        {"2 打扫卫生 昨天", {.days_ago = 1}, "打扫卫生"},
        {"我昨天打扫2小时", {.days_ago = 1}, "我打扫2小时"},
        {"帮忙11月20日上午打扫 2小时", {.month = 11, .day = 20}, "帮忙上午打扫"},
        {"大家一起20号打扫 2小时", {.day = 20}, "大家一起打扫"},
        {"在前进社区周六打扫 2小时", {.day = -6}, "在前进社区打扫"},
        {"2小时 清理楼道 昨天打扫", {.days_ago = 1}, "清理楼道 打扫"},
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

static void a_length_may_end_a_word_which_stays_as_it_is(void **state) {
    (void)state;
    static const char *const two_hours[] = {
        "打扫2小时",     "打扫两小时",         "打扫卫生2h",
        "打扫约2小时",   "打扫2小时，很累",    "下午在前进社区打扫2小时",
        "护学7:00-9:00", "打扫2小时，共2小时",
    };
    struct words rest;
    for (size_t i = 0; i < sizeof two_hours / sizeof two_hours[0]; i++) {
        char line[128];
        snprintf(line, sizeof line, "昨天%s", two_hours[i]);
        struct when when = read_when(line, &rest);
        if (when.unclear.n > 0 || !when.timed || when.hours.minutes != 120)
            fail_msg("not understood: %s", line);
        assert_int_equal(when.day.days_ago, 1);
    }
    assert_view(words_typed(rest), "打扫2小时");
    read_when("上午打扫１．５小时", &rest);
    assert_view(words_typed(rest), "上午打扫１．５小时");
    static const char *const none[] = {"河道100m",  "测验得3分",     "几小时", "第2小时",
                                       "提前2小时", "打扫2个多小时", "打扫"};
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++)
        if (read_when(none[i], &rest).timed)
            fail_msg("read: %s", none[i]);
}

static void what_is_asked_about_unclear_words(void **state) {
    (void)state;
    static const struct {
        const char *words;
        enum unclear_kind kind;
    } asked[] = {
        {"上周", UNCLEAR_SPAN},        {"11月", UNCLEAR_SPAN},   {"11月上旬", UNCLEAR_SPAN},
        {"每天", UNCLEAR_SPAN},        {"这学期", UNCLEAR_SPAN}, {"周末", UNCLEAR_SPAN},
        {"一周前", UNCLEAR_SPAN},      {"初三", UNCLEAR_LUNAR},  {"腊月初八", UNCLEAR_LUNAR},
        {"半天", UNCLEAR_LENGTH},      {"22/11", UNCLEAR_OTHER}, {"下周六", UNCLEAR_OTHER},
        {"20号和21号", UNCLEAR_OTHER}, {"三天", UNCLEAR_OTHER}};
    for (size_t i = 0; i < sizeof asked / sizeof asked[0]; i++)
        if (unclear_kind(str_from(asked[i].words)) != asked[i].kind)
            fail_msg("asked about otherwise: %s", asked[i].words);
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

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(what_looks_like_a_day_is_asked_about),
        TEST(a_second_day_or_length_is_asked_about),
        TEST(descriptions_pass_whatever_figures_they_hold),
        TEST(behind_a_day_its_description_passes_too),
        TEST(a_day_stands_before_in_or_behind_the_description),
        TEST(a_length_may_end_a_word_which_stays_as_it_is),
        TEST(what_is_asked_about_unclear_words),
        TEST(the_evening_of_a_day_is_the_evening_of_its_clock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
