/* 退回 and 驳回: the two ways to turn a declaration down, alike but for the word. */

#include <inttypes.h>
#include <string.h>

#include "server/actions/actions.h"
#include "server/actions/review.h"
#include "server/route.h"
#include "server/say.h"

static void start_any(struct request *rq, const struct command *command,
                      const struct action *action, const char *function) {
    struct words rest = command->rest;
    int64_t no;
    if (!words_number(&rest, &no)) {
        struct buf out;
        say_begin(rq, &out);
        buf_printf(&out, "请写编号和原因，例如：%s 12 请补一张现场照片\n发送「待审」看列表。",
                   command->word);
        say_end(rq, &out);
        return;
    }
    const char *args[] = {arg_number(rq, no), arg_text(rq, words_typed(rest))};
    request_call(rq, action, REQUEST_CHANGES, function, 2, args);
}

static void start_return(struct request *rq, const struct command *command) {
    start_any(rq, command, &action_return, "return_declaration");
}

static void start_reject(struct request *rq, const struct command *command) {
    start_any(rq, command, &action_reject, "reject");
}

static void refuse(struct request *rq, const cJSON *facts, const char *code, const char *word) {
    int64_t no = fact_number(facts, "no");
    struct buf out;
    say_begin(rq, &out);
    if (strcmp(code, "words_missing") == 0)
        buf_printf(&out, "请写上原因，申报人会看到，例如：%s %" PRId64 " %s", word, no,
                   strcmp(word, "退回") == 0 ? "请补一张现场照片" : "与值班记录不符");
    else if (strcmp(code, "words_too_long") == 0)
        buf_puts(&out, "原因请控制在500字以内。");
    else if (strcmp(code, "too_many_returns") == 0 && fact_true(facts, "appeal"))
        buf_printf(&out, "编号：%" PRId64 " 是申诉，不能再退回，请「通过」或「驳回」。", no);
    else if (strcmp(code, "too_many_returns") == 0)
        buf_printf(&out, "编号：%" PRId64 " 已退回过两次，不能再退回，请「通过」或「驳回」。", no);
    else {
        buf_printf(&out, "编号：%" PRId64 " ", no);
        tell_review_refusal(&out, facts);
    }
    say_next(&out);
    say_tap(&out, "待审列表", "待审");
    say_end(rq, &out);
}

static void answer_any(struct request *rq, const cJSON *facts, const char *word) {
    const char *code = request_refusal(facts);
    if (code != NULL) {
        refuse(rq, facts, code, word);
        return;
    }
    struct buf out;
    say_begin(rq, &out);
    if (fact_is(facts, "status", "returned"))
        buf_puts(&out, "已退回");
    else
        buf_puts(&out,
                 fact_is(facts, "status", "rejected_final") ? "已驳回（最终决定）" : "已驳回");
    buf_printf(&out, "\n编号：%" PRId64 " %s", fact_number(facts, "no"), fact_text(facts, "name"));
    if (fact_is(facts, "status", "returned"))
        buf_puts(&out, "\n申报人补充后会再次进入待审。");
    say_next(&out);
    say_tap(&out, "继续审核", "待审");
    say_end(rq, &out);
}

static void answer_return(struct request *rq, const cJSON *facts) {
    answer_any(rq, facts, "退回");
}

static void answer_reject(struct request *rq, const cJSON *facts) {
    answer_any(rq, facts, "驳回");
}

const struct action action_return = {"return", start_return, answer_return};
const struct action action_reject = {"reject", start_reject, answer_reject};
