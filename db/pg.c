#include "db/pg.h"

#include <assert.h>
#include <event2/event.h>
#include <event2/util.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "db/pg_connection.h"
#include "server/base/log.h"
#include "server/base/metrics.h"
#include "server/base/now.h"
#include "server/base/str.h"

#define TICK_MS 50
#define REST_FIRST_MS 10 /* before the second run of a call; doubles up to REST_MAX_MS */
#define REST_MAX_MS 500
#define CONNECTIONS_MAX 16
#define LANES 64                                  /* two accounts may share one */
#define STALL_MS (PG_STATEMENT_TIMEOUT_MS + 5000) /* silence that no statement explains */
#define DOUBT_MS 1000                             /* silence that one may */
#define UNEXPLAINED_MS                                                                             \
    (PG_STATEMENT_TIMEOUT_MS + 10000) /* silence, while nobody can be asked why */
#define BEAR_MAX_MS (5 * 60000)
#define QUESTION_MS 5000

/* Where a call is. */
enum state { IDLE, WAITING, RESTING, FLYING };

TAILQ_HEAD(calls, pg_call);

struct pg {
    struct event_base *base;
    struct event *dispatch; /* at the end of the loop turn, so that a turn's calls share a group */
    struct event *tick;

    struct calls waiting[LANES]; /* first runs, to be grouped */
    size_t in_lane[LANES];       /* submitted and not yet done */
    unsigned turn;               /* the lane that is served next */
    size_t waiting_n;
    struct calls again;   /* after a failed group: each in a transaction of its own */
    struct calls slow;    /* of people one of whose calls ran into a timeout: one at a time */
    struct calls resting; /* until due_at, then again or slow */
    struct calls flying;
    size_t pending;
    bool was_careful; /* what was sent last came from `again` or `slow` */

    struct pg_connection *connections[CONNECTIONS_MAX];
    int connection_count;

    bool is_careful[CONNECTIONS_MAX]; /* what was sent last over it came from `again` or `slow` */

    /* Commits do not come back: a synchronous standby is away. Changes go one after the other, and
     * only while no connection waits, so that one is left to read with. */
    bool stalled;
    bool has_changes[CONNECTIONS_MAX];    /* what was sent last over it */
    int64_t borne_since[CONNECTIONS_MAX]; /* 0: not */
    struct pg_call question;
    int asked_about;
    int asked_backend; /* its process then: the connection may be another one by the answer */
    char backend[16];  /* the same as the question's argument */
};

/* ---- lists: a call is on the list its state names ---- */

static struct calls *list_of(struct pg *pg, const struct pg_call *call) {
    switch ((enum state)call->state) {
    case WAITING:
        return call->slow ? &pg->slow : call->alone ? &pg->again : &pg->waiting[call->lane_at];
    case RESTING:
        return &pg->resting;
    case FLYING:
        return &pg->flying;
    case IDLE:
        break;
    }
    abort();
}

static bool is_in_lane(const struct pg_call *call) {
    return call->state == WAITING && !call->slow && !call->alone;
}

static void move(struct pg *pg, struct pg_call *call, enum state state, bool alone) {
    if (call->state != IDLE) {
        pg->waiting_n -= is_in_lane(call);
        TAILQ_REMOVE(list_of(pg, call), call, link);
    } else {
        pg->pending++;
        pg->in_lane[call->lane_at]++;
        metric_add(METRIC_PG_PENDING, 1);
    }
    call->state = state;
    call->alone = alone;
    if (state != IDLE) {
        TAILQ_INSERT_TAIL(list_of(pg, call), call, link);
        pg->waiting_n += is_in_lane(call);
    } else {
        pg->pending--;
        pg->in_lane[call->lane_at]--;
        metric_subtract(METRIC_PG_PENDING, 1);
    }
}

static void detach(struct pg *pg, struct pg_call *call) {
    if (call->flight)
        call->flight->call = NULL;
    call->flight = NULL;
    move(pg, call, IDLE, false);
}

