#ifndef GULOU_NOTIFICATION_WORDS_H
#define GULOU_NOTIFICATION_WORDS_H

/* What a notification says, wherever it is shown: as a customer message or on top of a reply. */

#include <cjson/cJSON.h>

#include "server/base/buf.h"

/* `facts` as gulou.notify() wrote them. */
void notification_words(struct buf *out, const cJSON *facts);

#endif
