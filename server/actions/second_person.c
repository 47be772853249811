/* 冻结公示 and 发布公示 ask for a second administrator, 同意 and 不同意 answer (domain.md INV-10).
 */

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "server/actions/actions.h"
#include "server/route.h"
#include "server/say.h"

/* 2026-Q3, 2026Q3, 2026年第三季度 -> "2026-Q3"; NULL: none of these. */
static const char *read_period(struct request *rq, struct words rest) {
    static const char *const marks[] = {"-", "年", " ", "Q", "q", "第"};
    struct str text = words_simplified(rq->arena, rest).plain;
    int year, quarter;
    size_t n = words_count(text, &year);
    if (n != 4 || year < 2000)
        return NULL;
    for (size_t i = 0; i < sizeof marks / sizeof marks[0]; i++)
        n += words_prefix((struct str){text.p + n, text.n - n}, marks[i]);
    size_t count = words_count((struct str){text.p + n, text.n - n}, &quarter);
    if (count == 0 || quarter < 1 || quarter > 4)
        return NULL;
    n += count;
    n += words_prefix((struct str){text.p + n, text.n - n}, "季度");
    return n == text.n ? arena_printf(rq->arena, "%d-Q%d", year, quarter) : NULL;
}

static void ask(struct request *rq, const struct command *command, const struct action *action,
                const char *kind) {
    const char *period = read_period(rq, command->rest);
    if (period == NULL) {
        struct buf out;
        say_begin(rq, &out);
        buf_printf(&out, "请写季度，例如：%s 2026-Q3", command->word);
        say_end(rq, &out);
        return;
    }
    const char *args[] = {kind, period};
    request_call(rq, action, REQUEST_CHANGES, "request_second", 2, args);
}

static void start_freeze(struct request *rq, const struct command *command) {
    ask(rq, command, &action_freeze, "freeze");
}

static void start_publish(struct request *rq, const struct command *command) {
    ask(rq, command, &action_publish, "publish");
}

static const char *act_name(const cJSON *facts) {
    return fact_is(facts, "kind", "freeze") ? "冻结公示" : "发布公示";
}

static void refuse(struct request *rq, const cJSON *facts, const char *code) {
    int64_t request = fact_number(facts, "request");
    const char *period = fact_text(facts, "period");
    struct buf out;
    say_begin(rq, &out);
    if (strcmp(code, "period_invalid") == 0)
        buf_puts(&out, "没有这个季度，请写成例如：2026-Q3");
    else if (strcmp(code, "period_not_ended") == 0) {
        buf_printf(&out, "%s还没有结束，最后一天是", period);
        say_day(&out, fact_text(facts, "ends"));
        buf_puts(&out, "，之后再冻结。");
    } else if (strcmp(code, "already") == 0)
        buf_printf(&out, "%s的公示%s，不用再做。", period,
                   fact_is(facts, "status", "frozen") ? "已经冻结" : "已经发布");
    else if (strcmp(code, "not_frozen") == 0) {
        buf_printf(&out, "%s的公示还没有冻结，请先：", period);
        say_tap(&out, "冻结公示", "冻结公示 %s", period);
    } else if (strcmp(code, "calendar_missing") == 0)
        buf_printf(&out, "还没有导入%" PRId64 "年的放假安排，算不出公示期，请先导入工作日历。",
                   fact_number(facts, "year"));
    else if (strcmp(code, "pending_request") == 0)
        buf_printf(&out,
                   "已有同样的申请在等第二位管理员，申请编号：%" PRId64
                   "。请另一位管理员发送：同意 %" PRId64,
                   request, request);
    else if (strcmp(code, "own_request") == 0)
        buf_printf(&out, "这是您自己提出的申请，请另一位管理员发送：同意 %" PRId64, request);
    else if (strcmp(code, "already_decided") == 0)
        buf_printf(&out, "申请编号：%" PRId64 " 已由%s处理（%s）。", request,
                   fact_text(facts, "by"), fact_is(facts, "status", "agreed") ? "同意" : "不同意");
    else if (strcmp(code, "not_found") == 0)
        buf_printf(&out, "没有申请编号：%" PRId64 "，请核对。", request);
    else {
        say_refused(rq, facts);
        return;
    }
    say_end(rq, &out);
}

