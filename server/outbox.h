#ifndef GULOU_OUTBOX_H
#define GULOU_OUTBOX_H

/* Carries out what the database has written down to be sent to the platform.
 *
 * Every server polls; a row is taken by one that has its account (db/functions/25_outbox.sql),
 * given to the delivery of its kind, and ended by it. A server that dies leaves its rows to the
 * others after a minute, so a delivery may run twice: give the platform the same id both times
 * where it takes one.
 *
 * A new kind: one file in server/deliveries/ with a `struct delivery`, and a line in outbox.c.
 *
 * Ownership: the item lives until its delivery has ended it with exactly one of outbox_done(),
 *            outbox_later(), outbox_failed(), outbox_hold() and outbox_end_with().
 * Thread:    the worker's that polls. */

#include <cjson/cJSON.h>
#include <stdint.h>

#include "server/platform.h"
#include "server/request.h"

struct outbox;
struct outbox_item;

struct delivery {
    const char *kind;
    void (*start)(struct outbox_item *item);
};

struct outbox_item {
    struct arena *arena;
    struct services *services;
    const struct account *account;
    const char *id; /* of the row, decimal; the same for every attempt */
    const char *kind;
    const char *subject;
    const cJSON *facts;
    int attempt; /* 0 for the first */
    void *state; /* the delivery's own */

    /* private to outbox.c */
    struct outbox *outbox;
    struct platform_call platform;
    struct pg_call call;
    void (*on_platform)(struct outbox_item *item, const struct platform_result *result);
    void (*on_database)(struct outbox_item *item, const cJSON *facts);
};

struct outbox *outbox_new(struct services *services);

/* What is under way is dropped; its rows are taken again after their minute. NULL is fine. */
void outbox_free(struct outbox *outbox);

/* A call of the platform for this item; account and attempt are filled in. Without `then`, its
 * outcome ends the item. */
void outbox_platform(struct outbox_item *item, const struct platform_call *call,
                     void (*then)(struct outbox_item *item, const struct platform_result *result));

/* A function of the database for this item: api.<function>(account, row's id, args…). A fault ends
 * the item for now. */
void outbox_database(struct outbox_item *item, const char *function, int n,
                     const char *const args[],
                     void (*then)(struct outbox_item *item, const cJSON *facts));

/* ---- ends ---- */
void outbox_done(struct outbox_item *item);
void outbox_sent(struct outbox_item *item,
                 const char *message); /* done; the platform's id for it */
void outbox_later(struct outbox_item *item, int seconds);
void outbox_failed(struct outbox_item *item, const char *why);
void outbox_hold(struct outbox_item *item, const char *why); /* shown with the next reply */

/* Whatever a platform call came to. */
void outbox_end_with(struct outbox_item *item, const struct platform_result *result);

/* The database function that was called last has ended the row itself. */
void outbox_ended(struct outbox_item *item);

#endif
