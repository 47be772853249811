#include "db/pg_connection.h"

#include <assert.h>
#include <event2/event.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "db/pg_hosts.h"
#include "server/base/buf.h"
#include "server/base/limits.h"
#include "server/base/log.h"
#include "server/base/metrics.h"
#include "server/base/now.h"

#define STATEMENTS_MAX 128 /* functions this program knows */
/* No receipt, prepare, call and Sync for each, and a heartbeat's Sync. */
#define EXPECTS_MAX (4 * PG_GROUP_MAX + 1)
#define FLIGHT_NONE SIZE_MAX
#define HEARTBEAT_MS 2000        /* of an idle connection */
#define HEARTBEAT_ANSWER_MS 2000 /* then it is not ready */

enum state { DOWN, CONNECTING, SETTING_UP, UP };

/* What the next result on the wire belongs to. */
enum expect_kind { EXPECT_SETUP, EXPECT_PREPARE, EXPECT_CALL, EXPECT_SYNC };

struct expect {
    enum expect_kind kind;
    size_t flight; /* PREPARE, CALL: its index; SYNC: one past the last of its transaction */
};

struct statement {
    const char *function;
    const char *around;
    int around_n;
    int around_shares;
    int n;
    bool together;
    int generation; /* part of the name: a stale one is replaced by a new name */
    bool prepared;
};

struct pg_connection {
    struct event_base *base;
    char *url;
    int number;
    struct pg_connection_hooks hooks;

    PGconn *conn;
    struct event *readable;
    struct event *writable;
    enum state state;
    int64_t since;        /* when this state, or the present work, began */
    int64_t heard;        /* last bytes from the server */
    int64_t borne;        /* since when its silence is known to be well */
    struct log_told told; /* in this outage */
    unsigned turn;        /* of the hosts: with which to begin */
    int hosts;
    bool read_only; /* this server has become a standby, or was closed to writing */

    struct statement statements[STATEMENTS_MAX];
    int statement_count;

    struct pg_flight flights[PG_GROUP_MAX];
    size_t flight_count;
    struct expect expects[EXPECTS_MAX];
    size_t expect_count, expect_at;
    bool expect_result_seen; /* the NULL that ends this result is due */

    size_t transaction_start; /* first flight of the transaction being read */
    bool transaction_failed;
    size_t culprit;     /* the flight whose error it was, FLIGHT_NONE at a commit */
    bool failed_inside; /* in a function's body, not in our own statement */
    bool send_failed;
    char sqlstate[6];
    char message[160];
};

/* The role comes last: only the login role may shorten deadlock_timeout. */
static const char setup_sql[] =
    "select case when has_parameter_privilege('deadlock_timeout', 'SET')"
    " then set_config('deadlock_timeout', '100ms', false) end,"
    " set_config('statement_timeout', $1, false), set_config('jit', 'off', false),"
    " set_config('lock_timeout', $2, false),"
    " set_config('idle_in_transaction_session_timeout', $1, false),"
    " set_config('timezone', 'Asia/Shanghai', false), set_config('role', 'gulou_app', false)";

static void set_state(struct pg_connection *c, enum state state) {
    if (c->state == UP)
        metric_subtract(METRIC_PG_CONNECTED, 1);
    if (state == UP)
        metric_add(METRIC_PG_CONNECTED, 1);
    c->state = state;
    c->since = now_ms();
}

static void drop_events(struct pg_connection *c) {
    if (c->readable)
        event_free(c->readable);
    if (c->writable)
        event_free(c->writable);
    c->readable = c->writable = NULL;
}

/* ---- losing a connection ---- */

static void forget_results(struct pg_connection *c) {
    for (size_t i = 0; i < c->flight_count; i++) {
        PQclear(c->flights[i].result);
        c->flights[i].result = NULL;
    }
}

static void report(struct pg_flight *flight, struct pg_connection *c,
                   const struct pg_report *what) {
    struct pg_call *call = flight->call;
    if (!call)
        return; /* cancelled meanwhile */
    flight->call = NULL;
    call->flight = NULL;
    c->hooks.on_report(c->hooks.pool, call, what);
}

/* Passwords may stand in libpq's connection errors only as part of the url, which it never prints,
 * but its text has several lines; the first is enough. */
