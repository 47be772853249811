/* 通知: whether this person wants to be told. 通知 开 and 通知 关 change it. */

#include "server/actions/actions.h"
#include "server/route.h"
#include "server/say.h"

static void start(struct request *rq, const struct command *command) {
    struct words rest = words_simplified(rq->arena, command->rest);
    bool on = words_is(rest, "开") || words_is(rest, "开启");
    if (on || words_is(rest, "关") || words_is(rest, "关闭")) {
        const char *args[] = {"messages", on ? "true" : "false"};
        request_call(rq, &action_notifications, REQUEST_CHANGES, "set_consent", 2, args);
    } else {
        request_call(rq, &action_notifications, REQUEST_READS, "consents", 0, NULL);
    }
}

static void answer(struct request *rq, const cJSON *facts) {
    if (request_refusal(facts) != NULL) {
        say_refused(rq, facts);
        return;
    }
    struct buf out;
    say_begin(rq, &out);
    if (fact_true(facts, "messages")) {
        buf_puts(&out, "消息提醒：已开启\n申报结果、公示和异议的结果会告诉您，没有其他消息。");
        say_next(&out);
        say_tap(&out, "关闭提醒", "通知 关");
    } else {
        buf_puts(&out, "消息提醒：已关闭\n结果请随时发送「我的申报」查看。");
        say_next(&out);
        say_tap(&out, "开启提醒", "通知 开");
    }
    say_end(rq, &out);
}

const struct action action_notifications = {"notifications", start, answer};
