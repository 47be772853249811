/* Joining by the QR code of a unit: a guest who scanned it sends 加入 and the name; a reviewer
 * reads 加入申请 and decides with 同意加入 and 拒绝加入. */

#include <inttypes.h>
#include <string.h>

#include "server/actions/actions.h"
#include "server/route.h"
#include "server/say.h"

#define REQUEST_ROWS "8"
#define CONSENT                                                                                    \
    "发送即表示同意平台为积分服务使用您的姓名、单位等信息，加入后可随时发送「隐私」查看或撤回。"

/* ---- the guest ---- */

void tell_join(struct buf *out, const char *unit) {
    buf_printf(out,
               "您正在加入：%s\n请发送「加入」和您的姓名，例如：\n加入 王小明 尾号1234\n"
               "（后面可写手机尾号或一句说明，方便审核员认出您）\n\n" CONSENT,
               unit);
}

static void start_join(struct request *rq, const struct command *command) {
    struct words rest = command->rest;
    const char *name = arg_text(rq, words_next(&rest));
    const char *args[] = {name, arg_text(rq, words_typed(rest))};
    request_call(rq, &action_join, REQUEST_CHANGES, "ask_to_join", 2, args);
}

static void refuse_guest(struct buf *out, const cJSON *facts, const char *code) {
    if (strcmp(code, "no_unit") == 0)
        buf_puts(out, "请先扫一扫本单位的二维码，再发送「加入」和姓名。\n"
                      "有邀请码也可以直接发：绑定 ABCD1234");
    else if (strcmp(code, "name_invalid") == 0)
        tell_join(out, fact_text(facts, "unit"));
    else if (strcmp(code, "too_many") == 0)
        buf_puts(out, "今天申请的次数太多了，请明天再试，或联系本单位的审核员。");
    else if (strcmp(code, "already_bound") == 0) {
        buf_printf(out, "您已绑定为%s（%s），不用再加入。", fact_text(facts, "name"),
                   fact_text(facts, "unit"));
        say_next(out);
        say_tap(out, "看看能做什么", "帮助");
    }
}

static void answer_join(struct request *rq, const cJSON *facts) {
    const char *code = request_refusal(facts);
    struct buf out;
    say_begin(rq, &out);
    if (code)
        refuse_guest(&out, facts, code);
    else
        buf_printf(&out,
                   "已收到申请（编号：%" PRId64 "）\n姓名：%s\n单位：%s\n"
                   "审核员确认后会告诉您。写错了就重新发一次。",
                   fact_number(facts, "request"), fact_text(facts, "name"),
                   fact_text(facts, "unit"));
    if (out.n == 0)
        say_refused(rq, facts);
    else
        say_end(rq, &out);
}

/* ---- the reviewer's list ---- */

static void start_requests(struct request *rq, const struct command *command) {
    struct words rest = command->rest;
    int64_t after;
    const char *args[] = {words_number(&rest, &after) ? arg_number(rq, after) : NULL, REQUEST_ROWS};
    request_call(rq, &action_join_requests, REQUEST_READS, "join_requests", 2, args);
}

/* Several people of one name in one unit: their numbers are all that tells them apart. */
static void offer_matches(struct buf *out, int64_t no, const cJSON *matches) {
    const cJSON *match;
    cJSON_ArrayForEach(match, matches) {
        say_tap(out, arena_printf(out->arena, "是成员%.0f", match->valuedouble),
                "同意加入 %" PRId64 " %.0f", no, match->valuedouble);
        buf_puts(out, "　");
    }
}

static void tell_request(struct request *rq __attribute__((unused)), struct buf *out,
                         const cJSON *row) {
    const cJSON *matches = fact(row, "matches");
    int64_t no = fact_number(row, "request");
    int n = cJSON_GetArraySize(matches);
    buf_printf(out, "\n\n编号：%" PRId64 "\n", no);
    say_cut(out, fact_text(row, "name"), 20);
    buf_printf(out, "（%s）", fact_text(row, "unit"));
    if (fact(row, "note")) {
        buf_puts(out, "，");
        say_cut(out, fact_text(row, "note"), 30);
    }
    buf_puts(out, n == 0   ? "\n名册中没有这个人　"
                  : n == 1 ? "\n名册中有一位，还没绑定　"
                           : "\n名册中有几位同名的　");
    if (n == 1)
        say_tap(out, "同意", "同意加入 %" PRId64, no);
    else if (n > 1)
        offer_matches(out, no, matches);
    else
        say_tap(out, "新建并同意", "同意加入 %" PRId64 " 新建", no);
    buf_puts(out, "　");
    say_tap(out, "拒绝", "拒绝加入 %" PRId64 " 不是本单位党员", no);
}

