#ifndef GULOU_RATE_H
#define GULOU_RATE_H

/* How often a minute (or a day) something may happen, for one and for all together: for what
 * strangers can cause and what costs us a quota of the platform.
 *
 * Use:       rate_new() once, rate_take() before each time; false: not now.
 * Limits:    a fixed table; two keys may share a place in it, and then a count.
 * Thread:    any. */

#include <stdbool.h>
#include <stdint.h>

#include "server/base/str.h"

struct rate;

struct rate *rate_new(unsigned each, unsigned all);

/* NULL is fine. */
void rate_free(struct rate *rate);

/* `span` is the current minute, or whatever a rate is counted in, counted from anywhere. Who has
 * had their own share takes nothing of the others'. */
bool rate_take(struct rate *rate, struct str key, int64_t span);

#endif
