/* The invariants of the books under real concurrency: every call comes over a connection of its
 * own, all at once. What one session can show is in tests/sql/invariants.sql. */

#include "tests/unit/db/database.h"

#include <cjson/cJSON.h>
#include <pthread.h>
#include <unistd.h>

#include "db/migrate.h"

#define CROWD 64
#define REVIEWERS 8

struct caller {
    pthread_t thread;
    pthread_barrier_t *start;
    const char *function; /* of schema api, or NULL: `sql` is run */
    const char *args[5];
    char key[48];
    char openid[16];
    char numbers[32];
    char sql[512];
    unsigned delay_ms;
    char *answer; /* NULL: refused by the database */
    char *error;
};

static struct caller crowd[CROWD];

/* Two units, a member who declares, others, and reviewers of the other unit. */
static const char people_sql[] =
    "select api.set_clock('2026-11-20 18:00+08'); select api.sync_account('t', '测试');"
    "insert into gulou.org values ('t', 1, '甲', 'reporting_unit'), ('t', 2, '乙', "
    "'reporting_unit');"
    "insert into gulou.member select 't', n, '成员' || n, 'active' from generate_series(1, 28) n;"
    "insert into gulou.member_org select 't', n, case when n > 20 then 2 else 1 end"
    " from generate_series(1, 28) n;"
    "insert into gulou.member_role select 't', n, 'reviewer' from generate_series(21, 28) n;"
    "insert into gulou.binding select 't', 'o' || n, n, now() from generate_series(1, 28) n;"
    "create function public.declare_one(p_member int, p_item text) returns bigint language sql as"
    " $$select (api.declare_points('t', 'o' || p_member, gen_random_uuid(), 'test', p_item, 60,"
    " null, null, 0, null, null, null, '巡逻', null, null) ->> 'no')::bigint$$;"
    /* A posting of any kind, as what is to come (orders, settlements) will make it. */
    "create function public.post_one(p_member int, p_kind text, p_source text, p_books jsonb)"
    " returns bigint language sql as $$select gulou.post(jsonb_populate_record("
    " null::gulou.ledger_tx, '{\"account_id\": \"t\", \"reason\": \"test\", \"source_type\": "
    "\"test\","
    " \"leg\": 0, \"rule_version\": 1, \"period\": \"2026-Q4\", \"request_id\": \"test\","
    " \"issue\": 0, \"pending\": 0, \"available\": 0, \"reserved\": 0, \"debt\": 0,"
    " \"redeemed\": 0, \"expired\": 0, \"revoked\": 0}'::jsonb || p_books || jsonb_build_object("
    " 'member_id', p_member, 'kind', p_kind, 'source_id', p_source)))$$;"
    "select gulou.lock_member('t', n) from generate_series(1, 20) n;";

static int set_up_all(void **state) {
    database_create(state);
    struct migrate_files files = migrate_embedded(false);
    char *error = NULL;
    if (!migrate_apply(database_url, &files, NULL, &error))
        fail_msg("%s", error);
    execute(database_url, people_sql);
    return 0;
}

/* ---- the crowd ---- */

static void *act(void *arg) {
    struct caller *c = arg;
    struct sync *sync = c->function ? NULL : sync_open(database_url, &c->error);
    pthread_barrier_wait(c->start);
    usleep(c->delay_ms * 1000);
    if (c->function)
        c->answer = pg_run(database_url, c->function, 5, c->args, &c->error);
    else if (sync)
        sync_value(sync, c->sql, 0, NULL, &c->answer, &c->error);
    sync_close(sync);
    return NULL;
}

static void all_at_once(int n) {
    pthread_barrier_t start;
    pthread_barrier_init(&start, NULL, (unsigned)n);
    for (int i = 0; i < n; i++) {
        crowd[i].start = &start;
        assert_int_equal(pthread_create(&crowd[i].thread, NULL, act, &crowd[i]), 0);
    }
    for (int i = 0; i < n; i++)
        pthread_join(crowd[i].thread, NULL);
    pthread_barrier_destroy(&start);
}

static int forget_crowd(void **state) {
    (void)state;
    for (int i = 0; i < CROWD; i++) {
        free(crowd[i].answer);
        free(crowd[i].error);
    }
    memset(crowd, 0, sizeof crowd);
    return 0;
}

