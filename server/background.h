#ifndef GULOU_BACKGROUND_H
#define GULOU_BACKGROUND_H

/* Work that would keep an event loop from answering (pictures): one thread beside each loop.
 *
 * Use:       embed a struct background_job in your own context, fill the upper half,
 *            background_submit(). `work` runs in the other thread, then `on_done` in the loop's.
 * Order:     as it came, but people take turns: thirty pictures of one keep another's waiting for
 *            one of them.
 * Ownership: job and context stay the caller's until on_done or background_cancel(); between
 *            submitting and either of them only `work` may touch what it works on.
 * Failure:   on_done is called exactly once, never inside background_submit().
 * Thread:    all but `work` in the loop's; the other thread starts with the first job. */

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

struct background;
struct event_base;

struct background_job {
    void (*work)(struct background_job *job);
    void (*on_done)(struct background_job *job);
    const char *whose; /* a text that names them, valid until then; NULL: a turn of its own */

    /* private to background.c */
    TAILQ_ENTRY(background_job) link;
    struct background *owner;
    int state;
    uint64_t turn;
};

struct background *background_new(struct event_base *base);

/* Waits for the job that runs; the others are forgotten. NULL is fine. */
void background_free(struct background *background);

void background_submit(struct background *background, struct background_job *job);

/* on_done will not be called any more; waits while `work` runs. Fine for a zeroed or ended job. */
void background_cancel(struct background_job *job);

#endif
