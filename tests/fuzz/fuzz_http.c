/* Any bytes as what a client sends on a connection: heads, queries, cookies, chunks, several
 * requests in one go. Every request that reaches the handler bears being asked for all that ours
 * are asked for, and the connection ends when the client does. */

#include <event2/event.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/http.c"
#include "server/session.h"
#include "server/visitors.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define QUIET_TURNS 3
#define TURNS_MAX 1000

static struct http_server *server;
static struct services services;
static struct config config = {.public_url = "https://gulou.example", .trusted_proxy = "127.0.0.1"};
static struct account account = {.id = "demo"};

static void ask(struct http_exchange *x) {
    static const char *const names[] = {"signature", "timestamp", "nonce", "period", "after",
                                        "q",         "sort",      "token", "",       "code"};
    struct web *web = web_new(x, &services);
    web->account = &account;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct str value = http_query(x, names[i]);
        int64_t number;
        str_is_utf8(value);
        str_to_i64(value, &number);
        if (value.n > 0 && strlen(http_escape(http_arena(x), value.p)) < value.n)
            abort();
    }
    session_of(web);
    if (session_csrf_ok(web) && !session_is_there(web))
        abort();
    struct str who = visitors_who(x, &config);
    visitors_take(services.visitors, who, 1);
}

static void answer(struct http_exchange *x, void *context) {
    (void)context;
    if (!http_path(x).p || memchr(http_path(x).p, 0, http_path(x).n) ||
        http_body(x).n > HTTP_BODY_MAX_BYTES)
        abort();
    ask(x);
    http_reply(x, 200, "text/plain", http_body(x));
}

static void start(void) {
    char *error = NULL;
    log_init(LOG_LEVEL_ERROR);
    int fd = http_listen("127.0.0.1", "0", false, &error);
    services = (struct services){.base = event_base_new(), .config = &config};
    services.visitors = visitors_new();
    if (fd < 0 || !services.base)
        abort();
    server =
        http_new(&(struct http_options){.base = services.base, .socket = fd, .on_request = answer});
    if (!server)
        abort();
}

static bool drain(int fd) {
    char bytes[65536];
    bool some = false;
    while (recv(fd, bytes, sizeof bytes, MSG_DONTWAIT) > 0)
        some = true;
    return some;
}

static bool is_over(void) {
    return TAILQ_EMPTY(&server->connections);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const struct sockaddr_in peer = {.sin_family = AF_INET,
                                            .sin_addr.s_addr = 0x0100007f}; /* 127.0.0.1 */
    int ends[2];
    if (!server)
        start();
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) != 0 ||
        send(ends[0], data, size, MSG_DONTWAIT) != (ssize_t)size)
        abort();
    shutdown(ends[0], SHUT_WR);
    if (MHD_add_connection(server->daemon, ends[1], (const struct sockaddr *)(const void *)&peer,
                           sizeof peer) != MHD_YES)
        abort();
    /* A client that has left in the middle of a head is waited for until the deadline. */
    for (int quiet = 0; quiet < QUIET_TURNS && !is_over(); quiet++) {
        MHD_run(server->daemon);
        if (drain(ends[0]))
            quiet = 0;
    }
    if (!is_over())
        cut(TAILQ_FIRST(&server->connections));
    for (int turn = 0; turn < TURNS_MAX && !is_over(); turn++)
        MHD_run(server->daemon);
    close(ends[0]);
    if (!is_over() || http_active(server) != 0)
        abort();
    return 0;
}
