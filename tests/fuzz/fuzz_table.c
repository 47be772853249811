/* Any bytes as a table: it is read within its limits, or refused with one sentence. Bytes that
 * begin with '<' become the parts of a workbook, divided by NUL, because no mutation keeps a zip
 * whole. */

#include <stdlib.h>
#include <string.h>
#include <zip.h>

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

static void check(struct arena *arena, struct str bytes) {
    const char *why = NULL;
    const struct table *table = table_parse(arena, bytes, &why);
    if (!table) {
        if (!why || strpbrk(why, "\r\n"))
            abort();
        return;
    }
    check_cells(table->columns, table->columns_n);
    size_t before = table->header_row;
    for (size_t i = 0; i < table->rows_n; i++) {
        if (table->rows[i].row <= before)
            abort();
        before = table->rows[i].row;
        check_cells(table->rows[i].cells, table->rows[i].cells_n);
    }
    table_json(arena, table);
}

static void add_part(zip_t *zip, const char *name, const uint8_t *data, size_t size) {
    zip_source_t *part = zip_source_buffer(zip, data, size, 0);
    zip_int64_t at = zip_file_add(zip, name, part, ZIP_FL_OVERWRITE);
    if (at < 0 || zip_set_file_compression(zip, (zip_uint64_t)at, ZIP_CM_STORE, 0) != 0)
        abort();
}

static struct str workbook_of(struct arena *arena, const uint8_t *data, size_t size) {
    static const char *const names[] = {"xl/worksheets/sheet1.xml", "xl/sharedStrings.xml",
                                        "xl/styles.xml", "xl/workbook.xml",
                                        "xl/_rels/workbook.xml.rels"};
    zip_source_t *whole = zip_source_buffer_create(NULL, 0, 0, NULL);
    zip_source_keep(whole); /* closing would take it along */
    zip_t *zip = zip_open_from_source(whole, ZIP_TRUNCATE, NULL);
    add_part(zip, "xl/workbook.xml", (const uint8_t *)"<workbook/>", 11);
    for (size_t i = 0; i < sizeof names / sizeof names[0] && size > 0; i++) {
        const uint8_t *end = memchr(data, 0, size);
        size_t n = end ? (size_t)(end - data) : size;
        add_part(zip, names[i], data, n);
        data += n + (end != NULL);
        size -= n + (end != NULL);
    }
    zip_stat_t stat;
    if (zip_close(zip) != 0 || zip_source_stat(whole, &stat) != 0 || zip_source_open(whole) != 0)
        abort();
    char *bytes = arena_alloc(arena, stat.size);
    if (zip_source_read(whole, bytes, stat.size) != (zip_int64_t)stat.size)
        abort();
    zip_source_close(whole);
    zip_source_free(whole);
    return (struct str){bytes, (size_t)stat.size};
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct arena *arena = arena_new();
    check(arena, size > 0 && data[0] == '<' ? workbook_of(arena, data, size)
                                            : (struct str){(const char *)data, size});
    arena_free(arena);
    return 0;
}
