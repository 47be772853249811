#include "server/table_xlsx.h"

#include <expat.h>
#include <inttypes.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zip.h>

#include "server/base/buf.h"
#include "server/base/limits.h"
#include "server/base/memory.h"

#define STYLES_MAX 65536
#define RELATIONS_MAX 256
#define BROKEN "XLSX 文件读不了，请用 Excel 打开后重新保存"
#define DAMAGED "XLSX 文件已损坏（内容与校验码不符），请重新取得这个文件"

struct relation {
    const char *id, *target;
};

struct xlsx {
    struct arena *arena;
    zip_t *zip;
    XML_Parser parser;
    const char *why;
    bool stopped; /* by the receiver of the cells */

    struct relation relations[RELATIONS_MAX];
    size_t relations_n;
    const char *sheet; /* the relation of the first sheet that is shown */
    bool from_1904;    /* how old Macs count days */

    const struct str *strings; /* shared ones */
    size_t strings_n, strings_room;
    bool *is_date; /* by the number of the cell's style */
    size_t styles_n;
    unsigned long date_formats[RELATIONS_MAX]; /* numbers of the file's own date formats */
    size_t date_formats_n;
    bool in_cell_styles;

    table_on_cell on_cell;
    void *context;
    size_t row, column;
    size_t style;
    char type; /* of the cell: 's' shared, 't' own text, 'b', 'e', 'n' */
    bool in_text, in_phonetic;
    struct buf text;
};

/* ---- what all parts have in common ---- */

static void fail(struct xlsx *x, const char *why) {
    if (!x->why)
        x->why = why;
    XML_StopParser(x->parser, XML_FALSE);
}

/* Some programs write <x:row>. */
static const char *local(const char *name) {
    const char *colon = strrchr(name, ':');
    return colon ? colon + 1 : name;
}

static bool is(const char *name, const char *wanted) {
    return strcmp(local(name), wanted) == 0;
}

static const char *attribute(const char **attributes, const char *name) {
    for (; attributes[0]; attributes += 2)
        if (strcmp(attributes[0], name) == 0)
            return attributes[1];
    return NULL;
}

static const char *keep(struct xlsx *x, const char *text) {
    return arena_strndup(x->arena, text ? text : "", text ? strlen(text) : 0);
}

static void XMLCALL on_doctype(void *context, const char *name, const char *system,
                               const char *public, int internal) {
    (void)name, (void)system, (void)public, (void)internal;
    fail(context, BROKEN); /* no spreadsheet has one, and entities could grow without end */
}

static void XMLCALL on_text(void *context, const char *text, int n) {
    struct xlsx *x = context;
    if (!x->in_text || x->in_phonetic)
        return;
    /* One byte more than any cell may have: whoever gets it refuses it. */
    size_t room = TABLE_CELL_MAX_BYTES + 1u - x->text.n;
    buf_add(&x->text, text, (size_t)n < room ? (size_t)n : room);
}

static void begin_text(struct xlsx *x) {
    x->text.n = 0;
    x->in_text = x->in_phonetic = false;
}

/* All of the part, no less and no more. Only who reads to the end is told whether the checksum
 * fits: without that a changed digit would be a number like any other. */
static bool read_whole(zip_file_t *file, char *bytes, zip_uint64_t size) {
    char beyond;
    return zip_fread(file, bytes, size) == (zip_int64_t)size && zip_fread(file, &beyond, 1) == 0;
}

/* The part's bytes; false when it is missing, with `why` when it is there and broken. */
static bool read_part(struct xlsx *x, const char *name, struct str *out) {
    zip_stat_t stat;
    if (zip_stat(x->zip, name, ZIP_FL_NOCASE, &stat) != 0)
        return false;
    if (!(stat.valid & ZIP_STAT_SIZE) || stat.size > XLSX_PART_MAX_BYTES) {
        x->why = "XLSX 文件太大";
        return false;
    }
    zip_file_t *file = zip_fopen_index(x->zip, stat.index, 0);
    char *bytes = arena_alloc(x->arena, stat.size + 1);
    bool whole = file && read_whole(file, bytes, stat.size);
    if (!whole)
        x->why = file ? DAMAGED : BROKEN;
    if (file)
        zip_fclose(file);
    *out = (struct str){bytes, (size_t)stat.size};
    return whole;
}

static bool parse_part(struct xlsx *x, const char *name, XML_StartElementHandler on_start,
                       XML_EndElementHandler on_end) {
    static const XML_Memory_Handling_Suite memory = {memory_malloc, memory_realloc, memory_put};
    struct str part;
    if (x->why || !read_part(x, name, &part))
        return false;
    x->parser = XML_ParserCreate_MM(NULL, &memory, NULL);
    if (!x->parser)
        abort();
    XML_SetUserData(x->parser, x);
    XML_SetElementHandler(x->parser, on_start, on_end);
    XML_SetCharacterDataHandler(x->parser, on_text);
    XML_SetStartDoctypeDeclHandler(x->parser, on_doctype);
    enum XML_Status status = XML_Parse(x->parser, part.p, (int)part.n, XML_TRUE);
    XML_ParserFree(x->parser);
    if (status != XML_STATUS_OK && !x->stopped && !x->why)
        x->why = BROKEN;
    return x->why == NULL;
}

