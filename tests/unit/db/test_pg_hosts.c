/* Several hosts in one url, begun with another one each time. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "db/pg_hosts.h"

/* The value that replaces the url's; "" when it stays. */
static const char *value_of(const struct pg_hosts *hosts, const char *keyword) {
    for (int i = 0; i < hosts->n; i++) {
        if (strcmp(hosts->keywords[i], keyword) == 0)
            return hosts->values[i];
    }
    return "";
}

static void assert_turned(const char *url, unsigned turn, const char *host, const char *port) {
    struct pg_hosts hosts;
    pg_hosts_turn(&hosts, url, turn);
    assert_string_equal(value_of(&hosts, "host"), host);
    assert_string_equal(value_of(&hosts, "port"), port);
}

static void the_first_turn_leaves_the_url_as_it_is(void **state) {
    (void)state;
    assert_turned("postgresql://a:1,b:2/gulou", 0, "", "");
    assert_turned("postgresql://a:1,b:2/gulou", 2, "", "");
}

static void each_turn_begins_with_the_next_host_and_its_port(void **state) {
    (void)state;
    assert_turned("postgresql://a:1,b:2,c:3/gulou", 1, "b,c,a", "2,3,1");
    assert_turned("postgresql://a:1,b:2,c:3/gulou", 2, "c,a,b", "3,1,2");
    assert_turned("host=a,b port=1,2 dbname=gulou", 3, "b,a", "2,1");
}

static void one_port_is_everybodys(void **state) {
    (void)state;
    assert_turned("host=a,b port=6000", 1, "b,a", "");
}

static void addresses_turn_with_their_names(void **state) {
    (void)state;
    struct pg_hosts hosts;
    pg_hosts_turn(&hosts, "host=a,b hostaddr=10.0.0.1,10.0.0.2 port=1,2", 1);
    assert_string_equal(value_of(&hosts, "host"), "b,a");
    assert_string_equal(value_of(&hosts, "hostaddr"), "10.0.0.2,10.0.0.1");
    assert_string_equal(value_of(&hosts, "port"), "2,1");
}

static void one_host_or_nonsense_stays(void **state) {
    (void)state;
    assert_turned("postgresql:///gulou?host=/run/postgresql", 1, "", "");
    assert_turned("no url at all", 1, "", "");
}

static void a_list_that_is_too_long_stays(void **state) {
    (void)state;
    char url[3 * PG_HOST_LIST_MAX] = "host=a,";
    memset(url + 7, 'b', PG_HOST_LIST_MAX);
    struct pg_hosts hosts;
    pg_hosts_turn(&hosts, url, 1);
    assert_int_equal(hosts.n, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_turn_leaves_the_url_as_it_is),
        cmocka_unit_test(each_turn_begins_with_the_next_host_and_its_port),
        cmocka_unit_test(one_port_is_everybodys),
        cmocka_unit_test(addresses_turn_with_their_names),
        cmocka_unit_test(one_host_or_nonsense_stays),
        cmocka_unit_test(a_list_that_is_too_long_stays),
    };
    return cmocka_run_group_tests_name("pg_hosts", tests, NULL, NULL);
}
