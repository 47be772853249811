/* A downloaded notice is checked from the file alone; one changed bit anywhere is found. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "server/csv_file.h"
#include "server/merkle.h"
#include "server/notice_check.h"
#include "server/notice_files.h"

static int set_up(void **state) {
    *state = arena_new();
    return 0;
}

static int tear_down(void **state) {
    arena_free(*state);
    return 0;
}

/* ---- a notice of our own making ---- */

static const struct entry {
    const char *no, *member, *unit, *item, *points, *salt, *state; /* salt NULL: erased */
} entries[] = {
    {"3", "王*明", "甲单位", "义务巡逻", "20", "0123456789abcdef0123456789abcdef", "settled"},
    {"7", "已注销成员#9", "乙单位", "读书会", "15", NULL, "objected"},
    {"8", "欧阳*", "=乙\"公司\"", "合唱", "10", "fedcba9876543210fedcba9876543210", "corrected"}};
#define ENTRIES (sizeof entries / sizeof entries[0])
#define DAY "2026-09-30"

static const char *hex(struct arena *arena, struct merkle_hash hash) {
    char *text = arena_alloc(arena, MERKLE_HEX_SIZE);
    merkle_hex(hash, text);
    return text;
}

static const char *leaf_of(struct arena *arena, const struct entry *e) {
    struct str parts[] = {str_from(e->salt ? e->salt : "once"), str_from(e->member)};
    return arena_printf(arena, "%s|%s|%s|%s|" DAY "|%s", e->no, e->unit, e->item, e->points,
                        hex(arena, merkle_digest(parts, 2)));
}

static const char *root_of(struct arena *arena) {
    struct merkle_hash hashes[ENTRIES];
    for (size_t i = 0; i < ENTRIES; i++)
        hashes[i] = merkle_leaf(str_from(leaf_of(arena, &entries[i])));
    return hex(arena, merkle_root(hashes, ENTRIES));
}

static const char *states_digest(struct arena *arena, size_t from, size_t to) {
    struct buf out;
    buf_init(&out, arena);
    for (size_t i = from; i < to; i++)
        notice_state_add(&out, str_from(entries[i].no), str_from(entries[i].state));
    struct str all = buf_view(&out);
    return hex(arena, merkle_digest(&all, 1));
}

#define CORRECTION                                                                                   \
    "{\"correction\": 2, \"notice\": 1, \"no\": 8, \"member\": \"欧阳*\", \"unit\": \"丙\", "     \
    "\"item\": "                                                                                     \
    "\"教课\", \"points\": \"-10\", \"penalty\": \"0\", \"words\": \"查无此事\", \"period\": " \
    "\"2026-Q4\", "                                                                                  \
    "\"published_on\": \"2026-11-03\", \"counted_in\": null}"

#define NOTHING                                                                                    \
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" /* its digest               \
                                                                        */

static const char *corrected_digest(struct arena *arena) {
    struct str all = STR("2|1|8|欧阳*|丙|教课|-10|0|查无此事|2026-Q4|2026-11-03\n");
    return hex(arena, merkle_digest(&all, 1));
}

static const char *quoted(struct arena *arena, const char *text) {
    struct buf out;
    buf_init(&out, arena);
    for (; *text; text++)
        buf_printf(&out, "%s%c", *text == '"' ? "\\" : "", *text);
    return buf_view(&out).p;
}

