#ifndef GULOU_REQUEST_H
#define GULOU_REQUEST_H

/* One message of one person, from the opened envelope to the answer's words.
 *
 * Use:       server/callback.c opens the envelope and calls route_message(rq); an action calls one
 *            function of the database with request_call() and ends, at once or later, with exactly
 *            one of request_reply(), request_success() and request_busy().
 * Ownership: everything in the request lives in rq->arena, until the action has ended and the
 *            connection is done with, whichever is later. An action takes its own state from
 *            rq->arena; it must have no call under way when it ends.
 * Time:      the platform may have hung up long before an action ends; the work goes on
 *            nevertheless, and the platform's next attempt finds its stored answer in the
 *            database. Actions need not know.
 * Thread:    the worker that received it. */

#include <cjson/cJSON.h>
#include <stdbool.h>

#include "db/pg.h"
#include "db/redis.h"
#include "server/base/arena.h"
#include "server/base/str.h"
#include "server/config.h"

struct background;    /* server/background.h */
struct boards;        /* server/boards.h */
struct crowd;         /* server/crowd.h */
struct callback_open; /* wechat/callback.h */
struct command;       /* server/route.h */
struct event_base;
struct health;   /* server/health.h */
struct message;  /* wechat/message.h */
struct platform; /* server/platform.h */
struct visitors; /* server/visitors.h */
struct rate;     /* server/rate.h */
struct recent;   /* server/recent.h */

/* What one worker has; the same for all of its requests. */
struct services {
    struct event_base *base;
    struct pg *pg;
    struct redis *redis;
    struct platform *platform;
    struct background *background;
    struct visitors *visitors;
    struct health *health; /* the first worker's; else NULL */
    bool accounts_known;   /* the first worker's: the database has what the configuration says */
    struct recent *recent; /* what 帮助 was answered */
    struct boards *boards; /* the first of them, for 排行 */
    struct crowd *crowd;
    struct rate *people;   /* of all workers: messages while there is a crowd */
    struct rate *pictures; /* of all workers: pictures sent from pages, good or not */
    /* of all workers: QR codes that strangers ask for, in a minute and in a day */
    struct rate *sign_in_codes, *sign_in_codes_day;
    const struct config *config;
};

struct request {
    struct arena *arena;
    const struct account *account;
    const struct message *message;
    const char *openid; /* who speaks, terminated */
    const char *key;    /* of an earlier message, which this one continues; else request_key()'s */
    const char *act;    /* message, tap or arrival, as the platform counts it; NULL: nobody reads */
    const char *id;     /* request_id()'s */
    struct services *services;
    struct str words; /* what was typed or tapped; empty for a photo and the like */
    void *state;      /* the action's own, NULL at first */

    /* private to request.c and callback.c */
    const struct callback_open *open;
    void (*on_ended)(struct request *rq, struct str reply); /* the empty view: nothing to say */
    const struct action *action;
    struct pg_call call;
    struct redis_call recall;
    struct str recalled; /* as it was remembered */
    void (*on_recalled)(struct request *rq, const char *action, const char *key, struct str words);
    const cJSON *notes; /* what else this person is to be told, on top of the reply */
    bool later;         /* an earlier attempt may be under way, or done */
    bool calling;
    bool ended;
};

/* One capability. `start` reads the words and calls the database (or replies at once); `answer`
 * turns its facts into words. An answer depends on its facts alone, so that every attempt, also the
 * one that only finds the stored facts, says the same. */
struct action {
    const char *name;
    void (*start)(struct request *rq, const struct command *command);
    void (*answer)(struct request *rq, const cJSON *facts);
};

enum request_kind {
    REQUEST_CHANGES,          /* (account, openid, key, request id, args…) */
    REQUEST_READS,            /* (account, openid, args…) */
    REQUEST_LOOKS,            /* (account, args…): the same for everybody */
    REQUEST_CHANGES_TOGETHER, /* as CHANGES, by a function that answers many messages at once */
    REQUEST_READS_TOGETHER,   /* as READS, likewise */
};

/* Names this attempt in the log and in the database's rows. Made when it is first asked for, as is
 * the key: most that is answered without the database needs neither. */
const char *request_id(struct request *rq);

/* The message's key, a UUID's text; the same for every attempt. */
const char *request_key(struct request *rq);

/* Calls api.function with the leading arguments of its kind, then args[0..n), which must live as
 * long as the request (NULL is SQL's null). Later action->answer gets the facts, or one of the
 * refusals that everybody shares has been answered already: not_bound, not_yours, busy; a fault is
 * logged and answered by request_busy(). Facts live as long as the request; the "scores" they may
 * hold have been given to the leaderboards, and their "notes" stand on top of the reply. One call
 * at a time. */
void request_call(struct request *rq, const struct action *action, enum request_kind kind,
                  const char *function, int n, const char *const *args);

/* The words of the reply; cut at 2048 bytes by wechat/reply.h. */
void request_reply(struct request *rq, struct str text);

/* Nothing to say: "success" for the platform. */
void request_success(struct request *rq);

/* A fault inside: 系统繁忙，请稍后再试. The cause must have been logged. */
void request_busy(struct request *rq);

/* For 继续: which message of this person was last answered with "still working on it". `on_done` is
 * called later, once, with its key and, when it changes something, the name of its action, whose
 * facts api.answer_of() has; when it only asked for something, its words instead, to be asked
 * again. NULLs: there is none. */
void request_recall(struct request *rq, void (*on_done)(struct request *rq, const char *action,
                                                        const char *key, struct str words));

/* ---- for server/callback.c ---- */

/* What to say of this attempt instead of its result: still working on it, 继续 shall find it. A
 * 继续 that is itself too slow leaves what it was to find. */
struct str request_unfinished(struct request *rq);

/* Drops a call that waits for an absent database and that no database has seen, and answers
 * 系统繁忙 instead: nothing has happened, and nothing will. False: it must be waited for. */
bool request_give_up(struct request *rq);

/* The code of a refusal, NULL when the facts hold none. */
const char *request_refusal(const cJSON *facts);

#endif