/* ---- which sheet ---- */

static void XMLCALL on_relation(void *context, const char *name, const char **attributes) {
    struct xlsx *x = context;
    if (is(name, "Relationship") && x->relations_n < RELATIONS_MAX)
        x->relations[x->relations_n++] = (struct relation){
            keep(x, attribute(attributes, "Id")), keep(x, attribute(attributes, "Target"))};
}

static void XMLCALL on_workbook(void *context, const char *name, const char **attributes) {
    struct xlsx *x = context;
    if (is(name, "workbookPr")) {
        const char *flag = attribute(attributes, "date1904");
        x->from_1904 = flag && (*flag == '1' || *flag == 't');
    } else if (is(name, "sheet") && !x->sheet && !attribute(attributes, "state")) {
        x->sheet = keep(x, attribute(attributes, "r:id"));
    }
}

static const char *sheet_path(struct xlsx *x) {
    for (size_t i = 0; x->sheet && i < x->relations_n; i++) {
        const char *target = x->relations[i].target;
        if (strcmp(x->relations[i].id, x->sheet) == 0)
            return *target == '/' ? target + 1 : arena_printf(x->arena, "xl/%s", target);
    }
    return "xl/worksheets/sheet1.xml";
}

/* ---- shared strings: <si><t>, or <si><r><t> piece by piece; <rPh> holds how it is read ---- */

static void XMLCALL on_string_start(void *context, const char *name, const char **attributes) {
    struct xlsx *x = context;
    (void)attributes;
    if (is(name, "si"))
        begin_text(x);
    else if (is(name, "rPh"))
        x->in_phonetic = true;
    else if (is(name, "t"))
        x->in_text = true;
}

static void add_string(struct xlsx *x) {
    if (x->strings_n == x->strings_room) {
        size_t room = x->strings_room ? x->strings_room * 2 : 256;
        struct str *bigger = arena_alloc(x->arena, room * sizeof *bigger);
        if (x->strings_n > 0)
            memcpy(bigger, x->strings, x->strings_n * sizeof *bigger);
        x->strings = bigger;
        x->strings_room = room;
    }
    ((struct str *)(uintptr_t)x->strings)[x->strings_n++] =
        (struct str){arena_strndup(x->arena, x->text.p, x->text.n), x->text.n};
}

static void XMLCALL on_string_end(void *context, const char *name) {
    struct xlsx *x = context;
    if (is(name, "t"))
        x->in_text = false;
    else if (is(name, "rPh"))
        x->in_phonetic = false;
    else if (is(name, "si"))
        add_string(x);
}

/* ---- styles: which numbers are days ---- */

/* yyyy"年"m"月"d"日"; not [Red]0 or "day" 0. */
static bool shows_a_day(const char *code) {
    for (; *code; code++) {
        if (*code == '"' || *code == '[') {
            code = strchr(code + 1, *code == '"' ? '"' : ']');
            if (!code)
                return false;
        } else if (*code == '\\' && code[1]) {
            code++;
        } else if (strchr("yYdD", *code)) {
            return true;
        }
    }
    return false;
}

/* The built-in ones; those from 27 on are East Asian. */
static bool is_date_format(const struct xlsx *x, unsigned long format) {
    if ((format >= 14 && format <= 17) || format == 22 || (format >= 27 && format <= 31) ||
        format == 36 || (format >= 50 && format <= 54) || format == 57 || format == 58)
        return true;
    for (size_t i = 0; i < x->date_formats_n; i++)
        if (x->date_formats[i] == format)
            return true;
    return false;
}

static void XMLCALL on_style_start(void *context, const char *name, const char **attributes) {
    struct xlsx *x = context;
    const char *format = attribute(attributes, "numFmtId");
    const char *code = attribute(attributes, "formatCode");
    if (is(name, "cellXfs"))
        x->in_cell_styles = true;
    else if (is(name, "numFmt") && format && code && shows_a_day(code) &&
             x->date_formats_n < RELATIONS_MAX)
        x->date_formats[x->date_formats_n++] = strtoul(format, NULL, 10);
    else if (is(name, "xf") && x->in_cell_styles && x->styles_n < STYLES_MAX)
        x->is_date[x->styles_n++] = format && is_date_format(x, strtoul(format, NULL, 10));
}

static void XMLCALL on_style_end(void *context, const char *name) {
    struct xlsx *x = context;
    if (is(name, "cellXfs"))
        x->in_cell_styles = false;
}

/* ---- the sheet ---- */