static void complain(struct pg_connection *c, const char *event) {
    const char *text = c->conn ? PQerrorMessage(c->conn) : "no memory";
    if (c->message[0])
        text = c->message;
    struct str line = {text, strcspn(text, "\n")};
    if (log_is_news(&c->told, line))
        log_warn(event, "connection=%d sqlstate=%s message=\"%.*s\"", c->number, c->sqlstate,
                 (int)line.n, line.p);
}

static void lose(struct pg_connection *c, const char *event) {
    if (c->state == UP)
        c->told = (struct log_told){0};
    complain(c, event);
    drop_events(c);
    PQfinish(c->conn);
    c->conn = NULL;
    set_state(c, DOWN);
    c->statement_count = 0;
    c->expect_count = c->expect_at = 0;
    c->expect_result_seen = false;

    struct pg_report lost = {.outcome = PG_OUTCOME_LOST,
                             .alone = c->flight_count == 1,
                             .sqlstate = c->sqlstate,
                             .message = "connection lost"};
    forget_results(c);
    size_t count = c->flight_count;
    for (size_t i = 0; i < count; i++)
        report(&c->flights[i], c, &lost);
    c->flight_count = 0;
    c->sqlstate[0] = c->message[0] = '\0';
    c->transaction_failed = c->send_failed = c->read_only = false;
}

/* ---- the end of a transaction ---- */

static bool is_stale_statement(const struct pg_connection *c, const struct pg_flight *flight) {
    if (strcmp(c->sqlstate, "26000") == 0)
        return true;
    bool signature = strcmp(c->sqlstate, "42883") == 0 || strcmp(c->sqlstate, "0A000") == 0;
    return signature && !flight->fresh && !c->failed_inside;
}

/* A statement outlives the transaction that prepared it, unless preparing it failed or was skipped.
 * One that no longer fits its function, which a migration has replaced, gets a new name. */
static bool renew_statements(struct pg_connection *c, size_t end) {
    bool stale = false;
    for (size_t i = c->transaction_start; i < end; i++) {
        struct pg_flight *flight = &c->flights[i];
        struct statement *statement = &c->statements[flight->statement];
        if (flight->shares == 0)
            continue;
        bool old = is_stale_statement(c, flight);
        stale = stale || old;
        if (flight->fresh || old) {
            statement->prepared = false;
            statement->generation++;
        }
    }
    return stale;
}

static void end_transaction(struct pg_connection *c, size_t end) {
    struct pg_report what = {
        .alone = end - c->transaction_start == 1, .sqlstate = c->sqlstate, .message = c->message};
    if (c->transaction_failed && c->culprit != FLIGHT_NONE && c->flights[c->culprit].shares == 1)
        what.culprit = c->flights[c->culprit].call;
    if (c->transaction_failed)
        what.outcome = renew_statements(c, end) ? PG_OUTCOME_REDO : PG_OUTCOME_ERROR;

    PGresult *result = NULL;
    for (size_t i = c->transaction_start; i < end; i++) {
        struct pg_flight *flight = &c->flights[i];
        if (flight->shares > 0) {
            PQclear(result);
            result = flight->result;
            flight->result = NULL;
        }
        if (!c->transaction_failed) {
            bool null = PQntuples(result) <= flight->row || PQgetisnull(result, flight->row, 0);
            what.json = null ? "null" : PQgetvalue(result, flight->row, 0);
            what.len = null ? 4 : (size_t)PQgetlength(result, flight->row, 0);
        }
        report(flight, c, &what);
    }
    PQclear(result);
    c->transaction_start = end;
    c->transaction_failed = false;
    c->sqlstate[0] = c->message[0] = '\0';
}

/* ---- reading ---- */

/* The primary text of class 22 quotes the value that did not fit, which may be a person's words. */
static void note_error(struct pg_connection *c, const PGresult *result) {
    if (c->transaction_failed)
        return; /* the first error is the cause */
    c->transaction_failed = true;
    const struct expect *expect = &c->expects[c->expect_at];
    c->culprit = expect->kind == EXPECT_CALL ? expect->flight : FLIGHT_NONE;
    c->failed_inside = PQresultErrorField(result, PG_DIAG_CONTEXT) != NULL;
    const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *text = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    snprintf(c->sqlstate, sizeof c->sqlstate, "%s", sqlstate ? sqlstate : "");
    c->read_only = c->read_only || strcmp(c->sqlstate, "25006") == 0;
    bool quotes = strncmp(c->sqlstate, "22", 2) == 0;
    snprintf(c->message, sizeof c->message, "%s", quotes || !text ? "" : text);
}

