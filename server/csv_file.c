#include "server/csv_file.h"

#include <csv.h>
#include <stdlib.h>
#include <string.h>

#include "server/base/buf.h"

#define CELLS_MAX 64

/* What spreadsheets begin a formula with; full-width forms, too, where one types Chinese. */
static const char *const dangerous[] = {"=",  "+",  "-",  "@",  "\t", "\r",
                                        "\n", "＝", "＋", "－", "＠", "'"};

static bool is_dangerous(struct str cell) {
    int64_t number;
    if (str_to_i64(cell, &number)) /* -5 is no formula */
        return false;
    for (size_t i = 0; i < sizeof dangerous / sizeof dangerous[0]; i++)
        if (str_starts(cell, str_from(dangerous[i])))
            return true;
    return false;
}

void csv_file_begin(FILE *file) {
    fputs(CSV_FILE_BOM, file);
}

void csv_file_row(FILE *file, const struct str *cells, size_t n) {
    struct arena *arena = arena_new();
    for (size_t i = 0; i < n; i++) {
        struct buf cell;
        buf_init(&cell, arena);
        if (is_dangerous(cells[i]))
            buf_puts(&cell, "'");
        buf_addstr(&cell, cells[i]);
        if (i > 0)
            putc(',', file);
        csv_fwrite(file, buf_view(&cell).p ? buf_view(&cell).p : "", cell.n);
    }
    fputs("\r\n", file);
    arena_free(arena);
}

/* ---- reading ---- */

struct reading {
    struct arena *arena;
    void (*on_row)(void *context, size_t line, const struct str *cells, size_t n);
    void *context;
    struct str cells[CELLS_MAX];
    size_t n;
    size_t line;
};

static void on_cell(void *bytes, size_t n, void *context) {
    struct reading *r = context;
    struct str cell = {bytes ? arena_strndup(r->arena, bytes, n) : "", bytes ? n : 0};
    if (cell.n > 0 && cell.p[0] == '\'')
        cell = (struct str){cell.p + 1, cell.n - 1};
    if (r->n < CELLS_MAX)
        r->cells[r->n++] = cell;
}

static void on_row_end(int end, void *context) {
    (void)end;
    struct reading *r = context;
    r->line++;
    r->on_row(r->context, r->line, r->cells, r->n);
    r->n = 0;
}

/* No cell of ours holds a control character; libcsv would skip some of them. */
static size_t line_of_stray_byte(struct str text) {
    size_t line = 1;
    for (size_t i = 0; i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];
        bool ends = c == '\r' && i + 1 < text.n && text.p[i + 1] == '\n';
        if ((c < ' ' && c != '\n' && !ends) || c == 0x7f)
            return line;
        line += c == '\n';
    }
    return str_is_utf8(text) ? 0 : line;
}

size_t csv_file_read(struct arena *arena, struct str text,
                     void (*on_row)(void *context, size_t line, const struct str *cells, size_t n),
                     void *context) {
    struct reading r = {.arena = arena, .on_row = on_row, .context = context};
    struct csv_parser parser;
    size_t stray = line_of_stray_byte(text);
    if (stray > 0)
        return stray;
    if (str_starts(text, STR(CSV_FILE_BOM)))
        text = (struct str){text.p + 3, text.n - 3};
    if (csv_init(&parser, CSV_STRICT | CSV_STRICT_FINI) != 0)
        abort();
    bool good = csv_parse(&parser, text.p, text.n, on_cell, on_row_end, &r) == text.n &&
                csv_fini(&parser, on_cell, on_row_end, &r) == 0;
    csv_free(&parser);
    return good ? 0 : r.line + 1;
}
