/* gulou export ledger|declarations|notice: lists for the office, as CSV or XLSX.
 *
 * All pages are read in one transaction, so the list is of one moment. A list with full names
 * begins with a row in the audit; the file is complete on the disk before that is committed, and
 * goes when it is not. */

#include <cjson/cJSON.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "db/sync.h"
#include "server/base/limits.h"
#include "server/commands/commands.h"
#include "server/csv_file.h"
#include "server/notice_files.h"
#include "server/say.h"
#include "server/words.h"
#include "server/xlsx_file.h"

struct list {
    struct arena *arena;
    const char *what, *period, *reason, *path; /* path NULL: standard output */
    const struct account *account;
    bool unmasked, as_xlsx, created;
    struct sync *sync;
    char *error;
    const char *mark; /* of an unmasked list */

    size_t columns_n;
    struct xlsx_column columns[TABLE_COLUMNS_MAX];
    const char *types[TABLE_COLUMNS_MAX]; /* text, number, date, or words to be said: status, … */
    FILE *csv;
    struct xlsx_file *file;
};

/* ---- writing ---- */

static const char *worded(const char *type, const char *value) {
    if (!*value)
        return value;
    if (strcmp(type, "state") == 0 && *notice_state_words(value))
        return notice_state_words(value);
    return strcmp(type, "status") == 0 ? say_status(value)
           : strcmp(type, "cap") == 0  ? say_cap(value)
           : strcmp(type, "kind") == 0 ? say_kind(value)
                                       : value;
}

static void write_row(struct list *l, const char *const *cells) {
    struct str views[TABLE_COLUMNS_MAX];
    if (l->as_xlsx) {
        xlsx_file_row(l->file, cells, false);
        return;
    }
    for (size_t i = 0; i < l->columns_n; i++)
        views[i] = str_from(cells[i]);
    csv_file_row(l->csv, views, l->columns_n);
}

static void take_columns(struct list *l, const cJSON *columns) {
    const cJSON *column;
    cJSON_ArrayForEach(column, columns) {
        const char *type = arena_printf(l->arena, "%s", fact_text(column, "type"));
        if (l->columns_n == TABLE_COLUMNS_MAX)
            return;
        l->types[l->columns_n] = type;
        l->columns[l->columns_n++] =
            (struct xlsx_column){arena_printf(l->arena, "%s", fact_text(column, "title")),
                                 strcmp(type, "number") == 0 ? XLSX_NUMBER
                                 : strcmp(type, "date") == 0 ? XLSX_DATE
                                                             : XLSX_TEXT,
                                 (double)fact_number(column, "width")};
    }
}

/* A new file that only its maker can read. */
static bool open_file(struct list *l) {
    int fd = l->path ? open(l->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600) : -1;
    if (l->path && fd < 0) {
        fprintf(stderr, "gulou: %s: %s\n", l->path, strerror(errno));
        return false;
    }
    l->created = l->path != NULL;
    if (l->as_xlsx) {
        close(fd); /* the library opens it by its name */
        l->file = xlsx_file_new(l->path, l->what, l->columns, l->columns_n);
        return l->file != NULL;
    }
    l->csv = l->path ? fdopen(fd, "w") : stdout;
    const char *titles[TABLE_COLUMNS_MAX];
    for (size_t i = 0; i < l->columns_n; i++)
        titles[i] = l->columns[i].title;
    csv_file_begin(l->csv);
    write_row(l, titles);
    return true;
}

static bool write_page(struct list *l, const cJSON *page) {
    if (l->columns_n == 0) {
        take_columns(l, fact(page, "columns"));
        if (!open_file(l))
            return false;
    }
    const cJSON *row;
    cJSON_ArrayForEach(row, fact(page, "rows")) {
        const char *cells[TABLE_COLUMNS_MAX];
        const cJSON *cell = row->child;
        for (size_t i = 0; i < l->columns_n; i++, cell = cell ? cell->next : NULL) {
            const char *text = cJSON_GetStringValue(cell);
            cells[i] = worded(l->types[i], text ? text : "");
        }
        write_row(l, cells);
    }
    return true;
}

static bool close_file(struct list *l) {
    const char *why = xlsx_file_end(l->file);
    l->file = NULL;
    bool good = why == NULL;
    if (l->csv) {
        good = ferror(l->csv) == 0; /* of an earlier row; then it was the disk */
        good = (l->csv == stdout ? fflush(l->csv) : fclose(l->csv)) == 0 && good;
    }
    if (l->csv == stdout)
        clearerr(stdout); /* it is told here */
    l->csv = NULL;
    if (!good)
        fprintf(stderr, "gulou: %s: %s\n", l->path ? l->path : "standard output",
                why ? why : strerror(errno));
    return good;
}

/* ---- reading ---- */

static cJSON *ask(struct list *l, const char *sql, int n, const char *const *args) {
    char *json = NULL;
    if (!sync_value(l->sync, sql, n, args, &json, &l->error))
        return NULL;
    cJSON *facts = cJSON_Parse(json);
    free(json);
    return facts;
}

static bool begin(struct list *l) {
    if (!sync_exec(l->sync, "begin isolation level repeatable read; set local role gulou_owner",
                   &l->error))
        return false;
    if (!l->unmasked)
        return true;
    const struct passwd *user = getpwuid(getuid());
    const char *args[] = {l->account->id, l->what, l->period, l->reason,
                          user ? user->pw_name : "?"};
    cJSON *facts = ask(l, "select api.export_unmasked($1, $2, $3, $4, $5)", 5, args);
    if (fact(facts, "mark"))
        l->mark = arena_printf(l->arena, "%s", fact_text(facts, "mark"));
    else if (facts)
        fputs("gulou: --reason: 4 to 200 characters\n", stderr);
    cJSON_Delete(facts);
    return l->mark != NULL;
}

