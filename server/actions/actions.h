#ifndef GULOU_ACTIONS_H
#define GULOU_ACTIONS_H

/* Every capability, one file each, named as its file. route.c joins them to words and events. */

#include "server/request.h"

extern const struct action action_help;
extern const struct action action_follow;
extern const struct action action_unfollow;
extern const struct action action_bind;
extern const struct action action_consent;
extern const struct action action_declare;
extern const struct action action_photo;
extern const struct action action_my_declarations;
extern const struct action action_withdraw;
extern const struct action action_resubmit;
extern const struct action action_appeal;
extern const struct action action_queue;
extern const struct action action_approve;
extern const struct action action_return;
extern const struct action action_reject;
extern const struct action action_balance;
extern const struct action action_ledger;
extern const struct action action_rank;
extern const struct action action_notices;
extern const struct action action_object;
extern const struct action action_my_objections;
extern const struct action action_objections;
extern const struct action action_accept_objection;
extern const struct action action_uphold;
extern const struct action action_dismiss;
extern const struct action action_turn_away;
extern const struct action action_freeze;
extern const struct action action_publish;
extern const struct action action_correct;
extern const struct action action_extend;
extern const struct action action_agree;
extern const struct action action_disagree;
extern const struct action action_notifications;
extern const struct action action_send_result;
extern const struct action action_subscription;
extern const struct action action_publication;
extern const struct action action_sign_in;
extern const struct action action_join;
extern const struct action action_join_requests;
extern const struct action action_confirm_join;
extern const struct action action_refuse_join;
extern const struct action action_continue;
extern const struct action action_unknown;

/* How a made declaration is told; declare, resubmit and the dialogue say it alike. */
struct buf;
void tell_declaration(struct buf *out, const cJSON *facts);
void tell_worth(struct buf *out, const cJSON *facts);

/* Asks whoever scanned a desktop's QR code whether it was them. */
void tell_sign_in(struct buf *out, const cJSON *facts);

/* What a guest who scanned this unit's QR code does next. */
void tell_join(struct buf *out, const char *unit);

/* What came of an invite code; typed and scanned are told alike. False: none of its refusals. */
bool tell_bound(struct buf *out, const cJSON *facts);

/* Why a line cannot be objected to, without links: for pages, too. False: none of its refusals. */
bool tell_filing_refusal(struct buf *out, const cJSON *facts);
void tell_object_refused(struct request *rq, const cJSON *facts); /* in the chat */

/* What was asked of a second administrator, and why it could not be; objection.c says it alike. */
void tell_second_asked(struct request *rq, const cJSON *facts);
void tell_second_refused(struct request *rq, const cJSON *facts);

#endif
