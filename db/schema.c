#include "db/schema.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "db/sync.h"
#include "server/base/embedded.h"

static bool has_migration(const cJSON *state, const char *name) {
    const cJSON *one;
    cJSON_ArrayForEach(one, cJSON_GetObjectItemCaseSensitive(state, "migrations")) {
        if (strcmp(cJSON_GetStringValue(one) ? one->valuestring : "", name) == 0)
            return true;
    }
    return false;
}

/* Names begin with their number, so that they sort by age. */
enum schema_state schema_judge(const cJSON *state, char **why) {
    const cJSON *names = cJSON_GetObjectItemCaseSensitive(state, "migrations");
    const char *floor = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(state, "floor"));
    const char *newest =
        cJSON_GetStringValue(cJSON_GetArrayItem(names, cJSON_GetArraySize(names) - 1));
    const char *ours = "";
    *why = NULL;
    for (const struct embedded_file *file = embedded_migrations; file->name; file++) {
        ours = file->name;
        if (!has_migration(state, ours)) {
            sync_fail(why, "the schema is older than this program: it lacks %s; run gulou migrate",
                      ours);
            return SCHEMA_TOO_OLD;
        }
    }
    if (floor && strcmp(ours, floor) < 0) {
        sync_fail(why,
                  "the schema is newer than this program and needs one that knows %s; install it",
                  floor);
        return SCHEMA_TOO_NEW;
    }
    if (newest && strcmp(newest, ours) > 0) {
        sync_fail(why, "the schema (%s) is newer than this program (%s), and may be used by it",
                  newest, ours);
        return SCHEMA_NEWER;
    }
    return SCHEMA_FITS;
}

bool schema_is_missing(const char *error) {
    static const char *const states[] = {"42883", "3F000", "42P01", "22023", "42704", "42501"};
    for (size_t i = 0; error && i < sizeof states / sizeof states[0]; i++) {
        if (strstr(error, states[i]))
            return true;
    }
    return false;
}

static enum schema_state check(struct sync *session, char *error, char **why) {
    char *json = session ? sync_call(session, "schema_state", 0, NULL, &error) : NULL;
    if (!json && schema_is_missing(error)) {
        *why = NULL;
        sync_fail(why,
                  "the database holds no schema that this program knows; run gulou migrate (%s)",
                  error);
        free(error);
        return SCHEMA_TOO_OLD;
    }
    if (!json) {
        *why = error;
        return SCHEMA_UNKNOWN;
    }
    cJSON *state = cJSON_Parse(json);
    enum schema_state judged = schema_judge(state, why);
    cJSON_Delete(state);
    free(json);
    return judged;
}

enum schema_state schema_check(const char *url, struct sync **session, char **why) {
    char *error = NULL;
    struct sync *opened = sync_open_app(url, &error);
    enum schema_state state = check(opened, error, why);
    if (session)
        *session = opened;
    else
        sync_close(opened);
    return state;
}
