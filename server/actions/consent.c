#include <string.h>

#include "server/actions/actions.h"
#include "server/route.h"
#include "server/say.h"

static const struct {
    const char *purpose;
    const char *word; /* what the person types and reads */
    const char *meaning;
} purposes[] = {
    {"service", "积分服务", "姓名、单位用于申报、审核和积分"},
    {"public_notice_name", "公示全名", "公示时显示全名；不开启只显示如「王*明」"},
    {"photo", "照片公开", "公开展示您的服务照片；不开启只有审核员能看"},
    {"place", "签到位置", "签到时记录一次是否在现场"},
    {"messages", "消息提醒", "给您发送结果和到期提醒"},
};

#define PURPOSES (sizeof purposes / sizeof purposes[0])

/* 隐私 alone shows; 隐私 开启 X and 隐私 关闭 X change. */
static void start(struct request *rq, const struct command *command) {
    if (words_empty(command->rest)) {
        request_call(rq, &action_consent, REQUEST_READS, "consents", 0, NULL);
        return;
    }
    struct words rest = words_simplified(rq->arena, command->rest);
    struct words what;
    bool given = words_command(rest, "开启", &what);
    if (given || words_command(rest, "关闭", &what))
        for (size_t i = 0; i < PURPOSES; i++)
            if (words_is(what, purposes[i].word)) {
                const char *args[] = {purposes[i].purpose, given ? "true" : "false"};
                request_call(rq, &action_consent, REQUEST_CHANGES, "set_consent", 2, args);
                return;
            }
    say(rq, "请写成例如：隐私 关闭 公示全名\n只发「隐私」可以看全部选项。");
}

static void answer(struct request *rq, const cJSON *facts) {
    if (request_refusal(facts) != NULL) {
        say_refused(rq, facts);
        return;
    }
    struct buf out;
    say_begin(rq, &out);
    buf_puts(&out, "您的授权，随时可以改：");
    for (size_t i = 0; i < PURPOSES; i++) {
        bool given = fact_true(facts, purposes[i].purpose);
        buf_printf(&out, "\n%s：%s　", purposes[i].word, given ? "已开启" : "未开启");
        say_tap(&out, given ? "关闭" : "开启", "隐私 %s %s", given ? "关闭" : "开启",
                purposes[i].word);
        buf_printf(&out, "\n（%s）", purposes[i].meaning);
    }
    buf_puts(&out,
             "\n\n撤回授权不影响已入账的积分。查询、更正或删除个人信息请联系区域党委办公室。");
    say_end(rq, &out);
}

const struct action action_consent = {"consent", start, answer};
