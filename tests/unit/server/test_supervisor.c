/* The supervisor hears that the server serves, over the socket that it named. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "server/supervisor.h"

/* A socket as systemd has one; `name` as in NOTIFY_SOCKET. */
static int supervisor_at(const char *name) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    memcpy(address.sun_path, name, strlen(name));
    if (name[0] == '@')
        address.sun_path[0] = '\0';
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name));
    assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
    setenv("NOTIFY_SOCKET", name, 1);
    return fd;
}

static void assert_heard(int fd) {
    char heard[64] = "";
    char *error = NULL;
    assert_true(supervisor_ready(&error));
    assert_int_equal(recv(fd, heard, sizeof heard - 1, 0), strlen("READY=1"));
    assert_string_equal(heard, "READY=1");
    close(fd);
}

static void test_a_path(void **state) {
    (void)state;
    char name[64];
    snprintf(name, sizeof name, "/tmp/gulou-notify-%d", (int)getpid());
    int fd = supervisor_at(name);
    assert_heard(fd);
    unlink(name);
}

static void test_an_abstract_name(void **state) {
    (void)state;
    char name[64];
    snprintf(name, sizeof name, "@gulou-notify-%d", (int)getpid());
    assert_heard(supervisor_at(name));
}

static void test_nobody_waits(void **state) {
    (void)state;
    char *error = NULL;
    unsetenv("NOTIFY_SOCKET");
    assert_true(supervisor_ready(&error));
    setenv("NOTIFY_SOCKET", "", 1);
    assert_true(supervisor_ready(&error));
    assert_null(error);
}

static void assert_refused(const char *name, const char *why) {
    char *error = NULL;
    setenv("NOTIFY_SOCKET", name, 1);
    assert_false(supervisor_ready(&error));
    assert_non_null(strstr(error, name));
    assert_non_null(strstr(error, why));
    free(error);
}

static void test_nobody_is_there(void **state) {
    (void)state;
    char long_name[200];
    memset(long_name, 'x', sizeof long_name - 1);
    long_name[sizeof long_name - 1] = '\0';
    assert_refused("/nowhere/notify", "No such file");
    assert_refused(long_name, "too long");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_path),
        cmocka_unit_test(test_an_abstract_name),
        cmocka_unit_test(test_nobody_waits),
        cmocka_unit_test(test_nobody_is_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
