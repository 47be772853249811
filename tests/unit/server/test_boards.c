/* One reading of a real Redis for all who ask for the board at once. */

#include "tests/unit/db/database.h"

#include <signal.h>

#include "db/leaderboard.h"
#include "server/base/log.h"
#include "server/base/metrics.h"
#include "server/boards.h"
#include "server/config.h"

#define PERIOD "2026-Q3"

static struct event_base *base;
static struct redis *redis;
static struct pg *pg;
static struct boards *boards;
static char account_id[40];
static struct account account = {.id = account_id};
static const struct config config = {.accounts = &account, .accounts_n = 1};

static struct asker {
    struct boards_call call;
    char period[16], ids[64], points[64];
} askers[4];
static int done;
static bool rebuilt;

/* Members 1, 2 and 3 with 10, 20 and 30 points. */
static const char functions_sql[] =
    "create schema api; grant usage on schema api to gulou_app;"
    "create function api.scores(p_account text, p_period text, p_member int, p_org int, p_limit "
    "int)"
    " returns jsonb language sql as $$"
    " select jsonb_build_object('rows', coalesce(jsonb_agg(jsonb_build_object('period', p_period,"
    "  'member', m, 'org', 1, 'points', (m * 10)::text, 'version', 5)), '[]'))"
    " from generate_series(p_member + 1, 3) m $$";

static int set_up_all(void **state) {
    signal(SIGPIPE, SIG_IGN);
    database_create(state);
    execute(database_url, functions_sql);
    return 0;
}

static void on_rebuilt(void *context, bool ok) {
    (void)context;
    rebuilt = ok;
    done++;
}

static int set_up(void **state) {
    (void)state;
    done = 0;
    snprintf(account_id, sizeof account_id, "boards-%d", (int)getpid());
    base = event_base_new();
    redis = redis_new(base, environment("GULOU_TEST_REDIS_URL"));
    pg = pg_new(base, database_url, 1);
    for (int i = 0; i < 300 && !redis_ready(redis); i++)
        run_for(base, 10);
    leaderboard_rebuild(base, redis, pg, account_id, PERIOD, LEADERBOARD_AT_ONCE, on_rebuilt, NULL);
    run_until(base, &done, 1, 5000);
    assert_true(rebuilt);
    done = 0;
    boards = boards_new(base, redis, &config);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    boards_free(boards);
    redis_eval(redis, NULL,
               "for _, k in ipairs(redis.call('KEYS', 'board:' .. ARGV[1] .. ':*')) do\n"
               "redis.call('DEL', k) end return 1",
               0, 1, (const struct str[]){str_from(account_id)});
    run_for(base, 20);
    redis_free(redis);
    pg_free(pg);
    event_base_free(base);
    return 0;
}

static void on_first(struct boards_call *call, const char *period, const char *ids,
                     const char *points) {
    struct asker *asker = (struct asker *)call;
    snprintf(asker->period, sizeof asker->period, "%s", period ? period : "");
    snprintf(asker->ids, sizeof asker->ids, "%s", ids ? ids : "");
    snprintf(asker->points, sizeof asker->points, "%s", points ? points : "");
    done++;
}

static bool ask(int i) {
    askers[i] = (struct asker){.call = {.on_done = on_first}};
    return boards_first(boards, &account, &askers[i].call);
}

static void assert_told(int i, const char *ids, const char *points) {
    assert_string_equal(askers[i].period, PERIOD);
    assert_string_equal(askers[i].ids, ids);
    assert_string_equal(askers[i].points, points);
}

static void who_asks_at_once_shares_one_reading(void **state) {
    (void)state;
    boards_note_period(boards, &account, PERIOD);
    uint64_t before = metric_value(METRIC_REDIS_COMMANDS);
    for (int i = 0; i < 4; i++)
        assert_true(ask(i));
    assert_int_equal(done, 0);
    run_until(base, &done, 4, 1000);
    for (int i = 0; i < 4; i++)
        assert_told(i, "{3,2,1}", "{30,20,10}");
    assert_int_equal(metric_value(METRIC_REDIS_COMMANDS) - before, 1);
}

static void who_asks_later_is_told_what_is_so_by_then(void **state) {
    (void)state;
    boards_note_period(boards, &account, PERIOD);
    uint64_t before = metric_value(METRIC_REDIS_COMMANDS);
    assert_true(ask(0));
    while (metric_value(METRIC_REDIS_COMMANDS) == before)
        event_base_loop(base, EVLOOP_ONCE);
    /* The first one's reading is under way when the score changes. */
    assert_int_equal(done, 0);
    leaderboard_apply(redis, NULL, account_id,
                      STR("[{\"period\":\"" PERIOD
                          "\",\"member\":1,\"org\":1,\"points\":\"50\",\"version\":6}]"));
    assert_true(ask(1));
    run_until(base, &done, 2, 1000);
    assert_told(0, "{3,2,1}", "{30,20,10}");
    assert_told(1, "{1,3,2}", "{50,30,20}");
}

static void the_period_is_the_last_one_that_an_answer_named(void **state) {
    (void)state;
    assert_false(ask(0));
    boards_note_period(boards, &account, "2026-Q2");
    assert_true(ask(0));
    boards_note_period(boards, &account, PERIOD);
    run_until(base, &done, 1, 1000);
    assert_told(0, "{3,2,1}", "{30,20,10}");
}

static void a_board_that_is_none_is_no_answer(void **state) {
    (void)state;
    boards_note_period(boards, &account, "2026-Q1");
    assert_true(ask(0));
    run_until(base, &done, 1, 1000);
    assert_string_equal(askers[0].period, "");
    assert_string_equal(askers[0].ids, "");
}

static void without_redis_there_is_nothing_to_ask(void **state) {
    (void)state;
    boards_free(boards);
    redis_free(redis);
    redis = redis_new(base, "");
    boards = boards_new(base, redis, &config);
    boards_note_period(boards, &account, PERIOD);
    assert_false(ask(0));
}

int main(void) {
    log_init(LOG_LEVEL_ERROR);
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(who_asks_at_once_shares_one_reading),
        TEST(who_asks_later_is_told_what_is_so_by_then),
        TEST(the_period_is_the_last_one_that_an_answer_named),
        TEST(a_board_that_is_none_is_no_answer),
        TEST(without_redis_there_is_nothing_to_ask),
    };
    return cmocka_run_group_tests_name("boards", tests, set_up_all, database_drop);
}
