#ifndef GULOU_PUBLIC_PAGES_H
#define GULOU_PUBLIC_PAGES_H

/* What everybody may read of an account: notices, ranks, units, and how it all works, as pages and
 * as the JSON of contract.md.
 *
 * A page is the JSON through a template and needs no JavaScript; only the page that checks a line
 * computes in the visitor's browser. Lines of a notice are open in its window and 30 days after,
 * then to signed-in members (db/functions/86_public.sql). */

#include "server/web.h"

/* GET of what is below the account: notices, notices/{id}, ranking, units/{id}, about, …; `n`
 * segments. Anything unknown is answered 404. */
void public_pages_read(struct web *web, const struct str *rest, size_t n);

#endif
