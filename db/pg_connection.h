#ifndef GULOU_DB_PG_CONNECTION_H
#define GULOU_DB_PG_CONNECTION_H

/* One pipelined connection of the pool in pg.c, and the only asynchronous user of libpq.
 *
 * It connects, takes the role, sends the units it is given, and reports each call's outcome; after
 * a loss it connects again by itself. It knows nothing of queues, deadlines or second tries.
 *
 * The hooks are called from the event loop, and from pg_connection_tick(). They may cancel any
 * call; they may not send. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "db/pg.h"

struct pg_connection;

enum pg_outcome {
    PG_OUTCOME_OK,    /* committed */
    PG_OUTCOME_ERROR, /* its transaction was rolled back, perhaps because of another member */
    PG_OUTCOME_LOST,  /* the connection ended before the Sync was answered */
    PG_OUTCOME_REDO,  /* a prepared statement had gone stale; nothing happened */
};

struct pg_report {
    enum pg_outcome outcome;
    bool alone;                    /* its transaction held no other call */
    const struct pg_call *culprit; /* whose error it was; NULL: not known */
    const char *sqlstate;          /* of the transaction's error, else "" */
    const char *message;           /* likewise; fit for the log */
    const char *json;              /* PG_OUTCOME_OK only */
    size_t len;
};

struct pg_connection_hooks {
    void *pool;
    void (*on_idle)(void *pool);
    void (*on_report)(void *pool, struct pg_call *call, const struct pg_report *report);
};

/* A call's place on a connection; call is NULL once the call has been cancelled or reported. */
struct pg_flight {
    struct pg_call *call;
    void *result;  /* PGresult, kept until the Sync */
    int row;       /* of the result of the flight that began its statement */
    size_t shares; /* how many flights its statement answers, itself the first; 0: an earlier one */
    int statement;
    bool fresh; /* its statement is being prepared in this transaction, not yet confirmed */
};

struct pg_connection *pg_connection_new(struct event_base *base, const char *url, int number,
                                        const struct pg_connection_hooks *hooks);
void pg_connection_free(struct pg_connection *c);

/* Up, with nothing under way. */
bool pg_connection_is_idle(const struct pg_connection *c);

bool pg_connection_is_up(const struct pg_connection *c);

/* Up, and answered lately. */
bool pg_connection_is_ready(const struct pg_connection *c);

struct pg_manner {
    bool each_alone; /* each call in a transaction of its own; else all in one */
    bool no_receipt; /* commits do not wait for a standby to have them */
};

/* Sends 1..PG_GROUP_MAX calls over an idle connection. Sets call->flight. Every call is reported
 * later. */
void pg_connection_send(struct pg_connection *c, struct pg_call *const *calls, size_t n,
                        struct pg_manner manner);

/* To be called some times a second: connecting anew, its time limit, heartbeat. What is under way
 * is waited for until pg_connection_give_up(). */
void pg_connection_tick(struct pg_connection *c);

/* How long it has said nothing with work under way, 1 or more; 0: there is none. */
int64_t pg_connection_silence_ms(const struct pg_connection *c);

/* The process that serves it over there; 0 while it is not up. */
int pg_connection_backend(const struct pg_connection *c);

/* Its silence has a good reason, and counts from now on. */
void pg_connection_bear(struct pg_connection *c);

/* What is under way is reported as lost, and it connects anew. */
void pg_connection_give_up(struct pg_connection *c);

#endif
