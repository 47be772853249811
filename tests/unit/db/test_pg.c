/* The pool against a real PostgreSQL: groups, failures, second runs, outages. */

#include "tests/unit/db/database.h"

#include <arpa/inet.h>
#include <sys/socket.h>

#include "db/pg.h"
#include "server/base/log.h"
#include "server/base/metrics.h"

#define CALLS_MAX 200 /* more than all connections take at once */

struct call {
    struct pg_call pg;
    int count;
    enum pg_status status;
    char json[256];
};

static struct event_base *base;
static struct pg *pg;
static struct call calls[CALLS_MAX];
static int done;
static bool submitting;

static const char functions_sql[] =
    "create schema api; grant usage on schema api to gulou_app;"
    "create table public.inbox (key uuid primary key, answer jsonb);"
    "create table public.pair (id int primary key, n int not null);"
    "create table public.strict (n int unique deferrable initially deferred);"
    "insert into pair values (1, 0), (2, 0); create sequence public.tries;"
    "create function api.say(p text) returns jsonb language sql as 'select to_jsonb(p)';"
    "create function api.nothing() returns jsonb language sql as 'select null::jsonb';"
    "create function api.me() returns jsonb language sql as"
    " $$select to_jsonb(current_setting('role') || ' ' || current_setting('statement_timeout'))$$;"
    "create function api.peek() returns jsonb language sql as 'select to_jsonb(count(*)) from "
    "inbox';"
    "create function api.nap(s float) returns jsonb language plpgsql as"
    " 'begin perform pg_sleep(s); return ''true''; end';"
    "create function api.xid() returns jsonb language sql as 'select "
    "to_jsonb(txid_current()::text)';"
    "create function api.throw(p_code text, p int) returns jsonb language plpgsql as"
    " 'begin raise exception using errcode = p_code, message = ''on purpose''; end';"
    "create function api.say_together(p text[]) returns jsonb[] language sql as"
    " 'select array_agg(to_jsonb(one) order by place) from unnest(p) with ordinality as u (one, "
    "place)';"
    "create function api.nap_together(p float[]) returns jsonb[] language sql as"
    " 'select array_agg(to_jsonb(one)) from unnest(p) as one, lateral pg_sleep(one)';"
    "create function api.xid_together(p text[]) returns jsonb[] language sql as"
    " 'select array_fill(to_jsonb(cardinality(p) || '' '' || txid_current()), "
    "array[cardinality(p)])';"
    "create function api.odd_together(p text[]) returns jsonb[] language plpgsql as $$ begin"
    "  if 'odd' = any (p) then raise exception using errcode = 'P0001'; end if;"
    "  return array_fill('true'::jsonb, array[cardinality(p)]); end $$;"
    "create function api.around_together(p_by text[], p jsonb[]) returns jsonb[] language sql as"
    " $$select array_agg(jsonb_build_array(by, one) order by place)"
    " from unnest(p_by, p) with ordinality as u (by, one, place)$$;"
    "create function api.pair_together(p_by text[], p text[]) returns text[] language sql as"
    " $$select array_agg(format('\"%s says %s\"', by, one) order by place)"
    " from unnest(p_by, p) with ordinality as u (by, one, place)$$;"
    "create function api.around_together(p_by text[], p_when text[], p text[]) returns text[]"
    " language sql as $$select array_agg(format('[\"%s\", \"%s\", %s]', by, moment, one) order by"
    " place) from unnest(p_by, p_when, p) with ordinality as u (by, moment, one, place)$$;"
    "create function api.put(p_key uuid, p_words text) returns jsonb language plpgsql"
    " security definer set search_path = public as $$ begin"
    "  insert into inbox values (p_key, to_jsonb(p_words)) on conflict do nothing;"
    "  return (select answer from inbox where key = p_key); end $$;"
    "create function api.cross(p_first int, p_second int) returns jsonb language plpgsql"
    " security definer set search_path = public as $$ begin"
    "  update pair set n = n + 1 where id = p_first; perform pg_sleep(0.3);"
    "  update pair set n = n + 1 where id = p_second; return 'true'; end $$;"
    "create function api.strict(p int) returns jsonb language plpgsql"
    " security definer set search_path = public as $$ begin"
    "  insert into strict values (p); return 'true'; end $$;"
    "create function api.third_time(p_code text) returns jsonb language plpgsql"
    " security definer set search_path = public as $$ begin"
    "  if nextval('tries') % 3 > 0 then raise exception using errcode = p_code; end if;"
    "  return 'true'; end $$;"
    "create function api.stuck() returns jsonb language plpgsql"
    " security definer set search_path = public as $$ begin"
    "  perform nextval('tries'), pg_sleep(0.1); raise exception using errcode = '55P03'; end $$;"
    "create function api.tried() returns jsonb language sql"
    " security definer set search_path = public as 'select to_jsonb(last_value) from tries';"
    "create function api.close(s float) returns jsonb language plpgsql as $$ begin"
    "  perform set_config('default_transaction_read_only', 'on', false), pg_sleep(s);"
    "  return 'true'; end $$;"
    /* A standby that may be away: a commit that leaves something waits for it, unless told not to.
     */
    "create table public.away (n int); create table public.left_behind (words text);"
    "create function public.wait_for_standby() returns trigger language plpgsql as $$ begin"
    "  while current_setting('synchronous_commit') <> 'local' and exists (select from public.away)"
    "  loop perform pg_sleep(0.05); end loop; return null; end $$;"
    "create constraint trigger waits after insert on public.left_behind deferrable initially"
    "  deferred for each row execute function public.wait_for_standby();"
    "create function api.leave(p_words text) returns jsonb language plpgsql"
    " security definer set search_path = public as $$ begin"
    "  insert into left_behind values (p_words); return to_jsonb(p_words); end $$;"
    "grant select on public.away to gulou_app;"
    "create function api.waits_for_standby(p int) returns jsonb language sql"
    " security definer set search_path = public as 'select to_jsonb(exists (select from away))';"
    "create function api.hang_up_once(p text) returns jsonb language plpgsql"
    " security definer set search_path = public as $$ begin"
    "  if nextval('tries') % 2 = 1 then perform pg_terminate_backend(pg_backend_pid());"
    "   perform pg_sleep(1); end if; return 'true'; end $$;";

