/* 异议 files an objection to a line of a notice; 异议列表, 异议受理, 异议成立, 异议不成立 and
 * 异议不受理 are the administrators' side of it (domain.md 4.3). */

#include <inttypes.h>
#include <string.h>

#include "server/actions/actions.h"
#include "server/dialogue.h"
#include "server/evidence.h"
#include "server/route.h"
#include "server/say.h"
#include "wechat/reply.h"

#define LIST_ROWS "5"
#define NOTICE_MAX 2147483647

/* ---- filing ---- */

static void tell_how(struct request *rq) {
    struct buf out;
    say_begin(rq, &out);
    buf_puts(&out, "对公示的哪一条有异议？先打开名单找到那一行，点「提异议」；或者发：\n"
                   "异议 公示编号 条目编号 理由\n例如：异议 1 12 当天没有这项服务\n"
                   "您的姓名只有区域党委知道，不会公开，也不会告诉申报人。");
    say_next(&out);
    say_tap(&out, "看公示", "公示");
    buf_puts(&out, "　");
    say_tap(&out, "我的异议", "我的异议");
    say_end(rq, &out);
}

static void answer_how(struct request *rq, const cJSON *facts) {
    (void)facts; /* no notice was named; who is not bound has been told how already */
    tell_how(rq);
}

static const struct action ask_how = {"object", NULL, answer_how};

/* What is missing is asked for, and binding before anything else. */
static void say_how(struct request *rq) {
    const char *none[] = {NULL, NULL};
    request_call(rq, &ask_how, REQUEST_READS, "line_to_object", 2, none);
}

static void start_object(struct request *rq, const struct command *command) {
    struct words rest = command->rest;
    int64_t notice, no;
    if (!words_number(&rest, &notice) || notice < 1 || notice > NOTICE_MAX)
        say_how(rq);
    else if (words_empty(rest))
        dialogue_object(rq, notice, 0);
    else if (!words_number(&rest, &no))
        say_how(rq);
    else if (words_empty(rest))
        dialogue_object(rq, notice, no);
    else {
        const char *args[] = {arg_number(rq, notice), arg_number(rq, no),
                              arg_text(rq, words_typed(rest)), arg_now(rq->arena)};
        request_call(rq, &action_object, REQUEST_CHANGES, "object", 4, args);
    }
}

bool tell_filing_refusal(struct buf *out, const cJSON *facts) {
    const char *code = request_refusal(facts);
    int64_t notice = fact_number(facts, "notice"), no = fact_number(facts, "no");
    if (strcmp(code, "notice_unknown") == 0)
        buf_puts(out, "没有这份公示，请核对公示编号。");
    else if (strcmp(code, "line_unknown") == 0)
        buf_printf(out, "公示%" PRId64 "里没有编号：%" PRId64 "，请核对。", notice, no);
    else if (strcmp(code, "window_closed") == 0) {
        buf_puts(out, "异议期已在");
        say_day(out, fact_text(facts, "last_day"));
        buf_puts(out, "结束。之后发现的问题，请向区域党委办公室反映。");
    } else if (strcmp(code, "line_revoked") == 0)
        buf_printf(out, "编号：%" PRId64 " 已被撤销，不用再提异议。", no);
    else if (strcmp(code, "already_filed") == 0)
        buf_printf(out, "您对编号：%" PRId64 " 已提过异议（异议编号：%" PRId64 "），正在处理。", no,
                   fact_number(facts, "objection"));
    else if (strcmp(code, "too_many_open") == 0)
        buf_printf(out, "您有%" PRId64 "条异议还在处理，等有了答复再提新的。",
                   fact_number(facts, "most"));
    else if (strcmp(code, "words_missing") == 0)
        buf_puts(out, "请写上理由，例如：当天没有这项服务");
    else
        return false;
    return true;
}

