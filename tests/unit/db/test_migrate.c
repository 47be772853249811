/* Migrations against a real PostgreSQL, and the command line's blocking calls. */

#include "tests/unit/db/database.h"

#include "db/digest.h"
#include "db/migrate.h"
#include "server/base/log.h"

#define FILE_OF(name, text)                                                                        \
    { name, text, sizeof text - 1 }

static const struct embedded_file first[] = {FILE_OF("0001_a.sql", "create table public.a (n int)"),
                                             {NULL, NULL, 0}};
static const struct embedded_file second[] = {
    FILE_OF("0001_a.sql", "create table public.a (n int)"),
    FILE_OF("0002_b.sql", "alter table a add m int; set role gulou_app; set search_path = nowhere"),
    {NULL, NULL, 0}};
static const struct embedded_file changed[] = {
    FILE_OF("0001_a.sql", "create table public.a (n bigint)"), {NULL, NULL, 0}};
static const struct embedded_file broken[] = {
    FILE_OF("0001_a.sql", "create table public.a (n int)"),
    FILE_OF("0002_b.sql", "create table public.half (n int); select nonsense"),
    {NULL, NULL, 0}};
/* one() uses what only the second file brings: bodies are not checked while applying */
static const struct embedded_file functions[] = {
    FILE_OF("1.sql", "create schema if not exists api; grant usage on schema api to gulou_app;"
                     "create or replace function api.one(p int) returns jsonb language sql as"
                     " 'select to_jsonb(p + public.two())';"
                     "create or replace function api.null_() returns jsonb language sql as"
                     " 'select null::jsonb'"),
    FILE_OF("2.sql",
            "create or replace function public.two() returns int language sql as 'select 2'"),
    {NULL, NULL, 0}};
static const struct embedded_file functions_changed[] = {
    FILE_OF("1.sql",
            "create or replace function public.two() returns int language sql as 'select 3'"),
    {NULL, NULL, 0}};
static const struct embedded_file demo[] = {FILE_OF("1_demo.sql", "insert into a values (1)"),
                                            {NULL, NULL, 0}};
static const struct embedded_file none[] = {{NULL, NULL, 0}};

static int set_up(void **state) {
    return database_create(state);
}

static int apply(const struct embedded_file *migrations, const struct embedded_file *functions_,
                 const struct embedded_file *demo_) {
    struct migrate_files files = {.migrations = migrations, .functions = functions_, .demo = demo_};
    int applied = -1;
    char *error = NULL;
    if (!migrate_apply(database_url, &files, &applied, &error))
        fail_msg("%s", error);
    return applied;
}

static char *refusal(const struct embedded_file *migrations) {
    struct migrate_files files = {.migrations = migrations, .functions = none};
    char *error = NULL;
    assert_false(migrate_apply(database_url, &files, NULL, &error));
    assert_non_null(error);
    return error;
}

static void assert_value(const char *sql, const char *expected) {
    char *value = value_of(database_url, sql);
    assert_non_null(value);
    assert_string_equal(value, expected);
    free(value);
}

static void every_migration_runs_once_in_order(void **state) {
    (void)state;
    assert_int_equal(apply(first, none, NULL), 1);
    assert_int_equal(apply(first, none, NULL), 0);
    assert_int_equal(apply(second, none, NULL), 1);
    assert_int_equal(apply(second, none, NULL), 0);
    assert_value("select string_agg(name, ' ' order by name) from gulou.schema_migration",
                 "0001_a.sql 0002_b.sql");
}

static void a_changed_migration_is_refused_by_name(void **state) {
    (void)state;
    apply(first, none, NULL);
    char *error = refusal(changed);
    assert_non_null(strstr(error, "0001_a.sql"));
    assert_non_null(strstr(error, "changed"));
    free(error);
}

static void a_failing_migration_leaves_nothing(void **state) {
    (void)state;
    char *error = refusal(broken);
    assert_non_null(strstr(error, "0002_b.sql"));
    assert_non_null(strstr(error, "42703"));
    free(error);
    assert_value("select (to_regclass('public.half') is null)::text", "true");
    assert_int_equal(apply(second, none, NULL), 1); /* mended */
}

static void functions_are_applied_again_when_they_changed(void **state) {
    (void)state;
    assert_int_equal(apply(first, functions, NULL), 3);
    assert_int_equal(apply(first, functions, NULL), 0);
    assert_value("select api.one(1)", "3");
    assert_int_equal(apply(first, functions_changed, NULL), 1);
    assert_value("select api.one(1)", "4");
}

