#ifndef GULOU_WECHAT_REPLY_H
#define GULOU_WECHAT_REPLY_H

/* What we say back: the passive text reply, and links that a tap turns into a message.
 *
 * Source: developers.weixin.qq.com "被动回复用户消息". An encrypted push is answered encrypted,
 * with the token and key that opened it. A text holds at most REPLY_TEXT_MAX_BYTES; a longer one is
 * not shown at all, so it is cut here. Ownership: results live in the arena. */

#include "server/base/arena.h"
#include "server/base/buf.h"
#include "server/base/str.h"
#include "wechat/callback.h"

/* The whole body for a push that was opened: <xml>…</xml>. An empty text gives the empty view,
 * because the platform takes an empty Content for a failure; answer "success" then. */
struct str reply_text(struct arena *arena, const struct callback_open *open, struct str text);

/* The text without control characters and invalid UTF-8, and no longer than `max` bytes: never cut
 * inside a code point or an <a …>…</a>; what was cut ends in "…". */
struct str reply_clean(struct arena *arena, struct str text, size_t max);

/* Adds <a href="weixin://bizmsgmenu?…">label</a>: a tap sends `text` as the person's message. */
void tap_link(struct buf *out, const char *label, const char *text);

/* Adds <a href="url">label</a>. */
void web_link(struct buf *out, const char *label, const char *url);

#endif