void tell_object_refused(struct request *rq, const cJSON *facts) {
    const char *code = request_refusal(facts);
    struct buf out;
    say_begin(rq, &out);
    if (!tell_filing_refusal(&out, facts)) {
        say_refused(rq, facts);
        return;
    }
    if (strcmp(code, "words_missing") != 0) {
        say_next(&out);
        if (strcmp(code, "already_filed") == 0 || strcmp(code, "too_many_open") == 0)
            say_tap(&out, "我的异议", "我的异议");
        else
            say_tap(&out, "看公示", "公示");
    }
    say_end(rq, &out);
}

static void answer_object(struct request *rq, const cJSON *facts) {
    if (request_refusal(facts) != NULL) {
        tell_object_refused(rq, facts);
        return;
    }
    struct buf out;
    say_begin(rq, &out);
    buf_printf(&out, "已收到您的异议\n异议编号：%" PRId64 "\n公示%" PRId64 "，第%" PRId64 "号：",
               fact_number(facts, "objection"), fact_number(facts, "notice"),
               fact_number(facts, "no"));
    say_cut(&out, fact_text(facts, "unit"), 20);
    buf_puts(&out, " ");
    say_cut(&out, fact_text(facts, "item"), 20);
    buf_puts(&out, "\n有照片可以接着发来。最晚");
    say_day(&out, fact_text(facts, "answer_by"));
    buf_puts(&out, "答复您。\n您的姓名只有区域党委知道，不会公开，也不会告诉申报人。");
    say_next(&out);
    say_tap(&out, "我的异议", "我的异议");
    say_end(rq, &out);
}

/* ---- the administrators' list ---- */

static void start_list(struct request *rq, const struct command *command) {
    struct words rest = command->rest;
    int64_t after;
    const char *args[] = {words_number(&rest, &after) ? arg_number(rq, after) : NULL, LIST_ROWS};
    request_call(rq, &action_objections, REQUEST_READS, "objections", 2, args);
}

static void tell_photos(struct request *rq, struct buf *out, const cJSON *row) {
    int64_t own = fact_number(row, "photos"), line = fact_number(row, "line_photos");
    if (own > 0) {
        buf_puts(out, "\n");
        web_link(out, arena_printf(rq->arena, "异议照片%" PRId64 "张", own),
                 evidence_objection_link(rq->arena, rq->services->config, rq->account,
                                         fact_number(row, "objection")));
    }
    if (line > 0) {
        buf_puts(out, own > 0 ? "　" : "\n");
        web_link(
            out, arena_printf(rq->arena, "申报照片%" PRId64 "张", line),
            evidence_link(rq->arena, rq->services->config, rq->account, fact_number(row, "no")));
    }
}

/* What this administrator can do about it now. */
static void tell_next_act(struct buf *out, const cJSON *row) {
    int64_t objection = fact_number(row, "objection");
    if (fact(row, "request")) {
        buf_printf(out, "\n%s提出：%s（", fact_text(row, "asked_by"),
                   say_outcome(fact_text(row, "outcome")));
        say_cut(out, fact_text(row, "outcome_words"), 30);
        buf_puts(out, "）");
        if (!fact(row, "conflict") && !fact_true(row, "own_request"))
            say_tap(out, "　同意", "同意 %" PRId64, fact_number(row, "request"));
        else
            buf_puts(out, "，等第二位管理员");
    } else if (fact(row, "conflict"))
        buf_puts(out, "\n您与此事有关，请其他管理员处理");
    else if (fact_is(row, "status", "filed")) {
        buf_puts(out, "　");
        say_tap(out, "受理", "异议受理 %" PRId64, objection);
    }
}

static void tell_row(struct request *rq, struct buf *out, const cJSON *row) {
    buf_printf(out, "\n\n异议编号：%" PRId64 "%s，", fact_number(row, "objection"),
               fact_is(row, "status", "filed") ? "（未受理）" : "（核实中）");
    buf_puts(out, fact_true(row, "overdue") ? "已超期，应在" : "最晚");
    say_day(out, fact_text(row, "answer_by"));
    buf_printf(out, "答复\n公示%" PRId64 " 第%" PRId64 "号 %s（", fact_number(row, "notice"),
               fact_number(row, "no"), fact_text(row, "name"));
    say_cut(out, fact_text(row, "unit"), 20);
    buf_printf(out, "）%s，", fact_text(row, "item"));
    say_day(out, fact_text(row, "date"));
    buf_printf(out, "，%s分：", fact_text(row, "points"));
    say_cut(out, fact_text(row, "declared"), 30);
    buf_printf(out, "\n%s认为：", fact_text(row, "objector"));
    say_cut(out, fact_text(row, "words"), 60);
    tell_photos(rq, out, row);
    tell_next_act(out, row);
}

