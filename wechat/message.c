#include "wechat/message.h"

#include <stddef.h>
#include <string.h>

const char *message_error_text(enum message_error error) {
    switch (error) {
    case MESSAGE_OK:
        return "ok";
    case MESSAGE_NOT_XML:
        return "not well-formed XML";
    case MESSAGE_DOCTYPE:
        return "DOCTYPE";
    case MESSAGE_TOO_DEEP:
        return "too deep or too many elements";
    case MESSAGE_REPEATED:
        return "repeated element";
    case MESSAGE_FIELD_MISSING:
        return "missing element";
    case MESSAGE_FIELD_WRONG:
        return "malformed number or openid";
    }
    return "unknown";
}

static const struct message_field *find(const struct message_field *fields, struct str path) {
    while (fields != NULL && !str_eq(fields->path, path)) {
        fields = fields->next;
    }
    return fields;
}

struct str message_value(const struct message_field *fields, const char *path) {
    const struct message_field *field = find(fields, str_from(path));
    return field != NULL ? field->value : (struct str){NULL, 0};
}

static const struct {
    struct str name;
    enum message_type type;
} types[] = {
    {STR("text"), MESSAGE_TEXT},         {STR("image"), MESSAGE_IMAGE},
    {STR("voice"), MESSAGE_VOICE},       {STR("video"), MESSAGE_VIDEO},
    {STR("location"), MESSAGE_LOCATION}, {STR("shortvideo"), MESSAGE_SHORTVIDEO},
    {STR("link"), MESSAGE_LINK},         {STR("event"), MESSAGE_EVENT},
};

static enum message_type type_of(struct str msg_type) {
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        if (str_eq(msg_type, types[i].name)) {
            return types[i].type;
        }
    }
    return MESSAGE_UNKNOWN;
}

#define VIEW(name, member)                                                                         \
    { STR(name), offsetof(struct message, member) }

static const struct {
    struct str name;
    size_t offset;
} views[] = {
    VIEW("ToUserName", to_user),
    VIEW("FromUserName", from_user),
    VIEW("MsgType", msg_type),
    VIEW("MsgId", msg_id),
    VIEW("MsgID", job_id),
    VIEW("Content", content),
    VIEW("bizmsgmenuid", bizmsgmenuid),
    VIEW("MediaId", media_id),
    VIEW("ThumbMediaId", thumb_media_id),
    VIEW("PicUrl", pic_url),
    VIEW("Format", format),
    VIEW("Recognition", recognition),
    VIEW("Title", title),
    VIEW("Description", description),
    VIEW("Url", url),
    VIEW("Label", label),
    VIEW("Event", event),
    VIEW("EventKey", event_key),
    VIEW("Ticket", ticket),
    VIEW("Status", status),
};

static void fill_views(struct message *out) {
    for (const struct message_field *field = out->fields; field != NULL; field = field->next) {
        for (size_t i = 0; i < sizeof views / sizeof *views; i++) {
            if (str_eq(field->path, views[i].name)) {
                *(struct str *)((char *)out + views[i].offset) = field->value;
                break;
            }
        }
    }
}

static bool is_openid(struct str text) {
    static const bool possible[256] = {['A' ... 'Z'] = true,
                                       ['a' ... 'z'] = true,
                                       ['0' ... '9'] = true,
                                       ['_'] = true,
                                       ['-'] = true};
    size_t n = 0;
    while (n < text.n && possible[(unsigned char)text.p[n]]) {
        n++;
    }
    return n == text.n && n >= 1 && n <= 128;
}

/* 64-bit ids stay text, but must be numbers: they go into the message's key. */
static bool is_id(struct str text) {
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] < '0' || text.p[i] > '9') {
            return false;
        }
    }
    return text.n <= 20;
}

enum message_error message_parse(struct arena *arena, struct str xml, struct message *out) {
    *out = (struct message){0};
    enum message_error error = message_fields_parse(arena, xml, &out->fields);
    if (error != MESSAGE_OK) {
        return error;
    }
    fill_views(out);
    out->type = type_of(out->msg_type);
    struct str created = message_value(out->fields, "CreateTime");
    if (out->to_user.n == 0 || out->from_user.n == 0 || out->msg_type.n == 0 || created.n == 0 ||
        (out->type == MESSAGE_EVENT && out->event.n == 0)) {
        return MESSAGE_FIELD_MISSING;
    }
    if (!is_openid(out->from_user) || !is_openid(out->to_user) || !is_id(out->msg_id) ||
        !str_to_i64(created, &out->create_time) || out->create_time < 0) {
        return MESSAGE_FIELD_WRONG;
    }
    return MESSAGE_OK;
}
