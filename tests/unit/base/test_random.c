#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "server/base/random.h"

static int by_value(const void *a, const void *b) {
    return memcmp(a, b, 16);
}

static void no_sixteen_bytes_are_given_twice(void **state) {
    enum { MANY = 20000 };
    unsigned char(*all)[16] = calloc(MANY, sizeof *all);
    (void)state;
    for (int i = 0; i < MANY; i++)
        random_bytes(all[i], sizeof all[i]);
    qsort(all, MANY, sizeof *all, by_value);
    for (int i = 1; i < MANY; i++)
        assert_memory_not_equal(all[i - 1], all[i], sizeof *all);
    free(all);
}

static void every_byte_of_a_long_piece_is_filled(void **state) {
    enum { LONG = 1000, TRIES = 12 };
    unsigned char seen[LONG] = {0};
    (void)state;
    for (int k = 0; k < TRIES; k++) { /* a byte that is 0 every time was not written */
        unsigned char bytes[LONG] = {0};
        random_bytes(bytes, sizeof bytes);
        for (int i = 0; i < LONG; i++)
            seen[i] |= bytes[i];
    }
    for (int i = 0; i < LONG; i++)
        assert_int_not_equal(seen[i], 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_sixteen_bytes_are_given_twice),
        cmocka_unit_test(every_byte_of_a_long_piece_is_filled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
