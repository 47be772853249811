#include "server/http.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <microhttpd.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/base/buf.h"
#include "server/base/limits.h"
#include "server/base/log.h"
#include "server/base/memory.h"

#define BODY_DISCARD_FACTOR 16 /* a body that is too large is read on politely up to here */
#define BACKLOG 4096

struct http_server {
    struct MHD_Daemon *daemon;
    struct event_base *base;
    struct event *readable; /* the library's own epoll descriptor, nested in the loop */
    struct event *timer;
    void (*on_request)(struct http_exchange *exchange, void *context);
    void (*allow)(struct str path, struct http_allowance *allowance);
    const struct http_field *fields;
    void *context;
    size_t active;
    size_t large; /* of all bodies that are not small */
    TAILQ_HEAD(, connection) connections;
};

/* What the library lacks: a limit for the whole request, not only for silence. */
struct connection {
    TAILQ_ENTRY(connection) link;
    struct http_server *server;
    struct MHD_Connection *mhd;
    struct event *deadline;
    struct http_exchange *exchange;
    int requests;
};

enum exchange_state {
    EXCHANGE_READING,
    EXCHANGE_HANDED_OUT, /* in the handler, or waiting for http_reply() */
    EXCHANGE_REPLIED,
    EXCHANGE_CUT, /* the deadline came first */
};

struct http_exchange {
    struct http_server *server;
    struct MHD_Connection *mhd;
    struct arena *arena;
    enum http_method method;
    enum exchange_state state;
    bool suspended;
    struct str path;
    struct buf body;
    size_t body_max;
    size_t body_said; /* its length as the head says; else the most that it may have */
    size_t large;     /* of it, in the server's sum */
    size_t discarded;
    int refused; /* a status decided before the handler */
    int status;
    const char *content_type;
    struct str answer;
    int file; /* the answer instead, -1: none */
    struct http_field headers[HTTP_HEADERS_MAX];
    size_t headers_n;
    void (*on_end)(void *context);
    void *on_end_context;
};

/* ---- the library's turn in the loop ---- */

static void run_soon(struct http_server *s) {
    event_active(s->readable, EV_READ, 0);
}

static void run(evutil_socket_t fd, short what, void *arg) {
    (void)fd;
    (void)what;
    struct http_server *s = arg;
    MHD_run(s->daemon);
    MHD_UNSIGNED_LONG_LONG ms;
    if (MHD_get_timeout(s->daemon, &ms) == MHD_YES) {
        if (ms > 1000)
            ms = 1000;
        /* One that stands already comes within a second, too. */
        if (ms == 1000 && evtimer_pending(s->timer, NULL))
            return;
        struct timeval wait = {(time_t)(ms / 1000), (suseconds_t)(ms % 1000 * 1000)};
        evtimer_add(s->timer, &wait);
    }
}

static void on_library_log(void *context, const char *format, va_list args) {
    (void)context;
    char line[256];
    vsnprintf(line, sizeof line, format, args);
    line[strcspn(line, "\n")] = '\0';
    log_warn("http_library", "text=\"%s\"", line);
}

/* ---- deadlines ---- */

static void cut(struct connection *c) {
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(c->mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
    if (info)
        shutdown(info->connect_fd, SHUT_RDWR);
    struct http_exchange *x = c->exchange;
    if (x && x->suspended) {
        /* The library does not look at a suspended connection, not even at its end. */
        x->state = EXCHANGE_CUT;
        x->suspended = false;
        MHD_resume_connection(x->mhd);
    }
    run_soon(c->server);
}

static void on_deadline(evutil_socket_t fd, short what, void *arg) {
    (void)fd;
    (void)what;
    cut(arg);
}

static void arm_deadline(struct connection *c, int ms) {
    struct timeval wait = {ms / 1000, ms % 1000 * 1000};
    evtimer_add(c->deadline, &wait);
}

static struct connection *connection_of(struct MHD_Connection *mhd) {
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info ? info->socket_context : NULL;
}

static void end_exchange(struct connection *c) {
    struct http_exchange *x = c->exchange;
    c->exchange = NULL;
    if (!x)
        return;
    c->server->active--;
    c->server->large -= x->large;
    if (x->file >= 0)
        close(x->file);
    if (x->on_end)
        x->on_end(x->on_end_context);
    arena_free(x->arena);
}

static void on_connection(void *arg, struct MHD_Connection *mhd, void **context,
                          enum MHD_ConnectionNotificationCode code) {
    struct http_server *s = arg;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        struct connection *c = memory_get_zeroed(sizeof *c);
        c->server = s;
        c->mhd = mhd;
        c->deadline = evtimer_new(s->base, on_deadline, c);
        TAILQ_INSERT_TAIL(&s->connections, c, link);
        arm_deadline(c, HTTP_REQUEST_DEADLINE_MS);
        *context = c;
        return;
    }
    struct connection *c = *context;
    *context = NULL;
    if (c) {
        end_exchange(c); /* its head never became complete, else it has ended before */
        TAILQ_REMOVE(&s->connections, c, link);
        event_free(c->deadline);
        memory_put(c);
    }
}

