/* Tells a member what became of something: a customer message while the platform's window is open,
 * else with the member's next reply. */

#include "server/deliveries/deliveries.h"
#include "server/notification_words.h"
#include "server/say.h"

static void on_sent(struct outbox_item *item, const struct platform_result *result) {
    if (result->outcome == PLATFORM_REFUSED || result->awaits_person)
        outbox_hold(item, result->meaning);
    else
        outbox_end_with(item, result);
}

static void on_target(struct outbox_item *item, const cJSON *target) {
    if (!fact(target, "openid")) {
        outbox_hold(item, "nobody is bound");
        return;
    }
    struct buf words;
    buf_init(&words, item->arena);
    notification_words(&words, item->facts);
    cJSON *body = cJSON_CreateObject();
    cJSON_AddStringToObject(body, "touser", fact_text(target, "openid"));
    cJSON_AddStringToObject(body, "msgtype", "text");
    cJSON *text = cJSON_AddObjectToObject(body, "text");
    cJSON_AddStringToObject(text, "content", buf_view(&words).p);
    struct platform_call call = {.path = "/cgi-bin/message/custom/send",
                                 .body = api_json(item->arena, body)};
    cJSON_Delete(body);
    outbox_platform(item, &call, on_sent);
}

static void start(struct outbox_item *item) {
    outbox_database(item, "notification_target", 0, NULL, on_target);
}

const struct delivery delivery_notification = {"notification", start};
