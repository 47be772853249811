#ifndef GULOU_PLATFORM_H
#define GULOU_PLATFORM_H

/* Calls of the platform on behalf of an account: the token is put in, and the reaction of
 * wechat/api_errors.h is applied, here and nowhere else.
 *
 * Use:       embed a struct platform_call in your own context, fill the upper half,
 *            platform_start(). What comes back is one of three outcomes.
 * Forbidden: what the account may not call (48001) is refused at once for an hour.
 * Token:     a dead one is dropped, a new one fetched and the call repeated, once.
 * Repeating: PLATFORM_LATER is the caller's to carry out: whatever must not be lost is a row of the
 *            outbox (server/outbox.h), which waits and tries again. The call may have had its
 *            effect; where the platform takes an id of ours, give the same one again.
 * Ownership: the call and what it points to stay the caller's until on_done or platform_cancel();
 *            the result ends when on_done returns.
 * Failure:   on_done is called exactly once. Codes and the platform's rid are logged here, with an
 *            event `platform_alert` when only the operator can help.
 * Thread:    one per worker. */

#include "server/token.h"
#include "wechat/api.h"

struct platform;

enum platform_outcome {
    PLATFORM_DONE,
    PLATFORM_LATER,   /* after later_seconds */
    PLATFORM_REFUSED, /* this call will never succeed as it is */
};

struct platform_result {
    enum platform_outcome outcome;
    int later_seconds;
    bool awaits_person; /* LATER, but sooner with the person's next message */
    bool not_sent;      /* there was no token: nothing can have happened */
    int errcode;
    const char *meaning;
    const char *rid; /* names the call for the platform's support; may be empty */
    const cJSON *json;
    struct str file;
    const char *file_type;
};

struct platform_call {
    const struct account *account;
    const char *path;
    struct api_parameter query[API_QUERY_MAX];
    struct str body;
    const struct api_file *file;
    bool wants_file;    /* a download: `file` of the result, unless the platform refuses */
    bool without_token; /* sign-in calls carry the secret instead */
    int attempt;        /* 0 for the first; back-off and the platform's second host depend on it */
    void (*on_done)(struct platform_call *call, const struct platform_result *result);
    void *context; /* the caller's own */

    /* private to platform.c */
    struct platform *platform;
    struct api_call api;
    struct token_wait wait;
    char token[TOKEN_MAX_BYTES + 1];
    bool refreshed;
};

struct platform *platform_new(struct services *services);

/* Every call must have been cancelled or be done. NULL is fine. */
void platform_free(struct platform *platform);

void platform_start(struct platform *platform, struct platform_call *call);

/* on_done will not be called any more; the platform may still act. Fine for a zeroed call. */
void platform_cancel(struct platform_call *call);

#endif
