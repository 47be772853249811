#include "server/actions/actions.h"
#include "server/route.h"
#include "server/say.h"
#include "wechat/message.h"

static void start(struct request *rq, const struct command *command) {
    (void)command;
    struct buf out;
    say_begin(rq, &out);
    if (rq->message->type == MESSAGE_TEXT || rq->message->type == MESSAGE_EVENT)
        buf_puts(&out, "没看懂您的意思。点一下就可以：");
    else
        buf_puts(&out, "请发文字或照片，其他消息暂时看不了。点一下就可以：");
    say_tap(&out, "申报", "申报");
    buf_puts(&out, "　");
    say_tap(&out, "积分", "积分");
    buf_puts(&out, "　");
    say_tap(&out, "帮助", "帮助");
    say_end(rq, &out);
}

static void answer(struct request *rq, const cJSON *facts) {
    (void)facts;
    start(rq, NULL);
}

const struct action action_unknown = {"unknown", start, answer};
