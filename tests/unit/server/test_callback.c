/* The callback's address over real sockets: verification, and what is turned away before anybody
 * works on it. The envelope itself: tests/unit/wechat/test_callback.c; whole messages: tests/e2e.
 */

#include "tests/unit/server/loopback.h"

#include "server/base/log.h"
#include "server/base/metrics.h"
#include "server/callback.h"
#include "server/request.h"
#include "server/site.h"
#include "wechat/crypto.h"

#define SIGNED "timestamp=1714036504&nonce=1514711492&signature="
#define MESSAGE                                                                                    \
    "<xml><ToUserName>gh_1</ToUserName><FromUserName>o1</FromUserName>"                            \
    "<CreateTime>1348831860</CreateTime><MsgType>text</MsgType><Content>hi</Content>"              \
    "<MsgId>1</MsgId></xml>"

/* No database: whoever got so far as to need one would crash. */
static struct services services;
static char folder[] = "/tmp/gulou-callback-XXXXXX";
static char signature[WECHAT_SIGNATURE_CHARS + 1]; /* under the token of "plain" and "secure" */

static int set_up(void **state) {
    (void)state;
    services = (struct services){.config = services.config};
    loopback_open(site_handle, &services);
    services.base = base;
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    assert_int_equal(callback_active(), 0);
    loopback_close();
    return 0;
}

static struct client *ask(const char *method, const char *path, const char *body) {
    struct client *c = client_open();
    char head[1024];
    snprintf(head, sizeof head,
             "%s %s HTTP/1.1\r\nHost: h\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n",
             method, path, strlen(body));
    client_say(c, head);
    client_say(c, body);
    wait_closed(c);
    return c;
}

/* The whole body, after which the server hung up. */
static void assert_says(const char *method, const char *path, const char *sent, int status,
                        const char *body) {
    struct client *c = ask(method, path, sent);
    const char *end = strstr(c->in, "\r\n\r\n");
    if (status_of(c) != status || !end || strcmp(end + 4, body) != 0)
        fail_msg("%s %s: not %d %s but %s", method, path, status, body, c->in);
    client_close(c);
}

static const char *signed_path(const char *account, const char *more) {
    static char path[512];
    snprintf(path, sizeof path, "/wechat/%s?" SIGNED "%s%s", account, signature, more);
    return path;
}

/* ---- GET ---- */

static void a_verification_is_echoed_as_it_came(void **state) {
    (void)state;
    assert_says("GET", signed_path("plain", "&echostr=4375120948345356249"), "", 200,
                "4375120948345356249");
    assert_says("GET", signed_path("secure", "&echostr=a%2Bb%3D%3D%26%3Cx%3E"), "", 200,
                "a+b==&<x>");
    struct client *c = ask("GET", signed_path("plain", "&echostr=%3Cscript%3E"), "");
    assert_non_null(strstr(c->in, "Content-Type: text/plain")); /* nobody's browser runs it */
    client_close(c);
    c = ask("HEAD", signed_path("plain", "&echostr=1"), "");
    assert_int_equal(status_of(c), 200);
    client_close(c);
}

static void a_verification_that_is_not_signed_is_forbidden(void **state) {
    (void)state;
    static const char *const paths[] = {
        "/wechat/plain",
        "/wechat/plain?echostr=1",
        "/wechat/plain?" SIGNED "&echostr=1",
        "/wechat/plain?" SIGNED "0000000000000000000000000000000000000000&echostr=1",
        "/wechat/plain?timestamp=1714036504&nonce=&signature=x&echostr=1",
        "/wechat/plain?" SIGNED "%FF%FE%80&echostr=1",
        "/wechat/plain?&&==&=&%&%2&%zz=%&signature&echostr=1",
    };
    uint64_t refused = metric_value(METRIC_CALLBACKS_REFUSED);
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        assert_says("GET", paths[i], "", 403, "");
    assert_says("GET", signed_path("plain", ""), "", 403, ""); /* nothing to echo */
    assert_says("GET", signed_path("plain", "0&echostr=1"), "", 403, "");
    assert_says("GET", signed_path("other", "&echostr=1"), "", 403, ""); /* another token */
    assert_int_equal(metric_value(METRIC_CALLBACKS_REFUSED) - refused,
                     sizeof paths / sizeof *paths + 3);
    assert_says("GET", signed_path("plain", "%00&echostr=1"), "", 400, "");
    assert_says("GET", signed_path("plain", "&echostr=1%00"), "", 400, "");
}

