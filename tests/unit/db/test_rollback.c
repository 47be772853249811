/* Every released schema can be built, filled, brought up to today's, and taken back where nothing
 * is lost. */

#include "tests/unit/db/database.h"

#include "db/migrate.h"
#include "db/rollback.h"
#include "server/base/log.h"

#define MIGRATIONS_MAX 256

static const struct embedded_file none[] = {{NULL, NULL, 0}};

/* Tables, columns, constraints, indexes, triggers and sequences, without the order in which they
 * were made. */
static const char shape_sql[] =
    "select string_agg(line, e'\\n' order by line) from ("
    " select format('column %s.%s %s %s %s', attrelid::regclass, attname, format_type(atttypid, "
    "atttypmod), attnotnull,"
    "   pg_get_expr(adbin, adrelid)) as line from pg_attribute join pg_class c on c.oid = attrelid"
    "  left join pg_attrdef on adrelid = attrelid and adnum = attnum"
    "  where relnamespace = 'gulou'::regnamespace and relkind in ('r', 'v') and attnum > 0 and not "
    "attisdropped"
    " union all select format('constraint %s %s %s', conrelid::regclass, conname, "
    "pg_get_constraintdef(oid))"
    "  from pg_constraint where connamespace = 'gulou'::regnamespace"
    " union all select 'index ' || pg_get_indexdef(indexrelid) from pg_index join pg_class c on "
    "c.oid = indexrelid"
    "  where relnamespace = 'gulou'::regnamespace"
    " union all select 'trigger ' || pg_get_triggerdef(oid) from pg_trigger where not tgisinternal"
    " union all select 'sequence ' || oid::regclass from pg_class where relkind = 'S'"
    "  and relnamespace = 'gulou'::regnamespace"
    " union all select format('function %s %s', oid::regprocedure, md5(prosrc)) from pg_proc"
    "  where pronamespace = 'gulou'::regnamespace and prorettype = 'trigger'::regtype) shape";

/* What 0001 can hold: a member with a declaration that waits, points pending, and an answered
 * message. */
static const char data_sql[] =
    "insert into gulou.account (account_id, name) values ('a', 'A');"
    "insert into gulou.org values ('a', 1, 'U', 'reporting_unit');"
    "insert into gulou.member values ('a', 1, 'M', 'active');"
    "insert into gulou.member_org (account_id, member_id, org_id) values ('a', 1, 1);"
    "insert into gulou.follower (account_id, openid, subscribed, seen_at) values ('a', 'o1', true, "
    "now());"
    "insert into gulou.binding values ('a', 'o1', 1, now());"
    "insert into gulou.balance (account_id, member_id) values ('a', 1);"
    "insert into gulou.rule_version (account_id, rule_version, valid_from, declaration_half_hours, "
    "day_cap, week_cap,"
    " period_cap, category_cap, days_back, returns_max, window_days, debt_floor)"
    " values ('a', 1, '2026-01-01', 16, 100, 300, 2000, 1000, 30, 2, 5, -500);"
    "insert into gulou.service_category values ('a', 1, 'C', 'C');"
    "insert into gulou.service_item values ('a', 1, 1, 'I', 'I', 'hour', 10, 'welcome');"
    "insert into gulou.declaration (account_id, no, member_id, org_id, item, rule_version, "
    "started_at, ended_at, timed,"
    " minutes, words, status, claimed, created_at) values ('a', 7, 1, 1, 1, 1, now() - interval '2 "
    "hours', now(), false,"
    " 60, 'W', 'submitted', 10, now());"
    "insert into gulou.declaration_event values ('a', 7, 1, null, 'submitted', 1, 'member', null, "
    "now(), 'r');"
    "insert into gulou.photo (account_id, no, media_id, at) values ('a', 7, 'media', now());"
    "insert into gulou.inbox values ('a', '00000000-0000-0000-0000-000000000001', '{\"kept\":1}');"
    "insert into gulou.period_score values ('a', '2026-Q4', 1, 1, 0, 1, now())";

static int set_up(void **state) {
    return database_create(state);
}

static int count_migrations(void) {
    int n = 0;
    while (embedded_migrations[n].name)
        n++;
    return n;
}

