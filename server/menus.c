#include "server/menus.h"

#include <string.h>

#include "server/base/arena.h"

/* A tap on a view's page says with wx=1 that it comes out of the chat (server/sign_in.h). */
#define DECLARE_PAGE                                                                               \
    { "打开申报页", "view", "declare?wx=1" }
#define NOTICES_PAGE                                                                               \
    { "公示页面", "view", "" }
#define CLICK(name)                                                                                \
    { name, "click", name }

/* Of one person's several tags the last one set decides, and that is the administrators'
 * (db/functions/28_tags.sql): their menu holds what reviewers need, too. */
const struct menu menus[MENUS] = {
    [MENU_DEFAULT] = {"everybody",
                      NULL,
                      {{"申报", {DECLARE_PAGE, {"对话申报", "click", "申报"}, CLICK("我的申报")}},
                       {"积分", {{"我的积分", "click", "积分"}, CLICK("明细"), CLICK("排行")}},
                       {"公示", {NOTICES_PAGE, CLICK("隐私"), CLICK("通知"), CLICK("帮助")}}}},
    [MENU_REVIEWERS] =
        {"reviewers",
         "reviewer",
         {{"审核",
           {{"待审页面", "view", "review?wx=1"}, {"对话待审", "click", "待审"}, CLICK("加入申请")}},
          {"申报",
           {DECLARE_PAGE,
            {"对话申报", "click", "申报"},
            CLICK("我的申报"),
            {"我的积分", "click", "积分"},
            CLICK("明细")}},
          {"公示", {NOTICES_PAGE, CLICK("排行"), CLICK("隐私"), CLICK("通知"), CLICK("帮助")}}}},
    [MENU_ADMINISTRATORS] =
        {"administrators",
         "administrator",
         {{"管理",
           {{"待审页面", "view", "review?wx=1"},
            CLICK("加入申请"),
            {"单位二维码", "view", "sheets?wx=1"},
            CLICK("冻结公示"),
            CLICK("发布公示")}},
          {"申报",
           {DECLARE_PAGE,
            {"对话申报", "click", "申报"},
            CLICK("我的申报"),
            {"我的积分", "click", "积分"},
            CLICK("明细")}},
          {"公示", {NOTICES_PAGE, CLICK("排行"), CLICK("隐私"), CLICK("通知"), CLICK("帮助")}}}},
};

struct building {
    struct arena *arena;
    const struct menu *menu;
    const struct config *config;
    const struct account *account;
    const char *why;
};

static void blame(struct building *b, const char *field, const char *why) {
    if (!b->why)
        b->why = arena_printf(b->arena, "menu for %s: %s %s", b->menu->audience, field, why);
}

static void check_text(struct building *b, const char *field, const char *text, size_t max) {
    if (!text || !*text)
        blame(b, field, "is empty");
    else if (strlen(text) > max)
        blame(b, field,
              arena_printf(b->arena, "has %zu bytes, the platform takes %zu", strlen(text), max));
}

static cJSON *sub_json(struct building *b, const struct menu_button *sub, const char *field) {
    cJSON *json = cJSON_CreateObject();
    const char *type = sub->type ? sub->type : "";
    const char *value = sub->value ? sub->value : "";
    check_text(b, arena_printf(b->arena, "%s.name", field), sub->name, MENU_SUB_NAME_BYTES);
    cJSON_AddStringToObject(json, "type", type);
    cJSON_AddStringToObject(json, "name", sub->name);
    if (strcmp(type, "click") == 0) {
        check_text(b, arena_printf(b->arena, "%s.key", field), value, MENU_KEY_BYTES);
        cJSON_AddStringToObject(json, "key", value);
    } else if (strcmp(type, "view") == 0) {
        const char *url =
            arena_printf(b->arena, "%s/%s/%s", b->config->public_url, b->account->id, value);
        check_text(b, arena_printf(b->arena, "%s.url", field), url, MENU_URL_BYTES);
        cJSON_AddStringToObject(json, "url", url);
    } else {
        blame(b, arena_printf(b->arena, "%s.type", field), "is neither click nor view");
    }
    return json;
}

static cJSON *top_json(struct building *b, const struct menu_top *top, const char *field) {
    cJSON *json = cJSON_CreateObject();
    check_text(b, arena_printf(b->arena, "%s.name", field), top->name, MENU_TOP_NAME_BYTES);
    cJSON_AddStringToObject(json, "name", top->name);
    cJSON *subs = cJSON_AddArrayToObject(json, "sub_button");
    for (int i = 0; i < MENU_SUBS_MAX && top->subs[i].name; i++)
        cJSON_AddItemToArray(subs, sub_json(b, &top->subs[i],
                                            arena_printf(b->arena, "%s.sub_button[%d]", field, i)));
    if (cJSON_GetArraySize(subs) == 0)
        blame(b, arena_printf(b->arena, "%s.sub_button", field), "is empty");
    return json;
}

cJSON *menu_json(struct arena *arena, const struct menu *menu, const struct config *config,
                 const struct account *account, const char **why) {
    struct building b = {arena, menu, config, account, NULL};
    cJSON *json = cJSON_CreateObject();
    cJSON *buttons = cJSON_AddArrayToObject(json, "button");
    for (int i = 0; i < MENU_TOPS_MAX && menu->tops[i].name; i++)
        cJSON_AddItemToArray(buttons,
                             top_json(&b, &menu->tops[i], arena_printf(arena, "button[%d]", i)));
    if (cJSON_GetArraySize(buttons) == 0)
        blame(&b, "button", "is empty");
    *why = b.why;
    if (!b.why)
        return json;
    cJSON_Delete(json);
    return NULL;
}
