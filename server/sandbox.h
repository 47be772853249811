#ifndef GULOU_SANDBOX_H
#define GULOU_SANDBOX_H

/* What the running server may still ask of the kernel: a seccomp filter over every thread.
 *
 * Allowed is what sockets, files, memory, threads and time need, as found by running the whole of
 * it. No program can be started and no process be looked into, whatever a hostile picture or
 * workbook makes a library do: those calls end the process, or are only logged by the kernel.
 * Everything else that is not allowed is answered ENOSYS, as by an older kernel, so that a newer C
 * library finds its way.
 * Once:      after sockets and libraries are ready. It cannot be taken back; threads inherit it.
 * Failure:   false and why; nothing is filtered then. */

#include <stdbool.h>

enum sandbox_mode { SANDBOX_KILL, SANDBOX_LOG, SANDBOX_OFF }; /* as in the configuration */

bool sandbox_enter(enum sandbox_mode mode, char **error /* to be free()d */);

/* False in a build with sanitizers: what they do at the end is what the filter is against. */
bool sandbox_fits(void);

#endif
