#include "db/redis.h"

#include <assert.h>
#include <event2/event.h>
#include <event2/http.h>
#include <hiredis/async.h>
#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "server/base/limits.h"
#include "server/base/log.h"
#include "server/base/memory.h"
#include "server/base/metrics.h"

/* It believes in malloc(). */
#define malloc memory_get
#define free memory_put
#include <hiredis/adapters/libevent.h>
#undef malloc
#undef free

#define TICK_MS 50
#define CONNECT_MS 1000
#define PROBE_MS 5000 /* between two looks whether it writes */
#define PROBE_KEY "gulou:alive"
#define PROBE_LIFE_SECONDS 10
#define PORT_DEFAULT 6379

enum state { DOWN, CONNECTING, UP };

/* A call under way, or one that is to be told on the next turn that Redis is away. It outlives a
 * cancelled call, because hiredis still owes a reply. */
struct redis_flight {
    TAILQ_ENTRY(redis_flight) link;
    struct redis *redis;
    struct redis_call *call; /* NULL: cancelled, or nobody asked */
    int64_t started;
};

TAILQ_HEAD(flights, redis_flight);

struct redis {
    struct event_base *base;
    struct event *tick;
    struct event *next_turn;
    redisAsyncContext *context;
    enum state state;
    struct log_told told; /* in this outage */
    char *refuses;        /* to write, and why; NULL: it writes */
    char away_because[96];
    struct redis_call probe;
    int64_t probed;
    unsigned connections;
    int64_t since;
    int64_t ticked;

    struct flights sent; /* oldest first: replies come in order */
    struct flights away; /* for the next turn */
    size_t count;        /* in both lists */

    /* from the url */
    char *path; /* of a socket, else NULL */
    char *host;
    int port;
    char *password;
    int database;
};

static int64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static char *copy(const char *text) {
    char *result = text ? strdup(text) : NULL;
    if (text && !result)
        abort();
    return result;
}

/* ---- a Redis that answers and does not write ---- */

/* Its memory is full, it has become a replica, it cannot save: nothing that we keep gets there,
 * although it answers. Other errors are the command's own. */
static bool is_about_writing(const char *error) {
    static const char *const about[] = {"OOM ", "READONLY ", "MISCONF ", "NOREPLICAS ", "NOPERM "};
    for (size_t i = 0; i < sizeof about / sizeof *about; i++) {
        if (strncmp(error, about[i], strlen(about[i])) == 0)
            return true;
    }
    return false;
}

static void note_writing(struct redis *redis, const char *error) {
    if (error && !redis->refuses)
        log_error("redis_writes_nothing", "message=\"%.*s\"", (int)strcspn(error, "\r\n"), error);
    else if (!error && redis->refuses)
        log_info("redis_writes", "database=%d", redis->database);
    free(redis->refuses);
    redis->refuses = error ? strndup(error, strcspn(error, "\r\n")) : NULL;
}

/* ---- flights ---- */

static void land(struct flights *from, struct redis_flight *flight, enum redis_status status,
                 const struct redis_value *value) {
    struct redis_call *call = flight->call;
    TAILQ_REMOVE(from, flight, link);
    flight->redis->count--;
    memory_put(flight);
    if (!call)
        return;
    call->flight = NULL;
    call->on_done(call, status, value);
}

/* reply is NULL when the connection ends. */
static void on_reply(redisAsyncContext *context, void *reply_, void *flight_) {
    (void)context;
    const redisReply *reply = reply_;
    struct redis_flight *flight = flight_;
    struct redis *redis = flight->redis;
    if (!reply) {
        metric_add(METRIC_REDIS_FAULTS, 1);
        land(&redis->sent, flight, REDIS_AWAY, NULL);
    } else if (reply->type == REDIS_REPLY_ERROR) {
        metric_add(METRIC_REDIS_FAULTS, 1);
        if (is_about_writing(reply->str))
            note_writing(redis, reply->str);
        else
            log_error("redis_refused", "message=\"%.*s\"", (int)strcspn(reply->str, "\r\n"),
                      reply->str);
        land(&redis->sent, flight, REDIS_REFUSED, NULL);
    } else {
        land(&redis->sent, flight, REDIS_ANSWERED, (const struct redis_value *)reply);
    }
}

