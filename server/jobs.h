#ifndef GULOU_JOBS_H
#define GULOU_JOBS_H

/* What runs by the clock, in the first worker of each server: the daily seal, settling notices
 * whose window has closed (two steps at a time, over two connections), reminders, forgetting
 * answered messages, and keeping the leaderboards level. The database makes sure that two servers
 * do no harm. */

#include "server/request.h"

struct jobs;

struct jobs *jobs_new(struct services *services);

/* Before the services end. NULL is fine. */
void jobs_free(struct jobs *jobs);

#endif
