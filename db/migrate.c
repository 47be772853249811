#include "db/migrate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "db/digest.h"
#include "db/sync.h"
#include "server/base/log.h"

#define MIGRATE_LOCK "7310579346209541" /* the advisory lock; any number nobody else uses */
#define FUNCTIONS_NAME "functions"      /* all function files are one entry of the list */

static const char bookkeeping_sql[] = "set client_min_messages = warning;"
                                      "create schema if not exists gulou authorization gulou_owner;"
                                      "create schema if not exists api authorization gulou_owner;"
                                      "create table if not exists gulou.schema_migration ("
                                      " name text primary key, checksum text not null, applied_at "
                                      "timestamptz not null default now())";

/* Only a superuser owns everything by himself. Schemas are made for their owner at once, because a
 * table can be given only to a role that may create in its schema. Roles belong to the whole
 * server: somebody else may be making them for another database. */
static const char roles_sql[] =
    "set client_min_messages = warning;"
    "do $$ declare one text; begin"
    " foreach one in array array['gulou_owner', 'gulou_app'] loop"
    "  if not exists (select from pg_roles where rolname = one) then begin"
    "   execute format('create role %I nologin', one);"
    "   exception when duplicate_object or unique_violation then null; end; end if;"
    "  if not pg_has_role(one, 'member') then"
    "   execute format('grant %I to %I', one, current_user); end if;"
    " end loop;"
    " if not has_database_privilege('gulou_owner', current_database(), 'create') then"
    "  execute format('grant create on database %I to gulou_owner', current_database());"
    " end if; end $$";

bool migrate_lock(struct sync *sync, char **error) {
    return sync_exec(sync, "select pg_advisory_lock(" MIGRATE_LOCK ")", error);
}

bool migrate_encoding(struct sync *sync, char **error) {
    char *other = NULL;
    bool good =
        sync_value(sync,
                   "select format('database %s has the encoding %s, in which Chinese texts "
                   "would be kept and cut wrongly; nothing was changed: make one by createdb "
                   "--encoding UTF8 --template template0, and let [postgres] url, or "
                   "GULOU_POSTGRES_URL, point to it', current_database(), encoding)"
                   " from current_setting('server_encoding') as encoding"
                   " where encoding <> 'UTF8'",
                   0, NULL, &other, error);
    if (other)
        good = sync_fail(error, "%s", other);
    free(other);
    return good;
}

bool migrate_roles(struct sync *sync, char **error) {
    return sync_exec(sync, roles_sql, error);
}

struct migrate_files migrate_embedded(bool demo) {
    return (struct migrate_files){.migrations = embedded_migrations,
                                  .functions = embedded_functions,
                                  .demo = demo ? embedded_demo : NULL};
}

/* Puts "name: " before the cause. */
static bool failed_in(const char *name, char *cause, char **error) {
    if (error) {
        char *text = NULL;
        if (asprintf(&text, "%s: %s", name, cause ? cause : "unknown") < 0)
            abort();
        *error = text;
    }
    free(cause);
    return false;
}

static struct str file_text(const struct embedded_file *file) {
    return (struct str){file->data, file->size};
}

/* Without the list itself, or without the row, *checksum is NULL. */
static bool applied_checksum(struct sync *sync, const char *name, char **checksum, char **error) {
    return sync_value(sync, "select checksum from gulou.schema_migration where name = $1", 1,
                      (const char *const[]){name}, checksum, error);
}

static bool remember(struct sync *sync, const char *name, const char *checksum, char **error) {
    return sync_value(sync,
                      "insert into gulou.schema_migration(name, checksum) values ($1, $2)"
                      " on conflict (name) do update set checksum = excluded.checksum,"
                      " applied_at = now()",
                      2, (const char *const[]){name, checksum}, NULL, error);
}

/* A file may change settings or the role; the next one starts from the login's own. */
static bool end_transaction(struct sync *sync, bool good, char **error) {
    bool ended = sync_exec(sync, good ? "commit" : "rollback", good ? error : NULL);
    bool reset =
        sync_exec(sync, "reset role; reset search_path; set client_min_messages = warning", NULL);
    return good && ended && reset;
}

