#ifndef GULOU_WECHAT_CALLBACK_H
#define GULOU_WECHAT_CALLBACK_H

/* The callback's envelope: is this push from the platform, and what does it say?
 *
 * Source: developers.weixin.qq.com "消息推送" (modes, signatures); during a rotation of token or
 * key the previous one is tried after the current one. Ownership: everything opened lives in the
 * given arena and refers to the account, which must outlive it. */

#include <stdbool.h>

#include "server/base/arena.h"
#include "server/base/str.h"
#include "wechat/message.h"

enum wechat_mode { WECHAT_SECURE, WECHAT_COMPATIBLE, WECHAT_PLAIN };

struct wechat_account {
    const char *id; /* ours: the segment of the callback's path */
    const char *app_id;
    const char *token;
    const char *token_previous;   /* NULL outside a rotation */
    const unsigned char *aes_key; /* WECHAT_KEY_BYTES, NULL in plain mode */
    const unsigned char *aes_key_previous;
    enum wechat_mode mode;
};

/* The query as received, percent-decoded; an absent parameter is the empty view. */
struct callback_query {
    struct str signature, timestamp, nonce, echostr, encrypt_type, msg_signature;
};

enum callback_result {
    CALLBACK_OK,
    CALLBACK_FORBIDDEN, /* not from the platform, or not for us: 403 */
    CALLBACK_MALFORMED, /* XML that is none: 400 */
};

struct callback_open {
    struct message message;
    bool encrypted;
    const char *app_id;
    const char *token;            /* the one that fitted; a reply is signed with it */
    const unsigned char *aes_key; /* the one that fitted */
    struct str nonce;
    const char *reason; /* why not, for the log; holds nothing secret */
};

/* The GET verification: whether to answer the echostr. */
enum callback_result callback_verify(const struct wechat_account *account,
                                     const struct callback_query *query);

enum callback_result callback_open(struct arena *arena, const struct wechat_account *account,
                                   const struct callback_query *query, struct str body,
                                   struct callback_open *out);

/* The de-duplication key, a UUID's text: the same for every attempt of one push, different for any
 * other. Composite, because MsgIds were seen to repeat between users, and events share seconds. */
char *callback_message_key(struct arena *arena, const char *account_id,
                           const struct message *message);

#endif
