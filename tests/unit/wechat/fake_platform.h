#ifndef GULOU_TESTS_UNIT_WECHAT_FAKE_PLATFORM_H
#define GULOU_TESTS_UNIT_WECHAT_FAKE_PLATFORM_H

/* The platform's side of HTTP, in the test's own loop: answers byte for byte what a test orders for
 * a path, and remembers what it was asked. What nothing was ordered for is answered ok.
 *
 * Include after cmocka.h. Everything fits fixed arrays, because a test is short. */

#include <arpa/inet.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define FAKE_ANSWERS_MAX 64
#define FAKE_REQUESTS_MAX 256
#define FAKE_TEXT_MAX 4096

enum fake_end { FAKE_KEEP, FAKE_CLOSE, FAKE_HANG /* not one byte of answer */ };

struct fake_answer {
    const char *path;
    char bytes[FAKE_TEXT_MAX];
    size_t n;
    enum fake_end end;
    bool used;
};

struct fake_request {
    char head[FAKE_TEXT_MAX];
    char body[FAKE_TEXT_MAX]; /* its beginning, when it is longer */
    size_t body_n;
};

struct fake_platform {
    struct event_base *base;
    struct evconnlistener *listener;
    char address[64];
    int connections; /* ever accepted */
    int requests_n;
    struct fake_request requests[FAKE_REQUESTS_MAX];
    struct bufferevent *open[FAKE_REQUESTS_MAX];
    struct fake_answer answers[FAKE_ANSWERS_MAX];
    int answers_n;
};

/* ---- answering ---- */

static inline struct fake_answer *fake_next(struct fake_platform *fake, const char *head) {
    const char *path = strchr(head, ' ') + 1;
    size_t n = strcspn(path, " ?");
    for (int i = 0; i < fake->answers_n; i++) {
        struct fake_answer *answer = &fake->answers[i];
        if (!answer->used && strlen(answer->path) == n && strncmp(answer->path, path, n) == 0)
            return answer;
    }
    return NULL;
}

static inline void fake_forget(struct fake_platform *fake, struct bufferevent *connection) {
    for (int i = 0; i < FAKE_REQUESTS_MAX; i++)
        if (fake->open[i] == connection)
            fake->open[i] = NULL;
    bufferevent_free(connection);
}

static inline void fake_on_written(struct bufferevent *connection, void *arg) {
    fake_forget(arg, connection);
}

static inline void fake_on_event(struct bufferevent *connection, short what, void *arg) {
    (void)what;
    fake_forget(arg, connection);
}

static inline void fake_answer_one(struct fake_platform *fake, struct bufferevent *connection,
                                   const char *head) {
    static const char ok[] = "HTTP/1.1 200 OK\r\nContent-Length: 27\r\n\r\n"
                             "{\"errcode\":0,\"errmsg\":\"ok\"}";
    struct fake_answer *answer = fake_next(fake, head);
    if (!answer) {
        bufferevent_write(connection, ok, sizeof ok - 1);
        return;
    }
    answer->used = true;
    if (answer->end == FAKE_HANG)
        return;
    if (answer->end == FAKE_CLOSE) {
        bufferevent_setcb(connection, NULL, fake_on_written, fake_on_event, fake);
        bufferevent_disable(connection, EV_READ);
        if (answer->n == 0) {
            fake_forget(fake, connection);
            return;
        }
    }
    bufferevent_write(connection, answer->bytes, answer->n);
}

