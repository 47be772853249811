#ifndef GULOU_RECENT_H
#define GULOU_RECENT_H

/* Answers of a moment ago, by person: who asks the same again gets them without the database.
 *
 * Only for answers that depend on who asks and hardly ever change. They are kept for RECENT_MS,
 * less than the platform waits between two attempts: a repeated push always reaches the database,
 * which then shows again what waited for its first attempt. Nothing is lost meanwhile: the first
 * asking noted the person's act, and what comes to wait for the person is shown with their next
 * reply.
 * Thread: one per worker. */

#include <stdint.h>

#include "server/base/str.h"

struct recent;
struct request;

struct recent *recent_new(void);
void recent_free(struct recent *recent); /* NULL is fine */

/* What this person was answered after an act of the same kind; the empty view: nothing lately. It
 * lives until the next recent_keep(). */
struct str recent_find(const struct recent *recent, const struct request *rq, int64_t now_ms);

/* Forgets whatever shared its place. */
void recent_keep(struct recent *recent, const struct request *rq, struct str text, int64_t now_ms);

#endif
