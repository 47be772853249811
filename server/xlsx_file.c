#include "server/xlsx_file.h"

#include <stdio.h>
#include <string.h>
#include <xlsxwriter.h>

#include "server/base/memory.h"
#include "server/base/str.h"

struct xlsx_file {
    lxw_workbook *workbook;
    lxw_worksheet *worksheet;
    lxw_format *bold, *date;
    const struct xlsx_column *columns;
    lxw_col_t n;
    lxw_row_t row;
};

struct xlsx_file *xlsx_file_new(const char *path, const char *name,
                                const struct xlsx_column *columns, size_t n) {
    lxw_workbook_options options = {.constant_memory = LXW_TRUE};
    struct xlsx_file *s = memory_get_zeroed(sizeof *s);
    s->workbook = workbook_new_opt(path, &options);
    s->worksheet = s->workbook ? workbook_add_worksheet(s->workbook, name) : NULL;
    if (!s->worksheet) {
        memory_put(s);
        return NULL;
    }
    s->columns = columns;
    s->n = (lxw_col_t)n;
    s->bold = workbook_add_format(s->workbook);
    format_set_bold(s->bold);
    s->date = workbook_add_format(s->workbook);
    format_set_num_format(s->date, "yyyy-mm-dd");
    for (lxw_col_t i = 0; i < s->n; i++) {
        worksheet_set_column(s->worksheet, i, i, columns[i].width, NULL);
        worksheet_write_string(s->worksheet, 0, i, columns[i].title, s->bold);
    }
    worksheet_freeze_panes(s->worksheet, 1, 0);
    s->row = 1;
    return s;
}

static bool read_date(const char *text, lxw_datetime *out) {
    char end;
    *out = (lxw_datetime){0};
    return sscanf(text, "%4d-%2d-%2d%c", &out->year, &out->month, &out->day, &end) == 3;
}

void xlsx_file_row(struct xlsx_file *s, const char *const *cells, bool bold) {
    for (lxw_col_t i = 0; i < s->n; i++) {
        enum xlsx_type type = s->columns[i].type;
        lxw_datetime date;
        int64_t number;
        if (type == XLSX_NUMBER && str_to_i64(str_from(cells[i]), &number))
            worksheet_write_number(s->worksheet, s->row, i, (double)number, bold ? s->bold : NULL);
        else if (type == XLSX_DATE && read_date(cells[i], &date))
            worksheet_write_datetime(s->worksheet, s->row, i, &date, s->date);
        else if (*cells[i])
            worksheet_write_string(s->worksheet, s->row, i, cells[i], bold ? s->bold : NULL);
    }
    s->row++;
}

const char *xlsx_file_end(struct xlsx_file *s) {
    if (!s)
        return NULL;
    lxw_error error = workbook_close(s->workbook);
    memory_put(s);
    return error == LXW_NO_ERROR ? NULL : lxw_strerror(error);
}
