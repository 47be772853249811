#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>

#include "db/leaderboard.h"
#include "server/actions/actions.h"
#include "server/route.h"
#include "server/say.h"

#define TOP_ROWS 10
#define TOP_ROWS_TEXT "10"

/* From the board in Redis when it is ready: who asks and which period runs, then the board, then
 * the names. Otherwise the same answer from SQL, in one call. */
struct board {
    struct request *rq;
    const cJSON *context;
    struct leaderboard_read read;
    struct leaderboard_top top;
};

static void ask_sql(struct request *rq) {
    static const char *const args[] = {"members", NULL, TOP_ROWS_TEXT};
    request_call(rq, &action_rank, REQUEST_READS, "ranking", 3, args);
}

static void add_row(cJSON *object, const struct leaderboard_row *row) {
    char points[24];
    snprintf(points, sizeof points, "%" PRId64, row->points);
    cJSON_AddNumberToObject(object, "rank", (double)row->rank);
    cJSON_AddStringToObject(object, "points", points);
}

static void delete_facts(void *facts) {
    cJSON_Delete(facts);
}

/* Redis may be a moment behind, or hold what somebody else has written there: every number that is
 * shown must be the database's. */
static bool is_true(const struct board *board, const cJSON *labels) {
    const cJSON *label = labels != NULL ? labels->child : NULL;
    size_t i = 0;
    for (; i < board->top.n && label != NULL; i++, label = label->next) {
        if (fact_number(label, "id") != board->top.rows[i].id || fact(label, "name") == NULL ||
            fact_number(label, "points") != board->top.rows[i].points)
            return false;
    }
    return i == board->top.n && board->top.mine.points == fact_number(board->context, "points");
}

/* The facts as api.ranking would give them. */
static void on_labels(struct request *rq, const cJSON *facts) {
    struct board *board = rq->state;
    if (!is_true(board, fact(facts, "rows"))) {
        ask_sql(rq);
        return;
    }
    cJSON *all = cJSON_Duplicate(board->context, true);
    arena_on_free(rq->arena, delete_facts, all);
    cJSON *rows = cJSON_AddArrayToObject(all, "rows");
    const cJSON *label = fact(facts, "rows");
    label = label != NULL ? label->child : NULL;
    for (size_t i = 0; i < board->top.n && label != NULL; i++, label = label->next) {
        cJSON *row = cJSON_CreateObject();
        cJSON_AddStringToObject(row, "name", fact_text(label, "name"));
        cJSON_AddStringToObject(row, "unit", fact_text(label, "unit"));
        add_row(row, &board->top.rows[i]);
        cJSON_AddItemToArray(rows, row);
    }
    if (fact(board->context, "member") != NULL) {
        add_row(cJSON_AddObjectToObject(all, "mine"), &board->top.mine);
    }
    action_rank.answer(rq, all);
}

static const struct action name_rows = {"rank", NULL, on_labels};

static void on_top(struct leaderboard_read *read, enum leaderboard_status status,
                   const struct leaderboard_top *top) {
    struct board *board = (struct board *)(void *)((char *)read - offsetof(struct board, read));
    struct request *rq = board->rq;
    if (status != LEADERBOARD_OK) {
        ask_sql(rq);
        return;
    }
    board->top = *top;
    struct buf ids;
    buf_init(&ids, rq->arena);
    buf_puts(&ids, "{");
    for (size_t i = 0; i < top->n; i++) {
        buf_printf(&ids, "%s%" PRId64, i > 0 ? "," : "", top->rows[i].id);
    }
    buf_puts(&ids, "}");
    const char *args[] = {fact_text(board->context, "period"), buf_view(&ids).p};
    request_call(rq, &name_rows, REQUEST_LOOKS, "labels", 2, args);
}

static void on_context(struct request *rq, const cJSON *facts) {
    struct board *board = arena_alloc(rq->arena, sizeof *board);
    rq->state = board;
    board->rq = rq;
    board->context = facts;
    board->read.on_done = on_top;
    leaderboard_top(rq->services->redis, &board->read, rq->account->id, fact_text(facts, "period"),
                    false, TOP_ROWS, fact_number(facts, "member"));
}

static const struct action ask_board = {"rank", NULL, on_context};

static void start(struct request *rq, const struct command *command) {
    (void)command;
    if (redis_ready(rq->services->redis)) {
        request_call(rq, &ask_board, REQUEST_READS, "ranking_context", 0, NULL);
    } else {
        ask_sql(rq);
    }
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
