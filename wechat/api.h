#ifndef GULOU_WECHAT_API_H
#define GULOU_WECHAT_API_H

/* Calls of the platform's server API, in one event loop: libcurl, connections kept, TLS verified.
 *
 * Use:       embed a struct api_call in your own context, fill the upper half, api_start().
 * Ownership: the call and what it points to stay the caller's until on_done or api_cancel(); the
 *            result is the library's and ends when on_done returns.
 * Failure:   on_done is called exactly once, never inside api_start(). Every failure has an
 *            errcode's reaction: what never arrived, what ended half-way, HTTP 5xx and a file or a
 *            page where JSON was due are API_RETRY.
 * Secrets:   the token travels in the query; neither it nor a URL is ever logged here.
 * Source:    wechat-protocol.md 6: failures come as HTTP 200 with an errcode; ids exceed 2^53, so
 *            integers of 16 digits and more are given as text; bodies hold raw UTF-8.
 * Thread:    one per worker; no call from another thread. */

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

#include "server/base/arena.h"
#include "server/base/str.h"
#include "wechat/api_errors.h"

#define API_RID_MAX 63
#define API_QUERY_MAX 4

struct api;
struct api_flight;
struct api_result;
struct event_base;

struct api_file {
    const char *name; /* ASCII, with the right extension */
    const char *type; /* image/jpeg */
    struct str bytes;
};

struct api_parameter {
    const char *name, *value; /* value unescaped */
};

struct api_call {
    const char *path;  /* "/cgi-bin/menu/create"; or a whole URL, for what lies on other hosts */
    const char *token; /* NULL: the call needs none */
    struct api_parameter query[API_QUERY_MAX]; /* ends with the first NULL name */
    struct str body;                           /* JSON; the empty view: GET, unless `file` */
    const struct api_file *file;               /* multipart upload, field `media` */
    bool wants_file; /* a download; for all others what is no JSON is no answer */
    int attempt;     /* odd ones go to the platform's second host */
    void (*on_done)(struct api_call *call, const struct api_result *result);

    /* private to api.c */
    struct api_flight *flight;
};

struct api_result {
    int errcode; /* -1 also for what never got an answer */
    const struct api_error *error;
    char rid[API_RID_MAX + 1]; /* names the request for the platform's support; may be empty */
    const char *message;       /* errmsg, or what went wrong below HTTP; for the log */
    const cJSON *json;         /* NULL for a file and without a readable answer */
    struct str file;           /* a downloaded medium, when wants_file */
    const char *file_type;
};

/* `base`: "https://api.weixin.qq.com", without a slash at the end; kept. */
struct api *api_new(struct event_base *loop, const char *base);

/* Calls under way are cancelled. NULL is fine. */
void api_free(struct api *api);

void api_start(struct api *api, struct api_call *call);

/* on_done will not be called any more; the platform may still act. Fine for a zeroed call. */
void api_cancel(struct api *api, struct api_call *call);

/* JSON as the platform wants it: raw UTF-8, no \u escape, control characters but \n \r \t dropped.
 * Changes `json`'s texts accordingly. */
struct str api_json(struct arena *arena, cJSON *json);

/* Parses an answer: integers of 16 digits and more become texts. NULL: not JSON. The caller
 * deletes it. */
cJSON *api_parse(struct str text);

/* A field that comes as a number in one place and as text in another; NULL when absent. */
const char *api_id(struct arena *arena, const cJSON *json, const char *name);

#endif
