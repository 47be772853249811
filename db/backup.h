#ifndef GULOU_DB_BACKUP_H
#define GULOU_DB_BACKUP_H

/* A copy of the whole database in one encrypted file, and the way back.
 *
 * The file is one line of facts (schema, accounts, roots of the chain heads, last seals), then
 * pg_dump's custom format, both encrypted and authenticated by age. Facts and dump are of one
 * snapshot, so what was restored can be compared with what was there.
 *
 * Keys:      age's. `recipient` (public) suffices to write; `key` is the path of an identity file
 *            of age-keygen, which reads, and writes when there is no recipient.
 * Children:  pg_dump, pg_restore and age; passwords travel in their environment.
 * Failure:   false, with one line of cause (to be free()d); then there is no file, or the
 *            database is as empty as it was. Thread: any, nothing is shared. */

#include <stdbool.h>
#include <stddef.h>

struct backup_place {
    const char *url;       /* of the database */
    const char *recipient; /* NULL: those of `key` */
    const char *key;       /* NULL: only writing */
    const char *path;      /* of the file */
};

/* A new file, readable by its maker only; complete on the disk when this returns true. Until then
 * it is called PATH.partial; one that a killed backup left is written over, one that another backup
 * is writing is refused. The row that tells of it in gulou.backup is written last. *facts: JSON, to
 * be free()d. */
bool backup_write(const struct backup_place *place, char **facts, char **error);

/* Reads the file to its end first: a wrong key, an altered or a cut-off file is refused before the
 * database is touched, and so is one made by a newer program. The database must be empty and UTF-8;
 * of one that is not, *error says whether it holds what the file holds, and what to do.
 * All is restored in one transaction, roles are made, and the facts are recomputed and compared. */
bool backup_restore(const struct backup_place *place, char **facts, char **error);

#endif