static void on_next_turn(evutil_socket_t fd, short what, void *redis_) {
    (void)fd;
    (void)what;
    struct redis *redis = redis_;
    /* What on_done starts again belongs to the turn after this one. */
    struct redis_flight *last = TAILQ_LAST(&redis->away, flights);
    for (struct redis_flight *flight; (flight = TAILQ_FIRST(&redis->away));) {
        bool end = flight == last;
        land(&redis->away, flight, REDIS_AWAY, NULL);
        if (end)
            break;
    }
}

static struct redis_flight *take_off(struct redis *redis, struct redis_call *call) {
    struct redis_flight *flight = memory_get(sizeof *flight);
    *flight = (struct redis_flight){.redis = redis, .call = call, .started = now_ms()};
    if (call)
        call->flight = flight;
    redis->count++;
    return flight;
}

static void refuse(struct redis *redis, struct redis_flight *flight) {
    TAILQ_INSERT_TAIL(&redis->away, flight, link);
    event_add(redis->next_turn, &(struct timeval){0});
}

void redis_refuse(struct redis *redis, struct redis_call *call) {
    refuse(redis, take_off(redis, call));
}

void redis_command(struct redis *redis, struct redis_call *call, size_t n,
                   const struct str *words) {
    assert(n > 0 && n <= REDIS_WORDS_MAX);
    const char *argv[REDIS_WORDS_MAX];
    size_t lengths[REDIS_WORDS_MAX];
    for (size_t i = 0; i < n; i++) {
        argv[i] = words[i].p;
        lengths[i] = words[i].n;
    }
    struct redis_flight *flight = take_off(redis, call);
    metric_add(METRIC_REDIS_COMMANDS, 1);
    bool sent =
        redis->state == UP && redis->count <= REDIS_CALLS_MAX &&
        redisAsyncCommandArgv(redis->context, on_reply, flight, (int)n, argv, lengths) == REDIS_OK;
    if (sent)
        TAILQ_INSERT_TAIL(&redis->sent, flight, link);
    else
        refuse(redis, flight);
}

void redis_cancel(struct redis *redis, struct redis_call *call) {
    (void)redis;
    if (call->flight)
        call->flight->call = NULL;
    call->flight = NULL;
}

/* ---- the look ---- */

static void on_probed(struct redis_call *call, enum redis_status status,
                      const struct redis_value *value) {
    struct redis *redis = (struct redis *)(void *)((char *)call - offsetof(struct redis, probe));
    (void)value;
    if (status == REDIS_ANSWERED)
        note_writing(redis, NULL);
}

static void probe(struct redis *redis, int64_t now) {
    redis->probed = now;
    redis->probe.on_done = on_probed;
    redis_set(redis, &redis->probe, PROBE_KEY, STR("1"), PROBE_LIFE_SECONDS);
}

/* ---- the connection ---- */

/* hiredis frees the context itself after this has been called. */
static void went_down(struct redis *redis, const char *why) {
    if (redis->state == UP)
        redis->told = (struct log_told){0};
    if (log_is_news(&redis->told, str_from(why ? why : "")))
        log_warn("redis_away", "message=\"%s\"", why ? why : "");
    snprintf(redis->away_because, sizeof redis->away_because, "%s", why ? why : "");
    redis->context = NULL;
    redis->state = DOWN;
    redis->since = now_ms();
}

static void hang_up(struct redis *redis, const char *why) {
    redisAsyncContext *context = redis->context;
    went_down(redis, why);
    context->data = NULL; /* its callbacks need not tell us */
    redisAsyncFree(context);
}

static void on_connect(const redisAsyncContext *context, int status) {
    struct redis *redis = context->data;
    if (redis && status != REDIS_OK)
        went_down(redis, context->errstr);
}

static void on_disconnect(const redisAsyncContext *context, int status) {
    struct redis *redis = context->data;
    if (redis)
        went_down(redis, status == REDIS_OK ? "closed" : context->errstr);
}

/* AUTH, SELECT, and a first write: only a refusal matters. */
static void on_introduced(redisAsyncContext *context, void *reply_, void *last) {
    const redisReply *reply = reply_;
    struct redis *redis = context->data;
    if (!redis || !reply)
        return; /* ended; on_connect or on_disconnect says so */
    bool refused = reply->type == REDIS_REPLY_ERROR;
    if (refused && !(last && is_about_writing(reply->str))) {
        hang_up(redis, reply->str);
    } else if (last) {
        note_writing(redis, refused ? reply->str : NULL);
        redis->state = UP;
        redis->probed = now_ms();
        redis->connections++;
        redis->since = now_ms();
        log_info("redis_up", "database=%d", redis->database);
    }
}

