/* 继续: the answer that was not ready in time. What was to be changed is never begun here, only
 * looked up, and told by the action that was asked then; a question is asked again. */

#include <string.h>

#include "server/actions/actions.h"
#include "server/route.h"
#include "server/say.h"

static void nothing(struct request *rq) {
    say(rq, "没有等待中的结果。发送「我的申报」或「帮助」继续。");
}

static void on_recalled(struct request *rq, const char *action, const char *key, struct str words) {
    if (key != NULL && words.n > 0) {
        rq->key = key; /* one more attempt of the same message: a dialogue must not move twice */
        route_text(rq, words);
        return;
    }
    if (action == NULL || key == NULL || route_action(action) == NULL) {
        nothing(rq);
        return;
    }
    rq->state = arena_strndup(rq->arena, action, str_from(action).n);
    const char *args[] = {key};
    request_call(rq, &action_continue, REQUEST_LOOKS, "answer_of", 1, args);
}

static void start(struct request *rq, const struct command *command) {
    (void)command;
    request_recall(rq, on_recalled);
}

static void not_yet(struct request *rq) {
    struct buf out;
    say_begin(rq, &out);
    buf_puts(&out, "还没有结果，请过一会儿再发送「");
    say_word(&out, "继续");
    buf_puts(&out, "」。几分钟后还没有，就请再发一次原来的内容。");
    say_end(rq, &out);
}

static void answer(struct request *rq, const cJSON *facts) {
    const struct action *action = rq->state != NULL ? route_action(rq->state) : NULL;
    const char *refusal = request_refusal(facts);
    if (action == NULL || action == &action_continue)
        nothing(rq);
    else if (refusal != NULL && strcmp(refusal, "not_answered") == 0)
        not_yet(rq);
    else
        action->answer(rq, facts);
}

const struct action action_continue = {"continue", start, answer};
