#ifndef GULOU_HTTP_H
#define GULOU_HTTP_H

/* The HTTP server of one worker, in the worker's event loop. Nothing outside http.c names the
 * library behind it.
 *
 * Use:       http_new() with a listening socket of http_listen() and a handler; the handler calls
 *            http_reply() at once or later, exactly once.
 * Ownership: the exchange and all it holds live until the answer was sent or the connection ended;
 *            whoever waits for something sets http_on_end() to learn of it. http_on_end's function
 *            is called exactly once, also after http_reply(), and the exchange is gone when it
 *            returns.
 * Limits:    head and body sizes, connections, idle time, and one deadline for the whole request,
 *            however slowly its bytes drip (server/base/limits.h). A head that two servers could
 *            read differently is answered 400.
 * Thread:    the worker's; http_listen() anywhere. */

#include <stdbool.h>
#include <stddef.h>

#include "server/base/arena.h"
#include "server/base/str.h"

struct event_base;
struct http_server;
struct http_exchange;

enum http_method { HTTP_GET, HTTP_POST, HTTP_OTHER }; /* HEAD is a GET whose body is not sent */

/* What a path may cost; the defaults are HTTP_BODY_MAX_BYTES and HTTP_REQUEST_DEADLINE_MS. */
struct http_allowance {
    size_t body_bytes;
    int deadline_ms;
};

struct http_field {
    const char *name;
    const char *value;
};

struct http_options {
    struct event_base *base;
    int socket; /* stays the caller's */
    void (*on_request)(struct http_exchange *exchange, void *context);
    void *context;
    unsigned connections; /* at most so many; 0: HTTP_CONNECTIONS_MAX */
    /* NULL, or called with the head of every request, before its body is read. */
    void (*allow)(struct str path, struct http_allowance *allowance);
    /* NULL, or {name, value}… up to {NULL}: of every answer, where the handler says nothing else.
     */
    const struct http_field *fields;
};

/* A non-blocking listening socket; `shared`: with SO_REUSEPORT, so that every worker has its own of
 * one port, and so would another server by mistake. -1 with the cause in *error (to be free()d) and
 * in errno. */
int http_listen(const char *host, const char *port, bool shared, char **error);

struct http_server *http_new(const struct http_options *options);

/* No new connections; what runs goes on. */
void http_stop_accepting(struct http_server *server);

/* Exchanges not yet finished. */
size_t http_active(const struct http_server *server);

/* Cuts whatever is still open. */
void http_free(struct http_server *server);

/* ---- the request ---- */
struct arena *http_arena(struct http_exchange *exchange);
enum http_method http_method(const struct http_exchange *exchange);
struct str http_path(const struct http_exchange *exchange); /* decoded, without the query */
struct str http_body(const struct http_exchange *exchange);
/* Decoded; the empty view when absent. */
struct str http_query(const struct http_exchange *exchange, const char *name);

/* Several at once, which is cheaper; a value that is the empty view is set. */
struct http_parameter {
    struct str name;
    struct str *value;
};
void http_query_all(const struct http_exchange *exchange, const struct http_parameter *parameters,
                    size_t n);

struct str http_header(const struct http_exchange *exchange, const char *name);
/* All lines of that name as one list: "a,b". */
struct str http_header_list(struct http_exchange *exchange, const char *name);
struct str http_cookie(const struct http_exchange *exchange, const char *name);

/* The address at the other end of the connection as text: a proxy's, when there is one. */
const char *http_peer(struct http_exchange *exchange);

/* Percent-encoded, for a parameter of a URL. */
const char *http_escape(struct arena *arena, const char *text);

/* ---- the answer ---- */
/* Neither answered nor cut by the deadline. */
bool http_is_waiting(const struct http_exchange *exchange);

/* A header of the coming answer; `name` is kept, `value` is copied. At most HTTP_HEADERS_MAX. */
void http_set_header(struct http_exchange *exchange, const char *name, const char *value);

/* `body` is copied. */
void http_reply(struct http_exchange *exchange, int status, const char *content_type,
                struct str body);

/* The whole of an open file, however large; the descriptor is taken. */
void http_reply_file(struct http_exchange *exchange, const char *content_type, int fd);

void http_on_end(struct http_exchange *exchange, void (*on_end)(void *context), void *context);

#define HTTP_HEADERS_MAX 12

#endif