static void answer_asked(struct request *rq, const cJSON *facts) {
    const char *code = request_refusal(facts);
    if (code != NULL) {
        refuse(rq, facts, code);
        return;
    }
    int64_t request = fact_number(facts, "request");
    struct buf out;
    say_begin(rq, &out);
    buf_printf(&out, "已提出%s %s\n申请编号：%" PRId64, act_name(facts), fact_text(facts, "period"),
               request);
    if (fact_is(facts, "kind", "freeze")) {
        buf_printf(&out, "\n已通过%" PRId64 "条将列入公示", fact_number(facts, "approved"));
        if (fact_number(facts, "waiting") > 0)
            buf_printf(&out, "；还有%" PRId64 "条没审完，审完后计入之后的公示",
                       fact_number(facts, "waiting"));
    }
    buf_printf(&out, "\n\n需要第二位管理员，请对方发送：\n同意 %" PRId64, request);
    say_end(rq, &out);
}

static void decide(struct request *rq, const struct command *command, const struct action *action,
                   bool agree) {
    struct words rest = command->rest;
    int64_t no;
    if (!words_number(&rest, &no)) {
        say(rq, "请写申请编号，例如：同意 3，或：不同意 3 原因");
        return;
    }
    if (!agree && words_empty(rest)) {
        say(rq, "请写上不同意的原因，例如：不同意 3 还有申报没有审完");
        return;
    }
    const char *args[] = {arg_number(rq, no), agree ? "true" : "false",
                          arg_text(rq, words_typed(rest))};
    request_call(rq, action, REQUEST_CHANGES, "decide_request", 3, args);
}

static void start_agree(struct request *rq, const struct command *command) {
    decide(rq, command, &action_agree, true);
}

static void start_disagree(struct request *rq, const struct command *command) {
    decide(rq, command, &action_disagree, false);
}

static void answer_decided(struct request *rq, const cJSON *facts) {
    const char *code = request_refusal(facts);
    if (code != NULL) {
        refuse(rq, facts, code);
        return;
    }
    bool freeze = fact_is(facts, "kind", "freeze");
    const char *period = fact_text(facts, "period");
    struct buf out;
    say_begin(rq, &out);
    if (!fact_true(facts, "agreed")) {
        buf_printf(&out, "已记录不同意\n申请编号：%" PRId64 "，%s %s不执行。",
                   fact_number(facts, "request"), act_name(facts), period);
        say_end(rq, &out);
        return;
    }
    buf_printf(&out, "已%s %s\n公示编号：%" PRId64 "\n%" PRId64 "人 %" PRId64 "条 %s分",
               act_name(facts), period, fact_number(facts, "notice"), fact_number(facts, "members"),
               fact_number(facts, "entries"), fact_text(facts, "points"));
    if (!freeze) {
        const char *until = fact_text(facts, "closes_at");
        buf_puts(&out, "\n公示至");
        say_day(&out, until);
        buf_printf(&out, " %.5s", strlen(until) >= 16 ? until + 11 : "");
    } else if (fact_number(facts, "left_waiting") > 0)
        buf_printf(&out, "\n没审完的%" PRId64 "条计入之后的公示",
                   fact_number(facts, "left_waiting"));
    buf_printf(&out, "\n核验值：%.16s…", fact_text(facts, "root"));
    say_next(&out);
    if (freeze)
        say_tap(&out, "下一步：发布公示", "发布公示 %s", period);
    else
        say_tap(&out, "看公示", "公示");
    say_end(rq, &out);
}

const struct action action_freeze = {"freeze", start_freeze, answer_asked};
const struct action action_publish = {"publish", start_publish, answer_asked};
const struct action action_agree = {"agree", start_agree, answer_decided};
const struct action action_disagree = {"disagree", start_disagree, answer_decided};