static int set_up_all(void **state) {
    database_create(state);
    execute(database_url, functions_sql);
    return 0;
}

static int set_up(void **state) {
    (void)state;
    execute(database_url, "alter sequence tries restart");
    memset(calls, 0, sizeof calls);
    done = 0;
    base = event_base_new();
    pg = pg_new(base, database_url, 2);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    pg_free(pg);
    event_base_free(base);
    return 0;
}

static void on_done(struct pg_call *pg_call, enum pg_status status, const char *json, size_t len) {
    struct call *call = (struct call *)pg_call; /* its first member */
    assert_false(submitting);
    call->count++;
    call->status = status;
    snprintf(call->json, sizeof call->json, "%.*s", (int)len, json ? json : "");
    done++;
}

static struct call *submit(int i, const char *function, const char *a, const char *b) {
    calls[i].pg = (struct pg_call){
        .function = function, .n = (a != NULL) + (b != NULL), .args = {a, b}, .on_done = on_done};
    submitting = true;
    assert_true(pg_submit(pg, &calls[i].pg));
    submitting = false;
    return &calls[i];
}

static struct call *submit_key(int i, const char *key, const char *words) {
    pg_cancel(pg, &submit(i, "put", key, words)->pg);
    calls[i].pg.changes = true;
    calls[i].pg.key = key;
    assert_true(pg_submit(pg, &calls[i].pg));
    return &calls[i];
}

static void assert_answer(const struct call *call, const char *json) {
    assert_int_equal(call->count, 1);
    assert_int_equal(call->status, PG_OK);
    assert_string_equal(call->json, json);
}

static void wait_ready(void) {
    for (int i = 0; i < 400 && !pg_ready(pg); i++)
        run_for(base, 10);
    assert_true(pg_ready(pg));
    run_for(base, 50); /* the second connection too */
}

/* ---- one call ---- */

static void a_call_answers_with_its_json(void **state) {
    (void)state;
    struct call *call = submit(0, "say", "鼓楼", NULL);
    run_until(base, &done, 1, 5000);
    assert_answer(call, "\"鼓楼\"");
    assert_int_equal(pg_pending(pg), 0);
}