static void add_page(struct arena *arena, struct buf *out, size_t from, size_t to,
                     const char *next) {
    const char *root = root_of(arena), *seal = root; /* any 64 digits do */
    struct str head = str_from(
        arena_printf(arena, "1|第 3 季度|2026-Q3|open|a|b|3|3|45|%s|" DAY "|%s", root, seal));
    buf_printf(
        out,
        "{\"id\": 1, \"title\": \"第 3 季度\", \"period\": \"2026-Q3\", \"status\": \"open\", "
        "\"opened_at\": \"a\", \"closes_at\": \"b\", \"members\": 3, \"entry_count\": 3, "
        "\"points\": \"45\", \"root\": \"%s\", \"seal\": {\"day\": \"" DAY
        "\", \"root\": \"%s\"}, \"digest\": \"%s\", \"next\": %s, \"state_digest\": \"%s\", "
        "\"corrections\": [], \"corrections_digest\": \"" NOTHING "\", "
        "\"corrected\": [" CORRECTION "], \"corrected_digest\": \"%s\", \"entries\": [",
        root, seal, hex(arena, merkle_digest(&head, 1)), next, states_digest(arena, from, to),
        corrected_digest(arena));
    for (size_t i = from; i < to; i++) {
        const struct entry *e = &entries[i];
        buf_printf(out,
                   "%s{\"no\": %s, \"member\": \"%s\", \"unit\": \"%s\", \"item\": \"%s\", "
                   "\"points\": \"%s\", \"reviewed_on\": \"" DAY "\", \"leaf\": \"%s\", "
                   "\"state\": \"%s\", ",
                   i > from ? ", " : "", e->no, e->member, quoted(arena, e->unit), e->item,
                   e->points, quoted(arena, leaf_of(arena, e)), e->state);
        buf_printf(out, e->salt ? "\"name_salt\": \"%s\"}" : "\"name_salt\": null}", e->salt);
    }
    buf_puts(out, "]}");
}

static struct str whole_json(struct arena *arena) {
    struct buf out;
    buf_init(&out, arena);
    add_page(arena, &out, 0, 3, "null");
    return buf_view(&out);
}

static struct str csv(struct arena *arena) {
    char *bytes;
    size_t n;
    FILE *file = open_memstream(&bytes, &n);
    struct str header[NOTICE_COLUMNS];
    for (size_t i = 0; i < NOTICE_COLUMNS; i++)
        header[i] = str_from(notice_columns[i]);
    csv_file_begin(file);
    csv_file_row(file, header, NOTICE_COLUMNS);
    for (size_t i = 0; i < ENTRIES; i++) {
        const struct entry *e = &entries[i];
        struct str cells[] = {
            str_from(e->no),   str_from(e->member),         str_from(e->unit),
            str_from(e->item), str_from(e->points),         STR(DAY),
            str_from(e->salt), str_from(leaf_of(arena, e)), str_from(notice_state_words(e->state))};
        csv_file_row(file, cells, NOTICE_COLUMNS);
    }
    struct str sum[] = {STR(NOTICE_SUM),
                        STR(""),
                        STR(""),
                        STR("3"),
                        STR("45"),
                        STR(""),
                        STR(""),
                        str_from(root_of(arena)),
                        str_from(states_digest(arena, 0, ENTRIES))};
    csv_file_row(file, sum, NOTICE_COLUMNS);
    fclose(file);
    struct str copy = {arena_strndup(arena, bytes, n), n};
    free(bytes);
    return copy;
}

/* ---- what is said about it ---- */

static bool passes(struct arena *arena, struct str file, const char **said) {
    struct buf report;
    buf_init(&report, arena);
    bool good = notice_check(arena, file, NULL, &report);
    if (said)
        *said = buf_view(&report).p ? buf_view(&report).p : "";
    return good;
}

static struct str replaced(struct arena *arena, struct str file, const char *from, const char *to) {
    struct buf out;
    const char *at = strstr(file.p, from);
    assert_non_null(at);
    buf_init(&out, arena);
    buf_add(&out, file.p, (size_t)(at - file.p));
    buf_puts(&out, to);
    buf_puts(&out, at + strlen(from));
    return buf_view(&out);
}

static void assert_named(struct arena *arena, struct str file, const char *words) {
    const char *said;
    assert_false(passes(arena, file, &said));
    if (!strstr(said, words))
        fail_msg("「%s」 is not in: %s", words, said);
}

static void test_an_honest_notice_verifies(void **state) {
    const char *said;
    assert_true(passes(*state, whole_json(*state), &said));
    assert_non_null(strstr(said, root_of(*state)));
    assert_true(passes(*state, csv(*state), NULL));
}

static void test_pages_one_after_the_other_are_one_notice(void **state) {
    struct buf out;
    buf_init(&out, *state);
    add_page(*state, &out, 0, 2, "7");
    buf_puts(&out, "\n");
    struct str first = {arena_strndup(*state, out.p, out.n), out.n};
    assert_named(*state, first, "ends before the notice does");
    add_page(*state, &out, 2, 3, "null");
    assert_true(passes(*state, buf_view(&out), NULL));
}

