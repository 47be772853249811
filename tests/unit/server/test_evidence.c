/* Links to photos: the link is the permission, so nothing of it may be exchanged. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "server/base/limits.h"
#include "server/evidence.h"

static struct account account_of(char *id, char *secret) {
    return (struct account){.id = id, .app_secret = secret};
}

static const char *mac_of(const char *path) {
    const char *mac = strstr(path, "&mac=");
    assert_non_null(mac);
    return mac;
}

static void a_link_names_what_it_shows_and_ends_in_half_an_hour(void **state) {
    (void)state;
    struct arena *arena = arena_new();
    struct account demo = account_of("demo", "secret");
    const char *path = evidence_photo_path(arena, &demo, 12, false);
    assert_true(strncmp(path, "/demo/photo/12?until=", 21) == 0);
    long long left = atoll(path + 21) - (long long)time(NULL);
    assert_in_range(left, PHOTO_LINK_SECONDS - 5, PHOTO_LINK_SECONDS);
    assert_int_equal(strlen(mac_of(path)), strlen("&mac=") + 32);
    arena_free(arena);
}

static void nothing_of_a_link_fits_another(void **state) {
    (void)state;
    struct arena *arena = arena_new();
    struct account demo = account_of("demo", "secret"), other = account_of("other", "secret"),
                   renewed = account_of("demo", "new secret");
    const char *links[] = {
        evidence_photo_path(arena, &demo, 12, false),
        evidence_photo_path(arena, &demo, 12, true),
        evidence_photo_path(arena, &demo, 1, false),
        evidence_photo_path(arena, &demo, 121, false),
        evidence_photo_path(arena, &other, 12, false),
        evidence_photo_path(arena, &renewed, 12, false),
    };
    for (size_t i = 0; i < sizeof links / sizeof links[0]; i++)
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(mac_of(links[i]), mac_of(links[j]));
    arena_free(arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_link_names_what_it_shows_and_ends_in_half_an_hour),
        cmocka_unit_test(nothing_of_a_link_fits_another)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
