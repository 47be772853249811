#ifndef GULOU_WEB_H
#define GULOU_WEB_H

/* One request of a browser or of a program that reads JSON: a call of the database, and its answer
 * as a page or as JSON.
 *
 * Use:       web_new() in the handler, then web_call(); `on_facts` gets what the function said and
 *            answers with exactly one of web_page(), web_json(), web_error(), web_redirect(),
 *            web_bytes(), or calls once more.
 * Failure:   a fault or a late database is answered 503 here, an argument that is no UTF-8 400; a
 *            refusal is the caller's.
 * Ownership: everything lives in the exchange's arena and is gone when the exchange ends; a call
 *            under way is then cancelled. Facts live until the next call's answer or the end.
 * Thread:    the worker's. */

#include <cjson/cJSON.h>

#include "db/pg.h"
#include "server/http.h"
#include "server/platform.h"
#include "server/request.h"

struct web {
    struct http_exchange *exchange;
    struct services *services;
    const struct account *account; /* NULL until it is known */
    bool json;                     /* errors as JSON, not as a page */
    int status;                    /* of the page that is answered; 200 */
    void *state;                   /* the handler's own */

    /* private to web.c */
    struct pg_call call;
    void (*on_facts)(struct web *web, const cJSON *facts);
    cJSON *facts;
    struct str raw; /* the facts as they came */
    void (*on_end)(struct web *web);
    int64_t since;
    struct event *late;
    void (*on_late)(struct web *web);
};

struct web *web_new(struct http_exchange *exchange, struct services *services);
struct arena *web_arena(const struct web *web);

/* api.<function>(args…); an account is an argument like any other. `changes` as in db/pg.h, with
 * the person as the key. */
void web_call(struct web *web, const char *function, int n, const char *const *args,
              void (*on_facts)(struct web *web, const cJSON *facts));
void web_change(struct web *web, const char *person, const char *function, int n,
                const char *const *args, void (*on_facts)(struct web *web, const cJSON *facts));

/* Called when the exchange ends, answered or not: for what else is under way. */
void web_on_end(struct web *web, void (*on_end)(struct web *web));

/* The same, for a page that waits for the platform: after WEB_ANSWER_MS since the request came,
 * `on_end` is called and then `on_late`, which answers. Else the request's deadline would end the
 * connection without a word. */
void web_on_end_or_late(struct web *web, void (*on_end)(struct web *web),
                        void (*on_late)(struct web *web));

/* ---- answers ---- */

/* `data` may be changed: the account's id and name are added. A page that names a "script" of
 * server/pages may run it; others run none. */
void web_page(struct web *web, const char *template, cJSON *data);

/* The same for a page of a signed-in person: another layout, scripts and forms of ours allowed,
 * never kept by a cache. */
void web_member_page(struct web *web, const char *template, cJSON *data);

/* The facts exactly as the database wrote them. */
void web_json(struct web *web);
void web_json_of(struct web *web, const cJSON *json);

/* `code` for programs, `message` for people. */
void web_error(struct web *web, int status, const char *code, const char *message);
void web_not_found(struct web *web);

/* {"refusal":…} of a reading function: 404 for not_found, else 400. */
void web_refusal(struct web *web, const char *code);

void web_redirect(struct web *web, const char *url);
void web_bytes(struct web *web, const char *type, struct str bytes);

#endif
