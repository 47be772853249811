#include "tests/unit/server/typed.h"

#include "server/hours.h"

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
    assert_minutes("1小时40 打扫", 100, "打扫");
    assert_minutes("1小时 40 打扫", 60, "40 打扫");
    assert_minutes("约2小时 打扫", 120, "打扫");
    assert_minutes("共1小时30分", 90, "");
    assert_minutes("时长2小时", 120, "");
    assert_minutes("2小时左右，打扫", 120, "打扫");
    assert_minutes("2（打扫）", 120, "(打扫)");
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
    const char *texts[] = {"",   "打扫", "2号楼", "1-3岁", "九楼", "25:00-26:00", "半",
                           "2.", "-2",   ".",     "9:00",  "约2",  "共同 打扫"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct words words = read_text(texts[i]);
        struct hours hours;
        if (hours_read(arena, &words, &hours))
            fail_msg("read: %s", texts[i]);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(lengths_in_every_form),
        TEST(spans_in_every_form),
        TEST(what_is_no_length_is_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
