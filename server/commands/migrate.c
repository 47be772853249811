/* gulou migrate: brings the database to the state this program expects. */

#include <stdio.h>
#include <stdlib.h>

#include "db/migrate.h"
#include "db/rollback.h"

#include "server/base/embedded.h"
#include "server/commands/commands.h"

static int take_back(const char *url, const char *to) {
    int undone = 0;
    char *error = NULL;
    if (!rollback_to(url, to, embedded_migrations, embedded_rollback, &undone, &error)) {
        return command_fail(error);
    }
    printf(
        "migrate: %d step%s taken back; now install the program of %s and run its gulou migrate\n",
        undone, undone == 1 ? "" : "s", to);
    return COMMAND_DONE;
}

static int bring_up(const char *url, bool demo) {
    struct migrate_files files = migrate_embedded(demo);
    int applied = 0;
    char *error = NULL;
    if (!migrate_apply(url, &files, &applied, &error)) {
        return command_fail(error);
    }
    printf("migrate: %d file%s applied\n", applied, applied == 1 ? "" : "s");
    return COMMAND_DONE;
}

static int run(int argc, const char **argv) {
    int demo = 0;
    char *to = NULL; /* popt allocates it */
    int exit_code;
    const struct poptOption own[] = {
        {"demo", '\0', POPT_ARG_NONE, &demo, 0, "also load the demonstration data, once", NULL},
        {"to", '\0', POPT_ARG_STRING, &to, 0,
         "take the schema back to this migration, where nothing is lost", "0050"},
        POPT_TABLEEND};
    struct config *config = command_config(argc, argv, own, &exit_code);
    if (config != NULL && to != NULL && demo != 0) {
        fputs("gulou: migrate: --to and --demo say different things; leave one of them away\n",
              stderr);
        exit_code = COMMAND_USAGE;
    } else if (config != NULL) {
        exit_code =
            to ? take_back(config->operator_url, to) : bring_up(config->operator_url, demo != 0);
    }
    config_free(config);
    free(to);
    return exit_code;
}

const struct subcommand command_migrate = {"migrate", "bring the database up to date", run};