static void answer_list(struct request *rq, const cJSON *facts) {
    if (request_refusal(facts) != NULL) {
        say_refused(rq, facts);
        return;
    }
    struct buf out;
    say_begin(rq, &out);
    const cJSON *rows = fact(facts, "rows");
    int64_t total = fact_number(facts, "total");
    buf_printf(&out, "待办异议共%" PRId64 "条（异议人请保密）：", total);
    int shown = say_rows(rq, &out, rows, tell_row);
    if (shown == 0) {
        say(rq, "没有待办的异议。");
        return;
    }
    say_next(&out);
    if (total > shown) {
        say_tap(&out, "更多", "更多异议 %" PRId64, say_last(rows, shown, "objection"));
        buf_puts(&out, "\n");
    }
    buf_puts(&out, "异议成立 异议编号 结论\n异议不成立 异议编号 结论\n异议不受理 异议编号 原因");
    say_end(rq, &out);
}

/* ---- taking up, deciding ---- */

static void start_accept(struct request *rq, const struct command *command) {
    struct words rest = command->rest;
    int64_t objection;
    if (!words_number(&rest, &objection)) {
        say(rq, "请写异议编号，例如：异议受理 5");
        return;
    }
    const char *args[] = {arg_number(rq, objection)};
    request_call(rq, &action_accept_objection, REQUEST_CHANGES, "accept_objection", 1, args);
}

static void answer_accept(struct request *rq, const cJSON *facts) {
    if (request_refusal(facts) != NULL) {
        tell_second_refused(rq, facts);
        return;
    }
    int64_t objection = fact_number(facts, "objection");
    struct buf out;
    say_begin(rq, &out);
    buf_printf(&out, "已受理，请核实\n异议编号：%" PRId64 "\n最晚", objection);
    say_day(&out, fact_text(facts, "answer_by"));
    buf_printf(&out,
               "答复。核实后发：\n异议成立 %" PRId64 " 结论\n异议不成立 %" PRId64
               " 结论\n结论会告诉异议人；撤销时也告诉申报人，请不要写出异议人是谁。",
               objection, objection);
    say_end(rq, &out);
}

static void decide(struct request *rq, const struct command *command, const struct action *action,
                   const char *outcome) {
    struct words rest = command->rest;
    int64_t objection;
    if (!words_number(&rest, &objection) || words_empty(rest)) {
        struct buf out;
        say_begin(rq, &out);
        buf_printf(&out, "请写异议编号和结论，例如：%s 5 已核实签到记录", command->word);
        say_next(&out);
        say_word(&out, "异议列表");
        say_end(rq, &out);
        return;
    }
    const char *args[] = {arg_number(rq, objection), outcome, arg_text(rq, words_typed(rest))};
    request_call(rq, action, REQUEST_CHANGES, "request_objection", 3, args);
}

static void start_uphold(struct request *rq, const struct command *command) {
    decide(rq, command, &action_uphold, "upheld");
}

static void start_dismiss(struct request *rq, const struct command *command) {
    decide(rq, command, &action_dismiss, "dismissed");
}

static void start_turn_away(struct request *rq, const struct command *command) {
    decide(rq, command, &action_turn_away, "not_accepted");
}

const struct action action_object = {"object", start_object, answer_object};
const struct action action_objections = {"objections", start_list, answer_list};
const struct action action_accept_objection = {"accept_objection", start_accept, answer_accept};
const struct action action_uphold = {"uphold", start_uphold, tell_second_asked};
const struct action action_dismiss = {"dismiss", start_dismiss, tell_second_asked};
const struct action action_turn_away = {"turn_away", start_turn_away, tell_second_asked};
