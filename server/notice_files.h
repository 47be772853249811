#ifndef GULOU_NOTICE_FILES_H
#define GULOU_NOTICE_FILES_H

/* A notice (公示) as a file to keep: CSV and XLSX with the columns of the page, and with what it
 * takes to check them (server/notice_check.h). The last row is the sum; the sum of the leaves is
 * the root.
 *
 * Lines are fetched FILE_CHUNK_ROWS at a time and written to a temporary file, so a notice of any
 * length takes little memory. */

#include <stdbool.h>

#include "server/base/buf.h"
#include "server/web.h"

enum {
    NOTICE_NO,
    NOTICE_MEMBER,
    NOTICE_UNIT,
    NOTICE_ITEM,
    NOTICE_POINTS,
    NOTICE_DATE,
    NOTICE_SALT,
    NOTICE_LEAF,
    NOTICE_STATE,
    NOTICE_COLUMNS
};

extern const char *const notice_columns[NOTICE_COLUMNS];

#define NOTICE_SUM "合计"

/* A line's state (gulou.shown_state()) in words, and back; "" for what is none. */
const char *notice_state_words(const char *state);
const char *notice_state_of(struct str words);

/* One line of what the digest of all states is taken over (gulou.state_digest()). */
void notice_state_add(struct buf *out, struct str no, struct str state);

/* `session` as in api.public_notice; `ending` is ".csv" or ".xlsx". False: it is neither, and
 * nothing was answered. */
bool notice_file_send(struct web *web, const char *session, const char *id, struct str ending);

#endif
