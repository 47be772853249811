/* Calls on behalf of an account: its token, and what is done about every kind of refusal. The
 * platform is a fake in the same loop; the database is a real one. */

#include "tests/unit/db/database.h"
#include "tests/unit/wechat/fake_platform.h"

#include <fcntl.h>
#include <time.h>

#include "db/migrate.h"
#include "db/pg.h"
#include "server/base/log.h"
#include "server/config.h"
#include "server/platform.h"

#define PATIENCE_MS 10000
#define SECRET "a-secret-of-32-letters-abcdefghi"
#define TOKEN_PATH "/cgi-bin/stable_token"
#define SEND "/cgi-bin/message/custom/send"

static const struct account accounts[] = {
    {.id = "one", .app_id = "wx1", .app_secret = SECRET, .verified = true},
    {.id = "two", .app_id = "wx2", .app_secret = SECRET "2", .verified = true},
};
static struct config config;
static struct fake_platform fake;
static struct services services;

/* ---- before and after ---- */

static int make_database(void **state) {
    struct migrate_files files = migrate_embedded(false);
    char *error = NULL;
    database_create(state);
    if (!migrate_apply(database_url, &files, NULL, &error))
        fail_msg("%s", error);
    return 0;
}

static int set_up(void **state) {
    (void)state;
    execute(database_url, "truncate gulou.platform_token");
    services = (struct services){.base = event_base_new(), .config = &config};
    fake_start(&fake, services.base);
    config =
        (struct config){.accounts = accounts, .accounts_n = 2, .wechat_api_base = fake.address};
    services.pg = pg_new(services.base, database_url, 1);
    services.platform = platform_new(&services);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    platform_free(services.platform);
    pg_free(services.pg);
    fake_stop(&fake);
    event_base_free(services.base);
    return 0;
}

/* ---- one call ---- */

struct outcome {
    struct platform_call call;
    struct platform_result result; /* its pointers ended with on_done */
    int done;
};

static void on_done(struct platform_call *call, const struct platform_result *result) {
    struct outcome *o = (struct outcome *)(void *)((char *)call - offsetof(struct outcome, call));
    o->result = *result;
    o->done++;
}

static void start(struct outcome *o, const struct account *account, const char *path, int attempt) {
    *o = (struct outcome){.call = {.account = account,
                                   .path = path,
                                   .body = STR("{\"touser\":\"o1\"}"),
                                   .attempt = attempt,
                                   .on_done = on_done}};
    platform_start(services.platform, &o->call);
}

static struct platform_result call(const struct account *account, const char *path, int attempt) {
    static struct outcome o;
    start(&o, account, path, attempt);
    run_until(services.base, &o.done, 1, PATIENCE_MS);
    run_for(services.base, 20); /* nothing comes after it */
    assert_int_equal(o.done, 1);
    return o.result;
}

static struct platform_result send_one(void) {
    return call(&accounts[0], SEND, 0);
}

static void token_is(const char *token) {
    char json[200];
    snprintf(json, sizeof json, "{\"access_token\":\"%s\",\"expires_in\":7200}", token);
    fake_json(&fake, TOKEN_PATH, json);
}

static void refuse(int errcode) {
    char json[200];
    snprintf(json, sizeof json, "{\"errcode\":%d,\"errmsg\":\"no rid: 5f0e-1\"}", errcode);
    fake_json(&fake, SEND, json);
}

static bool asked_with(int request, const char *text) {
    return strstr(fake.requests[request].head, text) || strstr(fake.requests[request].body, text);
}

/* ---- the token ---- */

static void the_first_call_fetches_a_token_the_next_ones_use_it(void **state) {
    (void)state;
    token_is("T1");
    for (int i = 0; i < 3; i++)
        assert_int_equal(send_one().outcome, PLATFORM_DONE);
    assert_int_equal(fake_asked(&fake, TOKEN_PATH), 1);
    assert_int_equal(fake_asked(&fake, SEND), 3);
    assert_true(asked_with(0, "\"appid\":\"wx1\"") && asked_with(0, "\"secret\":\"" SECRET "\""));
    assert_true(asked_with(0, "\"force_refresh\":false"));
    assert_true(asked_with(1, "access_token=T1") && asked_with(3, "access_token=T1"));
}

