#ifndef GULOU_DB_ROLLBACK_H
#define GULOU_DB_ROLLBACK_H

/* Takes a schema back to what an earlier program made, where nothing is lost by it.
 *
 * A migration has a way back when db/rollback/ has a file of its name. That file undoes it and
 * refuses, by pg_temp.keep_rows(), while there are rows that only the newer schema can hold. All
 * steps are one transaction; functions are dropped, because they are the earlier program's to make:
 * its own `gulou migrate` does it. Servers are stopped meanwhile. */

#include "db/migrate.h"

/* `to`: the last migration that stays, by its four digits or its name (0050, 0050_hot_path).
 * *undone counts steps. False: nothing was changed, *error (to be free()d) says which step has no
 * way back and why, or which migrations there are. */
bool rollback_to(const char *url, const char *to, const struct embedded_file *migrations,
                 const struct embedded_file *rollbacks, int *undone, char **error);

#endif
