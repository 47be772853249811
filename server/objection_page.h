#ifndef GULOU_OBJECTION_PAGE_H
#define GULOU_OBJECTION_PAGE_H

/* Objecting to a line of a notice from a page, as 异议 does in the chat (one rule for both:
 * gulou.filing_refusal()).
 *
 *   GET  /{account}/notices/{id}/object        which line, and the person's own objections
 *   GET  /{account}/notices/{id}/object?no=N   the form for that line
 *   POST /{account}/notices/{id}/object        {"key","no","words","photos"} -> {"objection",…}
 *
 * Who may see and send it, and how: as server/member_pages.h. */

#include "server/web.h"

/* False: the path is none of these, and nothing was answered. */
bool objection_page_handle(struct web *web, const struct str *rest, size_t n);

/* Whether a page to come back to after a sign-in is one of these: "notices/3/object?no=12". On a
 * page that cannot be signed in to, `command` is what to send in the chat instead. */
bool objection_page_is(struct arena *arena, struct str page, const char **command);

#endif
