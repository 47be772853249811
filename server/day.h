#ifndef GULOU_DAY_H
#define GULOU_DAY_H

/* On which day, as people write it.
 *
 *   今天 · 昨晚 · 大前天 · 3天前 · 明天                  so many days ago
 *   周六 · 上周六 · 本周六 · 星期天                     a day of the week
 *   20号 · 上个月20日 · 本月3号                         a day of a month
 *   11月20日 · 11月20日(周五) · 11-20 · 11/20 · 11.20 · 2026年11月20日 · 2026-11-20 · 20261120
 *
 * A number may also name or count something, and what stands behind it decides (behind.h): 20号打扫
 * and 11/20打扫 are days, 20号楼 and 1-3岁 are none; nor is 昨天 in 昨天的会议. 11.20 is a day
 * where it cannot be a length: with 日, with two figures behind the point, or before a length.
 * Whether a day is allowed, and which one is meant, is the database's to say. What looks like a day
 * and is none: unclear.h. */

#include "server/base/arena.h"
#include "server/words.h"

struct day {
    int days_ago; /* 0 today, 1 昨天, 2 前天, 3 大前天; -1 明天, which the database refuses */
    int year;     /* 0 when not said: the latest such day is meant */
    int month;    /* 0: days_ago or `day` alone say it; -1 本月, -2 上个月 */
    int day; /* without a month: the latest 20号; -1 the latest Monday … -7 Sunday, -11 … -17 of the
                week before this one, -21 … -27 of this one; 0: days_ago says it */
};

/* Takes a day off the start of `words` and returns true, or leaves `words` alone and returns
 * false. In 昨天晚上 2小时 the evening goes with the day, in 昨天晚上7点到9点 with the clock. */
bool day_read(struct arena *arena, struct words *words, struct day *out);

/* For readers of a whole declaration: the same at the start of simplified text, by the bytes that
 * it takes, else 0. */
size_t day_with_half(struct str text, struct day *out);
size_t day_at(struct str text, struct day *out); /* without a half of the day */

/* A month from 1 to 12 and a day from 1 to 31. */
bool day_plausible(const struct day *day);

#endif
