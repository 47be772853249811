/* The signature that lets a page call WeChat's own functions. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/js_sdk.h"

/* The example of the platform's own documentation (JS-SDK, appendix 1). */
static void test_the_documented_example(void **state) {
    (void)state;
    struct arena *arena = arena_new();
    const char *ticket = "sM4AOVdWfPE4DxkXGEs8VMCPGGVi4C3VM0P37wVUCFvkVAy_90u5h9nbSlYy3-"
                         "Sl-HhTdfl2fzFy1AOcHKP7qg";
    assert_string_equal(js_sdk_signature(arena, ticket, "Wm3WZYTPz0wzccnW", 1414587457,
                                         "http://mp.weixin.qq.com?params=value"),
                        "0f9de62fce790f9a083d5c99e95740ceb90c27ed");
    assert_string_equal(js_sdk_signature(arena, ticket, "Wm3WZYTPz0wzccnW", 1414587457,
                                         "http://mp.weixin.qq.com?params=value#top"),
                        "0f9de62fce790f9a083d5c99e95740ceb90c27ed");
    arena_free(arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_the_documented_example)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