static void test_the_line_and_the_field_are_named(void **state) {
    struct str json = whole_json(*state);
    assert_named(*state, replaced(*state, json, "\"points\": \"15\"", "\"points\": \"51\""),
                 "line 2 (no 7): points: the column says 51, the leaf 15");
    assert_named(*state, replaced(*state, json, "\"points\": \"15\"", "\"points\": \"51\""),
                 "the columns were changed");
    assert_named(*state, replaced(*state, json, "|读书会|", "|读经会|"), "the leaves were changed");
    assert_named(*state, replaced(*state, json, "王*明", "王*朋"),
                 "line 1 (no 3): member and name_salt");
    /* A library of C would read the name to its NUL. */
    assert_named(*state, replaced(*state, json, "王*明", "王*明\\u0000改"), "NUL");
    assert_named(*state, replaced(*state, json, "第 3 季度", "第 4 季度"), "head: ");
    assert_named(*state, replaced(*state, csv(*state), "\"合唱\"", "\"独唱\""),
                 "line 3 (no 8): item");
    assert_named(*state, replaced(*state, json, "\"settled\"", "\"upheld\""), "state: a line's");
    assert_named(*state, replaced(*state, csv(*state), "已结算", "已撤销"), "state: a line's");
    assert_named(*state, replaced(*state, json, "查无此事", "查有此事"), "corrected: one was");
}

/* Its digest is that of its own list: in the other one, the same words are another statement. */
static void test_a_correction_moved_to_the_other_list_is_named(void **state) {
    struct str json = replaced(*state, whole_json(*state), "\"corrections\": []",
                               "\"corrections\": [" CORRECTION "]");
    json = replaced(*state, json, "\"corrected\": [" CORRECTION "]", "\"corrected\": []");
    assert_named(*state, json, "corrections: one was");
    assert_named(*state, json, "corrected: one was");
}

static struct str without(struct arena *arena, struct str file, const char *words) {
    return replaced(arena, file, words, "");
}

/* As the first version wrote it; what is left of a later one is no such file. */
static void test_an_early_download_verifies_and_says_what_it_does_not_cover(void **state) {
    struct str json = whole_json(*state);
    const char *said;
    for (size_t i = 0; i < ENTRIES; i++)
        json = without(*state, json, arena_printf(*state, "\"state\": \"%s\", ", entries[i].state));
    json = without(*state, json, "\"corrections\": [], \"corrections_digest\": \"" NOTHING "\", ");
    json = without(*state, json, "\"corrected\": [" CORRECTION "], ");
    json =
        without(*state, json,
                arena_printf(*state, "\"corrected_digest\": \"%s\", ", corrected_digest(*state)));
    assert_named(*state, json, "line 1: state: what stands there is none");
    json = without(*state, json,
                   arena_printf(*state, ", \"state_digest\": \"%s\"", states_digest(*state, 0, 3)));
    assert_true(passes(*state, json, &said));
    assert_non_null(strstr(said, "note   an early download"));
}

/* Column and leaf changed alike: only the root can tell. */
static void test_a_consistent_forgery_does_not_reach_the_root(void **state) {
    struct str json =
        replaced(*state, whole_json(*state), "\"item\": \"合唱\"", "\"item\": \"独唱\"");
    assert_named(*state, replaced(*state, json, "|合唱|", "|独唱|"), "root: the file says");
}

static void test_a_line_taken_out_is_missed(void **state) {
    struct buf out;
    buf_init(&out, *state);
    add_page(*state, &out, 1, 3, "null");
    assert_named(*state, buf_view(&out), "the notice has 3, the file holds 2");
}

static void test_another_root_than_expected_is_said(void **state) {
    struct buf report;
    buf_init(&report, *state);
    assert_true(notice_check(*state, whole_json(*state), root_of(*state), &report));
    assert_false(
        notice_check(*state, whole_json(*state), hex(*state, merkle_leaf(STR("x"))), &report));
    assert_non_null(strstr(buf_view(&report).p, "root: you expect"));
}

