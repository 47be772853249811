#ifndef GULOU_TAGS_H
#define GULOU_TAGS_H

/* The platform's tags (标签), one for each role: who wears one sees that role's menu.
 *
 * Only the words of the calls; server/deliveries/tag.c keeps the tags level with the roles,
 * server/commands/menu.c ties menus to them.
 * Source: wechat-protocol.md 7.5. The platform sets the ids; a name is there once. */

#include <cjson/cJSON.h>
#include <stdint.h>

#include "server/base/arena.h"
#include "server/base/str.h"

#define TAG_NAME_TAKEN 45157 /* tags/create: it is there already */
#define TAG_ID_INVALID 45159 /* also said of a good one, when two calls overlap */

/* reviewer → 审核员; NULL for a role without a tag. */
const char *tag_name(const char *role);

/* For tags/create. */
struct str tag_create_body(struct arena *arena, const char *name);

/* From the answer of tags/create; 0: none. */
int64_t tag_created(const cJSON *answer);

/* From the answer of tags/get; 0: no tag has this name. */
int64_t tag_named(const cJSON *answer, const char *name);

/* For batchtagging and batchuntagging; `openids` is an array of texts. */
struct str tag_members_body(struct arena *arena, int64_t tag, const cJSON *openids);

#endif
