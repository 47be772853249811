#ifndef GULOU_SESSION_H
#define GULOU_SESSION_H

/* Which signed-in person a browser is: a cookie with a random token. The database keeps the token's
 * digest; functions of db/functions/85_web.sql take it and find the person in the same round trip
 * as their answer.
 *
 * Forms and scripts send the session's own CSRF token in the header X-CSRF-Token. It is derived
 * from the session's token, so that nothing more has to be kept. */

#include <stdbool.h>

#include "server/web.h"

/* Whether the browser brought a session at all, good or not. */
bool session_is_there(struct web *web);

/* As an argument of SQL: the digest of the browser's token; of nothing when it has none. */
const char *session_of(struct web *web);

/* A fresh token for this browser: its digest for SQL; session_give() sets the cookie. */
const char *session_offer(struct web *web, const char **token);
void session_give(struct web *web, const char *token);
void session_take(struct web *web); /* deletes the cookie */

/* For the pages of this session; of `token` when one was just given. */
const char *session_csrf(struct web *web, const char *token);
bool session_csrf_ok(struct web *web);

/* ---- other small cookies of the sign-in ---- */

/* A random text of 32 hex digits. */
const char *random_text(struct arena *arena);

/* SHA-256 as SQL's bytea text. */
const char *digest_argument(struct arena *arena, struct str text);

/* HttpOnly, SameSite=Lax, for this account's paths, Secure when public_url is. seconds 0: deletes
 * it. */
void set_cookie(struct web *web, const char *name, const char *value, int seconds);

#endif
