#include "server/public_pages.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "server/base/buf.h"
#include "server/base/limits.h"
#include "server/notice_files.h"
#include "server/say.h"
#include "server/session.h"
#include "server/sign_in.h"

#define PAGE_MAX 100000
#define SEARCH_MAX_BYTES 120

/* ---- parameters ---- */

/* A whole number of the query from 1 to `max`, as text; `otherwise` when absent. False: answered.
 */
static bool read_number(struct web *web, const char *name, int64_t max, const char *otherwise,
                        const char **out) {
    struct str text = http_query(web->exchange, name);
    int64_t value;
    *out = otherwise;
    if (text.n == 0)
        return true;
    if (!str_to_i64(text, &value) || value < 1 || value > max) {
        web_error(web, 400, "bad_parameter",
                  arena_printf(web_arena(web), "参数 %s 应为 1 到 %" PRId64 " 的整数", name, max));
        return false;
    }
    *out = arena_printf(web_arena(web), "%" PRId64, value);
    return true;
}

static bool is_number(struct str text, int64_t max) {
    int64_t value;
    return str_to_i64(text, &value) && value >= 1 && value <= max;
}

/* ---- times and states as people read them ---- */

/* 2026-11-23T10:00:00+08:00 → 2026-11-23 10:00 */
static void shorten_time(cJSON *object, const char *name) {
    char *text = cJSON_GetStringValue(cJSON_GetObjectItem(object, name));
    if (text && strlen(text) > 16) {
        text[10] = ' ';
        text[16] = '\0';
    }
}

/* A window that closes at a midnight is open to the end of the day before, and read so. */
static void end_day_before(cJSON *object, const char *name) {
    char *text = cJSON_GetStringValue(cJSON_GetObjectItem(object, name));
    struct tm day = {0};
    if (!text || strlen(text) != 16 || strcmp(text + 11, "00:00") != 0 ||
        sscanf(text, "%4d-%2d-%2d", &day.tm_year, &day.tm_mon, &day.tm_mday) != 3)
        return;
    day.tm_year -= 1900;
    day.tm_mon -= 1;
    day.tm_mday -= 1;
    timegm(&day); /* the day before the first is the last of the month before */
    strftime(text, 17, "%Y-%m-%d 24:00", &day);
}

static void prepare_head(cJSON *head) {
    cJSON_AddBoolToObject(head, "is_open", fact_is(head, "status", "open"));
    shorten_time(head, "opened_at");
    shorten_time(head, "closes_at");
    end_day_before(head, "closes_at");
}

static cJSON *page_data(const cJSON *facts, const char *title) {
    cJSON *data = cJSON_Duplicate(facts, true);
    if (title)
        cJSON_AddStringToObject(data, "title", title);
    return data;
}

static void show(struct web *web, const char *template, cJSON *data) {
    web_page(web, template, data);
    cJSON_Delete(data);
}

/* True: there is nothing but a refusal or the raw JSON to answer, and it was. */
static bool answered_plainly(struct web *web, const cJSON *facts) {
    const char *code = request_refusal(facts);
    if (code)
        web_refusal(web, code);
    else if (web->json)
        web_json(web);
    return code || web->json;
}

/* ---- the list of notices ---- */

static void on_notices(struct web *web, const cJSON *facts) {
    if (answered_plainly(web, facts))
        return;
    cJSON *data = page_data(facts, "积分公示"), *head;
    cJSON_ArrayForEach(head, cJSON_GetObjectItem(data, "notices")) {
        prepare_head(head);
        cJSON_AddBoolToObject(head, "has_corrections",
                              cJSON_GetArraySize(fact(head, "corrections")) > 0);
    }
    show(web, "notices", data);
}

static void read_notices(struct web *web) {
    const char *args[] = {web->account->id, NULL, NULL};
    if (!web->json && http_query(web->exchange, "signin").n > 0)
        sign_in_start(web, "notices");
    else if (read_number(web, "before", INT32_MAX, NULL, &args[1]) &&
             read_number(web, "limit", 100, "20", &args[2]))
        web_call(web, "notices", 3, args, on_notices);
}

/* ---- one notice ---- */

/* How the visitor looks at the lines. */
struct view {
    const char *search; /* NULL: all lines */
    const char *sort;
    int64_t page;
    int64_t rows;
};

static const char *const columns[][2] = {{"no", "编号"},     {"member", "姓名"},
                                         {"unit", "单位"},   {"item", "服务项目"},
                                         {"points", "积分"}, {"date", "审核日期"}};
#define COLUMNS (sizeof columns / sizeof columns[0])

