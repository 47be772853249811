#ifndef GULOU_TESTS_UNIT_SERVER_LOOPBACK_H
#define GULOU_TESTS_UNIT_SERVER_LOOPBACK_H

/* The HTTP server in its event loop and clients over real sockets. One thread runs both ends, so
 * every order of events is the test's; waiting ends with a failure after PATIENCE_MS. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/http.h"

#define INPUT_MAX (256 * 1024)
#define PATIENCE_MS 20000

static struct event_base *base;
static struct http_server *server;
static int listener;
static int port;

static inline void loopback_open(void (*on_request)(struct http_exchange *x, void *context),
                                 void *context) {
    struct sockaddr_in address;
    socklen_t n = sizeof address;
    base = event_base_new();
    listener = http_listen("127.0.0.1", "0", false, NULL);
    assert_true(listener >= 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &n), 0);
    port = ntohs(address.sin_port);
    server = http_new(&(struct http_options){
        .base = base, .socket = listener, .on_request = on_request, .context = context});
    assert_non_null(server);
}

static inline void loopback_close(void) {
    http_free(server);
    close(listener);
    event_base_free(base);
}

struct client {
    int fd;
    bool closed; /* by the server */
    size_t n;
    char in[INPUT_MAX];
};

static inline void turn(void) {
    event_base_loopexit(base, &(struct timeval){.tv_usec = 1000});
    event_base_dispatch(base);
}

static inline struct client *client_open(void) {
    struct client *c = calloc(1, sizeof *c);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(c->fd, (struct sockaddr *)&address, sizeof address), 0);
    fcntl(c->fd, F_SETFL, O_NONBLOCK);
    return c;
}

static inline void client_close(struct client *c) {
    close(c->fd);
    free(c);
}

static inline void client_read(struct client *c) {
    while (!c->closed) {
        assert_true(c->n < sizeof c->in - 1);
        ssize_t got = recv(c->fd, c->in + c->n, sizeof c->in - 1 - c->n, 0);
        if (got > 0)
            c->n += (size_t)got;
        else if (got < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        else
            c->closed = true;
    }
}

/* Sends all of it; stops early when the server has hung up. */
static inline void client_send(struct client *c, const char *bytes, size_t n) {
    for (int ms = 0; n > 0 && !c->closed && ms < PATIENCE_MS; ms++) {
        ssize_t sent = send(c->fd, bytes, n, MSG_NOSIGNAL);
        if (sent > 0) {
            bytes += sent;
            n -= (size_t)sent;
        } else if (errno != EAGAIN) {
            return;
        }
        turn();
        client_read(c);
    }
}

static inline void client_say(struct client *c, const char *text) {
    client_send(c, text, strlen(text));
}

/* How many whole answers have come; heads alone when `no_bodies`. */
static inline int answers_in(const struct client *c, bool no_bodies) {
    int n = 0;
    const char *at = c->in, *end;
    while ((end = strstr(at, "\r\n\r\n")) != NULL) {
        const char *length = strcasestr(at, "\r\nContent-Length:");
        size_t body = length && length < end ? strtoul(length + 17, NULL, 10) : 0;
        at = end + 4 + (no_bodies ? 0 : body);
        if (at > c->in + c->n)
            break;
        n++;
    }
    return n;
}

static inline void wait_answers(struct client *c, int n, bool no_bodies) {
    for (int ms = 0; answers_in(c, no_bodies) < n; ms++) {
        if (c->closed || ms > PATIENCE_MS)
            fail_msg("%d answers, not %d: %s", answers_in(c, no_bodies), n, c->in);
        turn();
        client_read(c);
    }
}

static inline void wait_closed(struct client *c) {
    for (int ms = 0; !c->closed; ms++) {
        if (ms > PATIENCE_MS)
            fail_msg("the server did not hang up: %s", c->in);
        turn();
        client_read(c);
    }
}

static inline void wait_until(const int *count, int n) {
    for (int ms = 0; *count < n; ms++) {
        if (ms > PATIENCE_MS)
            fail_msg("%d, not %d", *count, n);
        turn();
    }
}

static inline int status_of(const struct client *c) {
    return c->n > 12 && strncmp(c->in, "HTTP/1.", 7) == 0 ? atoi(c->in + 9) : 0;
}

static inline void assert_answer(const struct client *c, int status, const char *contains) {
    if (status_of(c) != status || !strstr(c->in, contains))
        fail_msg("not %d with %s: %s", status, contains, c->in);
}

#endif
