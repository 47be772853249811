/* What a notification says in a chat, and in the short fields of the platform's templates. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "server/config.h"
#include "server/notification_words.h"

static const struct config config = {.public_url = "https://example.org"};
static const struct account account = {.id = "demo", .name = "鼓楼"};

static int set_up(void **state) {
    *state = arena_new();
    return 0;
}

static int tear_down(void **state) {
    arena_free(*state);
    return 0;
}

static void delete_json(void *json) {
    cJSON_Delete(json);
}

static cJSON *parse(struct arena *arena, const char *text) {
    cJSON *facts = cJSON_Parse(text);
    assert_non_null(facts);
    arena_on_free(arena, delete_json, facts);
    return facts;
}

static const char *say(struct arena *arena, const char *facts) {
    struct buf out;
    buf_init(&out, arena);
    notification_words(&out, parse(arena, facts), &config, &account);
    return buf_view(&out).p;
}

static void test_every_sentence_names_what_it_is_about(void **state) {
    const char *words = say(*state, "{\"what\":\"approved\",\"no\":12,\"item\":\"义务巡逻\","
                                    "\"counted\":\"20\",\"cap\":\"day\"}");
    assert_non_null(strstr(words, "您的申报（编号：12 义务巡逻）已通过，计20分（已到每日上限）。"));
    words = say(*state,
                "{\"what\":\"returned\",\"no\":12,\"item\":\"义务巡逻\",\"words\":\"请补照片\"}");
    assert_non_null(strstr(words, "被退回：请补照片"));
    assert_non_null(strstr(words, "重交 12 说明"));
    words = say(*state,
                "{\"what\":\"notice_opened\",\"title\":\"三季度公示\",\"notice\":3,\"entries\":2,"
                "\"counted\":\"40\",\"last_day\":\"2026-12-01\"}");
    assert_non_null(strstr(words, "您有2条、共40分"));
    assert_non_null(strstr(words, "异议期至12月1日"));
    assert_non_null(strstr(words, "https://example.org/demo/notices/3"));
    words = say(*state, "{\"what\":\"queue_waiting\",\"waiting\":3,\"days\":0,\"due\":2,"
                        "\"period\":\"2026-Q4\",\"last_day\":\"2027-01-15\"}");
    assert_non_null(strstr(words, "有3条申报等待您审核。其中2026-Q4的2条应在1月15日前审完。"));
    words = say(*state, "{\"what\":\"second_wanted\",\"kind\":\"freeze\",\"period\":\"2026-Q4\","
                        "\"request\":3,\"by\":\"王主任\",\"approved\":9,\"waiting\":1,"
                        "\"early_from\":\"2027-01-16\"}");
    assert_non_null(strstr(words, "王主任提出冻结公示 2026-Q4，等您同意（申请编号：3）。"));
    assert_non_null(strstr(words, "9条将列入公示；还有1条没审完"));
    assert_non_null(strstr(words, "1月16日起冻结，现在还早"));
    assert_non_null(strstr(words, "不同意 3 原因"));
    assert_non_null(strstr(words, ">同意</a>"));
}

/* A reviewer's words must not become a link in somebody else's chat. */
static void test_a_reason_cannot_carry_a_link(void **state) {
    const char *words = say(*state, "{\"what\":\"rejected\",\"no\":1,\"item\":\"x\","
                                    "\"words\":\"<a href='http://evil'>点我</a>\"}");
    assert_null(strstr(words, "<a href='http://evil'>"));
}

static void test_a_field_is_as_long_as_its_type_may_be(void **state) {
    cJSON *facts = parse(*state, "{\"what\":\"approved\",\"no\":12,\"counted\":\"20\","
                                 "\"item\":\"一二三四五六七八九十一二三四五六七八九十一\"}");
    assert_string_equal(notification_field(*state, facts, "thing1", "item"),
                        "一二三四五六七八九十一二三四五六七八九…");
    assert_string_equal(notification_field(*state, facts, "phrase2", "result"), "已通过");
    assert_string_equal(notification_field(*state, facts, "number3", "counted"), "20");
    assert_string_equal(notification_field(*state, facts, "character_string4", "no"), "12");
    assert_string_equal(notification_field(*state, facts, "thing5", "words"), "无");
    assert_string_equal(notification_field(*state, facts, "number6", "waiting"), "0");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_every_sentence_names_what_it_is_about, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_a_reason_cannot_carry_a_link, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_field_is_as_long_as_its_type_may_be, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