static void an_sql_null_is_a_json_null(void **state) {
    (void)state;
    struct call *call = submit(0, "nothing", NULL, NULL);
    run_until(base, &done, 1, 5000);
    assert_answer(call, "null");
}

static void the_session_has_the_servers_role_and_a_time_limit(void **state) {
    (void)state;
    submit(0, "me", NULL, NULL);
    submit(1, "peek", NULL, NULL);
    run_until(base, &done, 2, 5000);
    assert_answer(&calls[0], "\"gulou_app 10s\"");
    assert_int_equal(calls[1].status, PG_FAILED);
    assert_string_equal(calls[1].pg.sqlstate, "42501"); /* no right on any table */
}

static void a_missing_function_fails_and_the_next_call_works(void **state) {
    (void)state;
    submit(0, "no_such_function", "1", NULL);
    submit(1, "no_such_function", "2", NULL);
    submit(2, "say", "x", NULL);
    run_until(base, &done, 3, 5000);
    assert_int_equal(calls[0].status, PG_FAILED);
    assert_int_equal(calls[1].status, PG_FAILED);
    assert_string_equal(calls[0].pg.sqlstate, "42883");
    assert_answer(&calls[2], "\"x\"");
}

/* ---- groups ---- */

static void calls_of_one_turn_share_a_transaction(void **state) {
    (void)state;
    wait_ready();
    uint64_t groups = metric_value(METRIC_PG_GROUPS);
    for (int i = 0; i < PG_GROUP_MAX; i++)
        submit(i, "xid", NULL, NULL);
    run_until(base, &done, PG_GROUP_MAX, 5000);
    assert_int_equal(metric_value(METRIC_PG_GROUPS) - groups, 1);
    for (int i = 1; i < PG_GROUP_MAX; i++)
        assert_answer(&calls[i], calls[0].json);
}

static void a_group_has_a_maximum(void **state) {
    (void)state;
    wait_ready();
    uint64_t groups = metric_value(METRIC_PG_GROUPS);
    for (int i = 0; i < CALLS_MAX; i++)
        submit(i, "xid", NULL, NULL);
    run_until(base, &done, CALLS_MAX, 5000);
    assert_true(metric_value(METRIC_PG_GROUPS) - groups >= CALLS_MAX / PG_GROUP_MAX);
    assert_string_not_equal(calls[0].json, calls[CALLS_MAX - 1].json);
}

static void a_failing_member_fails_alone(void **state) {
    (void)state;
    wait_ready();
    for (int i = 0; i < 10; i++)
        submit(i, i == 4 ? "throw" : "say", i == 4 ? "P0001" : "x", i == 4 ? "1" : NULL);
    run_until(base, &done, 10, 5000);
    for (int i = 0; i < 10; i++) {
        if (i != 4)
            assert_answer(&calls[i], "\"x\"");
    }
    assert_int_equal(calls[4].status, PG_FAILED);
    assert_string_equal(calls[4].pg.sqlstate, "P0001");
    assert_int_equal(calls[4].count, 1);
}

static struct call *submit_together(int i, const char *function, const char *a) {
    calls[i].pg = (struct pg_call){
        .function = function, .n = 1, .args = {a}, .together = true, .on_done = on_done};
    assert_true(pg_submit(pg, &calls[i].pg));
    return &calls[i];
}

static void calls_of_a_function_for_many_share_a_statement(void **state) {
    (void)state;
    wait_ready();
    for (int i = 0; i < 5; i++)
        submit_together(i, "xid_together", "x");
    submit(5, "say", "between", NULL);
    submit_together(6, "xid_together", "x");
    run_until(base, &done, 7, 5000);
    assert_true(strncmp(calls[0].json, "\"6 ", 3) == 0);
    assert_answer(&calls[5], "\"between\"");
    for (int i = 1; i < 7; i++) {
        if (i != 5)
            assert_answer(&calls[i], calls[0].json);
    }
}

static void whatever_is_written_comes_back_to_whom_it_belongs(void **state) {
    (void)state;
    wait_ready();
    submit_together(0, "say_together", "a \"b\" \\ {c,d}");
    submit_together(1, "say_together", NULL);
    submit_together(2, "say_together", "");
    submit_together(3, "say_together", "NULL");
    submit_together(4, "say_together", "\\");
    submit_together(5, "say_together", "鼓\n楼");
    run_until(base, &done, 6, 5000);
    assert_answer(&calls[0], "\"a \\\"b\\\" \\\\ {c,d}\"");
    assert_answer(&calls[1], "null");
    assert_answer(&calls[2], "\"\"");
    assert_answer(&calls[3], "\"NULL\"");
    assert_answer(&calls[4], "\"\\\\\"");
    assert_answer(&calls[5], "\"鼓\\n楼\"");
}