/* ---- one request ---- */

/* Called as soon as the request line is there, so a head that drips has its deadline too. */
static void *on_request_line(void *arg, const char *uri, struct MHD_Connection *mhd) {
    struct http_server *s = arg;
    struct connection *c = connection_of(mhd);
    if (!c)
        return NULL;
    end_exchange(c);
    struct arena *arena = arena_new();
    struct http_exchange *x = arena_alloc(arena, sizeof *x);
    x->arena = arena;
    x->server = s;
    x->mhd = mhd;
    x->file = -1;
    buf_init(&x->body, arena);
    /* Decoded, it would end the text for the one who reads up to it and not for the next. */
    if (strstr(uri, "%00"))
        x->refused = MHD_HTTP_BAD_REQUEST;
    c->exchange = x;
    s->active++;
    if (c->requests++ > 0)
        arm_deadline(c, HTTP_REQUEST_DEADLINE_MS);
    return x;
}

static void on_completed(void *arg, struct MHD_Connection *mhd, void **context,
                         enum MHD_RequestTerminationCode code) {
    (void)arg;
    (void)code;
    *context = NULL;
    struct connection *c = connection_of(mhd);
    if (c) {
        end_exchange(c);
        arm_deadline(c, HTTP_IDLE_SECONDS * 1000);
    }
}

struct head {
    const char *length; /* what Content-Length says, NULL: nothing */
    int hosts;
    int lengths;
    int encodings;
    bool bad;
};

#define IS(name, n, header) ((n) == strlen(header) && strcasecmp(name, header) == 0)

static enum MHD_Result on_head_field(void *arg, enum MHD_ValueKind kind, const char *name,
                                     size_t name_n, const char *value, size_t value_n) {
    (void)kind, (void)value_n;
    struct head *head = arg;
    /* "Content-Length : 3" is a length for some and an unknown field for others. */
    head->bad |= name_n == 0 || strpbrk(name, " \t\v\f\r\n");
    if (IS(name, name_n, MHD_HTTP_HEADER_HOST))
        head->hosts++;
    if (IS(name, name_n, MHD_HTTP_HEADER_CONTENT_LENGTH)) {
        head->lengths++;
        head->length = value;
        size_t digits = value ? strspn(value, "0123456789") : 0;
        head->bad |= digits == 0 || digits > 18 || value[digits] != '\0';
    }
    if (IS(name, name_n, MHD_HTTP_HEADER_TRANSFER_ENCODING)) {
        head->encodings++;
        head->bad |= !value || strcasecmp(value, "chunked") != 0;
    }
    return MHD_YES;
}

/* A head that a proxy before us may have read differently is a smuggled request. 0: fine. */
static int check_head(struct http_exchange *x) {
    struct head head = {0};
    if (x->refused)
        return x->refused;
    MHD_get_connection_values_n(x->mhd, MHD_HEADER_KIND, on_head_field, &head);
    if (head.bad || head.hosts > 1 || head.lengths > 1 || head.encodings > 1 ||
        (head.lengths && head.encodings))
        return MHD_HTTP_BAD_REQUEST;
    int64_t length;
    if (head.length &&
        (!str_to_i64(str_from(head.length), &length) || length > (int64_t)x->body_max))
        return MHD_HTTP_CONTENT_TOO_LARGE;
    x->body_said = head.length ? (size_t)length : x->body_max;
    return 0;
}

static void allow(struct http_exchange *x, struct connection *c) {
    struct http_allowance allowance = {HTTP_BODY_MAX_BYTES, HTTP_REQUEST_DEADLINE_MS};
    if (x->server->allow)
        x->server->allow(x->path, &allowance);
    x->body_max = allowance.body_bytes;
    if (c && allowance.deadline_ms != HTTP_REQUEST_DEADLINE_MS)
        arm_deadline(c, allowance.deadline_ms);
}

