/* 继续: the answer that was not ready in time, told by the action that was asked then. */

#include "server/actions/actions.h"
#include "server/route.h"
#include "server/say.h"

static void nothing(struct request *rq) {
    say(rq, "没有等待中的结果。发送「我的申报」或「帮助」继续。");
}

static void on_recalled(struct request *rq, const char *action, const char *key) {
    if (action == NULL || key == NULL || route_action(action) == NULL) {
        nothing(rq);
        return;
    }
    rq->state = arena_strndup(rq->arena, action, str_from(action).n);
    const char *args[] = {arena_strndup(rq->arena, key, str_from(key).n)};
    request_call(rq, &action_continue, REQUEST_LOOKS, "answer_of", 1, args);
}

static void start(struct request *rq, const struct command *command) {
    (void)command;
    request_recall(rq, on_recalled);
}

static void answer(struct request *rq, const cJSON *facts) {
    const struct action *action = rq->state != NULL ? route_action(rq->state) : NULL;
    if (action == NULL || action == &action_continue)
        nothing(rq);
    else
        action->answer(rq, facts);
}

const struct action action_continue = {"continue", start, answer};
