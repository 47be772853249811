/* Tables as an office has them: every encoding, separator and line end that Excel writes in
 * Chinese, and XLSX. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <xlsxwriter.h>
#include <zip.h>

#include "server/base/buf.h"
#include "server/base/limits.h"
#include "server/table.h"

static struct arena *arena;

static int setup(void **state) {
    (void)state;
    arena = arena_new();
    return 0;
}

static int teardown(void **state) {
    (void)state;
    arena_free(arena);
    return 0;
}

/* "row:cell|cell;row:…" with the header first. */
static const char *shown(const struct table *table) {
    struct buf out;
    buf_init(&out, arena);
    buf_printf(&out, "%zu:", table->header_row);
    for (size_t i = 0; i < table->columns_n; i++)
        buf_printf(&out, "%s%s", i > 0 ? "|" : "", table->columns[i]);
    for (size_t i = 0; i < table->rows_n; i++) {
        buf_printf(&out, ";%zu:", table->rows[i].row);
        for (size_t k = 0; k < table->rows[i].cells_n; k++)
            buf_printf(&out, "%s%s", k > 0 ? "|" : "", table->rows[i].cells[k]);
    }
    return buf_view(&out).p;
}

static void assert_table(struct str bytes, const char *expected) {
    const char *why = NULL;
    const struct table *table = table_parse(arena, bytes, &why);
    if (!table)
        fail_msg("refused: %s", why);
    assert_string_equal(shown(table), expected);
}

static void assert_refused(struct str bytes, const char *words) {
    const char *why = NULL;
    assert_null(table_parse(arena, bytes, &why));
    assert_non_null(strstr(why, words));
}

static void a_csv_of_utf8_with_and_without_its_mark(void **state) {
    (void)state;
    assert_table(STR("\xef\xbb\xbf单位,社区\r\n区民政局,前进\r\n"), "1:单位|社区;2:区民政局|前进");
    assert_table(STR("单位,社区\n区民政局,前进"), "1:单位|社区;2:区民政局|前进");
}

static void a_csv_as_excel_in_chinese_saves_it(void **state) {
    (void)state;
    /* 单位,社区 / 区民政局,前进 in GB18030 */
    assert_table(
        STR("\xb5\xa5\xce\xbb,\xc9\xe7\xc7\xf8\r\n\xc7\xf8\xc3\xf1\xd5\xfe\xbe\xd6,\xc7\xb0"
            "\xbd\xf8\r\n"),
        "1:单位|社区;2:区民政局|前进");
    /* "Unicode text": UTF-16 with tabs */
    assert_table(STR("\xff\xfe\x55\x53\x4d\x4f\x09\x00\x3e\x79\x3a\x53\x0d\x00\x0a\x00\x32\x75\x09"
                     "\x00\x59\x4e\x0d\x00\x0a\x00"),
                 "1:单位|社区;2:甲|乙");
}

static void semicolons_tabs_and_a_line_that_names_the_separator(void **state) {
    (void)state;
    assert_table(STR("单位;社区\n甲,乙;丙\n"), "1:单位|社区;2:甲,乙|丙");
    assert_table(STR("单位\t社区\n甲\t\n\t乙\n"), "1:单位|社区;2:甲|;3:|乙");
    assert_table(STR("sep=;\r\n单位;社区\r\n甲;乙\r\n"), "1:单位|社区;2:甲|乙");
}

static void rows_are_counted_as_excel_counts_them(void **state) {
    (void)state;
    assert_table(STR("单位,说明\r\n\r\n甲,\"两行\r\n一格\"\r\n,,\r\n乙,\r\r丙,\n"),
                 "1:单位|说明;3:甲|两行 一格;5:乙|;7:丙|");
}

static void a_title_above_the_header_is_passed_over(void **state) {
    (void)state;
    assert_table(STR("2026年单位名册,,\n\n单位,社区,\n甲,乙,\n"), "3:单位|社区|;4:甲|乙|");
    assert_table(STR("单位\n甲\n"), "1:单位;2:甲");
}

