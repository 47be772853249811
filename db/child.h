#ifndef GULOU_DB_CHILD_H
#define GULOU_DB_CHILD_H

/* Other programs (pg_dump, pg_restore, age) as children of a command.
 *
 * Use:       child_start() with the two descriptors it reads from and writes to, child_wait().
 * Secrets:   `environment` is all that the child gets, beside PATH and a plain locale; a secret
 *            stands there or in a file, never among the arguments, which everybody can list.
 * Killed:    a child ends with us, however we end; a restore does not go on by itself.
 * Thread:    a command's only one, which forks.
 * Ownership: the descriptors stay the caller's; whoever feeds a pipe closes its own ends. Errors
 *            are to be free()d.
 * Failure:   false, and one line `NAME: what it said`. */

#include <stdbool.h>
#include <sys/types.h>

struct child {
    const char *name;
    pid_t pid;
    int said; /* its standard error, a file in memory */
};

/* argv[0] is looked for in PATH; both lists end with NULL, `environment` may be NULL. */
bool child_start(struct child *child, const char *const *argv, char *const *environment, int in,
                 int out, char **error);

/* True: it ended with exit code 0. Called once for each child that was started. */
bool child_wait(struct child *child, char **error);

#endif