/* Caller i approves `numbers` ({1,2}) as one of the reviewers; pushes of one key are one push. */
static void approves(int i, int key, const char *numbers) {
    struct caller *c = &crowd[i];
    snprintf(c->key, sizeof c->key, "00000000-0000-0000-0000-%012d", key);
    snprintf(c->openid, sizeof c->openid, "o%d", 21 + key % REVIEWERS);
    snprintf(c->numbers, sizeof c->numbers, "%s", numbers);
    c->function = "approve";
    memcpy(c->args, ((const char *[]){"t", c->openid, c->key, "test", c->numbers}), sizeof c->args);
}

/* How many callers got `text` as this field of the first result. */
static int count_results(const char *field, const char *text) {
    int n = 0;
    for (int i = 0; i < CROWD && crowd[i].start; i++) {
        if (!crowd[i].answer)
            fail_msg("caller %d: %s", i, crowd[i].error);
        cJSON *facts = cJSON_Parse(crowd[i].answer);
        cJSON *first = cJSON_GetArrayItem(cJSON_GetObjectItem(facts, "results"), 0);
        const char *value = cJSON_GetStringValue(cJSON_GetObjectItem(first, field));
        n += value && strcmp(value, text) == 0;
        cJSON_Delete(facts);
    }
    return n;
}

static int count_accepted(const char *refusal) {
    int n = 0;
    for (int i = 0; i < CROWD; i++) {
        n += crowd[i].answer != NULL;
        if (!crowd[i].answer && !strstr(crowd[i].error, refusal))
            fail_msg("caller %d: %s", i, crowd[i].error);
    }
    return n;
}

static void assert_value(const char *sql, const char *expected) {
    char *value = value_of(database_url, sql);
    if (!value || strcmp(value, expected) != 0)
        fail_msg("%s: %s, not %s", sql, value, expected);
    free(value);
}

static void assert_books_in_order(void) {
    assert_value("select coalesce((select string_agg(one ->> 'detail', '; ') from"
                 " jsonb_array_elements(api.audit() -> 'checks') one"
                 " where not (one ->> 'ok')::boolean), 'in order')",
                 "in order");
}

static char *declared(int member, const char *item) {
    char sql[96];
    snprintf(sql, sizeof sql, "select public.declare_one(%d, '%s')", member, item);
    return value_of(database_url, sql);
}

/* ---- approvals ---- */

static void inv_08_one_declaration_approved_by_everybody_is_booked_once(void **state) {
    (void)state;
    char *no = declared(1, "40"), numbers[32];
    snprintf(numbers, sizeof numbers, "{%s}", no);
    for (int i = 0; i < CROWD; i++)
        approves(i, 1000 + i, numbers);
    all_at_once(CROWD);
    assert_int_equal(count_results("counted", "10"), 1);
    assert_int_equal(count_results("refusal", "already"), CROWD - 1);
    assert_value("select count(*) || ' ' || sum(pending) from gulou.ledger_tx where member_id = 1",
                 "1 10");
    assert_value("select pending from gulou.balance where member_id = 1", "10");
    assert_books_in_order();
    free(no);
}

static void inv_08_one_push_repeated_everywhere_has_one_effect_and_one_answer(void **state) {
    (void)state;
    char *no = declared(2, "40"), numbers[32];
    snprintf(numbers, sizeof numbers, "{%s}", no);
    for (int i = 0; i < CROWD; i++)
        approves(i, 2000, numbers);
    all_at_once(CROWD);
    assert_int_equal(count_results("counted", "10"), CROWD);
    for (int i = 1; i < CROWD; i++)
        assert_string_equal(crowd[i].answer, crowd[0].answer);
    assert_value("select count(*) from gulou.ledger_tx where member_id = 2", "1");
    assert_value("select count(*) from gulou.declaration_event join gulou.declaration"
                 " using (account_id, no) where member_id = 2",
                 "3");
    free(no);
}

static void inv_14_caps_hold_when_all_of_a_day_is_approved_at_once(void **state) {
    (void)state;
    for (int i = 0; i < CROWD; i++) {
        char *no = declared(3, i % 2 ? "40" : "8"), numbers[32];
        snprintf(numbers, sizeof numbers, "{%s}", no);
        approves(i, 3000 + i, numbers);
        free(no);
    }
    all_at_once(CROWD);
    assert_int_equal(count_results("counted", "10"), 6);
    assert_int_equal(count_results("counted", "4"), 1); /* the day's cap is 64 */
    assert_int_equal(count_results("counted", "0"), CROWD - 7);
    assert_int_equal(count_results("cap", "day"), CROWD - 6);
    assert_value("select pending from gulou.balance where member_id = 3", "64");
    assert_value("select points from gulou.period_score where member_id = 3", "64");
    assert_value("select count(*) from gulou.declaration_event join gulou.declaration"
                 " using (account_id, no) where member_id = 3 and to_status = 'approved'",
                 "64");
    assert_books_in_order();
}

