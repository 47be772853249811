#ifndef GULOU_SIGN_IN_H
#define GULOU_SIGN_IN_H

/* How a browser becomes a member's: inside WeChat by the platform's page (snsapi_base, silent), on
 * a desktop by a QR code that the member scans and confirms in the chat.
 *
 * Bound to the browser: the OAuth `state` and the desktop's waiting are each kept in a cookie of
 * the very browser that began, so nobody can finish a sign-in that somebody else started. A virtual
 * user of WeChat's snapshot pages is refused.
 * Source: wechat-protocol.md 7.9. */

#include "server/web.h"

/* Answers a page that needs a person: with the way to sign in. `page` (declare, review, sheets) is
 * where the browser comes back to. */
void sign_in_start(struct web *web, const char *page);

/* The page for somebody who follows, but is no member yet. */
void sign_in_not_bound(struct web *web);

/* GET /{account}/signin and /{account}/signin/state, POST /{account}/signout. */
void sign_in_return(struct web *web);
void sign_in_state(struct web *web);
void sign_in_out(struct web *web);

#endif
