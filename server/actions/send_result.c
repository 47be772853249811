/* What the platform tells about messages it was given: whether they arrived, and which
 * subscription notifications a person has agreed to. Nobody reads an answer. */

#include <string.h>

#include "server/actions/actions.h"
#include "server/route.h"
#include "server/say.h"
#include "wechat/api.h"
#include "wechat/message.h"

static void answer(struct request *rq, const cJSON *facts) {
    (void)facts;
    request_success(rq);
}

/* TEMPLATESENDJOBFINISH: success, failed:user block, failed: system failed. */
static void start(struct request *rq, const struct command *command) {
    (void)command;
    const struct message *m = rq->message;
    struct str message = m->job_id, status = m->status;
    if (message.n == 0) {
        message = message_value(m->fields, "SubscribeMsgSentEvent/List/MsgID");
        status = message_value(m->fields, "SubscribeMsgSentEvent/List/ErrorStatus");
    }
    if (message.n == 0) {
        request_success(rq);
        return;
    }
    const char *args[] = {str_z(rq->arena, message), str_z(rq->arena, status)};
    request_call(rq, &action_send_result, REQUEST_LOOKS, "send_result", 2, args);
}

/* subscribe_msg_popup_event, subscribe_msg_change_event: one or several List elements, each with a
 * template and accept or reject. */
static void start_subscription(struct request *rq, const struct command *command) {
    (void)command;
    cJSON *choices = cJSON_CreateArray();
    const char *template = NULL;
    for (const struct message_field *f = rq->message->fields; f; f = f->next) {
        const char *name = strrchr(f->path.p, '/');
        if (!name)
            continue;
        if (strcmp(name, "/TemplateId") == 0) {
            template = str_z(rq->arena, f->value);
        } else if (strcmp(name, "/SubscribeStatusString") == 0 && template) {
            cJSON *choice = cJSON_CreateObject();
            cJSON_AddStringToObject(choice, "template", template);
            cJSON_AddBoolToObject(choice, "accepted", str_is(f->value, "accept"));
            cJSON_AddItemToArray(choices, choice);
            template = NULL;
        }
    }
    const char *args[] = {api_json(rq->arena, choices).p};
    cJSON_Delete(choices);
    request_call(rq, &action_subscription, REQUEST_CHANGES, "subscribe", 1, args);
}

const struct action action_send_result = {"send_result", start, answer};
const struct action action_subscription = {"subscription", start_subscription, answer};
