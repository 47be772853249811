#ifndef GULOU_CSV_FILE_H
#define GULOU_CSV_FILE_H

/* Tables as CSV, as Excel in Chinese opens them: UTF-8 with a byte order mark, every cell quoted.
 * The door to libcsv.
 *
 * A cell that a spreadsheet would take for a formula gets an apostrophe in front, and so does one
 * that begins with an apostrophe itself; reading takes it away again. */

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "server/base/arena.h"
#include "server/base/str.h"

#define CSV_FILE_BOM "\xef\xbb\xbf"

void csv_file_begin(FILE *file);
void csv_file_row(FILE *file, const struct str *cells, size_t n);

/* Rows of a whole file, strictly: no stray quotes, no bytes that no cell of ours holds. Cells live
 * in the arena. Returns 0, or the line at which it is no CSV. */
size_t csv_file_read(struct arena *arena, struct str text,
                     void (*on_row)(void *context, size_t line, const struct str *cells, size_t n),
                     void *context);

#endif
