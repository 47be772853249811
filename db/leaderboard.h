#ifndef GULOU_DB_LEADERBOARD_H
#define GULOU_DB_LEADERBOARD_H

/* Ranks of one period from Redis: a copy of PostgreSQL's period_score that may vanish.
 *
 * Scores arrive as absolute values with a version; the script that applies them ignores versions it
 * already has, so order and repetition do not matter. A board is only read after a rebuild has
 * marked it ready, and while it is whole: of this run of Redis, with as many entries as the marker
 * says. Otherwise, and without Redis, every read says LEADERBOARD_ASK_SQL and the caller asks
 * the book. Points that a stranger has written into Redis are not found out here: who shows
 * rows gives them to api.board_together, which shows what the book has where it does not agree.
 *
 * Keys, behind board:{account}:{period}
 *   :v         hash "member:org" -> "version:points"
 *   :members   sorted set of ten-digit ids by -points, so that ties stand
 *   :units     in order of their ids
 *   :ready     the marker
 *   :building  the token of a rebuild under way, whose parts are :next:v, :next:members and
 *              :next:units until they take the places of those above
 *
 * on_done is called exactly once, never inside the starting call. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "db/pg.h"
#include "db/redis.h"

#define LEADERBOARD_ROWS_MAX 100
#define LEADERBOARD_CHUNK_ROWS 500 /* of changes in one script run; keeps Redis responsive */
#define LEADERBOARD_PAGE_ROWS 1000 /* of a rebuild: one answer of api.scores, one script run */
#define LEADERBOARD_PAUSE_MS 500   /* between two pages, for who builds beside other work */

enum leaderboard_status { LEADERBOARD_OK, LEADERBOARD_ASK_SQL };

struct cJSON;
struct event_base;

struct leaderboard_row {
    int64_t rank; /* 1 + number of strictly higher scores */
    int64_t id;   /* member or org; names come from api.board_together */
    int64_t points;
};

struct leaderboard_top {
    struct leaderboard_row rows[LEADERBOARD_ROWS_MAX];
    size_t n;
    struct leaderboard_row mine; /* rank 0: without points */
};

struct leaderboard_read {
    void (*on_done)(struct leaderboard_read *read, enum leaderboard_status status,
                    const struct leaderboard_top *top);

    /* private to leaderboard.c */
    struct redis_call redis;
    int64_t mine;
};

/* The first `limit` rows with points above zero; `mine` (0: nobody) is the asker's member or org.
 */
void leaderboard_top(struct redis *redis, struct leaderboard_read *read, const char *account,
                     const char *period, bool units, size_t limit, int64_t mine);
void leaderboard_read_cancel(struct redis *redis, struct leaderboard_read *read);

/* Applies score rows: the JSON text of an array [{"period","member","org","points","version"}], or
 * of an object holding it as "rows" or "scores". `call` (may be NULL) hears whether Redis did it;
 * what gets lost is caught up by the job that reads api.score_changes. */
void leaderboard_apply(struct redis *redis, struct redis_call *call, const char *account,
                       struct str json);

/* Whether the board may be read: the value is the integer 1 or 0. */
void leaderboard_check(struct redis *redis, struct redis_call *call, const char *account,
                       const char *period);

/* The same for parsed rows, however many: LEADERBOARD_CHUNK_ROWS at a time. Fill the upper half;
 * the rows stay the caller's until on_done. Cancel with redis_cancel(redis, &filling->call). */
struct leaderboard_filling {
    struct redis *redis;
    const char *account;
    const struct cJSON *next; /* the first row */
    void (*on_done)(struct leaderboard_filling *filling, bool ok);

    /* private to leaderboard.c */
    struct redis_call call;
};
void leaderboard_fill(struct leaderboard_filling *filling);

struct leaderboard_rebuild;

enum leaderboard_haste {
    LEADERBOARD_AT_ONCE, /* as fast as it goes; one that is under way is overtaken and ends */
    LEADERBOARD_BESIDE,  /* with pauses: a million rows take 9 minutes and a twentieth of a core;
                            while another builds it ends at once */
};

/* Reads one period's scores from api.scores, page by page, into a board beside the one that is
 * read, which it replaces at the end. False: overtaken, or another builds, or Redis or PostgreSQL
 * was away; the board is then what it was. The rebuild frees itself after on_done, which is never
 * called inside the starting call. */
struct leaderboard_rebuild *leaderboard_rebuild(struct event_base *base, struct redis *redis,
                                                struct pg *pg, const char *account,
                                                const char *period, enum leaderboard_haste haste,
                                                void (*on_done)(void *context, bool ok),
                                                void *context);

/* Before its on_done only, and before redis_free() and pg_free(). */
void leaderboard_rebuild_cancel(struct leaderboard_rebuild *rebuild);

#endif
