/* The menus below the chat: what is in them is answered, and what the platform would refuse is
 * named before it is sent. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "server/menus.h"
#include "server/route.h"
#include "server/tags.h"

static struct arena *arena;
static const struct config config = {.public_url = "https://gulou.example"};
static const struct account account = {.id = "demo", .name = "测试", .verified = true};

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

/* Why a menu is refused; empty when it is good. */
static const char *fault_of(const struct menu *menu, const char *public_url) {
    const char *why;
    cJSON *json =
        menu_json(arena, menu, &(struct config){.public_url = public_url}, &account, &why);
    assert_int_equal(json == NULL, why != NULL);
    cJSON_Delete(json);
    return why ? why : "";
}

static void assert_blames(const struct menu *menu, const char *field) {
    const char *why = fault_of(menu, "https://gulou.example");
    if (!strstr(why, field))
        fail_msg("「%s」 does not name %s", why, field);
}

static void every_menu_is_one_that_the_platform_takes(void **state) {
    (void)state;
    for (int i = 0; i < MENUS; i++) {
        assert_string_equal(fault_of(&menus[i], "https://gulou.example"), "");
        assert_int_equal(menus[i].role == NULL, i == MENU_DEFAULT);
        if (menus[i].role)
            assert_non_null(tag_name(menus[i].role));
    }
}

static void every_tap_is_a_command(void **state) {
    (void)state;
    for (int i = 0; i < MENUS; i++)
        for (int top = 0; top < MENU_TOPS_MAX; top++)
            for (int sub = 0; sub < MENU_SUBS_MAX; sub++) {
                const struct menu_button *button = &menus[i].tops[top].subs[sub];
                struct command command;
                if (button->name && strcmp(button->type, "click") == 0 &&
                    !route_words(arena, words_read(arena, str_from(button->value)), &command))
                    fail_msg("nothing answers %s", button->value);
            }
}

static void a_page_is_opened_as_out_of_the_chat(void **state) {
    (void)state;
    const char *why;
    cJSON *json = menu_json(arena, &menus[MENU_DEFAULT], &config, &account, &why);
    char *text = cJSON_PrintUnformatted(json);
    assert_non_null(strstr(text, "\"url\":\"https://gulou.example/demo/declare?wx=1\""));
    cJSON_free(text);
    cJSON_Delete(json);
}

static void the_field_at_fault_is_named(void **state) {
    (void)state;
    char key[MENU_KEY_BYTES + 2];
    memset(key, 'k', sizeof key - 1);
    key[sizeof key - 1] = '\0';
    struct menu menu = {
        "everybody", NULL, {{"我的申报啊", {{"写得很长的一个名字也是可以的", "click", "积分"}}}}};
    assert_string_equal(fault_of(&menu, "https://gulou.example"), "");
    menu.tops[1] = (struct menu_top){"我的服务积分", {{"积分", "click", "积分"}}};
    assert_blames(&menu, "everybody: button[1].name has 18 bytes");
    menu.tops[1] = (struct menu_top){"积分", {{NULL, NULL, NULL}}};
    assert_blames(&menu, "button[1].sub_button is empty");
    menu.tops[1].subs[0] =
        (struct menu_button){"一二三四五六七八九十一二三四五六七八九十一", "click", "积分"};
    assert_blames(&menu, "button[1].sub_button[0].name has 63 bytes");
    menu.tops[1].subs[0] = (struct menu_button){"积分", "VIEW", ""};
    assert_blames(&menu, "button[1].sub_button[0].type");
    menu.tops[1].subs[0] = (struct menu_button){"积分", "click", ""};
    assert_blames(&menu, "button[1].sub_button[0].key is empty");
    menu.tops[1].subs[0] = (struct menu_button){"积分", "click", key};
    assert_blames(&menu, "button[1].sub_button[0].key has 129 bytes");
    assert_blames(&(struct menu){"reviewers", NULL, {{0}}}, "menu for reviewers: button is empty");
}

static void an_address_that_is_too_long_is_named(void **state) {
    (void)state;
    char *address = arena_alloc(arena, MENU_URL_BYTES + 1);
    memset(address, 'a', MENU_URL_BYTES);
    memcpy(address, "https://", 8);
    assert_non_null(strstr(fault_of(&menus[MENU_DEFAULT], address), "sub_button[0].url has "));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_menu_is_one_that_the_platform_takes, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(every_tap_is_a_command, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_page_is_opened_as_out_of_the_chat, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_field_at_fault_is_named, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_address_that_is_too_long_is_named, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
