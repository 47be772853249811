/* gulou audit: everything stored is computed again from its sources. */

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>

#include "db/sync.h"
#include "server/commands/commands.h"

static void print_check(const cJSON *check) {
    const char *name = cJSON_GetStringValue(cJSON_GetObjectItem(check, "name"));
    const char *detail = cJSON_GetStringValue(cJSON_GetObjectItem(check, "detail"));
    double checked = cJSON_GetNumberValue(cJSON_GetObjectItem(check, "checked"));
    bool ok = cJSON_IsTrue(cJSON_GetObjectItem(check, "ok"));
    printf("%-6s %8.0f  %s\n", ok ? "ok" : "WRONG", checked, name != NULL ? name : "?");
    if (!ok) {
        printf("                 first wrong row: %s\n", detail != NULL ? detail : "?");
    }
}

static int run(int argc, const char **argv) {
    int exit_code;
    struct config *config = command_config(argc, argv, NULL, &exit_code);
    if (config == NULL) {
        return exit_code;
    }
    char *error = NULL;
    char *json = pg_run(config->postgres_url, "audit", 0, NULL, &error);
    config_free(config);
    if (json == NULL) {
        return command_fail(error);
    }
    cJSON *facts = cJSON_Parse(json);
    const cJSON *check;
    cJSON_ArrayForEach(check, cJSON_GetObjectItem(facts, "checks")) {
        print_check(check);
    }
    bool ok = cJSON_IsTrue(cJSON_GetObjectItem(facts, "ok"));
    puts(ok ? "audit: everything verifies" : "audit: NOT everything verifies, see above");
    cJSON_Delete(facts);
    free(json);
    return ok ? COMMAND_DONE : COMMAND_FAILED;
}

const struct subcommand command_audit = {"audit", "recompute balances, chains, seals and notices",
                                         run};