/* "AB12": row 12, column 27. */
static bool read_place(const char *text, size_t *row, size_t *column) {
    size_t letters = 0, digits = 0;
    for (; *text >= 'A' && *text <= 'Z' && letters < 100000; text++)
        letters = letters * 26 + (size_t)(*text - 'A') + 1;
    for (; *text >= '0' && *text <= '9' && digits < 10000000; text++)
        digits = digits * 10 + (size_t)(*text - '0');
    *row = digits;
    *column = letters - 1;
    return letters > 0 && digits > 0 && *text == '\0';
}

static void begin_cell(struct xlsx *x, const char **attributes) {
    const char *place = attribute(attributes, "r"), *type = attribute(attributes, "t"),
               *style = attribute(attributes, "s");
    size_t row;
    begin_text(x);
    if (!place)
        x->column++; /* wraps to 0 behind a row's start */
    else if (!read_place(place, &row, &x->column) || row != x->row)
        fail(x, BROKEN);
    x->style = style ? strtoul(style, NULL, 10) : 0;
    x->type = !type                    ? 'n'
              : strcmp(type, "s") == 0 ? 's'
              : strcmp(type, "b") == 0 ? 'b'
              : strcmp(type, "n") == 0 ? 'n'
                                       : 't';
}

static void XMLCALL on_sheet_start(void *context, const char *name, const char **attributes) {
    struct xlsx *x = context;
    if (is(name, "row")) {
        const char *row = attribute(attributes, "r");
        x->row = row ? strtoul(row, NULL, 10) : x->row + 1;
        x->column = SIZE_MAX;
    } else if (is(name, "c")) {
        begin_cell(x, attributes);
    } else if (is(name, "v") || is(name, "t")) {
        x->in_text = true;
    } else if (is(name, "rPh")) {
        x->in_phonetic = true;
    }
}

static struct str print_day(struct xlsx *x, double number) {
    time_t seconds = (time_t)((floor(number) + (x->from_1904 ? 1462 : 0) - 25569) * 86400);
    struct tm day;
    char text[32] = "";
    if (gmtime_r(&seconds, &day))
        strftime(text, sizeof text, "%Y-%m-%d", &day);
    return str_from(keep(x, text));
}

/* 12, not 12.0 or 1.2E1; so long as a number of a file is. */
static struct str print_number(struct xlsx *x, double number) {
    bool whole = number == floor(number) && fabs(number) < 1e15;
    return str_from(arena_printf(x->arena, whole ? "%.0f" : "%.15g", number));
}

static struct str value_of(struct xlsx *x, struct str text) {
    char *end;
    double number = strtod(text.p, &end);
    bool is_number = text.n > 0 && *end == '\0' && isfinite(number);
    if (x->type == 's' && is_number && number >= 0 && number < (double)x->strings_n)
        return x->strings[(size_t)number];
    if (x->type == 'b')
        return str_is(text, "1") ? STR("是") : STR("否");
    if (x->type != 'n' || !is_number)
        return text;
    if (x->style < x->styles_n && x->is_date[x->style] && number >= 61 && number < 2958466)
        return print_day(x, number);
    return print_number(x, number);
}

static void end_cell(struct xlsx *x) {
    if (x->text.n == 0)
        return;
    if (!x->on_cell(x->context, x->row, x->column, value_of(x, buf_view(&x->text)))) {
        x->stopped = true;
        XML_StopParser(x->parser, XML_FALSE);
    }
}

static void XMLCALL on_sheet_end(void *context, const char *name) {
    struct xlsx *x = context;
    if (is(name, "v") || is(name, "t"))
        x->in_text = false;
    else if (is(name, "rPh"))
        x->in_phonetic = false;
    else if (is(name, "c"))
        end_cell(x);
}

/* ---- the whole ---- */

static void read_parts(struct xlsx *x) {
    parse_part(x, "xl/_rels/workbook.xml.rels", on_relation, NULL);
    if (!parse_part(x, "xl/workbook.xml", on_workbook, NULL) && !x->why)
        x->why = "这不是 XLSX 文件"; /* some other zip */
    parse_part(x, "xl/sharedStrings.xml", on_string_start, on_string_end);
    parse_part(x, "xl/styles.xml", on_style_start, on_style_end);
    if (!parse_part(x, sheet_path(x), on_sheet_start, on_sheet_end) && !x->why)
        x->why = BROKEN;
}

const char *table_xlsx_read(struct arena *arena, struct str bytes, table_on_cell on_cell,
                            void *context) {
    struct xlsx *x = arena_alloc(arena, sizeof *x);
    x->arena = arena;
    x->on_cell = on_cell;
    x->context = context;
    x->is_date = arena_alloc(arena, STYLES_MAX * sizeof *x->is_date);
    buf_init(&x->text, arena);
    zip_error_t error;
    zip_error_init(&error);
    zip_source_t *source = zip_source_buffer_create(bytes.p, bytes.n, 0, &error);
    x->zip = source ? zip_open_from_source(source, ZIP_RDONLY, &error) : NULL;
    zip_error_fini(&error);
    if (!x->zip) {
        zip_source_free(source);
        return BROKEN;
    }
    read_parts(x);
    zip_discard(x->zip);
    return x->why;
}
