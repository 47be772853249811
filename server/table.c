#include "server/table.h"

#include <cjson/cJSON.h>
#include <csv.h>
#include <iconv.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/base/limits.h"
#include "server/table_xlsx.h"

#define HEADER_ROWS 5 /* so far down a header is looked for */

/* ---- cells become rows ---- */

struct gathered {
    struct table_row row;
    size_t filled;
    struct gathered *next;
};

struct gathering {
    struct arena *arena;
    const char *cells[TABLE_COLUMNS_MAX];
    size_t cells_n, filled, row;
    struct gathered *first, *last;
    size_t rows_n;
    const char *why; /* once set, nothing more is taken */
};

static bool is_blank(const char *text) {
    return text[strspn(text, " ")] == '\0';
}

static void end_row(struct gathering *g) {
    if (g->filled > 0) {
        struct gathered *one = arena_alloc(g->arena, sizeof *one);
        const char **cells = arena_alloc(g->arena, g->cells_n * sizeof *cells);
        for (size_t i = 0; i < g->cells_n; i++)
            cells[i] = g->cells[i] ? g->cells[i] : "";
        *one = (struct gathered){{g->row, cells, g->cells_n}, g->filled, NULL};
        *(g->last ? &g->last->next : &g->first) = one;
        g->last = one;
        if (++g->rows_n > TABLE_ROWS_MAX)
            g->why = arena_printf(g->arena, "行数太多：最多 %d 行", TABLE_ROWS_MAX);
    }
    memset(g->cells, 0, sizeof g->cells);
    g->cells_n = g->filled = 0;
}

static bool on_cell(void *context, size_t row, size_t column, struct str text) {
    struct gathering *g = context;
    if (row != g->row) {
        end_row(g);
        if (row < g->row)
            g->why = "表格的行次序不对，请用 Excel 打开后重新保存";
        g->row = row;
    }
    if (text.n > TABLE_CELL_MAX_BYTES)
        g->why = arena_printf(g->arena, "第%zu行有一格太长", row);
    if (g->why)
        return false;
    char *cell = arena_strndup(g->arena, text.p, text.n);
    for (size_t i = 0; i < text.n; i++)
        if ((unsigned char)cell[i] < ' ' || cell[i] == 0x7f)
            cell[i] = ' ';
    if (column >= TABLE_COLUMNS_MAX) {
        if (!is_blank(cell))
            g->why = arena_printf(g->arena, "第%zu行第%zu列有内容：最多 %d 列，请删去右边多出的",
                                  row, column + 1, TABLE_COLUMNS_MAX);
        return g->why == NULL;
    }
    if (g->cells[column] == NULL && !is_blank(cell))
        g->filled++;
    g->cells[column] = cell;
    if (g->cells_n <= column)
        g->cells_n = column + 1;
    return true;
}

static const struct gathered *header_of(const struct gathering *g) {
    const struct gathered *one = g->first;
    for (size_t i = 0; one && i < HEADER_ROWS; i++, one = one->next)
        if (one->filled > 1)
            return one;
    return g->first;
}

static const struct table *finish(struct gathering *g, const char **why) {
    end_row(g);
    const struct gathered *header = header_of(g);
    if (!g->why && !header)
        g->why = "文件是空的";
    if (g->why) {
        *why = g->why;
        return NULL;
    }
    struct table *table = arena_alloc(g->arena, sizeof *table);
    struct table_row *rows = arena_alloc(g->arena, (g->rows_n + 1) * sizeof *rows);
    *table = (struct table){.header_row = header->row.row,
                            .columns = header->row.cells,
                            .columns_n = header->row.cells_n,
                            .above = rows};
    size_t n = 0;
    for (const struct gathered *one = g->first; one != header; one = one->next)
        rows[n++] = one->row;
    table->above_n = n;
    table->rows = rows + n;
    for (const struct gathered *one = header->next; one; one = one->next)
        rows[n++] = one->row;
    table->rows_n = n - table->above_n;
    return table;
}

/* ---- CSV ---- */

/* Bytes of another encoding as UTF-8; false when they are not of it. */
static bool convert(struct arena *arena, const char *from, struct str *text) {
    iconv_t door = iconv_open("UTF-8", from);
    if (door == (iconv_t)-1)
        abort(); /* glibc has both */
    size_t room = text->n * 3 + 4;
    char *out = arena_alloc(arena, room + 1), *at = out, *in = (char *)(uintptr_t)text->p;
    size_t left = text->n;
    bool good = iconv(door, &in, &left, &at, &room) != (size_t)-1 && left == 0;
    iconv_close(door);
    *text = (struct str){out, (size_t)(at - out)};
    return good;
}

static const char *decode(struct arena *arena, struct str *text) {
    if (str_starts(*text, STR("\xff\xfe"))) {
        *text = (struct str){text->p + 2, text->n - 2};
        if (!convert(arena, "UTF-16LE", text))
            return "文件的编码认不出来，请在 Excel 里另存为“CSV UTF-8”";
    }
    if (str_starts(*text, STR("\xef\xbb\xbf")))
        *text = (struct str){text->p + 3, text->n - 3};
    if (memchr(text->p, '\0', text->n))
        return "这不是表格文件，请用 CSV 或 XLSX";
    if (!str_is_utf8(*text) && !convert(arena, "GB18030", text))
        return "文件的编码认不出来，请在 Excel 里另存为“CSV UTF-8”";
    return NULL;
}

/* One '\n' at each line's end, so that libcsv counts every line once, the empty ones, too. */
static struct str plain_line_ends(struct arena *arena, struct str text) {
    char *out = arena_alloc(arena, text.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] != '\r')
            out[n++] = text.p[i];
        else if (i + 1 == text.n || text.p[i + 1] != '\n')
            out[n++] = '\n';
    }
    return (struct str){out, n};
}

