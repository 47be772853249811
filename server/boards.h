#ifndef GULOU_BOARDS_H
#define GULOU_BOARDS_H

/* The first of each account's board of the period that runs, from Redis, for all who ask at once.
 *
 * Use:       embed a struct boards_call, set on_done, boards_first(). Its answer goes to the
 *            database, which says whether it is true, and of which period it should have been:
 *            boards_note_period() keeps that for whoever asks next.
 * Sharing:   who asks in one turn of the loop shares one reading. Whoever comes while one is under
 *            way waits for the next, so that nobody is told what was so before they asked.
 * Failure:   false: no period is known yet, or Redis is away. NULLs: it did not say.
 * Ownership: the call stays the caller's until on_done, which comes exactly once, later; the texts
 *            end when it returns.
 * Thread:    the worker's. */

#include <stdbool.h>
#include <sys/queue.h>

#define BOARDS_ROWS 10
#define BOARDS_ROWS_TEXT "10"

struct account;
struct boards;
struct config;
struct event_base;
struct redis;

struct boards_call {
    /* The period's name; members and their points, as PostgreSQL's arrays. */
    void (*on_done)(struct boards_call *call, const char *period, const char *ids,
                    const char *points);

    /* private to boards.c */
    TAILQ_ENTRY(boards_call) link;
};

struct boards *boards_new(struct event_base *base, struct redis *redis,
                          const struct config *config);
void boards_free(struct boards *boards); /* calls under way are forgotten; before redis_free() */

bool boards_first(struct boards *boards, const struct account *account, struct boards_call *call);
void boards_note_period(struct boards *boards, const struct account *account, const char *period);

#endif
