#include <inttypes.h>
#include <string.h>

#include "server/actions/actions.h"
#include "server/route.h"
#include "server/say.h"

#define PAGE_ROWS "5"
#define ROWS_ASKED 5

static void start(struct request *rq, const struct command *command) {
    struct words rest = command->rest;
    int64_t before;
    const char *args[] = {words_number(&rest, &before) ? arg_number(rq, before) : NULL, PAGE_ROWS};
    request_call(rq, &action_my_objections, REQUEST_READS, "my_objections", 2, args);
}

static void tell_row(struct request *rq __attribute__((unused)), struct buf *out,
                     const cJSON *row) {
    buf_printf(out, "异议编号：%" PRId64 "，%s\n公示%" PRId64 " 第%" PRId64 "号 ",
               fact_number(row, "objection"), say_objection_status(fact_text(row, "status")),
               fact_number(row, "notice"), fact_number(row, "no"));
    say_cut(out, fact_text(row, "unit"), 20);
    buf_printf(out, " %s\n您写的：", fact_text(row, "item"));
    say_cut(out, fact_text(row, "words"), 40);
    if (fact(row, "answer")) {
        buf_puts(out, "\n答复：");
        say_cut(out, fact_text(row, "answer"), 100);
    } else {
        buf_puts(out, "\n最晚");
        say_day(out, fact_text(row, "answer_by"));
        buf_puts(out, "答复");
    }
    buf_puts(out, "\n\n");
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
        buf_puts(&out, "您没有提过异议。对公示有疑问，先看名单：\n");
    if (shown == ROWS_ASKED || shown < cJSON_GetArraySize(rows)) {
        say_tap(&out, "更早的异议", "更早异议 %" PRId64, say_last(rows, shown, "objection"));
        buf_puts(&out, "　");
    }
    say_tap(&out, "看公示", "公示");
    say_end(rq, &out);
}

const struct action action_my_objections = {"my_objections", start, answer};
