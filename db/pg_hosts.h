#ifndef GULOU_DB_PG_HOSTS_H
#define GULOU_DB_PG_HOSTS_H

/* The hosts of a libpq url that names several, in another order.
 *
 * Asked to connect without blocking, libpq takes them in their order and waits for each without
 * end; a first one that is switched off would keep it from ever asking the second. So every
 * attempt after such a silence begins with the next host.
 *
 * Of several hosts the one that writes is meant, wherever it stands in the list: a standby would
 * answer questions from the past. The url may say otherwise. */

#include <stdbool.h>

#define PG_HOST_LIST_MAX 1024
#define PG_HOST_KEYWORDS 3

struct pg_hosts {
    int count; /* how many the url names; at least 1 */
    /* What differs from the url, for PQconnectStartParams() behind it; n of them. */
    int n;
    const char *keywords[PG_HOST_KEYWORDS];
    char values[PG_HOST_KEYWORDS][PG_HOST_LIST_MAX];
};

#define PG_HOSTS_TARGET "target_session_attrs"

/* Its value for a url that does not say; to be given before the url. */
const char *pg_hosts_target(const char *url);

/* The url's hosts (with addresses and ports) from the turn-th on, then those before it. A url that
 * libpq does not understand has one host, and so has one whose lists are too long. */
void pg_hosts_turn(struct pg_hosts *hosts, const char *url, unsigned turn);

/* libpq understands it, as postgresql://… or as host=… dbname=…; nothing is connected to. */
bool pg_url_is_good(const char *url);

#endif