static void start_connecting(struct redis *redis) {
    redisAsyncContext *context = redis->path ? redisAsyncConnectUnix(redis->path)
                                             : redisAsyncConnect(redis->host, redis->port);
    if (!context) {
        went_down(redis, "no memory");
        return;
    }
    redis->context = context;
    redis->state = CONNECTING;
    redis->since = now_ms();
    context->data = redis;
    if (context->err) {
        hang_up(redis, context->errstr);
        return;
    }
    redisLibeventAttach(context, redis->base);
    redisAsyncSetConnectCallback(context, on_connect);
    redisAsyncSetDisconnectCallback(context, on_disconnect);
    if (redis->password)
        redisAsyncCommand(context, on_introduced, NULL, "AUTH %s", redis->password);
    if (redis->database > 0)
        redisAsyncCommand(context, on_introduced, NULL, "SELECT %d", redis->database);
    redisAsyncCommand(context, on_introduced, redis, "SET %s 1 EX %d", PROBE_KEY,
                      PROBE_LIFE_SECONDS);
}

static void on_tick(evutil_socket_t fd, short what, void *redis_) {
    (void)fd;
    (void)what;
    struct redis *redis = redis_;
    int64_t now = now_ms();
    /* After a long turn of the loop the replies may lie unread in the socket: not Redis's fault. */
    bool punctual = now - redis->ticked < 3 * TICK_MS;
    redis->ticked = now;

    const struct redis_flight *oldest = TAILQ_FIRST(&redis->sent);
    if (redis->state == DOWN && now - redis->since >= REDIS_RECONNECT_MS)
        start_connecting(redis);
    else if (redis->state == CONNECTING && now - redis->since >= CONNECT_MS)
        hang_up(redis, "connecting takes too long");
    else if (punctual && redis->state == UP && oldest && now - oldest->started >= REDIS_COMMAND_MS)
        hang_up(redis, "no answer in time");
    else if (redis->state == UP && !redis->probe.flight && now - redis->probed >= PROBE_MS)
        probe(redis, now);
}

/* ---- life ---- */

static bool to_number(const char *text, int64_t least, int64_t most, int *out) {
    int64_t value = 0;
    if (!str_to_i64(str_from(text), &value) || value < least || value > most)
        return false;
    *out = (int)value;
    return true;
}

static bool read_unix(struct redis *redis, const struct evhttp_uri *uri) {
    const char *path = evhttp_uri_get_path(uri);
    const char *query = evhttp_uri_get_query(uri);
    if (!path || path[0] != '/' || !path[1])
        return false;
    redis->path = copy(path);
    if (!query || !*query)
        return true;
    return strncmp(query, "db=", 3) == 0 && to_number(query + 3, 0, 1000, &redis->database);
}

static bool read_tcp(struct redis *redis, const struct evhttp_uri *uri) {
    const char *host = evhttp_uri_get_host(uri);
    const char *user = evhttp_uri_get_userinfo(uri);
    const char *path = evhttp_uri_get_path(uri);
    int port = evhttp_uri_get_port(uri);
    if (!host || !*host)
        return false;
    redis->host = copy(host);
    redis->port = port > 0 ? port : PORT_DEFAULT;
    if (user) {
        const char *colon = strchr(user, ':');
        if (!colon || colon != user) /* a password alone, as redis://:password@ */
            return false;
        redis->password = evhttp_uridecode(colon + 1, 0, NULL);
    }
    return !path || !*path || strcmp(path, "/") == 0 ||
           to_number(path + 1, 0, 1000, &redis->database);
}

static bool read_url(struct redis *redis, const char *url) {
    if (!*url)
        return true;
    struct evhttp_uri *uri = evhttp_uri_parse(url);
    const char *scheme = uri ? evhttp_uri_get_scheme(uri) : NULL;
    bool good = false;
    if (scheme && strcmp(scheme, "unix") == 0)
        good = read_unix(redis, uri);
    else if (scheme && strcmp(scheme, "redis") == 0)
        good = read_tcp(redis, uri);
    if (uri)
        evhttp_uri_free(uri);
    return good;
}

static void forget_url(struct redis *redis) {
    free(redis->path);
    free(redis->host);
    free(redis->password);
    free(redis->refuses);
}

bool redis_url_is_good(const char *url) {
    struct redis nobody = {0};
    bool good = read_url(&nobody, url);
    forget_url(&nobody);
    return good;
}