static void what_is_around_them_is_for_many_too(void **state) {
    (void)state;
    wait_ready();
    for (int i = 0; i < 3; i++) {
        static const char *const people[] = {"甲", "乙", "丙"};
        pg_cancel(pg, &submit(i, "say_together", people[i], "words")->pg);
        calls[i].pg.around = "around_together";
        calls[i].pg.around_n = 1;
        calls[i].pg.together = true;
        assert_true(pg_submit(pg, &calls[i].pg));
    }
    run_until(base, &done, 3, 5000);
    assert_answer(&calls[0], "[\"甲\", \"words\"]");
    assert_answer(&calls[2], "[\"丙\", \"words\"]");
}

static void what_both_are_given_stands_there_once(void **state) {
    (void)state;
    wait_ready();
    for (int i = 0; i < 2; i++) {
        calls[i].pg = (struct pg_call){.function = "pair_together",
                                       .around = "around_together",
                                       .n = 3,
                                       .around_n = 2,
                                       .around_shares = 1,
                                       .args = {i == 0 ? "甲" : "乙", "now", "words"},
                                       .together = true,
                                       .on_done = on_done};
        assert_true(pg_submit(pg, &calls[i].pg));
    }
    run_until(base, &done, 2, 5000);
    assert_answer(&calls[0], "[\"甲\", \"now\", \"甲 says words\"]");
    assert_answer(&calls[1], "[\"乙\", \"now\", \"乙 says words\"]");
}

static void one_that_fails_does_not_fail_those_it_shares_with(void **state) {
    (void)state;
    wait_ready();
    for (int i = 0; i < 6; i++)
        submit_together(i, "odd_together", i == 3 ? "odd" : "even");
    run_until(base, &done, 6, 5000);
    for (int i = 0; i < 6; i++) {
        if (i != 3)
            assert_answer(&calls[i], "true");
    }
    assert_int_equal(calls[3].status, PG_FAILED);
    assert_string_equal(calls[3].pg.sqlstate, "P0001");
}

static void one_that_is_cancelled_leaves_the_others_their_answers(void **state) {
    (void)state;
    wait_ready();
    submit_together(0, "nap_together", "0.1");
    submit_together(1, "nap_together", "0.2");
    submit_together(2, "nap_together", "0.3");
    run_for(base, 50);
    assert_true(pg_was_sent(&calls[0].pg));
    pg_cancel(pg, &calls[0].pg);
    run_until(base, &done, 2, 5000);
    assert_int_equal(calls[0].count, 0);
    assert_answer(&calls[1], "0.2");
    assert_answer(&calls[2], "0.3");
}

static void a_commit_that_fails_is_found_out(void **state) {
    (void)state;
    wait_ready();
    for (int i = 0; i < 3; i++)
        submit(i, i == 0 ? "say" : "strict", "7", NULL);
    run_until(base, &done, 3, 5000);
    assert_answer(&calls[0], "\"7\"");
    assert_answer(&calls[1], "true");
    assert_int_equal(calls[2].status, PG_FAILED);
    assert_string_equal(calls[2].pg.sqlstate, "23505");
    submit(3, "say", "after", NULL);
    run_until(base, &done, 4, 5000);
    assert_answer(&calls[3], "\"after\"");
}

static void the_same_key_in_one_group_gets_the_first_answer(void **state) {
    (void)state;
    const char *key = "00000000-0000-0000-0000-000000000001";
    wait_ready();
    submit_key(0, key, "first");
    submit_key(1, key, "second");
    run_until(base, &done, 2, 5000);
    assert_string_equal(calls[0].json, calls[1].json);
}

