#include "server/boards.h"

#include <event2/event.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include "db/leaderboard.h"
#include "server/base/arena.h"
#include "server/base/buf.h"
#include "server/base/memory.h"
#include "server/config.h"

#define PERIOD_SIZE 16 /* of a period's name, 2026-Q4 */

TAILQ_HEAD(calls, boards_call);

struct board {
    struct boards *boards;
    const char *account;
    char period[PERIOD_SIZE]; /* of the last answer; empty before the first */
    struct event *turn_ends;
    struct calls waiting; /* for a reading that is yet to begin */

    bool reading;
    char period_read[PERIOD_SIZE];
    struct calls served;
    struct leaderboard_read read;
};

struct boards {
    struct redis *redis;
    const struct config *config;
    struct board of[]; /* as the configuration's accounts */
};

static struct board *board_of(struct boards *boards, const struct account *account) {
    return &boards->of[account - boards->config->accounts];
}

static const char *array_of(struct arena *arena, const struct leaderboard_top *top, bool points) {
    struct buf out;
    buf_init(&out, arena);
    buf_puts(&out, "{");
    for (size_t i = 0; i < top->n; i++)
        buf_printf(&out, "%s%" PRId64, i > 0 ? "," : "",
                   points ? top->rows[i].points : top->rows[i].id);
    buf_puts(&out, "}");
    return buf_view(&out).p;
}

static void on_top(struct leaderboard_read *read, enum leaderboard_status status,
                   const struct leaderboard_top *top) {
    struct board *board = (struct board *)(void *)((char *)read - offsetof(struct board, read));
    struct arena *arena = arena_new();
    bool well = status == LEADERBOARD_OK;
    const char *period = well ? board->period_read : NULL;
    const char *ids = well ? array_of(arena, top, false) : NULL;
    const char *points = well ? array_of(arena, top, true) : NULL;
    board->reading = false;
    for (struct boards_call *call; (call = TAILQ_FIRST(&board->served));) {
        TAILQ_REMOVE(&board->served, call, link);
        call->on_done(call, period, ids, points);
    }
    arena_free(arena);
    if (!TAILQ_EMPTY(&board->waiting))
        event_active(board->turn_ends, EV_TIMEOUT, 0);
}

static void on_turn_end(evutil_socket_t fd, short what, void *context) {
    (void)fd, (void)what;
    struct board *board = context;
    if (board->reading || TAILQ_EMPTY(&board->waiting))
        return;
    board->reading = true;
    TAILQ_CONCAT(&board->served, &board->waiting, link);
    /* An answer may change it while Redis is asked. */
    snprintf(board->period_read, PERIOD_SIZE, "%s", board->period);
    board->read.on_done = on_top;
    leaderboard_top(board->boards->redis, &board->read, board->account, board->period_read, false,
                    BOARDS_ROWS, 0);
}

struct boards *boards_new(struct event_base *base, struct redis *redis,
                          const struct config *config) {
    struct boards *boards =
        memory_get_zeroed(sizeof *boards + config->accounts_n * sizeof boards->of[0]);
    boards->redis = redis;
    boards->config = config;
    for (size_t i = 0; i < config->accounts_n; i++) {
        struct board *board = &boards->of[i];
        board->boards = boards;
        board->account = config->accounts[i].id;
        TAILQ_INIT(&board->waiting);
        TAILQ_INIT(&board->served);
        board->turn_ends = event_new(base, -1, 0, on_turn_end, board);
        if (!board->turn_ends)
            abort();
    }
    return boards;
}

void boards_free(struct boards *boards) {
    if (!boards)
        return;
    for (size_t i = 0; i < boards->config->accounts_n; i++) {
        leaderboard_read_cancel(boards->redis, &boards->of[i].read);
        event_free(boards->of[i].turn_ends);
    }
    memory_put(boards);
}

bool boards_first(struct boards *boards, const struct account *account, struct boards_call *call) {
    struct board *board = board_of(boards, account);
    if (board->period[0] == '\0' || !redis_ready(boards->redis))
        return false;
    TAILQ_INSERT_TAIL(&board->waiting, call, link);
    if (!board->reading)
        event_active(board->turn_ends, EV_TIMEOUT, 0);
    return true;
}

void boards_note_period(struct boards *boards, const struct account *account, const char *period) {
    snprintf(board_of(boards, account)->period, PERIOD_SIZE, "%s", period);
}
