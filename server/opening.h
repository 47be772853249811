#ifndef GULOU_OPENING_H
#define GULOU_OPENING_H

/* Opens a page for the person of the browser's session, and sends everybody else to sign in.
 *
 * Use:       begin your own state with a struct opening, put it into web->state, opening_start().
 *            `then` gets what the function said, with a session renewed and {"csrf"} added; a
 *            refusal other than signed_out and not_bound is its own to tell.
 * Ownership: the state lives in the exchange's arena; `facts` end when `then` returns. */

#include "server/web.h"

struct opening {
    const char *page; /* where the browser comes back to (server/sign_in.h) */
    void (*then)(struct web *web, cJSON *facts);

    /* private to opening.c */
    const char *token; /* in case the session is renewed */
};

/* api.<function>(account, session, next session, args…): it begins with gulou.enter(). */
void opening_start(struct web *web, const char *function, int n, const char *const *args);

#endif
