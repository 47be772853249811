#include "tests/unit/server/typed.h"

#include "server/day.h"

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
    assert_day("昨儿打扫", (struct day){.days_ago = 1}, "打扫");
    assert_day("20号组织植树", (struct day){.day = 20}, "组织植树");
    assert_day("20号家访", (struct day){.day = 20}, "家访");
    assert_day("20号 口腔义诊", (struct day){.day = 20}, "口腔义诊");
    assert_day("20号 街道清扫", (struct day){.day = 20}, "街道清扫");
    assert_day("12-31 元旦演出", (struct day){.month = 12, .day = 31}, "元旦演出");
    assert_day("11-20 分发报纸", (struct day){.month = 11, .day = 20}, "分发报纸");
    assert_day("20日演出", (struct day){.day = 20}, "演出");
    assert_day("20日护学岗执勤", (struct day){.day = 20}, "护学岗执勤");
    assert_day("20号晚巡逻", (struct day){.day = 20}, "晚巡逻");
    assert_day("20号护学", (struct day){.day = 20}, "护学");
    assert_day("20号（周五）打扫", (struct day){.day = 20}, "打扫");
    assert_day("昨天（周四）打扫", (struct day){.days_ago = 1}, "打扫");
    assert_day("11月20日（周五） 打扫", (struct day){.month = 11, .day = 20}, "打扫");
    assert_day("11/20(星期五)打扫", (struct day){.month = 11, .day = 20}, "打扫");
    assert_day("2026年11月20日x", (struct day){.year = 2026, .month = 11, .day = 20}, "x");
}

static void what_is_no_day_is_left_alone(void **state) {
    (void)state;
    const char *texts[] = {"",          "1-3岁儿童", "13-40 x",    "11月",      "昨",
                           "3.5 公里",  "2026",      "11-",        "1.5",       "2.25 打扫",
                           "20号楼",    "3号早餐店", "32号",       "周边打扫",  "上楼",
                           "11.20公里", "20261319",  "2月饼",      "0天前",     "天前",
                           "3号巡逻车", "3号值班室", "3号宣传栏",  "3号护学岗", "20号早市",
                           "20日游",    "一日三餐",  "昨天的会议", "今天的报纸"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct words words = read_text(texts[i]);
        struct day day;
        if (day_read(arena, &words, &day))
            fail_msg("read: %s", texts[i]);
        assert_view(words.plain, texts[i]);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(days_in_every_form),
        TEST(what_is_no_day_is_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
