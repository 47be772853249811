/* Answers given again without the database. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/base/limits.h"
#include "server/recent.h"
#include "server/request.h"

static const struct account demo = {.id = "demo"}, other = {.id = "other"};
static const struct request asks = {.account = &demo, .openid = "oA", .act = "message"};

static void the_same_is_said_again_for_a_moment(void **state) {
    (void)state;
    struct recent *recent = recent_new();
    assert_int_equal(0, recent_find(recent, &asks, 1000).n);
    recent_keep(recent, &asks, STR("您好"), 1000);
    assert_true(str_is(recent_find(recent, &asks, 1000 + RECENT_MS - 1), "您好"));
    assert_int_equal(0, recent_find(recent, &asks, 1000 + RECENT_MS).n);
    recent_keep(recent, &asks, STR("您好，沈静"), 9000);
    assert_true(str_is(recent_find(recent, &asks, 9001), "您好，沈静"));
    recent_free(recent);
}

static void a_repeated_push_comes_too_late_for_it(void **state) {
    (void)state;
    assert_true(RECENT_MS < CALLBACK_BUDGET_MS);
}

static void nobody_gets_what_another_was_told(void **state) {
    (void)state;
    struct recent *recent = recent_new();
    recent_keep(recent, &asks, STR("您好"), 1000);
    const struct request others[] = {
        {.account = &demo, .openid = "oB", .act = "message"},
        {.account = &other, .openid = "oA", .act = "message"},
        {.account = &demo, .openid = "oA", .act = "tap"},
        {.account = &demo, .openid = "oA"},
    };
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        assert_int_equal(0, recent_find(recent, &others[i], 1000).n);
    recent_free(recent);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_is_said_again_for_a_moment),
        cmocka_unit_test(a_repeated_push_comes_too_late_for_it),
        cmocka_unit_test(nobody_gets_what_another_was_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
