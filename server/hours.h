#ifndef GULOU_HOURS_H
#define GULOU_HOURS_H

/* How long and on which day, as people write it.
 *
 * Each function takes what it understands off the start of `words` and returns true, or leaves
 * `words` alone and returns false. Whether a span or a day is allowed is the database's to say. */

#include "server/base/arena.h"
#include "server/words.h"

struct hours {
    int minutes;  /* of a span: from its start to its end, over midnight if need be */
    char from[6]; /* "09:00", or empty when only a length was given */
    char to[6];   /* "24:00" is possible */
};

/* 2 · 1.5 · 1,5小时 · 2小时 · 两个半小时 · 半小时 · 90分钟 · 1小时30分 · 2h · 9:00-11:30 ·
 * 上午9点到11点半. A bare number must stand alone; a unit may be followed by anything. */
bool hours_read(struct arena *arena, struct words *words, struct hours *out);

struct day {
    int days_ago; /* 0 today, 1 昨天, 2 前天, 3 大前天; -1 明天, which the database refuses */
    int year;     /* 0 when not said: the latest such day is meant */
    int month;    /* 0: days_ago or `day` alone say it; -1 本月, -2 上个月 */
    int day; /* without a month: the latest 20号; -1 the latest Monday … -7 Sunday, -11 … -17 of the
                week before this one, -21 … -27 of this one; 0: days_ago says it */
};

/* 11.20 is a day where it cannot be a length: with 日, with two figures behind, or before a length.
 * 20号 · 20号打扫 and 11/20打扫, but not 20号楼 nor 1-3岁 · 上个月20日 · 周六 · 上周六 · 本周六 ·
 * 星期天 · 11.20 · 今天 · 昨天 · 昨晚 · 前天 · 3天前 · 明天 · 11月20日 · 11-20 · 11/20 ·
 * 2026年11月20日 · 2026-11-20 · 20261120. */
bool day_read(struct arena *arena, struct words *words, struct day *out);

/* A day and a length in whichever order, then a description. Where the description begins first,
 * 昨天, 11月20日 and 2小时 standing alone in it as words count, too, and are taken out of it.
 *
 * Nothing is guessed: `unclear` is what looks like a day and is none (22/11, 11 20, 上周, 下周六,
 * Nov 20, 261101, 3号值班室), a second day or length right behind the first (和21号), a bare number
 * that may be a day (20) or stands against a later length, and in a description also 3-5. At its
 * start that also names 上周 in 上周会议纪要, within it only what stands alone. Whoever says 今天
 * first is believed: behind a day a description may hold any other. */
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
