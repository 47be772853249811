#include "wechat/message.h"

#include <expat.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

#include "server/base/buf.h"
#include "server/base/limits.h"
#include "server/base/memory.h"
#include "server/base/random.h"

struct reader {
    struct arena *arena;
    XML_Parser parser;
    const char *names[XML_DEPTH_MAX]; /* the open elements below <xml> */
    int depth;                        /* 0 outside, 1 inside <xml> */
    bool has_children;                /* the innermost open element is no leaf */
    struct buf text;
    struct message_field *first;
    struct message_field *last;
    size_t fields_n;
    enum message_error error;
};

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

/* ---- expat's handlers ---- */

static void stop(struct reader *reader, enum message_error error) {
    if (reader->error == MESSAGE_OK) {
        reader->error = error;
    }
    XML_StopParser(reader->parser, XML_FALSE);
}

static void XMLCALL on_start(void *data, const XML_Char *name, const XML_Char **attributes) {
    struct reader *reader = data;
    (void)attributes;
    if (reader->depth == 0) {
        if (strcmp(name, "xml") != 0) {
            stop(reader, MESSAGE_NOT_XML);
        }
    } else if (reader->depth >= XML_DEPTH_MAX) {
        stop(reader, MESSAGE_TOO_DEEP);
        return;
    } else {
        reader->names[reader->depth - 1] = arena_strndup(reader->arena, name, strlen(name));
    }
    reader->depth++;
    reader->has_children = false;
    reader->text.n = 0;
}

static const char *path_of(struct reader *reader) {
    if (reader->depth == 2) {
        return reader->names[0];
    }
    struct buf path;
    buf_init(&path, reader->arena);
    for (int i = 0; i < reader->depth - 1; i++) {
        buf_printf(&path, "%s%s", i > 0 ? "/" : "", reader->names[i]);
    }
    return buf_view(&path).p;
}

static void keep_field(struct reader *reader) {
    if (++reader->fields_n > XML_FIELDS_MAX) {
        stop(reader, MESSAGE_TOO_DEEP);
        return;
    }
    struct message_field *field = arena_alloc(reader->arena, sizeof(*field));
    field->path = path_of(reader);
    field->value =
        (struct str){arena_strndup(reader->arena, reader->text.p, reader->text.n), reader->text.n};
    if (reader->depth == 2 && message_field(reader->first, field->path).p != NULL) {
        stop(reader, MESSAGE_REPEATED);
        return;
    }
    if (reader->last != NULL) {
        reader->last->next = field;
    } else {
        reader->first = field;
    }
    reader->last = field;
}

static void XMLCALL on_end(void *data, const XML_Char *name) {
    struct reader *reader = data;
    (void)name;
    if (!reader->has_children && reader->depth > 1) {
        keep_field(reader);
    }
    reader->depth--;
    reader->has_children = true;
    reader->text.n = 0;
}

static void XMLCALL on_text(void *data, const XML_Char *text, int n) {
    struct reader *reader = data;
    if (reader->depth > 1) {
        buf_add(&reader->text, text, (size_t)n);
    }
}

static void XMLCALL on_doctype(void *data, const XML_Char *name, const XML_Char *system_id,
                               const XML_Char *public_id, int internal) {
    (void)name, (void)system_id, (void)public_id, (void)internal;
    stop(data, MESSAGE_DOCTYPE);
}

/* ---- reading ---- */

struct str message_field(const struct message_field *fields, const char *path) {
    for (; fields != NULL; fields = fields->next) {
        if (strcmp(fields->path, path) == 0) {
            return fields->value;
        }
    }
    return (struct str){NULL, 0};
}

/* Each thread keeps one parser: making one costs as much as reading a message. */
static _Thread_local XML_Parser own;

