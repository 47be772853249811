#ifndef GULOU_DELIVERIES_H
#define GULOU_DELIVERIES_H

/* What the outbox can send, a kind a file. An item may be gone when one of outbox.h's functions
 * returns: call them last. */

#include "server/outbox.h"

extern const struct delivery delivery_article;
extern const struct delivery delivery_notification;
extern const struct delivery delivery_photo;
extern const struct delivery delivery_tag;

#endif
