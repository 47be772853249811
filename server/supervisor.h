#ifndef GULOU_SUPERVISOR_H
#define GULOU_SUPERVISOR_H

/* What the supervisor that started the server is told (systemd's Type=notify).
 *
 * It goes to the socket that the environment names (NOTIFY_SOCKET: a path, or @ and an abstract
 * name). Without one there is nobody to tell: that is no failure.
 * Thread:    any; also behind the filter of server/sandbox.h.
 * Failure:   false and why, to be free()d. */

#include <stdbool.h>

/* The server serves: whatever waits for that, such as the restart of the next instance, goes on. */
bool supervisor_ready(char **error);

#endif
