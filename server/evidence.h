#ifndef GULOU_EVIDENCE_H
#define GULOU_EVIDENCE_H

/* Photos of a declaration, behind links that live for half an hour: for the reviewer in the chat.
 *
 * The link itself is the permission: it names the declaration (or one photo) and when it ends, and
 * carries an HMAC over both with a key of the account. Nothing is stored, so any server can check
 * it, and it opens in the browser that WeChat opens it in, without signing in. */

#include <stdbool.h>

#include "server/base/str.h"
#include "server/image.h"
#include "server/web.h"

/* The page of all photos of declaration `no`; in the arena. */
const char *evidence_link(struct arena *arena, const struct config *config,
                          const struct account *account, int64_t no);

/* The same of what came with an objection: for administrators. */
const char *evidence_objection_link(struct arena *arena, const struct config *config,
                                    const struct account *account, int64_t objection);

/* One picture, for pages of ours: "/demo/photo/12?…", small or whole. */
const char *evidence_photo_path(struct arena *arena, const struct account *account, int64_t photo,
                                bool small);

/* A cleaned picture as arguments for SQL: width, height, digest, and the two sizes, sealed when the
 * configuration has a key. */
enum {
    EVIDENCE_WIDTH,
    EVIDENCE_HEIGHT,
    EVIDENCE_DIGEST,
    EVIDENCE_JPEG,
    EVIDENCE_SMALL,
    EVIDENCE_ARGS
};
void evidence_arguments(struct arena *arena, const struct config *config,
                        const struct account *account, const struct image *image,
                        const char *args[EVIDENCE_ARGS]);

/* GET /{account}/evidence/{no}, /{account}/objection/{no} and /{account}/photo/{id}. False: the
 * path is none of these, and nothing was answered. */
bool evidence_handle(struct web *web, struct str kind, struct str id);

#endif
