#include "db/backup.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "db/child.h"
#include "db/migrate.h"
#include "db/sync.h"
#include "server/base/limits.h"

#define HEAD "gulou-backup 1 "

static const char facts_sql[] = "select api.export_backup_facts()";

/* ---- writing ---- */

static bool write_all(int fd, const char *text, size_t n) {
    while (n > 0) {
        ssize_t wrote = write(fd, text, n);
        if (wrote < 0 && errno != EINTR)
            return false;
        text += wrote > 0 ? wrote : 0;
        n -= wrote > 0 ? (size_t)wrote : 0;
    }
    return true;
}

static bool start_age(struct child *age, const struct backup_place *place, int in, int out,
                      char **error) {
    const char *argv[] = {"age", "--encrypt", place->recipient ? "--recipient" : "--identity",
                          place->recipient ? place->recipient : place->key, NULL};
    return child_start(age, argv, NULL, in, out, error);
}

static bool start_dump(struct child *dump, const char *url, const char *snapshot, int out,
                       char **error) {
    const char *argv[] = {"pg_dump",
                          "--format=custom",
                          "--no-password",
                          "--no-unlogged-table-data",
                          "--snapshot",
                          snapshot,
                          NULL};
    char **environment = sync_environment(url, error);
    int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
    bool good = environment && child_start(dump, argv, environment, nothing, out, error);
    close(nothing);
    sync_environment_free(environment);
    return good;
}

/* Facts and dump go into `pipe`, which is closed; age reads its other end. */
static bool feed(const struct backup_place *place, const char *facts, const char *snapshot,
                 int pipe, char **error) {
    struct child dump;
    bool good = (write_all(pipe, HEAD, strlen(HEAD)) && write_all(pipe, facts, strlen(facts)) &&
                 write_all(pipe, "\n", 1)) ||
                sync_fail(error, "age: %s", strerror(errno));
    bool started = good && start_dump(&dump, place->url, snapshot, pipe, error);
    close(pipe);
    return started && child_wait(&dump, error);
}

static bool fill_file(const struct backup_place *place, const char *facts, const char *snapshot,
                      int file, char **error) {
    int ends[2];
    struct child age;
    char *said = NULL;
    if (pipe2(ends, O_CLOEXEC) != 0)
        return sync_fail(error, "%s", strerror(errno));
    bool started = start_age(&age, place, ends[0], file, error);
    close(ends[0]);
    if (!started) {
        close(ends[1]);
        return false;
    }
    bool fed = feed(place, facts, snapshot, ends[1], error);
    bool sealed = child_wait(&age, &said);
    if (!sealed) /* a full disk, say: pg_dump's broken pipe is only the consequence */
        sync_fail(error, "%s: %s", place->path, said);
    free(said);
    if (fed && sealed && fsync(file) != 0)
        return sync_fail(error, "%s: %s", place->path, strerror(errno));
    return fed && sealed;
}

static void sync_folder(const char *path) {
    char *copy = strdup(path);
    int folder = copy ? open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (folder >= 0) {
        fsync(folder);
        close(folder);
    }
    free(copy);
}

/* Whether `path` still names the open file, and that is an ordinary one of ours. */
static bool is_ours(int file, const char *path) {
    struct stat opened, named;
    return fstat(file, &opened) == 0 && lstat(path, &named) == 0 && S_ISREG(opened.st_mode) &&
           opened.st_uid == geteuid() && opened.st_nlink == 1 && opened.st_dev == named.st_dev &&
           opened.st_ino == named.st_ino;
}

/* What was left by a backup that was killed is begun anew. A lock tells it from one that is being
 * written: age holds it as long as it writes, also when the command that started it is gone. -1:
 * refused, and what is there is as it was. */
static int open_partial(const char *partial, char **error) {
    const int flags = O_WRONLY | O_CLOEXEC | O_NOFOLLOW;
    int file = open(partial, flags | O_CREAT | O_EXCL, 0600);
    bool made = file >= 0;
    if (!made && errno == EEXIST)
        file = open(partial, flags);
    if (file < 0) {
        sync_fail(error, "%s: %s", partial, strerror(errno));
        return -1;
    }
    bool locked = flock(file, LOCK_EX | LOCK_NB) == 0, writing = !locked && errno == EWOULDBLOCK;
    /* Some network file systems have no locks; there only what is new is surely ours. */
    if ((locked || (made && !writing)) && is_ours(file, partial) && fchmod(file, 0600) == 0 &&
        ftruncate(file, 0) == 0)
        return file;
    close(file);
    sync_fail(error,
              writing ? "%s: another backup is writing this file now"
                      : "%s: was left by an earlier backup that was interrupted; delete this file, "
                        "then begin again",
              partial);
    return -1;
}

