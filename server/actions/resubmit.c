#include "server/actions/actions.h"
#include "server/hours.h"
#include "server/route.h"
#include "server/say.h"

/* 重交 N [HOURS] [WORDS]: what is not given stays as it was. */
static void start(struct request *rq, const struct command *command) {
    struct words rest = command->rest;
    int64_t no;
    if (!words_number(&rest, &no)) {
        say(rq, "请写编号和补充的内容，例如：重交 12 2小时 打扫3号楼楼道\n时长不变可以不写。");
        return;
    }
    struct hours *hours = arena_alloc(rq->arena, sizeof *hours);
    bool timed = hours_read(rq->arena, &rest, hours);
    bool span = timed && hours->from[0] != '\0';
    if (span && hours->minutes == 0) {
        say(rq, "开始和结束时间相同，请写实际时间，例如：9:00-11:30。");
        return;
    }
    const char *args[] = {arg_number(rq, no), timed ? arg_number(rq, hours->minutes) : NULL,
                          span ? hours->from : NULL, span ? hours->to : NULL,
                          arg_text(rq, words_typed(rest))};
    request_call(rq, &action_resubmit, REQUEST_CHANGES, "resubmit", 5, args);
}

static void answer(struct request *rq, const cJSON *facts) {
    if (request_refusal(facts) != NULL) {
        say_refused(rq, facts);
        return;
    }
    struct buf out;
    say_begin(rq, &out);
    buf_puts(&out, "已重新提交，谢谢补充！\n");
    tell_declaration(&out, facts);
    say_end(rq, &out);
}

const struct action action_resubmit = {"resubmit", start, answer};
