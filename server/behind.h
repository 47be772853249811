#ifndef GULOU_BEHIND_H
#define GULOU_BEHIND_H

/* What stands behind a number and so says what the number is: 20号打扫 is a day, 20号楼 a house, 20
 * 人 a count. The lists of Chinese words for that are here and nowhere else; what is in none of
 * them is asked about. `text` is simplified. */

#include "server/base/str.h"

/* Behind 号: a place with that number, also at the end of a list. 3号楼, 3号 楼, 3号和5号楼,
 * 3号、5号楼; not 20号组织植树, 20号 家访. */
bool behind_house(struct str text);

/* A house, or a blank and what is counted: 3-5 号楼, 11 20 人, 1-3 单元; not 12-31 元旦演出. */
bool behind_count(struct str text);

/* Behind 日: so many days, not the day of that number. 3日游, 7日打卡. */
bool behind_some_days(struct str text);

/* What was done, as a description begins: 20号打扫, 20号巡逻3号楼; not 3号巡逻车. */
bool behind_deed(struct str text);

/* The same without what may begin a name or a round of its own: 每天打扫, not 每天巡逻. */
bool behind_plain_deed(struct str text);

/* In the same clause, papers and things of a deed: 打扫记录, 走访老人的照片. */
bool behind_papers(struct str text);

/* What a school's grade gets: 初三辅导. */
bool behind_lesson(struct str text);

/* Behind 周 or 月: another word than a week or a month goes on. 这周边, 本月刊. */
bool behind_another_word(struct str text);

#endif
