#ifndef GULOU_ACTIONS_REVIEW_H
#define GULOU_ACTIONS_REVIEW_H

#include <cjson/cJSON.h>

#include "server/base/buf.h"

/* Why a reviewer's decision on one declaration was not possible. */
void tell_review_refusal(struct buf *out, const cJSON *result);

#endif