static void functions_are_applied_again_after_a_migration(void **state) {
    (void)state;
    apply(first, functions, NULL);
    assert_int_equal(apply(second, functions, NULL), 3);
}

static void demo_data_is_loaded_only_when_asked_and_once(void **state) {
    (void)state;
    apply(first, none, NULL);
    assert_value("select count(*) from a", "0");
    assert_int_equal(apply(first, none, demo), 1);
    assert_int_equal(apply(first, none, demo), 0);
    assert_value("select count(*) from a", "1");
}

static void what_the_build_embedded_can_be_applied_twice(void **state) {
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct migrate_files files = migrate_embedded(false);
        int applied = 0;
        char *error = NULL;
        if (!migrate_apply(database_url, &files, &applied, &error))
            fail_msg("%s", error);
        assert_true(i == 0 || applied == 0);
    }
}

static void an_absent_server_is_an_error_of_one_line(void **state) {
    (void)state;
    struct migrate_files files = {.migrations = first, .functions = none};
    char *error = NULL;
    assert_false(migrate_apply("postgresql:///x?host=/nowhere", &files, NULL, &error));
    assert_non_null(error);
    assert_null(strchr(error, '\n'));
    free(error);
}

/* Under LANG=C initdb makes databases that take any bytes and count them as letters. */
static void a_database_that_is_not_utf8_is_refused_before_anything(void **state) {
    (void)state;
    char sql[200];
    database_drop(NULL);
    snprintf(sql, sizeof sql,
             "create database %s encoding 'SQL_ASCII' locale 'C' template template0",
             database_name);
    execute(environment("GULOU_TEST_PG_URL"), sql);
    char *error = refusal(first);
    assert_non_null(strstr(error, database_name));
    assert_non_null(strstr(error, "encoding SQL_ASCII"));
    assert_non_null(strstr(error, "createdb --encoding UTF8"));
    free(error);
    assert_value("select (to_regnamespace('gulou') is null)::text", "true");
}

/* ---- pg_run ---- */

static void a_blocking_call_returns_the_json_or_the_cause(void **state) {
    (void)state;
    apply(first, functions, NULL);
    char *error = NULL;
    char *json = pg_run(database_url, "one", 1, (const char *const[]){"40"}, &error);
    if (json == NULL)
        fail_msg("%s", error);
    assert_string_equal(json, "42");
    free(json);
    json = pg_run(database_url, "null_", 0, NULL, &error);
    assert_string_equal(json, "null");
    free(json);
    assert_null(pg_run(database_url, "one", 1, (const char *const[]){"x"}, &error));
    assert_non_null(strstr(error, "22P02"));
    free(error);
    error = NULL;
    assert_null(pg_run(database_url, "missing", 0, NULL, &error));
    assert_non_null(strstr(error, "42883"));
    free(error);
    assert_null(pg_run("postgresql:///x?host=/nowhere", "one", 0, NULL, NULL));
}

static void a_session_lives_in_the_neighbourhoods_time(void **state) {
    (void)state;
    assert_value("show timezone", "Asia/Shanghai");
}

static void a_digest_knows_where_its_parts_end(void **state) {
    (void)state;
    char a[DIGEST_HEX_SIZE], b[DIGEST_HEX_SIZE], c[DIGEST_HEX_SIZE];
    digest_hex((const struct str[]){STR("ab"), STR("c")}, 2, a);
    digest_hex((const struct str[]){STR("a"), STR("bc")}, 2, b);
    digest_hex((const struct str[]){STR("ab"), STR("c")}, 2, c);
    assert_string_not_equal(a, b);
    assert_string_equal(a, c);
    assert_int_equal(strlen(a), 64);
}

int main(void) {
    log_init(LOG_LEVEL_ERROR);
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, database_drop)
    const struct CMUnitTest tests[] = {
        TEST(every_migration_runs_once_in_order),
        TEST(a_changed_migration_is_refused_by_name),
        TEST(a_failing_migration_leaves_nothing),
        TEST(functions_are_applied_again_when_they_changed),
        TEST(functions_are_applied_again_after_a_migration),
        TEST(demo_data_is_loaded_only_when_asked_and_once),
        TEST(what_the_build_embedded_can_be_applied_twice),
        TEST(an_absent_server_is_an_error_of_one_line),
        TEST(a_database_that_is_not_utf8_is_refused_before_anything),
        TEST(a_session_lives_in_the_neighbourhoods_time),
        TEST(a_blocking_call_returns_the_json_or_the_cause),
        cmocka_unit_test(a_digest_knows_where_its_parts_end),
    };
    return cmocka_run_group_tests_name("migrate", tests, NULL, NULL);
}
