#ifndef GULOU_BASE_NOW_H
#define GULOU_BASE_NOW_H

#include <stdint.h>

/* Milliseconds of a clock that never jumps. */
int64_t now_ms(void);

#endif