static void many_calls_at_once_fetch_one_token(void **state) {
    (void)state;
    static struct outcome all[20];
    token_is("T1");
    for (int i = 0; i < 20; i++)
        start(&all[i], &accounts[0], SEND, 0);
    for (int i = 0; i < 20; i++)
        run_until(services.base, &all[i].done, 1, PATIENCE_MS);
    assert_int_equal(fake_asked(&fake, TOKEN_PATH), 1);
    assert_int_equal(fake_asked(&fake, SEND), 20);
}

static void each_account_has_its_own(void **state) {
    (void)state;
    token_is("T1");
    token_is("T2");
    call(&accounts[0], SEND, 0);
    call(&accounts[1], SEND, 0);
    assert_int_equal(fake_asked(&fake, TOKEN_PATH), 2);
    assert_true(asked_with(1, "access_token=T1") && asked_with(3, "access_token=T2"));
}

static void assert_refreshed_once_for(int errcode) {
    token_is("T1");
    refuse(errcode);
    token_is("T2");
    assert_int_equal(send_one().outcome, PLATFORM_DONE);
    assert_int_equal(fake_asked(&fake, TOKEN_PATH), 2);
    assert_int_equal(fake_asked(&fake, SEND), 2);
    assert_true(asked_with(3, "access_token=T2"));
}

static void a_dead_token_is_refreshed_once_and_the_call_repeated(void **state) {
    (void)state;
    assert_refreshed_once_for(40001);
}

static void an_expired_token_too(void **state) {
    (void)state;
    assert_refreshed_once_for(42001);
}

static void a_token_that_is_none_too(void **state) {
    (void)state;
    assert_refreshed_once_for(40014);
}

static void refused_again_it_is_left_for_later(void **state) {
    (void)state;
    token_is("T1");
    refuse(40001);
    token_is("T2");
    refuse(40001);
    token_is("T3"); /* not asked for by this call */
    struct platform_result result = send_one();
    assert_int_equal(result.outcome, PLATFORM_LATER);
    assert_true(result.later_seconds >= 1);
    assert_int_equal(fake_asked(&fake, SEND), 2);
    assert_int_equal(fake_asked(&fake, TOKEN_PATH), 2);
}

static void the_very_token_that_was_refused_is_forced_out(void **state) {
    (void)state;
    token_is("T1");
    refuse(40001);
    token_is("T1");
    token_is("T2");
    assert_int_equal(send_one().outcome, PLATFORM_DONE);
    assert_int_equal(fake_asked(&fake, TOKEN_PATH), 3);
    assert_true(asked_with(3, "\"force_refresh\":true"));
    assert_true(asked_with(4, "access_token=T2"));
}

static void forced_twice_within_half_a_minute_is_not(void **state) {
    (void)state;
    the_very_token_that_was_refused_is_forced_out(state);
    refuse(40001);
    token_is("T2");
    struct platform_result result = send_one();
    assert_int_equal(result.outcome, PLATFORM_LATER);
    assert_in_range(result.later_seconds, 1, 30);
    assert_int_equal(fake_asked(&fake, TOKEN_PATH), 4);
    assert_int_equal(send_one().outcome, PLATFORM_LATER); /* and nobody asks meanwhile */
    assert_int_equal(fake_asked(&fake, TOKEN_PATH), 4);
}

static void a_wrong_secret_is_not_tried_again_and_again(void **state) {
    (void)state;
    fake_json(&fake, TOKEN_PATH, "{\"errcode\":40125,\"errmsg\":\"invalid appsecret\"}");
    for (int i = 0; i < 5; i++) {
        struct platform_result result = send_one();
        assert_int_equal(result.outcome, PLATFORM_LATER);
        assert_in_range(result.later_seconds, 1, 60);
    }
    assert_int_equal(fake_asked(&fake, TOKEN_PATH), 1);
    assert_int_equal(fake_asked(&fake, SEND), 0);
}

static void a_token_that_never_came_is_tried_soon(void **state) {
    (void)state;
    fake_bytes(&fake, TOKEN_PATH, "", 0, FAKE_CLOSE);
    struct platform_result result = send_one();
    assert_int_equal(result.outcome, PLATFORM_LATER);
    assert_in_range(result.later_seconds, 1, 5);
    execute(database_url, "update gulou.platform_token set fetch_till = null");
    token_is("T1");
    assert_int_equal(send_one().outcome, PLATFORM_DONE);
}

