/* PUBLISHJOBFINISH: what became of an article that was submitted. Nobody reads an answer. */

#include "server/actions/actions.h"
#include "server/route.h"
#include "server/say.h"
#include "wechat/message.h"

static void answer(struct request *rq, const cJSON *facts) {
    (void)facts;
    request_success(rq);
}

static const char *detail(struct request *rq, const char *path) {
    return str_z(rq->arena, message_value(rq->message->fields, path));
}

static void start(struct request *rq, const struct command *command) {
    (void)command;
    struct str status = message_value(rq->message->fields, "PublishEventInfo/publish_status");
    int64_t number;
    if (!str_to_i64(status, &number) || number < 0 || number > INT32_MAX) {
        request_success(rq);
        return;
    }
    const char *args[] = {detail(rq, "PublishEventInfo/publish_id"), arg_number(rq, number),
                          detail(rq, "PublishEventInfo/article_id"),
                          detail(rq, "PublishEventInfo/article_detail/item/article_url")};
    request_call(rq, &action_publication, REQUEST_LOOKS, "publication_ended", 4, args);
}

const struct action action_publication = {"publication", start, answer};