/* Under another name until it is complete: what has the name is a backup. The lock goes last. */
static bool write_file(const struct backup_place *place, const char *facts, const char *snapshot,
                       char **error) {
    char *partial = NULL;
    if (access(place->path, F_OK) == 0)
        return sync_fail(error, "%s: exists already", place->path);
    if (asprintf(&partial, "%s.partial", place->path) < 0)
        abort();
    int file = open_partial(partial, error);
    bool good = file >= 0 && fill_file(place, facts, snapshot, file, error);
    if (good && renameat2(AT_FDCWD, partial, AT_FDCWD, place->path, RENAME_NOREPLACE) != 0)
        good = sync_fail(error, "%s: %s", place->path, strerror(errno));
    if (good)
        sync_folder(place->path);
    else if (file >= 0)
        unlink(partial);
    if (file >= 0)
        close(file);
    free(partial);
    return good;
}

bool backup_write(const struct backup_place *place, char **facts, char **error) {
    char *snapshot = NULL;
    *facts = *error = NULL;
    struct sync *sync = sync_open(place->url, error);
    bool good = sync &&
                sync_exec(sync, "begin isolation level repeatable read, read only", error) &&
                sync_value(sync, "select pg_export_snapshot()", 0, NULL, &snapshot, error) &&
                sync_exec(sync, "set local role gulou_owner", error) &&
                sync_value(sync, facts_sql, 0, NULL, facts, error) &&
                write_file(place, *facts, snapshot, error) && sync_exec(sync, "commit", error) &&
                sync_exec(sync, "begin; set local role gulou_owner", error) &&
                sync_value(sync, "select api.export_backup_noted($1::jsonb)", 1,
                           (const char *const[]){*facts}, NULL, error) &&
                sync_exec(sync, "commit", error);
    sync_close(sync);
    free(snapshot);
    return good;
}

/* ---- reading ---- */

static bool start_opening(struct child *age, const struct backup_place *place, int file, int out,
                          char **error) {
    const char *argv[] = {"age", "--decrypt", "--identity", place->key, NULL};
    if (lseek(file, 0, SEEK_SET) != 0)
        return sync_fail(error, "%s: %s", place->path, strerror(errno));
    return child_start(age, argv, NULL, file, out, error);
}

/* The first line, byte by byte: what follows belongs to pg_restore. NULL: there is none. */
static char *read_line(int fd) {
    char *line = malloc(BACKUP_FACTS_MAX_BYTES + 1);
    size_t n = 0;
    if (!line)
        abort();
    while (n < BACKUP_FACTS_MAX_BYTES && read(fd, line + n, 1) == 1 && line[n] != '\n')
        n++;
    bool ended = n < BACKUP_FACTS_MAX_BYTES && n > 0 && line[n] == '\n';
    line[n] = '\0';
    if (ended && strncmp(line, HEAD, strlen(HEAD)) == 0)
        return line;
    free(line);
    return NULL;
}

static void read_to_end(int fd) {
    char block[65536];
    while (read(fd, block, sizeof block) > 0)
        ;
}

/* By what age said: whether the key is none, another one, or the file is not as it was written. */
static void refuse(const struct backup_place *place, const char *said, char **error) {
    static const char right[] =
        "right is the file of age-keygen whose public key was [backup] recipient when the backup "
        "was written";
    if (strstr(said, "reading \"") || strstr(said, "identity file is encrypted"))
        sync_fail(error, "%s: cannot be used as a key, nothing was restored; %s (%s)", place->key,
                  right, said);
    else if (strstr(said, "no identity matched"))
        sync_fail(error,
                  "%s: refused, nothing was restored: %s is another key than it was written for; "
                  "%s (%s)",
                  place->path, place->key, right, said);
    else
        sync_fail(error, "%s: refused, nothing was restored: the file was altered or cut off (%s)",
                  place->path, said);
}

