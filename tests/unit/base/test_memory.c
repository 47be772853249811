/* The reserve: what it hands out is apart, comes back whole, and is told of. The linker gives this
 * program a malloc() that fails when a test says so (CMakeLists.txt). */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "server/base/arena.h"
#include "server/base/buf.h"
#include "server/base/limits.h"
#include "server/base/memory.h"
#include "wechat/message.h"

static bool starving;

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *memory, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *memory, size_t size);

void *__wrap_malloc(size_t size) {
    return starving ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size) {
    return starving ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *memory, size_t size) {
    return starving ? NULL : __real_realloc(memory, size);
}

static int tear_down(void **state) {
    (void)state;
    starving = false;
    assert_false(memory_is_short());
    return 0;
}

static void the_reserve_stands_in_and_says_so(void **state) {
    (void)state;
    assert_false(memory_is_short());
    starving = true;
    char *one = memory_get(100), *two = memory_get_zeroed(100);
    memset(one, 'x', 100);
    for (int i = 0; i < 100; i++)
        assert_int_equal(two[i], 0);
    assert_true(memory_is_short());
    assert_null(memory_try(1));
    memory_put(one);
    assert_true(memory_is_short()); /* the system has none yet */
    memory_put(two);
}

static void what_grows_keeps_its_bytes(void **state) {
    (void)state;
    char *text = memory_strdup("0123456789");
    starving = true;
    text = memory_realloc(text, 1000); /* from the system into the reserve */
    assert_string_equal(text, "0123456789");
    text = memory_realloc(text, 4);
    starving = false;
    text = memory_realloc(text, 2000); /* and out again */
    assert_memory_equal(text, "0123", 4);
    memory_put(text);
    assert_null(memory_calloc(SIZE_MAX, 2));
}

/* Pieces of many sizes, freed in another order: nothing overlaps, and in the end the reserve is one
 * piece again. */
static void whatever_was_taken_comes_back_whole(void **state) {
    (void)state;
    enum { N = 500 };
    unsigned char *pieces[N] = {0};
    starving = true;
    for (int round = 0; round < 20; round++) {
        for (int i = round % 3; i < N; i += 3) {
            size_t size = (size_t)(i * 37 % 900 + 1);
            if (pieces[i]) {
                for (size_t k = 0; k < size; k++)
                    assert_int_equal(pieces[i][k], i % 251);
                memory_put(pieces[i]);
                pieces[i] = NULL;
            } else {
                pieces[i] = memory_get(size);
                memset(pieces[i], i % 251, size);
            }
        }
    }
    for (int i = 0; i < N; i++)
        memory_put(pieces[i]);
    void *nearly_all = memory_malloc(MEMORY_RESERVE_BYTES - 64);
    assert_non_null(nearly_all);
    assert_null(memory_malloc(4096));
    memory_put(nearly_all);
}

static void a_half_used_reserve_keeps_the_door_closed(void **state) {
    (void)state;
    starving = true;
    void *much = memory_get(MEMORY_RESERVE_BYTES / 2 + 1);
    starving = false;
    assert_true(memory_is_short());
    memory_put(much);
    assert_false(memory_is_short());
}

static void an_arena_goes_on_and_refuses_what_is_large(void **state) {
    (void)state;
    starving = true;
    struct arena *arena = arena_new();
    struct buf buf;
    buf_init(&buf, arena);
    for (int i = 0; i < 10000; i++)
        buf_puts(&buf, "words ");
    assert_int_equal(buf_view(&buf).n, 60000);
    static const char zeros[1 << 20];
    assert_false(buf_try_add(&buf, zeros, sizeof zeros));
    assert_int_equal(buf_view(&buf).n, 60000);
    starving = false;
    assert_true(buf_try_add(&buf, zeros, sizeof zeros));
    arena_free(arena);
}

/* Its references are decoded in memory that the library asks for. */
static void a_push_is_read_whole_or_refused(void **state) {
    (void)state;
    static const struct str xml = STR("<xml><Content>fish &amp; chips</Content></xml>");
    const struct message_field *fields;
    struct arena *arena = arena_new();
    assert_int_equal(message_fields_parse(arena, xml, &fields), MESSAGE_OK);
    assert_true(str_is(message_value(fields, "Content"), "fish & chips"));
    starving = true;
    void *nearly_all = memory_malloc(MEMORY_RESERVE_BYTES - 64);
    assert_int_equal(message_fields_parse(arena, xml, &fields), MESSAGE_NOT_XML);
    memory_put(nearly_all);
    assert_int_equal(message_fields_parse(arena, xml, &fields), MESSAGE_OK);
    starving = false;
    arena_free(arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(the_reserve_stands_in_and_says_so, tear_down),
        cmocka_unit_test_teardown(what_grows_keeps_its_bytes, tear_down),
        cmocka_unit_test_teardown(whatever_was_taken_comes_back_whole, tear_down),
        cmocka_unit_test_teardown(a_half_used_reserve_keeps_the_door_closed, tear_down),
        cmocka_unit_test_teardown(an_arena_goes_on_and_refuses_what_is_large, tear_down),
        cmocka_unit_test_teardown(a_push_is_read_whole_or_refused, tear_down),
    };
    return cmocka_run_group_tests_name("memory", tests, NULL, NULL);
}
