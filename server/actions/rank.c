#include <inttypes.h>
#include <stddef.h>
#include <string.h>

#include "server/actions/actions.h"
#include "server/boards.h"
#include "server/route.h"
#include "server/say.h"

/* The first of the board come from Redis when it is ready; then one call of the database, which
 * looks at every number and says the rest, or all of it where Redis does not say what the book
 * says. Which board that is, only the database knows: it is asked for as of the last answer. */
struct rank {
    struct request *rq;
    struct boards_call first;
};

static void on_facts(struct request *rq, const cJSON *facts) {
    boards_note_period(rq->services->boards, rq->account, fact_text(facts, "period"));
    action_rank.answer(rq, facts);
}

static const struct action ask_board = {"rank", NULL, on_facts};

static void ask(struct request *rq, const char *period, const char *ids, const char *points) {
    const char *const args[] = {period, ids, points, BOARDS_ROWS_TEXT};
    request_call(rq, &ask_board, REQUEST_READS_TOGETHER, "board_together", 4, args);
}

static const char *kept(struct request *rq, const char *text) {
    return text ? arena_strndup(rq->arena, text, strlen(text)) : NULL;
}

static void on_first(struct boards_call *call, const char *period, const char *ids,
                     const char *points) {
    struct request *rq = ((struct rank *)(void *)((char *)call - offsetof(struct rank, first)))->rq;
    ask(rq, kept(rq, period), kept(rq, ids), kept(rq, points));
}

static void start(struct request *rq, const struct command *command) {
    (void)command;
    struct rank *rank = arena_alloc(rq->arena, sizeof *rank);
    *rank = (struct rank){.rq = rq, .first = {.on_done = on_first}};
    if (!boards_first(rq->services->boards, rq->account, &rank->first))
        ask(rq, NULL, NULL, NULL);
}

/* Without printf, which costs twice as much. */
static void tell_row(struct buf *out, const cJSON *row) {
    buf_puts(out, "\n");
    buf_i64(out, fact_number(row, "rank"));
    buf_puts(out, ". ");
    buf_puts(out, fact_text(row, "name"));
    buf_puts(out, " ");
    buf_puts(out, fact_text(row, "points"));
    buf_puts(out, "分　");
    buf_puts(out, fact_text(row, "unit"));
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
    cJSON_ArrayForEach(row, fact(facts, "rows")) tell_row(&out, row);
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
