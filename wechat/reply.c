#include "wechat/reply.h"

#include <endian.h>
#include <stdint.h>
#include <string.h>
#include <time.h>
#include <utf8proc.h>

#include "server/base/limits.h"
#include "server/base/random.h"
#include "wechat/crypto.h"

#define FRAME_BYTES 512 /* what is around the text, as a rule */

/* ---- cleaning and cutting ---- */

static bool is_shown(utf8proc_int32_t c) {
    return c == '\n' || c == '\t' ||
           (c >= 0x20 && c != 0x7f && !(c >= 0x80 && c < 0xa0) && c != 0xfffe && c != 0xffff);
}

/* A character of three bytes whose first byte leaves no doubt, as nearly all Chinese ones are. */
static bool is_plain_triple(const unsigned char *p) {
    uint32_t bytes;
    memcpy(&bytes, p, sizeof bytes);
    return (le32toh(bytes) & 0xc0c0f0) == 0x8080e0 && *p >= 0xe1 && *p <= 0xec;
}

/* Eight bytes of ASCII without control characters: no byte has its highest bit, less 0x20 or plus 1
 * it has not either. */
static bool is_plain_word(const unsigned char *p) {
    uint64_t bytes;
    memcpy(&bytes, p, sizeof bytes);
    return ((bytes | (bytes - 0x2020202020202020) | (bytes + 0x0101010101010101)) &
            0x8080808080808080) == 0;
}

static bool is_plain_byte(unsigned char c) {
    return c >= 0x20 && c < 0x7f;
}

/* How many bytes from here on are surely shown; what is not counted need not be hidden. */
static size_t plain_run(struct str text, size_t at) {
    const unsigned char *start = (const unsigned char *)text.p + at, *p = start, *before;
    const unsigned char *end = (const unsigned char *)text.p + text.n;
    do {
        before = p;
        while (end - p >= 4 && is_plain_triple(p)) {
            p += 3;
        }
        while (end - p >= 8 && is_plain_word(p)) {
            p += 8;
        }
        while (p < end && is_plain_byte(*p)) {
            p++;
        }
    } while (p > before);
    return (size_t)(p - start);
}

static struct str strip(struct arena *arena, struct str text) {
    char *out = arena_room(arena, text.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < text.n;) {
        size_t plain = plain_run(text, i);
        memcpy(out + n, text.p + i, plain);
        n += plain;
        i += plain;
        if (i == text.n) {
            break;
        }
        utf8proc_int32_t c;
        utf8proc_ssize_t length = utf8proc_iterate((const utf8proc_uint8_t *)text.p + i,
                                                   (utf8proc_ssize_t)(text.n - i), &c);
        if (length <= 0) {
            i++;
            continue;
        }
        if (is_shown(c)) {
            memcpy(out + n, text.p + i, (size_t)length);
            n += (size_t)length;
        }
        i += (size_t)length;
    }
    return (struct str){out, n};
}

static bool joins(utf8proc_int32_t c) {
    return c == 0x200d || (c >= 0xfe00 && c <= 0xfe0f) || (c >= 0x1f3fb && c <= 0x1f3ff);
}

/* The last place at or before `max` where a cut breaks neither a character nor a link. */
static size_t cut_at(struct str text, size_t max) {
    size_t safe = 0;
    bool in_link = false;
    bool after_joiner = false;
    for (size_t i = 0; i < text.n;) {
        utf8proc_int32_t c;
        utf8proc_ssize_t length = utf8proc_iterate((const utf8proc_uint8_t *)text.p + i,
                                                   (utf8proc_ssize_t)(text.n - i), &c);
        struct str rest = {text.p + i, text.n - i};
        if (!in_link && !joins(c) && !after_joiner) {
            if (i > max) {
                break;
            }
            safe = i;
        }
        if (str_starts(rest, STR("<a "))) {
            in_link = true;
        } else if (in_link && str_starts(rest, STR("</a>"))) {
            in_link = false;
            i += strlen("</a>");
            continue;
        }
        after_joiner = c == 0x200d;
        i += (size_t)length;
    }
    return safe;
}

struct str reply_clean(struct arena *arena, struct str text, size_t max) {
    static const char more[] = "…";
    struct str clean = strip(arena, text);
    if (clean.n <= max) {
        return clean;
    }
    size_t n = cut_at(clean, max - (sizeof more - 1));
    return str_from(arena_printf(arena, "%.*s%s", (int)n, clean.p, more));
}