static void on_result(struct pg_connection *c, PGresult *result) {
    struct expect *expect = &c->expects[c->expect_at];
    ExecStatusType status = PQresultStatus(result);
    c->expect_result_seen = true;
    if (status == PGRES_FATAL_ERROR || status == PGRES_PIPELINE_ABORTED) {
        note_error(c, result);
    } else if (expect->kind == EXPECT_CALL && status == PGRES_TUPLES_OK) {
        c->flights[expect->flight].result = result;
        return;
    } else if (expect->kind == EXPECT_PREPARE && status == PGRES_COMMAND_OK) {
        c->flights[expect->flight].fresh = false;
    }
    PQclear(result);
}

static void on_sync(struct pg_connection *c) {
    struct expect expect = c->expects[c->expect_at++];
    c->expect_result_seen = false;
    if (c->state != SETTING_UP) {
        end_transaction(c, expect.flight);
        return;
    }
    if (c->transaction_failed) /* no such role yet, or not a member of it */
        return;
    set_state(c, UP);
    log_info("pg_up", "connection=%d host=%s", c->number, PQhost(c->conn) ? PQhost(c->conn) : "");
}

/* One turn of libpq's result machine; false when there is nothing more to read now. After the rows
 * of a statement comes one NULL, after a Sync none. */
static bool read_one(struct pg_connection *c) {
    if (c->expect_at == c->expect_count || PQisBusy(c->conn))
        return false;
    PGresult *result = PQgetResult(c->conn);
    if (!result) {
        if (!c->expect_result_seen)
            return false;
        c->expect_result_seen = false;
        if (c->expects[c->expect_at].kind !=
            EXPECT_SYNC) /* else a commit that failed: Sync follows */
            c->expect_at++;
        return true;
    }
    if (PQresultStatus(result) == PGRES_PIPELINE_SYNC) {
        PQclear(result);
        on_sync(c);
    } else {
        on_result(c, result);
    }
    return PQstatus(c->conn) == CONNECTION_OK;
}

static bool flush(struct pg_connection *c) {
    int left = PQflush(c->conn);
    if (left == 1)
        event_add(c->writable, NULL);
    return left >= 0;
}

static void on_readable(evutil_socket_t fd, short what, void *context) {
    (void)fd;
    (void)what;
    struct pg_connection *c = context;
    bool alive = PQconsumeInput(c->conn) && flush(c);
    c->heard = now_ms();
    while (read_one(c))
        ;
    /* A connection that ended may have left good answers in the buffer; they were read above. */
    if (!alive || PQstatus(c->conn) != CONNECTION_OK) {
        lose(c, "pg_lost");
    } else if (c->read_only) {
        c->turn++; /* somewhere there is one that writes */
        lose(c, "pg_read_only");
    } else if (c->expect_at == c->expect_count) {
        bool refused = c->state == SETTING_UP;
        c->expect_at = c->expect_count = c->flight_count = 0;
        if (refused)
            lose(c, "pg_setup_refused");
        else
            c->hooks.on_idle(c->hooks.pool);
    }
}

static void on_writable(evutil_socket_t fd, short what, void *context) {
    (void)fd;
    (void)what;
    struct pg_connection *c = context;
    if (c->send_failed || !flush(c))
        lose(c, "pg_lost");
}

/* ---- connecting ---- */

static void expect(struct pg_connection *c, enum expect_kind kind, size_t flight) {
    assert(c->expect_count < EXPECTS_MAX);
    c->expects[c->expect_count++] = (struct expect){.kind = kind, .flight = flight};
}