static void finish(struct pg *pg, struct pg_call *call, enum pg_status status, const char *json,
                   size_t len) {
    detach(pg, call);
    call->on_done(call, status, json, len);
}

/* ---- groups ---- */

/* Two servers that hold the same message keys in opposite order would block each other, so every
 * group takes them in the same order. Reading calls, which lock nothing, come first. */
static int by_key(const void *a, const void *b) {
    const char *x = (*(struct pg_call *const *)a)->key;
    const char *y = (*(struct pg_call *const *)b)->key;
    if (!x || !y)
        return (x != NULL) - (y != NULL);
    return strcmp(x, y);
}

static void take_off(struct pg *pg, struct pg_call *call) {
    move(pg, call, FLYING, call->alone);
    call->runs++;
}

/* One of each lane in turn. */
static size_t take_fairly(struct pg *pg, size_t most, struct pg_call **out) {
    size_t n = 0;
    for (unsigned empty = 0; n < most && empty < LANES; pg->turn = (pg->turn + 1) % LANES) {
        struct pg_call *call = TAILQ_FIRST(&pg->waiting[pg->turn]);
        empty = call ? 0 : empty + 1;
        if (call)
            take_off(pg, out[n++] = call);
    }
    qsort(out, n, sizeof(struct pg_call *), by_key);
    return n;
}

static bool is_of_same_person(const struct pg_call *a, const struct pg_call *b) {
    if (!a->key || !b->key)
        return false;
    size_t person = strcspn(a->key, " ");
    return strcspn(b->key, " ") == person && strncmp(a->key, b->key, person) == 0;
}

static bool holds_one_of(struct pg_call *const *group, size_t n, const struct pg_call *call) {
    for (size_t i = 0; i < n; i++) {
        if (is_of_same_person(group[i], call))
            return true;
    }
    return false;
}

/* Commits seem to wait on it, be it for what only reads. */
static bool waits(const struct pg *pg, int i) {
    int64_t silence = pg_connection_silence_ms(pg->connections[i]);
    return silence >= DOUBT_MS || (silence > 0 && pg->borne_since[i] > 0);
}

static bool is_busy(const struct pg *pg, int i) {
    return pg_connection_is_up(pg->connections[i]) && !pg_connection_is_idle(pg->connections[i]);
}

static bool some_waits(const struct pg *pg) {
    int i = 0;
    while (i < pg->connection_count && !waits(pg, i))
        i++;
    return i < pg->connection_count;
}

static bool some_change_is_under_way(const struct pg *pg) {
    int i = 0;
    while (i < pg->connection_count && !(pg->has_changes[i] && is_busy(pg, i)))
        i++;
    return i < pg->connection_count;
}

/* What waits for a standby is in nobody's way who does not. */
static bool some_careful_one_is_under_way(const struct pg *pg) {
    int i = 0;
    while (i < pg->connection_count &&
           !(pg->is_careful[i] && is_busy(pg, i) && !(pg->stalled && waits(pg, i))))
        i++;
    return i < pg->connection_count;
}

static int connections_to_use(const struct pg *pg) {
    int n = 0;
    for (int i = 0; i < pg->connection_count; i++)
        n += pg_connection_is_up(pg->connections[i]) && !(pg->stalled && waits(pg, i));
    return n;
}

/* One of each person: what they wait for, they wait for once. Changes and what only reads do not
 * go together while commits do not come back. */
static size_t take_again(struct pg *pg, size_t most, bool held, struct pg_call **out) {
    size_t n = 0;
    struct pg_call *call, *next;
    for (call = TAILQ_FIRST(&pg->again); call && n < most; call = next) {
        next = TAILQ_NEXT(call, link);
        bool fits = !pg->stalled || n == 0 || call->changes == out[0]->changes;
        if (fits && !(held && call->changes) && !holds_one_of(out, n, call))
            take_off(pg, out[n++] = call);
    }
    qsort(out, n, sizeof(struct pg_call *), by_key);
    return n;
}

