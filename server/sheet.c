#include "server/sheet.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xlsxwriter.h>

#include "server/base/str.h"

struct sheet {
    lxw_workbook *workbook;
    lxw_worksheet *worksheet;
    lxw_format *bold, *date;
    const struct sheet_column *columns;
    lxw_col_t n;
    lxw_row_t row;
};

struct sheet *sheet_new(const char *path, const char *name, const struct sheet_column *columns,
                        size_t n) {
    lxw_workbook_options options = {.constant_memory = LXW_TRUE};
    struct sheet *s = calloc(1, sizeof *s);
    if (!s)
        abort();
    s->workbook = workbook_new_opt(path, &options);
    s->worksheet = s->workbook ? workbook_add_worksheet(s->workbook, name) : NULL;
    if (!s->worksheet) {
        free(s);
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

void sheet_row(struct sheet *s, const char *const *cells, bool bold) {
    for (lxw_col_t i = 0; i < s->n; i++) {
        enum sheet_type type = s->columns[i].type;
        lxw_datetime date;
        int64_t number;
        if (type == SHEET_NUMBER && str_to_i64(str_from(cells[i]), &number))
            worksheet_write_number(s->worksheet, s->row, i, (double)number, bold ? s->bold : NULL);
        else if (type == SHEET_DATE && read_date(cells[i], &date))
            worksheet_write_datetime(s->worksheet, s->row, i, &date, s->date);
        else if (*cells[i])
            worksheet_write_string(s->worksheet, s->row, i, cells[i], bold ? s->bold : NULL);
    }
    s->row++;
}

const char *sheet_end(struct sheet *s) {
    if (!s)
        return NULL;
    lxw_error error = workbook_close(s->workbook);
    free(s);
    return error == LXW_NO_ERROR ? NULL : lxw_strerror(error);
}