static void an_unknown_account_is_not_found(void **state) {
    (void)state;
    static const char *const ids[] = {"nobody", "PLAIN", "plai", "plainn", "%2e%2e", ""};
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
        struct client *c = ask("GET", signed_path(ids[i], "&echostr=1"), "");
        assert_int_equal(status_of(c), 404);
        client_close(c);
        c = ask("POST", signed_path(ids[i], ""), MESSAGE);
        assert_int_equal(status_of(c), 404);
        client_close(c);
    }
}

static void other_methods_are_told_which_are_right(void **state) {
    (void)state;
    static const char *const methods[] = {"PUT", "DELETE", "PATCH", "OPTIONS", "post"};
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        struct client *c = ask(methods[i], signed_path("plain", ""), MESSAGE);
        assert_int_equal(status_of(c), 405);
        assert_non_null(strstr(c->in, "Allow: GET, POST"));
        client_close(c);
    }
}

/* ---- POST ---- */

static void a_push_that_is_not_the_platforms_is_forbidden(void **state) {
    (void)state;
    assert_says("POST", "/wechat/plain", MESSAGE, 403, "");
    assert_says("POST", "/wechat/plain?" SIGNED "0000000000000000000000000000000000000000", MESSAGE,
                403, "");
    assert_says("POST", signed_path("other", ""), MESSAGE, 403, "");
    assert_says("POST", signed_path("secure", ""), MESSAGE, 403, "");
    assert_says("POST", signed_path("plain", "&encrypt_type=aes"), MESSAGE, 403, "");
    assert_says("POST", signed_path("plain", "&encrypt_type=rot13"), MESSAGE, 403, "");
    assert_says("POST", signed_path("secure", "&encrypt_type=aes&msg_signature=0"),
                "<xml><ToUserName>gh_1</ToUserName><Encrypt>AAAA</Encrypt></xml>", 403, "");
}

static void a_push_that_is_no_message_is_malformed(void **state) {
    (void)state;
    static const char *const bodies[] = {
        "",
        "{}",
        "<xml>",
        "<xml></xml>",
        "<!DOCTYPE x [<!ENTITY a \"b\">]>" MESSAGE,
        MESSAGE MESSAGE,
    };
    uint64_t malformed = metric_value(METRIC_CALLBACKS_MALFORMED);
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++)
        assert_says("POST", signed_path("plain", ""), bodies[i], 400, "");
    assert_says("POST", signed_path("secure", "&encrypt_type=aes&msg_signature=0"), "<xml></xml>",
                400, "");
    assert_int_equal(metric_value(METRIC_CALLBACKS_MALFORMED) - malformed,
                     sizeof bodies / sizeof *bodies + 1);
}

static void load_config(void) {
    static const char text[] =
        "[server]\npublic_url = \"https://example.org\"\n[postgres]\nurl = \"postgresql:///x\"\n"
        "[[account]]\nid = \"plain\"\nname = \"n\"\napp_id = \"wx1\"\napp_secret = \"s\"\n"
        "token = \"AAAAA\"\nmode = \"plain\"\n"
        "[[account]]\nid = \"secure\"\nname = \"n\"\napp_id = \"wx2\"\napp_secret = \"s\"\n"
        "token = \"AAAAA\"\nencoding_aes_key = \"abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG\"\n"
        "[[account]]\nid = \"other\"\nname = \"n\"\napp_id = \"wx3\"\napp_secret = \"s\"\n"
        "token = \"BBBBB\"\nmode = \"plain\"\n";
    char path[64], *error = NULL;
    if (!mkdtemp(folder))
        abort();
    snprintf(path, sizeof path, "%s/config.toml", folder);
    FILE *file = fopen(path, "w");
    fputs(text, file);
    fclose(file);
    services.config = config_load(path, &error);
    if (!services.config) {
        fprintf(stderr, "%s\n", error);
        abort();
    }
    unlink(path);
    rmdir(folder);
}

int main(void) {
    log_init(LOG_LEVEL_ERROR);
    load_config();
    wechat_sign(3, (struct str[]){STR("AAAAA"), STR("1714036504"), STR("1514711492")}, signature);
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_verification_is_echoed_as_it_came),
        TEST(a_verification_that_is_not_signed_is_forbidden),
        TEST(an_unknown_account_is_not_found),
        TEST(other_methods_are_told_which_are_right),
        TEST(a_push_that_is_not_the_platforms_is_forbidden),
        TEST(a_push_that_is_no_message_is_malformed),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    config_free((struct config *)(uintptr_t)services.config);
    wechat_crypto_release();
    return failed;
}
