#include <inttypes.h>
#include <string.h>

#include "server/actions/actions.h"
#include "server/route.h"
#include "server/say.h"

#define CODE_MAX_BYTES 64

static void start(struct request *rq, const struct command *command) {
    struct words rest = command->rest;
    struct str code = words_next(&rest);
    if (code.n == 0 || code.n > CODE_MAX_BYTES || !words_empty(rest)) {
        say(rq, "请发送「绑定」和您的邀请码，中间空一格，例如：绑定 ABCD1234\n"
                "邀请码由区域党委办公室发放。发送邀请码即表示同意平台为积分服务使用您的姓名、单位等"
                "信息，"
                "随时可以发送「隐私」查看或撤回。");
        return;
    }
    const char *args[] = {str_z(rq->arena, code)};
    request_call(rq, &action_bind, REQUEST_CHANGES, "bind_member", 1, args);
}

static bool refuse(struct buf *out, const cJSON *facts, const char *code) {
    if (strcmp(code, "code_unknown") == 0)
        buf_printf(out, "邀请码不对，请核对后再发（还可以试%" PRId64 "次）。例如：绑定 ABCD1234",
                   fact_number(facts, "tries_left"));
    else if (strcmp(code, "code_used") == 0)
        buf_puts(out, "这个邀请码已被使用。如果不是您本人使用的，请联系区域党委办公室换一个。");
    else if (strcmp(code, "locked") == 0)
        buf_printf(out, "邀请码错误次数过多，已锁定，请%" PRId64 "分钟后再试。",
                   fact_number(facts, "minutes"));
    else if (strcmp(code, "already_bound") == 0) {
        buf_printf(out, "您已绑定为%s（%s），不用再绑定。", fact_text(facts, "name"),
                   fact_text(facts, "unit"));
        say_next(out);
        say_tap(out, "看看能做什么", "帮助");
    } else if (strcmp(code, "member_bound") == 0)
        buf_puts(out, "这位党员已绑定另一个微信。换手机或换微信请联系区域党委办公室解绑。");
    else
        return false;
    return true;
}

bool tell_bound(struct buf *out, const cJSON *facts) {
    const char *code = request_refusal(facts);
    if (code != NULL)
        return refuse(out, facts, code);
    buf_printf(out, "绑定成功\n姓名：%s\n单位：%s", fact_text(facts, "name"),
               fact_text(facts, "unit"));
    if (!fact_true(facts, "already"))
        buf_puts(out, "\n欢迎加入！做完志愿服务，在这里申报积分。");
    say_next(out);
    say_tap(out, "申报服务", "申报");
    if (fact_has_role(facts, "reviewer")) {
        buf_puts(out, "　");
        say_tap(out, "待审列表", "待审");
    }
    buf_puts(out, "　");
    say_tap(out, "全部功能", "帮助");
    return true;
}

static void answer(struct request *rq, const cJSON *facts) {
    struct buf out;
    say_begin(rq, &out);
    if (tell_bound(&out, facts))
        say_end(rq, &out);
    else
        say_refused(rq, facts);
}

const struct action action_bind = {"bind", start, answer};
