#include "db/pg_hosts.h"

#include <libpq-fe.h>
#include <stdio.h>
#include <string.h>

static int count_of(const char *list) {
    int count = 1;
    for (; *list; list++)
        count += *list == ',';
    return count;
}

/* "a,b,c" from the second on: "b,c,a". */
static bool turn_list(char out[PG_HOST_LIST_MAX], const char *list, int first) {
    const char *rest = list;
    for (; first > 0; first--)
        rest = strchr(rest, ',') + 1;
    int before = rest > list ? (int)(rest - list) - 1 : 0;
    int n = snprintf(out, PG_HOST_LIST_MAX, "%s%s%.*s", rest, before > 0 ? "," : "", before, list);
    return n < PG_HOST_LIST_MAX;
}

static bool is_host_keyword(const char *keyword) {
    return strcmp(keyword, "host") == 0 || strcmp(keyword, "hostaddr") == 0 ||
           strcmp(keyword, "port") == 0;
}

/* One port stands for all hosts and stays. */
static void turn_all(struct pg_hosts *hosts, const PQconninfoOption *options, unsigned turn) {
    for (const PQconninfoOption *o = options; o->keyword; o++) {
        if (is_host_keyword(o->keyword) && o->val && count_of(o->val) > hosts->count)
            hosts->count = count_of(o->val);
    }
    int first = (int)(turn % (unsigned)hosts->count);
    for (const PQconninfoOption *o = options; first > 0 && o->keyword; o++) {
        if (!is_host_keyword(o->keyword) || !o->val || count_of(o->val) != hosts->count)
            continue;
        hosts->keywords[hosts->n] = strcmp(o->keyword, "host") == 0       ? "host"
                                    : strcmp(o->keyword, "hostaddr") == 0 ? "hostaddr"
                                                                          : "port";
        if (!turn_list(hosts->values[hosts->n++], o->val, first)) {
            hosts->n = 0;
            return;
        }
    }
}

void pg_hosts_turn(struct pg_hosts *hosts, const char *url, unsigned turn) {
    *hosts = (struct pg_hosts){.count = 1};
    PQconninfoOption *options = PQconninfoParse(url, NULL);
    if (options)
        turn_all(hosts, options, turn);
    PQconninfoFree(options);
}

const char *pg_hosts_target(const char *url) {
    struct pg_hosts hosts;
    pg_hosts_turn(&hosts, url, 0);
    return hosts.count > 1 ? "read-write" : "any";
}

bool pg_url_is_good(const char *url) {
    PQconninfoOption *options = *url ? PQconninfoParse(url, NULL) : NULL;
    bool good = options != NULL;
    PQconninfoFree(options);
    return good;
}