static void a_full_queue_refuses_at_once(void **state) {
    (void)state;
    struct pg_call *many = calloc(PG_QUEUE_MAX + 1, sizeof *many);
    for (int i = 0; i <= PG_QUEUE_MAX; i++) {
        many[i] = (struct pg_call){.function = "xid", .on_done = on_done};
        assert_int_equal(pg_submit(pg, &many[i]), i < PG_QUEUE_MAX);
    }
    for (int i = 0; i < PG_QUEUE_MAX; i++)
        pg_cancel(pg, &many[i]);
    assert_int_equal(pg_pending(pg), 0);
    free(many);
}

/* ---- fairness ---- */

static struct call *submit_lane(int i, const char *lane) {
    calls[i].pg = (struct pg_call){.function = "xid", .lane = lane, .on_done = on_done};
    assert_true(pg_submit(pg, &calls[i].pg));
    return &calls[i];
}

static void the_flood_of_one_lane_keeps_no_other_waiting(void **state) {
    (void)state;
    wait_ready();
    for (int i = 0; i < CALLS_MAX - 1; i++)
        submit_lane(i, "flood");
    struct call *other = submit_lane(CALLS_MAX - 1, "brook");
    run_until(base, &done, CALLS_MAX, 10000);
    assert_answer(other, calls[0].json); /* in one transaction with the flood's first */
}

static void submit_as(int i, const char *person, const char *function) {
    static char keys[CALLS_MAX][24];
    snprintf(keys[i], sizeof keys[i], "%s %d", person, i);
    calls[i].pg =
        (struct pg_call){.function = function, .changes = true, .key = keys[i], .on_done = on_done};
    assert_true(pg_submit(pg, &calls[i].pg));
}

static void whoever_waits_for_a_lock_fills_no_more_groups(void **state) {
    (void)state;
    wait_ready();
    for (int i = 0; i < CALLS_MAX - 1; i++)
        submit_as(i, "one", "stuck");
    struct call *other = &calls[CALLS_MAX - 1];
    submit_as(CALLS_MAX - 1, "other", "tried");
    run_until(base, &done, 1, 10000);
    /* The two groups that were sent before anybody knew, and one call of those that are slow. */
    assert_int_equal(other->count, 1);
    assert_true(strtol(other->json, NULL, 10) <= 3);
}

static void nor_do_two_who_wait_at_once(void **state) {
    (void)state;
    wait_ready();
    for (int i = 0; i < 60; i++)
        submit_as(i, i % 2 ? "one" : "two", "stuck");
    run_for(base, 350); /* every group has failed, and some have been tried alone */
    char *tried = value_of(database_url, "select last_value from tries");
    submit_as(60, "other", "tried");
    run_until(base, &done, 1, 5000);
    /* One that had begun, and the one after it. */
    assert_int_equal(calls[60].count, 1);
    assert_true(strtol(calls[60].json, NULL, 10) <= strtol(tried, NULL, 10) + 2);
    free(tried);
}

static void what_a_waiting_person_sends_next_joins_nobody(void **state) {
    (void)state;
    wait_ready();
    submit_as(0, "one", "stuck");
    while (!*calls[0].pg.sqlstate)
        run_for(base, 1);
    submit_as(1, "one", "stuck");
    submit_as(2, "other", "tried");
    run_until(base, &done, 1, 5000);
    assert_int_equal(calls[2].status, PG_OK);
    assert_int_equal(calls[2].pg.runs, 1); /* its group did not fail */
}

static void a_full_queue_still_takes_what_is_below_its_share(void **state) {
    (void)state;
    struct pg_call *many = calloc(2 * PG_QUEUE_MAX, sizeof *many);
    int n = 0;
    bool taken = true;
    for (; taken; n++) {
        many[n] = (struct pg_call){.function = "xid", .lane = "flood", .on_done = on_done};
        taken = pg_submit(pg, &many[n]);
    }
    assert_int_equal(--n, PG_QUEUE_MAX);
    for (taken = true; taken; n++) {
        many[n] = (struct pg_call){.function = "xid", .lane = "brook", .on_done = on_done};
        taken = pg_submit(pg, &many[n]);
    }
    assert_int_equal(--n, PG_QUEUE_MAX + PG_QUEUE_MAX / 2);
    for (int i = 0; i < n; i++)
        pg_cancel(pg, &many[i]);
    assert_int_equal(pg_pending(pg), 0);
    free(many);
}

