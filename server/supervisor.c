#include "server/supervisor.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static bool fail(const char *name, int number, char **error) {
    if (asprintf(error, "NOTIFY_SOCKET=%s: %s", name, strerror(number)) < 0)
        abort();
    return false;
}

bool supervisor_ready(char **error) {
    static const char message[] = "READY=1";
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const char *name = getenv("NOTIFY_SOCKET");
    size_t length = name != NULL ? strlen(name) : 0;
    if (length == 0)
        return true;
    if (length >= sizeof address.sun_path)
        return fail(name, ENAMETOOLONG, error);
    memcpy(address.sun_path, name, length);
    if (name[0] == '@')
        address.sun_path[0] = '\0';
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
    bool told = fd >= 0 && sendto(fd, message, strlen(message), 0,
                                  (const struct sockaddr *)&address, size) >= 0;
    int number = errno;
    if (fd >= 0)
        close(fd);
    return told || fail(name, number, error);
}
