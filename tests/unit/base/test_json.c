/* JSON in an arena. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/base/arena.h"
#include "server/base/json.h"

static struct arena *arena;

static int set_up(void **state) {
    (void)state;
    cJSON_InitHooks(&(cJSON_Hooks){.malloc_fn = json_malloc, .free_fn = json_free});
    arena = arena_new();
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    arena_free(arena);
    return 0;
}

/* What was not freed with the arena, the leak checker finds. */
static void it_ends_with_its_arena(void **state) {
    (void)state;
    static const char text[] =
        "{\"name\":\"王\\u5c0f明\",\"rows\":[1,{\"points\":\"20\"}]} and more";
    const cJSON *json = json_parse(arena, text, sizeof text - 1);
    assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(json, "name")), "王小明");
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(json, "rows")), 2);
}

static void what_is_none_leaves_nothing(void **state) {
    (void)state;
    static const char text[] = "{\"name\":\"王\",\"rows\":[1,";
    assert_null(json_parse(arena, text, sizeof text - 1));
    assert_null(json_parse(arena, "", 0));
}

static void what_is_parsed_otherwise_is_freed_as_ever(void **state) {
    (void)state;
    cJSON *own = cJSON_Parse("{\"a\":[1,2]}");
    assert_non_null(json_parse(arena, "[3]", 3));
    cJSON_AddStringToObject(own, "b", "c");
    cJSON_Delete(own);
}

static void a_long_one_has_room(void **state) {
    (void)state;
    char text[60002];
    for (size_t i = 0; i < sizeof text - 2; i += 2)
        text[i] = i == 0 ? '[' : ',', text[i + 1] = '7';
    text[sizeof text - 2] = ']';
    assert_int_equal(cJSON_GetArraySize(json_parse(arena, text, sizeof text - 1)), 30000);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(it_ends_with_its_arena),
        TEST(what_is_none_leaves_nothing),
        TEST(what_is_parsed_otherwise_is_freed_as_ever),
        TEST(a_long_one_has_room),
    };
    return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
