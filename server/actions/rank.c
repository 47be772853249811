#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "db/leaderboard.h"
#include "server/actions/actions.h"
#include "server/route.h"
#include "server/say.h"

#define TOP_ROWS 10
#define TOP_ROWS_TEXT "10"

/* The first of the board come from Redis when it is ready; then one call of the database, which
 * looks at every number and says the rest, or all of it where Redis does not say what the book
 * says. Which board that is, only the database knows: it is asked for as of the last answer. */
struct board {
    struct request *rq;
    struct leaderboard_read read;
};

static char *last_period(const struct request *rq) {
    const struct services *services = rq->services;
    return services->periods[rq->account - services->config->accounts];
}

static void on_facts(struct request *rq, const cJSON *facts) {
    snprintf(last_period(rq), PERIOD_SIZE, "%s", fact_text(facts, "period"));
    action_rank.answer(rq, facts);
}

static const struct action ask_board = {"rank", NULL, on_facts};

static void ask(struct request *rq, const char *period, const char *ids, const char *points) {
    const char *const args[] = {period, ids, points, TOP_ROWS_TEXT};
    request_call(rq, &ask_board, REQUEST_READS_TOGETHER, "board_together", 4, args);
}

static void on_top(struct leaderboard_read *read, enum leaderboard_status status,
                   const struct leaderboard_top *top) {
    struct request *rq =
        ((struct board *)(void *)((char *)read - offsetof(struct board, read)))->rq;
    if (status != LEADERBOARD_OK) {
        ask(rq, NULL, NULL, NULL);
        return;
    }
    struct buf ids, points;
    buf_init(&ids, rq->arena);
    buf_init(&points, rq->arena);
    for (size_t i = 0; i < top->n; i++) {
        buf_printf(&ids, "%s%" PRId64, i > 0 ? "," : "{", top->rows[i].id);
        buf_printf(&points, "%s%" PRId64, i > 0 ? "," : "{", top->rows[i].points);
    }
    buf_puts(&ids, top->n > 0 ? "}" : "{}");
    buf_puts(&points, top->n > 0 ? "}" : "{}");
    ask(rq, rq->state, buf_view(&ids).p, buf_view(&points).p);
}

static void start(struct request *rq, const struct command *command) {
    (void)command;
    const char *period = last_period(rq);
    if (*period == '\0' || !redis_ready(rq->services->redis)) {
        ask(rq, NULL, NULL, NULL);
        return;
    }
    /* Another answer may change it while Redis is asked. */
    rq->state = arena_strndup(rq->arena, period, strlen(period));
    struct board *board = arena_alloc(rq->arena, sizeof *board);
    *board = (struct board){.rq = rq, .read = {.on_done = on_top}};
    leaderboard_top(rq->services->redis, &board->read, rq->account->id, rq->state, false, TOP_ROWS,
                    0);
}

static void tell_mine(struct buf *out, const cJSON *mine) {
    if (mine == NULL) {
        buf_puts(out, "\n绑定后可以看到自己的名次。");
        return;
    }
    if (fact_number(mine, "rank") > 0)
        buf_printf(out, "\n我的名次：第%" PRId64 "名，%s分", fact_number(mine, "rank"),
                   fact_text(mine, "points"));
    else
        buf_puts(out, "\n我的名次：本期还没有积分");
}

static void answer(struct request *rq, const cJSON *facts) {
    if (request_refusal(facts) != NULL) {
        say_refused(rq, facts);
        return;
    }
    struct buf out;
    say_begin(rq, &out);
    buf_printf(&out, "%s 个人排行%s", fact_text(facts, "period"),
               fact_true(facts, "provisional") ? "（暂列，公示后为准）" : "");
    const cJSON *row;
    cJSON_ArrayForEach(row, fact(facts, "rows"))
        buf_printf(&out, "\n%" PRId64 ". %s %s分　%s", fact_number(row, "rank"),
                   fact_text(row, "name"), fact_text(row, "points"), fact_text(row, "unit"));
    if (cJSON_GetArraySize(fact(facts, "rows")) == 0)
        buf_puts(&out, "\n本期还没有人上榜，期待您的第一条。");
    buf_puts(&out, "\n");
    tell_mine(&out, fact(facts, "mine"));
    say_next(&out);
    say_word(&out, "申报");
    buf_puts(&out, "　");
    say_tap(&out, "我的积分", "积分");
    say_end(rq, &out);
}

const struct action action_rank = {"rank", start, answer};
