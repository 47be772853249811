#ifndef GULOU_WHEN_H
#define GULOU_WHEN_H

/* When a service was, as a declaration says it: a day (day.h) and a length (hours.h) in whichever
 * order, then a description.
 *
 *   2小时 昨天 打扫 · 昨天 2小时 打扫 · 20号打扫 2小时 · 打扫卫生，昨天，2小时 · 2小时 打扫
 *
 * Where the description begins first, 昨天, 11月20日 and 2小时 standing alone in it count, too, and
 * are taken out of it; so is a day between who and what, 我昨天打扫. A length may also end a word,
 * 打扫2小时, which then stays as it is. Without a day it was today. 补报 before a day says nothing.
 *
 * Nothing is guessed. Asked about is
 *   - what looks like a day and is none (unclear.h): 22/11, 上周, 下周六, and
 *     right before the deed also inside a word: 帮忙本周打扫;
 *   - a second day or length right behind the first: 20号和21号, 2小时和3小时. What repeats or
 *     explains the first is none: 9:00-11:00 2小时, 11月21日 周六;
 *   - a bare number that may be a day (20 打扫) or stands against a later length (2 打扫 3小时);
 *   - in a description also 3-5 and 11-20, which may count something.
 * Whoever says the day first is believed: behind it a description may hold any other,
 * 昨天 2小时 发放 今天的报纸. */

#include "server/base/arena.h"
#include "server/day.h"
#include "server/hours.h"
#include "server/words.h"

struct when {
    struct day day; /* today, unless dated */
    struct hours hours;
    bool dated, timed;
    struct str bare;    /* the length, when it is a number without a unit */
    struct str unclear; /* empty: all is understood, and the rest of `words` is a description */
};
void when_read(struct arena *arena, struct words *words, struct when *out);

/* Whether the words begin with a day or a length, or with what looks like one. */
bool when_begins(struct arena *arena, struct words words);

#endif