/* Who knows the columns' names may find that one of them is the header. */
static void what_stands_above_the_header_comes_along(void **state) {
    (void)state;
    const char *why = NULL;
    const struct table *table = table_parse(arena, STR("名册\n\n单位\n甲,前进\n乙,咸熙\n"), &why);
    assert_string_equal(
        table_json(arena, table),
        "{\"columns\":[\"甲\",\"前进\"],\"header_row\":4,\"above\":[{\"row\":1,\"cells\":[\"名册\"]"
        "},"
        "{\"row\":3,\"cells\":[\"单位\"]}],\"rows\":[{\"row\":5,\"cells\":[\"乙\",\"咸熙\"]}]}");
}

static void quotes_commas_and_apostrophes_inside_cells(void **state) {
    (void)state;
    assert_table(STR("名称,说明\n\"甲,\"\"乙\"\"\",'=1+1\n"), "1:名称|说明;2:甲,\"乙\"|=1+1");
    assert_refused(STR("名称,说明\n\"甲,乙\n"), "引号");
}

static void what_is_no_table_is_refused_in_words(void **state) {
    (void)state;
    assert_refused(STR(""), "空");
    assert_refused(STR("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"), ".xls");
    assert_refused(STR("PK\x03\x04nonsense"), "XLSX");
    assert_refused(STR("\x89PNG\r\n\x1a\n\0\0\0\rIHDR"), "不是表格");
    assert_refused(STR("\xff\xff,\xff\n"), "编码");
}

static void no_file_is_larger_than_its_limits(void **state) {
    (void)state;
    struct buf text;
    buf_init(&text, arena);
    for (int i = 0; i <= TABLE_ROWS_MAX; i++)
        buf_puts(&text, "甲,乙\n");
    assert_refused(buf_view(&text), "行数太多");
    buf_init(&text, arena);
    for (int i = 0; i <= TABLE_CELL_MAX_BYTES; i++)
        buf_puts(&text, "x");
    assert_refused(buf_view(&text), "太长");
    buf_init(&text, arena);
    for (int i = 0; i < 3 * TABLE_COLUMNS_MAX; i++)
        buf_puts(&text, "x,");
    assert_refused(buf_view(&text), "第1行第65列有内容：最多 64 列");
}

static void what_has_no_header_above_it_is_kept_for_who_judges(void **state) {
    (void)state;
    assert_table(STR("单位,社区\n甲,一,前进\n乙,咸熙,,\n"), "1:单位|社区;2:甲|一|前进;3:乙|咸熙||");
    struct buf text;
    buf_init(&text, arena);
    buf_puts(&text, "单位,社区\n甲,前进");
    for (int i = 0; i < 2 * TABLE_COLUMNS_MAX; i++)
        buf_puts(&text, ", ");
    const char *why;
    assert_int_equal(table_parse(arena, buf_view(&text), &why)->rows_n, 1);
}

static void an_xlsx_with_numbers_days_and_rich_text(void **state) {
    (void)state;
    char path[] = "/tmp/gulou-test-table-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    lxw_workbook *workbook = workbook_new(path);
    lxw_worksheet *hidden = workbook_add_worksheet(workbook, "旧");
    lxw_worksheet *sheet = workbook_add_worksheet(workbook, "名册");
    worksheet_write_string(hidden, 0, 0, "不读", NULL);
    worksheet_hide(hidden);
    worksheet_activate(sheet);
    worksheet_set_first_sheet(sheet);
    lxw_format *day = workbook_add_format(workbook), *chinese = workbook_add_format(workbook),
               *red = workbook_add_format(workbook);
    format_set_num_format_index(day, 14);
    format_set_num_format(chinese, "yyyy\"年\"m\"月\"d\"日\"");
    format_set_num_format(red, "[Red]0.00\"yd\"");
    lxw_datetime date = {.year = 2026, .month = 2, .day = 28};
    lxw_rich_string_tuple plain = {NULL, "王"}, bold = {red, "小明"},
                          *rich[] = {&plain, &bold, NULL};
    const char *titles[] = {"姓名", "日期", "日期二", "编号", "分值", "是否工作日", "公式"};
    for (lxw_col_t i = 0; i < 7; i++)
        worksheet_write_string(sheet, 1, i, titles[i], NULL);
    worksheet_write_string(sheet, 0, 0, "成员名册", NULL);
    worksheet_write_rich_string(sheet, 3, 0, rich, NULL);
    worksheet_write_datetime(sheet, 3, 1, &date, day);
    worksheet_write_datetime(sheet, 3, 2, &date, chinese);
    worksheet_write_number(sheet, 3, 3, 20230001234., NULL);
    worksheet_write_number(sheet, 3, 4, 3.5, red);
    worksheet_write_boolean(sheet, 3, 5, 1, NULL);
    worksheet_write_formula_num(sheet, 3, 6, "=40+2", NULL, 42);
    assert_int_equal(workbook_close(workbook), LXW_NO_ERROR);
    const char *why = NULL;
    const struct table *table = table_read(arena, path, &why);
    unlink(path);
    assert_null(why);
    assert_string_equal(shown(table), "2:姓名|日期|日期二|编号|分值|是否工作日|公式;"
                                      "4:王小明|2026-02-28|2026-02-28|20230001234|3.5|是|42");
}

