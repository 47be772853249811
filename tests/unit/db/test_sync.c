/* The sessions of commands. */

#include "tests/unit/db/database.h"

#include <signal.h>
#include <sys/wait.h>

#define STATEMENT "select pg_sleep(3600) as of_a_command_that_dies"

static bool runs(void) {
    char *n = value_of(database_url, "select count(*) from pg_stat_activity where state = 'active'"
                                     " and query = '" STATEMENT "'");
    bool some = strcmp(n, "0") != 0;
    free(n);
    return some;
}

static void wait_until_it(bool is_running) {
    for (int i = 0; runs() != is_running; i++) {
        if (i > 600)
            fail_msg("the statement %s", is_running ? "never began" : "goes on for ever");
        usleep(50000);
    }
}

/* It would hold its locks, and the servers would wait for them. */
static void what_a_killed_command_asked_ends_too(void **state) {
    (void)state;
    pid_t command = fork();
    if (command == 0) {
        struct sync *sync = sync_open(database_url, NULL);
        sync_exec(sync, STATEMENT, NULL);
        _exit(0);
    }
    wait_until_it(true);
    kill(command, SIGKILL);
    waitpid(command, NULL, 0);
    wait_until_it(false);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_killed_command_asked_ends_too),
    };
    return cmocka_run_group_tests(tests, database_create, database_drop);
}
