#include <inttypes.h>
#include <string.h>

#include "server/actions/actions.h"
#include "server/route.h"
#include "server/say.h"
#include "wechat/message.h"

static void start(struct request *rq, const struct command *command) {
    (void)command;
    const char *args[] = {str_z(rq->arena, rq->message->media_id),
                          arg_text(rq, rq->message->pic_url)};
    request_call(rq, &action_photo, REQUEST_CHANGES, "add_photo", 2, args);
}

static void answer(struct request *rq, const cJSON *facts) {
    const char *code = request_refusal(facts);
    struct buf out;
    say_begin(rq, &out);
    if (code != NULL && strcmp(code, "no_declaration") == 0) {
        buf_puts(&out, "收到照片，但您没有等待照片的申报。先申报，再发照片：");
        say_tap(&out, "开始申报", "申报");
        say_end(rq, &out);
        return;
    }
    if (code != NULL) {
        say_refused(rq, facts);
        return;
    }
    if (fact(facts, "objection")) {
        buf_printf(&out, "照片已收到（共%" PRId64 "张），附在您的异议后面\n异议编号：%" PRId64,
                   fact_number(facts, "photos"), fact_number(facts, "objection"));
        say_end(rq, &out);
        return;
    }
    buf_printf(&out, "照片已收到（共%" PRId64 "张）\n编号：%" PRId64 "，%s",
               fact_number(facts, "photos"), fact_number(facts, "no"),
               say_status(fact_text(facts, "status")));
    if (fact_true(facts, "submitted"))
        buf_puts(&out, "，已提交，请等候审核。");
    say_next(&out);
    say_word(&out, "我的申报");
    say_end(rq, &out);
}

const struct action action_photo = {"photo", start, answer};
