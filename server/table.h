#ifndef GULOU_TABLE_H
#define GULOU_TABLE_H

/* A table of an office, as Excel in Chinese writes it: rows of texts, whatever the format was.
 *
 * Use:       const struct table *table = table_read(arena, path, &why);
 * CSV:       UTF-8 with or without a byte order mark, GB18030, or UTF-16 as "Unicode text"; any
 *            line ends; comma, semicolon or tab, whichever the header has more of.
 * XLSX:      the first sheet that is shown (server/table_xlsx.h). The bytes decide, not the name.
 * Header:    the first row with two filled cells; what stands above it is a title, most likely. Who
 *            knows the columns' names judges (gulou.with_header).
 * Cells:     terminated UTF-8 without control characters. Blanks stay, the database judges them;
 *            so do those of a row that has more of them than the header.
 * Failure:   NULL and one sentence for the clerk in `why`.
 * Ownership: everything lives in the arena. */

#include <stddef.h>

#include "server/base/arena.h"
#include "server/base/str.h"

struct table_row {
    size_t row; /* as the spreadsheet counts, from 1 */
    const char *const *cells;
    size_t cells_n;
};

struct table {
    size_t header_row;
    const char *const *columns;
    size_t columns_n;
    const struct table_row *above, *rows; /* of the header; those with something in them */
    size_t above_n, rows_n;
};

const struct table *table_read(struct arena *arena, const char *path, const char **why);
const struct table *table_parse(struct arena *arena, struct str bytes, const char **why);

/* As api.import_…() take it: {"columns":[…],"header_row":n,"above":[…],"rows":[{"row":n,
 * "cells":[…]}…]}. */
const char *table_json(struct arena *arena, const struct table *table);

#endif
