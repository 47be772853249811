#include "server/visitors.h"

#include <arpa/inet.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "server/base/limits.h"
#include "server/base/log.h"
#include "server/base/random.h"

#define WAYS 8 /* addresses that share a place of the table */
#define PLACES (VISITORS_MAX / WAYS)

struct bucket {
    unsigned char address[16];
    double tokens;
    double seen; /* 0: free */
};

struct visitors {
    uint64_t secret; /* so that nobody can choose addresses that fall into one place */
    bool warned;
    struct bucket buckets[PLACES][WAYS];
};

struct visitors *visitors_new(void) {
    struct visitors *visitors = calloc(1, sizeof *visitors);
    if (!visitors)
        abort();
    random_bytes(&visitors->secret, sizeof visitors->secret);
    return visitors;
}

void visitors_free(struct visitors *visitors) {
    free(visitors);
}

/* ---- who it is ---- */

/* The part before the next comma leaves *rest; blanks around it do not count. */
static struct str take_last(struct str *rest) {
    const char *comma = rest->n > 0 ? memrchr(rest->p, ',', rest->n) : NULL;
    size_t at = comma ? (size_t)(comma - rest->p) + 1 : 0;
    struct str last = {rest->p + at, rest->n - at};
    rest->n = comma ? at - 1 : 0;
    return str_trim(last);
}

static bool is_in(struct str list, struct str address) {
    while (list.n > 0)
        if (str_eq(take_last(&list), address))
            return true;
    return false;
}

struct str visitors_address(struct str peer, struct str forwarded, struct str trusted) {
    struct str address = peer;
    while (forwarded.n > 0 && is_in(trusted, address))
        address = take_last(&forwarded);
    return address;
}

/* 16 bytes for any address; all that is none shares one bucket. */
void visitors_key(struct str text, unsigned char key[16]) {
    char terminated[INET6_ADDRSTRLEN] = "";
    memset(key, 0, 16);
    if (text.n == 0 || text.n >= sizeof terminated)
        return;
    memcpy(terminated, text.p, text.n);
    if (inet_pton(AF_INET, terminated, key) != 1 && inet_pton(AF_INET6, terminated, key) == 1)
        memset(key + 8, 0, 8);
}

/* ---- how much is left ---- */

static struct bucket *place_of(struct visitors *visitors, const unsigned char key[16]) {
    uint64_t hash = str_hash((struct str){(const char *)key, 16}, visitors->secret);
    return visitors->buckets[hash % PLACES];
}

static struct bucket *find(struct visitors *visitors, const unsigned char key[16]) {
    struct bucket *place = place_of(visitors, key), *oldest = place;
    for (int i = 0; i < WAYS; i++) {
        if (place[i].seen > 0 && memcmp(place[i].address, key, 16) == 0)
            return &place[i];
        if (place[i].seen < oldest->seen)
            oldest = &place[i];
    }
    *oldest = (struct bucket){.tokens = VISITOR_BURST};
    memcpy(oldest->address, key, 16);
    return oldest;
}

bool visitors_take(struct visitors *visitors, struct str address, double now) {
    unsigned char key[16];
    visitors_key(address, key);
    struct bucket *bucket = find(visitors, key);
    if (bucket->seen > 0)
        bucket->tokens += (now - bucket->seen) * VISITOR_PER_SECOND;
    if (bucket->tokens > VISITOR_BURST)
        bucket->tokens = VISITOR_BURST;
    bucket->seen = now;
    if (bucket->tokens < 1)
        return false;
    bucket->tokens -= 1;
    return true;
}

struct str visitors_who(struct http_exchange *exchange, const struct config *config) {
    /* Some proxies add a line of their own behind the visitor's: the last word is theirs. */
    return visitors_address(str_from(http_peer(exchange)),
                            http_header_list(exchange, "X-Forwarded-For"),
                            str_from(config->trusted_proxy));
}

struct str visitors_network(struct http_exchange *exchange, const struct config *config) {
    unsigned char *key = arena_alloc(http_arena(exchange), 16);
    visitors_key(visitors_who(exchange, config), key);
    return (struct str){(const char *)key, 16};
}

bool visitors_let_in(struct visitors *visitors, struct http_exchange *exchange,
                     const struct config *config) {
    struct timespec now;
    if (!visitors)
        return true;
    struct str peer = str_from(http_peer(exchange));
    struct str forwarded = http_header(exchange, "X-Forwarded-For");
    struct str trusted = str_from(config->trusted_proxy);
    if (forwarded.n > 0 && !is_in(trusted, peer) && !visitors->warned) {
        visitors->warned = true;
        log_warn("proxy_untrusted",
                 "peer=%s hint=\"server.trusted_proxy names the proxy; until "
                 "then all its visitors count as one\"",
                 http_peer(exchange));
    }
    clock_gettime(CLOCK_MONOTONIC, &now);
    return visitors_take(visitors, visitors_who(exchange, config),
                         (double)now.tv_sec + 1 + (double)now.tv_nsec / 1e9);
}