/* The query of a link to another page or order of the same lines. */
static const char *view_query(struct arena *arena, const struct view *view, const char *sort,
                              int64_t page) {
    struct buf out;
    buf_init(&out, arena);
    buf_printf(&out, "?sort=%s", sort);
    if (view->search)
        buf_printf(&out, "&q=%s", http_escape(arena, view->search));
    if (view->rows != WEB_PAGE_ROWS)
        buf_printf(&out, "&rows=%" PRId64, view->rows);
    if (page > 1)
        buf_printf(&out, "&page=%" PRId64, page);
    return buf_view(&out).p;
}

static void add_columns(struct arena *arena, cJSON *data, const struct view *view) {
    cJSON *list = cJSON_AddArrayToObject(data, "columns");
    for (size_t i = 0; i < COLUMNS; i++) {
        cJSON *column = cJSON_CreateObject();
        cJSON_AddStringToObject(column, "label", columns[i][1]);
        cJSON_AddStringToObject(column, "query", view_query(arena, view, columns[i][0], 1));
        cJSON_AddBoolToObject(column, "sorted", strcmp(columns[i][0], view->sort) == 0);
        cJSON_AddBoolToObject(column, "down", strcmp(columns[i][0], "points") == 0);
        cJSON_AddBoolToObject(column, "number", strcmp(columns[i][0], "points") == 0);
        cJSON_AddItemToArray(list, column);
    }
}

static void add_paging(struct arena *arena, cJSON *data, const struct view *view) {
    int64_t pages = fact_number(fact(data, "found"), "pages");
    const struct view whole = {view->search, view->sort, 1, WEB_ROWS_MAX};
    cJSON_AddNumberToObject(data, "page", (double)view->page);
    if (pages > 1 && view->rows < WEB_ROWS_MAX)
        cJSON_AddStringToObject(data, "whole", view_query(arena, &whole, view->sort, 1));
    cJSON_AddNumberToObject(data, "pages", (double)pages);
    cJSON_AddBoolToObject(data, "several", pages > 1);
    if (view->page > 1)
        cJSON_AddStringToObject(data, "before",
                                view_query(arena, view, view->sort, view->page - 1));
    if (view->page < pages)
        cJSON_AddStringToObject(data, "behind",
                                view_query(arena, view, view->sort, view->page + 1));
}

/* The lines are for members now: what stays open is said, and how members get in. */
static void show_closed(struct web *web, const cJSON *facts) {
    if (web->json) {
        web_error(web, 403, "members_only", "名单的公开期已过，绑定的成员登录后可以查看");
        return;
    }
    cJSON *data = page_data(facts, NULL);
    prepare_head(data);
    web->status = 403;
    show(web, "notice_closed", data);
}

static bool is_closed(const cJSON *facts) {
    return fact_is(facts, "refusal", "members_only");
}

static void on_notice_json(struct web *web, const cJSON *facts) {
    if (is_closed(facts))
        show_closed(web, facts);
    else
        answered_plainly(web, facts);
}

/* A line's state in words, and whether it may be objected to now. */
static void add_states(cJSON *data) {
    bool open = fact_true(data, "may_object");
    cJSON *entry;
    cJSON_ArrayForEach(entry, cJSON_GetObjectItem(data, "entries")) {
        const char *state = fact_text(entry, "state");
        bool listed = strcmp(state, "listed") == 0;
        cJSON_AddStringToObject(entry, "state_words", notice_state_words(state));
        cJSON_AddBoolToObject(entry, "listed", listed);
        cJSON_AddBoolToObject(entry, "taken_back",
                              strcmp(state, "upheld") == 0 || strcmp(state, "corrected") == 0);
        cJSON_AddBoolToObject(
            entry, "may_object",
            open && (listed || strcmp(state, "objected") == 0 || strcmp(state, "dismissed") == 0));
    }
}

/* What became of the lines so far, in the order in which it happens. */
static void add_summary(cJSON *data) {
    static const char *const order[] = {"listed", "objected", "settled", "upheld", "corrected"};
    const cJSON *states = fact(data, "states");
    cJSON *list = cJSON_AddArrayToObject(data, "summary");
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++) {
        if (!fact(states, order[i]))
            continue;
        cJSON *one = cJSON_Duplicate(fact(states, order[i]), true);
        cJSON_AddStringToObject(one, "words", notice_state_words(order[i]));
        cJSON_AddItemToArray(list, one);
    }
}

static void add_corrections(cJSON *data) {
    cJSON_AddBoolToObject(data, "has_corrected", cJSON_GetArraySize(fact(data, "corrected")) > 0);
    cJSON_AddBoolToObject(data, "has_corrections",
                          cJSON_GetArraySize(fact(data, "corrections")) > 0);
}

