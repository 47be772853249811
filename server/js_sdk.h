#ifndef GULOU_JS_SDK_H
#define GULOU_JS_SDK_H

/* GET /{account}/jssdk?url=…: what a page of ours needs to call WeChat's own functions (wx.config):
 * {"appId","timestamp","nonceStr","signature"}. The pages use it to take sharing out of WeChat's
 * menu, because they show photos and names.
 *
 * The ticket behind the signature is shared like the access token (db/functions/26): one for all
 * servers, fetched by one. A page does without when there is none just now.
 * Source: wechat-protocol.md 7.9. */

#include "server/web.h"

/* Only for addresses of this account's own pages. */
void js_sdk_sign(struct web *web);

/* The signature itself: SHA-1 over ticket, nonce, time and the page's address without its
 * fragment; 40 hex digits in the arena. */
const char *js_sdk_signature(struct arena *arena, const char *ticket, const char *nonce,
                             int64_t timestamp, const char *url);

#endif
