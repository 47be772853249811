#ifndef GULOU_CROWD_H
#define GULOU_CROWD_H

/* Who is turned away when more comes than can be done: nobody waits long to hear so, and nobody's
 * flood takes the places of others.
 *
 * Use:       crowd_why_not() before a person's message is begun; NULL lets it in, else these are
 *            the words to answer. crowd_enter() counts what was let in, until crowd_leave() of
 *            what it returned.
 * Order:     no memory; the account's own queue (db/pg.h, Fairness); then the person: at most
 *            PERSON_UNDER_WAY_MAX messages at once, and PERSON_PER_MINUTE while there is a queue.
 * Limits:    a fixed table of counts; two people may share a place in it, and then a count.
 * Thread:    the worker's. */

#include "server/request.h"

struct crowd *crowd_new(void);
void crowd_free(struct crowd *crowd); /* NULL is fine */

const char *crowd_why_not(const struct request *rq);
uint16_t *crowd_enter(struct crowd *crowd, const char *person);
void crowd_leave(uint16_t *under_way); /* NULL is fine */

#endif
