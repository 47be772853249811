#include <inttypes.h>

#include "server/actions/actions.h"
#include "server/route.h"
#include "server/say.h"

static void start(struct request *rq, const struct command *command) {
    (void)command;
    request_call(rq, &action_balance, REQUEST_READS_TOGETHER, "balance_together", 0, NULL);
}

static void answer(struct request *rq, const cJSON *facts) {
    if (request_refusal(facts) != NULL) {
        say_refused(rq, facts);
        return;
    }
    struct buf out;
    say_begin(rq, &out);
    buf_printf(&out, "可用：%s\n待公示：%s", fact_text(facts, "available"),
               fact_text(facts, "pending"));
    if (fact_number(facts, "reserved") > 0)
        buf_printf(&out, "\n兑换中：%s", fact_text(facts, "reserved"));
    if (fact_number(facts, "debt") > 0)
        buf_printf(&out, "\n待抵扣：%s（从以后的积分里抵扣）", fact_text(facts, "debt"));
    buf_printf(&out, "\n本期（%s）已通过：%s分", fact_text(facts, "period"),
               fact_text(facts, "score"));
    if (fact_number(facts, "rank") > 0)
        buf_printf(&out, "，%s第%" PRId64 "名", fact_true(facts, "provisional") ? "暂列" : "",
                   fact_number(facts, "rank"));
    else
        buf_puts(&out, "，暂列：还没有名次");
    if (fact_number(facts, "waiting") > 0)
        buf_printf(&out, "\n还有%" PRId64 "条申报在审核中", fact_number(facts, "waiting"));
    say_next(&out);
    say_word(&out, "明细");
    buf_puts(&out, "　");
    say_word(&out, "排行");
    buf_puts(&out, "　");
    say_word(&out, "申报");
    say_end(rq, &out);
}

const struct action action_balance = {"balance", start, answer};