static void inv_02_lists_that_cross_each_other_leave_balances_that_add_up(void **state) {
    (void)state;
    char *numbers[REVIEWERS];
    for (int i = 0; i < REVIEWERS; i++)
        numbers[i] = declared(4 + i, "40");
    for (int i = 0; i < CROWD; i++) {
        char list[32];
        snprintf(list, sizeof list, "{%s,%s,%s}", numbers[i % REVIEWERS],
                 numbers[(i * 3 + 1) % REVIEWERS], numbers[(i * 5 + 2) % REVIEWERS]);
        approves(i, 4000 + i, list);
    }
    all_at_once(CROWD);
    for (int i = 0; i < CROWD; i++)
        assert_non_null(crowd[i].answer); /* nobody was sacrificed to a deadlock */
    assert_value("select string_agg(distinct pending::text, ' ') from gulou.balance"
                 " where member_id between 4 and 11",
                 "10");
    assert_books_in_order();
    for (int i = 0; i < REVIEWERS; i++)
        free(numbers[i]);
}

/* ---- the bounds of a balance, which what is to come (orders, revocations) relies on ---- */

static void post_from_everywhere(int member, const char *kind, const char *books) {
    for (int i = 0; i < CROWD; i++)
        snprintf(crowd[i].sql, sizeof crowd[i].sql,
                 "select public.post_one(%d, '%s', '%s-%d', '%s')", member, kind, kind, i, books);
    all_at_once(CROWD);
}

static void inv_03_no_more_is_reserved_than_there_is(void **state) {
    (void)state;
    execute(database_url, "select public.post_one(12, 'ADJUST', 'start',"
                          " '{\"issue\": -100, \"available\": 100}')");
    post_from_everywhere(12, "RESERVE", "{\"available\": -7, \"reserved\": 7}");
    assert_int_equal(count_accepted("balance_available_check"), 14);
    assert_value("select available || ' ' || reserved || ' ' || chain_seq from gulou.balance"
                 " where member_id = 12",
                 "2 98 15");
    assert_books_in_order();
}

static void inv_03_a_debt_stops_at_its_floor(void **state) {
    (void)state;
    post_from_everywhere(13, "CLAWBACK", "{\"debt\": -30, \"revoked\": 30}");
    assert_int_equal(count_accepted("balance_debt_check"), 16);
    assert_value("select debt || ' ' || chain_seq from gulou.balance where member_id = 13",
                 "-480 16");
    assert_books_in_order();
}

static void inv_08_one_posting_from_everywhere_is_posted_once(void **state) {
    (void)state;
    for (int i = 0; i < CROWD; i++)
        snprintf(crowd[i].sql, sizeof crowd[i].sql,
                 "select public.post_one(14, 'ADJUST', 'one',"
                 " '{\"issue\": -5, \"available\": 5}')");
    all_at_once(CROWD);
    assert_int_equal(count_accepted("ledger_tx_account_id_kind_source_type_source_id_leg_key"), 1);
    assert_value("select available from gulou.balance where member_id = 14", "5");
    assert_books_in_order();
}

static void inv_09_a_posting_is_reversed_once_whoever_tries(void **state) {
    (void)state;
    execute(database_url, "select public.post_one(15, 'ADJUST', 'mistake',"
                          " '{\"issue\": -5, \"available\": 5}')");
    for (int i = 0; i < CROWD; i++)
        snprintf(crowd[i].sql, sizeof crowd[i].sql,
                 "select public.post_one(15, 'REVERSAL', '15.1',"
                 " '{\"source_type\": \"ledger_tx\"}')");
    all_at_once(CROWD);
    assert_int_equal(count_accepted("ledger_tx_account_id_kind_source_type_source_id_leg_key"), 1);
    assert_value("select available from gulou.balance where member_id = 15", "0");
    assert_books_in_order();
}

