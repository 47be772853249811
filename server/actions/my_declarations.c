#include <inttypes.h>
#include <string.h>

#include "server/actions/actions.h"
#include "server/route.h"
#include "server/say.h"

#define PAGE_ROWS "6"

static void start(struct request *rq, const struct command *command) {
    struct words rest = command->rest;
    int64_t before;
    const char *args[] = {words_number(&rest, &before) ? arg_number(rq, before) : NULL, PAGE_ROWS};
    request_call(rq, &action_my_declarations, REQUEST_READS, "my_declarations", 2, args);
}

static void tell_way_on(struct buf *out, const cJSON *row) {
    int64_t no = fact_number(row, "no");
    const cJSON *act;
    cJSON_ArrayForEach(act, fact(row, "may")) {
        const char *name = cJSON_GetStringValue(act);
        if (name == NULL)
            continue;
        if (strcmp(name, "withdraw") == 0) {
            buf_puts(out, "　");
            say_tap(out, "撤回", "撤回 %" PRId64, no);
        } else if (strcmp(name, "resubmit") == 0)
            buf_printf(out, "\n补充后发：重交 %" PRId64 " 说明", no);
        else if (strcmp(name, "appeal") == 0)
            buf_printf(out, "\n不认可可发：申诉 %" PRId64 " 理由", no);
    }
}

static void tell_row(struct request *rq __attribute__((unused)), struct buf *out,
                     const cJSON *row) {
    buf_printf(out, "编号：%" PRId64 " %s ", fact_number(row, "no"), fact_text(row, "item"));
    say_day(out, fact_text(row, "date"));
    buf_puts(out, " ");
    say_minutes(out, fact_number(row, "minutes"));
    buf_printf(out, "\n%s", say_status(fact_text(row, "status")));
    if (fact(row, "counted") == NULL)
        buf_printf(out, "，%s分", fact_text(row, "claimed"));
    else
        buf_printf(out, "，计%s分", fact_text(row, "counted"));
    if (fact(row, "counted") != NULL && fact(row, "cap") != NULL)
        buf_printf(out, "（申报%s分，已到%s）", fact_text(row, "claimed"),
                   say_cap(fact_text(row, "cap")));
    if (fact(row, "reason") != NULL) {
        buf_puts(out, "\n说明：");
        say_cut(out, fact_text(row, "reason"), 40);
    }
    tell_way_on(out, row);
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
        buf_puts(&out, "没有申报记录。做完服务就来申报吧：");
    if (fact_true(facts, "more") || shown < cJSON_GetArraySize(rows)) {
        say_tap(&out, "更多", "更多申报 %" PRId64, say_last(rows, shown, "no"));
        buf_puts(&out, "　");
    }
    say_tap(&out, "新的申报", "申报");
    say_end(rq, &out);
}

const struct action action_my_declarations = {"my_declarations", start, answer};
