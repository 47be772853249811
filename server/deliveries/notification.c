/* Tells a member what became of something, over the first channel that the account has and the
 * moment allows: a template message, a customer message within the platform's window, a
 * subscription notification; else the row is held for the person's next reply.
 *
 * Only a template message carries an id by which the platform recognises a repetition
 * (client_msg_id). The others may come twice when an answer was lost: better than never. */

#include <string.h>

#include "server/deliveries/deliveries.h"
#include "server/notification_words.h"
#include "server/say.h"

#define NOT_A_FOLLOWER 43004
#define BUSY (-1)
#define PATIENCE_SECONDS 3600 /* closed for longer: another channel, or the next reply */

enum channel { TEMPLATE, CUSTOM, SUBSCRIPTION, CHANNELS };
static const char *const channel_names[] = {"template", "custom", "subscription"};

struct sending {
    const struct template *templates[CHANNELS]; /* for TEMPLATE and SUBSCRIPTION */
    bool open[CHANNELS];                        /* the account has it, and it was not refused */
    enum channel channel;
    int later_seconds;
};

static void choose(struct outbox_item *item);

/* ---- what became of it ---- */

static void on_marked(struct outbox_item *item, const cJSON *facts) {
    (void)facts;
    outbox_hold(item, "does not follow");
}

static void on_given_back(struct outbox_item *item, const cJSON *facts) {
    (void)facts;
    outbox_later(item, ((struct sending *)item->state)->later_seconds);
}

/* What certainly reached nobody takes nothing from the window, nor from a consent. */
static void try_later(struct outbox_item *item, const struct platform_result *result) {
    struct sending *sending = item->state;
    bool unclear = result->errcode == BUSY && !result->not_sent;
    if (sending->channel == TEMPLATE || unclear) {
        outbox_later(item, result->later_seconds);
        return;
    }
    const struct template *agreed = sending->templates[SUBSCRIPTION];
    const char *args[] = {channel_names[sending->channel], agreed ? agreed->id : NULL};
    sending->later_seconds = result->later_seconds;
    outbox_database(item, "notification_not_sent", 2, args, on_given_back);
}

static void on_sent(struct outbox_item *item, const struct platform_result *result) {
    struct sending *sending = item->state;
    if (result->outcome == PLATFORM_DONE) {
        const char *message = api_id(item->arena, result->json, "msgid");
        outbox_sent(item, message);
    } else if (result->errcode == NOT_A_FOLLOWER) {
        outbox_database(item, "notification_unfollowed", 0, NULL, on_marked);
    } else if (result->outcome == PLATFORM_REFUSED || result->awaits_person ||
               result->later_seconds >= PATIENCE_SECONDS) {
        sending->open[sending->channel] = false;
        choose(item);
    } else {
        try_later(item, result);
    }
}

/* ---- the three bodies ---- */

static cJSON *body_for(const char *openid) {
    cJSON *body = cJSON_CreateObject();
    cJSON_AddStringToObject(body, "touser", openid);
    return body;
}

static void add_fields(struct outbox_item *item, cJSON *body, const struct template *template) {
    cJSON_AddStringToObject(body, "template_id", template->id);
    cJSON *data = cJSON_AddObjectToObject(body, "data");
    for (size_t i = 0; i < template->fields_n; i++) {
        const char *name = template->fields[i][0];
        cJSON_AddStringToObject(
            cJSON_AddObjectToObject(data, name), "value",
            notification_field(item->arena, item->facts, name, template->fields[i][1]));
    }
}

static cJSON *template_body(struct outbox_item *item, const char *openid) {
    struct sending *sending = item->state;
    cJSON *body = body_for(openid);
    const char *url =
        notification_url(item->arena, item->facts, item->services->config, item->account);
    if (url)
        cJSON_AddStringToObject(body, sending->channel == TEMPLATE ? "url" : "page", url);
    if (sending->channel == TEMPLATE)
        cJSON_AddStringToObject(body, "client_msg_id",
                                arena_printf(item->arena, "gulou-%s", item->id));
    add_fields(item, body, sending->templates[sending->channel]);
    return body;
}

static cJSON *custom_body(struct outbox_item *item, const char *openid) {
    struct buf words;
    buf_init(&words, item->arena);
    notification_words(&words, item->facts, item->services->config, item->account);
    cJSON *body = body_for(openid);
    cJSON_AddStringToObject(body, "msgtype", "text");
    cJSON_AddStringToObject(cJSON_AddObjectToObject(body, "text"), "content", buf_view(&words).p);
    return body;
}

/* ---- the channel ---- */

static void on_channel(struct outbox_item *item, const cJSON *facts) {
    static const char *const paths[] = {"/cgi-bin/message/template/send",
                                        "/cgi-bin/message/custom/send",
                                        "/cgi-bin/message/subscribe/bizsend"};
    struct sending *sending = item->state;
    const char *name = fact_text(facts, "channel"), *openid = fact_text(facts, "openid");
    if (strcmp(name, "muted") == 0) {
        outbox_done(item);
        return;
    }
    for (sending->channel = TEMPLATE; sending->channel < CHANNELS; sending->channel++)
        if (strcmp(name, channel_names[sending->channel]) == 0)
            break;
    if (sending->channel == CHANNELS) {
        outbox_hold(item, "no channel now");
        return;
    }
    cJSON *body =
        sending->channel == CUSTOM ? custom_body(item, openid) : template_body(item, openid);
    struct platform_call call = {.path = paths[sending->channel],
                                 .body = api_json(item->arena, body)};
    cJSON_Delete(body);
    outbox_platform(item, &call, on_sent);
}

static void choose(struct outbox_item *item) {
    struct sending *sending = item->state;
    const struct template *agreed = sending->templates[SUBSCRIPTION];
    struct buf open;
    buf_init(&open, item->arena);
    for (int i = TEMPLATE; i < CHANNELS; i++)
        if (sending->open[i])
            buf_printf(&open, "%s%s", open.n > 0 ? "," : "{", channel_names[i]);
    buf_puts(&open, open.n > 0 ? "}" : "{}");
    const char *args[] = {buf_view(&open).p, agreed ? agreed->id : NULL};
    outbox_database(item, "notification_channel", 2, args, on_channel);
}

/* An unverified account has none of the three (wechat-protocol.md 6.1). */
static void start(struct outbox_item *item) {
    struct sending *sending = arena_alloc(item->arena, sizeof *sending);
    const struct account *account = item->account;
    item->state = sending;
    for (size_t i = 0; i < account->templates_n; i++) {
        const struct template *template = &account->templates[i];
        if (fact_is(item->facts, "what", template->notification))
            sending->templates[template->subscription ? SUBSCRIPTION : TEMPLATE] = template;
    }
    sending->open[TEMPLATE] = account->verified && sending->templates[TEMPLATE];
    sending->open[SUBSCRIPTION] = account->verified && sending->templates[SUBSCRIPTION];
    sending->open[CUSTOM] = account->verified;
    choose(item);
}

const struct delivery delivery_notification = {"notification", start};