static size_t take_slow(struct pg *pg, bool held, struct pg_call **out) {
    struct pg_call *call = TAILQ_FIRST(&pg->slow);
    while (call && held && call->changes)
        call = TAILQ_NEXT(call, link);
    if (call)
        take_off(pg, out[0] = call);
    return call != NULL;
}

/* What has failed or waited may do so again: it goes over one connection at a time, so that
 * another one is left for everybody else; where there is only one, in turn. */
static size_t take_carefully(struct pg *pg, size_t most, struct pg_call **out) {
    bool not_in_turn = pg->waiting_n > 0 && pg->was_careful && connections_to_use(pg) == 1;
    if (not_in_turn || some_careful_one_is_under_way(pg))
        return 0;
    bool held = pg->stalled && (some_change_is_under_way(pg) || some_waits(pg));
    size_t n = take_again(pg, most, held, out);
    return n > 0 ? n : take_slow(pg, held, out);
}

static bool some_change(struct pg_call *const *group, size_t n) {
    while (n > 0 && !group[n - 1]->changes)
        n--;
    return n > 0;
}

static void on_dispatch(evutil_socket_t fd, short what, void *context) {
    (void)fd;
    (void)what;
    struct pg *pg = context;
    for (int i = 0; i < pg->connection_count; i++) {
        if (!pg_connection_is_idle(pg->connections[i]))
            continue;
        struct pg_call *group[PG_GROUP_MAX];
        size_t n = take_carefully(pg, PG_GROUP_MAX, group);
        bool careful = n > 0;
        if (!careful)
            n = take_fairly(pg, PG_GROUP_MAX, group);
        if (n == 0)
            return;
        pg->was_careful = pg->is_careful[i] = careful;
        pg->has_changes[i] = some_change(group, n);
        pg->borne_since[i] = 0;
        /* Who reads leaves little behind, and that may be lost with the primary: no need to wait
         * for a standby that is away. */
        struct pg_manner manner = {.each_alone = careful,
                                   .no_receipt = pg->stalled && !pg->has_changes[i]};
        pg_connection_send(pg->connections[i], group, n, manner);
    }
}

static void arm_dispatch(void *context) {
    struct pg *pg = context;
    if (pg->waiting_n > 0 || !TAILQ_EMPTY(&pg->again) || !TAILQ_EMPTY(&pg->slow))
        event_active(pg->dispatch, EV_TIMEOUT, 0);
}

/* ---- outcomes ---- */

/* Deadlock, serialisation failure, lock or statement timeout, no memory or connections left,
 * shutting down, and a server that has become a standby: all pass by themselves. */
static bool passes(const char *sqlstate) {
    static const char *const passing[] = {"40P01", "40001", "57014", "55P03", "53", "57P", "25006"};
    for (size_t i = 0; i < sizeof passing / sizeof passing[0]; i++) {
        if (strncmp(sqlstate, passing[i], strlen(passing[i])) == 0)
            return true;
    }
    return false;
}

static bool is_timeout(const char *sqlstate) {
    return strcmp(sqlstate, "55P03") == 0 || strcmp(sqlstate, "57014") == 0;
}

static void rest(struct pg *pg, struct pg_call *call) {
    int doublings = call->runs < 7 ? call->runs : 7;
    int64_t pause = REST_FIRST_MS << doublings;
    if (pause > REST_MAX_MS)
        pause = REST_MAX_MS;
    /* Uneven, so that two servers do not meet in the same deadlock again. */
    uint32_t random;
    evutil_secure_rng_get_bytes(&random, sizeof random);
    call->due_at = now_ms() + pause / 2 + random % pause;
    move(pg, call, RESTING, true);
    metric_add(METRIC_PG_RERUNS, 1);
}

static void run_alone(struct pg *pg, struct pg_call *call) {
    move(pg, call, WAITING, true);
    metric_add(METRIC_PG_RERUNS, 1);
    arm_dispatch(pg);
}

static void fail(struct pg *pg, struct pg_call *call, const struct pg_report *what) {
    metric_add(METRIC_PG_FAULTS, 1);
    log_error("pg_fault", "function=%s sqlstate=%s runs=%d message=\"%s\"", call->function,
              what->sqlstate, call->runs, what->message);
    finish(pg, call, PG_FAILED, NULL, 0);
}

