/* gulou backup, gulou restore: the whole database in one encrypted file, and the way back. */

#include "db/backup.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/commands/commands.h"
#include "server/say.h"

static int misuse(const char *what) {
    fprintf(stderr, "gulou: %s\n", what);
    return COMMAND_USAGE;
}

static void print_facts(const char *verb, const char *path, const char *text) {
    cJSON *facts = cJSON_Parse(text);
    const cJSON *migrations = fact(facts, "migrations"), *account;
    const cJSON *newest = cJSON_GetArrayItem(migrations, cJSON_GetArraySize(migrations) - 1);
    printf("%s: %s: of %s, schema %s\n", verb, path, fact_text(facts, "taken_at"),
           fact_text(newest, "name"));
    cJSON_ArrayForEach(account, fact(facts, "accounts"))
        printf("  account %s: %lld chains, root %s; last seal %s %s\n", fact_text(account, "id"),
               (long long)fact_number(account, "chains"), fact_text(account, "root"),
               fact_text(account, "sealed_on"), fact_text(account, "seal"));
    cJSON_Delete(facts);
}

/* ---- backup ---- */

static int backup(const struct config *config, const char *path) {
    struct backup_place place = {.url = config->operator_url,
                                 .recipient = config->backup_recipient,
                                 .key = config->backup_key,
                                 .path = path};
    if (!path)
        return misuse("backup: --output FILE is needed (see gulou backup --help)");
    if (!place.recipient && !place.key)
        return misuse("backup: [backup] recipient is needed: age-keygen makes a pair "
                      "(docs/operations.md)");
    char *facts = NULL, *error = NULL;
    bool good = backup_write(&place, &facts, &error);
    if (good)
        print_facts("backup", path, facts);
    free(facts);
    return good ? COMMAND_DONE : command_fail(error);
}

static int run_backup(int argc, const char **argv) {
    char *path = NULL; /* popt allocates it */
    int exit_code;
    const struct poptOption own[] = {
        {"output", 'o', POPT_ARG_STRING, &path, 0, "a new file", "FILE"}, POPT_TABLEEND};
    struct config *config = command_config(argc, argv, own, &exit_code);
    if (config)
        exit_code = backup(config, path);
    config_free(config);
    free(path);
    return exit_code;
}

const struct subcommand command_backup = {"backup", "write the database into an encrypted file",
                                          run_backup};

/* ---- restore ---- */

static int restore(const struct config *config, const char *path, const char *key) {
    struct backup_place place = {
        .url = config->operator_url, .key = key ? key : config->backup_key, .path = path};
    if (!place.key)
        return misuse("restore: --key FILE, or [backup] key, is needed");
    char *facts = NULL, *error = NULL;
    bool good = backup_restore(&place, &facts, &error);
    if (good)
        print_facts("restored", path, facts);
    free(facts);
    if (!good)
        return command_fail(error);
    return command_audit_report(place.url) ? COMMAND_DONE : COMMAND_FAILED;
}

static int run_restore(int argc, const char **argv) {
    char *key = NULL, *words[1] = {NULL}; /* popt allocates them */
    int exit_code;
    const struct poptOption own[] = {{"key", '\0', POPT_ARG_STRING, &key, 0,
                                      "age's identity file, instead of [backup] key", "FILE"},
                                     POPT_TABLEEND};
    struct config *config = command_words(argc, argv, own, "FILE", words, 1, &exit_code);
    if (config)
        exit_code = restore(config, words[0], key);
    config_free(config);
    free(key);
    free(words[0]);
    return exit_code;
}

const struct subcommand command_restore = {
    "restore", "fill an empty database from a backup, then audit it", run_restore};
