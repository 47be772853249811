#include "wechat/reply.h"

#include <stdint.h>
#include <string.h>
#include <time.h>
#include <utf8proc.h>

#include "server/base/limits.h"
#include "server/base/random.h"
#include "wechat/crypto.h"

/* ---- cleaning and cutting ---- */

static bool is_shown(utf8proc_int32_t c) {
    return c == '\n' || c == '\t' ||
           (c >= 0x20 && c != 0x7f && !(c >= 0x80 && c < 0xa0) && c != 0xfffe && c != 0xffff);
}

/* How many bytes from here on are surely shown: ASCII, or characters of three bytes whose first
 * byte leaves no doubt, as nearly all Chinese ones are. */
static size_t plain_run(struct str text, size_t at) {
    const unsigned char *p = (const unsigned char *)text.p;
    size_t i = at;
    while (i < text.n) {
        if (p[i] >= 0x20 && p[i] < 0x7f) {
            i++;
        } else if (p[i] >= 0xe1 && p[i] <= 0xec && text.n - i >= 3 && (p[i + 1] & 0xc0) == 0x80 &&
                   (p[i + 2] & 0xc0) == 0x80) {
            i += 3;
        } else {
            break;
        }
    }
    return i - at;
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

static void add_cdata(struct buf *out, const char *name, struct str text) {
    buf_puts(out, "<");
    buf_puts(out, name);
    buf_puts(out, "><![CDATA[");
    for (const char *end; (end = find_end(text)) != NULL;) {
        size_t n = (size_t)(end - text.p) + 2;
        buf_add(out, text.p, n);
        buf_puts(out, "]]><![CDATA[");
        text = (struct str){text.p + n, text.n - n};
    }
    buf_addstr(out, text);
    buf_puts(out, "]]></");
    buf_puts(out, name);
    buf_puts(out, ">");
}

static void add_number(struct buf *out, const char *name, int64_t number) {
    buf_puts(out, "<");
    buf_puts(out, name);
    buf_puts(out, ">");
    buf_i64(out, number);
    buf_puts(out, "</");
    buf_puts(out, name);
    buf_puts(out, ">");
}

static struct str seal(struct arena *arena, const struct callback_open *open, struct str xml,
                       int64_t now) {
    unsigned char random[WECHAT_RANDOM_BYTES];
    char signature[WECHAT_SIGNATURE_CHARS + 1];
    random_bytes(random, sizeof random);
    struct str base64 = envelope_encrypt(arena, open->aes_key, open->app_id, random, xml);
    struct buf timestamp, out;
    buf_init(&timestamp, arena);
    buf_i64(&timestamp, now);
    wechat_sign(4, (struct str[]){str_from(open->token), buf_view(&timestamp), open->nonce, base64},
                signature);
    buf_init(&out, arena);
    buf_puts(&out, "<xml>");
    add_cdata(&out, "Encrypt", base64);
    add_cdata(&out, "MsgSignature", str_from(signature));
    add_number(&out, "TimeStamp", now);
    add_cdata(&out, "Nonce", open->nonce);
    buf_puts(&out, "</xml>");
    return buf_view(&out);
}

struct str reply_text(struct arena *arena, const struct callback_open *open, struct str text) {
    struct str clean = reply_clean(arena, text, REPLY_TEXT_MAX_BYTES);
    int64_t now = (int64_t)time(NULL);
    if (str_trim(clean).n == 0) {
        return (struct str){"", 0};
    }
    struct buf out;
    buf_init(&out, arena);
    buf_puts(&out, "<xml>");
    add_cdata(&out, "ToUserName", open->message.from_user);
    add_cdata(&out, "FromUserName", open->message.to_user);
    add_number(&out, "CreateTime", now);
    add_cdata(&out, "MsgType", STR("text"));
    add_cdata(&out, "Content", clean);
    buf_puts(&out, "</xml>");
    return open->encrypted ? seal(arena, open, buf_view(&out), now) : buf_view(&out);
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
