#ifndef GULOU_DB_MIGRATE_H
#define GULOU_DB_MIGRATE_H

/* Brings a database to the state this program expects. Running it again changes nothing.
 *
 * Migrations NNNN_name.sql run in the order of their names, each once and in a transaction of its
 * own; gulou.schema_migration remembers them with their SHA-256, and one that changed after it was
 * applied is an error. All function files are applied again, in one transaction and with
 * check_function_bodies off, when their combined checksum changed. Demo files run when asked for
 * and changed since. An advisory lock makes a second migrator wait.
 *
 * The login role must be able to create the roles of 0001, so it is the database's owner or a
 * superuser. */

#include <stdbool.h>

#include "server/base/embedded.h"

struct migrate_files {
    const struct embedded_file *migrations;
    const struct embedded_file *functions;
    const struct embedded_file *demo; /* NULL: not asked for */
};

/* What the build put into this program. */
struct migrate_files migrate_embedded(bool demo);

/* False: nothing of the failing file was kept, *error (to be free()d) names it and says why.
 * *applied counts the files that ran. Either may be NULL. */
bool migrate_apply(const char *url, const struct migrate_files *files, int *applied, char **error);

#endif
