/* What the loads of tests/bench share: the file of pushes that pushes.mjs writes, "BYTES\n" and the
 * whole HTTP request as often as there are requests, and the heads of answers. */

#pragma once

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PUSH_MAX 65536

static inline void fail(const char *what) {
    fprintf(stderr, "%s: %s\n", program_invocation_short_name, what);
    exit(1);
}

static inline double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static inline FILE *open_pushes(const char *file) {
    FILE *pushes = fopen(file, "rb");
    if (!pushes)
        fail("no such file of pushes");
    return pushes;
}

/* Its length; 0 at the end of the file. */
static inline size_t read_push(FILE *pushes, char push[PUSH_MAX]) {
    size_t n;
    if (fscanf(pushes, "%zu%*c", &n) != 1)
        return 0;
    if (n > PUSH_MAX || fread(push, 1, n, pushes) != n)
        fail("the file of pushes is cut");
    return n;
}

/* How long the answer is that begins here, which must be a 200; 0 while its head is not whole. */
static inline size_t answer_length(const char *from, size_t n) {
    const char *end = memmem(from, n, "\r\n\r\n", 4);
    if (!end)
        return 0;
    const char *length = memmem(from, (size_t)(end - from), "Content-Length: ", 16);
    if (strncmp(from, "HTTP/1.1 200", 12) != 0 || !length)
        fail("an answer is none");
    return (size_t)(end - from) + 4 + strtoul(length + 16, NULL, 10);
}
