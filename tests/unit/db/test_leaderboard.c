/* Boards in a real Redis, rebuilt from a real PostgreSQL. */

#include "tests/unit/db/database.h"

#include <signal.h>

#include "db/leaderboard.h"
#include "server/base/log.h"

#define PERIOD "2026-Q3"

static struct event_base *base;
static struct redis *redis;
static struct pg *pg;
static char account[40];
static int accounts;

struct reader {
    struct leaderboard_read read;
    enum leaderboard_status status;
    struct leaderboard_top top;
};
static struct reader reader;
static int done;
static bool rebuilt;
static int64_t number;
static int well; /* rebuilds that ended well */

/* 1200 members in 10 units: two pages; member m has m / 2 points, so they tie in pairs. */
static const char functions_sql[] =
    "create schema api; grant usage on schema api to gulou_app;"
    "create function api.scores(p_account text, p_period text, p_member int, p_org int, p_limit "
    "int)"
    " returns jsonb language sql as $$"
    " select jsonb_build_object('rows', coalesce(jsonb_agg(jsonb_build_object('period', p_period,"
    "  'member', m, 'org', m % 10 + 1, 'points', (m / 2)::text, 'version', 5)), '[]'))"
    " from generate_series(p_member + 1, least(p_member + p_limit,"
    "  case when p_account like 'empty%' then 0 else 1200 end)) m $$";

static int set_up_all(void **state) {
    database_create(state);
    execute(database_url, functions_sql);
    return 0;
}

static void open_redis(const char *url) {
    redis_free(redis);
    redis = redis_new(base, url);
    for (int i = 0; i < 300 && *url && !redis_ready(redis); i++)
        run_for(base, 10);
}

static int set_up(void **state) {
    (void)state;
    signal(SIGPIPE, SIG_IGN);
    done = well = 0;
    base = event_base_new();
    open_redis(environment("GULOU_TEST_REDIS_URL"));
    assert_true(redis_ready(redis));
    pg = pg_new(base, database_url, 1);
    snprintf(account, sizeof account, "unit-%d-%d", (int)getpid(), ++accounts);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    redis_eval(redis, NULL,
               "for _, k in ipairs(redis.call('KEYS', 'board:' .. ARGV[1] .. ':*')) do\n"
               "redis.call('DEL', k) end return 1",
               0, 1, (const struct str[]){str_from(account)});
    run_for(base, 20);
    redis_free(redis);
    redis = NULL;
    pg_free(pg);
    event_base_free(base);
    return 0;
}

static void on_rebuilt(void *context, bool ok) {
    (void)context;
    rebuilt = ok;
    well += ok;
    done++;
}

static void begin(enum leaderboard_haste haste) {
    leaderboard_rebuild(base, redis, pg, account, PERIOD, haste, on_rebuilt, NULL);
}

static void on_number(struct redis_call *call, enum redis_status status,
                      const struct redis_value *value) {
    (void)call;
    assert_int_equal(status, REDIS_ANSWERED);
    assert_true(redis_value_integer(value, &number));
}

/* Of one that is built beside other work the first page is there; it pauses. */
static void wait_for_a_page(void) {
    char v[96];
    snprintf(v, sizeof v, "board:%s:" PERIOD ":next:v", account);
    for (number = 0; number == 0;) {
        struct redis_call call = {.on_done = on_number};
        redis_command(redis, &call, 2, (const struct str[]){STR("HLEN"), str_from(v)});
        run_for(base, 5);
        redis_cancel(redis, &call);
    }
    assert_int_equal(done, 0);
}

static bool rebuild(void) {
    leaderboard_rebuild(base, redis, pg, account, PERIOD, LEADERBOARD_AT_ONCE, on_rebuilt, NULL);
    assert_int_equal(done, 0);
    run_until(base, &done, 1, 5000);
    done = 0;
    return rebuilt;
}

static void on_read(struct leaderboard_read *read, enum leaderboard_status status,
                    const struct leaderboard_top *top) {
    struct reader *r = (struct reader *)read;
    r->status = status;
    r->top = top ? *top : (struct leaderboard_top){0};
    done++;
}

static const struct leaderboard_top *top(bool units, size_t limit, int64_t mine) {
    reader.read.on_done = on_read;
    leaderboard_top(redis, &reader.read, account, PERIOD, units, limit, mine);
    assert_int_equal(done, 0);
    run_until(base, &done, 1, 1000);
    done = 0;
    return reader.status == LEADERBOARD_OK ? &reader.top : NULL;
}

