#ifndef GULOU_MEMBER_PAGES_H
#define GULOU_MEMBER_PAGES_H

/* The two pages for signed-in people, and what their scripts ask:
 *
 *   GET  /{account}/declare           the form          POST /{account}/declare          send it
 *   POST /{account}/declare/preview   points and caps   POST /{account}/photos           one photo
 *   GET  /{account}/review            the queue's page  GET  /{account}/review/queue     its rows
 *   POST /{account}/review/decide     approve several, return or reject one
 *
 * Bodies are JSON (a photo: the picture itself). Every POST needs the CSRF token of the session. A
 * POST that changes something carries a UUID "key", so that a repetition has one effect. */

#include "server/web.h"

/* The address of a page (declare, review) as it is put into the chat; in the request's arena. */
const char *member_page_link(struct request *rq, const char *page);

/* False: the path is none of these, and nothing was answered. `rest` is what follows the account.
 */
bool member_pages_handle(struct web *web, const struct str *rest, size_t n);

#endif
