#include "server/route.h"

#include <string.h>

#include "server/actions/actions.h"
#include "server/dialogue.h"
#include "wechat/message.h"

/* How a command's word is recognised. */
enum matching {
    ALONE, /* the whole message: 积分 is a command, 积分怎么用 is a question */
    WITH_REST,
};

static const struct {
    const char *word;
    enum matching matching;
    const struct action *action;
} commands[] = {
    {"绑定", WITH_REST, &action_bind},
    {"申报", WITH_REST, &action_declare},
    {"我的申报", ALONE, &action_my_declarations},
    {"更多申报", WITH_REST, &action_my_declarations},
    {"撤回", WITH_REST, &action_withdraw},
    {"重交", WITH_REST, &action_resubmit},
    {"申诉", WITH_REST, &action_appeal},
    {"积分", ALONE, &action_balance},
    {"明细", ALONE, &action_ledger},
    {"更多明细", WITH_REST, &action_ledger},
    {"排行", ALONE, &action_rank},
    {"公示", ALONE, &action_notices},
    {"更多公示", WITH_REST, &action_notices},
    {"异议", WITH_REST, &action_object},
    {"我的异议", ALONE, &action_my_objections},
    {"更早异议", WITH_REST, &action_my_objections},
    {"异议列表", ALONE, &action_objections},
    {"更多异议", WITH_REST, &action_objections},
    {"异议受理", WITH_REST, &action_accept_objection},
    {"异议成立", WITH_REST, &action_uphold},
    {"异议不成立", WITH_REST, &action_dismiss},
    {"异议不受理", WITH_REST, &action_turn_away},
    {"待审", ALONE, &action_queue},
    {"更多待审", WITH_REST, &action_queue},
    {"通过", WITH_REST, &action_approve},
    {"退回", WITH_REST, &action_return},
    {"驳回", WITH_REST, &action_reject},
    {"冻结公示", WITH_REST, &action_freeze},
    {"发布公示", WITH_REST, &action_publish},
    {"延长公示", WITH_REST, &action_extend},
    {"更正", WITH_REST, &action_correct},
    {"同意", WITH_REST, &action_agree},
    {"不同意", WITH_REST, &action_disagree},
    {"加入", WITH_REST, &action_join},
    {"加入申请", ALONE, &action_join_requests},
    {"更多加入申请", WITH_REST, &action_join_requests},
    {"同意加入", WITH_REST, &action_confirm_join},
    {"拒绝加入", WITH_REST, &action_refuse_join},
    {"隐私", WITH_REST, &action_consent},
    {"通知", WITH_REST, &action_notifications},
    {"登录", WITH_REST, &action_sign_in},
    {"不登录", WITH_REST, &action_sign_in},
    {"继续", ALONE, &action_continue},
    {"帮助", ALONE, &action_help},
};

/* Actions that no word asks for, but whose stored answers 继续 may show. */
static const struct action *const others[] = {&action_follow, &action_unfollow, &action_photo,
                                              &action_unknown};

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static const struct action *match(struct words words, struct command *out) {
    for (size_t i = 0; i < COUNT(commands); i++) {
        struct words rest = {0};
        bool matched = commands[i].matching == ALONE
                           ? words_is(words, commands[i].word)
                           : words_command(words, commands[i].word, &rest);
        if (matched) {
            *out = (struct command){commands[i].word, rest, words};
            return commands[i].action;
        }
    }
    return NULL;
}

const struct action *route_words(struct arena *arena, struct words words, struct command *out) {
    const struct action *action = match(words, out);
    return action != NULL ? action : match(words_simplified(arena, words), out);
}

const struct action *route_action(const char *name) {
    for (size_t i = 0; i < COUNT(commands); i++) {
        if (strcmp(commands[i].action->name, name) == 0) {
            return commands[i].action;
        }
    }
    for (size_t i = 0; i < COUNT(others); i++) {
        if (strcmp(others[i]->name, name) == 0) {
            return others[i];
        }
    }
    return NULL;
}

/* The words that steer a dialogue come before its input, behind no command. */
void route_text(struct request *rq, struct str text) {
    rq->words = text;
    struct words words = words_read(rq->arena, text);
    struct command command;
    const struct action *action = route_words(rq->arena, words, &command);
    if (action != NULL) {
        action->start(rq, &command);
    } else if (words_is(words, "取消") || words_is(words, "退出")) {
        dialogue_cancel_words(rq);
    } else if (words_is(words, "上一步") || words_is(words, "返回")) {
        dialogue_back(rq);
    } else {
        dialogue_input(rq, words);
    }
}

static const struct {
    const char *event;
    const struct action *action;
} events[] = {
    {"subscribe", &action_follow},
    {"SCAN", &action_follow},
    {"unsubscribe", &action_unfollow},
    {"TEMPLATESENDJOBFINISH", &action_send_result},
    {"subscribe_msg_sent_event", &action_send_result},
    {"PUBLISHJOBFINISH", &action_publication},
    {"subscribe_msg_popup_event", &action_subscription},
    {"subscribe_msg_change_event", &action_subscription},
};

/* A tapped button is what its key says. What we do not act on is accepted in silence: the platform
 * asks no more. */
static void route_event(struct request *rq) {
    static const struct command none = {.word = ""};
    if (str_is_nocase(rq->message->event, "CLICK")) {
        route_text(rq, rq->message->event_key);
        return;
    }
    for (size_t i = 0; i < COUNT(events); i++)
        if (str_is_nocase(rq->message->event, events[i].event)) {
            events[i].action->start(rq, &none);
            return;
        }
    request_success(rq);
}

void route_message(struct request *rq) {
    static const struct command none = {.word = ""};
    switch (rq->message->type) {
    case MESSAGE_TEXT:
        route_text(rq, rq->message->content);
        break;
    case MESSAGE_IMAGE:
        dialogue_photo(rq);
        break;
    case MESSAGE_EVENT:
        route_event(rq);
        break;
    case MESSAGE_UNKNOWN:
        request_success(rq);
        break;
    case MESSAGE_VOICE:
    case MESSAGE_VIDEO:
    case MESSAGE_SHORTVIDEO:
    case MESSAGE_LOCATION:
    case MESSAGE_LINK:
        action_unknown.start(rq, &none);
        break;
    }
}
