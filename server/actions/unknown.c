#include "server/actions/actions.h"
#include "server/route.h"
#include "server/say.h"
#include "wechat/message.h"

/* 加入王小明: whoever forgets the blank is asked for nothing else. Only here, behind a dialogue
 * that may be under way, whose words may begin like that. */
static bool start_join(struct request *rq) {
    if (rq->words.n == 0)
        return false;
    struct words words = words_simplified(rq->arena, words_read(rq->arena, rq->words));
    size_t n = words_prefix(words.plain, "加入");
    if (n > 0)
        action_join.start(rq, &(struct command){"加入", words_after(words, n), words});
    return n > 0;
}

/* Eight capital letters and digits, of both some. */
static bool looks_like_invite(struct str plain) {
    size_t letters = 0, digits = 0;
    for (size_t i = 0; i < plain.n; i++) {
        digits += plain.p[i] >= '0' && plain.p[i] <= '9';
        letters += plain.p[i] >= 'A' && plain.p[i] <= 'Z';
    }
    return plain.n == 8 && letters + digits == 8 && letters > 0 && digits > 0;
}

/* The code alone: what is missing is a tap away. */
static bool offer_bind(struct request *rq) {
    struct str plain = rq->words.n > 0 ? words_read(rq->arena, rq->words).plain : rq->words;
    if (!looks_like_invite(plain))
        return false;
    struct buf out;
    say_begin(rq, &out);
    buf_puts(&out, "这是邀请码吗？点一下绑定身份：");
    say_tap(&out, "绑定", "绑定 %.*s", (int)plain.n, plain.p);
    say_end(rq, &out);
    return true;
}

static void start(struct request *rq, const struct command *command) {
    (void)command;
    if (start_join(rq) || offer_bind(rq))
        return;
    struct buf out;
    say_begin(rq, &out);
    if (rq->message->type == MESSAGE_TEXT || rq->message->type == MESSAGE_EVENT)
        buf_puts(&out, "没看懂您的意思。点一下就可以：");
    else
        buf_puts(&out, "请发文字或照片，其他消息暂时看不了。点一下就可以：");
    say_word(&out, "申报");
    buf_puts(&out, "　");
    say_word(&out, "积分");
    buf_puts(&out, "　");
    say_word(&out, "帮助");
    say_end(rq, &out);
}

static void answer(struct request *rq, const cJSON *facts) {
    (void)facts;
    start(rq, NULL);
}

const struct action action_unknown = {"unknown", start, answer};
