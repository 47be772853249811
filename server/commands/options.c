#include <stdio.h>
#include <stdlib.h>

#include "server/commands/commands.h"

int command_fail(char *error) {
    fprintf(stderr, "gulou: %s\n", error != NULL ? error : "failed without a reason");
    free(error);
    return COMMAND_FAILED;
}

struct config *command_config(int argc, const char **argv, const struct poptOption *own,
                              int *exit_code) {
    static const struct poptOption none[] = {POPT_TABLEEND};
    char *path = NULL; /* popt allocates it */
    struct poptOption options[] = {
        {"config", 'c', POPT_ARG_STRING, &path, 0, "the configuration file", "FILE"},
        {NULL, '\0', POPT_ARG_INCLUDE_TABLE, (void *)(own != NULL ? own : none), 0, NULL, NULL},
        POPT_AUTOHELP POPT_TABLEEND};
    poptContext context = poptGetContext("gulou", argc, argv, options, 0);
    struct config *config = NULL;
    *exit_code = COMMAND_USAGE;
    int result = poptGetNextOpt(context);
    if (result < -1) {
        fprintf(stderr, "gulou: %s: %s\n", poptBadOption(context, 0), poptStrerror(result));
    } else if (poptPeekArg(context) != NULL) {
        fprintf(stderr, "gulou: %s: unexpected argument (see gulou %s --help)\n",
                poptPeekArg(context), argv[0]);
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
