/* gulou export and gulou erase: what a member may ask of their own data. */

#include <cjson/cJSON.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "db/sync.h"
#include "server/commands/commands.h"
#include "server/image.h"
#include "server/vault.h"

#define OWN_WISH "本人申请查阅" /* the reason, unless another is given; kept in the audit */

struct options {
    char *member, *account, *output, *reason; /* popt allocates them */
    int confirmed;
};

static void free_options(struct options *options) {
    free(options->member);
    free(options->account);
    free(options->output);
    free(options->reason);
}

static const char *text(const cJSON *facts, const char *name) {
    const char *value = cJSON_GetStringValue(cJSON_GetObjectItem(facts, name));
    return value ? value : "";
}

/* The account meant: the only one, or the one that was named. NULL: it was said why. */
static const char *find_account(const struct config *config, const struct options *options) {
    const struct account *account = options->account ? config_account(config, options->account)
                                    : config->accounts_n == 1 ? &config->accounts[0]
                                                              : NULL;
    if (!options->member)
        fputs("gulou: --member NUMBER is needed\n", stderr);
    else if (!*options->member || strlen(options->member) > 9 ||
             strspn(options->member, "0123456789") != strlen(options->member))
        fprintf(stderr, "gulou: --member %s: a member's number is needed, for instance 12\n",
                options->member);
    else if (!account)
        fprintf(stderr,
                options->account ? "gulou: --account: there is no account %s\n"
                                 : "gulou: --account ID is needed%s: there are several\n",
                options->account ? options->account : "");
    else
        return account->id;
    return NULL;
}

/* The facts of api.<function>, or NULL with *exit_code. */
static cJSON *ask(const struct config *config, const char *function, int n, const char *const *args,
                  int *exit_code) {
    char *error = NULL;
    char *json = pg_run_owner(config->operator_url, function, n, args, &error);
    if (!json) {
        *exit_code = command_fail(error);
        return NULL;
    }
    cJSON *facts = cJSON_Parse(json);
    free(json);
    if (!facts)
        *exit_code = command_fail(strdup("the database's answer cannot be read"));
    return facts;
}

/* ---- export ---- */

/* For its owner's eyes only: nobody else may read the file, and an older one is not written over.
 * One that could not be written to its end does not stay. */
static bool write_out(const char *path, const char *json) {
    int fd = path ? open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600) : STDOUT_FILENO;
    FILE *file = fd < 0 ? NULL : path ? fdopen(fd, "w") : stdout;
    bool written = file && fprintf(file, "%s\n", json) > 0 && fflush(file) == 0;
    if (!written)
        fprintf(stderr, "gulou: %s: %s\n", path ? path : "standard output", strerror(errno));
    if (file == stdout)
        clearerr(stdout); /* it is told here */
    if (file && path)
        written = fclose(file) == 0 && written;
    if (fd >= 0 && path && !written)
        unlink(path);
    return written;
}

/* False: it was said why. Pictures that are kept sealed are opened in place. */
static bool open_photo(struct arena *arena, const struct config *config, const char *account,
                       cJSON *photo) {
    const char *digest = text(photo, "digest"), *why = "it cannot be read";
    struct str bytes, jpeg;
    cJSON *sealed = cJSON_GetObjectItem(photo, "jpeg");
    if (!cJSON_IsString(sealed))
        return true;
    if (!image_decode(arena, sealed->valuestring, &bytes) ||
        !vault_open(arena, config, vault_photo(arena, account, digest, false), bytes, &jpeg,
                    &why)) {
        fprintf(stderr, "gulou: a photo: %s\n", why);
        return false;
    }
    char *base64 = arena_alloc(arena, jpeg.n * 2 + 8);
    EVP_EncodeBlock((unsigned char *)base64, (const unsigned char *)jpeg.p, (int)jpeg.n);
    cJSON_ReplaceItemInObject(photo, "jpeg", cJSON_CreateString(base64));
    return true;
}

static bool open_photos(const struct config *config, const char *account, cJSON *facts) {
    struct arena *arena = arena_new();
    cJSON *declaration, *photo;
    bool good = true;
    cJSON_ArrayForEach(declaration, cJSON_GetObjectItem(facts, "declarations"))
        cJSON_ArrayForEach(photo, cJSON_GetObjectItem(declaration, "photos")) good =
            good && open_photo(arena, config, account, photo);
    arena_free(arena);
    return good;
}

static int export_member(const struct config *config, const struct options *options) {
    int exit_code = COMMAND_USAGE;
    const struct passwd *user = getpwuid(getuid());
    const char *args[] = {find_account(config, options), options->member,
                          options->reason ? options->reason : OWN_WISH, user ? user->pw_name : "?"};
    cJSON *facts = args[0] ? ask(config, "member_export", 4, args, &exit_code) : NULL;
    if (!facts)
        return exit_code;
    if (strcmp(text(facts, "refusal"), "reason") == 0) {
        fputs("gulou: --reason: 4 to 200 characters\n", stderr);
        exit_code = COMMAND_USAGE;
    } else if (cJSON_GetObjectItem(facts, "refusal")) {
        fprintf(stderr, "gulou: member %s: there is none in account %s\n", args[1], args[0]);
        exit_code = COMMAND_FAILED;
    } else if (!open_photos(config, args[0], facts)) {
        exit_code = COMMAND_FAILED;
    } else {
        char *json = cJSON_Print(facts);
        exit_code = json && write_out(options->output, json) ? COMMAND_DONE : COMMAND_FAILED;
        cJSON_free(json);
    }
    cJSON_Delete(facts);
    return exit_code;
}

