#include "server/background.h"

#include <event2/event.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum state { IDLE, WAITING, RUNNING, DONE };

TAILQ_HEAD(jobs, background_job);

struct background {
    struct event *wake; /* in the loop: something is done */
    int wake_fd;
    pthread_t thread;
    bool started;

    pthread_mutex_t lock; /* guards all below, and every job's state */
    pthread_cond_t changed;
    struct jobs waiting;
    struct jobs done;
    struct background_job *running;
    uint64_t turn; /* of the job that was begun last; `waiting` is in the order of turns */
    bool stop;
};

static void *run(void *arg) {
    struct background *b = arg;
    pthread_mutex_lock(&b->lock);
    while (!b->stop) {
        struct background_job *job = TAILQ_FIRST(&b->waiting);
        if (!job) {
            pthread_cond_wait(&b->changed, &b->lock);
            continue;
        }
        TAILQ_REMOVE(&b->waiting, job, link);
        b->running = job;
        b->turn = job->turn;
        job->state = RUNNING;
        pthread_mutex_unlock(&b->lock);
        job->work(job);
        pthread_mutex_lock(&b->lock);
        b->running = NULL;
        job->state = DONE;
        TAILQ_INSERT_TAIL(&b->done, job, link);
        pthread_cond_broadcast(&b->changed);
        eventfd_write(b->wake_fd, 1);
    }
    pthread_mutex_unlock(&b->lock);
    return NULL;
}

static struct background_job *take_done(struct background *b) {
    pthread_mutex_lock(&b->lock);
    struct background_job *job = TAILQ_FIRST(&b->done);
    if (job) {
        TAILQ_REMOVE(&b->done, job, link);
        job->state = IDLE;
    }
    pthread_mutex_unlock(&b->lock);
    return job;
}

static void on_wake(evutil_socket_t fd, short what, void *arg) {
    (void)what;
    eventfd_t count;
    eventfd_read(fd, &count);
    for (struct background_job *job; (job = take_done(arg));)
        job->on_done(job);
}

struct background *background_new(struct event_base *base) {
    struct background *b = calloc(1, sizeof *b);
    if (!b)
        abort();
    TAILQ_INIT(&b->waiting);
    TAILQ_INIT(&b->done);
    pthread_mutex_init(&b->lock, NULL);
    pthread_cond_init(&b->changed, NULL);
    b->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    b->wake = event_new(base, b->wake_fd, EV_READ | EV_PERSIST, on_wake, b);
    if (b->wake_fd < 0 || !b->wake)
        abort();
    event_add(b->wake, NULL);
    return b;
}

void background_free(struct background *b) {
    if (!b)
        return;
    pthread_mutex_lock(&b->lock);
    b->stop = true;
    pthread_cond_broadcast(&b->changed);
    pthread_mutex_unlock(&b->lock);
    if (b->started)
        pthread_join(b->thread, NULL);
    event_free(b->wake);
    close(b->wake_fd);
    pthread_cond_destroy(&b->changed);
    pthread_mutex_destroy(&b->lock);
    free(b);
}

static bool same(const struct background_job *a, const struct background_job *b) {
    return a->whose && b->whose && strcmp(a->whose, b->whose) == 0;
}

/* In this turn, or in the one behind the last of the same person's. */
static void queue(struct background *b, struct background_job *job) {
    struct background_job *other, *before = NULL;
    job->turn = b->running && same(b->running, job) ? b->turn + 1 : b->turn;
    TAILQ_FOREACH(other, &b->waiting, link) {
        if (same(other, job))
            job->turn = other->turn + 1;
    }
    TAILQ_FOREACH(other, &b->waiting, link) {
        if (other->turn <= job->turn)
            before = other;
    }
    if (before)
        TAILQ_INSERT_AFTER(&b->waiting, before, job, link);
    else
        TAILQ_INSERT_HEAD(&b->waiting, job, link);
}

void background_submit(struct background *b, struct background_job *job) {
    if (!b->started)
        b->started = pthread_create(&b->thread, NULL, run, b) == 0;
    if (!b->started)
        job->work(job); /* no memory for a thread: here, then */
    job->owner = b;
    pthread_mutex_lock(&b->lock);
    job->state = b->started ? WAITING : DONE;
    if (b->started)
        queue(b, job);
    else
        TAILQ_INSERT_TAIL(&b->done, job, link);
    pthread_cond_broadcast(&b->changed);
    pthread_mutex_unlock(&b->lock);
    if (!b->started)
        eventfd_write(b->wake_fd, 1);
}

void background_cancel(struct background_job *job) {
    struct background *b = job->owner;
    if (!b)
        return;
    pthread_mutex_lock(&b->lock);
    while (job->state == RUNNING)
        pthread_cond_wait(&b->changed, &b->lock);
    if (job->state == WAITING)
        TAILQ_REMOVE(&b->waiting, job, link);
    else if (job->state == DONE)
        TAILQ_REMOVE(&b->done, job, link);
    job->state = IDLE;
    pthread_mutex_unlock(&b->lock);
}