static void answer_requests(struct request *rq, const cJSON *facts) {
    const cJSON *rows = fact(facts, "rows");
    struct buf out;
    if (request_refusal(facts)) {
        say_refused(rq, facts);
        return;
    }
    say_begin(rq, &out);
    int n = cJSON_GetArraySize(rows);
    if (n == 0) {
        say(rq, "没有等待确认的加入申请。");
        return;
    }
    buf_printf(&out, "加入申请共%" PRId64 "条，认识的人再同意：", fact_number(facts, "total"));
    int shown = say_rows(rq, &out, rows, tell_request);
    if (fact_number(facts, "total") > shown) {
        say_next(&out);
        say_tap(&out, "更多", "更多加入申请 %" PRId64, say_last(rows, shown, "request"));
    }
    say_end(rq, &out);
}

/* ---- the reviewer's decision ---- */

static void start_confirm(struct request *rq, const struct command *command) {
    struct words rest = command->rest;
    int64_t no, member;
    if (!words_number(&rest, &no)) {
        say(rq, "请写申请的编号，例如：同意加入 12。发送「加入申请」看有哪些。");
        return;
    }
    const char *choice = NULL;
    if (words_is(words_simplified(rq->arena, rest), "新建"))
        choice = "new";
    else if (words_number(&rest, &member))
        choice = arg_number(rq, member);
    const char *args[] = {arg_number(rq, no), choice};
    request_call(rq, &action_confirm_join, REQUEST_CHANGES, "confirm_join", 2, args);
}

static void start_refuse(struct request *rq, const struct command *command) {
    struct words rest = command->rest;
    int64_t no;
    if (!words_number(&rest, &no)) {
        say(rq, "请写申请的编号和原因，例如：拒绝加入 12 不是本单位党员");
        return;
    }
    const char *args[] = {arg_number(rq, no), arg_text(rq, words_typed(rest))};
    request_call(rq, &action_refuse_join, REQUEST_CHANGES, "refuse_join", 2, args);
}

static void refuse_already(struct buf *out, const cJSON *facts) {
    int64_t no = fact_number(facts, "request");
    if (fact_is(facts, "status", "lapsed"))
        buf_printf(out, "申请%" PRId64 "已经不在了：对方重新申请过，或已用邀请码绑定。", no);
    else
        buf_printf(out, "申请%" PRId64 "%s已%s。", no,
                   fact_true(facts, "own_decision")
                       ? "您"
                       : arena_printf(out->arena, "由%s", fact_text(facts, "by")),
                   fact_is(facts, "status", "confirmed") ? "同意" : "拒绝");
    say_tap(out, "看其他申请", "加入申请");
}

static bool refuse_reviewer(struct buf *out, const cJSON *facts, const char *code) {
    int64_t no = fact_number(facts, "request");
    if (strcmp(code, "not_found") == 0)
        buf_printf(out, "没有编号为%" PRId64 "的加入申请。", no);
    else if (strcmp(code, "already") == 0)
        refuse_already(out, facts);
    else if (strcmp(code, "own") == 0)
        buf_puts(out, "自己的申请要由别的审核员确认。");
    else if (strcmp(code, "words_missing") == 0)
        buf_printf(out, "请写一句原因，例如：拒绝加入 %" PRId64 " 不是本单位党员", no);
    else if (strcmp(code, "no_match") == 0) {
        buf_printf(out, "%s的名册中没有还没绑定的%s。确认是本单位党员，就新建：",
                   fact_text(facts, "unit"), fact_text(facts, "name"));
        say_tap(out, "新建并同意", "同意加入 %" PRId64 " 新建", no);
    } else if (strcmp(code, "choose") == 0) {
        buf_printf(out, "%s的名册中，%s可能是：", fact_text(facts, "unit"),
                   fact_text(facts, "name"));
        offer_matches(out, no, fact(facts, "matches"));
        say_tap(out, "都不是，新建", "同意加入 %" PRId64 " 新建", no);
    } else
        return false;
    return true;
}

static void answer_decision(struct request *rq, const cJSON *facts, const char *done) {
    const char *code = request_refusal(facts);
    struct buf out;
    say_begin(rq, &out);
    if (code && !refuse_reviewer(&out, facts, code)) {
        say_refused(rq, facts);
        return;
    }
    if (!code) {
        buf_printf(&out, "%s：%s（%s）", done, fact_text(facts, "name"), fact_text(facts, "unit"));
        say_next(&out);
        say_tap(&out, "看其他申请", "加入申请");
    }
    say_end(rq, &out);
}

static void answer_confirm(struct request *rq, const cJSON *facts) {
    answer_decision(rq, facts, fact_true(facts, "new") ? "已新建并同意加入" : "已同意加入");
}

static void answer_refuse(struct request *rq, const cJSON *facts) {
    answer_decision(rq, facts, "已拒绝加入");
}

const struct action action_join = {"join", start_join, answer_join};
const struct action action_join_requests = {"join_requests", start_requests, answer_requests};
const struct action action_confirm_join = {"confirm_join", start_confirm, answer_confirm};
const struct action action_refuse_join = {"refuse_join", start_refuse, answer_refuse};
