#ifndef GULOU_WECHAT_API_ERRORS_H
#define GULOU_WECHAT_API_ERRORS_H

/* What an errcode of the platform's API means, and what to do about it: one table.
 *
 * Source: developers.weixin.qq.com, "全局返回码", as summed up in wechat-protocol.md 8. A code that
 * is not in the table is given up. server/platform.c is the one place that acts on it.
 * Thread: any. */

#include <stdbool.h>

enum api_reaction {
    API_OK,
    API_RETRY,          /* busy or unreachable: again, after 1, 2, 4 s */
    API_REFRESH_TOKEN,  /* the token is dead: a new one, then once more */
    API_WAIT,           /* a quota or a window: not before `wait_seconds` have passed */
    API_GIVE_UP,        /* this call cannot succeed as it is */
    API_AUTHORISE_AGAIN /* web sign-in: the person's browser has to start anew */
};

#define API_WAIT_MIDNIGHT (-1) /* 00:00 Beijing time, when daily quotas begin anew */
#define API_WAIT_PERSON (-2)   /* the person's next message or tap */

struct api_error {
    int first, last; /* the codes */
    enum api_reaction reaction;
    int wait_seconds; /* for API_WAIT, or one of the above */
    bool alert;       /* only the operator can mend it */
    const char *meaning;
};

/* Never NULL. */
const struct api_error *api_error(int errcode);

#endif
