/* 冻结公示, 发布公示, 延长公示 and 更正 ask for a second administrator, as deciding an objection
 * does (objection.c); 同意 and 不同意 answer (domain.md INV-10). */

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "server/actions/actions.h"
#include "server/route.h"
#include "server/say.h"

/* All of `text` as a period; NULL: it is none. */
static const char *read_period(struct request *rq, struct str text) {
    char period[WORDS_PERIOD_SIZE];
    size_t n = words_period(text, period);
    return n > 0 && n == text.n ? arena_printf(rq->arena, "%s", period) : NULL;
}

static void ask(struct request *rq, const struct command *command, const struct action *action,
                const char *kind) {
    const char *period = read_period(rq, words_simplified(rq->arena, command->rest).plain);
    if (period == NULL) {
        struct buf out;
        say_begin(rq, &out);
        buf_printf(&out, "请写是哪一期，例如：%s 2026-Q3，按月公示的写 2026-10", command->word);
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

/* 延长公示 2026-Q3 2, 延长公示 2026年第三季度 2天 */
static void start_extend(struct request *rq, const struct command *command) {
    struct str text = words_simplified(rq->arena, command->rest).plain;
    size_t at = text.n;
    while (at > 0 && text.p[at - 1] != ' ')
        at--;
    int days;
    const char *period = at > 0 ? read_period(rq, (struct str){text.p, at - 1}) : NULL;
    if (period == NULL || words_count((struct str){text.p + at, text.n - at}, &days) == 0) {
        say(rq, "请写是哪一期和再加几个工作日，例如：延长公示 2026-Q3 2");
        return;
    }
    const char *args[] = {period, arg_number(rq, days)};
    request_call(rq, &action_extend, REQUEST_CHANGES, "request_extension", 2, args);
}

static void start_correct(struct request *rq, const struct command *command) {
    struct words rest = command->rest, reason;
    int64_t no;
    if (!words_number(&rest, &no) || words_empty(rest)) {
        say(rq, "请写申报编号和原因，例如：\n更正 12 当天没有这项服务\n"
                "确属虚报、要另扣分的：更正 12 虚报 冒用他人照片");
        return;
    }
    bool is_false = words_command(words_simplified(rq->arena, rest), "虚报", &reason);
    const char *args[] = {arg_number(rq, no), is_false ? "true" : "false",
                          arg_text(rq, words_typed(is_false ? reason : rest))};
    request_call(rq, &action_correct, REQUEST_CHANGES, "request_correction", 3, args);
}

/* ---- why not ---- */

/* About a period's notice. */
static bool refuse_period(struct buf *out, const cJSON *facts, const char *code) {
    const char *period = fact_text(facts, "period");
    if (strcmp(code, "period_invalid") == 0)
        buf_printf(out, "没有这一期，请写成例如：%s", fact_text(facts, "example"));
    else if (strcmp(code, "period_not_ended") == 0) {
        buf_printf(out, "%s还没有结束（最后一天是", period);
        say_day(out, fact_text(facts, "ends"));
        buf_puts(out, "），");
        say_day(out, fact_text(facts, "from"));
        buf_puts(out, "起可以冻结。");
    } else if (strcmp(code, "already") == 0)
        buf_printf(out, "%s的公示%s，不用再做。", period,
                   fact_is(facts, "status", "frozen") ? "已经冻结" : "已经发布");
    else if (strcmp(code, "not_frozen") == 0) {
        buf_printf(out, "%s的公示还没有冻结，请先：", period);
        say_tap(out, "冻结公示", "冻结公示 %s", period);
    } else if (strcmp(code, "not_published") == 0)
        buf_printf(out, "%s的公示还没有发布。", period);
    else if (strcmp(code, "window_closed") == 0) {
        buf_puts(out, "公示期已在");
        say_day(out, fact_text(facts, "last_day"));
        buf_puts(out, "结束，不能再延长。");
    } else if (strcmp(code, "days_invalid") == 0)
        buf_puts(out, "公示期只能延长，一次1到10个工作日，例如：延长公示 2026-Q3 2");
    else if (strcmp(code, "calendar_missing") == 0)
        buf_printf(out, "还没有导入%" PRId64 "年的放假安排，算不出公示期，请先导入工作日历。",
                   fact_number(facts, "year"));
    else
        return false;
    return true;
}

/* About one objection or one line. */
static bool refuse_line(struct buf *out, const cJSON *facts, const char *code) {
    static const char *const sides[][2] = {{"declarer", "您是申报人"},
                                           {"objector", "您是异议人"},
                                           {"reviewer", "这条是您审核的"},
                                           {"declarer_unit", "您与申报人同单位"},
                                           {"objector_unit", "您与异议人同单位"}};
    int64_t objection = fact_number(facts, "objection");
    if (strcmp(code, "objection_unknown") == 0)
        buf_printf(out, "没有异议编号：%" PRId64 "，请核对：", objection);
    else if (strcmp(code, "objection_decided") == 0)
        buf_printf(out, "异议编号：%" PRId64 " 已经办结。", objection);
    else if (strcmp(code, "objection_accepted") == 0)
        buf_printf(out, "异议编号：%" PRId64 " 已经受理，请核实后发「异议成立」或「异议不成立」。",
                   objection);
    else if (strcmp(code, "conflict") == 0) {
        for (size_t i = 0; i < sizeof sides / sizeof sides[0]; i++)
            if (fact_is(facts, "why", sides[i][0]))
                buf_puts(out, sides[i][1]);
        buf_puts(out, "，应当回避，请其他管理员办理。");
        return true;
    } else if (strcmp(code, "line_revoked") == 0)
        buf_printf(out, "编号：%" PRId64 " 已经撤销，不用再做。", fact_number(facts, "no"));
    else if (strcmp(code, "not_settled") == 0)
        buf_printf(out,
                   "编号：%" PRId64 " 现在是「%s」，还没有入账。更正只用于公示结束后的申报；"
                   "公示期内请用异议。",
                   fact_number(facts, "no"), say_status(fact_text(facts, "status")));
    else
        return false;
    if (objection > 0)
        say_word(out, "异议列表");
    return true;
}

/* About the request itself. */
static bool refuse_request(struct buf *out, const cJSON *facts, const char *code) {
    int64_t request = fact_number(facts, "request");
    if (strcmp(code, "pending_request") == 0) {
        buf_puts(out, "已有申请在等第二位管理员：");
        say_act(out, facts);
        buf_printf(out,
                   "\n申请编号：%" PRId64 "\n请另一位管理员发送：同意 %" PRId64
                   "，或：不同意 %" PRId64 " 原因",
                   request, request, request);
    } else if (strcmp(code, "own_request") == 0)
        buf_printf(out, "这是您自己提出的申请，请另一位管理员发送：同意 %" PRId64, request);
    else if (strcmp(code, "already_decided") == 0)
        buf_printf(out, "申请编号：%" PRId64 " 已由%s处理（%s）。", request, fact_text(facts, "by"),
                   fact_is(facts, "status", "agreed") ? "同意" : "不同意");
    else if (strcmp(code, "not_found") == 0 && request > 0)
        buf_printf(out, "没有申请编号：%" PRId64 "，请核对。", request);
    else if (strcmp(code, "words_missing") == 0)
        buf_puts(out, "请写上结论或原因，当事人会看到。");
    else
        return false;
    return true;
}

void tell_second_refused(struct request *rq, const cJSON *facts) {
    const char *code = request_refusal(facts);
    struct buf out;
    say_begin(rq, &out);
    if (refuse_period(&out, facts, code) || refuse_line(&out, facts, code) ||
        refuse_request(&out, facts, code))
        say_end(rq, &out);
    else
        say_refused(rq, facts);
}

/* ---- asked ---- */

void tell_second_asked(struct request *rq, const cJSON *facts) {
    if (request_refusal(facts) != NULL) {
        tell_second_refused(rq, facts);
        return;
    }
    int64_t request = fact_number(facts, "request");
    struct buf out;
    say_begin(rq, &out);
    buf_puts(&out, "已提出");
    say_act(&out, facts);
    buf_printf(&out, "\n申请编号：%" PRId64, request);
    say_outlook(&out, facts);
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

/* ---- done ---- */

static void tell_until(struct buf *out, const cJSON *facts) {
    const char *until = fact_text(facts, "closes_at");
    buf_puts(out, "\n公示至");
    say_day(out, until);
    buf_printf(out, " %.5s", strlen(until) >= 16 ? until + 11 : "");
}

static void tell_notice(struct buf *out, const cJSON *facts) {
    bool freeze = fact_is(facts, "kind", "freeze");
    buf_printf(out, "\n公示编号：%" PRId64 "\n%" PRId64 "人 %" PRId64 "条 %s分",
               fact_number(facts, "notice"), fact_number(facts, "members"),
               fact_number(facts, "entries"), fact_text(facts, "points"));
    if (!freeze)
        tell_until(out, facts);
    else if (fact_number(facts, "left_waiting") > 0)
        buf_printf(out, "\n没审完的%" PRId64 "条计入之后的公示",
                   fact_number(facts, "left_waiting"));
    buf_printf(out, "\n核验值：%.16s…", fact_text(facts, "root"));
    say_next(out);
    if (freeze)
        say_tap(out, "下一步：发布公示", "发布公示 %s", fact_text(facts, "period"));
    else
        say_tap(out, "看公示", "公示");
}

static void tell_objection(struct buf *out, const cJSON *facts) {
    int64_t no = fact_number(facts, "no");
    if (fact_is(facts, "outcome", "upheld"))
        buf_printf(out, "\n编号：%" PRId64 " 已撤销，积分已取消，异议人和申报人都会收到通知。", no);
    else
        buf_printf(out, "\n编号：%" PRId64 " 照常公示、入账，异议人会收到通知。", no);
    say_next(out);
    say_word(out, "异议列表");
}

static void tell_correction(struct buf *out, const cJSON *facts) {
    buf_printf(out, "\n编号：%" PRId64 " 已撤销，收回%s分", fact_number(facts, "no"),
               fact_text(facts, "taken"));
    if (fact_number(facts, "taken") < fact_number(facts, "points"))
        buf_puts(out, "（待抵扣已到下限）");
    if (fact_true(facts, "false_declaration"))
        buf_printf(out, "，虚报另扣%s分", fact_text(facts, "penalty"));
    buf_printf(out, "。更正计入%s，列入下一期公示。", fact_text(facts, "period"));
    if (fact_true(facts, "false_declaration") && fact_number(facts, "earlier") > 0)
        buf_puts(out, "\n该成员不是第一次虚报，请提交区域党委处理。");
}

static void answer_decided(struct request *rq, const cJSON *facts) {
    if (request_refusal(facts) != NULL) {
        tell_second_refused(rq, facts);
        return;
    }
    struct buf out;
    say_begin(rq, &out);
    if (!fact_true(facts, "agreed")) {
        buf_printf(&out, "已记录不同意\n申请编号：%" PRId64 "，", fact_number(facts, "request"));
        say_act(&out, facts);
        buf_puts(&out, "不执行。");
        say_end(rq, &out);
        return;
    }
    buf_puts(&out, fact_is(facts, "kind", "objection") ? "已办结：" : "已");
    say_act(&out, facts);
    if (fact_is(facts, "kind", "objection"))
        tell_objection(&out, facts);
    else if (fact_is(facts, "kind", "correction"))
        tell_correction(&out, facts);
    else if (fact_is(facts, "kind", "extension"))
        tell_until(&out, facts);
    else
        tell_notice(&out, facts);
    say_end(rq, &out);
}

const struct action action_freeze = {"freeze", start_freeze, tell_second_asked};
const struct action action_publish = {"publish", start_publish, tell_second_asked};
const struct action action_extend = {"extend", start_extend, tell_second_asked};
const struct action action_correct = {"correct", start_correct, tell_second_asked};
const struct action action_agree = {"agree", start_agree, answer_decided};
const struct action action_disagree = {"disagree", start_disagree, answer_decided};
