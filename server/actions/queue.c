#include <inttypes.h>

#include "server/actions/actions.h"
#include "server/evidence.h"
#include "server/member_pages.h"
#include "server/route.h"
#include "server/say.h"
#include "wechat/reply.h"

#define QUEUE_ROWS "5"

static void start(struct request *rq, const struct command *command) {
    struct words rest = command->rest;
    int64_t after;
    const char *args[] = {words_number(&rest, &after) ? arg_number(rq, after) : NULL, QUEUE_ROWS};
    request_call(rq, &action_queue, REQUEST_READS, "review_queue", 2, args);
}

static void tell_row(struct request *rq, struct buf *out, const cJSON *row) {
    int64_t no = fact_number(row, "no");
    buf_printf(out, "\n\n编号：%" PRId64 "%s\n%s（%s）\n%s，", no,
               fact_true(row, "appeal") ? "【申诉】" : "", fact_text(row, "name"),
               fact_text(row, "unit"), fact_text(row, "item"));
    say_day(out, fact_text(row, "date"));
    if (fact(row, "from") != NULL)
        buf_printf(out, " %s-%s", fact_text(row, "from"), fact_text(row, "to"));
    buf_puts(out, " ");
    say_minutes(out, fact_number(row, "minutes"));
    buf_printf(out, "，%s分\n", fact_text(row, "claimed"));
    say_cut(out, fact_text(row, "words"), 30);
    if (fact_true(row, "appeal")) {
        buf_puts(out, "\n申诉理由：");
        say_cut(out, fact_text(row, "appeal_words"), 30);
    }
    if (fact_true(row, "no_proof"))
        buf_puts(out, "\n无照片");
    else {
        buf_puts(out, "\n");
        web_link(out, arena_printf(rq->arena, "看照片%" PRId64 "张", fact_number(row, "photos")),
                 evidence_link(rq->arena, rq->services->config, rq->account, no));
    }
    if (fact(row, "used_before"))
        buf_printf(out, "（照片曾用于编号%" PRId64 "）", fact_number(row, "used_before"));
    if (fact_number(row, "waiting_days") >= 3)
        buf_printf(out, "，已等%" PRId64 "天", fact_number(row, "waiting_days"));
    buf_puts(out, "　");
    say_tap(out, "通过", "通过 %" PRId64, no);
}

static void tell_all(struct buf *out, const cJSON *rows, int shown) {
    struct buf all;
    buf_init(&all, out->arena);
    buf_puts(&all, "通过");
    for (int i = 0; i < shown; i++)
        buf_printf(&all, " %" PRId64, fact_number(cJSON_GetArrayItem(rows, i), "no"));
    say_tap(out, "以上全部通过", "%s", buf_view(&all).p);
}

static void answer(struct request *rq, const cJSON *facts) {
    if (request_refusal(facts) != NULL) {
        say_refused(rq, facts);
        return;
    }
    const cJSON *rows = fact(facts, "rows");
    struct buf out;
    say_begin(rq, &out);
    if (cJSON_GetArraySize(rows) == 0) {
        buf_puts(&out, "没有待审的申报，辛苦了！");
        say_end(rq, &out);
        return;
    }
    buf_printf(&out, "待审共%" PRId64 "条，先来先审：", fact_number(facts, "total"));
    int shown = say_rows(rq, &out, rows, tell_row);
    say_next(&out);
    if (shown > 1) {
        tell_all(&out, rows, shown);
        buf_puts(&out, "　");
    }
    /* On the last page there may be no more; the next tap says so. */
    if (fact_number(facts, "total") > shown)
        say_tap(&out, "更多", "更多待审 %" PRId64, say_last(rows, shown, "no"));
    if (rq->account->verified) {
        buf_puts(&out, "　");
        web_link(&out, "网页审核", member_page_link(rq, "review"));
    }
    buf_puts(&out, "\n要补材料发：退回 编号 原因\n不符合发：驳回 编号 原因");
    say_end(rq, &out);
}

const struct action action_queue = {"queue", start, answer};
