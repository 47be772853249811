#include <inttypes.h>

#include "server/actions/actions.h"
#include "server/route.h"
#include "server/say.h"
#include "wechat/reply.h"

#define PAGE_ROWS "6"
#define NOTICE_MAX 2147483647

static void start(struct request *rq, const struct command *command) {
    struct words rest = command->rest;
    int64_t before;
    bool paged = words_number(&rest, &before) && before <= NOTICE_MAX;
    const char *args[] = {paged ? arg_number(rq, before) : NULL, PAGE_ROWS};
    request_call(rq, &action_notices, REQUEST_LOOKS, "notices", 2, args);
}

/* 2026-11-30T00:00:00+08:00 is the end of the 29th, but midnight said as such is understood too. */
static void tell_until(struct buf *out, const char *time) {
    say_day(out, time);
    buf_printf(out, " %.5s", str_from(time).n >= 16 ? time + 11 : "");
}

static void tell_row(struct request *rq, struct buf *out, const cJSON *row) {
    const char *url =
        arena_printf(rq->arena, "%s/%s/notices/%" PRId64, rq->services->config->public_url,
                     rq->account->id, fact_number(row, "id"));
    web_link(out, fact_text(row, "title"), url);
    buf_printf(out, "\n%" PRId64 "人 %" PRId64 "条 %s分，", fact_number(row, "members"),
               fact_number(row, "entries"), fact_text(row, "points"));
    if (fact_is(row, "status", "final"))
        buf_puts(out, "已结束");
    else {
        buf_puts(out, "公示至");
        tell_until(out, fact_text(row, "closes_at"));
        buf_puts(out, "　");
        say_tap(out, "提异议", "异议 %" PRId64, fact_number(row, "id"));
    }
}

static void answer(struct request *rq, const cJSON *facts) {
    struct buf out;
    say_begin(rq, &out);
    const cJSON *rows = fact(facts, "notices");
    const cJSON *row;
    cJSON_ArrayForEach(row, rows) {
        if (out.n > 0)
            say_next(&out);
        tell_row(rq, &out, row);
    }
    if (cJSON_GetArraySize(rows) == 0)
        buf_puts(&out, "还没有公示。每期结束后，审核通过的积分会在这里公示。");
    if (fact_number(facts, "next") > 0) {
        say_next(&out);
        say_tap(&out, "更早的公示", "更多公示 %" PRId64, fact_number(facts, "next"));
    }
    say_end(rq, &out);
}

const struct action action_notices = {"notices", start, answer};
