#ifndef GULOU_UNCLEAR_H
#define GULOU_UNCLEAR_H

/* What looks like a day or a length and is none that day.h and hours.h understand: nothing is
 * guessed, the member is asked. Each function looks at the start of simplified text and returns the
 * bytes to ask about, or 0: it is understood, or the words of a description.
 *
 *   22/11 · 11-31 · 261101 · 1120         figures without such a day, or in whose order?
 *   11 20 · Nov 20 · 11月 · 腊月初八      a day, but not one that is understood
 *   上周 · 本月打扫 · 11月打扫 · 周末 · 半个月前  which day of it?
 *   每天打扫 · 每周六打扫 · 这学期打扫    which day of it?
 *   三天打扫 · 半天                       which days, how many hours?
 *   初三打扫 · 农历十月初三               which day of our calendar?
 *   下周六 · 去年11月20日 · 周六日         still to come, too long ago, two
 *   20号志愿活动 · 3号值班室              a day, or the name of something?
 *   昨天的活动                            its day, or what was done about it later?
 *   (昨天下午)                            a day in brackets: is it that of the service?
 *   1,5                                   an hour and a half, or an hour and then 5?
 *
 * Not asked about: 3号楼, 80岁, 周末市集, 3月学雷锋活动, 每天巡逻, 初三辅导, 周老师, 110,
 * 三八妇女节: other words go on behind them.
 */

#include "server/base/str.h"

/* `timed`: a length was said before, so 3.5 is none and looks like a day. */
size_t unclear_day(struct str text, bool timed);

/* In the midst of a description, where less is meant as a day: only what stands alone, 打扫 上周
 * but not 整理 上周会议纪要; and 打扫 1120 室, 寄信 100010 name a room and a post. */
size_t unclear_day_inside(struct str text);

/* Right before what was done, wherever that stands: 帮忙本周打扫, not 整理本周打扫记录. `named`:
 * behind a place or 参加, where 周末 may begin a name. */
size_t unclear_day_of_deed(struct str text, bool named);

size_t unclear_length(struct str text);

/* What to ask about such words. */
enum unclear_kind {
    UNCLEAR_OTHER,
    UNCLEAR_SPAN,  /* 上周, 11月: which day of it */
    UNCLEAR_LUNAR, /* 初三: which day of our calendar */
    UNCLEAR_LENGTH /* 半天: how many hours */
};
enum unclear_kind unclear_kind(struct str text);

#endif
