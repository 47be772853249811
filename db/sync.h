#ifndef GULOU_DB_SYNC_H
#define GULOU_DB_SYNC_H

/* PostgreSQL for the command line: one connection, every call waits.
 *
 * Ownership: what returns char * gives it to the caller, to be free()d.
 * Failure:   NULL or false, with one line of cause in `*error` (to be free()d) when error is given.
 * Thread:    a session belongs to one; never in the event loop. */

#include <stdbool.h>
#include <stddef.h>

struct sync;

/* Runs one function of schema api in a session of its own, as the role gulou_app:
 *
 *     char *json = pg_run(url, "audit", 0, NULL, &error);
 */
char *pg_run(const char *url, const char *function, int n, const char *const *args, char **error);

/* The same as the role gulou_owner: what only an operator may do, and only their login can. */
char *pg_run_owner(const char *url, const char *function, int n, const char *const *args,
                   char **error);

/* NULL when the server cannot be reached; the login role is kept. */
struct sync *sync_open(const char *url, char **error);
struct sync *sync_open_app(const char *url, char **error); /* as the role gulou_app */
void sync_close(struct sync *sync);                        /* NULL is fine */

/* One function of schema api, like pg_run. */
char *sync_call(struct sync *sync, const char *function, int n, const char *const *args,
                char **error);

/* Any number of statements without arguments, results dropped. */
bool sync_exec(struct sync *sync, const char *sql, char **error);

/* One statement with text arguments; *value is its first field or NULL when there is no row or the
 * field is null. `value` may be NULL. */
bool sync_value(struct sync *sync, const char *sql, int n, const char *const *args, char **value,
                char **error);

/* One line of cause into *error, in place of what stood there; false, for the caller to return. */
bool sync_fail(char **error, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The connection of `url` as the environment of a program that uses libpq, "PGHOST=…" and so on, up
 * to a NULL; what the URL leaves open comes from our own environment. */
char **sync_environment(const char *url, char **error);
void sync_environment_free(char **environment);

#endif
