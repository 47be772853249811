#include "server/notice_files.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/background.h"
#include "server/base/limits.h"
#include "server/base/log.h"
#include "server/csv_file.h"
#include "server/merkle.h"
#include "server/say.h"
#include "server/xlsx_file.h"

const char *const notice_columns[NOTICE_COLUMNS] = {
    "编号", "姓名", "单位", "服务项目", "积分", "审核日期", "姓名盐值", "核对值", "状态"};

static const struct xlsx_column xlsx_columns[NOTICE_COLUMNS] = {
    {"编号", XLSX_NUMBER, 10},   {"姓名", XLSX_TEXT, 14},    {"单位", XLSX_TEXT, 26},
    {"服务项目", XLSX_TEXT, 26}, {"积分", XLSX_NUMBER, 8},   {"审核日期", XLSX_DATE, 12},
    {"姓名盐值", XLSX_TEXT, 36}, {"核对值", XLSX_TEXT, 100}, {"状态", XLSX_TEXT, 18}};

/* ---- states ---- */

static const char *const states[][2] = {{"listed", "公示中"},        {"objected", "有异议待处理"},
                                        {"dismissed", "异议不成立"}, {"upheld", "已撤销"},
                                        {"settled", "已结算"},       {"corrected", "已更正"}};

const char *notice_state_words(const char *state) {
    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++)
        if (strcmp(state, states[i][0]) == 0)
            return states[i][1];
    return "";
}

const char *notice_state_of(struct str words) {
    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++)
        if (str_is(words, states[i][1]))
            return states[i][0];
    return "";
}

void notice_state_add(struct buf *out, struct str no, struct str state) {
    buf_addstr(out, no);
    buf_puts(out, "|");
    buf_addstr(out, state);
    buf_puts(out, "\n");
}

struct notice_file {
    struct web *web;
    struct background_job packing;
    const char *session, *id;
    bool begun;
    FILE *csv;               /* one of the two */
    struct xlsx_file *sheet; /* … */
    bool as_sheet;
    struct buf states; /* what their digest is taken over */
    char path[32];     /* of the sheet, "" when there is none */
    const char *failure;
};

/* ---- writing ---- */

static bool open_file(struct notice_file *f) {
    if (!f->as_sheet) {
        f->csv = tmpfile();
        return f->csv != NULL;
    }
    snprintf(f->path, sizeof f->path, "/tmp/gulou-XXXXXX");
    int fd = mkostemp(f->path, O_CLOEXEC);
    if (fd < 0) {
        f->path[0] = '\0';
        return false;
    }
    close(fd); /* the library opens it by its name */
    f->sheet = xlsx_file_new(f->path, "公示", xlsx_columns, NOTICE_COLUMNS);
    return f->sheet != NULL;
}

static void write_row(struct notice_file *f, const char *const cells[NOTICE_COLUMNS], bool bold) {
    struct str views[NOTICE_COLUMNS];
    if (f->as_sheet) {
        xlsx_file_row(f->sheet, cells, bold);
        return;
    }
    for (size_t i = 0; i < NOTICE_COLUMNS; i++)
        views[i] = str_from(cells[i]);
    csv_file_row(f->csv, views, NOTICE_COLUMNS);
}

static void write_entries(struct notice_file *f, const cJSON *facts) {
    char no[24];
    const cJSON *entry;
    cJSON_ArrayForEach(entry, fact(facts, "entries")) {
        snprintf(no, sizeof no, "%" PRId64, fact_number(entry, "no"));
        const char *cells[NOTICE_COLUMNS] = {no,
                                             fact_text(entry, "member"),
                                             fact_text(entry, "unit"),
                                             fact_text(entry, "item"),
                                             fact_text(entry, "points"),
                                             fact_text(entry, "reviewed_on"),
                                             fact_text(entry, "name_salt"),
                                             fact_text(entry, "leaf"),
                                             notice_state_words(fact_text(entry, "state"))};
        notice_state_add(&f->states, str_from(no), str_from(fact_text(entry, "state")));
        write_row(f, cells, false);
    }
}

static void write_sum(struct notice_file *f, const cJSON *facts) {
    char entries[24], digest[MERKLE_HEX_SIZE];
    struct str all = buf_view(&f->states);
    merkle_hex(merkle_digest(&all, 1), digest);
    snprintf(entries, sizeof entries, "%" PRId64, fact_number(facts, "entry_count"));
    const char *cells[NOTICE_COLUMNS] = {
        NOTICE_SUM, "", "", entries, fact_text(facts, "points"), "", "", fact_text(facts, "root"),
        digest};
    write_row(f, cells, true);
}

