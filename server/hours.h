#ifndef GULOU_HOURS_H
#define GULOU_HOURS_H

/* How long, as people write it.
 *
 *   2 · 1.5 · 1,5小时 · 2小时 · 两个半小时 · 半小时 · 一刻钟 · 90分钟 · 1小时30分 · 1小时40 · 2h
 *   9:00-11:30 · 9点到11点半 · 下午2点到4点 · 晚上10点到1点 (over midnight)
 *   约2小时 · 共2小时 · 2小时左右                     as if nothing stood around them
 *
 * A bare number must stand alone: 2号楼 and 1-3岁 are no lengths. A unit may be followed by
 * anything: 2小时打扫. Whether a length is allowed is the database's to say. */

#include "server/base/arena.h"
#include "server/words.h"

struct hours {
    int minutes;  /* of a span: from its start to its end, over midnight if need be */
    char from[6]; /* "09:00", or empty when only a length was given */
    char to[6];   /* "24:00" is possible */
};

/* Takes a length off the start of `words` and returns true, or leaves `words` alone and returns
 * false. */
bool hours_read(struct arena *arena, struct words *words, struct hours *out);

/* For readers of days, beside which lengths stand: the same at the start of simplified text, by the
 * bytes that it takes, else 0. */
size_t hours_length(struct str text, struct hours *out);
size_t hours_span(struct str text, struct hours *out); /* 9:00-11:30 alone */
size_t hours_half_day(struct str text); /* 上午, 晚, 中午 …, and a blank behind */

#endif
