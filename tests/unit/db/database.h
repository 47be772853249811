#ifndef GULOU_TESTS_UNIT_DB_DATABASE_H
#define GULOU_TESTS_UNIT_DB_DATABASE_H

/* A database of its own for one test program, made on the server of GULOU_TEST_PG_URL, and a loop
 * that runs until a count is reached. Without the variable the tests fail: nothing is skipped. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <event2/event.h>

#include "db/sync.h"

static char database_name[64];
static char database_url[512];

static inline const char *environment(const char *name) {
    const char *value = getenv(name);
    if (!value || !*value)
        fail_msg("%s is not set", name);
    return value;
}

/* postgresql://user@host:port/NAME?options with another NAME, or keywords with one more. */
static inline void with_database(char *out, size_t size, const char *url, const char *name) {
    const char *host = strstr(url, "://");
    if (!host) {
        snprintf(out, size, "%s dbname=%s", url, name);
        return;
    }
    size_t before = (size_t)(host + 3 - url);
    before += strcspn(url + before, "/?");
    const char *options = strchr(url, '?');
    snprintf(out, size, "%.*s/%s%s", (int)before, url, name, options ? options : "");
}

static inline void execute(const char *url, const char *sql) {
    char *error = NULL;
    struct sync *sync = sync_open(url, &error);
    if (!sync || !sync_exec(sync, sql, &error))
        fail_msg("%s: %s", sql, error);
    sync_close(sync);
}

static inline char *value_of(const char *url, const char *sql) {
    char *error = NULL, *value = NULL;
    struct sync *sync = sync_open(url, &error);
    if (!sync || !sync_value(sync, sql, 0, NULL, &value, &error))
        fail_msg("%s: %s", sql, error);
    sync_close(sync);
    return value;
}

/* Roles belong to the whole server, and other test programs may be making the same ones. */
static const char roles_sql[] =
    "do $$ begin perform pg_advisory_lock(4711);"
    " if not exists (select from pg_roles where rolname = 'gulou_owner') then"
    "  create role gulou_owner nologin; end if;"
    " if not exists (select from pg_roles where rolname = 'gulou_app') then"
    "  create role gulou_app nologin; end if; end $$; select pg_advisory_unlock_all()";

static inline int database_create(void **state) {
    (void)state;
    const char *url = environment("GULOU_TEST_PG_URL");
    char sql[160];
    snprintf(database_name, sizeof database_name, "gulou_unit_%d", (int)getpid());
    with_database(database_url, sizeof database_url, url, database_name);
    execute(url, roles_sql);
    snprintf(sql, sizeof sql, "create database %s", database_name);
    execute(url, sql);
    return 0;
}

static inline int database_drop(void **state) {
    (void)state;
    char sql[160];
    snprintf(sql, sizeof sql, "drop database if exists %s with (force)", database_name);
    execute(environment("GULOU_TEST_PG_URL"), sql);
    return 0;
}

/* Runs the loop until *count reaches `wanted`; fails after `ms`. */
static inline void run_until(struct event_base *base, const int *count, int wanted, int ms) {
    for (int waited = 0; *count < wanted; waited += 5) {
        if (waited > ms)
            fail_msg("%d of %d after %d ms", *count, wanted, ms);
        event_base_loopexit(base, &(struct timeval){.tv_usec = 5000});
        event_base_dispatch(base);
    }
}

static inline void run_for(struct event_base *base, int ms) {
    event_base_loopexit(base, &(struct timeval){ms / 1000, ms % 1000 * 1000});
    event_base_dispatch(base);
}

#endif