/* ---- sending ---- */

static void remove_file(struct web *web) {
    struct notice_file *f = web->state;
    background_cancel(&f->packing);
    xlsx_file_end(f->sheet);
    if (f->csv)
        fclose(f->csv);
    if (*f->path)
        unlink(f->path);
}

static void send_file(struct notice_file *f, int fd) {
    if (fd < 0) {
        log_error("notice_file", "account=%s notice=%s cause=\"%s\"", f->web->account->id, f->id,
                  f->failure ? f->failure : "cannot read it back");
        web_error(f->web, 503, "busy", "文件暂时做不出来，请稍后再试");
        return;
    }
    http_reply_file(f->web->exchange,
                    f->as_sheet
                        ? "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
                        : "text/csv; charset=utf-8",
                    fd);
}

static void pack(struct background_job *job) {
    struct notice_file *f =
        (struct notice_file *)(void *)((char *)job - offsetof(struct notice_file, packing));
    f->failure = xlsx_file_end(f->sheet);
    f->sheet = NULL;
}

static void on_packed(struct background_job *job) {
    struct notice_file *f =
        (struct notice_file *)(void *)((char *)job - offsetof(struct notice_file, packing));
    send_file(f, f->failure ? -1 : open(f->path, O_RDONLY | O_CLOEXEC));
}

static void finish(struct notice_file *f) {
    if (f->as_sheet) {
        f->packing = (struct background_job){.work = pack, .on_done = on_packed};
        background_submit(f->web->services->background, &f->packing);
        return;
    }
    bool written = fflush(f->csv) == 0 && !ferror(f->csv);
    send_file(f, written ? fcntl(fileno(f->csv), F_DUPFD_CLOEXEC, 0) : -1);
}

static void name_file(struct notice_file *f, const cJSON *facts) {
    struct arena *arena = web_arena(f->web);
    const char *ending = f->as_sheet ? "xlsx" : "csv";
    http_set_header(f->web->exchange, "Cache-Control", "private, no-store");
    http_set_header(
        f->web->exchange, "Content-Disposition",
        arena_printf(arena, "attachment; filename=\"notice-%s.%s\"; filename*=UTF-8''%s.%s", f->id,
                     ending, http_escape(arena, fact_text(facts, "title")), ending));
}

static bool begin(struct notice_file *f, const cJSON *facts) {
    f->begun = true;
    if (!open_file(f)) {
        send_file(f, -1);
        return false;
    }
    name_file(f, facts);
    if (!f->as_sheet) {
        csv_file_begin(f->csv);
        write_row(f, notice_columns, false);
    }
    return true;
}

static void fetch(struct notice_file *f, const char *after);

static void on_chunk(struct web *web, const cJSON *facts) {
    struct notice_file *f = web->state;
    const char *code = request_refusal(facts);
    if (code && strcmp(code, "members_only") == 0) {
        web_error(web, 403, code, "名单的公开期已过，绑定的成员登录后可以下载");
    } else if (code) {
        web_refusal(web, code);
    } else if (f->begun || begin(f, facts)) {
        write_entries(f, facts);
        int64_t next = fact_number(facts, "next");
        if (next > 0) {
            fetch(f, arena_printf(web_arena(web), "%" PRId64, next));
            return;
        }
        write_sum(f, facts);
        finish(f);
    }
}

static void fetch(struct notice_file *f, const char *after) {
    struct web *web = f->web;
    const char *args[] = {web->account->id, f->session, f->id, after,
                          arena_printf(web_arena(web), "%d", FILE_CHUNK_ROWS)};
    web_call(web, "public_notice", 5, args, on_chunk);
}

bool notice_file_send(struct web *web, const char *session, const char *id, struct str ending) {
    bool as_sheet = str_is(ending, ".xlsx");
    if (!as_sheet && !str_is(ending, ".csv"))
        return false;
    struct notice_file *f = arena_alloc(web_arena(web), sizeof *f);
    *f = (struct notice_file){.web = web, .session = session, .id = id, .as_sheet = as_sheet};
    buf_init(&f->states, web_arena(web));
    web->state = f;
    web_on_end(web, remove_file);
    fetch(f, NULL);
    return true;
}
