#include "wechat/reply.h"

#include <inttypes.h>
#include <openssl/rand.h>
#include <stdint.h>
#include <string.h>
#include <time.h>
#include <utf8proc.h>

#include "server/base/limits.h"
#include "wechat/crypto.h"

/* ---- cleaning and cutting ---- */

static bool is_shown(utf8proc_int32_t c) {
    return c == '\n' || c == '\t' ||
           (c >= 0x20 && c != 0x7f && !(c >= 0x80 && c < 0xa0) && c != 0xfffe && c != 0xffff);
}

static struct str strip(struct arena *arena, struct str text) {
    char *out = arena_alloc(arena, text.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < text.n;) {
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

static void add_cdata(struct buf *out, const char *name, struct str text) {
    buf_printf(out, "<%s><![CDATA[", name);
    for (size_t i = 0; i < text.n; i++) {
        if (str_starts((struct str){text.p + i, text.n - i}, STR("]]>"))) {
            buf_puts(out, "]]]]><![CDATA[>");
            i += 2;
        } else {
            buf_add(out, text.p + i, 1);
        }
    }
    buf_printf(out, "]]></%s>", name);
}

static struct str seal(struct arena *arena, const struct callback_open *open, struct str xml,
                       int64_t now) {
    unsigned char random[WECHAT_RANDOM_BYTES];
    char signature[WECHAT_SIGNATURE_CHARS + 1];
    if (RAND_bytes(random, sizeof random) != 1) {
        return (struct str){"", 0};
    }
    struct str base64 = envelope_encrypt(arena, open->aes_key, open->app_id, random, xml);
    struct str timestamp = str_from(arena_printf(arena, "%" PRId64, now));
    wechat_sign(4, (struct str[]){str_from(open->token), timestamp, open->nonce, base64},
                signature);
    struct buf out;
    buf_init(&out, arena);
    buf_puts(&out, "<xml>");
    add_cdata(&out, "Encrypt", base64);
    add_cdata(&out, "MsgSignature", str_from(signature));
    buf_printf(&out, "<TimeStamp>%s</TimeStamp>", timestamp.p);
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
    buf_printf(&out, "<CreateTime>%" PRId64 "</CreateTime>", now);
    add_cdata(&out, "MsgType", STR("text"));
    add_cdata(&out, "Content", clean);
    buf_puts(&out, "</xml>");
    return open->encrypted ? seal(arena, open, buf_view(&out), now) : buf_view(&out);
}

/* ---- links ---- */

static void add_percent(struct buf *out, const char *text) {
    for (const unsigned char *c = (const unsigned char *)text; *c != '\0'; c++) {
        bool plain = (*c >= 'A' && *c <= 'Z') || (*c >= 'a' && *c <= 'z') ||
                     (*c >= '0' && *c <= '9') || *c == '-' || *c == '_' || *c == '.' || *c == '~';
        if (plain) {
            buf_add(out, c, 1);
        } else {
            buf_printf(out, "%%%02X", *c);
        }
    }
}

void tap_link(struct buf *out, const char *label, const char *text) {
    buf_puts(out, "<a href=\"weixin://bizmsgmenu?msgmenucontent=");
    add_percent(out, text);
    buf_printf(out, "&msgmenuid=1\">%s</a>", label);
}

void web_link(struct buf *out, const char *label, const char *url) {
    buf_printf(out, "<a href=\"%s\">%s</a>", url, label);
}