struct redis *redis_new(struct event_base *base, const char *url) {
    struct redis *redis = calloc(1, sizeof *redis);
    if (!redis)
        abort();
    redis->base = base;
    TAILQ_INIT(&redis->sent);
    TAILQ_INIT(&redis->away);
    if (!read_url(redis, url)) {
        redis_free(redis);
        return NULL;
    }
    redis->next_turn = event_new(base, -1, 0, on_next_turn, redis);
    redis->tick = event_new(base, -1, EV_PERSIST, on_tick, redis);
    if (!redis->next_turn || !redis->tick)
        abort();
    if (redis_wanted(redis)) {
        redis->ticked = now_ms();
        event_add(redis->tick, &(struct timeval){.tv_usec = TICK_MS * 1000});
        start_connecting(redis);
    }
    return redis;
}

static void forget(struct flights *list) {
    struct redis_flight *flight;
    TAILQ_FOREACH(flight, list, link) {
        if (flight->call)
            flight->call->flight = NULL;
        flight->call = NULL;
    }
}

void redis_free(struct redis *redis) {
    if (!redis)
        return;
    forget(&redis->sent);
    forget(&redis->away);
    if (redis->context) {
        redis->context->data = NULL;
        redisAsyncFree(redis->context); /* lands everything sent */
    }
    while (!TAILQ_EMPTY(&redis->away))
        land(&redis->away, TAILQ_FIRST(&redis->away), REDIS_AWAY, NULL);
    if (redis->tick)
        event_free(redis->tick);
    if (redis->next_turn)
        event_free(redis->next_turn);
    forget_url(redis);
    free(redis);
}

bool redis_ready(const struct redis *redis) {
    return redis->state == UP && !redis->refuses;
}

const char *redis_away_because(const struct redis *redis) {
    return redis->away_because;
}

const char *redis_refuses(const struct redis *redis) {
    return redis->state == UP ? redis->refuses : NULL;
}

unsigned redis_connections(const struct redis *redis) {
    return redis->connections;
}

bool redis_wanted(const struct redis *redis) {
    return redis->path || redis->host;
}

/* ---- commands ---- */

void redis_eval(struct redis *redis, struct redis_call *call, const char *script, size_t keys,
                size_t n, const struct str *words) {
    assert(keys <= n && n + 3 <= REDIS_WORDS_MAX);
    char count[24];
    snprintf(count, sizeof count, "%zu", keys);
    struct str all[REDIS_WORDS_MAX] = {STR("EVAL"), str_from(script), str_from(count)};
    memcpy(all + 3, words, n * sizeof *words);
    redis_command(redis, call, n + 3, all);
}

void redis_get(struct redis *redis, struct redis_call *call, const char *key) {
    redis_command(redis, call, 2, (const struct str[]){STR("GET"), str_from(key)});
}

void redis_set(struct redis *redis, struct redis_call *call, const char *key, struct str value,
               int life_seconds) {
    char life[16];
    snprintf(life, sizeof life, "%d", life_seconds);
    redis_command(
        redis, call, 5,
        (const struct str[]){STR("SET"), str_from(key), value, STR("EX"), str_from(life)});
}

/* ---- values: a redisReply under another name ---- */

static const redisReply *reply_of(const struct redis_value *value) {
    return (const redisReply *)value;
}

bool redis_value_is_nil(const struct redis_value *value) {
    return !value || reply_of(value)->type == REDIS_REPLY_NIL;
}

bool redis_value_integer(const struct redis_value *value, int64_t *out) {
    if (value && reply_of(value)->type == REDIS_REPLY_INTEGER) {
        *out = reply_of(value)->integer;
        return true;
    }
    return str_to_i64(redis_value_text(value), out);
}

struct str redis_value_text(const struct redis_value *value) {
    if (!value)
        return (struct str){"", 0};
    const redisReply *reply = reply_of(value);
    bool text = reply->type == REDIS_REPLY_STRING || reply->type == REDIS_REPLY_STATUS;
    return text ? (struct str){reply->str, reply->len} : (struct str){"", 0};
}

size_t redis_value_count(const struct redis_value *value) {
    return value && reply_of(value)->type == REDIS_REPLY_ARRAY ? reply_of(value)->elements : 0;
}

const struct redis_value *redis_value_at(const struct redis_value *value, size_t i) {
    if (i >= redis_value_count(value))
        return NULL;
    return (const struct redis_value *)reply_of(value)->element[i];
}
