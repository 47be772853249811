#include "db/child.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define SAID_MAX 4096
#define ENVIRONMENT_MAX 64

static bool fail(char **error, const char *name, const char *what) {
    if (asprintf(error, "%s: %s", name, what) < 0)
        abort();
    return false;
}

static void fill_environment(char **out, char *path, char *const *own) {
    size_t n = 0;
    out[n++] = path;
    out[n++] = (char *)(uintptr_t) "LC_ALL=C.UTF-8";
    for (; own && *own && n < ENVIRONMENT_MAX; own++)
        out[n++] = *own;
    out[n] = NULL;
}

static int spawn(struct child *child, const char *const *argv, char **environment, int in,
                 int out) {
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    sigset_t all, none;
    sigfillset(&all);
    sigemptyset(&none);
    posix_spawn_file_actions_init(&files);
    posix_spawnattr_init(&attributes);
    posix_spawn_file_actions_adddup2(&files, in, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&files, out, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&files, child->said, STDERR_FILENO);
    /* We ignore SIGPIPE; a child whose reader is gone shall end. */
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
    int code = posix_spawnp(&child->pid, argv[0], &files, &attributes,
                            (char *const *)(uintptr_t)argv, environment);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&files);
    return code;
}

bool child_start(struct child *child, const char *const *argv, char *const *environment, int in,
                 int out, char **error) {
    char *all[ENVIRONMENT_MAX + 1], *path = NULL;
    const char *ours = getenv("PATH");
    if (asprintf(&path, "PATH=%s", ours ? ours : "/usr/local/bin:/usr/bin:/bin") < 0)
        abort();
    fill_environment(all, path, environment);
    *child = (struct child){.name = argv[0], .said = memfd_create(argv[0], MFD_CLOEXEC)};
    int code = child->said < 0 ? errno : spawn(child, argv, all, in, out);
    free(path);
    if (code == 0)
        return true;
    if (child->said >= 0)
        close(child->said);
    return fail(error, argv[0], code == ENOENT ? "is not installed" : strerror(code));
}

/* The line that tells of an error, else the first one. */
static const char *cause(char *text) {
    char *error = strstr(text, "error:");
    while (error && error > text && error[-1] != '\n')
        error--;
    char *line = error ? error : text;
    line[strcspn(line, "\n")] = '\0';
    return line;
}

bool child_wait(struct child *child, char **error) {
    int status = 0;
    char text[SAID_MAX + 1];
    while (waitpid(child->pid, &status, 0) < 0 && errno == EINTR)
        ;
    ssize_t n = pread(child->said, text, SAID_MAX, 0);
    text[n > 0 ? n : 0] = '\0';
    close(child->said);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return true;
    const char *said = cause(text);
    size_t own = strlen(child->name);
    if (strncmp(said, child->name, own) == 0 && strncmp(said + own, ": ", 2) == 0)
        said += own + 2;
    return fail(error, child->name, *said ? said : "ended without a word");
}
