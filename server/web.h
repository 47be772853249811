#ifndef GULOU_WEB_H
#define GULOU_WEB_H

/* What everybody may read: pages and JSON are two faces of the same facts.
 *
 * A path names a view (one function of the database and its arguments) and a face: /api/v1/… is
 * answered as JSON by api.c, the others as HTML by pages.c. Errors wear the face of their path. */

#include <cjson/cJSON.h>

#include "server/http.h"
#include "server/request.h"

enum web_view {
    WEB_HOME,
    WEB_NOTICES,
    WEB_NOTICE,
    WEB_PROOF, /* JSON only */
    WEB_RANKING_MEMBERS,
    WEB_RANKING_UNITS,
};

/* One answer in the making; lives in the exchange's arena. */
struct web_call {
    struct http_exchange *exchange;
    struct services *services;
    const struct account *account; /* NULL only for errors before it is known */
    enum web_view view;
    bool json;
    struct pg_call call;
};

/* Every path of the public port, the callback's included; `context` is a struct services. */
void web_handle(struct http_exchange *exchange, void *context);

/* ---- the faces ---- */
void api_answer(struct web_call *w, cJSON *facts);
void api_error(struct web_call *w, int status, const char *code, const char *message);
void page_answer(struct web_call *w, cJSON *facts);
void page_error(struct web_call *w, int status, const char *message);
void page_style(struct http_exchange *exchange);

#endif