/* The whole file is decrypted once, to no purpose but this: it is ours and all there. */
static bool verify_file(const struct backup_place *place, int file, char **facts, char **error) {
    int ends[2];
    struct child age;
    char *said = NULL;
    if (pipe2(ends, O_CLOEXEC) != 0)
        return sync_fail(error, "%s", strerror(errno));
    bool started = start_opening(&age, place, file, ends[1], error);
    close(ends[1]);
    char *line = started ? read_line(ends[0]) : NULL;
    if (started)
        read_to_end(ends[0]);
    close(ends[0]);
    bool good = started && child_wait(&age, &said);
    if (started && !good)
        refuse(place, said, error);
    else if (good && !line)
        good = sync_fail(error, "%s: is not a backup of gulou", place->path);
    if (good)
        *facts = strdup(line + strlen(HEAD));
    free(said);
    free(line);
    return good;
}

static bool check_schema(const struct backup_place *place, const char *facts, char **error) {
    cJSON *json = cJSON_Parse(facts);
    const cJSON *one;
    bool good = json != NULL;
    cJSON_ArrayForEach(one, cJSON_GetObjectItem(json, "migrations")) {
        const char *name = cJSON_GetStringValue(cJSON_GetObjectItem(one, "name"));
        const char *checksum = cJSON_GetStringValue(cJSON_GetObjectItem(one, "checksum"));
        if (good && !migrate_knows(name ? name : "", checksum ? checksum : ""))
            good = sync_fail(
                error,
                "%s: was made by another version of gulou (%s is unknown here); restore it "
                "with that version",
                place->path, name ? name : "?");
    }
    cJSON_Delete(json);
    return good;
}

/* Whether the database's books are those of the facts; *same is theirs when this returns true. */
static bool compare_books(struct sync *sync, const char *facts, bool *same, char **error) {
    char *text = NULL;
    if (!sync_exec(sync, "begin; set local role gulou_owner", error) ||
        !sync_value(sync, facts_sql, 0, NULL, &text, error) || !sync_exec(sync, "commit", error))
        return false;
    cJSON *was = cJSON_Parse(facts), *is = cJSON_Parse(text);
    *same = cJSON_Compare(cJSON_GetObjectItem(was, "accounts"), cJSON_GetObjectItem(is, "accounts"),
                          true) &&
            cJSON_Compare(cJSON_GetObjectItem(was, "migrations"),
                          cJSON_GetObjectItem(is, "migrations"), true);
    cJSON_Delete(was);
    cJSON_Delete(is);
    free(text);
    return true;
}

/* A backup is noted in the database that it was made of, after its file: a copy lacks that row. */
static const char own_backup_sql[] =
    "select 'yes' from gulou.backup where taken_at = ($1::jsonb ->> 'taken_at')::timestamptz";

#define ANOTHER                                                                                    \
    "make an empty one and let GULOU_POSTGRES_URL (GULOU_POSTGRES_OPERATOR_URL where [postgres] "  \
    "operator_url is set) point to it"

/* What to do with what was found: only a copy that nobody can miss may go. */
static const char *advise(struct sync *sync, const char *facts) {
    char *own = NULL, *error = NULL; /* what is no Gulou, or half of one, has no such rows */
    bool same = false;
    bool known = sync_value(sync, own_backup_sql, 1, &facts, &own, &error) &&
                 (own || compare_books(sync, facts, &same, &error));
    bool made_of = own != NULL;
    free(own);
    free(error);
    if (!known)
        return ANOTHER;
    if (made_of)
        return "this file was made of it, and it may be in use: leave it; " ANOTHER;
    return same ? "it holds the books of this file: an earlier restore filled it and may have been "
                  "interrupted before its settings and its audit; if no server has used it since, "
                  "drop it, make it anew and restore again; gulou audit says whether its books "
                  "are whole"
                : "it holds a Gulou with other books than this file, and may be in use: leave "
                  "it; " ANOTHER;
}

