/* How often strangers may cause something. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/rate.h"

static void each_has_its_own_share_of_a_minute(void **state) {
    (void)state;
    struct rate *rate = rate_new(2, 100);
    assert_true(rate_take(rate, STR("192.0.2.1"), 7));
    assert_true(rate_take(rate, STR("192.0.2.1"), 7));
    assert_false(rate_take(rate, STR("192.0.2.1"), 7));
    assert_true(rate_take(rate, STR("192.0.2.2"), 7));
    assert_true(rate_take(rate, STR("192.0.2.1"), 8));
    rate_free(rate);
}

static void who_has_had_their_share_takes_none_of_the_others(void **state) {
    (void)state;
    struct rate *rate = rate_new(2, 3);
    for (int i = 0; i < 10; i++)
        rate_take(rate, STR("a"), 7);
    assert_true(rate_take(rate, STR("b"), 7));
    rate_free(rate);
}

static void all_together_have_no_more_than_all(void **state) {
    (void)state;
    struct rate *rate = rate_new(2, 3);
    assert_true(rate_take(rate, STR("a"), 7));
    assert_true(rate_take(rate, STR("b"), 7));
    assert_true(rate_take(rate, STR("c"), 7));
    assert_false(rate_take(rate, STR("d"), 7));
    assert_true(rate_take(rate, STR("d"), 8));
    rate_free(rate);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_has_its_own_share_of_a_minute),
        cmocka_unit_test(who_has_had_their_share_takes_none_of_the_others),
        cmocka_unit_test(all_together_have_no_more_than_all)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
