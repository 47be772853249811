/* Where a photo may be fetched from: an address comes with a push, and the server asks only the
 * platform's hosts. */

/* The rule itself is static; before cmocka, whose fail() is a macro. */
#include "server/deliveries/photo.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static bool asks(const char *api_base, const char *url) {
    struct config config = {.wechat_api_base = api_base};
    struct services services = {.config = &config};
    struct outbox_item item = {.services = &services};
    return is_platforms(&item, url);
}

static void only_the_platforms_hosts_are_asked(void **state) {
    (void)state;
    const char *api = "https://api.weixin.qq.com";
    assert_true(asks(api, "http://mmbiz.qpic.cn/mmbiz_jpg/abc/0"));
    assert_true(asks(api, "https://mmbiz.qpic.cn/mmbiz_jpg/abc/0"));
    assert_true(asks(api, "https://api.weixin.qq.com/x"));
    static const char *const others[] = {"http://127.0.0.1:5432/",
                                         "http://169.254.169.254/latest/meta-data/",
                                         "http://localhost/",
                                         "http://[::1]/",
                                         "file:///etc/passwd",
                                         "ftp://mmbiz.qpic.cn/a",
                                         "http://mmbiz.qpic.cn.evil.example/a",
                                         "http://mmbiz.qpic.cn@evil.example/a",
                                         "http://mmbiz.qpic.cn:8080/a",
                                         "http://evil.example/http://mmbiz.qpic.cn/",
                                         "https://api.weixin.qq.com.evil.example/a",
                                         "https://api.weixin.qq.com@evil.example/a",
                                         "https://api.weixin.qq.com:1@evil.example/",
                                         "//mmbiz.qpic.cn/a",
                                         "/etc/passwd",
                                         ""};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        assert_false(asks(api, others[i]));
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(only_the_platforms_hosts_are_asked)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
