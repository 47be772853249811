#include "server/notice_check.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <string.h>

#include "server/csv_file.h"
#include "server/merkle.h"
#include "server/notice_files.h"

#define FAULTS_SHOWN 20
#define NEAR_BYTES 24                /* shown of where a file breaks */
#define WHOLE_MAX 9007199254740992.0 /* beyond, a JSON number is no longer exact */

enum { NO, UNIT, ITEM, POINTS, REVIEWED_ON, NAME, LEAF_PARTS };

static const char *const part_names[LEAF_PARTS] = {"no",     "unit",        "item",
                                                   "points", "reviewed_on", "member and name_salt"};

struct line {
    struct str parts[LEAF_PARTS]; /* as the columns say; NAME is their digest */
    struct str leaf;
    struct line *next;
};

struct check {
    struct arena *arena;
    struct buf *report;
    size_t faults;
    struct line *first, **end;
    size_t lines;
    int64_t last_no;
    int64_t points;
    size_t changed;    /* lines whose leaf and columns differ */
    size_t nameless;   /* lines whose name was taken back */
    struct buf states; /* of the page, or of the whole CSV, as notice_state_add() */
    bool stateless;    /* downloaded before states and corrections stood beside the lines */
    bool office;       /* exported with full names: columns that no digest covers */

    const char *root; /* as the file says; NULL: not yet seen */
    int64_t entries, total;
};

__attribute__((format(printf, 2, 3))) static void fault(struct check *c, const char *format, ...) {
    if (c->faults++ >= FAULTS_SHOWN)
        return;
    va_list args;
    va_start(args, format);
    buf_printf(c->report, "WRONG  %s\n", arena_vprintf(c->arena, format, args));
    va_end(args);
}

static struct str hex_of(struct arena *arena, struct merkle_hash hash) {
    char *hex = arena_alloc(arena, MERKLE_HEX_SIZE);
    merkle_hex(hash, hex);
    return (struct str){hex, MERKLE_HEX_SIZE - 1};
}

/* ---- one line ---- */

static size_t split_leaf(struct str leaf, struct str parts[LEAF_PARTS]) {
    size_t n = 0;
    for (size_t from = 0, i = 0; i <= leaf.n; i++) {
        if (i < leaf.n && leaf.p[i] != '|')
            continue;
        if (n < LEAF_PARTS)
            parts[n] = (struct str){leaf.p + from, i - from};
        n++;
        from = i + 1;
    }
    return n;
}

static void check_leaf(struct check *c, const struct line *line) {
    struct str parts[LEAF_PARTS];
    size_t before = c->faults;
    if (split_leaf(line->leaf, parts) != LEAF_PARTS) {
        fault(c, "line %zu (no %.*s): leaf: has not its six parts", c->lines,
              (int)line->parts[NO].n, line->parts[NO].p);
    } else {
        for (int i = 0; i < LEAF_PARTS; i++)
            if (!str_eq(parts[i], line->parts[i]))
                fault(c, "line %zu (no %.*s): %s: the column says %.*s, the leaf %.*s", c->lines,
                      (int)line->parts[NO].n, line->parts[NO].p, part_names[i],
                      (int)line->parts[i].n, line->parts[i].p, (int)parts[i].n, parts[i].p);
    }
    c->changed += c->faults > before;
}

