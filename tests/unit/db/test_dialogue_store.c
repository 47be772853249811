/* Dialogues and attempts in a real Redis, and without one. */

#include "tests/unit/db/database.h"

#include <signal.h>

#include "db/attempts.h"
#include "db/dialogue_store.h"
#include "server/base/limits.h"
#include "server/base/log.h"

struct talk {
    struct dialogue_call call;
    enum dialogue_status status;
    int64_t version;
    char json[128];
};

struct attempt {
    struct attempt_call call;
    int number;
};

static struct event_base *base;
static struct redis *redis;
static struct talk talks[4];
static struct attempt attempts[4];
static int done;
static char account[40];
static int accounts;
static int64_t got; /* what a plain command answered */

static void open_redis(const char *url) {
    redis_free(redis);
    redis = redis_new(base, url);
    for (int i = 0; i < 300 && *url && !redis_ready(redis); i++)
        run_for(base, 10);
}

static int set_up(void **state) {
    (void)state;
    signal(SIGPIPE, SIG_IGN);
    done = 0;
    base = event_base_new();
    open_redis(environment("GULOU_TEST_REDIS_URL"));
    assert_true(redis_ready(redis));
    snprintf(account, sizeof account, "unit-%d-%d", (int)getpid(), ++accounts);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    redis_free(redis);
    redis = NULL;
    event_base_free(base);
    return 0;
}

static void on_talk(struct dialogue_call *call, enum dialogue_status status, int64_t version,
                    struct str json) {
    struct talk *talk = (struct talk *)call;
    talk->status = status;
    talk->version = version;
    snprintf(talk->json, sizeof talk->json, "%.*s", (int)json.n, json.p);
    done++;
}

static struct dialogue_call *talk(int i) {
    talks[i] = (struct talk){.call.on_done = on_talk};
    return &talks[i].call;
}

static void finish(int wanted) {
    run_until(base, &done, wanted, 1000);
    done = 0;
}

static struct talk *load(void) {
    dialogue_load(redis, talk(0), account, "openid");
    assert_int_equal(done, 0);
    finish(1);
    return &talks[0];
}

static struct talk *save(int64_t expected, const char *json) {
    dialogue_save(redis, talk(1), account, "openid", expected, str_from(json));
    assert_int_equal(done, 0);
    finish(1);
    return &talks[1];
}

static struct talk *clear(int64_t expected) {
    dialogue_clear(redis, talk(2), account, "openid", expected);
    finish(1);
    return &talks[2];
}

static void a_dialogue_is_saved_and_found(void **state) {
    (void)state;
    assert_int_equal(load()->status, DIALOGUE_NONE);
    assert_int_equal(talks[0].version, 0);
    assert_int_equal(save(0, "{\"step\":1}")->status, DIALOGUE_SAVED);
    assert_int_equal(load()->status, DIALOGUE_FOUND);
    assert_int_equal(talks[0].version, talks[1].version);
    assert_string_equal(talks[0].json, "{\"step\":1}");
    dialogue_load(redis, talk(0), account, "somebody else");
    finish(1);
    assert_int_equal(talks[0].status, DIALOGUE_NONE);
}

static void of_two_messages_at_once_one_wins(void **state) {
    (void)state;
    int64_t version = save(0, "1")->version;
    dialogue_save(redis, talk(0), account, "openid", version, STR("a"));
    dialogue_save(redis, talk(1), account, "openid", version, STR("b"));
    finish(2);
    assert_int_equal(talks[0].status, DIALOGUE_SAVED);
    assert_int_equal(talks[1].status, DIALOGUE_CONFLICT);
    assert_true(talks[0].version > version);
    assert_int_equal(talks[1].version, talks[0].version);
    assert_string_equal(load()->json, "a");
}

static void an_old_version_is_old_after_starting_anew_too(void **state) {
    (void)state;
    int64_t version = save(0, "1")->version;
    assert_int_equal(clear(version + 1)->status, DIALOGUE_CONFLICT);
    assert_int_equal(clear(version)->status, DIALOGUE_CLEARED);
    assert_int_equal(clear(version)->status, DIALOGUE_CLEARED);
    assert_int_equal(save(version, "2")->status, DIALOGUE_CONFLICT);
    assert_int_equal(save(0, "3")->status, DIALOGUE_SAVED);
    assert_true(talks[1].version > version);
    assert_int_equal(save(version, "4")->status, DIALOGUE_CONFLICT);
    assert_int_equal(clear(-1)->status, DIALOGUE_CLEARED);
}

static void on_value(struct redis_call *call, enum redis_status status,
                     const struct redis_value *value) {
    (void)call;
    (void)status;
    got = -1;
    redis_value_integer(value, &got);
    done++;
}

