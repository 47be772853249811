/* gulou import: units, members, items, the calendar or rules from a file of the office.
 *
 * Everything is one transaction, the sheet of invite codes included: it is written and on the disk
 * before the commit, and goes when that fails. What is allowed is decided by the database. */

#include <cjson/cJSON.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "db/sync.h"
#include "server/commands/commands.h"
#include "server/csv_file.h"
#include "server/invite_code.h"
#include "server/say.h"
#include "server/table.h"

#define CHANGES_SHOWN 200

struct import {
    struct arena *arena;
    const struct account *account;
    const char *kind, *path, *invites; /* the sheet's path, NULL when none is wanted */
    bool apply;
    struct sync *sync;
    bool sheet_written;
    cJSON *report;
    char *error;
};

static const char *const kinds[] = {"units", "members", "items", "calendar", "rules"};

static bool is_kind(const char *kind) {
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (strcmp(kind, kinds[i]) == 0)
            return true;
    return false;
}

/* ---- the report ---- */

static void print_wrong(const cJSON *wrong) {
    int64_t row = fact_number(wrong, "row");
    const char *column = fact_text(wrong, "column"), *text = fact_text(wrong, "text");
    if (row > 0)
        printf("  第%" PRId64 "行", row);
    else
        printf("  整个文件");
    if (*column)
        printf(" %s", column);
    if (*text)
        printf("“%s”", text);
    printf("：%s。应为：%s\n", fact_text(wrong, "problem"), fact_text(wrong, "right"));
}

static void print_list(const char *title, const cJSON *list) {
    int shown = 0, total = cJSON_GetArraySize(list);
    const cJSON *one;
    if (total > 0)
        printf("%s：\n", title);
    cJSON_ArrayForEach(one, list) {
        if (shown++ == CHANGES_SHOWN) {
            printf("  ……共 %d 条\n", total);
            break;
        }
        if (cJSON_IsObject(one))
            print_wrong(one);
        else
            printf("  %s\n", cJSON_GetStringValue(one));
    }
}

static void print_report(const struct import *import) {
    const cJSON *wrong = fact(import->report, "wrong");
    bool applied = fact_true(import->report, "applied");
    int wrong_n = cJSON_GetArraySize(wrong);
    print_list("有误", wrong);
    print_list("提醒", fact(import->report, "notes"));
    print_list("更新", fact(import->report, "changes"));
    printf("%s：新增 %" PRId64 "，更新 %" PRId64 "，不变 %" PRId64, import->path,
           fact_number(import->report, "new"), fact_number(import->report, "changed"),
           fact_number(import->report, "same"));
    if (wrong_n > 0)
        printf("，有误 %d\n什么也没有写入。请改好有误的地方，再导入一次。\n", wrong_n);
    else
        puts(applied ? "\n已写入。" : "\n这是试运行，什么也没有写入。加上 --apply 才写入。");
    if (applied && import->sheet_written)
        printf("邀请码在 %s，只有这一份；请妥善保管，发完删除。\n", import->invites);
}

/* ---- invites ---- */

static cJSON *make_codes(struct import *import) {
    cJSON *invites = cJSON_CreateArray();
    const cJSON *member;
    cJSON_ArrayForEach(member, fact(import->report, "members")) {
        cJSON *invite = cJSON_CreateObject();
        cJSON_AddNumberToObject(invite, "member", (double)fact_number(member, "member"));
        cJSON_AddStringToObject(invite, "code", invite_code_new(import->arena));
        cJSON_AddItemToArray(invites, invite);
    }
    return invites;
}

static void write_codes(struct import *import, FILE *file, const cJSON *invites) {
    const struct str titles[] = {STR("单位"), STR("姓名"), STR("编号"), STR("邀请码")};
    csv_file_begin(file);
    csv_file_row(file, titles, 4);
    const cJSON *invite = invites->child, *member;
    cJSON_ArrayForEach(member, fact(import->report, "members")) {
        const char *number = arena_printf(import->arena, "%" PRId64, fact_number(member, "member"));
        const struct str cells[] = {str_from(fact_text(member, "unit")),
                                    str_from(fact_text(member, "name")), str_from(number),
                                    str_from(fact_text(invite, "code"))};
        csv_file_row(file, cells, 4);
        invite = invite->next;
    }
}

/* Never over a file that is there: its codes exist nowhere else. */
static bool write_sheet(struct import *import, const cJSON *invites) {
    int fd = open(import->invites, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "w");
    if (!file) {
        fprintf(stderr, "gulou: %s: 不能新建这个文件（已经有了，或文件夹不可写）\n",
                import->invites);
        return false;
    }
    import->sheet_written = true;
    write_codes(import, file, invites);
    bool good = fflush(file) == 0 && fsync(fileno(file)) == 0;
    good = fclose(file) == 0 && good;
    if (!good)
        fprintf(stderr, "gulou: %s: 写不下\n", import->invites);
    return good;
}

