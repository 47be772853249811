/* An open load for measure H: pushes of a file (pushes.mjs) leave at fixed times, whether or not
 * the answers before them have come. A push without a free connection waits for one; its time runs
 * from the moment it was due, so a server that stalls is charged for everything that it held up.
 *
 *   bench_pace PORT PUSHES CONNECTIONS PER_SECOND SECONDS
 *
 * Prints {"sent","answered","p50","p99","max"}, times in ms. The first second is not counted. */

#include <arpa/inet.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <stdbool.h>
#include <sys/queue.h>

#include "pushes.h"

#define TICK_US 500

struct connection {
    SLIST_ENTRY(connection) link; /* while it is free */
    struct bufferevent *bev;
    double due;
};

static SLIST_HEAD(, connection) free_ones = SLIST_HEAD_INITIALIZER(free_ones);
static struct event_base *base;
static FILE *pushes;
static double started, per_second, seconds;
static long sent, answered, total, counted;
static double *times;

static size_t next_push(char *push) {
    size_t n = read_push(pushes, push);
    if (n == 0)
        fail("the file of pushes ends too early");
    return n;
}

static void send_due(void) {
    static char push[PUSH_MAX];
    double elapsed = now() - started;
    while (sent < total && (double)sent / per_second <= elapsed && !SLIST_EMPTY(&free_ones)) {
        struct connection *c = SLIST_FIRST(&free_ones);
        SLIST_REMOVE_HEAD(&free_ones, link);
        c->due = started + (double)sent++ / per_second;
        bufferevent_write(c->bev, push, next_push(push));
    }
}

static void on_tick(evutil_socket_t fd, short what, void *context) {
    (void)fd;
    (void)what;
    (void)context;
    send_due();
}

/* Whether a whole answer has come; it is taken. */
static bool take_answer(struct evbuffer *in) {
    size_t have = evbuffer_get_length(in);
    size_t whole = answer_length((char *)evbuffer_pullup(in, -1), have);
    return whole > 0 && whole <= have && evbuffer_drain(in, whole) == 0;
}

static void on_read(struct bufferevent *bev, void *context) {
    struct connection *c = context;
    if (!take_answer(bufferevent_get_input(bev)))
        return;
    double took = now() - c->due;
    if (c->due >= started + 1)
        times[counted++] = took * 1e3;
    SLIST_INSERT_HEAD(&free_ones, c, link);
    if (++answered == total)
        event_base_loopbreak(base);
    send_due();
}

static void on_event(struct bufferevent *bev, short what, void *context) {
    (void)bev;
    (void)context;
    if (what & (BEV_EVENT_ERROR | BEV_EVENT_EOF))
        fail("the server hung up");
}

static void connect_one(in_port_t port) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    struct connection *c = calloc(1, sizeof *c);
    c->bev = bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);
    bufferevent_setcb(c->bev, on_read, NULL, on_event, c);
    bufferevent_enable(c->bev, EV_READ | EV_WRITE);
    if (bufferevent_socket_connect(c->bev, (struct sockaddr *)&to, sizeof to) < 0)
        fail("no connection");
    SLIST_INSERT_HEAD(&free_ones, c, link);
}

static int ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

int main(int argc, char **argv) {
    if (argc != 6)
        fail("usage: bench_pace PORT PUSHES CONNECTIONS PER_SECOND SECONDS");
    pushes = open_pushes(argv[2]);
    base = event_base_new();
    for (long i = strtol(argv[3], NULL, 10); i > 0; i--)
        connect_one((in_port_t)strtol(argv[1], NULL, 10));
    per_second = strtod(argv[4], NULL);
    seconds = strtod(argv[5], NULL) + 1;
    total = (long)(per_second * seconds);
    times = calloc((size_t)total + 1, sizeof *times);
    struct event *tick = event_new(base, -1, EV_PERSIST, on_tick, NULL);
    event_add(tick, &(struct timeval){.tv_usec = TICK_US});
    started = now();
    event_base_dispatch(base);
    qsort(times, (size_t)counted, sizeof *times, ascending);
    printf("{\"sent\":%ld,\"answered\":%ld,\"p50\":%.3f,\"p99\":%.3f,\"max\":%.3f}\n", sent,
           answered, times[counted / 2], times[counted * 99 / 100], times[counted - 1]);
    return 0;
}