/* `salt` empty: the person was erased, and the leaf's own digest is all that is left. */
static void add_line(struct check *c, struct line line, struct str member, struct str salt) {
    int64_t no = 0, points = 0;
    struct str parts[LEAF_PARTS] = {0};
    c->lines++;
    if (!str_to_i64(line.parts[NO], &no) || no <= c->last_no)
        fault(c, "line %zu: no: %.*s does not follow %" PRId64, c->lines, (int)line.parts[NO].n,
              line.parts[NO].p, c->last_no);
    if (!str_to_i64(line.parts[POINTS], &points) || points < 0)
        fault(c, "line %zu: points: %.*s is no number", c->lines, (int)line.parts[POINTS].n,
              line.parts[POINTS].p);
    else
        c->points += points;
    c->last_no = no;
    c->nameless += salt.n == 0;
    split_leaf(line.leaf, parts);
    line.parts[NAME] =
        salt.n > 0 ? hex_of(c->arena, merkle_digest((struct str[]){salt, member}, 2)) : parts[NAME];
    check_leaf(c, &line);
    struct line *kept = arena_alloc(c->arena, sizeof *kept);
    *kept = line;
    *c->end = kept;
    c->end = &kept->next;
}

/* ---- the whole ---- */

static struct str leaf_of_columns(struct check *c, const struct line *line) {
    struct buf out;
    buf_init(&out, c->arena);
    for (int i = 0; i < LEAF_PARTS; i++) {
        buf_puts(&out, i > 0 ? "|" : "");
        buf_addstr(&out, line->parts[i]);
    }
    return buf_view(&out);
}

static const char *root_of(struct check *c, bool columns) {
    struct merkle_hash *hashes = arena_alloc(c->arena, (c->lines + 1) * sizeof *hashes);
    size_t n = 0;
    for (const struct line *line = c->first; line; line = line->next)
        hashes[n++] = merkle_leaf(columns ? leaf_of_columns(c, line) : line->leaf);
    return hex_of(c->arena, merkle_root(hashes, n)).p;
}

static void check_root(struct check *c, const char *known) {
    const char *computed = root_of(c, false);
    bool fits = c->root && strcmp(computed, c->root) == 0;
    if (!c->root)
        fault(c, "root: the file has none");
    else if (fits && c->changed > 0)
        buf_puts(c->report, "       the leaves lead to the root: the columns were changed\n");
    else if (!fits && c->changed > 0 && strcmp(root_of(c, true), c->root) == 0)
        buf_puts(c->report, "       the columns lead to the root: the leaves were changed\n");
    else if (!fits)
        fault(c, "root: the file says %s, its lines lead to %s", c->root, computed);
    if (known && strcmp(known, computed) != 0)
        fault(c, "root: you expect %s, its lines lead to %s", known, computed);
}

static void check_totals(struct check *c) {
    if ((int64_t)c->lines != c->entries)
        fault(c, "entries: the notice has %" PRId64 ", the file holds %zu", c->entries, c->lines);
    else if (c->points != c->total)
        fault(c, "points: the notice says %" PRId64 ", its lines sum to %" PRId64, c->total,
              c->points);
}

static bool conclude(struct check *c, const char *known) {
    check_totals(c);
    check_root(c, known);
    if (c->faults > FAULTS_SHOWN)
        buf_printf(c->report, "       and %zu more\n", c->faults - FAULTS_SHOWN);
    if (c->faults == 0)
        buf_printf(c->report,
                   "ok     %zu lines: every name digest and every leaf\n"
                   "ok     %" PRId64 " points in all\n"
                   "ok     root %s\n",
                   c->lines, c->points, c->root);
    if (c->faults == 0 && c->nameless > 0)
        buf_printf(c->report,
                   "note   %zu lines without a salt: their people took their names back, "
                   "what stands there instead is not covered by the root\n",
                   c->nameless);
    if (c->faults == 0 && c->stateless)
        buf_puts(c->report, "note   an early download, without states and corrections: "
                            "what became of its lines is not covered\n");
    if (c->faults == 0 && c->office)
        buf_puts(c->report, "note   exported with full names: 全名 and 水印 are the office's own, "
                            "no digest covers them\n");
    return c->faults == 0;
}

/* ---- JSON ---- */