static void on_applied(struct redis_call *call, enum redis_status status,
                       const struct redis_value *value) {
    (void)call;
    (void)value;
    assert_int_equal(status, REDIS_ANSWERED);
    done++;
}

static void apply(const char *json) {
    struct redis_call call = {.on_done = on_applied};
    leaderboard_apply(redis, &call, account, str_from(json));
    run_until(base, &done, 1, 1000);
    done = 0;
}

static void assert_row(const struct leaderboard_row *row, int64_t rank, int64_t id,
                       int64_t points) {
    assert_int_equal(row->rank, rank);
    assert_int_equal(row->id, id);
    assert_int_equal(row->points, points);
}

static void a_board_is_not_read_before_it_was_rebuilt(void **state) {
    (void)state;
    apply("[{\"period\":\"2026-Q3\",\"member\":1,\"org\":1,\"points\":\"9\",\"version\":1}]");
    assert_null(top(false, 10, 0));
}

static void a_rebuilt_board_has_ranks_with_ties(void **state) {
    (void)state;
    assert_true(rebuild());
    const struct leaderboard_top *t = top(false, 4, 998);
    assert_int_equal(t->n, 4);
    assert_row(&t->rows[0], 1, 1200, 600);
    assert_row(&t->rows[1], 2, 1198, 599);
    assert_row(&t->rows[2], 2, 1199, 599);
    assert_row(&t->rows[3], 4, 1196, 598);
    assert_row(&t->mine, 202, 998, 499);
    t = top(false, 5000, 0);
    assert_int_equal(t->n, LEADERBOARD_ROWS_MAX);
    assert_int_equal(t->mine.rank, 0);
}

static void a_unit_is_the_sum_of_its_members(void **state) {
    (void)state;
    assert_true(rebuild());
    const struct leaderboard_top *t = top(true, 3, 10);
    assert_int_equal(t->n, 3);
    /* unit u: members m with m % 10 = u - 1, of 1..1200 */
    int64_t sum = 0;
    for (int64_t m = 1; m <= 1200; m++)
        sum += m % 10 == 9 ? m / 2 : 0;
    assert_int_equal(t->mine.points, sum);
}

static void older_and_repeated_versions_change_nothing(void **state) {
    (void)state;
    assert_true(rebuild());
    apply("{\"rows\":[{\"period\":\"2026-Q3\",\"member\":3,\"org\":4,\"points\":7000,\"version\":7}"
          "]}");
    int64_t unit = top(true, 1, 4)->mine.points;
    assert_row(&top(false, 1, 3)->mine, 1, 3, 7000);
    apply("[{\"period\":\"2026-Q3\",\"member\":3,\"org\":4,\"points\":\"1\",\"version\":6}]");
    apply("{\"scores\":[{\"period\":\"2026-Q3\",\"member\":3,\"org\":4,\"points\":\"7000\","
          "\"version\":7}]}");
    assert_row(&top(false, 1, 3)->mine, 1, 3, 7000);
    assert_int_equal(top(true, 1, 4)->mine.points, unit);
    apply("[{\"period\":\"2026-Q3\",\"member\":3,\"org\":4,\"points\":\"0\",\"version\":8}]");
    assert_int_equal(top(true, 1, 4)->mine.points, unit - 7000);
    assert_row(&top(false, 1, 3)->mine, 0, 3, 0);
}

static void a_member_in_two_units_counts_in_each(void **state) {
    (void)state;
    snprintf(account, sizeof account, "empty-%d-%d", (int)getpid(), accounts);
    assert_true(rebuild());
    assert_int_equal(top(false, 10, 1)->n, 0);
    apply("[{\"period\":\"2026-Q3\",\"member\":1,\"org\":1,\"points\":\"5\",\"version\":1},"
          "{\"period\":\"2026-Q3\",\"member\":1,\"org\":2,\"points\":\"6\",\"version\":1},"
          "{\"period\":\"2026-Q4\",\"member\":1,\"org\":2,\"points\":\"50\",\"version\":1}]");
    assert_row(&top(false, 10, 1)->mine, 1, 1, 11);
    assert_row(&top(true, 10, 1)->rows[0], 1, 2, 6);
    assert_row(&top(true, 10, 1)->mine, 2, 1, 5);
}

