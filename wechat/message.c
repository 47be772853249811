#include "wechat/message.h"

#include <expat.h>
#include <stdalign.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

#include "server/base/buf.h"
#include "server/base/limits.h"
#include "server/base/random.h"

struct reader {
    struct arena *arena;
    XML_Parser parser;
    struct str names[XML_DEPTH_MAX]; /* the open elements below <xml> */
    int depth;                       /* 0 outside, 1 inside <xml> */
    bool has_children;               /* the innermost open element is no leaf */
    struct buf texts;                /* names and values, each with its NUL */
    size_t text_at;                  /* where the innermost open element's begins */
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
        size_t n = strlen(name), at = reader->texts.n;
        buf_add(&reader->texts, name, n + 1);
        reader->names[reader->depth - 1] = (struct str){reader->texts.p + at, n};
    }
    reader->depth++;
    reader->has_children = false;
    reader->text_at = reader->texts.n;
}

static struct str path_of(struct reader *reader) {
    if (reader->depth == 2) {
        return reader->names[0];
    }
    struct buf path;
    buf_init(&path, reader->arena);
    for (int i = 0; i < reader->depth - 1; i++) {
        buf_puts(&path, i > 0 ? "/" : "");
        buf_addstr(&path, reader->names[i]);
    }
    return buf_view(&path);
}

static const struct message_field *find(const struct message_field *fields, struct str path) {
    while (fields != NULL && !str_eq(fields->path, path)) {
        fields = fields->next;
    }
    return fields;
}

static void keep_field(struct reader *reader) {
    if (++reader->fields_n > XML_FIELDS_MAX) {
        stop(reader, MESSAGE_TOO_DEEP);
        return;
    }
    struct message_field *field = arena_alloc(reader->arena, sizeof(*field));
    field->path = path_of(reader);
    field->value =
        (struct str){reader->texts.p + reader->text_at, reader->texts.n - reader->text_at};
    buf_add(&reader->texts, "", 1);
    if (reader->depth == 2 && find(reader->first, field->path) != NULL) {
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
    reader->text_at = reader->texts.n;
}

static void XMLCALL on_text(void *data, const XML_Char *text, int n) {
    struct reader *reader = data;
    if (reader->depth > 1) {
        buf_add(&reader->texts, text, (size_t)n);
    }
}

static void XMLCALL on_doctype(void *data, const XML_Char *name, const XML_Char *system_id,
                               const XML_Char *public_id, int internal) {
    (void)name, (void)system_id, (void)public_id, (void)internal;
    stop(data, MESSAGE_DOCTYPE);
}

/* ---- reading ---- */

struct str message_field(const struct message_field *fields, const char *path) {
    const struct message_field *field = find(fields, str_from(path));
    return field != NULL ? field->value : (struct str){NULL, 0};
}

/* Expat's memory for one document, given back at once: a parser that is kept has all its tables
 * emptied piece by piece before the next document, which takes longer than making one here. */
static _Thread_local struct arena *scratch;

struct piece {
    size_t n;
    alignas(max_align_t) char bytes[];
};

static void *piece_get(size_t n) {
    struct piece *piece = arena_try_room(scratch, sizeof *piece + n);
    if (piece == NULL) {
        return NULL;
    }
    piece->n = n;
    return piece->bytes;
}

static void *piece_resize(void *bytes, size_t n) {
    void *resized = piece_get(n);
    if (bytes != NULL && resized != NULL) {
        size_t before = ((struct piece *)(void *)((char *)bytes - sizeof(struct piece)))->n;
        memcpy(resized, bytes, before < n ? before : n);
    }
    return resized;
}

static void piece_put(void *bytes) {
    (void)bytes;
}

/* Naming the encoding overrides what the document claims: a push is UTF-8. */
static XML_Parser parser_for(struct reader *reader) {
    static const XML_Memory_Handling_Suite memory = {piece_get, piece_resize, piece_put};
    static _Thread_local unsigned long salt; /* against chosen names that collide in its tables */
    XML_Parser parser = XML_ParserCreate_MM("UTF-8", &memory, NULL);
    if (parser == NULL) {
        return NULL;
    }
    if (salt == 0) {
        random_bytes(&salt, sizeof salt);
    }
    XML_SetHashSalt(parser, salt);
    XML_SetUserData(parser, reader);
    XML_SetElementHandler(parser, on_start, on_end);
    XML_SetCharacterDataHandler(parser, on_text);
    XML_SetStartDoctypeDeclHandler(parser, on_doctype);
    return parser;
}

static enum message_error read_with(struct reader *reader, struct str xml) {
    reader->parser = parser_for(reader);
    if (reader->parser == NULL) {
        return MESSAGE_NOT_XML;
    }
    enum XML_Status status = XML_Parse(reader->parser, xml.p, (int)xml.n, XML_TRUE);
    return reader->error != MESSAGE_OK ? reader->error
           : status != XML_STATUS_OK   ? MESSAGE_NOT_XML
                                       : MESSAGE_OK;
}

enum message_error message_fields_parse(struct arena *arena, struct str xml,
                                        const struct message_field **out) {
    struct reader reader = {.arena = arena};
    if (xml.n > HTTP_BODY_MAX_BYTES) {
        return MESSAGE_NOT_XML;
    }
    buf_init_for(&reader.texts, arena, xml.n); /* what is in a document is no longer than it */
    scratch = arena_new();
    enum message_error error = read_with(&reader, xml);
    arena_free(scratch);
    if (error == MESSAGE_OK) {
        *out = reader.first;
    }
    return error;
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