/* A workbook of one stored sheet with one cell. */
static struct str workbook_of(const char *sheet) {
    zip_source_t *whole = zip_source_buffer_create(NULL, 0, 0, NULL);
    zip_source_keep(whole); /* closing would take it along */
    zip_t *zip = zip_open_from_source(whole, ZIP_TRUNCATE, NULL);
    const char *const parts[][2] = {{"xl/workbook.xml", "<workbook/>"},
                                    {"xl/worksheets/sheet1.xml", sheet}};
    for (size_t i = 0; i < 2; i++) {
        zip_int64_t at = zip_file_add(
            zip, parts[i][0], zip_source_buffer(zip, parts[i][1], strlen(parts[i][1]), 0), 0);
        assert_true(at >= 0);
        assert_int_equal(zip_set_file_compression(zip, (zip_uint64_t)at, ZIP_CM_STORE, 0), 0);
    }
    zip_stat_t stat;
    assert_int_equal(zip_close(zip), 0);
    assert_int_equal(zip_source_stat(whole, &stat), 0);
    char *bytes = arena_alloc(arena, stat.size);
    assert_int_equal(zip_source_open(whole), 0);
    assert_int_equal(zip_source_read(whole, bytes, stat.size), stat.size);
    zip_source_close(whole);
    zip_source_free(whole);
    return (struct str){bytes, (size_t)stat.size};
}

static void an_xlsx_with_a_changed_byte_is_refused(void **state) {
    (void)state;
    struct str bytes =
        workbook_of("<worksheet><sheetData><row r=\"1\"><c t=\"str\"><v>points</v></c>"
                    "</row><row r=\"2\"><c><v>1234567</v></c></row></sheetData>"
                    "</worksheet>");
    assert_table(bytes, "1:points;2:1234567");
    char *digit = memmem(bytes.p, bytes.n, "1234567", 7);
    *digit = '9';
    assert_refused(bytes, "已损坏");
}

static void a_file_that_is_not_there(void **state) {
    (void)state;
    const char *why = NULL;
    assert_null(table_read(arena, "/nonexistent/名册.csv", &why));
    assert_non_null(strstr(why, "打不开"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_csv_of_utf8_with_and_without_its_mark, setup, teardown),
        cmocka_unit_test_setup_teardown(a_csv_as_excel_in_chinese_saves_it, setup, teardown),
        cmocka_unit_test_setup_teardown(semicolons_tabs_and_a_line_that_names_the_separator, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(rows_are_counted_as_excel_counts_them, setup, teardown),
        cmocka_unit_test_setup_teardown(a_title_above_the_header_is_passed_over, setup, teardown),
        cmocka_unit_test_setup_teardown(what_stands_above_the_header_comes_along, setup, teardown),
        cmocka_unit_test_setup_teardown(quotes_commas_and_apostrophes_inside_cells, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(what_is_no_table_is_refused_in_words, setup, teardown),
        cmocka_unit_test_setup_teardown(no_file_is_larger_than_its_limits, setup, teardown),
        cmocka_unit_test_setup_teardown(what_has_no_header_above_it_is_kept_for_who_judges, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(an_xlsx_with_numbers_days_and_rich_text, setup, teardown),
        cmocka_unit_test_setup_teardown(an_xlsx_with_a_changed_byte_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(a_file_that_is_not_there, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
