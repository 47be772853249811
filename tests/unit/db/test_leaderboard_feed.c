/* The feed that keeps boards in Redis level with PostgreSQL. */

#include "tests/unit/db/database.h"

#include <signal.h>

#include "db/leaderboard.h"
#include "db/leaderboard_feed.h"
#include "server/base/log.h"

struct reader {
    struct leaderboard_read read;
    struct leaderboard_top top;
    bool ok;
};

static struct event_base *base;
static struct redis *redis;
static struct pg *pg;
static char account[40];
static struct reader reader;
static int done;
static int64_t number;

static const char functions_sql[] =
    "create schema api; grant usage on schema api to gulou_app;"
    "create table public.score (period text, member int, org int, points bigint, version bigint,"
    " changed_at timestamptz default clock_timestamp());"
    "insert into score values ('2026-Q1', 1, 1, 10, 1), ('2026-Q2', 1, 1, 20, 1),"
    " ('2026-Q3', 1, 1, 30, 1), ('2026-Q3', 2, 1, 31, 1);"
    "create function api.periods(a text) returns jsonb language sql as"
    " $$select '{\"periods\":[\"2026-Q1\",\"2026-Q2\",\"2026-Q3\"]}'::jsonb$$;"
    "create function api.scores(a text, p text, m int, o int, n int) returns jsonb language sql"
    " security definer set search_path = public as"
    " $$select jsonb_build_object('rows', coalesce(jsonb_agg(s), '[]')) from score s"
    "  where period = p and member > m$$;"
    "create function api.score_changes(a text, p timestamptz) returns jsonb language sql"
    " security definer set search_path = public as"
    " $$select jsonb_build_object('until', clock_timestamp(), 'rows', coalesce(jsonb_agg(s), '[]'))"
    " from score s where changed_at >= p - interval '5 seconds'$$;";

static int set_up(void **state) {
    signal(SIGPIPE, SIG_IGN);
    database_create(state);
    execute(database_url, functions_sql);
    base = event_base_new();
    redis = redis_new(base, environment("GULOU_TEST_REDIS_URL"));
    pg = pg_new(base, database_url, 1);
    snprintf(account, sizeof account, "feed-%d", (int)getpid());
    run_for(base, 100);
    return 0;
}

static void drop_boards(void) {
    redis_eval(redis, NULL,
               "for _, k in ipairs(redis.call('KEYS', 'board:' .. ARGV[1] .. ':*')) do\n"
               "redis.call('DEL', k) end return 1",
               0, 1, (const struct str[]){str_from(account)});
    run_for(base, 20);
}

static int tear_down(void **state) {
    drop_boards();
    redis_free(redis);
    pg_free(pg);
    event_base_free(base);
    return database_drop(state);
}

static void on_read(struct leaderboard_read *read, enum leaderboard_status status,
                    const struct leaderboard_top *top) {
    (void)read;
    reader.ok = status == LEADERBOARD_OK;
    reader.top = top ? *top : (struct leaderboard_top){0};
    done++;
}

static int64_t points(const char *period, int64_t member) {
    done = 0;
    reader.read.on_done = on_read;
    leaderboard_top(redis, &reader.read, account, period, false, 10, member);
    run_until(base, &done, 1, 1000);
    return reader.ok ? reader.top.mine.points : -1;
}

static void wait_points(const char *period, int64_t member, int64_t wanted) {
    for (int i = 0; i < 60; i++) {
        if (points(period, member) == wanted)
            return;
        run_for(base, 100);
    }
    fail_msg("%s never got %lld points", period, (long long)wanted);
}

static void on_number(struct redis_call *call, enum redis_status status,
                      const struct redis_value *value) {
    (void)call;
    (void)status;
    redis_value_integer(value, &number);
    done++;
}

static void cut_off_redis(void) {
    char id[24];
    struct redis_call call = {.on_done = on_number};
    done = 0;
    redis_command(redis, &call, 2, (const struct str[]){STR("CLIENT"), STR("ID")});
    run_until(base, &done, 1, 1000);
    snprintf(id, sizeof id, "%lld", (long long)number);
    redis_command(redis, NULL, 6,
                  (const struct str[]){STR("CLIENT"), STR("KILL"), STR("ID"), str_from(id),
                                       STR("SKIPME"), STR("no")});
    run_for(base, 50);
    assert_false(redis_ready(redis));
}

static void boards_follow_the_database(void **state) {
    (void)state;
    struct leaderboard_feed *feed = leaderboard_feed_new(base, pg, redis, account);
    wait_points("2026-Q3", 2, 31);
    wait_points("2026-Q1", 1, 10);
    assert_int_equal(points("2026-Q2", 1), 20);

    execute(database_url,
            "update score set points = 40, version = 2,"
            " changed_at = clock_timestamp() where period = '2026-Q3' and member = 1");
    wait_points("2026-Q3", 1, 40);

    /* a Redis that comes back empty is filled again, with what changed meanwhile */
    drop_boards();
    cut_off_redis();
    execute(database_url,
            "update score set points = 50, version = 3,"
            " changed_at = clock_timestamp() where period = '2026-Q3' and member = 1");
    wait_points("2026-Q3", 1, 50);
    wait_points("2026-Q1", 1, 10);
    leaderboard_feed_free(feed);
}

/* Who starts trusts no board and takes none away: it is read until the new one is there. */
static void a_board_stays_readable_while_a_server_starts(void **state) {
    (void)state;
    struct leaderboard_feed *feed = leaderboard_feed_new(base, pg, redis, account);
    wait_points("2026-Q2", 1, 20);
    wait_points("2026-Q3", 2, 31);
    leaderboard_feed_free(feed);

    redis_eval(redis, NULL,
               "return redis.call('ZADD', 'board:' .. ARGV[1] .. ':2026-Q3:members', -7,"
               " '0000000002')",
               0, 1, (const struct str[]){str_from(account)});
    assert_int_equal(points("2026-Q3", 2), 7);
    feed = leaderboard_feed_new(base, pg, redis, account);
    for (int i = 0; i < 300 && points("2026-Q3", 2) != 31; i++) {
        assert_int_not_equal(points("2026-Q3", 2), -1);
        run_for(base, 20);
    }
    assert_int_equal(points("2026-Q3", 2), 31);
    assert_int_equal(points("2026-Q3", 1), 30);
    leaderboard_feed_free(feed);
}

static void a_feed_can_be_freed_at_any_moment(void **state) {
    (void)state;
    for (int ms = 990; ms < 1010; ms += 2) {
        struct leaderboard_feed *feed = leaderboard_feed_new(base, pg, redis, account);
        run_for(base, ms);
        leaderboard_feed_free(feed);
    }
    leaderboard_feed_free(NULL);
}

int main(void) {
    log_init(LOG_LEVEL_ERROR);
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(boards_follow_the_database),
        TEST(a_board_stays_readable_while_a_server_starts),
        TEST(a_feed_can_be_freed_at_any_moment),
    };
    return cmocka_run_group_tests_name("leaderboard_feed", tests, NULL, NULL);
}
