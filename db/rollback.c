#include "db/rollback.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "db/sync.h"
#include "server/base/log.h"

#define STEPS_MAX 256

/* What a step may not lose; an empty table is no loss. */
static const char guard_sql[] =
    "create function pg_temp.keep_rows(p_what text, p_some boolean) returns void"
    " language plpgsql as $$ begin if p_some then raise exception 'it would lose %', p_what"
    " using errcode = 'restrict_violation'; end if; end $$";

/* Functions of the function files: whatever still hangs on one (a trigger) keeps it, and a
 * migration's own stay. */
static const char drop_functions_sql[] =
    "do $$ declare f record; dropped int; begin loop dropped := 0;"
    " for f in select p.oid::regprocedure as name from pg_proc p"
    "  join pg_namespace n on n.oid = p.pronamespace where n.nspname in ('api', 'gulou')"
    "  and format('%s.%s', n.nspname, p.proname) = any "
    "(string_to_array(current_setting('gulou.functions'), ' '))"
    " loop begin execute format('drop function %s', f.name); dropped := dropped + 1;"
    "  exception when dependent_objects_still_exist then null; end; end loop;"
    " exit when dropped = 0; end loop; end $$";

static const struct embedded_file *find(const struct embedded_file *files, const char *name) {
    for (; files->name; files++)
        if (strcmp(files->name, name) == 0)
            return files;
    return NULL;
}

static bool is_applied(struct sync *sync, const char *name, bool *applied, char **error) {
    char *checksum = NULL;
    bool good = sync_value(sync, "select checksum from gulou.schema_migration where name = $1", 1,
                           &name, &checksum, error);
    *applied = checksum != NULL;
    free(checksum);
    return good;
}

/* Names of "create or replace function schema.name(" in the files. */
static char *function_names(const struct embedded_file *files) {
    static const char begin[] = "create or replace function ";
    char *names = strdup("");
    for (; files->name && names; files++) {
        for (const char *at = files->data; (at = strstr(at, begin));) {
            at += strlen(begin);
            char *more = NULL;
            if (asprintf(&more, "%s%.*s ", names, (int)strcspn(at, "( \n"), at) < 0)
                abort();
            free(names);
            names = more;
        }
    }
    return names;
}

static bool drop_functions(struct sync *sync, char **error) {
    char *names = function_names(embedded_functions);
    bool good =
        sync_value(sync, "select set_config('gulou.functions', $1, true)", 1,
                   (const char *const[]){names}, NULL, error) &&
        sync_exec(sync, drop_functions_sql, error) &&
        sync_exec(sync, "delete from gulou.schema_migration where name !~ '^[0-9]{4}_'", error);
    free(names);
    return good;
}

static bool undo(struct sync *sync, const struct embedded_file *step, char **error) {
    char *cause = NULL;
    bool good = sync_exec(sync, step->data, &cause) &&
                sync_value(sync, "delete from gulou.schema_migration where name = $1", 1,
                           &step->name, NULL, &cause);
    if (!good)
        sync_fail(error, "%s has no way back now: %s; a backup of before it is the way", step->name,
                  cause);
    free(cause);
    return good;
}

/* The applied ones behind `last`, newest first; each must have its file. */
static bool list_steps(struct sync *sync, const char *last, const struct embedded_file *migrations,
                       const struct embedded_file *rollbacks, const struct embedded_file **steps,
                       int *n, char **error) {
    int count = 0;
    *n = 0;
    while (migrations[count].name)
        count++;
    for (int i = count - 1; i >= 0 && strcmp(migrations[i].name, last) > 0; i--) {
        bool applied = false;
        if (!is_applied(sync, migrations[i].name, &applied, error))
            return false;
        if (!applied)
            continue;
        steps[*n] = find(rollbacks, migrations[i].name);
        if (!steps[*n] || *n == STEPS_MAX)
            return sync_fail(error, "%s has no way back; a backup of before it is the way",
                             migrations[i].name);
        ++*n;
    }
    return true;
}

/* Its number, its name, or its file's. */
static bool is_called(const char *file, const char *name) {
    size_t n = strlen(name);
    return strncmp(file, name, n) == 0 && (n == 4 || strcmp(file + n, ".sql") == 0 || !file[n]);
}

/* NULL: there is none, and *error lists those there are. */
static const char *find_migration(const char *to, const struct embedded_file *migrations,
                                  char **error) {
    char *known = NULL;
    for (; migrations->name; migrations++) {
        if (*to && is_called(migrations->name, to)) {
            free(known);
            return migrations->name;
        }
        char *more = NULL;
        if (asprintf(&more, "%s%s%.*s", known ? known : "", known ? ", " : "",
                     (int)strcspn(migrations->name, "."), migrations->name) < 0)
            abort();
        free(known);
        known = more;
    }
    sync_fail(error, "there is no migration %s; the known ones: %s", to, known ? known : "none");
    free(known);
    return NULL;
}

/* One that this program does not know is a newer program's to undo. */
static bool knows_all(struct sync *sync, const struct embedded_file *migrations, char **error) {
    char *newest = NULL;
    if (!sync_value(sync, "select max(name) from gulou.schema_migration where name ~ '^[0-9]{4}_'",
                    0, NULL, &newest, error))
        return false;
    bool known = !newest || find(migrations, newest);
    if (!known)
        sync_fail(error, "%s is unknown to this program; the newer one takes it back", newest);
    free(newest);
    return known;
}

bool rollback_to(const char *url, const char *to, const struct embedded_file *migrations,
                 const struct embedded_file *rollbacks, int *undone, char **error) {
    const struct embedded_file *steps[STEPS_MAX + 1];
    *error = NULL;
    *undone = 0;
    const char *last = find_migration(to, migrations, error);
    struct sync *sync = last ? sync_open(url, error) : NULL;
    bool good =
        sync && sync_exec(sync, "set client_min_messages = warning", error) &&
        migrate_lock(sync, error) && knows_all(sync, migrations, error) &&
        list_steps(sync, last, migrations, rollbacks, steps, undone, error) &&
        (*undone == 0 || (sync_exec(sync, "begin", error) && sync_exec(sync, guard_sql, error) &&
                          drop_functions(sync, error)));
    for (int i = 0; good && i < *undone; i++)
        good = undo(sync, steps[i], error);
    good = good && (*undone == 0 || sync_exec(sync, "commit", error));
    for (int i = 0; good && i < *undone; i++)
        log_info("rolled_back", "name=%s", steps[i]->name);
    sync_close(sync); /* and with it the lock, and what was not committed */
    return good;
}
