#ifndef GULOU_TABLE_XLSX_H
#define GULOU_TABLE_XLSX_H

/* Reads the cells of an XLSX file. Debian has no C or C++ library that reads this format (its
 * libxlsxwriter only writes), so the zip is opened by libzip and the parts that matter, five small
 * kinds of XML, go through expat here. Formulas give the value that was saved with them; numbers
 * under a date format become 2026-11-24. */

#include <stdbool.h>
#include <stddef.h>

#include "server/base/arena.h"
#include "server/base/str.h"

/* Cells come in the file's order; row from 1, column from 0. False ends the reading. */
typedef bool (*table_on_cell)(void *context, size_t row, size_t column, struct str text);

/* NULL when all was read or on_cell ended it; else a sentence for the clerk. A part whose checksum
 * does not fit is refused before a cell of it is handed over. */
const char *table_xlsx_read(struct arena *arena, struct str bytes, table_on_cell on_cell,
                            void *context);

#endif
