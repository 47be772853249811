/* gulou clock: lets tests and demonstrations travel in time. */

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "db/sync.h"
#include "server/commands/commands.h"

#define EXAMPLE "2026-10-01T09:00+08:00"
#define NO_TIME "SQLSTATE 2200" /* 22007 and 22008: no time, or none of the calendar */

static int set_clock(const struct config *config, const char *time) {
    char *error = NULL;
    const char *args[] = {time};
    char *json = pg_run_owner(config->operator_url, "set_clock", 1, args, &error);
    bool no_time = json == NULL && error != NULL && strstr(error, NO_TIME) != NULL;
    if (json == NULL && !no_time) {
        return command_fail(error);
    }
    cJSON *facts = no_time ? NULL : cJSON_Parse(json);
    if (no_time || cJSON_HasObjectItem(facts, "refusal")) {
        fprintf(stderr,
                "gulou: %s: not a time of the years 2000 to 2099, write it like " EXAMPLE "\n",
                time);
        cJSON_Delete(facts);
        free(json);
        free(error);
        return COMMAND_USAGE;
    }
    const char *now = cJSON_GetStringValue(cJSON_GetObjectItem(facts, "now"));
    printf("clock: %s\n", now != NULL ? now : "?");
    cJSON_Delete(facts);
    free(json);
    return COMMAND_DONE;
}

static int run(int argc, const char **argv) {
    char *time = NULL; /* popt allocates it */
    int reset = 0;
    int exit_code;
    const struct poptOption own[] = {
        {"set", '\0', POPT_ARG_STRING, &time, 0, EXAMPLE "; used from then on", "TIME"},
        {"reset", '\0', POPT_ARG_NONE, &reset, 0, "back to real time", NULL},
        POPT_TABLEEND};
    struct config *config = command_config(argc, argv, own, &exit_code);
    if (config != NULL && (time == NULL) == (reset == 0)) {
        fputs("gulou: clock needs --set TIME or --reset\n", stderr);
        exit_code = COMMAND_USAGE;
    } else if (config != NULL && !config->test_clock) {
        fprintf(stderr, "gulou: %s: server.test_clock is not true, the clock stays\n",
                config->path);
        exit_code = COMMAND_USAGE;
    } else if (config != NULL) {
        exit_code = set_clock(config, time);
    }
    config_free(config);
    free(time);
    return exit_code;
}

const struct subcommand command_clock = {"clock", "set the clock of a demonstration", run};
