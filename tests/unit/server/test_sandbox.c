/* What the filter lets pass: each case runs in a child of its own, which the kernel may end. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "server/sandbox.h"

enum { WORKED = 0, NO_FILTER = 90, WITH_ERRNO = 100 };

/* The exit code of `act` behind the filter: WORKED, or WITH_ERRNO + errno; -n for the signal n. */
static int behind(enum sandbox_mode mode, bool (*act)(void)) {
    pid_t child = fork();
    if (child == 0) {
        char *error = NULL;
        if (!sandbox_enter(mode, &error))
            _exit(NO_FILTER);
        errno = 0;
        _exit(act() ? WORKED : WITH_ERRNO + errno);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

static bool starts_a_program(void) {
    char *const args[] = {(char *)"true", NULL};
    return execve("/bin/true", args, NULL) == 0;
}

static bool looks_into_a_process(void) {
    return ptrace(PTRACE_ATTACH, getppid(), NULL, NULL) == 0;
}

static bool opens_a_door(void) {
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    return fd >= 0 && listen(fd, 1) == 0;
}

static bool becomes_somebody_else(void) {
    return setuid(0) == 0;
}

static bool makes_a_process(void) {
    return syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL) >= 0;
}

static bool opens_a_raw_door(void) {
    return socket(AF_PACKET, SOCK_RAW, 0) >= 0;
}

static bool ends_another_process(void) {
    return kill(getppid(), SIGCONT) == 0;
}

static bool types_into_a_terminal(void) {
    char c = 'x';
    return syscall(SYS_ioctl, 0, 0x5412 /* TIOCSTI */, &c) == 0;
}

static bool raises_its_limits(void) {
    struct {
        uint64_t soft, hard;
    } limit = {100, 100};
    return syscall(SYS_prlimit64, 0, 7 /* files */, &limit, NULL) == 0;
}

static void *say_yes(void *yes) {
    *(bool *)yes = true;
    return NULL;
}

static bool does_what_a_server_does(void) {
    bool yes = false;
    char byte;
    pthread_t thread;
    int file = open("/dev/null", O_RDWR | O_CLOEXEC), pair[2], fd = socket(AF_INET, SOCK_STREAM, 0);
    bool files = file >= 0 && write(file, "x", 1) == 1 && read(file, &byte, 1) == 0;
    bool sockets = fd >= 0 && socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0 &&
                   send(pair[0], "x", 1, 0) == 1 && recv(pair[1], &byte, 1, 0) == 1;
    FILE *temporary = tmpfile();
    return files && sockets && temporary && pthread_create(&thread, NULL, say_yes, &yes) == 0 &&
           pthread_join(thread, NULL) == 0 && yes;
}

static void what_a_server_does_works(void **state) {
    (void)state;
    assert_int_equal(behind(SANDBOX_KILL, does_what_a_server_does), WORKED);
}

static void an_intruders_calls_end_the_process(void **state) {
    (void)state;
    assert_int_equal(behind(SANDBOX_KILL, starts_a_program), -SIGSYS);
    assert_int_equal(behind(SANDBOX_KILL, looks_into_a_process), -SIGSYS);
    assert_int_equal(behind(SANDBOX_KILL, opens_a_door), -SIGSYS);
    assert_int_equal(behind(SANDBOX_KILL, becomes_somebody_else), -SIGSYS);
}

static void other_calls_do_not_exist(void **state) {
    (void)state;
    assert_int_equal(behind(SANDBOX_KILL, makes_a_process), WITH_ERRNO + ENOSYS);
    assert_int_equal(behind(SANDBOX_KILL, opens_a_raw_door), WITH_ERRNO + ENOSYS);
    assert_int_equal(behind(SANDBOX_KILL, ends_another_process), WITH_ERRNO + ENOSYS);
    assert_int_equal(behind(SANDBOX_KILL, types_into_a_terminal), WITH_ERRNO + ENOSYS);
    assert_int_equal(behind(SANDBOX_KILL, raises_its_limits), WITH_ERRNO + ENOSYS);
}

static void when_only_logged_or_off_they_work(void **state) {
    (void)state;
    assert_int_equal(behind(SANDBOX_LOG, opens_a_door), WORKED);
    assert_int_equal(behind(SANDBOX_OFF, opens_a_door), WORKED);
    assert_int_equal(behind(SANDBOX_OFF, starts_a_program), WORKED);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_server_does_works),
        cmocka_unit_test(an_intruders_calls_end_the_process),
        cmocka_unit_test(other_calls_do_not_exist),
        cmocka_unit_test(when_only_logged_or_off_they_work),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