/* The first n migrations, as the program of that time had them. */
static const struct embedded_file *first(int n) {
    static struct embedded_file files[MIGRATIONS_MAX + 1];
    memcpy(files, embedded_migrations, (size_t)n * sizeof *files);
    files[n] = (struct embedded_file){NULL, NULL, 0};
    return files;
}

static void apply(const struct embedded_file *migrations, const struct embedded_file *functions) {
    struct migrate_files files = {.migrations = migrations, .functions = functions};
    char *error = NULL;
    if (!migrate_apply(database_url, &files, NULL, &error))
        fail_msg("%s", error);
}

static void take_back(const char *to) {
    int undone = 0;
    char *error = NULL;
    if (!rollback_to(database_url, to, embedded_migrations, embedded_rollback, &undone, &error))
        fail_msg("%s", error);
}

static char *refusal(const char *to) {
    int undone = 0;
    char *error = NULL;
    assert_false(
        rollback_to(database_url, to, embedded_migrations, embedded_rollback, &undone, &error));
    assert_non_null(error);
    return error;
}

static void assert_value(const char *sql, const char *expected) {
    char *value = value_of(database_url, sql);
    assert_non_null(value);
    assert_string_equal(value, expected);
    free(value);
}

static bool has_way_back(const char *name) {
    for (const struct embedded_file *file = embedded_rollback; file->name; file++)
        if (strcmp(file->name, name) == 0)
            return true;
    return false;
}

/* Cheaper than another database. */
static void anew(void) {
    execute(database_url, "drop schema if exists gulou, api cascade");
}

static void assert_data_is_there(void) {
    assert_value("select words || status || no from gulou.declaration", "Wsubmitted7");
    assert_value("select media_id from gulou.photo", "media");
    assert_value("select answer::text from gulou.inbox", "{\"kept\": 1}");
    assert_value(
        "select member_id::text from gulou.binding where openid = 'o1' and ended_at is null", "1");
}

static void assert_audit_is_clean(void) {
    assert_value("select api.audit() ->> 'ok'", "true");
}

/* ---- the tests ---- */

static void every_released_schema_with_data_comes_up_to_todays(void **state) {
    (void)state;
    apply(embedded_migrations, none);
    char *today = value_of(database_url, shape_sql);
    for (int released = count_migrations() - 1; released >= 1; released--) {
        anew();
        apply(first(released), none);
        execute(database_url, data_sql);
        apply(embedded_migrations, none);
        assert_data_is_there();
        char *shape = value_of(database_url, shape_sql);
        assert_string_equal(shape, today);
        free(shape);
    }
    apply(embedded_migrations, embedded_functions);
    assert_data_is_there();
    assert_audit_is_clean();
    free(today);
}

/* Up to the migration after `stay`, back, and up again. */
static void go_back_and_forth(int stay) {
    char to[5];
    snprintf(to, sizeof to, "%.4s", embedded_migrations[stay - 1].name);
    char *before = value_of(database_url, shape_sql);
    apply(first(stay + 1), none);
    char *after = value_of(database_url, shape_sql);
    take_back(to);
    char *back = value_of(database_url, shape_sql);
    assert_string_equal(back, before);
    apply(first(stay + 1), none);
    char *again = value_of(database_url, shape_sql);
    assert_string_equal(again, after);
    assert_data_is_there();
    free(before);
    free(after);
    free(back);
    free(again);
}

static void every_way_back_leads_to_what_was_before_and_up_again(void **state) {
    (void)state;
    apply(first(1), none);
    execute(database_url, data_sql);
    for (int i = 1; i < count_migrations(); i++)
        go_back_and_forth(i);
}

static void no_migration_is_without_a_way_back(void **state) {
    (void)state;
    for (int i = 1; embedded_migrations[i].name; i++)
        if (!has_way_back(embedded_migrations[i].name))
            fail_msg("db/rollback/%s is missing", embedded_migrations[i].name);
}

