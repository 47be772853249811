#ifndef GULOU_TOKEN_H
#define GULOU_TOKEN_H

/* The platform's access token of each account: one for all servers, fetched by one of them.
 *
 * The rule lives in db/functions/26_platform_token.sql: it says whether the shared token is good,
 * and who fetches the next one, five minutes before the end, while the old one still serves. This
 * module asks it, does the fetching (stable_token), and remembers the answer for a minute.
 *
 * Secrets: a token never reaches a log.
 * Source:  wechat-protocol.md 7.1.
 * Thread:  one per worker. */

#include <sys/queue.h>

#include "server/request.h"
#include "wechat/api.h"

struct tokens;

struct token_wait {
    /* token NULL: there is none; a try after `later_seconds` may find one. The text ends when the
     * function returns. May be called inside token_get(). */
    void (*on_token)(struct token_wait *wait, const char *token, int later_seconds);

    /* private to token.c */
    TAILQ_ENTRY(token_wait) link;
    void *queue;
};

struct tokens *tokens_new(struct services *services, struct api *api);
void tokens_free(struct tokens *tokens); /* waiters are forgotten; NULL is fine */

void token_get(struct tokens *tokens, const struct account *account, struct token_wait *wait);

/* on_token will not be called any more. Fine for a zeroed wait. */
void token_cancel(struct token_wait *wait);

/* The platform refused it: dropped everywhere, unless a newer one is there already. */
void token_refused(struct tokens *tokens, const struct account *account, const char *token);

#endif
