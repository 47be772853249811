#ifndef GULOU_SAY_H
#define GULOU_SAY_H

/* Small helps for actions: reading facts and saying them in plain Chinese.
 *
 * The readers bear a missing or mistyped field (empty text, zero, false), because an answer must
 * never end in a crash over what the database said. */

#include <cjson/cJSON.h>

#include "server/base/buf.h"
#include "server/request.h"

const cJSON *fact(const cJSON *facts, const char *name); /* NULL: not there or null */
const char *fact_text(const cJSON *facts, const char *name);
int64_t fact_number(const cJSON *facts, const char *name);
bool fact_true(const cJSON *facts, const char *name);
bool fact_is(const cJSON *facts, const char *name, const char *text);
bool fact_has_role(const cJSON *facts, const char *role); /* of gulou.member_facts() */

/* A new line of text for this request. */
void say_begin(struct request *rq, struct buf *out);

/* Replies with what `out` holds. */
void say_end(struct request *rq, const struct buf *out);

/* Replies with a fixed sentence. */
void say(struct request *rq, const char *text);

/* A link that, tapped, sends `format…` as the person's own message. */
void say_tap(struct buf *out, const char *label, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* One that sends what it shows. */
void say_word(struct buf *out, const char *word);

/* A blank line, then the way on: the next links stand below the text. */
void say_next(struct buf *out);

/* Tells these rows, each by `tell`, as far as a reply has room for them and the links below: at
 * least one. Returns how many. */
typedef void say_row(struct request *rq, struct buf *out, const cJSON *row);
int say_rows(struct request *rq, struct buf *out, const cJSON *rows, say_row *tell);

/* The field of the last row that was told, where the next page begins. */
int64_t say_last(const cJSON *rows, int shown, const char *field);

/* 待审核, 已退回, … for a declaration's status. */
const char *say_status(const char *status);

/* 异议成立, 异议不成立 or 异议不受理 for an objection's outcome. */
const char *say_outcome(const char *outcome);

/* 已提交，待受理, 核实中, … for an objection's status or outcome. */
const char *say_objection_status(const char *status);

/* An act that needs two administrators, in the words that asked for it: 冻结公示 2026-Q3. */
void say_act(struct buf *out, const cJSON *facts);

/* What the list of a freeze would hold and leave out, on lines of its own; nothing for other acts.
 */
void say_outlook(struct buf *out, const cJSON *facts);

/* Why fewer points counted than were claimed: 单次上限, 每日上限, …; empty for no cap. */
const char *say_cap(const char *cap);

/* 审核通过, 公示入账, … for the kind of a ledger transaction. */
const char *say_kind(const char *kind);

/* 2小时, 90 minutes as 1.5小时, 50分钟. */
void say_minutes(struct buf *out, int64_t minutes);

/* 2026-11-20 as 11月20日; anything else as it is. */
void say_day(struct buf *out, const char *day);

/* A refusal in words, with what would be right, without links: for pages. False: unknown code. */
bool tell_refusal(struct buf *out, const cJSON *facts);

/* A refusal in words, with what would be right; for the ones that several actions share. False:
 * the code is not one of them. */
bool say_refusal(struct request *rq, const cJSON *facts);

/* What when_read() found unclear, and how days and lengths are written: by `example`, a message
 * that would be understood, where there is one. */
void tell_unclear(struct request *rq, struct buf *out, struct str words, const char *example);

/* Wherever a code fits no sentence of ours: the database is newer than this program. */
void say_refused(struct request *rq, const cJSON *facts);

/* At most `characters` of `text`, with … when cut. */
void say_cut(struct buf *out, const char *text, size_t characters);

/* Arguments for request_call(). */
const char *arg_number(struct request *rq, int64_t number);
const char *arg_text(struct request *rq, struct str text); /* NULL for the empty text */

/* Now, as SQL's timestamptz: the last second of a window counts, so the database is told when
 * something was here, not when it got there. */
const char *arg_now(struct arena *arena);

#endif
