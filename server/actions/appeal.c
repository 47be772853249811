#include <inttypes.h>

#include "server/actions/actions.h"
#include "server/route.h"
#include "server/say.h"

static void start(struct request *rq, const struct command *command) {
    struct words rest = command->rest;
    int64_t no;
    if (!words_number(&rest, &no)) {
        say(rq, "请写被驳回的编号和理由，例如：申诉 12 现场有社区签到\n会由另一位审核员重新审核。");
        return;
    }
    const char *args[] = {arg_number(rq, no), arg_text(rq, words_typed(rest))};
    request_call(rq, &action_appeal, REQUEST_CHANGES, "appeal", 2, args);
}

static void answer(struct request *rq, const cJSON *facts) {
    if (request_refusal(facts) != NULL) {
        say_refused(rq, facts);
        return;
    }
    struct buf out;
    say_begin(rq, &out);
    buf_printf(&out,
               "申诉已提交\n编号：%" PRId64 "\n将由另一位审核员重新审核，有照片可以直接发来。",
               fact_number(facts, "no"));
    say_next(&out);
    say_word(&out, "我的申报");
    say_end(rq, &out);
}

const struct action action_appeal = {"appeal", start, answer};