static void on_notice_page(struct web *web, const cJSON *facts) {
    struct arena *arena = web_arena(web);
    const struct view *view = web->state;
    if (is_closed(facts)) {
        show_closed(web, facts);
        return;
    }
    if (answered_plainly(web, facts))
        return;
    cJSON *data = page_data(facts, NULL);
    prepare_head(data);
    cJSON_AddStringToObject(data, "sort", view->sort);
    cJSON_AddStringToObject(data, "search", view->search ? view->search : "");
    cJSON_AddBoolToObject(data, "searched", view->search != NULL);
    cJSON_AddBoolToObject(data, "more_units",
                          fact_number(facts, "unit_count") >
                              cJSON_GetArraySize(fact(facts, "units")));
    add_states(data);
    add_summary(data);
    add_corrections(data);
    add_columns(arena, data, view);
    add_paging(arena, data, view);
    show(web, "notice", data);
}

/* The session's digest; NULL for a visitor, who needs no look at the sessions. */
static const char *reader(struct web *web) {
    return session_is_there(web) ? session_of(web) : NULL;
}

/* The same for a page or JSON: what a member is shown, no cache may show to the next visitor. */
static const char *private_reader(struct web *web) {
    if (session_is_there(web))
        http_set_header(web->exchange, "Cache-Control", "private, no-store");
    return reader(web);
}

/* A chosen column, else the first. */
static const char *read_sort(struct web *web) {
    struct str text = http_query(web->exchange, "sort");
    for (size_t i = 0; i < COLUMNS; i++)
        if (str_is(text, columns[i][0]))
            return columns[i][0];
    return columns[0][0];
}

static bool read_search(struct web *web, const char **out) {
    struct str text = str_trim(http_query(web->exchange, "q"));
    *out = NULL;
    if (text.n > SEARCH_MAX_BYTES || !str_is_utf8(text)) {
        web_error(web, 400, "bad_parameter", "要找的字太长或写法不对，请重新输入");
        return false;
    }
    if (text.n > 0)
        *out = str_z(web_arena(web), text);
    return true;
}

static void read_notice_page(struct web *web, const char *id) {
    struct arena *arena = web_arena(web);
    struct view *view = arena_alloc(arena, sizeof *view);
    const char *page, *rows;
    if (!read_search(web, &view->search) || !read_number(web, "page", PAGE_MAX, "1", &page) ||
        !read_number(web, "rows", WEB_ROWS_MAX, arena_printf(arena, "%d", WEB_PAGE_ROWS), &rows))
        return;
    str_to_i64(str_from(rows), &view->rows);
    view->sort = read_sort(web);
    str_to_i64(str_from(page), &view->page);
    web->state = view;
    const char *args[] = {
        web->account->id, private_reader(web), id, view->search, view->sort, page, rows};
    web_call(web, "notice_page", 7, args, on_notice_page);
}

static void read_notice(struct web *web, const char *id) {
    const char *args[] = {web->account->id, NULL, id, NULL, NULL};
    if (!web->json) {
        read_notice_page(web, id);
    } else if (read_number(web, "after", INT64_MAX, NULL, &args[3]) &&
               read_number(web, "limit", 1000, "100", &args[4])) {
        args[1] = private_reader(web);
        web_call(web, "public_notice", 5, args, on_notice_json);
    }
}

static void on_proof(struct web *web, const cJSON *facts) {
    answered_plainly(web, facts);
}

static void read_proof(struct web *web, const char *id, struct str no) {
    const char *args[] = {web->account->id, id, str_z(web_arena(web), no)};
    web_call(web, "proof", 3, args, on_proof);
}

/* ---- checking a line ---- */

/* The path with the side that each hash stands on, for who computes by hand. */
static cJSON *path_with_sides(const cJSON *proof) {
    int64_t index = fact_number(proof, "index"), size = fact_number(proof, "size");
    const cJSON *hash = cJSON_GetArrayItem(fact(proof, "path"), 0);
    cJSON *steps = cJSON_CreateArray();
    for (; hash && size > 1; index /= 2, size = (size + 1) / 2) {
        if (index % 2 == 0 && index + 1 == size)
            continue; /* the odd one at the end is carried up */
        cJSON *step = cJSON_CreateObject();
        cJSON_AddStringToObject(step, "hash", cJSON_GetStringValue(hash));
        cJSON_AddBoolToObject(step, "left", index % 2 == 1);
        cJSON_AddItemToArray(steps, step);
        hash = hash->next;
    }
    return steps;
}

static void on_check(struct web *web, const cJSON *facts) {
    if (answered_plainly(web, facts))
        return;
    cJSON *data = page_data(facts, NULL);
    prepare_head(data);
    cJSON *entry = cJSON_GetObjectItem(data, "entry");
    if (cJSON_IsObject(entry))
        cJSON_AddStringToObject(entry, "state_words",
                                notice_state_words(fact_text(entry, "state")));
    cJSON_AddStringToObject(data, "script", "check.js");
    cJSON_AddItemToObject(data, "steps", path_with_sides(fact(facts, "proof")));
    show(web, "check", data);
}

