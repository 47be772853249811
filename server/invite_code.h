#ifndef GULOU_INVITE_CODE_H
#define GULOU_INVITE_CODE_H

/* What a member types after 绑定: eight signs, without letters and digits that look alike in print
 * (31 signs, 39 bits). The database keeps its digest only. */

#include "server/base/arena.h"

const char *invite_code_new(struct arena *arena);

#endif