static void inv_04_lots_stay_what_is_available_when_all_reserve_and_give_back(void **state) {
    (void)state;
    execute(database_url, "select public.post_one(16, 'ADJUST', 'lot' || n,"
                          " '{\"issue\": -10, \"available\": 10}') from generate_series(1, 4) n");
    for (int i = 0; i < CROWD; i++)
        snprintf(crowd[i].sql, sizeof crowd[i].sql,
                 "select public.post_one(16, 'RESERVE', 'order-%d',"
                 " '{\"available\": -3, \"reserved\": 3}')",
                 i);
    all_at_once(CROWD);
    assert_int_equal(count_accepted("balance_available_check"), 13);
    forget_crowd(NULL);
    execute(database_url, "create function public.give_back() returns bigint language sql as"
                          " $$select public.post_one(16, 'UNRESERVE', source_id,"
                          " '{\"available\": 3, \"reserved\": -3}') from gulou.ledger_tx"
                          " where member_id = 16 and kind = 'RESERVE' order by random() limit 1$$");
    for (int i = 0; i < CROWD; i++)
        snprintf(crowd[i].sql, sizeof crowd[i].sql, "select public.give_back()");
    all_at_once(CROWD);
    assert_true(count_accepted("ledger_tx_account_id_kind_source_type_source_id_leg_key") > 0);
    assert_books_in_order();
}

/* ---- the end of a window ---- */

/* A notice of more than a hundred lines; its window ended not quite ten seconds ago. */
static void end_a_window(void) {
    execute(database_url,
            "insert into gulou.workday_year values (2027);"
            "select api.approve('t', 'o21', gen_random_uuid(), 'test', array[public.declare_one("
            "member, item::text)]) from generate_series(1, 16) member, generate_series(7, 12) item;"
            "select api.set_clock('2027-01-18 09:00+08');"
            "select gulou.freeze('t', '2026-Q4', 1, 2, 'test');"
            "select gulou.publish('t', '2026-Q4', 1, 2, 'test');"
            "select api.set_clock('2027-01-26 00:00:09.8+08');");
}

static void inv_21_a_line_is_settled_once_or_held_by_a_timely_objection(void **state) {
    (void)state;
    end_a_window();
    /* Half of them object at the last moment, and take their time on the way; the other half
     * settles. */
    for (int i = 0; i < CROWD; i++) {
        if (i % 2)
            snprintf(crowd[i].sql, sizeof crowd[i].sql,
                     "select api.object('t', 'o%d', gen_random_uuid(), 'test', 1, no,"
                     " '没有看到', clock_timestamp() - interval '10 seconds') from ("
                     "select no, pg_sleep(%d * 0.01) from gulou.announcement_line"
                     " order by no limit 1 offset %d) as slow",
                     1 + i % 16, i, i);
        else {
            crowd[i].delay_ms = 200u + 10u * (unsigned)i;
            snprintf(crowd[i].sql, sizeof crowd[i].sql, "select api.settle_due(3)");
        }
    }
    all_at_once(CROWD);
    for (int i = 0; i < CROWD; i++)
        if (!crowd[i].answer)
            fail_msg("caller %d: %s", i, crowd[i].error);
    assert_books_in_order();
    for (int i = 0; i < CROWD; i++)
        execute(database_url, "select api.settle_due(3)");
    assert_value("select count(*) from gulou.declaration d join gulou.announcement_line using "
                 "(account_id, no)"
                 " where status not in ('settled', 'objected')",
                 "0");
    assert_value("select (select count(*) from gulou.declaration where status = 'objected')"
                 " = (select count(*) from gulou.objection)",
                 "t");
    assert_value("select status in ('settled', 'archived') from gulou.announcement", "t");
    assert_value(
        "select count(*) = count(distinct source_id) from gulou.ledger_tx where kind = 'RELEASE'",
        "t");
    assert_books_in_order();
}

/* Two administrators of two minds, many times over: one outcome. */
static void inv_10_an_objection_is_decided_once(void **state) {
    (void)state;
    execute(database_url,
            "insert into gulou.member_role select 't', n, 'administrator' from generate_series(25, "
            "28) n;"
            "select api.set_clock('2027-04-16 09:00+08');"
            "select api.approve('t', 'o21', gen_random_uuid(), 'test', "
            "array[public.declare_one(17, '41')]);"
            "select gulou.freeze('t', '2027-Q2', 1, 2, 'test'), gulou.publish('t', '2027-Q2', 1, "
            "2, 'test');"
            "select api.object('t', 'o18', gen_random_uuid(), 'test', 2, max(no), '没有看到', null)"
            " from gulou.declaration where member_id = 17");
    for (int i = 0; i < CROWD; i++)
        snprintf(crowd[i].sql, sizeof crowd[i].sql,
                 "select api.request_objection('t', 'o%d', gen_random_uuid(), 'test',"
                 " (select max(objection_no) from gulou.objection), '%s', '已核实')",
                 25 + i % 4, i % 8 < 4 ? "upheld" : "dismissed");
    all_at_once(CROWD);
    assert_value("select count(*) from gulou.second_person_request where kind = 'objection'", "1");
    forget_crowd(NULL);
    for (int i = 0; i < CROWD; i++)
        snprintf(crowd[i].sql, sizeof crowd[i].sql,
                 "select api.decide_request('t', 'o%d', gen_random_uuid(), 'test',"
                 " (select max(request_no) from gulou.second_person_request), true, null)",
                 25 + i % 4);
    all_at_once(CROWD);
    for (int i = 0; i < CROWD; i++)
        if (!crowd[i].answer)
            fail_msg("caller %d: %s", i, crowd[i].error);
    assert_value("select string_agg(to_status, ' ' order by seq) from gulou.objection_event"
                 " where objection_no = (select max(objection_no) from gulou.objection)"
                 " and to_status not in ('upheld', 'dismissed')",
                 "filed accepted investigating notified");
    assert_books_in_order();
}

