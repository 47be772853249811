/* The ground under everything: memory, views, growing text. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "server/base/arena.h"
#include "server/base/buf.h"
#include "server/base/log.h"
#include "server/base/metrics.h"
#include "server/base/str.h"

static void arena_memory_is_zeroed_and_aligned(void **state) {
    (void)state;
    struct arena *arena = arena_new();
    for (size_t size = 1; size < 100000; size *= 3) {
        unsigned char *memory = arena_alloc(arena, size);
        assert_int_equal((uintptr_t)memory % _Alignof(max_align_t), 0);
        for (size_t i = 0; i < size; i++) {
            assert_int_equal(memory[i], 0);
        }
        memset(memory, 0xff, size);
    }
    arena_free(arena);
}

static void note(void *what) {
    int **next = what;
    **next = 1;
    (*next)++;
}

static void arena_releases_what_it_was_given(void **state) {
    (void)state;
    int seen[2] = {0, 0};
    int *next = seen;
    struct arena *arena = arena_new();
    arena_on_free(arena, note, &next);
    arena_on_free(arena, note, &next);
    arena_free(arena);
    assert_ptr_equal(next, seen + 2);
    assert_int_equal(seen[0] + seen[1], 2);
}

static void numbers_are_read_strictly(void **state) {
    (void)state;
    int64_t value = 7;
    assert_true(str_to_i64(STR("9223372036854775807"), &value));
    assert_true(value == INT64_MAX);
    assert_true(str_to_i64(STR("-9223372036854775808"), &value));
    assert_true(value == INT64_MIN);
    const char *wrong[] = {"", "-", "+1", " 1", "1 ", "1x", "9223372036854775808", "0x10"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        value = 7;
        assert_false(str_to_i64(str_from(wrong[i]), &value));
        assert_int_equal(value, 7);
    }
}

static void views_compare_by_content(void **state) {
    (void)state;
    assert_true(str_eq(str_trim(STR(" \t通过 12\r\n")), STR("通过 12")));
    assert_true(str_starts(STR("绑定 DEMO0001"), STR("绑定")));
    assert_false(str_starts(STR("绑"), STR("绑定")));
    assert_false(str_eq((struct str){"a\0b", 3}, (struct str){"a\0c", 3}));
    assert_true(str_is(str_from(NULL), ""));
}

static void text_grows(void **state) {
    (void)state;
    struct arena *arena = arena_new();
    struct buf buf;
    buf_init(&buf, arena);
    for (int i = 0; i < 1000; i++) {
        buf_printf(&buf, "%03d,", i);
    }
    buf_addstr(&buf, STR("尾"));
    struct str view = buf_view(&buf);
    assert_int_equal(view.n, 4000 + strlen("尾"));
    assert_memory_equal(view.p + 3996, "999,尾", 4 + strlen("尾") + 1);
    arena_free(arena);
}

static void numbers_are_written_in_decimal(void **state) {
    (void)state;
    struct arena *arena = arena_new();
    struct buf buf;
    buf_init(&buf, arena);
    const int64_t numbers[] = {0, 7, -10, INT64_MAX, INT64_MIN};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        buf_i64(&buf, numbers[i]);
        buf_puts(&buf, " ");
    }
    assert_string_equal(buf_view(&buf).p, "0 7 -10 9223372036854775807 -9223372036854775808 ");
    arena_free(arena);
}

static void bytes_are_written_in_hexadecimal(void **state) {
    (void)state;
    char text[2 * 4 + 1];
    str_hex("\x00\x09\xa0\xff", 4, text);
    assert_string_equal(text, "0009a0ff");
}

/* What is logged, with the journal reading or not. */
static void logged(bool to_journal, char *line, size_t room) {
    int ends[2], before = dup(STDERR_FILENO);
    struct stat file;
    char stream[48] = "1:1";
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(fstat(ends[1], &file), 0);
    if (to_journal)
        snprintf(stream, sizeof stream, "%ju:%ju", (uintmax_t)file.st_dev, (uintmax_t)file.st_ino);
    setenv("JOURNAL_STREAM", stream, 1);
    dup2(ends[1], STDERR_FILENO);
    log_init(LOG_LEVEL_INFO);
    log_warn("test", "a=%d", 1);
    dup2(before, STDERR_FILENO);
    ssize_t n = read(ends[0], line, room - 1);
    line[n > 0 ? n : 0] = '\0';
    close(before), close(ends[0]), close(ends[1]);
    unsetenv("JOURNAL_STREAM");
    log_init(LOG_LEVEL_INFO);
}

static void the_journal_is_told_the_priority(void **state) {
    (void)state;
    char line[256];
    logged(true, line, sizeof line);
    assert_memory_equal(line, "<4>2", 4);
    assert_non_null(strstr(line, " level=warn event=test a=1\n"));
    logged(false, line, sizeof line);
    assert_int_equal(line[0], '2');
}

static void metrics_are_prometheus_text(void **state) {
    (void)state;
    struct arena *arena = arena_new();
    metric_add(METRIC_PAGES, 3);
    struct buf buf;
    buf_init(&buf, arena);
    metrics_write(&buf);
    assert_non_null(
        strstr(buf_view(&buf).p, "# TYPE gulou_pages_total counter\ngulou_pages_total 3\n"));
    arena_free(arena);
}

static void text_for_the_database_is_utf8(void **state) {
    (void)state;
    assert_true(str_is_utf8(STR("")));
    assert_true(str_is_utf8(STR("王*明 ok \xf0\x9f\x8c\xb1")));
    static const struct str broken[] = {STR("\xe7\x8e"),         STR("\xff"),         STR("a\0b"),
                                        STR("\xc0\xaf"),         STR("\xed\xa0\x80"), STR("\x80"),
                                        STR("\xf4\x90\x80\x80"), STR("\xe0\x80\xaf")};
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
        assert_false(str_is_utf8(broken[i]));
    }
    /* Eight letters are looked at together; wherever the fault lies, it is seen. */
    for (size_t i = 0; i < 24; i++) {
        char letters[] = "abcdefghijklmnopqrstuvwx";
        assert_true(str_is_utf8(STR(letters)));
        letters[i] = '\0';
        assert_false(str_is_utf8(STR(letters)));
        letters[i] = '\x80';
        assert_false(str_is_utf8(STR(letters)));
    }
}

static void a_nul_in_a_json_is_found(void **state) {
    (void)state;
    assert_int_equal(str_json_nul(STR("{\"words\":\"a\\u0000b\"}")), 11);
    assert_int_equal(str_json_nul(STR("{\"a\":\"\0\"}")), 6);
    static const struct str whole[] = {STR("{\"a\":\"\\\\u0000\"}"), STR("\"\\u0001 0000\""),
                                       STR("\"\\"), STR("\"\\u000"), STR("")};
    for (size_t i = 0; i < sizeof whole / sizeof whole[0]; i++)
        assert_int_equal(str_json_nul(whole[i]), whole[i].n);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arena_memory_is_zeroed_and_aligned),
        cmocka_unit_test(arena_releases_what_it_was_given),
        cmocka_unit_test(numbers_are_read_strictly),
        cmocka_unit_test(views_compare_by_content),
        cmocka_unit_test(text_grows),
        cmocka_unit_test(numbers_are_written_in_decimal),
        cmocka_unit_test(bytes_are_written_in_hexadecimal),
        cmocka_unit_test(the_journal_is_told_the_priority),
        cmocka_unit_test(metrics_are_prometheus_text),
        cmocka_unit_test(text_for_the_database_is_utf8),
        cmocka_unit_test(a_nul_in_a_json_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
