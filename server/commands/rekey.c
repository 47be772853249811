/* gulou rekey: seals every photo with the newest key, so that older ones can be taken away.
 *
 * A photo at a time is read, opened, sealed and written back, while the servers run; ended at any
 * point, the next run goes on with what is left. */

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "db/sync.h"
#include "server/base/limits.h"
#include "server/commands/commands.h"
#include "server/image.h"
#include "server/say.h"
#include "server/vault.h"

struct rekey {
    const struct config *config;
    struct sync *sync;
    const char *account;
    int sealed, failed;
    char *error;
};

static cJSON *ask(struct rekey *r, const char *sql, int n, const char *const *args) {
    char *json = NULL;
    if (!sync_value(r->sync, sql, n, args, &json, &r->error))
        return NULL;
    cJSON *facts = json ? cJSON_Parse(json) : NULL;
    free(json);
    return facts;
}

/* One size, opened and sealed anew, as an argument; NULL with *why. */
static const char *seal_again(struct rekey *r, struct arena *arena, const cJSON *photo, bool small,
                              const char **why) {
    const char *what = vault_photo(arena, r->account, fact_text(photo, "digest"), small);
    struct str kept, plain;
    *why = "it cannot be read";
    if (!image_decode(arena, fact_text(photo, small ? "small" : "jpeg"), &kept) ||
        !vault_open(arena, r->config, what, kept, &plain, why))
        return NULL;
    return image_argument(arena, vault_seal(arena, r->config, what, plain));
}

static bool rekey_photo(struct rekey *r, struct arena *arena, const cJSON *photo) {
    const char *why;
    const char *jpeg = seal_again(r, arena, photo, false, &why);
    const char *small = jpeg ? seal_again(r, arena, photo, true, &why) : NULL;
    if (!small) {
        fprintf(stderr, "gulou: account %s, photo %.12s…: %s\n", r->account,
                fact_text(photo, "digest"), why);
        r->failed++;
        return true; /* the others can still be done */
    }
    const char *args[] = {r->account, arena_printf(arena, "\\x%s", fact_text(photo, "digest")),
                          jpeg, small};
    cJSON *done = ask(r, "select api.rekey_image($1, $2, $3, $4)", 4, args);
    r->sealed += cJSON_IsTrue(fact(done, "done"));
    cJSON_Delete(done);
    return done != NULL;
}

/* Copies the digest of the last photo to `after`; 0: nothing was left, -1: r->error. */
static int rekey_some(struct rekey *r, char after[80]) {
    struct arena *arena = arena_new();
    const char *prefix = image_argument(arena, vault_prefix(arena, r->config));
    const char *args[] = {r->account, prefix, *after ? after : NULL,
                          arena_printf(arena, "%d", REKEY_CHUNK_PHOTOS)};
    cJSON *photos = ask(r, "select api.rekey_next($1, $2, $3, $4)", 4, args);
    const cJSON *photo;
    int n = photos ? cJSON_GetArraySize(photos) : -1;
    cJSON_ArrayForEach(photo, photos) {
        snprintf(after, 80, "\\x%.64s", fact_text(photo, "digest"));
        if (!rekey_photo(r, arena, photo)) {
            n = -1;
            break;
        }
    }
    cJSON_Delete(photos);
    arena_free(arena);
    return n;
}

static bool rekey_accounts(struct rekey *r) {
    for (size_t i = 0; i < r->config->accounts_n; i++) {
        char after[80] = "";
        int n;
        r->account = r->config->accounts[i].id;
        while ((n = rekey_some(r, after)) > 0)
            continue;
        if (n < 0)
            return false;
    }
    return true;
}

/* Photos that the newest key has sealed already are passed over, so one of them is tried first:
 * with another secret under its name the others would be sealed so that no server opens them. */
static bool newest_key_fits(struct rekey *r) {
    struct arena *arena = arena_new();
    cJSON *samples = ask(r, "select api.key_samples()", 0, NULL);
    const cJSON *sample;
    bool fits = samples != NULL;
    cJSON_ArrayForEach(sample, samples) {
        const char *why = "it cannot be read";
        struct str kept, plain;
        if (strcmp(fact_text(sample, "key"), r->config->data_keys[0].id) != 0)
            continue;
        const char *what =
            vault_photo(arena, fact_text(sample, "account"), fact_text(sample, "digest"), true);
        if (!image_decode(arena, fact_text(sample, "small"), &kept) ||
            !vault_open(arena, r->config, what, kept, &plain, &why))
            fits = sync_fail(&r->error,
                             "photos: %.0f stay closed: %s; nothing was changed, put "
                             "the key back",
                             cJSON_GetNumberValue(fact(sample, "photos")), why);
    }
    cJSON_Delete(samples);
    arena_free(arena);
    return fits;
}

/* Which keys are still needed, so that nobody takes away one that is. */
static void tell_use(struct rekey *r) {
    cJSON *use = ask(r, "select api.key_use()", 0, NULL), *key;
    cJSON_ArrayForEach(key, use) {
        if (*key->string)
            printf("  data_key \"%s\": %.0f photos\n", key->string, key->valuedouble);
        else
            printf("  not encrypted: %.0f photos\n", key->valuedouble);
    }
    cJSON_Delete(use);
}

static int rekey(const struct config *config) {
    struct rekey r = {.config = config};
    r.sync = sync_open(config->operator_url, &r.error);
    bool good = r.sync && sync_exec(r.sync, "set role gulou_owner", &r.error) &&
                newest_key_fits(&r) && rekey_accounts(&r);
    if (good) {
        printf("rekey: %d photos sealed with \"%s\"; now in use:\n", r.sealed,
               config->data_keys[0].id);
        tell_use(&r);
    }
    sync_close(r.sync);
    if (!good)
        return command_fail(r.error);
    free(r.error);
    return r.failed == 0 ? COMMAND_DONE : COMMAND_FAILED;
}

static int run(int argc, const char **argv) {
    int exit_code;
    struct config *config = command_config(argc, argv, NULL, &exit_code);
    if (!config)
        return exit_code;
    exit_code = COMMAND_USAGE;
    if (config->data_keys_n == 0)
        fprintf(stderr, "gulou: %s: no [[data_key]] to seal with\n", config->path);
    else
        exit_code = rekey(config);
    config_free(config);
    return exit_code;
}

const struct subcommand command_rekey = {"rekey", "seal every photo with the newest key", run};
