/* Redis in the loop: answers, refusals, and every way of being away. */

#include "tests/unit/db/database.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/listener.h>
#include <signal.h>
#include <sys/un.h>

#include "db/redis.h"
#include "server/base/limits.h"
#include "server/base/log.h"

struct call {
    struct redis_call redis;
    int count;
    enum redis_status status;
    int64_t integer;
    char text[64];
    size_t elements;
    bool nil;
};

static struct event_base *base;
static struct redis *redis;
static struct call calls[8];
static int done;
static char key[64];

static void open_redis(const char *url) {
    redis_free(redis);
    redis = redis_new(base, url);
    assert_non_null(redis);
}

static void wait_ready(void) {
    for (int i = 0; i < 300 && !redis_ready(redis); i++)
        run_for(base, 10);
    assert_true(redis_ready(redis));
}

static int set_up(void **state) {
    (void)state;
    signal(SIGPIPE, SIG_IGN); /* as main.c does; hiredis write()s */
    memset(calls, 0, sizeof calls);
    done = 0;
    snprintf(key, sizeof key, "gulou-unit:%d", (int)getpid());
    base = event_base_new();
    open_redis(environment("GULOU_TEST_REDIS_URL"));
    wait_ready();
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    redis_free(redis);
    redis = NULL;
    event_base_free(base);
    return 0;
}

static void on_done(struct redis_call *redis_call, enum redis_status status,
                    const struct redis_value *value) {
    struct call *call = (struct call *)redis_call;
    struct str text = redis_value_text(value);
    call->count++;
    call->status = status;
    call->nil = redis_value_is_nil(value);
    call->elements = redis_value_count(value);
    if (!redis_value_integer(value, &call->integer))
        call->integer = -1;
    snprintf(call->text, sizeof call->text, "%.*s", (int)text.n, text.p);
    done++;
}

static struct redis_call *slot(int i) {
    calls[i].redis.on_done = on_done;
    return &calls[i].redis;
}

static void command(int i, size_t n, const struct str *words) {
    int before = done;
    redis_command(redis, slot(i), n, words);
    assert_int_equal(done, before); /* never from inside */
}

static void a_value_is_set_and_read(void **state) {
    (void)state;
    redis_set(redis, slot(0), key, STR("鼓\r\n楼"), 10);
    redis_get(redis, slot(1), key);
    command(2, 2, (const struct str[]){STR("TTL"), str_from(key)});
    command(3, 2, (const struct str[]){STR("DEL"), str_from(key)});
    redis_get(redis, slot(4), key);
    run_until(base, &done, 5, 1000);
    assert_string_equal(calls[0].text, "OK");
    assert_string_equal(calls[1].text, "鼓\r\n楼");
    assert_int_equal(calls[2].integer, 10);
    assert_int_equal(calls[3].integer, 1);
    assert_int_equal(calls[4].status, REDIS_ANSWERED);
    assert_true(calls[4].nil);
}

static void a_script_gets_its_keys_and_arguments(void **state) {
    (void)state;
    redis_eval(redis, slot(0), "return {KEYS[1], ARGV[1], 3}", 1, 2,
               (const struct str[]){str_from(key), STR("a")});
    redis_eval(redis, slot(1), "return ARGV[1] .. KEYS[1]", 1, 2,
               (const struct str[]){STR("k"), STR("a")});
    run_until(base, &done, 2, 1000);
    assert_int_equal(calls[0].elements, 3);
    assert_string_equal(calls[1].text, "ak");
}

static void an_error_reply_is_a_refusal(void **state) {
    (void)state;
    log_init(LOG_LEVEL_ERROR + 1);
    command(0, 1, (const struct str[]){STR("NONSENSE")});
    run_until(base, &done, 1, 1000);
    log_init(LOG_LEVEL_ERROR);
    assert_int_equal(calls[0].status, REDIS_REFUSED);
    assert_true(redis_ready(redis));
}

static void without_a_url_it_is_always_away(void **state) {
    (void)state;
    open_redis("");
    assert_false(redis_wanted(redis));
    redis_get(redis, slot(0), key);
    assert_int_equal(done, 0);
    run_until(base, &done, 1, 1000);
    assert_int_equal(calls[0].status, REDIS_AWAY);
    assert_false(redis_ready(redis));
}

