#include "server/route.h"

#include <string.h>
#include <strings.h>

#include "server/actions/actions.h"
#include "server/dialogue.h"
#include "wechat/message.h"

enum shape {
    ALONE,      /* the word is all of the message */
    WITH_WORDS, /* the word may be followed by more */
};

/* The dialogue's own commands: nothing to look up in the database, nothing to show again. */
static void start_cancel(struct request *rq, const struct command *command)
{
    (void)command;
    dialogue_cancel_words(rq);
}

static void start_back(struct request *rq, const struct command *command)
{
    (void)command;
    dialogue_back(rq);
}

static const struct action action_cancel = {"cancel", start_cancel, NULL};
static const struct action action_back = {"back", start_back, NULL};

static const struct {
    const char *word;
    enum shape shape;
    const struct action *action;
} table[] = {
    {"绑定", WITH_WORDS, &action_bind},
    {"申报", WITH_WORDS, &action_declare},
    {"取消", ALONE, &action_cancel},
    {"上一步", ALONE, &action_back},
    {"我的申报", ALONE, &action_my_declarations},
    {"更多申报", WITH_WORDS, &action_my_declarations},
    {"撤回", WITH_WORDS, &action_withdraw},
    {"重交", WITH_WORDS, &action_resubmit},
    {"申诉", WITH_WORDS, &action_appeal},
    {"积分", ALONE, &action_balance},
    {"我的积分", ALONE, &action_balance},
    {"明细", ALONE, &action_ledger},
    {"更多明细", WITH_WORDS, &action_ledger},
    {"排行", ALONE, &action_rank},
    {"公示", ALONE, &action_notices},
    {"更多公示", WITH_WORDS, &action_notices},
    {"待审", ALONE, &action_queue},
    {"更多待审", WITH_WORDS, &action_queue},
    {"通过", WITH_WORDS, &action_approve},
    {"退回", WITH_WORDS, &action_return},
    {"驳回", WITH_WORDS, &action_reject},
    {"冻结公示", WITH_WORDS, &action_freeze},
    {"发布公示", WITH_WORDS, &action_publish},
    {"同意", WITH_WORDS, &action_agree},
    {"不同意", WITH_WORDS, &action_disagree},
    {"隐私", WITH_WORDS, &action_consent},
    {"继续", ALONE, &action_continue},
    {"帮助", ALONE, &action_help},
    {"菜单", ALONE, &action_help},
};

/* Without a word of their own. */
static const struct action *const others[] = {&action_follow, &action_unfollow, &action_photo,
                                              &action_unknown};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct action *find(struct words words, struct command *out)
{
    for (size_t i = 0; i < COUNT(table); i++) {
        struct words rest = words_after(words, words.plain.n);
        bool fits = table[i].shape == ALONE ? words_is(words, table[i].word)
                                            : words_command(words, table[i].word, &rest);
        if (fits) {
            *out = (struct command){.word = table[i].word, .rest = rest, .text = words};
            return table[i].action;
        }
    }
    return NULL;
}

const struct action *route_words(struct arena *arena, struct words words, struct command *out)
{
    const struct action *action = find(words, out);
    if (action == NULL)
        action = find(words_simplified(arena, words), out);
    return action;
}

const struct action *route_action(const char *name)
{
    for (size_t i = 0; i < COUNT(table); i++)
        if (strcmp(table[i].action->name, name) == 0 && table[i].action->answer != NULL)
            return table[i].action;
    for (size_t i = 0; i < COUNT(others); i++)
        if (strcmp(others[i]->name, name) == 0)
            return others[i];
    return NULL;
}

static void route_text(struct request *rq, struct str text)
{
    struct words words = words_read(rq->arena, text);
    struct command *command = arena_alloc(rq->arena, sizeof *command);
    const struct action *action = route_words(rq->arena, words, command);
    if (action != NULL)
        action->start(rq, command);
    else
        dialogue_input(rq, words);
}

static bool event_is(struct str event, const char *name)
{
    return event.n == strlen(name) && strncasecmp(event.p, name, event.n) == 0;
}

/* What is not listed is not acted on: pictures of a menu come again as messages, links open by
 * themselves, reports of jobs need no answer. */
static void route_event(struct request *rq)
{
    struct str event = rq->message->event;
    if (event_is(event, "subscribe") || event_is(event, "SCAN"))
        action_follow.start(rq, NULL);
    else if (event_is(event, "unsubscribe"))
        action_unfollow.start(rq, NULL);
    else if (event_is(event, "CLICK"))
        route_text(rq, rq->message->event_key);
    else
        request_success(rq);
}

void route_message(struct request *rq)
{
    switch (rq->message->type) {
    case MESSAGE_TEXT:
        route_text(rq, rq->message->content);
        return;
    case MESSAGE_IMAGE:
        dialogue_photo(rq);
        return;
    case MESSAGE_EVENT:
        route_event(rq);
        return;
    case MESSAGE_VOICE:
    case MESSAGE_VIDEO:
    case MESSAGE_SHORTVIDEO:
    case MESSAGE_LOCATION:
    case MESSAGE_LINK:
        action_unknown.start(rq, NULL);
        return;
    case MESSAGE_UNKNOWN:
        break;
    }
    request_success(rq);
}
