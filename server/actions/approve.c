#include <inttypes.h>
#include <string.h>

#include "server/actions/actions.h"
#include "server/actions/review.h"
#include "server/route.h"
#include "server/say.h"

#define APPROVE_MAX 30 /* what a reply has room for */

static void start(struct request *rq, const struct command *command) {
    int64_t numbers[APPROVE_MAX + 1];
    struct words rest = command->rest;
    size_t count = words_numbers(&rest, numbers, APPROVE_MAX + 1);
    if (count == 0 || !words_empty(rest)) {
        say(rq, "请写要通过的编号，可以一次多个，例如：通过 12 13\n发送「待审」看列表。");
        return;
    }
    if (count > APPROVE_MAX) {
        say(rq, "一次最多通过30条，请分几次发送。");
        return;
    }
    struct buf list;
    buf_init(&list, rq->arena);
    for (size_t i = 0; i < count; i++)
        buf_printf(&list, "%s%" PRId64, i == 0 ? "{" : ",", numbers[i]);
    buf_puts(&list, "}");
    const char *args[] = {buf_view(&list).p};
    request_call(rq, &action_approve, REQUEST_CHANGES_TOGETHER, "approve_together", 1, args);
}

void tell_review_refusal(struct buf *out, const cJSON *result) {
    const char *code = fact_text(result, "refusal");
    if (strcmp(code, "not_found") == 0)
        buf_puts(out, "没有这个编号");
    else if (strcmp(code, "own") == 0)
        buf_puts(out, "是您自己的申报，请由其他审核员审核");
    else if (strcmp(code, "own_unit") == 0)
        buf_puts(out, "是本单位的申报，请由其他单位的审核员审核");
    else if (strcmp(code, "already") == 0)
        buf_printf(out, "%s%s，现在是「%s」",
                   fact_true(result, "own_decision") ? "您" : fact_text(result, "by"), "已审过",
                   say_status(fact_text(result, "status")));
    else if (strcmp(code, "same_reviewer") == 0)
        buf_puts(out, "是对您所作决定的申诉，请由另一位审核员审核");
    else if (strcmp(code, "state_conflict") == 0)
        buf_printf(out, "现在是「%s」，不能审核", say_status(fact_text(result, "status")));
    else
        buf_puts(out, "现在不能审核");
}

static void tell_result(struct buf *out, const cJSON *result) {
    buf_printf(out, "编号：%" PRId64 " ", fact_number(result, "no"));
    if (!fact_true(result, "ok")) {
        tell_review_refusal(out, result);
        buf_puts(out, "\n");
        return;
    }
    buf_printf(out, "已通过，%s %s分", fact_text(result, "name"), fact_text(result, "counted"));
    if (fact(result, "cap") != NULL)
        buf_printf(out, "（申报%s分，已到%s）", fact_text(result, "claimed"),
                   say_cap(fact_text(result, "cap")));
    buf_puts(out, "\n");
}

static void answer(struct request *rq, const cJSON *facts) {
    if (request_refusal(facts) != NULL) {
        say_refused(rq, facts);
        return;
    }
    struct buf out;
    say_begin(rq, &out);
    const cJSON *result;
    cJSON_ArrayForEach(result, fact(facts, "results")) tell_result(&out, result);
    buf_puts(&out, "\n");
    say_tap(&out, "继续审核", "待审");
    say_end(rq, &out);
}

const struct action action_approve = {"approve", start, answer};