/* What one message of a person waits for, the others will most likely wait for, too. */
static bool shares_fault(const struct pg_call *call, const struct pg_report *what) {
    if (!what->culprit || call == what->culprit)
        return call == what->culprit;
    return is_timeout(what->sqlstate) && is_of_same_person(call, what->culprit);
}

/* A person's calls that wait, too, are not tried before `slow` is: else each would wait for the
 * same thing once more, and everybody in its group. */
static void rest_others_of(struct pg *pg, const struct pg_call *slow) {
    struct calls *lists[] = {&pg->waiting[slow->lane_at], &pg->again, &pg->slow};
    struct pg_call *call, *next;
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        for (call = TAILQ_FIRST(lists[i]); call; call = next) {
            next = TAILQ_NEXT(call, link);
            if (!call->changes || !is_of_same_person(call, slow))
                continue;
            call->due_at = slow->due_at;
            move(pg, call, RESTING, call->alone);
            call->slow = true;
        }
    }
}

/* NULL: none of this person's is slow. */
static const struct pg_call *slow_of_same_person(const struct pg *pg, const struct pg_call *call) {
    const struct calls *lists[] = {&pg->resting, &pg->slow, &pg->flying};
    const struct pg_call *other;
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        TAILQ_FOREACH(other, lists[i], link) {
            if (other->slow && is_of_same_person(other, call))
                return other;
        }
    }
    return NULL;
}

static void on_report(void *context, struct pg_call *call, const struct pg_report *what) {
    struct pg *pg = context;
    if (what->outcome != PG_OUTCOME_OK) {
        strncpy(call->sqlstate, what->sqlstate, sizeof call->sqlstate - 1);
        call->sqlstate[sizeof call->sqlstate - 1] = '\0';
    }
    switch (what->outcome) {
    case PG_OUTCOME_OK:
        /* Many a change finds nothing to change, and then its commit waits for nobody. */
        pg->stalled = pg->stalled && (!call->changes || some_waits(pg));
        call->sqlstate[0] = '\0';
        finish(pg, call, PG_OK, what->json, what->len);
        break;
    case PG_OUTCOME_REDO:
        run_alone(pg, call);
        break;
    case PG_OUTCOME_LOST:
        if (call->changes && !call->key)
            fail(pg, call, what); /* it may have been committed, and nothing would tell */
        else if (what->alone || call->alone)
            rest(pg, call); /* perhaps this very call brings the server down: no hurry */
        else
            run_alone(pg, call);
        break;
    case PG_OUTCOME_ERROR:
        if ((what->alone || shares_fault(call, what)) && passes(what->sqlstate)) {
            rest(pg, call);
            call->slow = is_timeout(what->sqlstate);
            if (call->slow && (what->alone || call == what->culprit))
                rest_others_of(pg, call);
        } else if (!what->alone)
            run_alone(pg, call);
        else
            fail(pg, call, what);
        break;
    }
}

/* ---- the passing of time ---- */

static struct pg_call *first_late(struct calls *list, int64_t now) {
    struct pg_call *call;
    TAILQ_FOREACH(call, list, link) {
        if (call->deadline_at <= now)
            return call;
    }
    return NULL;
}

/* on_done may submit and cancel, so the list is looked at anew after each. */
static void end_late(struct pg *pg, struct calls *list, int64_t now) {
    for (struct pg_call *call; (call = first_late(list, now));) {
        metric_add(METRIC_PG_FAULTS, 1);
        log_warn("pg_late", "function=%s runs=%d sqlstate=%s", call->function, call->runs,
                 call->sqlstate);
        finish(pg, call, PG_LATE, NULL, 0);
    }
}

static void wake_rested(struct pg *pg, int64_t now) {
    struct pg_call *call, *next;
    for (call = TAILQ_FIRST(&pg->resting); call; call = next) {
        next = TAILQ_NEXT(call, link);
        if (call->due_at <= now)
            move(pg, call, WAITING, call->alone);
    }
    arm_dispatch(pg);
}