static struct MHD_Response *make_response(struct http_exchange *x) {
    struct stat file;
    if (x->file < 0) /* the exchange outlives the response's last byte */
        return MHD_create_response_from_buffer(x->answer.n, (void *)(uintptr_t)x->answer.p,
                                               MHD_RESPMEM_PERSISTENT);
    if (fstat(x->file, &file) < 0)
        return NULL;
    struct MHD_Response *response = MHD_create_response_from_fd64((uint64_t)file.st_size, x->file);
    if (response)
        x->file = -1; /* the response closes it */
    return response;
}

static bool has_header(const struct http_exchange *x, const char *name) {
    for (size_t i = 0; i < x->headers_n; i++)
        if (strcasecmp(x->headers[i].name, name) == 0)
            return true;
    return false;
}

static void add_headers(struct MHD_Response *response, const struct http_exchange *x) {
    for (size_t i = 0; i < x->headers_n; i++)
        MHD_add_response_header(response, x->headers[i].name, x->headers[i].value);
    for (const struct http_field *f = x->server->fields; f && f->name; f++)
        if (!has_header(x, f->name))
            MHD_add_response_header(response, f->name, f->value);
}

static enum MHD_Result send_answer(struct http_exchange *x, int status, bool close_after) {
    struct MHD_Response *response = make_response(x);
    if (!response)
        return MHD_NO;
    if (x->content_type)
        MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, x->content_type);
    add_headers(response, x);
    if (close_after)
        MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
    enum MHD_Result result = MHD_queue_response(x->mhd, (unsigned)status, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result refuse(struct http_exchange *x, int status) {
    x->answer = (struct str){"", 0};
    x->content_type = NULL;
    x->headers_n = 0;
    x->state = EXCHANGE_REPLIED;
    return send_answer(x, status, true);
}

/* Anybody may send a large body, and all of them together fill the memory. Room is made once for
 * all of it, because growing would keep what was outgrown. */
static bool make_room(struct http_exchange *x, size_t n) {
    if (x->body.n + n <= HTTP_SMALL_BODY_BYTES)
        return true;
    size_t more = x->large == 0 ? x->body.n + n : n;
    if (x->server->large + more > HTTP_LARGE_BODIES_BYTES ||
        (x->large == 0 && !buf_try_room(&x->body, x->body_said)))
        return false;
    x->large += more;
    x->server->large += more;
    return true;
}

static void take_body(struct http_exchange *x, const char *data, size_t n) {
    if (x->refused || x->body.n + n > x->body_max) {
        x->refused = x->refused ? x->refused : MHD_HTTP_CONTENT_TOO_LARGE;
        x->discarded += n;
        return;
    }
    if (!make_room(x, n) || !buf_try_add(&x->body, data, n)) {
        x->refused = MHD_HTTP_SERVICE_UNAVAILABLE;
        x->discarded += n;
    }
}

static enum MHD_Result hand_out(struct http_exchange *x) {
    x->state = EXCHANGE_HANDED_OUT;
    x->server->on_request(x, x->server->context);
    if (x->state == EXCHANGE_REPLIED)
        return send_answer(x, x->status, false);
    x->suspended = true;
    MHD_suspend_connection(x->mhd);
    return MHD_YES;
}

static enum MHD_Result on_access(void *arg, struct MHD_Connection *mhd, const char *url,
                                 const char *method, const char *version, const char *data,
                                 size_t *data_n, void **context) {
    (void)arg;
    (void)mhd;
    (void)version;
    struct http_exchange *x = *context;
    if (!x)
        return MHD_NO;
    if (!x->path.p) { /* the head is complete, the body not yet read */
        x->path = str_from(arena_strndup(x->arena, url, strlen(url)));
        x->method = strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0 ? HTTP_GET
                    : strcmp(method, "POST") == 0                             ? HTTP_POST
                                                                              : HTTP_OTHER;
        allow(x, connection_of(mhd));
        int status = check_head(x);
        return status ? refuse(x, status) : MHD_YES;
    }
    switch (x->state) {
    case EXCHANGE_READING:
        if (*data_n > 0) {
            take_body(x, data, *data_n);
            *data_n = 0;
            return x->discarded > BODY_DISCARD_FACTOR * x->body_max ? MHD_NO : MHD_YES;
        }
        return x->refused ? refuse(x, x->refused) : hand_out(x);
    case EXCHANGE_HANDED_OUT:
        return MHD_YES;
    case EXCHANGE_REPLIED:
        return send_answer(x, x->status, false);
    case EXCHANGE_CUT:
        return MHD_NO;
    }
    return MHD_NO;
}

/* ---- the server ---- */

/* The library's own takes a step for each byte, and hardly anything we are sent is escaped. */
static size_t unescape(void *context, struct MHD_Connection *mhd, char *text) {
    (void)context, (void)mhd;
    const char *escape = strchrnul(text, '%');
    return *escape ? MHD_http_unescape(text) : (size_t)(escape - text);
}

static int listen_on(const struct addrinfo *address, bool shared) {
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    int on = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (shared)
        setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
    if (bind(fd, address->ai_addr, address->ai_addrlen) < 0 || listen(fd, BACKLOG) < 0) {
        int cause = errno;
        close(fd);
        errno = cause;
        return -1;
    }
    return fd;
}

int http_listen(const char *host, const char *port, bool shared, char **error) {
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *list = NULL;
    int failure = getaddrinfo(*host ? host : NULL, port, &hints, &list);
    int fd = -1, why = 0;
    for (struct addrinfo *a = list; !failure && a && fd < 0; a = a->ai_next)
        fd = listen_on(a, shared);
    why = errno;
    if (fd < 0 && error) {
        const char *cause = failure ? gai_strerror(failure)
                            : why == EADDRINUSE
                                ? "another program has it; is a server running already?"
                                : strerror(why);
        if (asprintf(error, "cannot listen on %s:%s: %s", host, port, cause) < 0)
            abort();
    }
    if (list)
        freeaddrinfo(list);
    errno = why;
    return fd;
}

struct http_server *http_new(const struct http_options *options) {
    struct http_server *s = calloc(1, sizeof *s);
    int fd = fcntl(options->socket, F_DUPFD_CLOEXEC, 0);
    if (!s || fd < 0)
        abort();
    TAILQ_INIT(&s->connections);
    s->base = options->base;
    s->on_request = options->on_request;
    s->allow = options->allow;
    s->fields = options->fields;
    s->context = options->context;
    s->daemon = MHD_start_daemon(
        MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG, 0, NULL, NULL, on_access, s,
        MHD_OPTION_EXTERNAL_LOGGER, on_library_log, s, MHD_OPTION_LISTEN_SOCKET, fd,
        MHD_OPTION_URI_LOG_CALLBACK, on_request_line, s, MHD_OPTION_NOTIFY_COMPLETED, on_completed,
        s, MHD_OPTION_NOTIFY_CONNECTION, on_connection, s, MHD_OPTION_STRICT_FOR_CLIENT, 1,
        MHD_OPTION_UNESCAPE_CALLBACK, unescape, s, MHD_OPTION_CONNECTION_LIMIT,
        options->connections ? options->connections : HTTP_CONNECTIONS_MAX,
        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)HTTP_IDLE_SECONDS,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HTTP_CONNECTION_BYTES, MHD_OPTION_END);
    if (!s->daemon) {
        close(fd);
        free(s);
        return NULL;
    }
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(s->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    s->readable = event_new(s->base, info->epoll_fd, EV_READ | EV_PERSIST, run, s);
    s->timer = evtimer_new(s->base, run, s);
    event_add(s->readable, NULL);
    return s;
}

void http_stop_accepting(struct http_server *s) {
    int fd = MHD_quiesce_daemon(s->daemon);
    if (fd >= 0)
        close(fd);
    run_soon(s);
}

size_t http_active(const struct http_server *s) {
    return s->active;
}

void http_free(struct http_server *s) {
    if (!s)
        return;
    struct connection *c;
    TAILQ_FOREACH(c, &s->connections, link)
    cut(c); /* the library refuses to stop while one is suspended */
    MHD_run(s->daemon);
    event_free(s->readable);
    event_free(s->timer);
    MHD_stop_daemon(s->daemon);
    free(s);
}

/* ---- what handlers use ---- */

struct arena *http_arena(struct http_exchange *x) {
    return x->arena;
}

enum http_method http_method(const struct http_exchange *x) {
    return x->method;
}

struct str http_path(const struct http_exchange *x) {
    return x->path;
}

struct str http_body(const struct http_exchange *x) {
    return buf_view(&x->body);
}

struct str http_query(const struct http_exchange *x, const char *name) {
    return str_from(MHD_lookup_connection_value(x->mhd, MHD_GET_ARGUMENT_KIND, name));
}

struct wanted {
    const struct http_parameter *parameters;
    size_t n;
};

static enum MHD_Result on_parameter(void *arg, enum MHD_ValueKind kind, const char *name,
                                    size_t name_n, const char *value, size_t value_n) {
    const struct wanted *wanted = arg;
    (void)kind;
    for (size_t i = 0; value && i < wanted->n; i++) {
        const struct http_parameter *p = &wanted->parameters[i];
        if (p->name.n != name_n || strncasecmp(p->name.p, name, name_n) != 0)
            continue;
        if (!p->value->p) /* else it came before: the first one counts */
            *p->value = (struct str){value, value_n};
        break;
    }
    return MHD_YES;
}

void http_query_all(const struct http_exchange *x, const struct http_parameter *parameters,
                    size_t n) {
    MHD_get_connection_values_n(x->mhd, MHD_GET_ARGUMENT_KIND, on_parameter,
                                &(struct wanted){parameters, n});
}

struct str http_header(const struct http_exchange *x, const char *name) {
    return str_from(MHD_lookup_connection_value(x->mhd, MHD_HEADER_KIND, name));
}

struct lines {
    const char *name;
    struct buf list;
};

static enum MHD_Result add_line(void *context, enum MHD_ValueKind kind, const char *name,
                                const char *value) {
    struct lines *lines = context;
    (void)kind;
    if (strcasecmp(name, lines->name) == 0 && value)
        buf_printf(&lines->list, "%s%s", lines->list.n > 0 ? "," : "", value);
    return MHD_YES;
}

struct str http_header_list(struct http_exchange *x, const char *name) {
    struct lines lines = {.name = name};
    buf_init(&lines.list, x->arena);
    MHD_get_connection_values(x->mhd, MHD_HEADER_KIND, add_line, &lines);
    return buf_view(&lines.list);
}

struct str http_cookie(const struct http_exchange *x, const char *name) {
    return str_from(MHD_lookup_connection_value(x->mhd, MHD_COOKIE_KIND, name));
}

const char *http_peer(struct http_exchange *x) {
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(x->mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    char text[NI_MAXHOST] = "";
    if (info && info->client_addr)
        getnameinfo(info->client_addr,
                    info->client_addr->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6)
                                                             : sizeof(struct sockaddr_in),
                    text, sizeof text, NULL, 0, NI_NUMERICHOST);
    return arena_strndup(x->arena, text, strlen(text));
}

const char *http_escape(struct arena *arena, const char *text) {
    static const char plain[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    struct buf out;
    buf_init(&out, arena);
    for (; *text; text++)
        buf_printf(&out, strchr(plain, *text) ? "%c" : "%%%02X", (unsigned char)*text);
    return buf_view(&out).p;
}

void http_set_header(struct http_exchange *x, const char *name, const char *value) {
    if (x->headers_n == HTTP_HEADERS_MAX)
        abort();
    x->headers[x->headers_n].name = name;
    x->headers[x->headers_n++].value = arena_strndup(x->arena, value, strlen(value));
}

bool http_is_waiting(const struct http_exchange *x) {
    return x->state == EXCHANGE_HANDED_OUT;
}

/* False: cut by the deadline a moment ago. */
static bool begin_reply(struct http_exchange *x, int status, const char *content_type) {
    if (!http_is_waiting(x))
        return false;
    x->state = EXCHANGE_REPLIED;
    x->status = status;
    x->content_type = content_type;
    return true;
}

static void end_reply(struct http_exchange *x) {
    if (x->suspended) {
        x->suspended = false;
        MHD_resume_connection(x->mhd);
        run_soon(x->server);
    }
}

void http_reply(struct http_exchange *x, int status, const char *content_type, struct str body) {
    if (!begin_reply(x, status, content_type))
        return;
    x->answer = (struct str){arena_strndup(x->arena, body.p ? body.p : "", body.n), body.n};
    end_reply(x);
}

void http_reply_file(struct http_exchange *x, const char *content_type, int fd) {
    if (!begin_reply(x, MHD_HTTP_OK, content_type)) {
        close(fd);
        return;
    }
    x->file = fd;
    end_reply(x);
}

void http_on_end(struct http_exchange *x, void (*on_end)(void *context), void *context) {
    x->on_end = on_end;
    x->on_end_context = context;
}