static bool check_empty(struct sync *sync, const char *facts, char **error) {
    char *found = NULL;
    bool good = sync_value(
        sync,
        "select format('database %s is not empty (%s)', current_database(), min(thing)) from ("
        " select 'schema ' || nspname as thing from pg_namespace where nspname in ('gulou', 'api')"
        " union all select 'table ' || c.oid::regclass from pg_class c"
        "  join pg_namespace n on n.oid = c.relnamespace where c.relkind in ('r', 'p', 'v', 'm')"
        "  and n.nspname !~ '^pg_' and n.nspname <> 'information_schema' and not exists (select "
        "  from pg_depend d where d.objid = c.oid and d.deptype = 'e')) things having count(*) > 0",
        0, NULL, &found, error);
    if (found)
        good = sync_fail(error, "%s; %s", found, advise(sync, facts));
    free(found);
    return good;
}

static bool start_restore(struct child *restore, struct sync *sync, const char *url, int in,
                          char **error) {
    char *database = NULL;
    char **environment = NULL;
    bool good = sync_value(sync, "select current_database()", 0, NULL, &database, error) &&
                (environment = sync_environment(url, error)) != NULL;
    const char *argv[] = {"pg_restore",      "--dbname",      database, "--single-transaction",
                          "--exit-on-error", "--no-password", NULL};
    good = good && child_start(restore, argv, environment, in, STDERR_FILENO, error);
    sync_environment_free(environment);
    free(database);
    return good;
}

static bool restore_file(const struct backup_place *place, struct sync *sync, int file,
                         char **error) {
    int ends[2];
    struct child age, restore;
    char *said = NULL;
    if (pipe2(ends, O_CLOEXEC) != 0)
        return sync_fail(error, "%s", strerror(errno));
    bool opened = start_opening(&age, place, file, ends[1], error);
    close(ends[1]);
    free(opened ? read_line(ends[0]) : NULL);
    bool started = opened && start_restore(&restore, sync, place->url, ends[0], error);
    close(ends[0]);
    bool restored = started && child_wait(&restore, error);
    bool read = opened && child_wait(&age, restored ? error : &said);
    free(said);
    return restored && read;
}

/* Those that only a superuser may set are left to one: gulou check asks for them. */
static const char settings_sql[] =
    "do $$ declare one text; begin"
    " for one in select jsonb_array_elements_text(current_setting('gulou.backup')::jsonb -> "
    "'settings') loop"
    "  begin execute format('alter database %I set %I = %L', current_database(), split_part(one, "
    "'=', 1),"
    "   substr(one, strpos(one, '=') + 1));"
    "  exception when insufficient_privilege then null; end; end loop; end $$";

static bool apply_settings(struct sync *sync, const char *facts, char **error) {
    return sync_value(sync, "select set_config('gulou.backup', $1, false)", 1, &facts, NULL,
                      error) &&
           sync_exec(sync, settings_sql, error);
}

/* What is there now must be what the facts say was there. */
static bool compare(struct sync *sync, const char *facts, char **error) {
    bool same = false;
    return compare_books(sync, facts, &same, error) &&
           (same || sync_fail(error, "what was restored is not what was saved: chain heads or "
                                     "schema differ; do not use this database"));
}

/* -1 with *error. It is read twice, and nobody waits at a pipe for who might write into it. */
static int open_backup(const char *path, char **error) {
    struct stat kind;
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file < 0 || fstat(file, &kind) != 0)
        sync_fail(error, "%s: %s", path, strerror(errno));
    else if (!S_ISREG(kind.st_mode))
        sync_fail(error,
                  "%s: is a folder, a pipe or a device, nothing was restored; right is a file that "
                  "gulou backup wrote, on a disk, for it is read twice",
                  path);
    else
        return file;
    if (file >= 0)
        close(file);
    return -1;
}

bool backup_restore(const struct backup_place *place, char **facts, char **error) {
    *facts = *error = NULL;
    int file = open_backup(place->path, error);
    if (file < 0)
        return false;
    struct sync *sync = NULL;
    bool good = verify_file(place, file, facts, error) && check_schema(place, *facts, error) &&
                (sync = sync_open(place->url, error)) != NULL && migrate_encoding(sync, error) &&
                migrate_lock(sync, error) && check_empty(sync, *facts, error) &&
                migrate_roles(sync, error) && restore_file(place, sync, file, error) &&
                apply_settings(sync, *facts, error) && compare(sync, *facts, error) &&
                sync_exec(sync, "analyze", error);
    sync_close(sync);
    close(file);
    return good;
}
