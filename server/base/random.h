#ifndef GULOU_BASE_RANDOM_H
#define GULOU_BASE_RANDOM_H

/* Bytes that nobody can guess, from the kernel; it is asked for many at once.
 *
 * Thread:  any; each has its own.
 * Failure: none that a program could live with: it ends. */

#include <stddef.h>

void random_bytes(void *out, size_t n);

#endif
