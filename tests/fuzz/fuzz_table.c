/* Any bytes as a table: it is read within its limits, or refused with one sentence. */

#include <stdlib.h>
#include <string.h>

#include "server/base/limits.h"
#include "server/table.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_cells(const char *const *cells, size_t n) {
    if (n > TABLE_COLUMNS_MAX)
        abort();
    for (size_t i = 0; i < n; i++) {
        struct str cell = str_from(cells[i]);
        if (cell.n > TABLE_CELL_MAX_BYTES || !str_is_utf8(cell) || strpbrk(cells[i], "\r\n\t"))
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct arena *arena = arena_new();
    const char *why = NULL;
    const struct table *table = table_parse(arena, (struct str){(const char *)data, size}, &why);
    if (table) {
        check_cells(table->columns, table->columns_n);
        size_t before = table->header_row;
        for (size_t i = 0; i < table->rows_n; i++) {
            if (table->rows[i].row <= before || table->rows[i].cells_n > table->columns_n)
                abort();
            before = table->rows[i].row;
            check_cells(table->rows[i].cells, table->rows[i].cells_n);
        }
        table_json(arena, table);
    } else if (!why || strpbrk(why, "\r\n")) {
        abort();
    }
    arena_free(arena);
    return 0;
}
