#include "db/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
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

/* In the child: becomes the program, or tells why not. */
static _Noreturn void become(const struct child *child, const char *const *argv, char **environment,
                             int in, int out, pid_t parent, int report) {
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_DFL); /* we ignore it; a child whose reader is gone shall end */
    bool good = prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && dup2(in, STDIN_FILENO) >= 0 &&
                dup2(out, STDOUT_FILENO) >= 0 && dup2(child->said, STDERR_FILENO) >= 0;
    if (getppid() != parent) /* it was killed before we could ask for the signal */
        _exit(1);
    if (good)
        execvpe(argv[0], (char *const *)(uintptr_t)argv, environment);
    int code = errno;
    if (write(report, &code, sizeof code) < 0)
        _exit(2);
    _exit(1);
}

/* 0, or the errno of what failed. */
static int spawn(struct child *child, const char *const *argv, char **environment, int in,
                 int out) {
    int report[2], code = 0;
    pid_t parent = getpid();
    if (pipe2(report, O_CLOEXEC) != 0)
        return errno;
    child->pid = fork();
    if (child->pid == 0)
        become(child, argv, environment, in, out, parent, report[1]);
    code = child->pid < 0 ? errno : 0;
    close(report[1]);
    if (code == 0 && read(report[0], &code, sizeof code) > 0)
        waitpid(child->pid, NULL, 0);
    close(report[0]);
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