/* ---- XML ---- */

/* Where CDATA would end too early; NULL: nowhere. */
static const char *find_end(struct str text) {
    const char *last = text.p + text.n;
    for (const char *p = text.p; p < last && (p = memchr(p, ']', (size_t)(last - p))); p++) {
        if (str_starts((struct str){p, (size_t)(last - p)}, STR("]]>"))) {
            return p;
        }
    }
    return NULL;
}

static void add_cdata(struct buf *out, struct str before, struct str text, struct str after) {
    buf_addstr(out, before);
    for (const char *end; (end = find_end(text)) != NULL;) {
        size_t n = (size_t)(end - text.p) + 2;
        buf_add(out, text.p, n);
        buf_puts(out, "]]><![CDATA[");
        text = (struct str){text.p + n, text.n - n};
    }
    buf_addstr(out, text);
    buf_addstr(out, after);
}

/* The compiler puts the tags together: a reply has seven elements, and nothing in it is slower than
 * many small pieces. */
#define ADD_TEXT(out, name, text)                                                                  \
    add_cdata(out, STR("<" name "><![CDATA["), text, STR("]]></" name ">"))
#define ADD_NUMBER(out, name, digits)                                                              \
    (buf_puts(out, "<" name ">"), buf_addstr(out, digits), buf_puts(out, "</" name ">"))

static struct str seal(struct arena *arena, const struct callback_open *open, struct str xml,
                       struct str now) {
    unsigned char random[WECHAT_RANDOM_BYTES];
    char signature[WECHAT_SIGNATURE_CHARS + 1];
    random_bytes(random, sizeof random);
    struct str base64 = envelope_encrypt(arena, open->aes_key, open->app_id, random, xml);
    struct buf out;
    wechat_sign(4, (struct str[]){str_from(open->token), now, open->nonce, base64}, signature);
    buf_init_for(&out, arena, base64.n + FRAME_BYTES);
    buf_puts(&out, "<xml>");
    ADD_TEXT(&out, "Encrypt", base64);
    ADD_TEXT(&out, "MsgSignature", str_from(signature));
    ADD_NUMBER(&out, "TimeStamp", now);
    ADD_TEXT(&out, "Nonce", open->nonce);
    buf_puts(&out, "</xml>");
    return buf_view(&out);
}

struct str reply_text(struct arena *arena, const struct callback_open *open, struct str text) {
    struct str clean = reply_clean(arena, text, REPLY_TEXT_MAX_BYTES);
    if (str_trim(clean).n == 0) {
        return (struct str){"", 0};
    }
    struct buf now, out;
    buf_init(&now, arena);
    buf_i64(&now, (int64_t)time(NULL));
    buf_init_for(&out, arena, clean.n + FRAME_BYTES);
    buf_puts(&out, "<xml>");
    ADD_TEXT(&out, "ToUserName", open->message.from_user);
    ADD_TEXT(&out, "FromUserName", open->message.to_user);
    ADD_NUMBER(&out, "CreateTime", buf_view(&now));
    ADD_TEXT(&out, "MsgType", STR("text"));
    ADD_TEXT(&out, "Content", clean);
    buf_puts(&out, "</xml>");
    return open->encrypted ? seal(arena, open, buf_view(&out), buf_view(&now)) : buf_view(&out);
}

/* ---- links ---- */

static void add_percent(struct buf *out, const char *text) {
    static const char hex[] = "0123456789ABCDEF";
    for (const unsigned char *c = (const unsigned char *)text; *c != '\0'; c++) {
        bool plain = (*c >= 'A' && *c <= 'Z') || (*c >= 'a' && *c <= 'z') ||
                     (*c >= '0' && *c <= '9') || *c == '-' || *c == '_' || *c == '.' || *c == '~';
        if (plain) {
            buf_add(out, c, 1);
        } else {
            buf_add(out, (char[]){'%', hex[*c >> 4], hex[*c & 15]}, 3);
        }
    }
}

void tap_link(struct buf *out, const char *label, const char *text) {
    buf_puts(out, "<a href=\"weixin://bizmsgmenu?msgmenucontent=");
    add_percent(out, text);
    buf_puts(out, "&msgmenuid=1\">");
    buf_puts(out, label);
    buf_puts(out, "</a>");
}

void web_link(struct buf *out, const char *label, const char *url) {
    buf_printf(out, "<a href=\"%s\">%s</a>", url, label);
}
