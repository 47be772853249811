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
 * The login is a superuser, or it owns the database and may create roles: then it becomes a member
 * of the roles that it makes. The database is UTF-8, else it is refused before anything. */

#include <stdbool.h>

#include "server/base/embedded.h"

struct sync;

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

/* False for a database that is not UTF-8. SQL_ASCII, what initdb makes under LANG=C, would take
 * everything and then mask, cut and search names by bytes. */
bool migrate_encoding(struct sync *sync, char **error);

/* Makes the roles gulou_owner and gulou_app where they are missing, and lets the login act as them.
 */
bool migrate_roles(struct sync *sync, char **error);

/* Waits for whoever else changes the schema; ends with the session. */
bool migrate_lock(struct sync *sync, char **error);

/* Whether this program has a migration of this name and checksum. */
bool migrate_knows(const char *name, const char *checksum);

#endif
