#include <inttypes.h>

#include "server/actions/actions.h"
#include "server/route.h"
#include "server/say.h"

static void start(struct request *rq, const struct command *command) {
    struct words rest = command->rest;
    int64_t no;
    if (!words_number(&rest, &no) || !words_empty(rest)) {
        say(rq, "请写要撤回的编号，例如：撤回 12\n发送「我的申报」看编号。");
        return;
    }
    const char *args[] = {arg_number(rq, no)};
    request_call(rq, &action_withdraw, REQUEST_CHANGES, "withdraw", 1, args);
}

static void answer(struct request *rq, const cJSON *facts) {
    if (request_refusal(facts) != NULL) {
        say_refused(rq, facts);
        return;
    }
    struct buf out;
    say_begin(rq, &out);
    buf_printf(&out, "已撤回\n编号：%" PRId64, fact_number(facts, "no"));
    say_next(&out);
    say_tap(&out, "重新申报", "申报");
    buf_puts(&out, "　");
    say_word(&out, "我的申报");
    say_end(rq, &out);
}

const struct action action_withdraw = {"withdraw", start, answer};