/* Or who asks for help before saying which. The word of a list may stand behind its options. */
static bool wants_member(int argc, const char **argv) {
    static const char *const words[] = {"--help", "-?", "--usage"};
    for (size_t i = 0; argc > 1 && i < sizeof words / sizeof words[0]; i++)
        if (strcmp(argv[1], words[i]) == 0)
            return true;
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "--member") == 0 || strncmp(argv[i], "--member=", 9) == 0)
            return true;
    return argc == 1;
}

static int run_export(int argc, const char **argv) {
    struct options options = {0};
    int exit_code;
    if (!wants_member(argc, argv))
        return command_export_list(argc, argv);
    const struct poptOption own[] = {{"member", '\0', POPT_ARG_STRING, &options.member, 0,
                                      "whose data, all of it, as JSON", "NUMBER"},
                                     {"account", '\0', POPT_ARG_STRING, &options.account, 0,
                                      "needed when there are several", "ID"},
                                     {"output", 'o', POPT_ARG_STRING, &options.output, 0,
                                      "a new file instead of standard output", "FILE"},
                                     {"reason", '\0', POPT_ARG_STRING, &options.reason, 0,
                                      "why, for the audit; " OWN_WISH, "WORDS"},
                                     POPT_TABLEEND};
    struct config *config = command_words(
        argc, argv, own,
        "ledger|declarations|notice, or --member NUMBER\n\n"
        "Lists for the office (gulou export ledger --help tells their options), or all that is\n"
        "kept about one member:\n",
        NULL, 0, &exit_code);
    if (config) {
        exit_code = export_member(config, &options);
        config_free(config);
    }
    free_options(&options);
    return exit_code;
}

const struct subcommand command_export = {
    "export", "ledger, declarations, a notice; or one member's data", run_export};

/* ---- erase ---- */

static void tell_matters(const cJSON *matters, FILE *out) {
    static const char *const names[][2] = {{"points", "points that can be redeemed"},
                                           {"pending", "points not yet settled"},
                                           {"debt", "points owed"},
                                           {"objections", "objections not yet decided"},
                                           {"declarations", "declarations not yet decided"}};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const cJSON *item = cJSON_GetObjectItem(matters, names[i][0]);
        if (cJSON_IsString(item))
            fprintf(out, "  %s %s\n", item->valuestring, names[i][1]);
        else if (item)
            fprintf(out, "  %.0f %s\n", item->valuedouble, names[i][1]);
    }
}

/* Whom the number means, and what is open with them, before anything is done. */
static void tell_member(const cJSON *facts, const char *member) {
    const char *unit = text(facts, "unit");
    const cJSON *matters = cJSON_GetObjectItem(facts, "matters");
    fprintf(stderr, "gulou: member %s: %s, %s\n", member, text(facts, "name"),
            *unit ? unit : "no unit");
    if (cJSON_GetArraySize(matters) > 0) {
        fputs("still has:\n", stderr);
        tell_matters(matters, stderr);
        fputs("Nothing was erased. Decide these first, or repeat with --confirmed: what is left "
              "then stays in the books without a person.\n",
              stderr);
    } else {
        fputs("Nothing was erased; nothing is open. To erase this person for good, repeat with "
              "--confirmed.\n",
              stderr);
    }
}

static int tell_refusal(const cJSON *facts, const char *account, const char *member) {
    const char *code = text(facts, "refusal");
    if (strcmp(code, "unconfirmed") == 0)
        tell_member(facts, member);
    else
        fprintf(stderr, "gulou: member %s: %s in account %s\n", member,
                strcmp(code, "already") == 0 ? "was erased already" : "there is none", account);
    return COMMAND_FAILED;
}

static int erase_member(const struct config *config, const struct options *options) {
    int exit_code = COMMAND_USAGE;
    const char *args[] = {find_account(config, options), options->member,
                          options->confirmed ? "true" : "false", "gulou erase"};
    cJSON *facts = args[0] ? ask(config, "erase_member", 4, args, &exit_code) : NULL;
    if (!facts)
        return exit_code;
    if (cJSON_GetObjectItem(facts, "refusal")) {
        exit_code = tell_refusal(facts, args[0], args[1]);
    } else {
        printf(
            "erase: member %s of %s: name and WeChat identity, %.0f photos, and the name in %.0f "
            "notices are gone; books and proofs stay\n",
            args[1], args[0], cJSON_GetNumberValue(cJSON_GetObjectItem(facts, "photos")),
            cJSON_GetNumberValue(cJSON_GetObjectItem(facts, "names")));
        exit_code = COMMAND_DONE;
    }
    cJSON_Delete(facts);
    return exit_code;
}

static int run_erase(int argc, const char **argv) {
    struct options options = {0};
    int exit_code;
    const struct poptOption own[] = {
        {"member", '\0', POPT_ARG_STRING, &options.member, 0, "who asked to be erased", "NUMBER"},
        {"account", '\0', POPT_ARG_STRING, &options.account, 0, "needed when there are several",
         "ID"},
        {"confirmed", '\0', POPT_ARG_NONE, &options.confirmed, 0,
         "erase; without it only who it is and what is open are told", NULL},
        POPT_TABLEEND};
    struct config *config = command_config(argc, argv, own, &exit_code);
    if (config) {
        exit_code = erase_member(config, &options);
        config_free(config);
    }
    free_options(&options);
    return exit_code;
}

const struct subcommand command_erase = {"erase", "remove a member's personal data, for good",
                                         run_erase};