static void a_call_may_go_without_a_token(void **state) {
    (void)state;
    static struct outcome o;
    o = (struct outcome){.call = {.account = &accounts[0],
                                  .path = "/sns/oauth2/access_token",
                                  .query = {{"code", "c"}},
                                  .without_token = true,
                                  .on_done = on_done}};
    fake_json(&fake, "/sns/oauth2/access_token", "{\"errcode\":40029,\"errmsg\":\"code\"}");
    platform_start(services.platform, &o.call);
    run_until(services.base, &o.done, 1, PATIENCE_MS);
    assert_int_equal(o.result.outcome, PLATFORM_REFUSED);
    assert_int_equal(o.result.errcode, 40029);
    assert_int_equal(fake_asked(&fake, NULL), 1);
    assert_false(asked_with(0, "access_token="));
}

/* ---- reactions ---- */

static void the_days_quota_waits_until_midnight_in_beijing(void **state) {
    (void)state;
    token_is("T1");
    refuse(45009);
    time_t before = time(NULL);
    struct platform_result result = send_one();
    time_t after = time(NULL);
    time_t midnight = (before + 8 * 3600) / 86400 * 86400 + 86400 - 8 * 3600;
    assert_int_equal(result.outcome, PLATFORM_LATER);
    assert_false(result.awaits_person);
    assert_in_range(midnight - result.later_seconds, before, after);
    assert_int_equal(fake_asked(&fake, SEND), 1);
}

static void a_busy_platform_is_given_more_time_each_time(void **state) {
    (void)state;
    static const int seconds[] = {1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 600, 600};
    token_is("T1");
    for (int i = 0; i < 12; i++) {
        refuse(-1);
        struct platform_result result = call(&accounts[0], SEND, i);
        assert_int_equal(result.outcome, PLATFORM_LATER);
        assert_int_equal(result.later_seconds, seconds[i]);
    }
    assert_int_equal(fake_asked(&fake, SEND), 12);
}

static void an_answer_that_broke_off_is_for_later(void **state) {
    (void)state;
    static const char half[] = "HTTP/1.1 200 OK\r\nContent-Length: 27\r\n\r\n{\"errcode\":0";
    token_is("T1");
    fake_bytes(&fake, SEND, half, sizeof half - 1, FAKE_CLOSE);
    assert_int_equal(send_one().outcome, PLATFORM_LATER);
    assert_int_equal(fake_asked(&fake, SEND), 1);
}

static void what_the_account_may_not_do_is_not_asked_again(void **state) {
    (void)state;
    token_is("T1");
    refuse(48001);
    for (int i = 0; i < 3; i++) {
        struct platform_result result = send_one();
        assert_int_equal(result.outcome, PLATFORM_REFUSED);
        assert_int_equal(result.errcode, 48001);
    }
    assert_int_equal(fake_asked(&fake, SEND), 1);
    assert_int_equal(call(&accounts[0], "/cgi-bin/menu/get", 0).outcome, PLATFORM_DONE);
    token_is("T2");
    assert_int_equal(call(&accounts[1], SEND, 0).outcome, PLATFORM_DONE);
}

static void what_waits_for_the_person_says_so(void **state) {
    (void)state;
    token_is("T1");
    refuse(45047);
    struct platform_result result = send_one();
    assert_int_equal(result.outcome, PLATFORM_LATER);
    assert_true(result.awaits_person);
}

static void a_minutes_quota_waits_a_minute(void **state) {
    (void)state;
    token_is("T1");
    refuse(45011);
    struct platform_result result = send_one();
    assert_int_equal(result.outcome, PLATFORM_LATER);
    assert_int_equal(result.later_seconds, 60);
}

static void an_unknown_code_is_refused(void **state) {
    (void)state;
    token_is("T1");
    refuse(12345);
    struct platform_result result = send_one();
    assert_int_equal(result.outcome, PLATFORM_REFUSED);
    assert_int_equal(result.errcode, 12345);
}

/* ---- cancelling ---- */

