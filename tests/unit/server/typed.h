#ifndef GULOU_TESTS_TYPED_H
#define GULOU_TESTS_TYPED_H

/* What a person typed, for the tests of what is read of it. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/words.h"

static struct arena *arena;

static inline int setup(void **state) {
    (void)state;
    arena = arena_new();
    return 0;
}

static inline int teardown(void **state) {
    (void)state;
    arena_free(arena);
    return 0;
}

static inline struct words read_text(const char *text) {
    return words_read(arena, str_from(text));
}

static inline void assert_view(struct str view, const char *expected) {
    assert_string_equal(str_z(arena, view), expected);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
