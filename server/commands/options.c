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
        if (!word || !*word) {
            fprintf(stderr, "gulou: %s needs %.*s (see gulou %s --help)\n", command,
                    (int)strcspn(usage, "\n"), usage, command);
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

/* One table of the command's options and popt's own, each with a number of its own. */
static void list_options(struct poptOption *all, const struct poptOption *own) {
    int n = 0;
    for (; own != NULL && (own->longName != NULL || own->arg != NULL); own++) {
        if (n == OPTIONS_MAX - 2)
            abort();
        all[n] = *own;
        all[n].val = n + 1;
        n++;
    }
    const struct poptOption rest[] = {POPT_AUTOHELP POPT_TABLEEND};
    memcpy(all + n, rest, sizeof rest);
}

/* The option of this text, --to, --to=0050 or -c; NULL: none is called so. */
static const struct poptOption *option_named(const struct poptOption *all, const char *text) {
    for (; all->longName != NULL; all++) {
        size_t n = strlen(all->longName);
        if (strncmp(text, "--", 2) == 0 && strncmp(text + 2, all->longName, n) == 0 &&
            (text[2 + n] == '\0' || text[2 + n] == '='))
            return all;
        if (all->shortName != '\0' && text[0] == '-' && text[1] == all->shortName)
            return all;
    }
    return NULL;
}

static bool needs_value(const struct poptOption *option) {
    fprintf(stderr, "gulou: --%s needs a value: %s (%s)\n", option->longName, option->argDescrip,
            option->descrip);
    return false;
}

static bool bad_option(poptContext context, const struct poptOption *all, int why) {
    const char *text = poptBadOption(context, 0);
    const struct poptOption *option =
        why == POPT_ERROR_NOARG && text != NULL ? option_named(all, text) : NULL;
    if (option)
        return needs_value(option);
    fprintf(stderr, "gulou: %s: %s\n", text, poptStrerror(why));
    return false;
}

/* popt would take the next option for a value that was forgotten, and let the last of two win.
 * Which of two members is meant, nobody but the caller knows. */
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
        if (value[strspn(value, " \t\r\n")] == '\0' || option_named(all, value))
            return needs_value(option);
        before[at] = value;
    }
    return at == -1 || bad_option(context, all, at);
}

bool command_options(int argc, const char **argv, const struct poptOption *own, const char *usage,
                     char **words, int n) {
    struct poptOption all[OPTIONS_MAX];
    list_options(all, own);
    poptContext context = poptGetContext("gulou", argc, argv, all, 0);
    if (usage)
        poptSetOtherOptionHelp(context, usage);
    bool good = read_options(context, all) && take_words(context, argv[0], usage, words, n);
    poptFreeContext(context);
    return good;
}

struct config *command_config(int argc, const char **argv, const struct poptOption *own,
                              int *exit_code) {
    return command_words(argc, argv, own, NULL, NULL, 0, exit_code);
}

struct config *command_words(int argc, const char **argv, const struct poptOption *own,
                             const char *usage, char **words, int n, int *exit_code) {
    char *path = NULL; /* popt allocates it */
    struct poptOption options[OPTIONS_MAX] = {
        {"config", 'c', POPT_ARG_STRING, &path, 0, "the configuration file", "FILE"}};
    for (int i = 1; own != NULL && (own->longName != NULL || own->arg != NULL); i++, own++) {
        if (i == OPTIONS_MAX - 1)
            abort();
        options[i] = *own;
    }
    struct config *config = NULL;
    *exit_code = COMMAND_USAGE;
    bool good = command_options(argc, argv, options, usage, words, n);
    if (good && path == NULL) {
        fprintf(stderr, "gulou: --config FILE is needed (see gulou %s --help)\n", argv[0]);
    } else if (good) {
        char *error = NULL;
        config = config_load(path, &error);
        if (config == NULL) {
            fprintf(stderr, "%s\n", error);
            free(error);
        }
    }
    free(path);
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