static void a_call_can_be_cancelled_at_any_moment(void **state) {
    (void)state;
    static struct outcome o, untouched;
    token_is("T1");
    start(&o, &accounts[0], SEND, 0); /* asks the database for the token */
    platform_cancel(&o.call);
    run_for(services.base, 50);
    fake_bytes(&fake, SEND, "", 0, FAKE_HANG);
    static struct outcome hanging;
    start(&hanging, &accounts[0], SEND, 0);
    for (int i = 0; fake_asked(&fake, SEND) == 0 && i < 1000; i++)
        run_for(services.base, 5);
    platform_cancel(&hanging.call);
    platform_cancel(&untouched.call);
    assert_int_equal(send_one().outcome, PLATFORM_DONE);
    assert_int_equal(o.done + hanging.done, 0);
}

/* ---- the log ---- */

static char log_path[] = "/tmp/gulou-log-XXXXXX";
static int old_stderr;

static void capture_log(void) {
    int fd = mkstemp(log_path);
    assert_true(fd >= 0);
    fflush(stderr);
    old_stderr = dup(STDERR_FILENO);
    dup2(fd, STDERR_FILENO);
    close(fd);
    log_init(LOG_LEVEL_DEBUG);
}

static char *captured_log(void) {
    static char text[65536];
    dup2(old_stderr, STDERR_FILENO);
    close(old_stderr);
    log_init(LOG_LEVEL_INFO);
    FILE *in = fopen(log_path, "r");
    assert_non_null(in);
    text[fread(text, 1, sizeof text - 1, in)] = '\0';
    fclose(in);
    unlink(log_path);
    return text;
}

static void neither_secrets_nor_tokens_reach_the_log(void **state) {
    (void)state;
    capture_log();
    fake_json(&fake, TOKEN_PATH, "{\"errcode\":40125,\"errmsg\":\"invalid appsecret rid: 1-1\"}");
    send_one();
    execute(database_url, "update gulou.platform_token set fetch_till = null");
    token_is("TOKENSECRET1");
    refuse(40001);
    token_is("TOKENSECRET1");
    token_is("TOKENSECRET2");
    send_one();
    refuse(45009);
    send_one();
    fake_bytes(&fake, SEND, "", 0, FAKE_CLOSE);
    send_one();
    refuse(48001);
    send_one();
    const char *text = captured_log();
    assert_non_null(strstr(text, "event=platform_alert account=one call=stable_token code=40125"));
    assert_non_null(strstr(text, "event=token_refused account=one"));
    assert_non_null(strstr(text, "event=token_fetched account=one"));
    assert_non_null(strstr(text, "call=" SEND " code=45009"));
    assert_non_null(strstr(text, "rid=5f0e-1"));
    assert_null(strstr(text, SECRET));
    assert_null(strstr(text, "TOKENSECRET"));
    assert_null(strstr(text, "access_token="));
    assert_null(strstr(text, "touser"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(the_first_call_fetches_a_token_the_next_ones_use_it),
        TEST(many_calls_at_once_fetch_one_token),
        TEST(each_account_has_its_own),
        TEST(a_dead_token_is_refreshed_once_and_the_call_repeated),
        TEST(an_expired_token_too),
        TEST(a_token_that_is_none_too),
        TEST(refused_again_it_is_left_for_later),
        TEST(the_very_token_that_was_refused_is_forced_out),
        TEST(forced_twice_within_half_a_minute_is_not),
        TEST(a_wrong_secret_is_not_tried_again_and_again),
        TEST(a_token_that_never_came_is_tried_soon),
        TEST(a_call_may_go_without_a_token),
        TEST(the_days_quota_waits_until_midnight_in_beijing),
        TEST(a_busy_platform_is_given_more_time_each_time),
        TEST(an_answer_that_broke_off_is_for_later),
        TEST(what_the_account_may_not_do_is_not_asked_again),
        TEST(what_waits_for_the_person_says_so),
        TEST(a_minutes_quota_waits_a_minute),
        TEST(an_unknown_code_is_refused),
        TEST(a_call_can_be_cancelled_at_any_moment),
        TEST(neither_secrets_nor_tokens_reach_the_log),
    };
    return cmocka_run_group_tests(tests, make_database, database_drop);
}
