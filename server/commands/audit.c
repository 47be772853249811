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

bool command_audit_report(const char *postgres_url) {
    char *error = NULL;
    char *json = pg_run(postgres_url, "audit", 0, NULL, &error);
    if (json == NULL) {
        command_fail(error);
        return false;
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
    return ok;
}

static int run(int argc, const char **argv) {
    int exit_code;
    struct config *config = command_config(argc, argv, NULL, &exit_code);
    if (config == NULL) {
        return exit_code;
    }
    bool ok = command_audit_report(config->postgres_url);
    config_free(config);
    return ok ? COMMAND_DONE : COMMAND_FAILED;
}

const struct subcommand command_audit = {"audit", "recompute balances, chains, seals and notices",
                                         run};
