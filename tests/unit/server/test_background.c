/* Work beside the loop: done once, told in the loop, forgotten when cancelled. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <event2/event.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "server/background.h"

#define JOBS 50

struct task {
    struct background_job job;
    struct event_base *base;
    pthread_t worked_in, told_in;
    int worked, told;
    int *left;
};

static struct task *task_of(struct background_job *job) {
    return (struct task *)(void *)((char *)job - offsetof(struct task, job));
}

static void work(struct background_job *job) {
    task_of(job)->worked++;
    task_of(job)->worked_in = pthread_self();
}

static void told(struct background_job *job) {
    struct task *task = task_of(job);
    task->told++;
    task->told_in = pthread_self();
    if (--*task->left == 0)
        event_base_loopbreak(task->base);
}

static void start(struct background *background, struct task *task, struct event_base *base,
                  int *left) {
    *task = (struct task){.job = {.work = work, .on_done = told}, .base = base, .left = left};
    background_submit(background, &task->job);
}

static void test_every_job_is_done_once_elsewhere_and_told_here(void **state) {
    (void)state;
    static struct task tasks[JOBS];
    struct event_base *base = event_base_new();
    struct background *background = background_new(base);
    int left = JOBS;
    for (int i = 0; i < JOBS; i++)
        start(background, &tasks[i], base, &left);
    event_base_dispatch(base);
    for (int i = 0; i < JOBS; i++) {
        assert_int_equal(tasks[i].worked, 1);
        assert_int_equal(tasks[i].told, 1);
        assert_false(pthread_equal(tasks[i].worked_in, pthread_self()));
        assert_true(pthread_equal(tasks[i].told_in, pthread_self()));
    }
    background_free(background);
    event_base_free(base);
}

/* ---- turns ---- */

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
static char order[JOBS];
static size_t order_n;

static void work_in_turn(struct background_job *job) {
    pthread_mutex_lock(&gate);
    task_of(job)->worked++;
    order[order_n++] = job->whose ? job->whose[0] : '-';
    pthread_mutex_unlock(&gate);
}

/* Who has many waiting lets the others go between; what is nobody's has a turn of its own. */
static void test_people_take_turns(void **state) {
    (void)state;
    static const char came[] = "aaaaab-cba", *const turns = "ab-cabaaaa";
    static struct task tasks[sizeof came - 1];
    struct event_base *base = event_base_new();
    struct background *background = background_new(base);
    int left = sizeof came - 1;
    pthread_mutex_lock(&gate);
    for (size_t i = 0; i < sizeof came - 1; i++) {
        char *whose = came[i] == '-' ? NULL : (char[]){came[i], '\0'};
        tasks[i] = (struct task){
            .job = {.work = work_in_turn, .on_done = told, .whose = whose ? strdup(whose) : NULL},
            .base = base,
            .left = &left};
        background_submit(background, &tasks[i].job);
    }
    pthread_mutex_unlock(&gate);
    event_base_dispatch(base);
    assert_string_equal(order, turns);
    for (size_t i = 0; i < sizeof came - 1; i++)
        free((void *)(uintptr_t)tasks[i].job.whose);
    background_free(background);
    event_base_free(base);
}

static void test_a_cancelled_job_is_never_told(void **state) {
    (void)state;
    struct task kept, cancelled, untouched = {0};
    struct event_base *base = event_base_new();
    struct background *background = background_new(base);
    int left = 1;
    start(background, &cancelled, base, &left);
    start(background, &kept, base, &left);
    background_cancel(&cancelled.job);
    background_cancel(&untouched.job);
    event_base_dispatch(base);
    assert_int_equal(kept.told, 1);
    assert_int_equal(cancelled.told, 0);
    background_free(background);
    event_base_free(base);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_job_is_done_once_elsewhere_and_told_here),
        cmocka_unit_test(test_people_take_turns),
        cmocka_unit_test(test_a_cancelled_job_is_never_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