/* ---- silence ---- */

/* No more than one at a time from now on, and whoever reads goes first. */
static void hold_changes(struct pg *pg) {
    struct pg_call *call, *next;
    pg->stalled = true;
    for (int i = 0; i < LANES; i++) {
        for (call = TAILQ_FIRST(&pg->waiting[i]); call; call = next) {
            next = TAILQ_NEXT(call, link);
            if (call->changes)
                move(pg, call, WAITING, true);
        }
    }
}

static void on_told_whether_it_works(struct pg_call *call, enum pg_status status, const char *json,
                                     size_t n) {
    struct pg *pg = (struct pg *)(void *)((char *)call - offsetof(struct pg, question));
    struct pg_connection *c = pg->connections[pg->asked_about];
    int64_t *since = &pg->borne_since[pg->asked_about];
    if (status == PG_LATE || pg_connection_silence_ms(c) < STALL_MS ||
        pg_connection_backend(c) != pg->asked_backend)
        return;
    *since = *since > 0 ? *since : now_ms();
    if (status == PG_OK && n == 4 && memcmp(json, "true", 4) == 0 &&
        now_ms() - *since < BEAR_MAX_MS)
        pg_connection_bear(c);
    else
        pg_connection_give_up(c);
}

/* Its server is asked over another connection whether it is still at work for this one. */
static void ask_about(struct pg *pg, int i) {
    pg->asked_backend = pg_connection_backend(pg->connections[i]);
    snprintf(pg->backend, sizeof pg->backend, "%d", pg->asked_backend);
    pg->asked_about = i;
    pg->question = (struct pg_call){.function = "waits_for_standby",
                                    .n = 1,
                                    .args = {pg->backend},
                                    .deadline_ms = QUESTION_MS,
                                    .on_done = on_told_whether_it_works};
    if (!pg_submit(pg, &pg->question))
        pg_connection_give_up(pg->connections[i]);
}

/* A connection that says nothing for longer than any statement may take is given up, unless its
 * commit waits for a standby: another one would wait likewise, and leave one more process over
 * there. */
static void look_after_silent(struct pg *pg, int i) {
    int64_t silence = pg_connection_silence_ms(pg->connections[i]);
    bool some_ready = pg_ready(pg), some_coming = false;
    for (int k = 0; k < pg->connection_count; k++)
        some_coming = some_coming || !pg_connection_is_up(pg->connections[k]);
    if (silence < STALL_MS || pg->question.state != IDLE)
        return;
    hold_changes(pg);
    if (some_ready)
        ask_about(pg, i);
    else if (!some_coming || silence >= UNEXPLAINED_MS)
        pg_connection_give_up(pg->connections[i]);
}

/* ---- every now and then ---- */

static void on_tick(evutil_socket_t fd, short what, void *context) {
    (void)fd;
    (void)what;
    struct pg *pg = context;
    for (int i = 0; i < pg->connection_count; i++) {
        pg_connection_tick(pg->connections[i]);
        look_after_silent(pg, i);
    }
    int64_t now = now_ms();
    for (int i = 0; i < LANES; i++)
        end_late(pg, &pg->waiting[i], now);
    end_late(pg, &pg->again, now);
    end_late(pg, &pg->slow, now);
    end_late(pg, &pg->resting, now);
    end_late(pg, &pg->flying, now);
    wake_rested(pg, now);
}

/* ---- public ---- */

