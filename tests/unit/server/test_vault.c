/* Sealed bytes: what opens them, and that nothing else does. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "server/vault.h"

static const struct data_key first = {"2026", {1, 2, 3}};
static const struct data_key both[] = {{"2027", {4, 5, 6}}, {"2026", {1, 2, 3}}};
static const struct data_key other = {"2026", {9, 9, 9}};

static struct config with(const struct data_key *keys, size_t n) {
    return (struct config){.data_keys = keys, .data_keys_n = n};
}

static struct arena *arena;

static int set_up(void **state) {
    (void)state;
    arena = arena_new();
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    arena_free(arena);
    return 0;
}

static struct str seal(const struct config *config, const char *what, const char *text) {
    return vault_seal(arena, config, what, str_from(text));
}

static void assert_opens(const struct config *config, const char *what, struct str sealed,
                         const char *text) {
    struct str plain;
    const char *why = NULL;
    assert_true(vault_open(arena, config, what, sealed, &plain, &why));
    assert_true(str_is(plain, text));
}

static const char *why_not(const struct config *config, const char *what, struct str sealed) {
    struct str plain;
    const char *why = NULL;
    assert_false(vault_open(arena, config, what, sealed, &plain, &why));
    return why;
}

static void what_is_sealed_opens_and_cannot_be_read_before(void **state) {
    (void)state;
    struct config config = with(&first, 1);
    struct str sealed = seal(&config, "a", "a picture");
    assert_null(memmem(sealed.p, sealed.n, "picture", 7));
    assert_true(str_starts(sealed, vault_prefix(arena, &config)));
    assert_opens(&config, "a", sealed, "a picture");
    struct str again = seal(&config, "a", "a picture");
    assert_memory_not_equal(again.p, sealed.p, sealed.n); /* another nonce each time */
    assert_opens(&config, "a", seal(&config, "a", ""), "");
}

static void without_a_key_everything_stays_as_it_is(void **state) {
    (void)state;
    struct config none = with(NULL, 0), config = with(&first, 1);
    struct str plain = seal(&none, "a", "a picture");
    assert_true(str_is(plain, "a picture"));
    assert_opens(&config, "a", plain, "a picture"); /* kept before there was a key */
    assert_string_equal(why_not(&none, "a", seal(&config, "a", "x")),
                        "the configuration has no [[data_key]] \"2026\"");
}

static void an_older_key_still_opens_and_the_newest_seals(void **state) {
    (void)state;
    struct config old = with(&first, 1), rotated = with(both, 2), after = with(both, 1);
    struct str sealed = seal(&old, "a", "a picture");
    assert_opens(&rotated, "a", sealed, "a picture");
    struct str anew = seal(&rotated, "a", "a picture");
    assert_opens(&after, "a", anew, "a picture");
    assert_string_equal(why_not(&after, "a", sealed),
                        "the configuration has no [[data_key]] \"2026\"");
}

static void another_secret_under_the_same_name_is_named(void **state) {
    (void)state;
    struct config config = with(&first, 1), wrong = with(&other, 1);
    assert_string_equal(why_not(&wrong, "a", seal(&config, "a", "x")),
                        "[[data_key]] \"2026\" does not open it: another secret, or other bytes");
}

static void nothing_opens_in_anothers_place_or_with_a_changed_bit(void **state) {
    (void)state;
    struct config config = with(&first, 1);
    struct str sealed = seal(&config, "photo|demo|aa|full", "a picture");
    why_not(&config, "photo|demo|aa|small", sealed);
    why_not(&config, "photo|other|aa|full", sealed);
    size_t head = vault_prefix(arena, &config).n;
    for (size_t i = head; i < sealed.n; i++) {
        char *changed = arena_strndup(arena, sealed.p, sealed.n);
        changed[i] = (char)(changed[i] ^ 1);
        why_not(&config, "photo|demo|aa|full", (struct str){changed, sealed.n});
    }
    for (size_t n = 4; n < sealed.n; n++)
        why_not(&config, "photo|demo|aa|full", (struct str){sealed.p, n});
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_sealed_opens_and_cannot_be_read_before, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(without_a_key_everything_stays_as_it_is, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_older_key_still_opens_and_the_newest_seals, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(another_secret_under_the_same_name_is_named, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(nothing_opens_in_anothers_place_or_with_a_changed_bit,
                                        set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
