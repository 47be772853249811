/* The one program: finds the subcommand and hands over. */

#include <cjson/cJSON.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <malloc.h>
#include <openssl/crypto.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/base/json.h"
#include "server/base/memory.h"
#include "server/commands/commands.h"

static const struct subcommand *const subcommands[] = {
    &command_serve,  &command_migrate, &command_check,   &command_audit,  &command_rebuild_cache,
    &command_clock,  &command_menu,    &command_notice,  &command_export, &command_erase,
    &command_import, &command_backup,  &command_restore, &command_rekey,
};

#define LARGE_BYTES (128 << 10)
#define SUBCOMMANDS (sizeof subcommands / sizeof subcommands[0])

static void print_help(FILE *out) {
    fputs("usage: gulou SUBCOMMAND --config FILE\n\n", out);
    for (size_t i = 0; i < SUBCOMMANDS; i++) {
        fprintf(out, "  %-14s %s\n", subcommands[i]->name, subcommands[i]->summary);
    }
    fputs("  help           this text; gulou SUBCOMMAND --help tells its options\n"
          "  --version      which gulou this is\n\n"
          "gulou " GULOU_VERSION ", backend of a neighbourhood's WeChat official account\n",
          out);
}

/* ---- memory for OpenSSL, which names the place that asks ---- */

static void *crypto_malloc(size_t size, const char *file, int line) {
    (void)file;
    (void)line;
    return memory_malloc(size);
}

static void *crypto_realloc(void *memory, size_t size, const char *file, int line) {
    (void)file;
    (void)line;
    return memory_realloc(memory, size);
}

static void crypto_free(void *memory, const char *file, int line) {
    (void)file;
    (void)line;
    memory_put(memory);
}

/* Before any of them has taken some. wechat/api.c does the same for libcurl. Large pieces go back
 * to the system as soon as they are given back: glibc would learn to keep them. */
static void share_memory(void) {
    mallopt(M_MMAP_THRESHOLD, LARGE_BYTES);
    cJSON_InitHooks(&(cJSON_Hooks){.malloc_fn = json_malloc, .free_fn = json_free});
    event_set_mem_functions(memory_malloc, memory_realloc, memory_put);
    CRYPTO_set_mem_functions(crypto_malloc, crypto_realloc, crypto_free);
}

/* Whoever started us may have closed one of the three: then the first connection or file would get
 * its number, and what we say would be written into the talk with PostgreSQL. Held open the wrong
 * way round, they fail as a closed one does. */
static void hold_standard_files(void) {
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 && errno == EBADF &&
            open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd)
            _exit(COMMAND_FAILED);
}

static int exit_code = COMMAND_DONE; /* also of popt, which ends the program behind its --help */

/* What a command prints is its result: without it, it has failed, whatever it did. */
static void tell_loss(void) {
    bool lost = ferror(stdout) != 0;
    if (fflush(stdout) == 0 && !lost)
        return;
    fprintf(stderr,
            "gulou: standard output: %s; what was to be read there is lost, what was done stays\n",
            lost || errno == 0 ? "it could not be written" : strerror(errno));
    _exit(exit_code == COMMAND_DONE ? COMMAND_FAILED : exit_code);
}

static int run(int argc, const char **argv) {
    for (size_t i = 0; i < SUBCOMMANDS; i++) {
        if (strcmp(argv[1], subcommands[i]->name) == 0) {
            return subcommands[i]->run(argc - 1, argv + 1);
        }
    }
    if (strcmp(argv[1], "help") == 0 || strcmp(argv[1], "--help") == 0) {
        print_help(stdout);
        return COMMAND_DONE;
    }
    if (strcmp(argv[1], "--version") == 0) {
        puts("gulou " GULOU_VERSION);
        return COMMAND_DONE;
    }
    fprintf(stderr, "gulou: %s: no such subcommand (see gulou help)\n", argv[1]);
    return COMMAND_USAGE;
}

int main(int argc, const char **argv) {
    /* Peers hang up whenever they like; writing to them is an error to handle, not a death. */
    signal(SIGPIPE, SIG_IGN);
    hold_standard_files();
    share_memory();
    if (argc < 2) {
        print_help(stderr);
        return COMMAND_USAGE;
    }
    if (atexit(tell_loss) != 0)
        return COMMAND_FAILED;
    exit_code = run(argc, argv);
    return exit_code;
}