static void read_check(struct web *web, const char *id) {
    const char *args[] = {web->account->id, private_reader(web), id, NULL};
    if (read_number(web, "no", INT64_MAX, NULL, &args[3]))
        web_call(web, "notice_check", 4, args, on_check);
}

/* ---- ranks, units, how it works ---- */

static void on_ranking(struct web *web, const cJSON *facts) {
    if (answered_plainly(web, facts))
        return;
    const char *kind = web->state;
    bool units = strcmp(kind, "units") == 0;
    cJSON *data = page_data(facts, units ? "单位排行" : "个人排行"), *period;
    cJSON_AddBoolToObject(data, "units", units);
    cJSON_ArrayForEach(period, cJSON_GetObjectItem(data, "periods")) {
        cJSON_AddBoolToObject(period, "shown", fact_is(facts, "period", fact_text(period, "name")));
    }
    show(web, "ranking", data);
}

static void read_ranking(struct web *web, const char *kind) {
    struct str period = http_query(web->exchange, "period");
    const char *args[] = {web->account->id, NULL, kind,
                          period.n > 0 ? str_z(web_arena(web), period) : NULL, NULL};
    web->state = (void *)(uintptr_t)kind;
    if (read_number(web, "limit", 1000, "50", &args[4]))
        web_call(web, "ranking", 5, args, on_ranking);
}

static void on_unit(struct web *web, const cJSON *facts) {
    if (answered_plainly(web, facts))
        return;
    cJSON *data = page_data(facts, fact_text(facts, "name"));
    cJSON_AddBoolToObject(data, "has_categories",
                          cJSON_GetArraySize(fact(facts, "categories")) > 0);
    cJSON_AddBoolToObject(data, "has_notices", cJSON_GetArraySize(fact(facts, "notices")) > 0);
    cJSON_AddStringToObject(data, "name_query",
                            http_escape(web_arena(web), fact_text(facts, "name")));
    show(web, "unit", data);
}

static void read_unit(struct web *web, struct str id) {
    const char *args[] = {web->account->id, str_z(web_arena(web), id)};
    web_call(web, "unit_page", 2, args, on_unit);
}

static void show_about(struct web *web) {
    cJSON *data = cJSON_CreateObject();
    cJSON_AddStringToObject(data, "title", "积分怎么来、怎么公示");
    show(web, "about", data);
}

/* ---- routing ---- */

/* notices/{id}, notices/{id}.csv and .xlsx, notices/{id}/check, and in JSON notices/{id}/proof/{no}
 */
static bool read_notice_path(struct web *web, const struct str *rest, size_t n) {
    struct str id = rest[1];
    const char *ending = n == 2 && !web->json ? memchr(id.p, '.', id.n) : NULL;
    struct str bare = {id.p, ending ? (size_t)(ending - id.p) : id.n};
    if (!is_number(bare, INT32_MAX))
        return false;
    const char *number = str_z(web_arena(web), bare);
    if (ending)
        return notice_file_send(web, reader(web), number, (struct str){ending, id.n - bare.n});
    if (n == 2)
        read_notice(web, number);
    else if (n == 3 && !web->json && str_is(rest[2], "check"))
        read_check(web, number);
    else if (n == 4 && web->json && str_is(rest[2], "proof") && is_number(rest[3], INT64_MAX))
        read_proof(web, number, rest[3]);
    else
        return false;
    return true;
}

/* False: there is no such page. */
static bool read_path(struct web *web, const struct str *rest, size_t n) {
    bool page = !web->json;
    bool notices = n >= 1 && str_is(rest[0], "notices");
    bool ranking = n >= 1 && str_is(rest[0], "ranking");
    if (n == 0 ? page : notices && n == 1)
        read_notices(web);
    else if (notices)
        return read_notice_path(web, rest, n);
    else if (ranking && (n == 1 ? page : n == 2 && str_is(rest[1], "members")))
        read_ranking(web, "members");
    else if (ranking && n == 2 && str_is(rest[1], "units"))
        read_ranking(web, "units");
    else if (page && n == 2 && str_is(rest[0], "units") && is_number(rest[1], INT32_MAX))
        read_unit(web, rest[1]);
    else if (page && n == 1 && str_is(rest[0], "about"))
        show_about(web);
    else
        return false;
    return true;
}

void public_pages_read(struct web *web, const struct str *rest, size_t n) {
    if (!read_path(web, rest, n))
        web_not_found(web);
}
