#include "server/actions/actions.h"
#include "server/route.h"
#include "server/say.h"
#include "wechat/message.h"

/* A scene is only there together with a ticket; payment and others put different things into the
 * key. Its prefix comes off once: a scene may itself begin with qrscene_. */
static const char *read_scene(struct request *rq) {
    struct str key = rq->message->event_key;
    if (rq->message->ticket.n == 0)
        return NULL;
    if (str_starts(key, STR("qrscene_")))
        key = (struct str){key.p + 8, key.n - 8};
    return arg_text(rq, key);
}

static void start(struct request *rq, const struct command *command) {
    (void)command;
    const char *args[] = {read_scene(rq)};
    request_call(rq, &action_follow, REQUEST_CHANGES, "follow", 1, args);
}

static void answer(struct request *rq, const cJSON *facts) {
    struct buf out;
    const cJSON *invite = fact(facts, "invite");
    say_begin(rq, &out);
    if (request_refusal(facts) != NULL) {
        say(rq, "这个二维码已经失效，请刷新后再扫。");
        return;
    }
    if (fact(facts, "sign_in") != NULL) {
        tell_sign_in(&out, facts);
        say_end(rq, &out);
        return;
    }
    if (invite != NULL && tell_bound(&out, invite)) {
        if (request_refusal(invite) == NULL)
            buf_puts(&out, "\n\n扫码即表示同意平台为积分服务使用您的姓名、单位等信息，随时可以发送"
                           "「隐私」查看或撤回。");
        say_end(rq, &out);
        return;
    }
    if (fact(facts, "join") != NULL) {
        buf_printf(&out, "欢迎关注%s！\n", rq->account->name);
        tell_join(&out, fact_text(facts, "join"));
        say_end(rq, &out);
        return;
    }
    if (fact_true(facts, "guest")) {
        buf_printf(&out,
                   "欢迎关注%s！\n这里可以申报志愿服务、查看积分和公示。\n\n"
                   "党员请先绑定：发送「绑定」和邀请码，例如：绑定 ABCD1234",
                   rq->account->name);
        say_next(&out);
        say_tap(&out, "看公示", "公示");
        buf_puts(&out, "　");
        say_tap(&out, "看排行", "排行");
    } else {
        buf_printf(&out, "欢迎回来，%s！", fact_text(facts, "name"));
        say_next(&out);
        say_tap(&out, "申报服务", "申报");
        buf_puts(&out, "　");
        say_tap(&out, "我的积分", "积分");
    }
    buf_puts(&out, "　");
    say_word(&out, "帮助");
    say_end(rq, &out);
}

static void start_unfollow(struct request *rq, const struct command *command) {
    (void)command;
    request_call(rq, &action_unfollow, REQUEST_CHANGES, "unfollow", 0, NULL);
}

/* Nobody is there to read an answer. */
static void answer_unfollow(struct request *rq, const cJSON *facts) {
    (void)facts;
    request_success(rq);
}

const struct action action_follow = {"follow", start, answer};
const struct action action_unfollow = {"unfollow", start_unfollow, answer_unfollow};
