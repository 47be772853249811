/* How fast one address may ask, and who an address is behind a proxy. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "server/base/limits.h"
#include "server/visitors.h"

static int set_up(void **state) {
    *state = visitors_new();
    return 0;
}

static int tear_down(void **state) {
    visitors_free(*state);
    return 0;
}

static int let_in(struct visitors *visitors, const char *address, double now) {
    int count = 0;
    while (visitors_take(visitors, str_from(address), now))
        count++;
    return count;
}

static void test_a_burst_then_a_steady_pace(void **state) {
    assert_int_equal(let_in(*state, "203.0.113.7", 1), VISITOR_BURST);
    assert_int_equal(let_in(*state, "203.0.113.7", 1.5), VISITOR_PER_SECOND / 2);
    assert_int_equal(let_in(*state, "203.0.113.7", 10000), VISITOR_BURST);
}

static void test_others_are_not_slowed_down(void **state) {
    let_in(*state, "203.0.113.7", 1);
    assert_true(visitors_take(*state, STR("203.0.113.8"), 1));
    assert_true(visitors_take(*state, STR("2001:db8::1"), 1));
}

static void test_an_ipv6_network_is_one_visitor(void **state) {
    let_in(*state, "2001:db8:1:2::1", 1);
    assert_false(visitors_take(*state, STR("2001:db8:1:2:ffff::9"), 1));
    assert_true(visitors_take(*state, STR("2001:db8:1:3::1"), 1));
}

static void test_limits_elsewhere_count_the_same_visitors(void **state) {
    (void)state;
    unsigned char one[16], neighbour[16], other[16];
    visitors_key(STR("2001:db8:1:2::1"), one);
    visitors_key(STR("2001:db8:1:2:ffff::9"), neighbour);
    visitors_key(STR("2001:db8:1:3::1"), other);
    assert_memory_equal(one, neighbour, 16);
    assert_memory_not_equal(one, other, 16);
    visitors_key(STR("203.0.113.7"), one);
    visitors_key(STR("203.0.113.8"), other);
    assert_memory_not_equal(one, other, 16);
}

static void test_more_addresses_than_there_is_room_for(void **state) {
    char address[32];
    for (int i = 0; i < 3 * VISITORS_MAX; i++) {
        snprintf(address, sizeof address, "10.%d.%d.1", i / 256, i % 256);
        assert_true(visitors_take(*state, str_from(address), 1 + i));
    }
}

static void assert_address(const char *peer, const char *forwarded, const char *trusted,
                           const char *wanted) {
    struct str got = visitors_address(str_from(peer), str_from(forwarded), str_from(trusted));
    assert_true(str_is(got, wanted));
}

static void test_only_a_trusted_proxy_says_who_visits(void **state) {
    (void)state;
    assert_address("203.0.113.7", "198.51.100.1", "", "203.0.113.7");
    assert_address("203.0.113.7", "198.51.100.1", "127.0.0.1", "203.0.113.7");
    assert_address("127.0.0.1", "198.51.100.1", "127.0.0.1", "198.51.100.1");
    assert_address("127.0.0.1", "", "127.0.0.1", "127.0.0.1");
    /* What the visitor wrote into the header itself stands before what the proxy added. */
    assert_address("127.0.0.1", "1.1.1.1, 198.51.100.1", "127.0.0.1", "198.51.100.1");
    assert_address("127.0.0.1", "198.51.100.1, 10.0.0.2", "127.0.0.1, 10.0.0.2", "198.51.100.1");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_burst_then_a_steady_pace, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_others_are_not_slowed_down, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_an_ipv6_network_is_one_visitor, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_more_addresses_than_there_is_room_for, set_up,
                                        tear_down),
        cmocka_unit_test(test_limits_elsewhere_count_the_same_visitors),
        cmocka_unit_test(test_only_a_trusted_proxy_says_who_visits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
