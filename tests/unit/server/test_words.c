#include "tests/unit/server/typed.h"

#include <string.h>

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

static void a_period_is_a_quarter_or_a_month(void **state) {
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
        TEST(full_width_letters_digits_and_blanks_become_half_width),
        TEST(a_sentence_keeps_what_was_typed),
        TEST(a_command_is_the_whole_text_or_followed_by_a_break),
        TEST(traditional_characters_become_simplified),
        TEST(numbers_come_in_lists),
        TEST(a_period_is_a_quarter_or_a_month),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