static void a_queue_that_waits_too_long_is_told_of_at_once(void **state) {
    (void)state;
    wait_ready();
    for (int i = 0; i < CALLS_MAX; i++) { /* a group alone takes longer than anybody should wait */
        pg_cancel(pg, &submit(i, "nap", "0.08", NULL)->pg);
        calls[i].pg.lane = "flood";
        assert_true(pg_submit(pg, &calls[i].pg));
    }
    assert_false(pg_is_crowded(pg, "flood"));
    while (done < CALLS_MAX && !pg_is_crowded(pg, "flood"))
        run_for(base, 20);
    assert_true(done < CALLS_MAX);
    assert_false(pg_is_crowded(pg, "brook"));
    run_until(base, &done, CALLS_MAX, 20000);
    assert_false(pg_is_crowded(pg, "flood"));
}

/* ---- second runs ---- */

static void a_serialisation_failure_runs_again(void **state) {
    (void)state;
    struct call *call = submit(0, "third_time", "40001", NULL);
    run_until(base, &done, 1, 5000);
    assert_answer(call, "true");
    assert_int_equal(call->pg.runs, 3);
}

static void a_cancelled_statement_runs_again(void **state) {
    (void)state;
    struct call *call = submit(0, "third_time", "57014", NULL);
    run_until(base, &done, 1, 5000);
    assert_answer(call, "true");
}

static void calls_that_deadlock_both_succeed(void **state) {
    (void)state;
    wait_ready();
    uint64_t reruns = metric_value(METRIC_PG_RERUNS);
    submit(0, "cross", "1", "2");
    run_for(base, 50);
    submit(1, "cross", "2", "1");
    run_until(base, &done, 2, 8000);
    assert_answer(&calls[0], "true");
    assert_answer(&calls[1], "true");
    assert_true(metric_value(METRIC_PG_RERUNS) > reruns);
}

static void a_function_replaced_under_a_prepared_statement_still_answers(void **state) {
    (void)state;
    for (int i = 0; i < 2; i++) {
        submit(i, "say", "1", NULL);
        run_until(base, &done, i + 1, 5000);
    }
    execute(database_url, "drop function api.say(text);"
                          "create function api.say(p int) returns jsonb language sql as"
                          " 'select to_jsonb(p + 1)'");
    for (int i = 2; i < 6; i++) {
        submit(i, "say", "1", NULL);
        run_until(base, &done, i + 1, 5000);
        assert_answer(&calls[i], "2");
    }
    execute(database_url, "drop function api.say(int);"
                          "create function api.say(p text) returns jsonb language sql as"
                          " 'select to_jsonb(p)'");
}

/* ---- time ---- */

static void a_late_call_is_told_so_and_its_connection_goes_on(void **state) {
    (void)state;
    wait_ready();
    submit(0, "nap", "0.8", NULL);
    pg_cancel(pg, &calls[0].pg);
    calls[0].pg.deadline_ms = 200;
    assert_true(pg_submit(pg, &calls[0].pg));
    run_until(base, &done, 1, 700);
    assert_int_equal(calls[0].status, PG_LATE);
    run_for(base, 900);
    assert_int_equal(calls[0].count, 1);
    for (int i = 1; i < 40; i++)
        submit(i, "say", "x", NULL);
    run_until(base, &done, 40, 5000);
}

static void a_call_that_keeps_failing_ends_at_its_deadline(void **state) {
    (void)state;
    wait_ready();
    submit(0, "throw", "40P01", "1");
    pg_cancel(pg, &calls[0].pg);
    calls[0].pg.deadline_ms = 2000;
    assert_true(pg_submit(pg, &calls[0].pg));
    run_until(base, &done, 1, 10000);
    assert_int_equal(calls[0].status, PG_LATE);
    assert_string_equal(calls[0].pg.sqlstate, "40P01");
    assert_true(calls[0].pg.runs > 2);
}

static void a_cancelled_call_is_never_told(void **state) {
    (void)state;
    wait_ready();
    submit(0, "nap", "0.1", NULL);
    submit(1, "say", "x", NULL);
    submit(2, "say", "y", NULL);
    pg_cancel(pg, &calls[1].pg); /* still waiting */
    run_for(base, 30);
    pg_cancel(pg, &calls[0].pg); /* on the wire */
    run_until(base, &done, 1, 5000);
    run_for(base, 200);
    assert_int_equal(calls[0].count + calls[1].count, 0);
    assert_answer(&calls[2], "\"y\"");
    pg_cancel(pg, &calls[2].pg); /* done: nothing happens */
}