static void todays_functions_stand_in_no_ones_way_to_the_first(void **state) {
    (void)state;
    apply(embedded_migrations, embedded_functions);
    execute(database_url, data_sql);
    take_back("0001");
    assert_value("select count(*)::text from pg_proc where pronamespace = 'api'::regnamespace",
                 "0");
    apply(embedded_migrations, embedded_functions);
    assert_data_is_there();
    assert_audit_is_clean();
}

static void what_would_be_lost_is_named_and_nothing_is_changed(void **state) {
    (void)state;
    apply(first(2), none);
    apply(embedded_migrations, embedded_functions);
    execute(database_url, data_sql);
    execute(database_url,
            "insert into gulou.image values ('a', sha256('x'), 1, 1, 'x', 'x', now())");
    char *error = refusal("0004");
    assert_non_null(strstr(error, "0005_photos.sql has no way back now: it would lose photos"));
    free(error);
    assert_value("select count(*)::text from gulou.image", "1");
    execute(database_url, "update gulou.image set small = 'GLV1'");
    error = refusal("0016");
    assert_non_null(strstr(error, "it would lose photos that are encrypted"));
    free(error);
    assert_data_is_there();
}

static void a_migration_is_meant_by_its_number_or_its_name(void **state) {
    (void)state;
    for (int i = 0; i < 3; i++) {
        static const char *const ways[] = {"0003", "0003_outbox", "0003_outbox.sql"};
        apply(embedded_migrations, embedded_functions);
        take_back(ways[i]);
        assert_value("select max(name) from gulou.schema_migration", "0003_outbox.sql");
    }
}

static void nobody_goes_back_to_nowhere_or_past_what_he_does_not_know(void **state) {
    (void)state;
    apply(embedded_migrations, embedded_functions);
    char *error = refusal("4711");
    assert_non_null(
        strstr(error, "there is no migration 4711; the known ones: 0001_tables, 0002_workdays, "));
    free(error);
    free(refusal(""));
    free(refusal("005"));
    free(refusal("0050_cold_path"));
    execute(database_url, "insert into gulou.schema_migration values ('9999_to_come.sql', 'x')");
    error = refusal("0003");
    assert_string_equal(error,
                        "9999_to_come.sql is unknown to this program; the newer one takes it back");
    free(error);
}

static void an_owner_who_is_no_superuser_can_do_all_of_it(void **state) {
    (void)state;
    const char *url = environment("GULOU_TEST_PG_URL");
    char sql[400], own[600];
    snprintf(sql, sizeof sql,
             "drop role if exists plain_%d; create role plain_%d login createrole;"
             "alter database %s owner to plain_%d",
             (int)getpid(), (int)getpid(), database_name, (int)getpid());
    execute(url, sql);
    snprintf(own, sizeof own, "%s", database_url);
    char *user = strstr(own, "user=gulou");
    assert_non_null(user);
    snprintf(user, sizeof own - (size_t)(user - own), "user=plain_%d", (int)getpid());
    struct migrate_files files = migrate_embedded(false);
    char *error = NULL;
    if (!migrate_apply(own, &files, NULL, &error))
        fail_msg("%s", error);
    char *json = pg_run(own, "schema_state", 0, NULL, &error);
    assert_non_null(json);
    free(json);
    snprintf(sql, sizeof sql, "drop database %s with (force); drop role plain_%d", database_name,
             (int)getpid());
    *strchr(sql, ';') = '\0';
    execute(url, sql);
    execute(url, sql + strlen(sql) + 1);
}

int main(void) {
    log_init(LOG_LEVEL_ERROR);
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, database_drop)
    const struct CMUnitTest tests[] = {
        TEST(every_released_schema_with_data_comes_up_to_todays),
        TEST(every_way_back_leads_to_what_was_before_and_up_again),
        TEST(no_migration_is_without_a_way_back),
        TEST(todays_functions_stand_in_no_ones_way_to_the_first),
        TEST(what_would_be_lost_is_named_and_nothing_is_changed),
        TEST(a_migration_is_meant_by_its_number_or_its_name),
        TEST(nobody_goes_back_to_nowhere_or_past_what_he_does_not_know),
        TEST(an_owner_who_is_no_superuser_can_do_all_of_it),
    };
    return cmocka_run_group_tests_name("rollback", tests, NULL, NULL);
}