static void urls_are_read_or_refused(void **state) {
    (void)state;
    static const char *const bad[] = {
        "nonsense", "http://x",      "unix://",     "unix:///a?db=x",
        "redis://", "redis://u:p@h", "redis://h/x", "redis://h:1/-1",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_null(redis_new(base, bad[i]));
    open_redis("redis://:p%40ss@127.0.0.1:1/3"); /* nobody there */
    run_for(base, 100);
    assert_true(redis_wanted(redis));
    assert_false(redis_ready(redis));
}

static void a_cancelled_call_is_never_told(void **state) {
    (void)state;
    redis_get(redis, slot(0), key);
    redis_get(redis, slot(1), key);
    redis_cancel(redis, &calls[0].redis);
    redis_refuse(redis, slot(2));
    redis_cancel(redis, &calls[2].redis);
    run_until(base, &done, 1, 1000);
    run_for(base, 50);
    assert_int_equal(calls[0].count + calls[2].count, 0);
    assert_int_equal(calls[1].count, 1);
    redis_cancel(redis, &calls[1].redis);
    redis_set(redis, NULL, key, STR("nobody asks"), 1);
    redis_get(redis, slot(3), key);
    run_until(base, &done, 2, 1000);
    assert_string_equal(calls[3].text, "nobody asks");
}

static void a_lost_connection_tells_every_call_and_is_replaced(void **state) {
    (void)state;
    char id[24];
    command(0, 2, (const struct str[]){STR("CLIENT"), STR("ID")});
    run_until(base, &done, 1, 1000);
    snprintf(id, sizeof id, "%lld", (long long)calls[0].integer);
    command(3, 6,
            (const struct str[]){STR("CLIENT"), STR("KILL"), STR("ID"), str_from(id), STR("SKIPME"),
                                 STR("no")});
    run_until(base, &done, 2, 1000);
    run_for(base, 50);
    assert_false(redis_ready(redis));
    redis_get(redis, slot(1), key);
    run_until(base, &done, 3, 1000);
    assert_int_equal(calls[1].status, REDIS_AWAY);
    wait_ready();
    redis_get(redis, slot(2), key);
    run_until(base, &done, 4, 1000);
    assert_int_equal(calls[2].status, REDIS_ANSWERED);
}

/* ---- a server that takes the first word and says nothing more ---- */

static void on_bytes(struct bufferevent *link, void *context) {
    (void)context;
    struct evbuffer *in = bufferevent_get_input(link);
    if (evbuffer_search(in, "SET", 3, NULL).pos >= 0)
        bufferevent_write(link, "+OK\r\n", 5);
    evbuffer_drain(in, evbuffer_get_length(in));
}

static struct bufferevent *stalled_link;

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *from,
                      int size, void *context) {
    (void)listener;
    (void)from;
    (void)size;
    (void)context;
    if (stalled_link)
        bufferevent_free(stalled_link);
    stalled_link = bufferevent_socket_new(base, fd, BEV_OPT_CLOSE_ON_FREE);
    bufferevent_setcb(stalled_link, on_bytes, NULL, NULL, NULL);
    bufferevent_enable(stalled_link, EV_READ | EV_WRITE);
}

static void a_stalled_server_is_hung_up_on(void **state) {
    (void)state;
    char url[128];
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "/tmp/gulou-unit-%d.sock", (int)getpid());
    unlink(address.sun_path);
    struct evconnlistener *listener =
        evconnlistener_new_bind(base, on_accept, NULL, LEV_OPT_CLOSE_ON_FREE, 4,
                                (struct sockaddr *)&address, sizeof address);
    assert_non_null(listener);
    snprintf(url, sizeof url, "unix://%s", address.sun_path);
    open_redis(url);
    wait_ready();
    redis_get(redis, slot(0), key);
    redis_get(redis, slot(1), key);
    run_for(base, REDIS_COMMAND_MS / 2);
    assert_int_equal(done, 0);
    run_until(base, &done, 2, REDIS_COMMAND_MS + 200);
    assert_int_equal(calls[0].status, REDIS_AWAY);
    assert_int_equal(calls[1].status, REDIS_AWAY);
    redis_free(redis);
    redis = NULL;
    bufferevent_free(stalled_link);
    evconnlistener_free(listener);
    unlink(address.sun_path);
}

static void too_many_calls_are_away(void **state) {
    (void)state;
    struct call *many = calloc(REDIS_CALLS_MAX + 10, sizeof *many);
    int away = 0;
    for (int i = 0; i < REDIS_CALLS_MAX + 10; i++) {
        many[i].redis.on_done = on_done;
        redis_get(redis, &many[i].redis, key);
    }
    run_until(base, &done, REDIS_CALLS_MAX + 10, 3000);
    for (int i = 0; i < REDIS_CALLS_MAX + 10; i++)
        away += many[i].status == REDIS_AWAY;
    assert_int_equal(away, 10);
    free(many);
}

static void calls_under_way_are_dropped_at_the_end(void **state) {
    (void)state;
    for (int i = 0; i < 4; i++)
        redis_get(redis, slot(i), key);
    redis_refuse(redis, slot(4));
    redis_free(redis);
    redis = NULL;
    assert_int_equal(done, 0);
}

int main(void) {
    log_init(LOG_LEVEL_ERROR);
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_value_is_set_and_read),
        TEST(a_script_gets_its_keys_and_arguments),
        TEST(an_error_reply_is_a_refusal),
        TEST(without_a_url_it_is_always_away),
        TEST(urls_are_read_or_refused),
        TEST(a_cancelled_call_is_never_told),
        TEST(a_lost_connection_tells_every_call_and_is_replaced),
        TEST(a_stalled_server_is_hung_up_on),
        TEST(too_many_calls_are_away),
        TEST(calls_under_way_are_dropped_at_the_end),
    };
    return cmocka_run_group_tests_name("redis", tests, NULL, NULL);
}
