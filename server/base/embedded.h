#ifndef GULOU_BASE_EMBEDDED_H
#define GULOU_BASE_EMBEDDED_H

/* Files that the build puts into the program, so that one binary is all there is to install.
 * Each list is sorted by name and ends with an entry whose name is NULL. */

#include <stddef.h>

struct embedded_file {
    const char *name; /* without its folder: "0001_tables.sql" */
    const char *data; /* NUL-terminated */
    size_t size;      /* without the terminator */
};

extern const struct embedded_file embedded_migrations[];
extern const struct embedded_file embedded_rollback[]; /* the ways back, by the same names */
extern const struct embedded_file embedded_functions[];
extern const struct embedded_file embedded_demo[];
extern const struct embedded_file embedded_pages[];

#endif
