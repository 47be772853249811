#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/commands/commands.h"

int command_fail(char *error) {
    fprintf(stderr, "gulou: %s\n", error != NULL ? error : "failed without a reason");
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

struct config *command_config(int argc, const char **argv, const struct poptOption *own,
                              int *exit_code) {
    return command_words(argc, argv, own, NULL, NULL, 0, exit_code);
}

struct config *command_words(int argc, const char **argv, const struct poptOption *own,
                             const char *usage, char **words, int n, int *exit_code) {
    static const struct poptOption none[] = {POPT_TABLEEND};
    char *path = NULL; /* popt allocates it */
    struct poptOption options[] = {
        {"config", 'c', POPT_ARG_STRING, &path, 0, "the configuration file", "FILE"},
        {NULL, '\0', POPT_ARG_INCLUDE_TABLE, (void *)(own != NULL ? own : none), 0, NULL, NULL},
        POPT_AUTOHELP POPT_TABLEEND};
    poptContext context = poptGetContext("gulou", argc, argv, options, 0);
    struct config *config = NULL;
    if (usage)
        poptSetOtherOptionHelp(context, usage);
    *exit_code = COMMAND_USAGE;
    int result = poptGetNextOpt(context);
    if (result < -1) {
        fprintf(stderr, "gulou: %s: %s\n", poptBadOption(context, 0), poptStrerror(result));
    } else if (!take_words(context, argv[0], usage, words, n)) {
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