/* A field's text; numbers as digits. NULL: not there, or something else. */
static const char *text_of(struct check *c, const cJSON *object, const char *name) {
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);
    if (cJSON_IsNumber(item) && item->valuedouble >= 0 && item->valuedouble < WHOLE_MAX)
        return arena_printf(c->arena, "%.0f", item->valuedouble);
    return cJSON_IsString(item) ? item->valuestring : NULL;
}

static void read_state(struct check *c, struct str no, const char *state) {
    if (!state || !*notice_state_words(state))
        fault(c, "line %zu: state: %s is none", c->lines + 1, state ? state : "what stands there");
    notice_state_add(&c->states, no, str_from(state));
}

static void read_entry(struct check *c, const cJSON *entry) {
    static const char *const names[] = {"no",          "unit", "item",   "points",
                                        "reviewed_on", "leaf", "member", NULL};
    struct str values[7];
    for (size_t i = 0; names[i]; i++) {
        const char *text = text_of(c, entry, names[i]);
        if (!text)
            fault(c, "line %zu: %s: missing", c->lines + 1, names[i]);
        values[i] = str_from(text);
    }
    const cJSON *salt = cJSON_GetObjectItemCaseSensitive(entry, "name_salt");
    if (!cJSON_IsString(salt) && !cJSON_IsNull(salt))
        fault(c, "line %zu: name_salt: missing", c->lines + 1);
    if (!c->stateless)
        read_state(c, values[0], text_of(c, entry, "state"));
    struct line line = {.leaf = values[5]};
    memcpy(line.parts, values, 5 * sizeof values[0]);
    add_line(c, line, values[6], str_from(cJSON_GetStringValue(salt)));
}

/* The head's digest covers what the root does not. */
static void check_head(struct check *c, const cJSON *page) {
    static const char *const names[] = {"id",        "title",     "period",  "status",
                                        "opened_at", "closes_at", "members", "entry_count",
                                        "points",    "root",      NULL};
    const cJSON *seal = cJSON_GetObjectItemCaseSensitive(page, "seal");
    struct buf out;
    buf_init(&out, c->arena);
    for (size_t i = 0; names[i]; i++) {
        const char *text = text_of(c, page, names[i]);
        if (!text)
            fault(c, "head: %s: missing", names[i]);
        buf_printf(&out, "%s%s", i > 0 ? "|" : "", text ? text : "");
    }
    if (cJSON_IsObject(seal)) {
        const char *day = text_of(c, seal, "day"), *root = text_of(c, seal, "root");
        buf_printf(&out, "|%s|%s", day ? day : "", root ? root : "");
    } else if (!cJSON_IsNull(seal)) {
        fault(c, "head: seal: missing");
    }
    struct str said = str_from(text_of(c, page, "digest"));
    struct str view = buf_view(&out), computed = hex_of(c->arena, merkle_digest(&view, 1));
    if (!str_eq(said, computed))
        fault(c,
              "head: id, title, times, totals, root, seal or digest was changed: digest says "
              "%.*s, the head gives %.*s",
              (int)said.n, said.p, (int)computed.n, computed.p);
}

static void check_states(struct check *c, struct str said) {
    struct str view = buf_view(&c->states), computed = hex_of(c->arena, merkle_digest(&view, 1));
    if (!str_eq(said, computed))
        fault(c, "state: a line's state was changed: the digest says %.*s, the states give %.*s",
              (int)said.n, said.p, (int)computed.n, computed.p);
    buf_init(&c->states, c->arena);
}

static void add_correction(struct check *c, struct buf *out, const cJSON *one) {
    static const char *const names[] = {"correction",   "notice",     "no",      "member", "unit",
                                        "item",         "points",     "penalty", "words",  "period",
                                        "published_on", "counted_in", NULL};
    for (size_t i = 0; names[i]; i++) {
        const char *text = text_of(c, one, names[i]);
        if (text)
            buf_printf(out, "%s%s", i > 0 ? "|" : "", text);
        else if (!cJSON_IsNull(cJSON_GetObjectItemCaseSensitive(one, names[i])))
            fault(c, "corrections: %s: missing", names[i]);
    }
    buf_puts(out, "\n");
}

