#ifndef GULOU_XLSX_FILE_H
#define GULOU_XLSX_FILE_H

/* One table as an XLSX file, row by row in little memory. The door to libxlsxwriter.
 *
 * Use:       xlsx_file_new() writes the header row, frozen; xlsx_file_row() each row from above to
 *            below; xlsx_file_end() packs the file, which takes a while for a long one.
 *
 * Failure:   xlsx_file_end() returns the library's words, or NULL.
 *
 * Thread:    one at a time. */

#include <stdbool.h>
#include <stddef.h>

struct xlsx_file;

enum xlsx_type { XLSX_TEXT, XLSX_NUMBER, XLSX_DATE /* 2026-11-23 */ };

struct xlsx_column {
    const char *title;
    enum xlsx_type type;
    double width; /* in characters */
};

/* `columns` must live as long as the sheet. NULL: no memory. */
struct xlsx_file *xlsx_file_new(const char *path, const char *name,
                                const struct xlsx_column *columns, size_t n);

/* A cell that is not what its column's type wants is written as text; "" stays empty. */
void xlsx_file_row(struct xlsx_file *sheet, const char *const *cells, bool bold);

const char *xlsx_file_end(struct xlsx_file *sheet); /* NULL is fine */

#endif
