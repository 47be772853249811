#ifndef GULOU_DB_SCHEMA_H
#define GULOU_DB_SCHEMA_H

/* Whether this program and the database's schema belong together.
 *
 * A schema may be newer than the program: while servers are replaced one by one, or after the
 * program was put back. It then runs as long as gulou.schema_floor allows; a schema that lacks one
 * of this program's migrations is refused always. */

#include <cjson/cJSON.h>
#include <stdbool.h>

#include "db/sync.h"

enum schema_state {
    SCHEMA_FITS,
    SCHEMA_NEWER,   /* and may be used */
    SCHEMA_TOO_OLD, /* gulou migrate mends it */
    SCHEMA_TOO_NEW, /* only a newer program may run */
    SCHEMA_UNKNOWN  /* the database did not answer */
};

/* Asks as the server's role would. *why: one line for people (to be free()d), unless it fits.
 * `session`: NULL, or keeps the connection for more calls (to be closed; NULL when there is none).
 */
enum schema_state schema_check(const char *url, struct sync **session, char **why);

/* Whether an error, or its SQLSTATE alone, says that there is no such function, schema, table or
 * role, or no right to use them: never migrated, long ago, or taken back. */
bool schema_is_missing(const char *error);

/* The same of what api.schema_state() answered. */
enum schema_state schema_judge(const cJSON *state, char **why);

#endif
