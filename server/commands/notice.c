/* gulou notice verify: checks a downloaded notice, without the database and without a network. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/base/limits.h"
#include "server/commands/commands.h"
#include "server/notice_check.h"

/* Text of a whole file, "-" for standard input; NULL: it was said why. */
static char *read_all(struct arena *arena, const char *path, size_t *n) {
    FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "rbe");
    struct buf out;
    char part[65536];
    size_t got = 0;
    buf_init(&out, arena);
    while (file && out.n <= NOTICE_FILE_MAX_BYTES && (got = fread(part, 1, sizeof part, file)) > 0)
        buf_add(&out, part, got);
    bool good = file && !ferror(file) && out.n <= NOTICE_FILE_MAX_BYTES;
    if (!good)
        fprintf(stderr, "gulou: %s: %s\n", path,
                out.n > NOTICE_FILE_MAX_BYTES ? "too large for a notice" : strerror(errno));
    if (file && file != stdin)
        fclose(file);
    *n = out.n;
    return good ? arena_strndup(arena, out.n > 0 ? out.p : "", out.n) : NULL;
}

static int verify(const char *path, const char *root) {
    struct arena *arena = arena_new();
    struct buf report;
    size_t n;
    int exit_code = COMMAND_USAGE;
    char *bytes = read_all(arena, path, &n);
    buf_init(&report, arena);
    if (bytes) {
        bool good = notice_check(arena, (struct str){bytes, n}, root, &report);
        fputs(buf_view(&report).p, stdout);
        printf("%s: %s\n", path, good ? "everything verifies" : "does NOT verify, see above");
        exit_code = good ? COMMAND_DONE : COMMAND_FAILED;
    }
    arena_free(arena);
    return exit_code;
}

static bool is_root(const char *root) {
    return strlen(root) == 64 && strspn(root, "0123456789abcdef") == 64;
}

static int run(int argc, const char **argv) {
    char *root = NULL, *config = NULL, *words[2] = {NULL}; /* popt allocates them */
    const struct poptOption own[] = {
        {"root", '\0', POPT_ARG_STRING, &root, 0,
         "the root as you know it from elsewhere, from the article for instance", "HEX"},
        {"config", 'c', POPT_ARG_STRING, &config, 0, "not needed: nothing but FILE is read",
         "FILE"},
        POPT_TABLEEND};
    static const char usage[] =
        "verify FILE [--root HEX]\n\n"
        "Checks a downloaded notice: its JSON (all pages, one after the other), its CSV, or\n"
        "the JSON of one proof; \"-\" reads standard input. Exit 0: everything fits; 1: the\n"
        "lines and fields that do not are named; 2: the file cannot be read.\n";
    int exit_code = COMMAND_USAGE;
    bool good = command_options(argc, argv, own, usage, words, 2);
    if (good && strcmp(words[0], "verify") != 0)
        fprintf(stderr, "gulou: notice %s: right is gulou notice verify FILE\n", words[0]);
    else if (good && root && !is_root(root))
        fputs("gulou: --root: must be 64 of 0-9 and a-f\n", stderr);
    else if (good)
        exit_code = verify(words[1], root);
    free(root);
    free(config);
    free(words[0]);
    free(words[1]);
    return exit_code;
}

const struct subcommand command_notice = {"notice", "check a downloaded notice, offline", run};