static bool keep_codes(struct import *import, const cJSON *invites) {
    char *json = cJSON_PrintUnformatted(invites);
    const char *args[] = {import->account->id, json};
    bool good = sync_value(import->sync, "select api.import_invites($1, $2)", 2, args, NULL,
                           &import->error);
    cJSON_free(json);
    return good;
}

static bool invite(struct import *import) {
    int n = cJSON_GetArraySize(fact(import->report, "members"));
    if (!fact_true(import->report, "applied") || n == 0)
        return true;
    if (!import->invites) {
        fprintf(stderr,
                "gulou: 有 %d 位新成员：请加上 --invites FILE.csv，邀请码写在那里。"
                "什么也没有写入。\n",
                n);
        return false;
    }
    cJSON *invites = make_codes(import);
    bool good = write_sheet(import, invites) && keep_codes(import, invites);
    cJSON_Delete(invites);
    return good;
}

/* ---- the transaction ---- */

static bool begin(struct import *import) {
    const char *args[] = {import->account->id, import->account->name,
                          import->account->verified ? "true" : "false"};
    /* The server's role may not do this: whoever runs the command owns the database. */
    return sync_exec(import->sync, "begin; set local role gulou_owner", &import->error) &&
           sync_value(import->sync, "select api.sync_account($1, $2, $3)", 3, args, NULL,
                      &import->error);
}

static bool call(struct import *import, const struct table *table) {
    const char *sql = arena_printf(import->arena, "select api.import_%s($1, $2, $3)", import->kind);
    const char *args[] = {import->account->id, table_json(import->arena, table),
                          import->apply ? "true" : "false"};
    char *json = NULL;
    if (!sync_value(import->sync, sql, 3, args, &json, &import->error))
        return false;
    import->report = cJSON_Parse(json);
    free(json);
    return import->report != NULL;
}

static int import_table(struct import *import, const char *url, const struct table *table) {
    import->sync = sync_open(url, &import->error);
    bool good = import->sync && begin(import) && call(import, table) && invite(import) &&
                sync_exec(import->sync, import->apply ? "commit" : "rollback", &import->error);
    sync_close(import->sync); /* without a commit nothing stays */
    if (good) {
        print_report(import);
        good = cJSON_GetArraySize(fact(import->report, "wrong")) == 0;
    } else if (import->sheet_written) {
        unlink(import->invites);
    }
    cJSON_Delete(import->report);
    if (import->error)
        return command_fail(import->error);
    return good ? COMMAND_DONE : COMMAND_FAILED;
}

static int import_file(struct import *import, const struct config *config) {
    const char *why = NULL;
    import->arena = arena_new();
    const struct table *table = table_read(import->arena, import->path, &why);
    int exit_code = COMMAND_FAILED;
    if (table)
        exit_code = import_table(import, config->operator_url, table);
    else
        fprintf(stderr, "gulou: %s: %s\n", import->path, why);
    arena_free(import->arena);
    return exit_code;
}

static int run(int argc, const char **argv) {
    char *account = NULL, *invites = NULL, *words[2] = {NULL}; /* popt allocates them */
    int apply = 0, exit_code;
    const struct poptOption own[] = {
        {"apply", '\0', POPT_ARG_NONE, &apply, 0, "write; without it only a report is made", NULL},
        {"invites", '\0', POPT_ARG_STRING, &invites, 0,
         "members: where the new ones' codes are written, once", "FILE.csv"},
        {"account", '\0', POPT_ARG_STRING, &account, 0, "which account of the configuration", "ID"},
        POPT_TABLEEND};
    struct config *config = command_words(
        argc, argv, own, "units|members|items|calendar|rules FILE", words, 2, &exit_code);
    if (config && !is_kind(words[0])) {
        fprintf(stderr, "gulou: import %s: one of units, members, items, calendar, rules\n",
                words[0]);
        exit_code = COMMAND_USAGE;
    } else if (config && invites && strcmp(words[0], "members") != 0) {
        fprintf(stderr,
                "gulou: import %s: --invites is for members only, they alone get codes; leave it "
                "away\n",
                words[0]);
        exit_code = COMMAND_USAGE;
    } else if (config) {
        struct import import = {.account = command_account(config, account),
                                .kind = words[0],
                                .path = words[1],
                                .invites = invites,
                                .apply = apply != 0};
        exit_code = import.account ? import_file(&import, config) : COMMAND_USAGE;
    }
    config_free(config);
    free(account);
    free(invites);
    free(words[0]);
    free(words[1]);
    return exit_code;
}

const struct subcommand command_import = {"import", "read a file of the office: units, members, …",
                                          run};