struct pg *pg_new(struct event_base *base, const char *url, int connections) {
    assert(connections > 0 && connections <= CONNECTIONS_MAX);
    struct pg *pg = calloc(1, sizeof *pg);
    if (!pg)
        abort();
    pg->base = base;
    for (int i = 0; i < LANES; i++)
        TAILQ_INIT(&pg->waiting[i]);
    TAILQ_INIT(&pg->again);
    TAILQ_INIT(&pg->slow);
    TAILQ_INIT(&pg->resting);
    TAILQ_INIT(&pg->flying);
    pg->dispatch = event_new(base, -1, 0, on_dispatch, pg);
    pg->tick = event_new(base, -1, EV_PERSIST, on_tick, pg);
    if (!pg->dispatch || !pg->tick)
        abort();
    event_add(pg->tick, &(struct timeval){.tv_usec = TICK_MS * 1000});
    struct pg_connection_hooks hooks = {
        .pool = pg, .on_idle = arm_dispatch, .on_report = on_report};
    for (int i = 0; i < connections; i++) {
        pg->connections[i] = pg_connection_new(base, url, i, &hooks);
        pg_connection_tick(pg->connections[i]);
    }
    pg->connection_count = connections;
    return pg;
}

static void forget(struct pg *pg, struct calls *list) {
    while (!TAILQ_EMPTY(list))
        detach(pg, TAILQ_FIRST(list));
}

void pg_free(struct pg *pg) {
    if (!pg)
        return;
    for (int i = 0; i < LANES; i++)
        forget(pg, &pg->waiting[i]);
    forget(pg, &pg->again);
    forget(pg, &pg->slow);
    forget(pg, &pg->resting);
    forget(pg, &pg->flying);
    for (int i = 0; i < pg->connection_count; i++)
        pg_connection_free(pg->connections[i]);
    event_free(pg->dispatch);
    event_free(pg->tick);
    free(pg);
}

static unsigned lane_of(const char *name) {
    return name ? (unsigned)(str_hash(str_from(name), 0) % LANES) : 0;
}

static bool is_full(const struct pg *pg, unsigned lane) {
    size_t busy = pg->in_lane[lane] == 0;
    if (pg->pending < PG_QUEUE_MAX)
        return false;
    for (int i = 0; i < LANES; i++)
        busy += pg->in_lane[i] > 0;
    return pg->pending >= 2 * PG_QUEUE_MAX || pg->in_lane[lane] >= PG_QUEUE_MAX / busy;
}

/* A long group makes a connection silent, not lost. */
static bool is_connected(const struct pg *pg) {
    for (int i = 0; i < pg->connection_count; i++) {
        if (pg_connection_is_up(pg->connections[i]))
            return true;
    }
    return false;
}

bool pg_is_crowded(const struct pg *pg, const char *lane) {
    unsigned at = lane_of(lane);
    const struct pg_call *oldest = TAILQ_FIRST(&pg->waiting[at]);
    bool late = oldest && now_ms() - oldest->since > PG_QUEUE_WAIT_MS;
    return is_connected(pg) && (late || is_full(pg, at));
}

bool pg_submit(struct pg *pg, struct pg_call *call) {
    assert(call->state == IDLE && call->function && call->on_done);
    assert(call->n >= 0 && call->n <= PG_ARGUMENTS_MAX);
    call->lane_at = lane_of(call->lane);
    if (is_full(pg, call->lane_at))
        return false;
    call->flight = NULL;
    call->runs = 0;
    const struct pg_call *slow = call->changes ? slow_of_same_person(pg, call) : NULL;
    call->slow = slow != NULL;
    call->sqlstate[0] = '\0';
    call->since = now_ms();
    call->deadline_at =
        call->since + (call->deadline_ms > 0 ? call->deadline_ms : CALLBACK_WORK_MS);
    call->due_at = slow ? slow->due_at : 0;
    move(pg, call, slow && slow->state == RESTING ? RESTING : WAITING,
         pg->stalled && call->changes);
    metric_add(METRIC_PG_CALLS, 1);
    arm_dispatch(pg);
    return true;
}

void pg_cancel(struct pg *pg, struct pg_call *call) {
    if (call->state != IDLE)
        detach(pg, call);
}

bool pg_was_sent(const struct pg_call *call) {
    return call->runs > 0;
}

bool pg_ready(const struct pg *pg) {
    for (int i = 0; i < pg->connection_count; i++) {
        if (pg_connection_is_ready(pg->connections[i]))
            return true;
    }
    return false;
}

size_t pg_pending(const struct pg *pg) {
    return pg->pending;
}