static bool set_up(struct pg_connection *c) {
    char timeout[16], lock_timeout[16];
    snprintf(timeout, sizeof timeout, "%d", PG_STATEMENT_TIMEOUT_MS);
    snprintf(lock_timeout, sizeof lock_timeout, "%d", PG_LOCK_TIMEOUT_MS);
    const char *values[] = {timeout, lock_timeout};
    drop_events(c);
    if (PQsetnonblocking(c->conn, 1) != 0 || !PQenterPipelineMode(c->conn) ||
        !PQsendQueryParams(c->conn, setup_sql, 2, NULL, values, NULL, NULL, 0) ||
        !PQpipelineSync(c->conn))
        return false;
    expect(c, EXPECT_SETUP, 0);
    expect(c, EXPECT_SYNC, 0);
    c->transaction_start = 0;
    set_state(c, SETTING_UP);
    c->heard = c->since;
    int fd = PQsocket(c->conn);
    c->readable = event_new(c->base, fd, EV_READ | EV_PERSIST, on_readable, c);
    c->writable = event_new(c->base, fd, EV_WRITE, on_writable, c);
    event_add(c->readable, NULL);
    return flush(c);
}

/* The socket may change with every step, when a name has several addresses, so each waits with an
 * event of its own. */
static void on_connecting(evutil_socket_t fd, short what, void *context) {
    (void)fd;
    (void)what;
    struct pg_connection *c = context;
    drop_events(c);
    PostgresPollingStatusType step = PQconnectPoll(c->conn);
    bool well = step != PGRES_POLLING_FAILED;
    if (step == PGRES_POLLING_OK) {
        well = set_up(c);
    } else if (well) {
        short direction = step == PGRES_POLLING_READING ? EV_READ : EV_WRITE;
        c->readable = event_new(c->base, PQsocket(c->conn), direction, on_connecting, c);
        event_add(c->readable, NULL);
    }
    if (!well)
        lose(c, "pg_connect_failed");
}

static void notice_to_log(void *context, const PGresult *result) {
    const struct pg_connection *c = context;
    const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    log_debug("pg_notice", "connection=%d sqlstate=%s", c->number, sqlstate ? sqlstate : "");
}

/* What stands before the url is a default, what stands behind it wins. */
static void start_connecting(struct pg_connection *c) {
    struct pg_hosts hosts;
    pg_hosts_turn(&hosts, c->url, c->turn);
    c->hosts = hosts.count;
    char patience[16];
    snprintf(patience, sizeof patience, "%d", PG_USER_TIMEOUT_MS);
    enum { OWN = 5 };
    const char *names[OWN + PG_HOST_KEYWORDS + 1] = {"fallback_application_name", "client_encoding",
                                                     "tcp_user_timeout", PG_HOSTS_TARGET, "dbname"};
    const char *values[OWN + PG_HOST_KEYWORDS + 1] = {"gulou", "UTF8", patience,
                                                      pg_hosts_target(c->url), c->url};
    for (int i = 0; i < hosts.n; i++) {
        names[OWN + i] = hosts.keywords[i];
        values[OWN + i] = hosts.values[i];
    }
    set_state(c, CONNECTING);
    c->conn = PQconnectStartParams(names, values, 1);
    if (!c->conn || PQstatus(c->conn) == CONNECTION_BAD) {
        lose(c, "pg_connect_failed");
        return;
    }
    PQsetNoticeReceiver(c->conn, notice_to_log, c);
    c->readable = event_new(c->base, PQsocket(c->conn), EV_WRITE, on_connecting, c);
    event_add(c->readable, NULL);
}

/* ---- sending ---- */

static bool same_name(const char *a, const char *b) {
    return a == b || (a && b && strcmp(a, b) == 0);
}

static int find_statement(struct pg_connection *c, const struct pg_call *call) {
    for (int i = 0; i < c->statement_count; i++) {
        const struct statement *s = &c->statements[i];
        if (s->n == call->n && same_name(s->function, call->function) &&
            same_name(s->around, call->around))
            return i;
    }
    assert(c->statement_count < STATEMENTS_MAX);
    c->statements[c->statement_count] =
        (struct statement){.function = call->function,
                           .around = call->around,
                           .around_n = call->around ? call->around_n : 0,
                           .around_shares = call->around ? call->around_shares : 0,
                           .n = call->n,
                           .together = call->together};
    return c->statement_count++;
}

