/* 登录 and 不登录: the person's answer to a QR code for a desktop that they have scanned. The links
 * of the question carry the code's scene; nobody types it. */

#include <inttypes.h>
#include <string.h>

#include "server/actions/actions.h"
#include "server/route.h"
#include "server/say.h"

void tell_sign_in(struct buf *out, const cJSON *facts) {
    const char *scene = fact_text(facts, "sign_in");
    buf_printf(out,
               "有电脑要用您的身份登录。\n电脑屏幕上的数字是 %" PRId64
               " 吗？不是您本人操作，请点「不是我」。",
               fact_number(facts, "number"));
    say_next(out);
    say_tap(out, "是，登录", "登录 %s", scene);
    buf_puts(out, "　　");
    say_tap(out, "不是我", "不登录 %s", scene);
}

static void start(struct request *rq, const struct command *command) {
    struct str scene = words_typed(command->rest);
    if (scene.n == 0 || scene.n > 64) {
        say(rq, "请在电脑上打开页面，用微信扫二维码登录。");
        return;
    }
    const char *args[] = {str_z(rq->arena, scene),
                          strcmp(command->word, "登录") == 0 ? "true" : "false"};
    request_call(rq, &action_sign_in, REQUEST_CHANGES, "confirm_sign_in", 2, args);
}

static void answer(struct request *rq, const cJSON *facts) {
    if (request_refusal(facts) != NULL)
        say(rq, "这个二维码已经失效，请在电脑上刷新页面再扫。");
    else if (fact_true(facts, "confirmed"))
        say(rq, "已登录，请回到电脑上继续。");
    else
        say(rq, "已拒绝。请不要扫陌生人给的二维码。");
}

const struct action action_sign_in = {"sign_in", start, answer};
