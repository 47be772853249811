/* For callgrind: one worker's HTTP server answers the pushes of a file (pushes.mjs) over one kept
 * connection, both ends in one thread, so that nothing depends on the clock. The first pushes warm
 * up; of the others the server's turns are counted, not what the client does. Without database and
 * Redis: whoever asks for them crashes.
 *
 *   bench_messages CONFIG PUSHES WARM COUNTED       prints "bytes in, bytes out" of the counted
 * ones */

#include <arpa/inet.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <valgrind/callgrind.h>

#include "db/pg.h"
#include "server/base/log.h"
#include "server/config.h"
#include "server/crowd.h"
#include "server/http.h"
#include "server/request.h"
#include "server/site.h"
#include "server/visitors.h"

#define ANSWER_MAX 65536

struct traffic {
    FILE *pushes;
    int client;
    size_t in, out;
};

static void fail(const char *what) {
    fprintf(stderr, "bench_messages: %s\n", what);
    exit(1);
}

static int connect_to(int listener) {
    struct sockaddr_in address;
    socklen_t n = sizeof address;
    getsockname(listener, (struct sockaddr *)&address, &n);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) != 0)
        fail("no connection");
    return fd;
}

/* One push there and its answer back. */
static void exchange(struct event_base *base, struct traffic *traffic) {
    static char push[ANSWER_MAX], answer[ANSWER_MAX];
    size_t n;
    if (fscanf(traffic->pushes, "%zu%*c", &n) != 1 || n > sizeof push ||
        fread(push, 1, n, traffic->pushes) != n)
        fail("the file of pushes ends too early");
    if (send(traffic->client, push, n, MSG_NOSIGNAL) != (ssize_t)n)
        fail("the server hung up");
    ssize_t got;
    while ((got = recv(traffic->client, answer, sizeof answer, MSG_DONTWAIT)) < 0) {
        CALLGRIND_TOGGLE_COLLECT;
        event_base_loop(base, EVLOOP_ONCE);
        CALLGRIND_TOGGLE_COLLECT;
    }
    if (got < 12 || strncmp(answer, "HTTP/1.1 200", 12) != 0 ||
        !memmem(answer, (size_t)got, "<Encrypt>", 9))
        fail("an answer is none");
    traffic->in += n;
    traffic->out += (size_t)got;
}

int main(int argc, char **argv) {
    char *error = NULL;
    if (argc != 5)
        fail("usage: bench_messages CONFIG PUSHES WARM COUNTED");
    struct config *config = config_load(argv[1], &error);
    struct services services = {
        .base = event_base_new(), .config = config, .visitors = visitors_new()};
    int listener = http_listen("127.0.0.1", "0", false, &error);
    if (!config || listener < 0)
        fail(error);
    log_init(config->log_level);
    services.pg = pg_new(services.base, config->postgres_url,
                         1); /* asked for nothing but whether it is crowded */
    services.crowd = crowd_new();
    struct http_server *server = http_new(&(struct http_options){.base = services.base,
                                                                 .socket = listener,
                                                                 .on_request = site_handle,
                                                                 .context = &services,
                                                                 .allow = site_allow});
    struct traffic traffic = {fopen(argv[2], "rb"), connect_to(listener), 0, 0};
    for (long i = strtol(argv[3], NULL, 10); i > 0; i--)
        exchange(services.base, &traffic);
    traffic.in = traffic.out = 0;
    CALLGRIND_START_INSTRUMENTATION;
    for (long i = strtol(argv[4], NULL, 10); i > 0; i--)
        exchange(services.base, &traffic);
    CALLGRIND_STOP_INSTRUMENTATION;
    printf("%zu %zu\n", traffic.in, traffic.out);
    close(traffic.client);
    http_free(server);
    pg_free(services.pg);
    crowd_free(services.crowd);
    return 0;
}