static bool write_pages(struct list *l) {
    const char *sql = arena_printf(l->arena, "select api.export_%s($1, $2, $3, $4, $5)", l->what);
    const char *limit = arena_printf(l->arena, "%d", EXPORT_CHUNK_ROWS);
    const char *after = NULL;
    bool good = true;
    do {
        const char *args[] = {l->account->id, l->period, l->mark, after, limit};
        cJSON *page = ask(l, sql, 5, args);
        if (page && fact(page, "refusal"))
            fprintf(stderr, "gulou: account %s: no notice of %s\n", l->account->id, l->period);
        good = page && !fact(page, "refusal") && write_page(l, page);
        char *next = good && fact(page, "next") ? cJSON_PrintUnformatted(fact(page, "next")) : NULL;
        after = next ? arena_printf(l->arena, "%s", next) : NULL;
        cJSON_free(next);
        cJSON_Delete(page);
    } while (good && after);
    return good;
}

static int export_list(struct list *l, const char *url) {
    l->arena = arena_new();
    l->sync = sync_open(url, &l->error);
    bool good = l->sync && begin(l) && write_pages(l);
    good = close_file(l) && good && sync_exec(l->sync, "commit", &l->error);
    sync_close(l->sync);
    arena_free(l->arena);
    if (!good && l->created)
        unlink(l->path);
    if (l->error)
        return command_fail(l->error);
    return good ? COMMAND_DONE : COMMAND_FAILED;
}

/* ---- options ---- */

static bool is_period(const char *period) {
    struct str text = str_from(period);
    char named[WORDS_PERIOD_SIZE];
    return words_period(text, named) == text.n && strcmp(named, period) == 0;
}

/* What the file's name says it is; NULL when it says nothing. */
static const char *named_format(const char *path) {
    const char *ending = path ? strrchr(path, '.') : NULL;
    return ending && strcasecmp(ending, ".xlsx") == 0  ? "xlsx"
           : ending && strcasecmp(ending, ".csv") == 0 ? "csv"
                                                       : NULL;
}

/* NULL: it can be done. */
static const char *misuse(const struct list *l, const char *format) {
    if (strcmp(l->what, "ledger") != 0 && strcmp(l->what, "declarations") != 0 &&
        strcmp(l->what, "notice") != 0)
        return "one of ledger, declarations, notice (or --member NUMBER)";
    if (format && strcmp(format, "csv") != 0 && strcmp(format, "xlsx") != 0)
        return "--format: csv or xlsx";
    if (format && named_format(l->path) && strcmp(format, named_format(l->path)) != 0)
        return "--format and the ending of --output say different things; leave one of them away";
    if (!format && l->path && !named_format(l->path))
        return "--output: its name ends with .csv or .xlsx, or --format says which of them it is";
    if (l->period && !is_period(l->period))
        return "--period: 2026-Q3, or a month, 2026-10";
    if (strcmp(l->what, "notice") == 0 && !l->period)
        return "a notice needs --period, 2026-Q3";
    if (l->unmasked && !l->reason)
        return "full names need --reason, which is kept";
    if ((l->as_xlsx || l->unmasked) && !l->path)
        return "--output FILE is needed for xlsx and for full names";
    return NULL;
}

int command_export_list(int argc, const char **argv) {
    char *period = NULL, *format = NULL, *path = NULL, *reason = NULL, *account = NULL,
         *words[1] = {NULL}; /* popt allocates them */
    int unmasked = 0, exit_code;
    const struct poptOption own[] = {
        {"period", '\0', POPT_ARG_STRING, &period, 0, "only this quarter or month", "2026-Q3"},
        {"format", '\0', POPT_ARG_STRING, &format, 0,
         "csv or xlsx; else as FILE ends, without FILE csv", "FORMAT"},
        {"output", 'o', POPT_ARG_STRING, &path, 0, "a new file instead of standard output", "FILE"},
        {"unmasked", '\0', POPT_ARG_NONE, &unmasked, 0, "full names; leaves a row in the audit",
         NULL},
        {"reason", '\0', POPT_ARG_STRING, &reason, 0, "why full names are needed", "WORDS"},
        {"account", '\0', POPT_ARG_STRING, &account, 0, "needed when there are several", "ID"},
        POPT_TABLEEND};
    struct config *config =
        command_words(argc, argv, own, "ledger|declarations|notice", words, 1, &exit_code);
    if (config) {
        struct list list = {.what = words[0],
                            .period = period,
                            .reason = reason,
                            .path = path,
                            .unmasked = unmasked != 0};
        const char *wanted = format ? format : named_format(path);
        list.as_xlsx = wanted && strcmp(wanted, "xlsx") == 0;
        const char *why = misuse(&list, format);
        exit_code = COMMAND_USAGE;
        if (why)
            fprintf(stderr, "gulou: export %s: %s\n", words[0], why);
        else if ((list.account = command_account(config, account)) != NULL)
            exit_code = export_list(&list, config->operator_url);
    }
    config_free(config);
    char *all[] = {period, format, path, reason, account, words[0]};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        free(all[i]);
    return exit_code;
}