/* Runs files[0..n) and their entry in the list as one transaction. */
static bool run_files(struct sync *sync, const struct embedded_file *files, size_t n,
                      const char *name, const char *checksum, char **error) {
    char *cause = NULL;
    const char *at = name;
    bool good = sync_exec(sync, "begin; set local check_function_bodies = off", &cause);
    for (size_t i = 0; good && i < n; i++) {
        at = files[i].name;
        good = sync_exec(sync, files[i].data, &cause);
    }
    good = good && sync_exec(sync, "reset role", &cause) && remember(sync, name, checksum, &cause);
    if (!end_transaction(sync, good, &cause))
        return failed_in(at, cause, error);
    log_info("migrated", "name=%s files=%zu", name, n);
    return true;
}

bool migrate_knows(const char *name, const char *checksum) {
    for (const struct embedded_file *file = embedded_migrations; file->name; file++) {
        char digest[DIGEST_HEX_SIZE];
        struct str text = file_text(file);
        digest_hex(&text, 1, digest);
        if (strcmp(file->name, name) == 0 && strcmp(digest, checksum) == 0)
            return true;
    }
    return false;
}

static bool apply_migration(struct sync *sync, const struct embedded_file *file, int *applied,
                            char **error) {
    char checksum[DIGEST_HEX_SIZE];
    digest_hex(&(struct str){file->data, file->size}, 1, checksum);
    char *before = NULL;
    if (!applied_checksum(sync, file->name, &before, error))
        return false;
    if (before) {
        bool same = strcmp(before, checksum) == 0;
        free(before);
        return same ||
               failed_in(file->name, strdup("changed after it was applied; write a new migration"),
                         error);
    }
    ++*applied;
    return run_files(sync, file, 1, file->name, checksum, error);
}

/* `again`: also when nothing changed in the files themselves. */
static bool apply_changed(struct sync *sync, const struct embedded_file *files, size_t n,
                          const char *name, bool again, int *applied, char **error) {
    struct str *parts = calloc(2 * n + 1, sizeof *parts);
    if (!parts)
        abort();
    for (size_t i = 0; i < n; i++) {
        parts[2 * i] = str_from(files[i].name);
        parts[2 * i + 1] = file_text(&files[i]);
    }
    char checksum[DIGEST_HEX_SIZE];
    digest_hex(parts, 2 * n, checksum);
    free(parts);

    char *before = NULL;
    if (!applied_checksum(sync, name, &before, error))
        return false;
    bool same = before && strcmp(before, checksum) == 0;
    free(before);
    if (same && !again)
        return true;
    *applied += (int)n;
    return run_files(sync, files, n, name, checksum, error);
}

static size_t count_files(const struct embedded_file *files) {
    size_t n = 0;
    while (files && files[n].name)
        n++;
    return n;
}

static bool apply_all(struct sync *sync, const struct migrate_files *files, int *applied,
                      char **error) {
    int before = *applied;
    for (size_t i = 0; i < count_files(files->migrations); i++) {
        if (!apply_migration(sync, &files->migrations[i], applied, error))
            return false;
    }
    /* A migration may have dropped and made anew what functions were written against. */
    bool again = *applied > before;
    size_t functions = count_files(files->functions);
    if (functions > 0 &&
        !apply_changed(sync, files->functions, functions, FUNCTIONS_NAME, again, applied, error))
        return false;
    for (size_t i = 0; i < count_files(files->demo); i++) {
        char name[160];
        snprintf(name, sizeof name, "demo/%s", files->demo[i].name);
        if (!apply_changed(sync, &files->demo[i], 1, name, false, applied, error))
            return false;
    }
    return true;
}

bool migrate_apply(const char *url, const struct migrate_files *files, int *applied, char **error) {
    int count = 0;
    if (error)
        *error = NULL;
    struct sync *sync = sync_open(url, error);
    if (!sync)
        return false;
    bool good = migrate_encoding(sync, error) && migrate_lock(sync, error) &&
                migrate_roles(sync, error) && sync_exec(sync, bookkeeping_sql, error) &&
                apply_all(sync, files, &count, error);
    sync_close(sync); /* and with it the lock */
    if (applied)
        *applied = count;
    return good;
}
