#ifndef GULOU_NOTIFICATION_WORDS_H
#define GULOU_NOTIFICATION_WORDS_H

/* What a notification says: in a chat message, on top of a reply, or in a template's fields.
 *
 * A new kind: one entry in the table of notification_words.c, and a gulou.notify() in SQL. */

#include <cjson/cJSON.h>
#include <stdbool.h>

#include "server/base/buf.h"

struct account;
struct config;

/* `facts` as gulou.notify() wrote them. One paragraph, with links to the next step. */
void notification_words(struct buf *out, const cJSON *facts, const struct config *config,
                        const struct account *account);

/* The page that a template message opens; NULL when there is none. */
const char *notification_url(struct arena *arena, const cJSON *facts, const struct config *config,
                             const struct account *account);

/* One word for a template's field of the platform's type `field` ("thing1"), as long as that type
 * may be (wechat-protocol.md 7.6); never empty. */
const char *notification_field(struct arena *arena, const cJSON *facts, const char *field,
                               const char *word);

/* For the configuration: which kinds and words there are. */
bool notification_kind_known(const char *kind);
bool notification_has_word(const char *word);
const char *notification_kinds_list(void);
const char *notification_words_list(void);

#endif