static void calls_under_way_are_dropped_with_the_pool(void **state) {
    (void)state;
    wait_ready();
    for (int i = 0; i < 100; i++)
        submit(i, "nap", "0.01", NULL);
    run_for(base, 20);
    /* tear_down frees the pool; the sanitizer watches */
}

/* ---- outages ---- */

static void a_lost_connection_is_replaced_and_its_calls_run_again(void **state) {
    (void)state;
    wait_ready();
    for (int i = 0; i < 5; i++)
        submit(i, i == 2 ? "hang_up_once" : "say", "x", NULL);
    run_until(base, &done, 5, 8000);
    for (int i = 0; i < 5; i++)
        assert_answer(&calls[i], i == 2 ? "true" : "\"x\"");
}

static void a_changing_call_without_a_key_is_not_repeated(void **state) {
    (void)state;
    wait_ready();
    submit(0, "hang_up_once", "x", NULL);
    calls[0].pg.changes = true;
    run_until(base, &done, 1, 8000);
    assert_int_equal(calls[0].status, PG_FAILED);
    run_for(base, 800);
    assert_int_equal(calls[0].count, 1);
}

/* The operator closes it to writing, or it comes back as a standby. */
static void a_server_that_no_longer_writes_is_left(void **state) {
    (void)state;
    wait_ready();
    for (int i = 0; i < 2; i++) /* both connections, at once */
        submit(i, "close", "0.1", NULL);
    run_until(base, &done, 2, 8000);
    submit_key(2, "00000000-0000-0000-0000-000000000002", "written");
    run_until(base, &done, 3, 8000);
    assert_answer(&calls[2], "\"written\"");
}

/* Both connections hang in the commit of somebody who only read. One of them is given up, and from
 * then on whoever reads is answered, whatever else comes: a change, which waits, and somebody who
 * waits for a lock. */
static void while_a_standby_is_away_people_read(void **state) {
    (void)state;
    wait_ready();
    execute(database_url, "insert into away values (1)");
    for (int i = 0; i < 2; i++) {
        submit(i, "leave", "before", NULL);
        run_for(base, 100);
    }
    assert_int_equal(done, 0);
    run_until(base, &done, 1, CALLBACK_WORK_MS);
    struct call *first = calls[0].count > 0 ? &calls[0] : &calls[1];
    assert_answer(first, "\"before\"");

    pg_cancel(pg, &submit(2, "nothing", NULL, NULL)->pg);
    calls[2].pg.changes = true; /* it finds nothing to change: its commit would not wait */
    assert_true(pg_submit(pg, &calls[2].pg));
    run_for(base, 200);
    for (int i = 3; i < 6; i++) {
        submit(i, "leave", "meanwhile", NULL);
        submit(10 + i, "stuck", NULL, NULL);
        run_for(base, 800);
        assert_answer(&calls[i], "\"meanwhile\"");
    }
    execute(database_url, "delete from away");
    run_for(base, 1000);
    assert_answer(&calls[2], "null");
}

/* Connections to the first host are taken up and never answered, as by a machine that hangs. */
static void a_host_that_says_nothing_is_passed_over(void **state) {
    (void)state;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof address;
    int silent = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(silent, (struct sockaddr *)&address, n), 0);
    assert_int_equal(listen(silent, 16), 0);
    assert_int_equal(getsockname(silent, (struct sockaddr *)&address, &n), 0);
    char *folder = value_of(database_url, "select split_part(current_setting("
                                          "'unix_socket_directories'), ',', 1)");
    char *port = value_of(database_url, "show port");
    char *user = value_of(database_url, "select current_user");
    char url[512];
    snprintf(url, sizeof url, "host=127.0.0.1,%s port=%d,%s user=%s dbname=%s", folder,
             ntohs(address.sin_port), port, user, database_name);
    pg_free(pg);
    pg = pg_new(base, url, 2);
    submit(0, "say", "found", NULL);
    run_until(base, &done, 1, 8000);
    assert_answer(&calls[0], "\"found\"");
    close(silent);
    free(folder);
    free(port);
    free(user);
}

