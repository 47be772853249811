#include "db/sync.h"

#include <libpq-fe.h>
#include <openssl/crypto.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "db/pg_hosts.h"
#include "server/base/limits.h"

struct sync {
    PGconn *conn;
};

static void set_error(char **error, const char *text) {
    if (!error)
        return;
    size_t n = strcspn(text, "\n");
    *error = strndup(text, n);
    if (!*error)
        abort();
}

bool sync_fail(char **error, const char *format, ...) {
    va_list args;
    va_start(args, format);
    char *line = NULL;
    if (vasprintf(&line, format, args) < 0)
        abort();
    va_end(args);
    free(*error);
    *error = line;
    return false;
}

/* The primary text with its SQLSTATE, and where in the SQL, on one line. */
static void set_result_error(char **error, const PGresult *result, const PGconn *conn) {
    const char *text = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *where = PQresultErrorField(result, PG_DIAG_CONTEXT);
    if (!text) {
        set_error(error, PQerrorMessage(conn));
        return;
    }
    char line[512];
    snprintf(line, sizeof line, "%s (SQLSTATE %s)%s%.*s", text, sqlstate ? sqlstate : "?",
             where ? ", in " : "", where ? (int)strcspn(where, "\n") : 0, where ? where : "");
    set_error(error, line);
}

static void drop_notice(void *context, const PGresult *result) {
    (void)context;
    (void)result;
}

void sync_close(struct sync *sync) {
    if (!sync)
        return;
    PQfinish(sync->conn);
    free(sync);
}

static bool is_good(const PGresult *result) {
    ExecStatusType status = PQresultStatus(result);
    return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || status == PGRES_EMPTY_QUERY;
}

bool sync_exec(struct sync *sync, const char *sql, char **error) {
    PGresult *result = PQexec(sync->conn, sql);
    bool good = is_good(result);
    if (!good)
        set_result_error(error, result, sync->conn);
    PQclear(result);
    return good;
}

struct sync *sync_open(const char *url, char **error) {
    /* Before the url: a default. It counts for each host, so that a dead one does not keep the
     * command from the next. */
    const char *names[] = {"connect_timeout",           PG_HOSTS_TARGET,   "dbname",
                           "fallback_application_name", "client_encoding", NULL};
    char seconds[8];
    snprintf(seconds, sizeof seconds, "%d", PG_CONNECT_SECONDS);
    const char *values[] = {seconds, pg_hosts_target(url), url, "gulou-command", "UTF8", NULL};
    PGconn *conn = PQconnectdbParams(names, values, 1);
    if (PQstatus(conn) != CONNECTION_OK) {
        set_error(error, conn ? PQerrorMessage(conn) : "no memory");
        PQfinish(conn);
        return NULL;
    }
    PQsetNoticeReceiver(conn, drop_notice, NULL);
    struct sync *sync = malloc(sizeof *sync);
    if (!sync)
        abort();
    sync->conn = conn;
    /* As the pool does: dates in answers are the neighbourhood's, whatever the machine is set to.
     * And what a command asked ends with it: its locks would keep the servers waiting. */
    if (!sync_exec(sync,
                   "set timezone = 'Asia/Shanghai'; set client_connection_check_interval = '1s'",
                   error)) {
        sync_close(sync);
        return NULL;
    }
    return sync;
}

bool sync_value(struct sync *sync, const char *sql, int n, const char *const *args, char **value,
                char **error) {
    PGresult *result = PQexecParams(sync->conn, sql, n, NULL, args, NULL, NULL, 0);
    bool good = is_good(result);
    if (!good)
        set_result_error(error, result, sync->conn);
    if (good && value) {
        bool some = PQntuples(result) > 0 && !PQgetisnull(result, 0, 0);
        *value = some ? strdup(PQgetvalue(result, 0, 0)) : NULL;
        if (some && !*value)
            abort();
    }
    PQclear(result);
    return good;
}

static struct sync *open_as(const char *set_role, const char *url, char **error) {
    struct sync *sync = sync_open(url, error);
    if (sync && !sync_exec(sync, set_role, error)) {
        sync_close(sync);
        return NULL;
    }
    return sync;
}

char *sync_call(struct sync *sync, const char *function, int n, const char *const *args,
                char **error) {
    char sql[160 + 5 * PG_ARGUMENTS_MAX];
    size_t at = (size_t)snprintf(sql, sizeof sql, "select api.%.128s(", function);
    for (int i = 1; i <= n && i <= PG_ARGUMENTS_MAX; i++)
        at += (size_t)snprintf(sql + at, sizeof sql - at, i > 1 ? ",$%d" : "$%d", i);
    snprintf(sql + at, sizeof sql - at, ")");
    char *json = NULL;
    bool good = sync_value(sync, sql, n, args, &json, error);
    return good && !json ? strdup("null") : json;
}

struct sync *sync_open_app(const char *url, char **error) {
    return open_as("set role gulou_app", url, error);
}

static char *run_as(const char *set_role, const char *url, const char *function, int n,
                    const char *const *args, char **error) {
    struct sync *sync = open_as(set_role, url, error);
    char *json = sync ? sync_call(sync, function, n, args, error) : NULL;
    sync_close(sync);
    return json;
}

char *pg_run(const char *url, const char *function, int n, const char *const *args, char **error) {
    return run_as("set role gulou_app", url, function, n, args, error);
}

char *pg_run_owner(const char *url, const char *function, int n, const char *const *args,
                   char **error) {
    return run_as("set role gulou_owner", url, function, n, args, error);
}

/* ---- for children ---- */

static char *environment_entry(const PQconninfoOption *option) {
    const char *value = option->val ? option->val : option->envvar ? getenv(option->envvar) : NULL;
    char *entry = NULL;
    if (option->envvar && value && asprintf(&entry, "%s=%s", option->envvar, value) < 0)
        abort();
    return entry;
}

char **sync_environment(const char *url, char **error) {
    char *why = NULL;
    PQconninfoOption *options = PQconninfoParse(url, &why);
    if (!options) {
        set_error(error, why ? why : "no memory");
        PQfreemem(why);
        return NULL;
    }
    size_t n = 0, entries = 0;
    while (options[n].keyword)
        n++;
    char **environment = calloc(n + 1, sizeof *environment);
    if (!environment)
        abort();
    for (size_t i = 0; i < n; i++) {
        char *entry = environment_entry(&options[i]);
        if (entry)
            environment[entries++] = entry;
    }
    PQconninfoFree(options);
    return environment;
}

void sync_environment_free(char **environment) {
    for (char **entry = environment; entry && *entry; entry++) {
        OPENSSL_cleanse(*entry, strlen(*entry));
        free(*entry);
    }
    free(environment);
}
