#ifndef GULOU_SHEETS_H
#define GULOU_SHEETS_H

/* What administrators print on A4:
 *
 *   GET  /{account}/sheets                  the units
 *   GET  /{account}/sheets/{unit}           the unit's QR code: scan, follow, say one's name
 *   POST /{account}/sheets/{unit}/invites   a personal QR code for each member who is not bound;
 *                                           {"rows","next"}, the rest with ?after=next
 *
 * The code of a unit is permanent, and the platform makes 100,000 of them at most: it is asked for
 * when the sheet is first opened, and kept. A personal one ends after 30 days; its invite code is
 * shown in this one answer and kept as a digest only, so printing again means new codes. */

#include "server/web.h"

/* False: the path is none of these, and nothing was answered. */
bool sheets_handle(struct web *web, const struct str *rest, size_t n);

#endif
