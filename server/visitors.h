#ifndef GULOU_VISITORS_H
#define GULOU_VISITORS_H

/* How fast one address may ask: a bucket of VISITOR_BURST requests for each, refilled by
 * VISITOR_PER_SECOND, in the worker's memory. An IPv6 visitor is the /64 it comes from.
 *
 * Limits:    VISITORS_MAX addresses; the one that has been quiet longest makes room.
 * Thread:    the worker's. */

#include <stdbool.h>

#include "server/config.h"
#include "server/http.h"

struct visitors;

struct visitors *visitors_new(void);
void visitors_free(struct visitors *visitors); /* NULL is fine */

/* False: this address has asked too often; it is to be told so. NULL lets everybody in. */
bool visitors_let_in(struct visitors *visitors, struct http_exchange *exchange,
                     const struct config *config);

/* The address that an exchange is counted by. */
struct str visitors_who(struct http_exchange *exchange, const struct config *config);

/* The same as 16 bytes in the exchange's arena, alike for all of one /64 of IPv6; what is no
 * address shares one, too. */
struct str visitors_network(struct http_exchange *exchange, const struct config *config);

/* ---- the parts, for the tests ---- */

/* Who visits: the peer, or, when the peer is a trusted proxy, the last address of `forwarded` that
 * is none. */
struct str visitors_address(struct str peer, struct str forwarded, struct str trusted);

/* What visitors_network() makes of an address. */
void visitors_key(struct str address, unsigned char key[16]);

/* `now` in seconds, from any beginning. */
bool visitors_take(struct visitors *visitors, struct str address, double now);

#endif