static void check_corrections(struct check *c, const cJSON *page, const char *name) {
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(page, name), *one;
    struct str said = str_from(text_of(c, page, arena_printf(c->arena, "%s_digest", name)));
    struct buf out;
    buf_init(&out, c->arena);
    if (!cJSON_IsArray(list))
        fault(c, "%s: missing", name);
    cJSON_ArrayForEach(one, list) add_correction(c, &out, one);
    struct str view = buf_view(&out), computed = hex_of(c->arena, merkle_digest(&view, 1));
    if (!str_eq(said, computed))
        fault(c, "%s: one was changed: the digest says %.*s, they give %.*s", name, (int)said.n,
              said.p, (int)computed.n, computed.p);
}

/* Early downloads say nothing of states and corrections, nowhere. */
static bool is_early(const cJSON *page) {
    static const char *const names[] = {"state_digest", "corrections", "corrections_digest",
                                        "corrected", "corrected_digest"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (cJSON_GetObjectItemCaseSensitive(page, names[i]))
            return false;
    const cJSON *entry;
    cJSON_ArrayForEach(entry, cJSON_GetObjectItemCaseSensitive(page, "entries")) {
        if (cJSON_GetObjectItemCaseSensitive(entry, "state"))
            return false;
    }
    return true;
}

static void check_beside(struct check *c, const cJSON *page) {
    if (c->stateless)
        return;
    check_states(c, str_from(text_of(c, page, "state_digest")));
    check_corrections(c, page, "corrections");
    check_corrections(c, page, "corrected");
}

static void read_head(struct check *c, const cJSON *page) {
    const char *root = text_of(c, page, "root");
    check_head(c, page);
    if (c->root && root && strcmp(c->root, root) != 0)
        fault(c, "root: the pages are of different notices: %s and %s", c->root, root);
    if (!c->root)
        c->root = root;
    str_to_i64(str_from(text_of(c, page, "entry_count")), &c->entries);
    str_to_i64(str_from(text_of(c, page, "points")), &c->total);
}

/* A page says which line it ends with, when there are more. */
static void read_page(struct check *c, const cJSON *page, bool last) {
    const cJSON *entries = cJSON_GetObjectItemCaseSensitive(page, "entries"), *entry;
    const cJSON *next = cJSON_GetObjectItemCaseSensitive(page, "next");
    bool early = is_early(page);
    if (c->root && early != c->stateless)
        fault(c, "state: some pages have states, others have not");
    c->stateless = early;
    read_head(c, page);
    if (!cJSON_IsArray(entries))
        fault(c, "entries: missing");
    cJSON_ArrayForEach(entry, entries) read_entry(c, entry);
    check_beside(c, page);
    if (last ? !cJSON_IsNull(next)
             : !cJSON_IsNumber(next) || next->valuedouble != (double)c->last_no)
        fault(c,
              last ? "next: the file ends before the notice does, or says so wrongly"
                   : "next: it is not the last line of its page (no %" PRId64 ")",
              c->last_no);
}

static bool check_proof(struct check *c, const cJSON *proof, const char *known) {
    const char *leaf = text_of(c, proof, "leaf"), *root = text_of(c, proof, "root");
    const cJSON *path = cJSON_GetObjectItemCaseSensitive(proof, "path"), *one;
    int64_t index = -1, size = -1;
    size_t n = 0;
    str_to_i64(str_from(text_of(c, proof, "index")), &index);
    str_to_i64(str_from(text_of(c, proof, "size")), &size);
    struct merkle_hash *hashes =
        arena_alloc(c->arena, ((size_t)cJSON_GetArraySize(path) + 1) * sizeof *hashes);
    cJSON_ArrayForEach(one, path) {
        if (!cJSON_IsString(one) || !merkle_from_hex(one->valuestring, &hashes[n]))
            fault(c, "path: step %zu is no hash", n + 1);
        n++;
    }
    struct merkle_hash end;
    if (!leaf || !root || index < 0 || size <= 0)
        fault(c, "leaf, index, size or root: missing");
    else if (!merkle_follow(merkle_leaf(str_from(leaf)), (size_t)index, (size_t)size, hashes, n,
                            &end))
        fault(c,
              "index, size, path: %zu steps do not lead from leaf %" PRId64 " of %" PRId64
              " to a root",
              n, index, size);
    else if (strcmp(hex_of(c->arena, end).p, root) != 0)
        fault(c, "leaf, index, path or root was changed: they lead to %s, the proof says %s",
              hex_of(c->arena, end).p, root);
    else if (known && strcmp(known, root) != 0)
        fault(c, "root: you expect %s, the proof leads to %s", known, root);
    else
        buf_printf(c->report, "ok     leaf %s\nok     leads in %zu steps to root %s\n", leaf, n,
                   root);
    return c->faults == 0;
}

static void delete_json(void *json) {
    cJSON_Delete(json);
}

/* What cJSON is kind to: control characters for blanks, and numbers that begin with a zero. */
static bool has_stray_byte(struct check *c, struct str file) {
    bool inside = false; /* a string */
    size_t nul = str_json_nul(file);
    if (nul < file.n) {
        fault(c, "byte %zu: a NUL does not belong there", nul + 1);
        return true;
    }
    char before = ' ';
    for (size_t i = 0; i < file.n; before = file.p[i++]) {
        unsigned char byte = (unsigned char)file.p[i];
        bool blank = byte == '\n' || byte == '\r' || byte == '\t';
        bool zero = byte == '0' && !inside && (before < '.' || before > '9') && i + 1 < file.n &&
                    file.p[i + 1] >= '0' && file.p[i + 1] <= '9';
        if ((byte < ' ' && !blank) || zero) {
            fault(c, "byte %zu: 0x%02x does not belong there", i + 1, byte);
            return true;
        }
        if (inside && byte == '\\' && i + 1 < file.n)
            i++;
        else if (byte == '"')
            inside = !inside;
    }
    return false;
}

/* The next document; *rest is what follows it. NULL: none, or none that can be read. */
static cJSON *next_document(struct check *c, struct str *rest) {
    const char *end = NULL;
    struct str text = str_trim(*rest);
    *rest = (struct str){"", 0};
    if (text.n == 0)
        return NULL;
    cJSON *json = cJSON_ParseWithLengthOpts(text.p, text.n, &end, false);
    if (!cJSON_IsObject(json)) {
        cJSON_Delete(json);
        size_t left = end && end < text.p + text.n ? (size_t)(text.p + text.n - end) : 0;
        fault(c, "JSON: it ends or breaks near 「%.*s」",
              (int)(left < NEAR_BYTES ? left : NEAR_BYTES), left > 0 ? end : "");
        return NULL;
    }
    arena_on_free(c->arena, delete_json, json);
    *rest = str_trim((struct str){end, (size_t)(text.p + text.n - end)});
    return json;
}

static bool check_json(struct check *c, struct str file, const char *known) {
    struct str rest = str_trim(file);
    if (has_stray_byte(c, file))
        return false;
    while (rest.n > 0) {
        cJSON *page = next_document(c, &rest);
        if (page && cJSON_GetObjectItemCaseSensitive(page, "path"))
            return check_proof(c, page, known);
        if (page)
            read_page(c, page, rest.n == 0);
    }
    return conclude(c, known);
}

/* ---- CSV ---- */

/* Behind the public file's columns, in `gulou export notice --unmasked`. */
static const char *const office_columns[] = {"全名", "水印"};
#define OFFICE_COLUMNS (sizeof office_columns / sizeof office_columns[0])

static size_t columns(const struct check *c) {
    return c->stateless ? NOTICE_STATE : NOTICE_COLUMNS + (c->office ? OFFICE_COLUMNS : 0);
}

static void check_header(struct check *c, const struct str *cells, size_t n) {
    c->stateless = n == NOTICE_STATE; /* which came last */
    c->office = n == NOTICE_COLUMNS + OFFICE_COLUMNS;
    for (size_t i = 0; i < columns(c); i++) {
        const char *title =
            i < NOTICE_COLUMNS ? notice_columns[i] : office_columns[i - NOTICE_COLUMNS];
        if (i >= n || !str_is(cells[i], title))
            fault(c, "line 1: column %zu is not headed %s", i + 1, title);
    }
}

/* 合计 | | | 条数 | points | | | root | digest of the states */
static void read_sum(struct check *c, const struct str *cells) {
    static const int empty[] = {NOTICE_MEMBER, NOTICE_UNIT, NOTICE_DATE, NOTICE_SALT};
    c->root = str_z(c->arena, cells[NOTICE_LEAF]);
    if (!c->stateless)
        check_states(c, cells[NOTICE_STATE]);
    for (size_t i = 0; i < sizeof empty / sizeof empty[0]; i++)
        if (cells[empty[i]].n > 0)
            fault(c, "last line: %s: must be empty", notice_columns[empty[i]]);
    if (!str_to_i64(cells[NOTICE_ITEM], &c->entries))
        fault(c, "last line: entries: %.*s is no number", (int)cells[NOTICE_ITEM].n,
              cells[NOTICE_ITEM].p);
    if (!str_to_i64(cells[NOTICE_POINTS], &c->total))
        fault(c, "last line: points: %.*s is no number", (int)cells[NOTICE_POINTS].n,
              cells[NOTICE_POINTS].p);
}

static void read_state_words(struct check *c, size_t row, const struct str *cells) {
    const char *state = notice_state_of(cells[NOTICE_STATE]);
    if (!*state)
        fault(c, "line %zu: %s: %.*s is none", row, notice_columns[NOTICE_STATE],
              (int)cells[NOTICE_STATE].n, cells[NOTICE_STATE].p);
    notice_state_add(&c->states, cells[NOTICE_NO], str_from(state));
}

static void on_row(void *context, size_t row, const struct str *cells, size_t n) {
    struct check *c = context;
    if (row == 1) {
        check_header(c, cells, n);
    } else if (n != columns(c)) {
        fault(c, "line %zu: has %zu cells instead of %zu", row, n, columns(c));
    } else if (c->root) {
        fault(c, "line %zu: stands behind the sum", row);
    } else if (str_is(cells[NOTICE_NO], NOTICE_SUM)) {
        read_sum(c, cells);
    } else {
        struct line line = {.leaf = cells[NOTICE_LEAF]};
        static const int from[] = {NOTICE_NO, NOTICE_UNIT, NOTICE_ITEM, NOTICE_POINTS, NOTICE_DATE};
        for (int i = 0; i < 5; i++)
            line.parts[i] = cells[from[i]];
        if (!c->stateless)
            read_state_words(c, row, cells);
        add_line(c, line, cells[NOTICE_MEMBER], cells[NOTICE_SALT]);
    }
}

static bool check_csv(struct check *c, struct str file, const char *known) {
    size_t broken = csv_file_read(c->arena, file, on_row, c);
    if (broken > 0)
        fault(c, "line %zu: a byte or a quote that does not belong into our CSV", broken);
    return conclude(c, known);
}

bool notice_check(struct arena *arena, struct str file, const char *root, struct buf *report) {
    struct check c = {.arena = arena, .report = report};
    struct str text = str_trim(file);
    c.end = &c.first;
    buf_init(&c.states, arena);
    return text.n > 0 && text.p[0] == '{' ? check_json(&c, file, root) : check_csv(&c, file, root);
}