/* Of the first line with anything in it. Excel also writes a line `sep=;` before, and hides it. */
static unsigned char delimiter_of(struct str *text) {
    if (text->n > 5 && memcmp(text->p, "sep=", 4) == 0 && text->p[5] == '\n') {
        unsigned char named = (unsigned char)text->p[4];
        *text = (struct str){text->p + 6, text->n - 6};
        return named;
    }
    static const char signs[] = {',', ';', '\t'};
    size_t count[3] = {0}, best = 0;
    bool quoted = false;
    for (size_t i = 0; i < text->n; i++) {
        if (text->p[i] == '"')
            quoted = !quoted;
        for (size_t k = 0; !quoted && k < 3; k++)
            count[k] += text->p[i] == signs[k];
        if (!quoted && text->p[i] == '\n' && count[0] + count[1] + count[2] > 0)
            break;
    }
    for (size_t k = 1; k < 3; k++)
        if (count[k] > count[best])
            best = k;
    return (unsigned char)signs[best];
}

struct csv_reading {
    struct gathering *gathering;
    size_t row, column;
};

static void on_csv_cell(void *bytes, size_t n, void *context) {
    struct csv_reading *r = context;
    struct str text = {bytes ? bytes : "", bytes ? n : 0};
    /* Our own files keep formulas from running by an apostrophe; it is not part of the text. */
    if (text.n > 1 && text.p[0] == '\'')
        text = (struct str){text.p + 1, text.n - 1};
    if (!r->gathering->why)
        on_cell(r->gathering, r->row, r->column, text);
    r->column++;
}

static void on_csv_row(int end, void *context) {
    (void)end;
    struct csv_reading *r = context;
    r->row++;
    r->column = 0;
}

static int no_space(unsigned char c) {
    (void)c;
    return 0;
}

static const char *read_csv(struct gathering *g, struct str text) {
    const char *why = decode(g->arena, &text);
    if (why)
        return why;
    text = plain_line_ends(g->arena, text);
    struct csv_reading r = {g, 1, 0};
    struct csv_parser parser;
    if (csv_init(&parser, CSV_REPALL_NL | CSV_STRICT | CSV_STRICT_FINI) != 0)
        abort();
    csv_set_delim(&parser, delimiter_of(&text));
    csv_set_space_func(&parser, no_space); /* else tabs between empty cells would vanish */
    bool good = csv_parse(&parser, text.p, text.n, on_csv_cell, on_csv_row, &r) == text.n &&
                csv_fini(&parser, on_csv_cell, on_csv_row, &r) == 0;
    csv_free(&parser);
    return good ? NULL : arena_printf(g->arena, "第%zu行的引号没有成对", r.row);
}

/* ---- whichever ---- */

const struct table *table_parse(struct arena *arena, struct str bytes, const char **why) {
    struct gathering *g = arena_alloc(arena, sizeof *g);
    g->arena = arena;
    const char *fault;
    if (str_starts(bytes, STR("PK\x03\x04")))
        fault = table_xlsx_read(arena, bytes, on_cell, g);
    else if (str_starts(bytes, STR("\xd0\xcf\x11\xe0")))
        fault = "这是旧格式 .xls，请在 Excel 里另存为 .xlsx 或 CSV";
    else
        fault = read_csv(g, bytes);
    if (!g->why)
        g->why = fault;
    return finish(g, why);
}

const struct table *table_read(struct arena *arena, const char *path, const char **why) {
    FILE *file = fopen(path, "rbe");
    if (!file) {
        *why = "打不开这个文件";
        return NULL;
    }
    char *bytes = arena_alloc(arena, TABLE_FILE_MAX_BYTES + 1);
    size_t n = fread(bytes, 1, TABLE_FILE_MAX_BYTES + 1, file);
    bool good = !ferror(file);
    fclose(file);
    if (!good || n > TABLE_FILE_MAX_BYTES) {
        *why = good ? "文件太大：最多 16 MB" : "读不了这个文件";
        return NULL;
    }
    return table_parse(arena, (struct str){bytes, n}, why);
}

static cJSON *texts_json(const char *const *texts, size_t n) {
    cJSON *list = cJSON_CreateArray();
    for (size_t i = 0; i < n; i++)
        cJSON_AddItemToArray(list, cJSON_CreateString(texts[i]));
    return list;
}

static cJSON *rows_json(const struct table_row *rows, size_t n) {
    cJSON *list = cJSON_CreateArray();
    for (size_t i = 0; i < n; i++) {
        cJSON *row = cJSON_CreateObject();
        cJSON_AddNumberToObject(row, "row", (double)rows[i].row);
        cJSON_AddItemToObject(row, "cells", texts_json(rows[i].cells, rows[i].cells_n));
        cJSON_AddItemToArray(list, row);
    }
    return list;
}

const char *table_json(struct arena *arena, const struct table *table) {
    cJSON *json = cJSON_CreateObject();
    cJSON_AddItemToObject(json, "columns", texts_json(table->columns, table->columns_n));
    cJSON_AddNumberToObject(json, "header_row", (double)table->header_row);
    cJSON_AddItemToObject(json, "above", rows_json(table->above, table->above_n));
    cJSON_AddItemToObject(json, "rows", rows_json(table->rows, table->rows_n));
    char *text = cJSON_PrintUnformatted(json);
    cJSON_Delete(json);
    if (!text)
        abort();
    char *copy = arena_strndup(arena, text, strlen(text));
    cJSON_free(text);
    return copy;
}