static void a_rebuild_again_gives_the_same_and_drops_what_is_gone(void **state) {
    (void)state;
    assert_true(rebuild());
    apply("[{\"period\":\"2026-Q3\",\"member\":9999,\"org\":1,\"points\":\"9999\",\"version\":9}]");
    assert_int_equal(top(false, 1, 0)->rows[0].id, 9999);
    assert_true(rebuild());
    assert_row(&top(false, 1, 0)->rows[0], 1, 1200, 600);
}

static void of_two_rebuilds_at_once_the_board_is_whole(void **state) {
    (void)state;
    begin(LEADERBOARD_AT_ONCE);
    begin(LEADERBOARD_AT_ONCE);
    run_until(base, &done, 2, 5000);
    done = 0;
    assert_row(&top(false, 1, 2)->mine, 1198, 2, 1);
    int64_t sum = 0; /* of unit 1: members 10, 20 … */
    for (int64_t m = 10; m <= 1200; m += 10)
        sum += m / 2;
    assert_int_equal(top(true, 1, 1)->mine.points, sum);
}

static void a_board_is_read_while_the_next_one_is_built(void **state) {
    (void)state;
    assert_true(rebuild());
    apply("[{\"period\":\"2026-Q3\",\"member\":9999,\"org\":1,\"points\":\"9999\",\"version\":9}]");
    begin(LEADERBOARD_BESIDE);
    wait_for_a_page(); /* of its two */
    assert_int_equal(top(false, 1, 0)->rows[0].id, 9999);

    /* what changes meanwhile, before or behind what was read, is in both */
    apply("[{\"period\":\"2026-Q3\",\"member\":3,\"org\":4,\"points\":\"7000\",\"version\":7},"
          "{\"period\":\"2026-Q3\",\"member\":1199,\"org\":10,\"points\":\"8000\",\"version\":7}]");
    assert_row(&top(false, 1, 1199)->mine, 2, 1199, 8000);
    int64_t unit = top(true, 1, 10)->mine.points;
    run_until(base, &done, 1, 5000);
    done = 0;
    assert_true(rebuilt);
    assert_row(&top(false, 1, 1199)->mine, 1, 1199, 8000);
    assert_row(&top(false, 1, 3)->mine, 2, 3, 7000);
    assert_int_equal(top(true, 1, 10)->mine.points, unit);
}

static void who_builds_beside_other_work_gives_way(void **state) {
    (void)state;
    begin(LEADERBOARD_BESIDE);
    wait_for_a_page();
    begin(LEADERBOARD_BESIDE);
    run_until(base, &done, 1, 5000);
    assert_int_equal(well, 0); /* the second one: the first goes on */
    begin(LEADERBOARD_AT_ONCE);
    run_until(base, &done, 3, 5000);
    assert_int_equal(well, 1); /* and is overtaken by the third */
    done = 0;
    assert_row(&top(false, 1, 0)->rows[0], 1, 1200, 600);
}

/* ---- what evicts, restores or writes behind our back ---- */

static void redis_does(const char *command) {
    struct redis_call call = {.on_done = on_applied};
    redis_eval(redis, &call, "redis.call(unpack(cjson.decode(ARGV[1]))) return 1", 0, 1,
               (const struct str[]){str_from(command)});
    run_until(base, &done, 1, 1000);
    done = 0;
}

static void board_does(const char *verb, const char *part, const char *rest) {
    char command[256];
    snprintf(command, sizeof command, "[\"%s\",\"board:%s:" PERIOD ":%s\"%s]", verb, account, part,
             rest);
    redis_does(command);
}

static void on_checked(struct redis_call *call, enum redis_status status,
                       const struct redis_value *value) {
    int64_t ready = -1;
    (void)call;
    assert_int_equal(status, REDIS_ANSWERED);
    assert_true(redis_value_integer(value, &ready));
    rebuilt = ready == 1;
    done++;
}

static bool is_ready(void) {
    struct redis_call call = {.on_done = on_checked};
    leaderboard_check(redis, &call, account, PERIOD);
    run_until(base, &done, 1, 1000);
    done = 0;
    return rebuilt;
}

