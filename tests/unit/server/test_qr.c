/* Drawings of QR codes; that phones can read them is seen in tests/e2e. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "server/qr.h"

/* 25 modules hold 26 bytes; with the quiet zone of 4 on each side that is 33. The first finder
 * pattern begins behind the quiet zone. */
static void a_code_is_one_square_with_a_quiet_zone(void **state) {
    (void)state;
    struct arena *arena = arena_new();
    const char *svg = qr_svg(arena, "http://weixin.qq.com/q/abc", 220);
    assert_non_null(svg);
    assert_true(strncmp(svg, "<svg ", 5) == 0);
    assert_non_null(strstr(svg, "width=\"220\" height=\"220\""));
    assert_non_null(strstr(svg, "viewBox=\"0 0 33 33\""));
    assert_non_null(strstr(svg, "d=\"M4 4h1v1h-1zM5 4h1v1h-1z"));
    assert_string_equal(svg + strlen(svg) - 6, "</svg>");
    arena_free(arena);
}

static void words_that_look_like_markup_stay_inside_the_squares(void **state) {
    (void)state;
    struct arena *arena = arena_new();
    const char *svg = qr_svg(arena, "\"><script>alert(1)</script>", 100);
    assert_non_null(svg);
    assert_null(strstr(svg, "script"));
    arena_free(arena);
}

static void what_no_code_can_hold_is_none(void **state) {
    (void)state;
    struct arena *arena = arena_new();
    char text[4097];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    assert_null(qr_svg(arena, text, 220));
    arena_free(arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_code_is_one_square_with_a_quiet_zone),
        cmocka_unit_test(words_that_look_like_markup_stay_inside_the_squares),
        cmocka_unit_test(what_no_code_can_hold_is_none)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
