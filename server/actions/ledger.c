#include <inttypes.h>
#include <string.h>

#include "server/actions/actions.h"
#include "server/route.h"
#include "server/say.h"

#define PAGE_ROWS "8"

static void start(struct request *rq, const struct command *command) {
    struct words rest = command->rest;
    int64_t before;
    const char *args[] = {words_number(&rest, &before) ? arg_number(rq, before) : NULL, PAGE_ROWS};
    request_call(rq, &action_ledger, REQUEST_READS, "ledger", 2, args);
}

static void tell_change(struct buf *out, const cJSON *row, const char *field, const char *name) {
    int64_t amount = fact_number(row, field);
    if (amount != 0)
        buf_printf(out, "　%s%+" PRId64, name, amount);
}

static void tell_row(struct request *rq __attribute__((unused)), struct buf *out,
                     const cJSON *row) {
    say_day(out, fact_text(row, "at"));
    buf_printf(out, " %s", say_kind(fact_text(row, "kind")));
    if (fact(row, "item") != NULL)
        buf_printf(out, "：%s（编号：%" PRId64 "）", fact_text(row, "item"),
                   fact_number(row, "declaration"));
    else if (fact(row, "reason") != NULL) {
        buf_puts(out, "：");
        say_cut(out, fact_text(row, "reason"), 30);
    }
    buf_puts(out, "\n");
    tell_change(out, row, "pending", "待公示");
    tell_change(out, row, "available", "可用");
    tell_change(out, row, "reserved", "兑换中");
    int64_t debt = -fact_number(row, "debt"); /* the book keeps debt as a negative */
    if (debt != 0)
        buf_printf(out, "　待抵扣%+" PRId64, debt);
    if (fact(row, "cap") != NULL && fact_is(row, "kind", "AWARD_PENDING"))
        buf_printf(out, "（申报%s分，已到%s）", fact_text(row, "claimed"),
                   say_cap(fact_text(row, "cap")));
    buf_puts(out, "\n");
}

static void answer(struct request *rq, const cJSON *facts) {
    if (request_refusal(facts) != NULL) {
        say_refused(rq, facts);
        return;
    }
    struct buf out;
    say_begin(rq, &out);
    const cJSON *rows = fact(facts, "rows");
    int shown = say_rows(rq, &out, rows, tell_row);
    if (shown == 0)
        buf_puts(&out, "没有积分变动。申报通过后会记在这里。\n");
    buf_puts(&out, "\n");
    if (fact_true(facts, "more") || shown < cJSON_GetArraySize(rows)) {
        say_tap(&out, "更多", "更多明细 %" PRId64, say_last(rows, shown, "seq"));
        buf_puts(&out, "　");
    }
    say_tap(&out, "我的积分", "积分");
    say_end(rq, &out);
}

const struct action action_ledger = {"ledger", start, answer};