static inline void fake_on_read(struct bufferevent *connection, void *arg) {
    struct fake_platform *fake = arg;
    struct evbuffer *in = bufferevent_get_input(connection);
    struct evbuffer_ptr end = evbuffer_search(in, "\r\n\r\n", 4, NULL);
    if (end.pos < 0)
        return;
    assert_true(fake->requests_n < FAKE_REQUESTS_MAX);
    struct fake_request *request = &fake->requests[fake->requests_n];
    size_t head_n = (size_t)end.pos + 4;
    assert_true(head_n < sizeof request->head);
    evbuffer_copyout(in, request->head, head_n);
    request->head[head_n] = '\0';
    const char *length = strcasestr(request->head, "\r\nContent-Length:");
    size_t body_n = length ? strtoul(length + 17, NULL, 10) : 0;
    if (evbuffer_get_length(in) < head_n + body_n)
        return;
    fake->requests_n++;
    evbuffer_drain(in, head_n);
    size_t kept = body_n < sizeof request->body ? body_n : sizeof request->body - 1;
    evbuffer_remove(in, request->body, kept);
    evbuffer_drain(in, body_n - kept);
    request->body[kept] = '\0';
    request->body_n = body_n;
    fake_answer_one(fake, connection, request->head);
}

static inline void fake_on_accept(struct evconnlistener *listener, evutil_socket_t fd,
                                  struct sockaddr *address, int n, void *arg) {
    (void)listener;
    (void)address;
    (void)n;
    struct fake_platform *fake = arg;
    assert_true(fake->connections < FAKE_REQUESTS_MAX);
    struct bufferevent *connection = bufferevent_socket_new(fake->base, fd, BEV_OPT_CLOSE_ON_FREE);
    fake->open[fake->connections++] = connection;
    bufferevent_setcb(connection, fake_on_read, NULL, fake_on_event, fake);
    bufferevent_enable(connection, EV_READ | EV_WRITE);
}

/* ---- for tests ---- */

static inline void fake_start(struct fake_platform *fake, struct event_base *base) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof address;
    memset(fake, 0, sizeof *fake);
    fake->base = base;
    fake->listener = evconnlistener_new_bind(base, fake_on_accept, fake, LEV_OPT_CLOSE_ON_FREE, 16,
                                             (struct sockaddr *)(void *)&address, sizeof address);
    assert_non_null(fake->listener);
    getsockname(evconnlistener_get_fd(fake->listener), (struct sockaddr *)(void *)&address, &n);
    snprintf(fake->address, sizeof fake->address, "http://127.0.0.1:%d", ntohs(address.sin_port));
}

static inline void fake_stop(struct fake_platform *fake) {
    for (int i = 0; i < FAKE_REQUESTS_MAX; i++)
        if (fake->open[i])
            bufferevent_free(fake->open[i]);
    evconnlistener_free(fake->listener);
}

/* Orders the answer to the next request of a path, byte for byte. */
static inline void fake_bytes(struct fake_platform *fake, const char *path, const void *bytes,
                              size_t n, enum fake_end end) {
    assert_true(fake->answers_n < FAKE_ANSWERS_MAX && n <= FAKE_TEXT_MAX);
    struct fake_answer *answer = &fake->answers[fake->answers_n++];
    *answer = (struct fake_answer){.path = path, .n = n, .end = end};
    memcpy(answer->bytes, n > 0 ? bytes : "", n);
}

static inline void fake_json(struct fake_platform *fake, const char *path, const char *json) {
    char text[FAKE_TEXT_MAX];
    int n = snprintf(text, sizeof text,
                     "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %zu\r\n\r\n%s",
                     strlen(json), json);
    assert_true(n > 0 && (size_t)n < sizeof text);
    fake_bytes(fake, path, text, (size_t)n, FAKE_KEEP);
}

/* How often a path was asked for; NULL: anything. */
static inline int fake_asked(const struct fake_platform *fake, const char *path) {
    int n = 0;
    for (int i = 0; i < fake->requests_n; i++) {
        const char *asked = strchr(fake->requests[i].head, ' ') + 1;
        n +=
            !path || (strncmp(asked, path, strlen(path)) == 0 && strchr(" ?", asked[strlen(path)]));
    }
    return n;
}

static inline const struct fake_request *fake_last(const struct fake_platform *fake) {
    assert_true(fake->requests_n > 0);
    return &fake->requests[fake->requests_n - 1];
}

#endif
