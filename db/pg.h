#ifndef GULOU_DB_PG_H
#define GULOU_DB_PG_H

/* PostgreSQL for one event loop: a few pipelined connections, a queue, and one commit for many
 * calls.
 *
 * Use:       embed a struct pg_call in your own context, fill the upper half, pg_submit().
 *
 *                rq->call = (struct pg_call){.function = "balance", .n = 2,
 *                                            .args = {account, openid}, .on_done = on_balance};
 *                if (!pg_submit(pg, &rq->call))
 *                    request_busy(rq);
 *
 *            It runs `select api.balance($1,$2)`; PostgreSQL infers the types of the text
 *            arguments, and every function of schema api returns exactly one jsonb, or JSON as
 *            text.
 * Groups:    an idle connection takes up to PG_GROUP_MAX waiting calls, sorted by key, and puts
 *            one Sync behind them: one transaction. Answers go out after the Sync. When a group
 *            fails, its members run again, each in a transaction of its own.
 * Together:  calls of a group whose function takes arrays share one statement, which saves half of
 *            what so many would cost; a call by itself is a group of one.
 * Waiting:   a call waits PG_LOCK_TIMEOUT_MS for a lock, then makes room and runs again. Whatever
 *            else its person changes rests with it and is tried one at a time. What has waited or
 *            failed goes over one connection at a time, so that held rows and slow questions do
 *            not keep everybody else waiting.
 * Ownership: the call and its arguments stay the caller's and must stay unchanged until on_done
 *            or pg_cancel(); the JSON is the pool's and ends when on_done returns.
 * Fairness:  calls wait by lane (an account's), and a group takes one of each lane in turn, so that
 *            the flood of one does not keep the others waiting. A full queue still takes what comes
 *            for a lane that has less than its share in it.
 * Failure:   pg_submit() refuses at once when the queue is full; everything later arrives in
 *            on_done, exactly once, never inside pg_submit(). A deadlock, a serialisation
 *            failure, a cancelled statement or a lost connection are not failures: the call runs
 *            again until its deadline. That is sound because every changing function is
 *            idempotent by its key; a changing call without a key is not repeated after a lost
 *            connection.
 * Outage:    the server may be absent at the start, go away and come back; calls wait for it
 *            until their deadline.
 * Standby:   a commit that waits for a synchronous standby makes its connection silent for longer
 *            than any statement may take. The server is asked over another connection; while it
 *            confirms, changes go one at a time, and reading goes on without waiting for receipts.
 * Thread:    one pool per worker; no call from another thread. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "server/base/limits.h"

struct event_base;
struct pg;
struct pg_flight;

enum pg_status {
    PG_OK,     /* json holds the answer, a refusal included */
    PG_FAILED, /* the function raised: our mistake; logged, sqlstate says which */
    PG_LATE,   /* the deadline passed; the work may still be committed later */
};

struct pg_call {
    const char *function;               /* without schema; a literal, it is kept */
    int n;                              /* arguments */
    const char *args[PG_ARGUMENTS_MAX]; /* as text, NULL is SQL's null */
    const char *around;                 /* NULL, or the function that is given the answer: */
    int around_n;      /* select api.around($1…$around_n, api.function($around_n+1…)) */
    int around_shares; /* as many of them come first in the function, too, and stand here once */
    bool together;     /* each argument is an element of an array, and so is the answer: */
                       /* select unnest(api.function($1::…[], …)), likewise around it */
    bool changes;
    const char *lane;    /* whose share of the queue it takes; NULL: nobody's */
    const char *key;     /* orders the group: "person message"; NULL for reading */
    int64_t deadline_ms; /* from pg_submit() on; 0 means CALLBACK_WORK_MS */
    void (*on_done)(struct pg_call *call, enum pg_status status, const char *json, size_t len);

    char sqlstate[6]; /* of the last error, for on_done; else empty */

    /* private to pg.c */
    TAILQ_ENTRY(pg_call) link;
    struct pg_flight *flight; /* where it is on a connection */
    unsigned state;
    unsigned lane_at;
    int runs;
    bool alone; /* it was in a group that failed */
    bool slow;  /* it, or a change of the same person, ran into a timeout */
    int64_t since;
    int64_t due_at;
    int64_t deadline_at;
};

/* Starts connecting; never fails for an absent server. `url` is any libpq connection string. Every
 * connection takes the role gulou_app, which may only EXECUTE functions of schema api. */
struct pg *pg_new(struct event_base *base, const char *url, int connections);

/* Closes everything; calls still waiting are cancelled. Not from inside on_done. NULL is fine. */
void pg_free(struct pg *pg);

/* False: the queue is full, nothing will happen. */
bool pg_submit(struct pg *pg, struct pg_call *call) __attribute__((warn_unused_result));

/* More is asked for this lane than can be answered in good time, by a database that is there:
 * whoever asks now is better told at once. */
bool pg_is_crowded(const struct pg *pg, const char *lane);

/* on_done will not be called any more; a statement already sent may still be committed. Fine for a
 * zeroed call and for one that is done. */
void pg_cancel(struct pg *pg, struct pg_call *call);

/* Whether a server may know of it already, so that it may be done although nobody has said so. */
bool pg_was_sent(const struct pg_call *call);

/* Whether some connection is up and answered lately. */
bool pg_ready(const struct pg *pg);

/* Calls submitted and not yet done; for an orderly stop. */
size_t pg_pending(const struct pg *pg);

#endif
