#include <inttypes.h>

#include "server/actions/actions.h"
#include "server/route.h"
#include "server/say.h"

#define TOP_ROWS "10"

static void start(struct request *rq, const struct command *command) {
    (void)command;
    const char *args[] = {"members", NULL, TOP_ROWS};
    request_call(rq, &action_rank, REQUEST_READS, "ranking", 3, args);
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
        buf_puts(out, "\n我的名次：本季还没有积分");
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
        buf_puts(&out, "\n本季还没有人上榜，期待您的第一条。");
    buf_puts(&out, "\n");
    tell_mine(&out, fact(facts, "mine"));
    say_next(&out);
    say_tap(&out, "申报", "申报");
    buf_puts(&out, "　");
    say_tap(&out, "我的积分", "积分");
    say_end(rq, &out);
}

const struct action action_rank = {"rank", start, answer};
