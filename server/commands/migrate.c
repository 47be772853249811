/* gulou migrate: brings the database to the state this program expects. */

#include "db/migrate.h"

#include <stdio.h>

#include "server/commands/commands.h"

static int run(int argc, const char **argv) {
    int demo = 0;
    int exit_code;
    const struct poptOption own[] = {
        {"demo", '\0', POPT_ARG_NONE, &demo, 0, "also load the demonstration data, once", NULL},
        POPT_TABLEEND};
    struct config *config = command_config(argc, argv, own, &exit_code);
    if (config == NULL) {
        return exit_code;
    }
    struct migrate_files files = migrate_embedded(demo != 0);
    int applied = 0;
    char *error = NULL;
    bool ok = migrate_apply(config->postgres_url, &files, &applied, &error);
    config_free(config);
    if (!ok) {
        return command_fail(error);
    }
    printf("migrate: %d file%s applied\n", applied, applied == 1 ? "" : "s");
    return COMMAND_DONE;
}

const struct subcommand command_migrate = {"migrate", "bring the database up to date", run};