/* ---- two settle side by side ---- */

static struct sync *begins(const char *sql) {
    char *error = NULL;
    struct sync *sync = sync_open(database_url, &error);
    if (!sync || !sync_exec(sync, "begin", &error) || !sync_exec(sync, sql, &error))
        fail_msg("%s: %s", sql, error);
    return sync;
}

static void settles(struct sync *sync, const char *lines, const char *expected) {
    char *error = NULL, *value = NULL;
    if (!sync_value(sync, "select api.settle_due($1::int) ->> 'settled'", 1, &lines, &value,
                    &error))
        fail_msg("%s", error);
    assert_string_equal(value, expected);
    free(value);
}

static void ends(struct sync *sync) {
    assert_true(sync_exec(sync, "commit", NULL));
    sync_close(sync);
}

/* Three lines of each of four members. Nobody waits: not for the other one's lines, and not for a
 * member whom somebody has locked. */
static void inv_21_two_settle_side_by_side_and_wait_for_nobody(void **state) {
    (void)state;
    execute(database_url,
            "select api.set_clock('2027-07-20 09:00+08');"
            "do $$ begin while (api.settle_due() ->> 'more')::boolean loop end loop; end $$;"
            "select api.approve('t', 'o21', gen_random_uuid(), 'test', array[public.declare_one("
            "1 + n / 3, (7 + n % 3)::text)]) from generate_series(0, 11) n;"
            "select gulou.freeze('t', '2027-Q3', 1, 2, 'test');"
            "select gulou.publish('t', '2027-Q3', 1, 2, 'test');"
            "select api.set_clock('2027-08-20 09:00+08'); select api.settle_due(0);");
    struct sync *one = begins(""), *other = begins(""), *third = begins("");
    struct sync *person = begins("select gulou.lock_member('t', 2)");
    settles(one, "3", "3");
    settles(other, "5", "2"); /* two of the third member; three are of the second */
    settles(third, "5", "0");
    ends(third);
    ends(one);
    ends(other);
    settles(person, "1", "1"); /* their own, which stood first in the list now */
    ends(person);
    execute(database_url,
            "do $$ begin while (api.settle_due() ->> 'more')::boolean loop end loop; end $$");
    assert_value("select string_agg(distinct status, ' ') || ' ' || count(*) from gulou.declaration"
                 " where period = '2027-Q3'",
                 "settled 12");
    assert_value("select string_agg(to_status, ' ' order by seq) from gulou.announcement_event"
                 " where announcement_id = 3",
                 "frozen published window_closed settled archived");
    assert_books_in_order();
}

int main(void) {
#define TEST(name) cmocka_unit_test_teardown(name, forget_crowd)
    const struct CMUnitTest tests[] = {
        TEST(inv_08_one_declaration_approved_by_everybody_is_booked_once),
        TEST(inv_08_one_push_repeated_everywhere_has_one_effect_and_one_answer),
        TEST(inv_14_caps_hold_when_all_of_a_day_is_approved_at_once),
        TEST(inv_02_lists_that_cross_each_other_leave_balances_that_add_up),
        TEST(inv_03_no_more_is_reserved_than_there_is),
        TEST(inv_03_a_debt_stops_at_its_floor),
        TEST(inv_08_one_posting_from_everywhere_is_posted_once),
        TEST(inv_09_a_posting_is_reversed_once_whoever_tries),
        TEST(inv_04_lots_stay_what_is_available_when_all_reserve_and_give_back),
        TEST(inv_21_a_line_is_settled_once_or_held_by_a_timely_objection),
        TEST(inv_10_an_objection_is_decided_once),
        TEST(inv_21_two_settle_side_by_side_and_wait_for_nobody),
    };
    return cmocka_run_group_tests(tests, set_up_all, database_drop);
}