static void a_dialogue_ends_by_itself_and_holds_no_openid(void **state) {
    (void)state;
    struct redis_call call = {.on_done = on_value};
    save(0, "1");
    redis_eval(redis, &call,
               "local k = redis.call('KEYS', 'dialogue:' .. ARGV[1] .. ':*')\n"
               "if #k ~= 1 or string.find(k[1], 'openid') then return -1 end\n"
               "return redis.call('TTL', k[1])",
               0, 1, (const struct str[]){str_from(account)});
    finish(1);
    assert_int_equal(got, DIALOGUE_LIFE_SECONDS);
}

/* ARGV: account, command. */
static void on_keys(const char *command) {
    struct redis_call call = {.on_done = on_value};
    redis_eval(redis, &call,
               "for _, k in ipairs(redis.call('KEYS', 'dialogue:' .. ARGV[1] .. ':*')) do\n"
               "  redis.call(unpack(cjson.decode(string.format(ARGV[2], k))))\n"
               "end return 1",
               0, 2, (const struct str[]){str_from(account), str_from(command)});
    finish(1);
}

static void what_a_stranger_has_written_is_no_dialogue(void **state) {
    (void)state;
    static const char *const commands[] = {"[\"SET\",\"%s\",\"nonsense\"]",
                                           "[\"HSET\",\"%s\",\"v\",\"nonsense\"]"};
    for (size_t i = 0; i < 2; i++) {
        clear(-1);
        assert_int_equal(save(0, "1")->status, DIALOGUE_SAVED);
        on_keys(commands[i]);
        assert_int_equal(load()->status, DIALOGUE_NONE);
        assert_int_equal(save(0, "2")->status, DIALOGUE_SAVED);
        assert_string_equal(load()->json, "2");
    }
}

static void without_redis_a_dialogue_is_away(void **state) {
    (void)state;
    open_redis("");
    assert_int_equal(load()->status, DIALOGUE_AWAY);
    assert_int_equal(save(0, "1")->status, DIALOGUE_AWAY);
    assert_int_equal(clear(0)->status, DIALOGUE_AWAY);
}

static void a_text_that_is_too_long_is_not_saved(void **state) {
    (void)state;
    static char text[DIALOGUE_MAX_BYTES + 2];
    memset(text, 'x', DIALOGUE_MAX_BYTES + 1);
    assert_int_equal(save(0, text)->status, DIALOGUE_AWAY);
    assert_int_equal(load()->status, DIALOGUE_NONE);
    text[DIALOGUE_MAX_BYTES] = '\0';
    assert_int_equal(save(0, text)->status, DIALOGUE_SAVED);
    dialogue_load(redis, talk(0), account, "openid");
    dialogue_cancel(redis, &talks[0].call);
    run_for(base, 30);
    assert_int_equal(done, 0);
}

/* ---- attempts ---- */

static void on_attempt(struct attempt_call *call, int number) {
    ((struct attempt *)call)->number = number;
    done++;
}

static int count(const char *key) {
    attempts[0] = (struct attempt){.call.on_done = on_attempt};
    attempt_count(redis, &attempts[0].call, key);
    assert_int_equal(done, 0);
    finish(1);
    return attempts[0].number;
}

static void attempts_are_counted_with_and_without_redis(void **state) {
    (void)state;
    assert_int_equal(count(account), 1);
    assert_int_equal(count(account), 2);
    open_redis(""); /* it goes away between two attempts */
    assert_int_equal(count(account), 3);
    assert_int_equal(count("another message"), 1);
}

static void attempts_at_another_server_count(void **state) {
    (void)state;
    char key[96];
    struct redis_call call = {.on_done = on_value};
    snprintf(key, sizeof key, "attempt:%s", account);
    redis_command(redis, &call, 2, (const struct str[]){STR("INCR"), str_from(key)});
    finish(1);
    assert_int_equal(count(account), 2);
    redis_command(redis, &call, 2, (const struct str[]){STR("DEL"), str_from(key)});
    finish(1);
}

static void many_attempts_do_not_fill_the_table(void **state) {
    (void)state;
    char key[40];
    open_redis("");
    for (int i = 0; i < 20000; i++) {
        snprintf(key, sizeof key, "many-%d", i);
        attempts[1] = (struct attempt){.call.on_done = on_attempt};
        attempt_count(redis, &attempts[1].call, key);
        attempt_cancel(redis, &attempts[1].call);
    }
    assert_int_equal(count("many-19999"), 2);
}

int main(void) {
    log_init(LOG_LEVEL_ERROR);
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_dialogue_is_saved_and_found),
        TEST(of_two_messages_at_once_one_wins),
        TEST(an_old_version_is_old_after_starting_anew_too),
        TEST(a_dialogue_ends_by_itself_and_holds_no_openid),
        TEST(what_a_stranger_has_written_is_no_dialogue),
        TEST(without_redis_a_dialogue_is_away),
        TEST(a_text_that_is_too_long_is_not_saved),
        TEST(attempts_are_counted_with_and_without_redis),
        TEST(attempts_at_another_server_count),
        TEST(many_attempts_do_not_fill_the_table),
    };
    return cmocka_run_group_tests_name("dialogue_store", tests, NULL, NULL);
}
