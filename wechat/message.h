#ifndef GULOU_WECHAT_MESSAGE_H
#define GULOU_WECHAT_MESSAGE_H

/* One push of the platform: its XML as a struct.
 *
 * Elements may come in any order, unknown ones are kept among the fields and otherwise ignored.
 * Text may be CDATA, split CDATA or entities. Refused: a DOCTYPE, deep nesting, invalid UTF-8, NUL,
 * a repeated element at the top, a root other than <xml>. Source: developers.weixin.qq.com
 * "接收普通消息", "接收事件推送". Ownership: all views live in the arena. Thread: any. */

#include <stdbool.h>
#include <stdint.h>

#include "server/base/arena.h"
#include "server/base/str.h"

enum message_type {
    MESSAGE_UNKNOWN, /* a type or an event that is new to us: answered "success" */
    MESSAGE_TEXT,
    MESSAGE_IMAGE,
    MESSAGE_VOICE,
    MESSAGE_VIDEO,
    MESSAGE_SHORTVIDEO,
    MESSAGE_LOCATION,
    MESSAGE_LINK,
    MESSAGE_EVENT,
};

/* A leaf element: the path of names below <xml>, "ScanCodeInfo/ScanResult". */
struct message_field {
    struct str path; /* with a NUL behind it */
    struct str value;
    const struct message_field *next;
};

struct message {
    enum message_type type;
    struct str to_user;   /* gh_… */
    struct str from_user; /* openid; only [A-Za-z0-9_-] */
    struct str msg_type;
    int64_t create_time; /* unix seconds, UTC */
    struct str msg_id;   /* 64-bit digits; empty for events */
    struct str job_id;   /* MsgID of job results, not the same thing as MsgId */
    struct str content, bizmsgmenuid;
    struct str media_id, thumb_media_id, pic_url, format, recognition;
    struct str title, description, url, label;
    struct str event, event_key, ticket, status;
    const struct message_field *fields; /* every leaf in document order, nested ones too */
};

enum message_error {
    MESSAGE_OK,
    MESSAGE_NOT_XML,       /* not well-formed, not UTF-8, or a root other than <xml> */
    MESSAGE_DOCTYPE,       /* a document type declaration */
    MESSAGE_TOO_DEEP,      /* XML_DEPTH_MAX, XML_FIELDS_MAX, XML_PATHS_MAX_BYTES */
    MESSAGE_REPEATED,      /* an element at the top came twice */
    MESSAGE_FIELD_MISSING, /* ToUserName, FromUserName, CreateTime, MsgType or Event */
    MESSAGE_FIELD_WRONG,   /* a number or an openid that is none */
};

/* For the log; never shown outside. */
const char *message_error_text(enum message_error error);

enum message_error message_parse(struct arena *arena, struct str xml, struct message *out);

/* The first leaf of that path; the empty view when there is none. */
struct str message_value(const struct message_field *fields, const char *path);

/* Only the leaves, for envelopes: <xml><ToUserName/><Encrypt/></xml>. */
enum message_error message_fields_parse(struct arena *arena, struct str xml,
                                        const struct message_field **out);

#endif