static void a_board_of_which_a_part_is_gone_or_no_board_is_built_anew(void **state) {
    (void)state;
    static const char *const parts[] = {"v", "members", "units"};
    for (size_t i = 0; i < 3; i++) {
        assert_true(rebuild());
        assert_true(is_ready());
        board_does("DEL", parts[i], "");
        assert_false(is_ready());
        assert_null(top(i == 2, 10, 1));
        assert_true(rebuild());
        board_does("SET", parts[i], ",\"nonsense\"");
        apply("[{\"period\":\"2026-Q3\",\"member\":1,\"org\":1,\"points\":\"9\",\"version\":8}]");
        assert_null(top(i == 2, 10, 1));
        assert_false(is_ready());
    }
    assert_true(rebuild());
    assert_row(&top(false, 1, 0)->rows[0], 1, 1200, 600);
}

static void an_eviction_does_not_double_what_is_applied_next(void **state) {
    (void)state;
    assert_true(rebuild());
    board_does("DEL", "v", "");
    apply("[{\"period\":\"2026-Q3\",\"member\":1200,\"org\":1,\"points\":\"600\",\"version\":8}]");
    assert_null(top(false, 1, 0));
    assert_false(is_ready());
}

static void what_is_evicted_while_it_is_built_does_not_become_a_board(void **state) {
    (void)state;
    begin(LEADERBOARD_BESIDE);
    wait_for_a_page();
    board_does("DEL", "next:v", "");
    run_until(base, &done, 1, 5000);
    done = 0;
    assert_false(rebuilt);
    assert_null(top(false, 1, 0));
}

static void a_snapshot_of_an_earlier_run_is_not_read(void **state) {
    (void)state;
    assert_true(rebuild());
    board_does("SET", "ready", ",\"0123456789012345678901234567890123456789 1200 1200 10\"");
    assert_false(is_ready());
    assert_null(top(false, 10, 1));
}

static void rows_that_are_none_of_ours_are_not_shown(void **state) {
    (void)state;
    static const char *const rows[] = {",\"-99999\",\"nonsense\"", ",\"-99999\",\"99999999999\"",
                                       ",\"-9999.5\",\"0000000001\""};
    for (size_t i = 0; i < 3; i++) {
        assert_true(rebuild());
        board_does("ZADD", "members", rows[i]);
        assert_null(top(false, 10, 1));
    }
}

static void without_redis_the_database_is_asked(void **state) {
    (void)state;
    open_redis("");
    assert_null(top(false, 10, 1));
    assert_false(rebuild());
    open_redis(environment("GULOU_TEST_REDIS_URL"));
}

static void without_the_database_there_is_no_board(void **state) {
    (void)state;
    log_init(LOG_LEVEL_ERROR + 1);
    execute(database_url, "alter function api.scores rename to hidden");
    assert_false(rebuild());
    execute(database_url, "alter function api.hidden rename to scores");
    log_init(LOG_LEVEL_ERROR);
    assert_null(top(false, 10, 1));
}

static void a_rebuild_can_be_cancelled(void **state) {
    (void)state;
    struct leaderboard_rebuild *r = leaderboard_rebuild(base, redis, pg, account, PERIOD,
                                                        LEADERBOARD_AT_ONCE, on_rebuilt, NULL);
    run_for(base, 3);
    if (done == 0)
        leaderboard_rebuild_cancel(r);
    int before = done;
    run_for(base, 100);
    assert_int_equal(done, before);
}

int main(void) {
    log_init(LOG_LEVEL_ERROR);
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_board_is_not_read_before_it_was_rebuilt),
        TEST(a_rebuilt_board_has_ranks_with_ties),
        TEST(a_unit_is_the_sum_of_its_members),
        TEST(older_and_repeated_versions_change_nothing),
        TEST(a_member_in_two_units_counts_in_each),
        TEST(a_rebuild_again_gives_the_same_and_drops_what_is_gone),
        TEST(of_two_rebuilds_at_once_the_board_is_whole),
        TEST(a_board_is_read_while_the_next_one_is_built),
        TEST(who_builds_beside_other_work_gives_way),
        TEST(what_is_evicted_while_it_is_built_does_not_become_a_board),
        TEST(a_board_of_which_a_part_is_gone_or_no_board_is_built_anew),
        TEST(an_eviction_does_not_double_what_is_applied_next),
        TEST(a_snapshot_of_an_earlier_run_is_not_read),
        TEST(rows_that_are_none_of_ours_are_not_shown),
        TEST(without_redis_the_database_is_asked),
        TEST(without_the_database_there_is_no_board),
        TEST(a_rebuild_can_be_cancelled),
    };
    return cmocka_run_group_tests_name("leaderboard", tests, set_up_all, database_drop);
}