static void assert_every_bit_counts(struct arena *arena, struct str file) {
    char *bytes = arena_strndup(arena, file.p, file.n);
    /* What stands in for a name that was taken back is nobody's; all the rest counts. */
    const char *nameless = strstr(bytes, entries[1].member);
    size_t from = nameless ? (size_t)(nameless - bytes) : file.n;
    size_t to = nameless ? from + strlen(entries[1].member) : file.n;
    assert_true(passes(arena, file, NULL));
    for (size_t bit = 0; bit < file.n * 8; bit++) {
        if (bit / 8 >= from && bit / 8 < to)
            continue;
        const char *said;
        struct arena *turn = arena_new();
        bytes[bit / 8] = (char)(bytes[bit / 8] ^ 1 << bit % 8);
        if (passes(turn, (struct str){bytes, file.n}, &said))
            fail_msg("byte %zu bit %zu can be changed unseen: …%.20s…", bit / 8, bit % 8,
                     file.p + (bit / 8 > 10 ? bit / 8 - 10 : 0));
        assert_non_null(strstr(said, "WRONG"));
        bytes[bit / 8] = (char)(bytes[bit / 8] ^ 1 << bit % 8);
        arena_free(turn);
    }
}

static void test_any_bit_of_the_json_counts(void **state) {
    assert_every_bit_counts(*state, whole_json(*state));
}

static void test_any_bit_of_the_csv_counts(void **state) {
    assert_every_bit_counts(*state, csv(*state));
}

/* ---- one proof ---- */

static struct str proof(struct arena *arena) {
    struct merkle_hash hashes[ENTRIES];
    for (size_t i = 0; i < ENTRIES; i++)
        hashes[i] = merkle_leaf(str_from(leaf_of(arena, &entries[i])));
    return str_from(arena_printf(arena,
                                 "{\"leaf\": \"%s\", \"index\": 1, \"size\": 3, \"path\": [\"%s\", "
                                 "\"%s\"], \"root\": \"%s\"}",
                                 quoted(arena, leaf_of(arena, &entries[1])), hex(arena, hashes[0]),
                                 hex(arena, hashes[2]), root_of(arena)));
}

static void test_any_bit_of_a_proof_counts(void **state) {
    assert_every_bit_counts(*state, proof(*state));
}

static void test_the_odd_last_leaf_is_carried_up(void **state) {
    (void)state;
    struct merkle_hash hashes[5], path[1], root, whole;
    for (size_t i = 0; i < 5; i++)
        hashes[i] = merkle_leaf((struct str){"abcde" + i, 1});
    struct merkle_hash last = hashes[4], left[4];
    memcpy(left, hashes, sizeof left);
    path[0] = merkle_root(left, 4);
    whole = merkle_root(hashes, 5);
    assert_true(merkle_follow(last, 4, 5, path, 1, &root));
    assert_memory_equal(&root, &whole, sizeof root);
    assert_false(merkle_follow(last, 4, 5, path, 0, &root));
    assert_false(merkle_follow(last, 5, 5, path, 1, &root));
}

/* RFC 6962: the hash of an empty list is the hash of nothing; one leaf is its own root. */
static void test_the_smallest_trees(void **state) {
    struct merkle_hash one = merkle_leaf(STR("")), root = merkle_root(NULL, 0);
    assert_string_equal(hex(*state, root),
                        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    assert_string_equal(hex(*state, one),
                        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d");
    root = merkle_root(&one, 1);
    assert_memory_equal(&root, &one, sizeof one);
}

/* ---- CSV ---- */

static void test_formulas_are_defused_and_come_back_as_they_were(void **state) {
    struct str file = csv(*state);
    assert_non_null(strstr(file.p, "\"'=乙\"\"公司\"\"\""));
    assert_null(strstr(file.p, ",\"="));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_an_honest_notice_verifies, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_pages_one_after_the_other_are_one_notice, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_the_line_and_the_field_are_named, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_consistent_forgery_does_not_reach_the_root, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_a_line_taken_out_is_missed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_another_root_than_expected_is_said, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_correction_moved_to_the_other_list_is_named, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(
            test_an_early_download_verifies_and_says_what_it_does_not_cover, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_any_bit_of_the_json_counts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_any_bit_of_the_csv_counts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_any_bit_of_a_proof_counts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_the_odd_last_leaf_is_carried_up, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_the_smallest_trees, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_formulas_are_defused_and_come_back_as_they_were,
                                        set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
