#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/commands/commands.h"

#define OPTIONS_MAX 16

/* What to do where the database was never migrated, or not for this program. */
static const char *advice(const char *error) {
    static const char *const missing[][2] = {{"3F000", "\"api\""},
                                             {"3F000", "\"gulou\""},
                                             {"42P01", "\"gulou.schema_migration\""},
                                             {"42883", "api."},
                                             {"22023", "\"gulou_"}};
    const char *state = strstr(error, "(SQLSTATE ");
    for (size_t i = 0; state && i < sizeof missing / sizeof missing[0]; i++) {
        const char *thing = strstr(error, missing[i][1]);
        if (strncmp(state + 10, missing[i][0], 5) == 0 && thing && thing < state &&
            !strstr(error, "gulou migrate"))
            return "; run gulou migrate, or look whether [postgres] url names the right database";
    }
    return "";
}

int command_fail(char *error) {
    fprintf(stderr, "gulou: %s%s\n", error != NULL ? error : "failed without a reason",
            error != NULL ? advice(error) : "");
    free(error);
    return COMMAND_FAILED;
}

/* The words that are no options, in order; false: it was said what is wrong. */
static bool take_words(poptContext context, const char *command, const char *usage, char **words,
                       int n) {
    for (int i = 0; i < n; i++) {
        const char *word = poptGetArg(context);
        if (!word) {
            fprintf(stderr, "gulou: %s needs %s (see gulou %s --help)\n", command, usage, command);
            return false;
        }
        words[i] = strdup(word);
        if (!words[i])
            abort();
    }
    if (poptPeekArg(context) != NULL) {
        fprintf(stderr, "gulou: %s: unexpected argument (see gulou %s --help)\n",
                poptPeekArg(context), command);
        return false;
    }
    return true;
}

/* One table of the command's own options and ours, each with a number of its own. */
static void list_options(struct poptOption *all, const struct poptOption *own, char **path) {
    const struct poptOption first = {
        "config", 'c', POPT_ARG_STRING, path, 0, "the configuration file", "FILE"};
    int n = 0;
    all[n++] = first;
    for (; own != NULL && (own->longName != NULL || own->arg != NULL); own++) {
        if (n == OPTIONS_MAX - 2)
            abort();
        all[n++] = *own;
    }
    for (int i = 0; i < n; i++)
        all[i].val = i + 1;
    const struct poptOption rest[] = {POPT_AUTOHELP POPT_TABLEEND};
    memcpy(all + n, rest, sizeof rest);
}

/* popt would let the last one win. Which of two members is meant, nobody but the caller knows. */
static bool read_options(poptContext context, const struct poptOption *all) {
    char *before[OPTIONS_MAX] = {NULL};
    int at;
    while ((at = poptGetNextOpt(context)) > 0) {
        const struct poptOption *option = &all[at - 1];
        if (option->argInfo != POPT_ARG_STRING)
            continue;
        char *value = *(char **)option->arg;
        if (before[at]) {
            fprintf(stderr, "gulou: --%s %s --%s %s: it can be given once only\n", option->longName,
                    before[at], option->longName, value);
            free(before[at]);
            return false;
        }
        before[at] = value;
    }
    if (at < -1)
        fprintf(stderr, "gulou: %s: %s\n", poptBadOption(context, 0), poptStrerror(at));
    return at == -1;
}

struct config *command_config(int argc, const char **argv, const struct poptOption *own,
                              int *exit_code) {
    return command_words(argc, argv, own, NULL, NULL, 0, exit_code);
}

struct config *command_words(int argc, const char **argv, const struct poptOption *own,
                             const char *usage, char **words, int n, int *exit_code) {
    struct poptOption options[OPTIONS_MAX];
    char *path = NULL; /* popt allocates it */
    list_options(options, own, &path);
    poptContext context = poptGetContext("gulou", argc, argv, options, 0);
    struct config *config = NULL;
    if (usage)
        poptSetOtherOptionHelp(context, usage);
    *exit_code = COMMAND_USAGE;
    if (!read_options(context, options) || !take_words(context, argv[0], usage, words, n)) {
        config = NULL;
    } else if (path == NULL) {
        fprintf(stderr, "gulou: --config FILE is needed (see gulou %s --help)\n", argv[0]);
    } else {
        char *error = NULL;
        config = config_load(path, &error);
        if (config == NULL) {
            fprintf(stderr, "%s\n", error);
            free(error);
        }
    }
    free(path);
    poptFreeContext(context);
    return config;
}

const struct account *command_account(const struct config *config, const char *id) {
    if (id == NULL && config->accounts_n == 1)
        return &config->accounts[0];
    const struct account *account = id ? config_account(config, id) : NULL;
    if (id == NULL)
        fprintf(stderr, "gulou: %s: several accounts; --account ID says which\n", config->path);
    else if (account == NULL)
        fprintf(stderr, "gulou: %s: no account %s\n", config->path, id);
    return account;
}