static bool send_prepare(struct pg_connection *c, const struct statement *s, const char *name) {
    char sql[320 + 5 * PG_ARGUMENTS_MAX];
    size_t at = (size_t)snprintf(sql, sizeof sql, "select %s", s->together ? "unnest(" : "");
    if (s->around)
        at += (size_t)snprintf(sql + at, sizeof sql - at, "api.%.128s(", s->around);
    for (int i = 1; i <= s->around_n; i++)
        at += (size_t)snprintf(sql + at, sizeof sql - at, "$%d,", i);
    at += (size_t)snprintf(sql + at, sizeof sql - at, "api.%.128s(", s->function);
    const char *comma = "";
    for (int i = 1; i <= s->n; i++) {
        if (i > s->around_shares && i <= s->around_n)
            continue;
        at += (size_t)snprintf(sql + at, sizeof sql - at, "%s$%d", comma, i);
        comma = ",";
    }
    snprintf(sql + at, sizeof sql - at, ")%s%s", s->around ? ")" : "", s->together ? ")" : "");
    return PQsendPrepare(c->conn, name, sql, 0, NULL);
}

/* An array as PostgreSQL reads it: {"…","…",NULL}. */
static const char *array_of(struct arena *arena, const struct pg_flight *flights, size_t n,
                            int argument) {
    struct buf out;
    buf_init(&out, arena);
    for (size_t i = 0; i < n; i++) {
        const char *text = flights[i].call->args[argument];
        buf_puts(&out, i == 0 ? "{" : ",");
        if (!text) {
            buf_puts(&out, "NULL");
            continue;
        }
        buf_puts(&out, "\"");
        for (size_t run; *text; text += run) {
            run = strcspn(text, "\"\\");
            buf_add(&out, text, run);
            if (text[run] == '\0')
                break;
            buf_add(&out, "\\", 1);
            buf_add(&out, text + run++, 1);
        }
        buf_puts(&out, "\"");
    }
    buf_puts(&out, "}");
    return buf_view(&out).p;
}

static bool send_arguments(struct pg_connection *c, const struct pg_flight *first,
                           const char *name) {
    const struct pg_call *call = first->call;
    if (!call->together)
        return PQsendQueryPrepared(c->conn, name, call->n, call->args, NULL, NULL, 0);
    struct arena *arena = arena_new();
    const char *arrays[PG_ARGUMENTS_MAX];
    for (int i = 0; i < call->n; i++)
        arrays[i] = array_of(arena, first, first->shares, i);
    bool sent = PQsendQueryPrepared(c->conn, name, call->n, arrays, NULL, NULL, 0);
    arena_free(arena);
    return sent;
}

/* The statement of the flight at `at` and of those that share it. */
static bool send_statement(struct pg_connection *c, size_t at) {
    struct pg_flight *flight = &c->flights[at];
    struct statement *statement = &c->statements[flight->statement];
    char name[32];
    snprintf(name, sizeof name, "s%d_%d", flight->statement, statement->generation);
    if (!statement->prepared) {
        if (!send_prepare(c, statement, name))
            return false;
        expect(c, EXPECT_PREPARE, at);
        statement->prepared = true;
        flight->fresh = true;
    }
    if (!send_arguments(c, flight, name))
        return false;
    expect(c, EXPECT_CALL, at);
    return true;
}

static bool send_sync(struct pg_connection *c, size_t end) {
    expect(c, EXPECT_SYNC, end);
    metric_add(METRIC_PG_GROUPS, 1);
    return PQpipelineSync(c->conn);
}

/* Calls that share a statement become neighbours; else the order stays. */
static void board(struct pg_connection *c, struct pg_call *const *calls, size_t n, bool share) {
    int statements[PG_GROUP_MAX];
    bool boarded[PG_GROUP_MAX] = {false};
    c->flight_count = 0;
    for (size_t i = 0; i < n; i++)
        statements[i] = find_statement(c, calls[i]);
    for (size_t i = 0; i < n; i++) {
        struct pg_flight *first = &c->flights[c->flight_count];
        for (size_t j = i; j < n; j++) {
            if (boarded[j] || (j > i && statements[j] != statements[i]))
                continue;
            struct pg_flight *flight = &c->flights[c->flight_count++];
            *flight = (struct pg_flight){
                .call = calls[j], .statement = statements[j], .row = (int)(flight - first)};
            calls[j]->flight = flight;
            boarded[j] = true;
            first->shares++;
            if (!share || !calls[i]->together)
                break;
        }
    }
}

/* For the transaction that begins with it. */
static bool send_no_receipt(struct pg_connection *c) {
    static const char sql[] = "select set_config('synchronous_commit', 'local', true)";
    expect(c, EXPECT_SETUP, 0);
    return PQsendQueryParams(c->conn, sql, 0, NULL, NULL, NULL, NULL, 0);
}

