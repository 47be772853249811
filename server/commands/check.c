/* gulou check: reads and validates the configuration. */

#include <stdio.h>

#include "server/commands/commands.h"

static int run(int argc, const char **argv) {
    int exit_code;
    struct config *config = command_config(argc, argv, NULL, &exit_code);
    if (config == NULL) {
        return exit_code;
    }
    printf("%s: good; %zu account%s\n", config->path, config->accounts_n,
           config->accounts_n == 1 ? "" : "s");
    config_free(config);
    return COMMAND_DONE;
}

const struct subcommand command_check = {"check", "read and validate the configuration", run};
