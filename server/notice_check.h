#ifndef GULOU_NOTICE_CHECK_H
#define GULOU_NOTICE_CHECK_H

/* Checks a downloaded notice (公示) with nothing but the file: the digests of the names, the
 * leaves, the root, the totals, and what the head says of itself.
 *
 * Understood: the JSON of GET /api/v1/{account}/notices/{id}, in one piece or all pages one after
 * the other; our CSV; and the JSON of one proof. Whatever differs is named: the line, the field,
 * and, where the root tells, which of two that contradict each other was changed. */

#include <stdbool.h>

#include "server/base/buf.h"

/* True: everything fits. `root` is the one that the visitor knows from elsewhere, or NULL. `report`
 * gets what was checked, or what is wrong, line by line. */
bool notice_check(struct arena *arena, struct str file, const char *root, struct buf *report);

#endif