/* A server that is not there, comes, goes and comes back: its socket under another name. */
static void an_absent_server_is_waited_for(void **state) {
    (void)state;
    char *folder = value_of(database_url, "select split_part(current_setting("
                                          "'unix_socket_directories'), ',', 1)");
    char *port = value_of(database_url, "show port");
    char *user = value_of(database_url, "select current_user");
    char own[] = "/tmp/gulou-unit-XXXXXX", real[512], alias[512], url[512], kill[256];
    assert_non_null(mkdtemp(own));
    snprintf(real, sizeof real, "%s/.s.PGSQL.%s", folder, port);
    snprintf(alias, sizeof alias, "%s/.s.PGSQL.%s", own, port);
    snprintf(url, sizeof url, "postgresql://%s@/%s?host=%s&port=%s&application_name=outage", user,
             database_name, own, port);
    snprintf(kill, sizeof kill,
             "select pg_terminate_backend(pid) from pg_stat_activity"
             " where application_name = 'outage'");
    pg_free(pg);
    pg = pg_new(base, url, 2);

    submit(0, "say", "late", NULL);
    run_for(base, 700);
    assert_false(pg_ready(pg));
    assert_int_equal(done, 0);
    assert_int_equal(symlink(real, alias), 0);
    run_until(base, &done, 1, 3000);
    assert_answer(&calls[0], "\"late\"");
    assert_true(pg_ready(pg));

    assert_int_equal(unlink(alias), 0);
    execute(database_url, kill);
    for (int i = 0; i < 400 && pg_ready(pg); i++)
        run_for(base, 10);
    assert_false(pg_ready(pg));
    submit(1, "say", "again", NULL);
    run_for(base, 700);
    assert_int_equal(done, 1);
    assert_int_equal(symlink(real, alias), 0);
    run_until(base, &done, 2, 3000);
    assert_answer(&calls[1], "\"again\"");

    unlink(alias);
    rmdir(own);
    free(folder);
    free(port);
    free(user);
}

int main(void) {
    log_init(LOG_LEVEL_ERROR);
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_call_answers_with_its_json),
        TEST(an_sql_null_is_a_json_null),
        TEST(the_session_has_the_servers_role_and_a_time_limit),
        TEST(a_missing_function_fails_and_the_next_call_works),
        TEST(calls_of_one_turn_share_a_transaction),
        TEST(a_group_has_a_maximum),
        TEST(a_failing_member_fails_alone),
        TEST(calls_of_a_function_for_many_share_a_statement),
        TEST(whatever_is_written_comes_back_to_whom_it_belongs),
        TEST(what_is_around_them_is_for_many_too),
        TEST(what_both_are_given_stands_there_once),
        TEST(one_that_fails_does_not_fail_those_it_shares_with),
        TEST(one_that_is_cancelled_leaves_the_others_their_answers),
        TEST(a_commit_that_fails_is_found_out),
        TEST(the_same_key_in_one_group_gets_the_first_answer),
        TEST(a_full_queue_refuses_at_once),
        TEST(the_flood_of_one_lane_keeps_no_other_waiting),
        TEST(whoever_waits_for_a_lock_fills_no_more_groups),
        TEST(nor_do_two_who_wait_at_once),
        TEST(what_a_waiting_person_sends_next_joins_nobody),
        TEST(a_full_queue_still_takes_what_is_below_its_share),
        TEST(a_queue_that_waits_too_long_is_told_of_at_once),
        TEST(a_serialisation_failure_runs_again),
        TEST(a_cancelled_statement_runs_again),
        TEST(calls_that_deadlock_both_succeed),
        TEST(a_function_replaced_under_a_prepared_statement_still_answers),
        TEST(a_late_call_is_told_so_and_its_connection_goes_on),
        TEST(a_call_that_keeps_failing_ends_at_its_deadline),
        TEST(a_cancelled_call_is_never_told),
        TEST(calls_under_way_are_dropped_with_the_pool),
        TEST(a_lost_connection_is_replaced_and_its_calls_run_again),
        TEST(a_changing_call_without_a_key_is_not_repeated),
        TEST(an_absent_server_is_waited_for),
        TEST(a_server_that_no_longer_writes_is_left),
        TEST(while_a_standby_is_away_people_read),
        TEST(a_host_that_says_nothing_is_passed_over),
    };
    return cmocka_run_group_tests_name("pg", tests, set_up_all, database_drop);
}