/* Naming the encoding overrides what the document claims: a push is UTF-8. */
static XML_Parser parser_for(struct reader *reader) {
    static const XML_Memory_Handling_Suite memory = {memory_malloc, memory_realloc, memory_put};
    static _Thread_local unsigned long salt; /* against chosen names that collide in its tables */
    bool ready = own != NULL && XML_ParserReset(own, "UTF-8");
    if (!ready) {
        XML_ParserFree(own);
        own = XML_ParserCreate_MM("UTF-8", &memory, NULL);
        if (own == NULL) {
            return NULL;
        }
        random_bytes(&salt, sizeof salt);
    }
    XML_SetHashSalt(own, salt);
    XML_SetUserData(own, reader);
    XML_SetElementHandler(own, on_start, on_end);
    XML_SetCharacterDataHandler(own, on_text);
    XML_SetStartDoctypeDeclHandler(own, on_doctype);
    return own;
}

void message_release(void) {
    XML_ParserFree(own);
    own = NULL;
}

enum message_error message_fields_parse(struct arena *arena, struct str xml,
                                        const struct message_field **out) {
    struct reader reader = {.arena = arena};
    if (xml.n > HTTP_BODY_MAX_BYTES || (reader.parser = parser_for(&reader)) == NULL) {
        return MESSAGE_NOT_XML;
    }
    buf_init(&reader.text, arena);
    enum XML_Status status = XML_Parse(reader.parser, xml.p, (int)xml.n, XML_TRUE);
    if (reader.error != MESSAGE_OK) {
        return reader.error;
    }
    if (status != XML_STATUS_OK) {
        return MESSAGE_NOT_XML;
    }
    *out = reader.first;
    return MESSAGE_OK;
}

static const struct {
    const char *name;
    enum message_type type;
} types[] = {
    {"text", MESSAGE_TEXT},   {"image", MESSAGE_IMAGE},       {"voice", MESSAGE_VOICE},
    {"video", MESSAGE_VIDEO}, {"location", MESSAGE_LOCATION}, {"shortvideo", MESSAGE_SHORTVIDEO},
    {"link", MESSAGE_LINK},   {"event", MESSAGE_EVENT},
};

static const struct {
    const char *name;
    size_t offset;
} views[] = {
    {"ToUserName", offsetof(struct message, to_user)},
    {"FromUserName", offsetof(struct message, from_user)},
    {"MsgType", offsetof(struct message, msg_type)},
    {"MsgId", offsetof(struct message, msg_id)},
    {"MsgID", offsetof(struct message, job_id)},
    {"Content", offsetof(struct message, content)},
    {"bizmsgmenuid", offsetof(struct message, bizmsgmenuid)},
    {"MediaId", offsetof(struct message, media_id)},
    {"ThumbMediaId", offsetof(struct message, thumb_media_id)},
    {"PicUrl", offsetof(struct message, pic_url)},
    {"Format", offsetof(struct message, format)},
    {"Recognition", offsetof(struct message, recognition)},
    {"Title", offsetof(struct message, title)},
    {"Description", offsetof(struct message, description)},
    {"Url", offsetof(struct message, url)},
    {"Label", offsetof(struct message, label)},
    {"Event", offsetof(struct message, event)},
    {"EventKey", offsetof(struct message, event_key)},
    {"Ticket", offsetof(struct message, ticket)},
    {"Status", offsetof(struct message, status)},
};

static void fill_views(struct message *out) {
    for (const struct message_field *field = out->fields; field != NULL; field = field->next) {
        for (size_t i = 0; i < sizeof views / sizeof *views; i++) {
            if (strcmp(field->path, views[i].name) == 0) {
                *(struct str *)((char *)out + views[i].offset) = field->value;
                break;
            }
        }
    }
}

static bool is_openid(struct str text) {
    if (text.n < 1 || text.n > 128) {
        return false;
    }
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (!((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
              c == '_' || c == '-')) {
            return false;
        }
    }
    return true;
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
    *out = (struct message){.type = MESSAGE_UNKNOWN};
    enum message_error error = message_fields_parse(arena, xml, &out->fields);
    if (error != MESSAGE_OK) {
        return error;
    }
    fill_views(out);
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        if (str_is(out->msg_type, types[i].name)) {
            out->type = types[i].type;
        }
    }
    struct str created = message_field(out->fields, "CreateTime");
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
