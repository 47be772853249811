#ifndef GULOU_SHEET_H
#define GULOU_SHEET_H

/* One table as an XLSX file, row by row in little memory. The door to libxlsxwriter.
 *
 * Use:       sheet_new() writes the header row, frozen; sheet_row() each row from above to below;
 *            sheet_end() packs the file, which takes a while for a long one.
 * Failure:   sheet_end() returns the library's words, or NULL.
 * Thread:    one at a time. */

#include <stdbool.h>
#include <stddef.h>

struct sheet;

enum sheet_type { SHEET_TEXT, SHEET_NUMBER, SHEET_DATE /* 2026-11-23 */ };

struct sheet_column {
    const char *title;
    enum sheet_type type;
    double width; /* in characters */
};

/* `columns` must live as long as the sheet. NULL: no memory. */
struct sheet *sheet_new(const char *path, const char *name, const struct sheet_column *columns,
                        size_t n);

/* A cell that is not what its column's type wants is written as text; "" stays empty. */
void sheet_row(struct sheet *sheet, const char *const *cells, bool bold);

const char *sheet_end(struct sheet *sheet); /* NULL is fine */

#endif