/* A failure to send surfaces on the next turn: reports never come from inside the sending call. */
void pg_connection_send(struct pg_connection *c, struct pg_call *const *calls, size_t n,
                        struct pg_manner manner) {
    assert(pg_connection_is_idle(c) && n > 0 && n <= PG_GROUP_MAX);
    c->transaction_start = 0;
    c->since = c->heard = now_ms();
    board(c, calls, n, !manner.each_alone);
    bool sent = true, begins = true;
    for (size_t at = 0; sent && at < n; at += c->flights[at].shares) {
        size_t end = at + c->flights[at].shares;
        bool ends = manner.each_alone || end == n;
        sent = !(begins && manner.no_receipt) || send_no_receipt(c);
        sent = sent && send_statement(c, at) && (!ends || send_sync(c, end));
        begins = ends;
    }
    c->send_failed = !sent || !flush(c);
    if (c->send_failed)
        event_active(c->writable, EV_WRITE, 0);
}

/* ---- the passing of time ---- */

/* A connection without work says nothing when its server has vanished, so it is asked. */
static void heartbeat(struct pg_connection *c) {
    c->since = now_ms();
    expect(c, EXPECT_SYNC, 0);
    c->transaction_start = 0;
    if (!PQpipelineSync(c->conn) || !flush(c))
        lose(c, "pg_lost");
}

static int64_t silence_of(const struct pg_connection *c) {
    int64_t last = c->heard > c->since ? c->heard : c->since;
    return now_ms() - (last > c->borne ? last : c->borne);
}

void pg_connection_tick(struct pg_connection *c) {
    int64_t now = now_ms();
    switch (c->state) {
    case DOWN:
        if (now - c->since >= PG_RECONNECT_MS)
            start_connecting(c);
        break;
    case CONNECTING:
    case SETTING_UP:
        if (now - c->since <
            1000 * (c->hosts > 1 ? PG_CONNECT_SECONDS_OF_MANY : PG_CONNECT_SECONDS))
            break;
        c->turn++;
        lose(c, "pg_connect_timeout");
        break;
    case UP: {
        bool busy = c->expect_count > 0;
        if (busy && c->flight_count == 0 && silence_of(c) >= PG_CONNECT_SECONDS * 1000)
            lose(c, "pg_stalled");
        else if (!busy && now - c->heard >= HEARTBEAT_MS)
            heartbeat(c);
        break;
    }
    }
}

int64_t pg_connection_silence_ms(const struct pg_connection *c) {
    if (c->state != UP || c->flight_count == 0)
        return 0;
    int64_t silence = silence_of(c);
    return silence > 0 ? silence : 1;
}

int pg_connection_backend(const struct pg_connection *c) {
    return c->state == UP ? PQbackendPID(c->conn) : 0;
}

void pg_connection_bear(struct pg_connection *c) {
    c->borne = now_ms();
}

void pg_connection_give_up(struct pg_connection *c) {
    lose(c, "pg_stalled");
}

/* ---- life ---- */

bool pg_connection_is_idle(const struct pg_connection *c) {
    return c->state == UP && c->expect_count == 0;
}

bool pg_connection_is_up(const struct pg_connection *c) {
    return c->state == UP;
}

bool pg_connection_is_ready(const struct pg_connection *c) {
    if (c->state != UP)
        return false;
    int64_t now = now_ms();
    return c->expect_count == 0 || now - c->since < HEARTBEAT_ANSWER_MS ||
           now - c->heard < HEARTBEAT_ANSWER_MS;
}

struct pg_connection *pg_connection_new(struct event_base *base, const char *url, int number,
                                        const struct pg_connection_hooks *hooks) {
    struct pg_connection *c = calloc(1, sizeof *c);
    char *copy = strdup(url);
    if (!c || !copy)
        abort();
    c->base = base;
    c->url = copy;
    c->number = number;
    c->hooks = *hooks;
    c->since = now_ms() - PG_RECONNECT_MS; /* the first tick connects */
    return c;
}

void pg_connection_free(struct pg_connection *c) {
    if (!c)
        return;
    set_state(c, DOWN);
    drop_events(c);
    forget_results(c);
    PQfinish(c->conn);
    free(c->url);
    free(c);
}
