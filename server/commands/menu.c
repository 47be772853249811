/* gulou menu push, gulou menu show: the menus below the chat.
 *
 * Replacing leaves no gap: menu/create replaces the default menu at once; conditional menus cannot
 * be changed, so new ones are added before old ones of ours go (the newest is matched first). What
 * an interrupted run left behind is an old one to the next run. Menus for other people's tags are
 * not ours and stay. A push also has the server set all tags anew, in case somebody changed them on
 * the platform's website. */

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "db/pg.h"
#include "db/sync.h"
#include "server/base/arena.h"
#include "server/commands/commands.h"
#include "server/menus.h"
#include "server/platform.h"
#include "server/request.h"
#include "server/say.h"
#include "server/tags.h"

#define NO_MENU 46003
#define NO_SUCH_MENU 65301
#define TRIES_MAX 4
#define WAIT_MAX_SECONDS 10 /* what takes longer is the operator's to repeat */
#define PATIENCE_SECONDS 45 /* token and call together */

struct session {
    struct services services;
    const struct account *account;
    struct arena *arena;
    struct platform_call call;
    struct platform_result result; /* with copies of what it points to */
    bool answered;
};

/* ---- one call, waited for ---- */

static void delete_json(void *json) {
    cJSON_Delete(json);
}

static void on_done(struct platform_call *call, const struct platform_result *result) {
    struct session *s = (struct session *)(void *)((char *)call - offsetof(struct session, call));
    cJSON *json = cJSON_Duplicate(result->json, true);
    arena_on_free(s->arena, delete_json, json);
    s->result = *result;
    s->result.json = json;
    s->result.rid = arena_printf(s->arena, "%s", result->rid);
    s->answered = true;
    event_base_loopbreak(s->services.base);
}

static void run_loop(struct session *s, int seconds) {
    struct timeval patience = {seconds, 0};
    event_base_loopexit(s->services.base, &patience);
    event_base_dispatch(s->services.base);
}

/* `body` is deleted; NULL: a GET. True: the platform did it. */
static bool ask(struct session *s, const char *path, cJSON *body) {
    struct str text = body ? api_json(s->arena, body) : (struct str){0};
    cJSON_Delete(body);
    for (int attempt = 0; attempt < TRIES_MAX; attempt++) {
        s->call = (struct platform_call){.account = s->account,
                                         .path = path,
                                         .body = text,
                                         .attempt = attempt,
                                         .on_done = on_done};
        s->answered = false;
        platform_start(s->services.platform, &s->call);
        run_loop(s, PATIENCE_SECONDS);
        if (!s->answered) {
            platform_cancel(&s->call);
            s->result = (struct platform_result){
                .outcome = PLATFORM_REFUSED, .errcode = -1, .meaning = "no answer", .rid = ""};
        }
        if (s->result.outcome != PLATFORM_LATER || s->result.later_seconds > WAIT_MAX_SECONDS)
            break;
        if (attempt + 1 < TRIES_MAX)
            run_loop(s, s->result.later_seconds);
    }
    return s->result.outcome == PLATFORM_DONE;
}

static bool fail(const struct session *s, const char *what) {
    fprintf(stderr, "gulou: account %s: %s: %d %s%s%s\n", s->account->id, what, s->result.errcode,
            s->result.meaning, *s->result.rid ? ", rid " : "", s->result.rid);
    return false;
}

/* {} when the account has none; NULL: said why. */
static const cJSON *read_menus(struct session *s) {
    if (ask(s, "/cgi-bin/menu/get", NULL))
        return s->result.json;
    if (s->result.errcode == NO_MENU) {
        cJSON *none = cJSON_CreateObject();
        arena_on_free(s->arena, delete_json, none);
        return none;
    }
    fail(s, "reading the menus");
    return NULL;
}

/* ---- push ---- */

/* Makes the tag of a role when it is missing. 0: said why. */
static int64_t find_tag(struct session *s, const char *role) {
    const char *name = tag_name(role);
    int64_t id = 0;
    if (ask(s, "/cgi-bin/tags/get", NULL) && (id = tag_named(s->result.json, name)) != 0)
        return id;
    if (s->result.outcome == PLATFORM_DONE) {
        cJSON *body = cJSON_Parse(tag_create_body(s->arena, name).p);
        if (ask(s, "/cgi-bin/tags/create", body))
            id = tag_created(s->result.json);
        else if (s->result.errcode == TAG_NAME_TAKEN && ask(s, "/cgi-bin/tags/get", NULL))
            id = tag_named(s->result.json, name); /* the server was quicker */
    }
    if (id == 0)
        fail(s, arena_printf(s->arena, "the tag %s", name));
    return id;
}

/* Older answers call the tag's number group_id. */
static int64_t tag_of(const cJSON *conditional) {
    const cJSON *rule = fact(conditional, "matchrule");
    int64_t tag = fact_number(rule, "tag_id");
    return tag != 0 ? tag : fact_number(rule, "group_id");
}

static bool drop_old(struct session *s, const cJSON *before, int64_t tag) {
    const cJSON *old;
    cJSON_ArrayForEach(old, fact(before, "conditionalmenu")) {
        if (tag_of(old) != tag)
            continue;
        cJSON *body = cJSON_CreateObject();
        cJSON_AddStringToObject(body, "menuid", api_id(s->arena, old, "menuid"));
        if (!ask(s, "/cgi-bin/menu/delconditional", body) && s->result.errcode != NO_SUCH_MENU)
            return fail(s, "deleting an old menu");
    }
    return true;
}

static bool push_conditional(struct session *s, const struct menu *menu, cJSON *json,
                             const cJSON *before) {
    int64_t tag = find_tag(s, menu->role);
    if (tag == 0) {
        cJSON_Delete(json);
        return false;
    }
    cJSON_AddStringToObject(cJSON_AddObjectToObject(json, "matchrule"), "tag_id",
                            arena_printf(s->arena, "%lld", (long long)tag));
    if (!ask(s, "/cgi-bin/menu/addconditional", json))
        return fail(s, arena_printf(s->arena, "the menu for %s", menu->audience));
    return drop_old(s, before, tag);
}

/* All of them are checked before the first is sent. */
static bool build(struct session *s, cJSON *json[MENUS]) {
    bool good = true;
    for (int i = 0; i < MENUS; i++) {
        const char *why;
        json[i] = menu_json(s->arena, &menus[i], s->services.config, s->account, &why);
        if (!json[i]) {
            fprintf(stderr, "gulou: account %s: %s\n", s->account->id, why);
            good = false;
        }
    }
    for (int i = 0; !good && i < MENUS; i++)
        cJSON_Delete(json[i]);
    return good;
}

static bool renew_tags(const struct session *s) {
    char *error = NULL;
    char *json = pg_run(s->services.config->postgres_url, "renew_tags", 1, &s->account->id, &error);
    free(json);
    return json != NULL || command_fail(error) == COMMAND_DONE;
}

static bool push(struct session *s) {
    cJSON *json[MENUS];
    const cJSON *before = build(s, json) ? read_menus(s) : NULL;
    if (!before)
        return false;
    if (!ask(s, "/cgi-bin/menu/create", json[MENU_DEFAULT])) {
        for (int i = MENU_DEFAULT + 1; i < MENUS; i++)
            cJSON_Delete(json[i]);
        return fail(s, "the menu for everybody");
    }
    bool good = true;
    for (int i = MENU_DEFAULT + 1; i < MENUS; i++)
        good = push_conditional(s, &menus[i], json[i], before) && good;
    good = renew_tags(s) && good;
    if (good)
        printf("menu: account %s: pushed for everybody, reviewers and administrators\n",
               s->account->id);
    return good;
}

/* ---- show ---- */

static void show_button(const cJSON *button, int depth) {
    const char *value = fact_text(button, "key");
    if (!*value)
        value = fact_text(button, "url");
    const char *type = fact_text(button, "type");
    printf("%*s%s%s%s%s%s\n", 2 + 2 * depth, "", fact_text(button, "name"), *type ? "  " : "", type,
           *value ? " " : "", value);
    const cJSON *sub;
    cJSON_ArrayForEach(sub, fact(button, "sub_button")) show_button(sub, depth + 1);
}

static void show_menu(struct session *s, const char *title, const cJSON *menu) {
    const char *id = api_id(s->arena, menu, "menuid");
    printf("%s%s%s\n", title, id ? ", menu " : "", id ? id : "");
    const cJSON *button;
    cJSON_ArrayForEach(button, fact(menu, "button")) show_button(button, 0);
}

static const char *name_of_tag(const cJSON *tags, int64_t id) {
    const cJSON *tag;
    cJSON_ArrayForEach(tag, fact(tags, "tags")) if (fact_number(tag, "id") ==
                                                    id) return fact_text(tag, "name");
    return "";
}

static bool show(struct session *s) {
    const cJSON *read = read_menus(s);
    if (!read)
        return false;
    if (!fact(read, "menu")) {
        printf("account %s: the platform has no menu; `gulou menu push` makes it\n",
               s->account->id);
        return true;
    }
    show_menu(s, arena_printf(s->arena, "account %s, everybody", s->account->id),
              fact(read, "menu"));
    const cJSON *tags = NULL, *menu;
    if (fact(read, "conditionalmenu")) {
        if (!ask(s, "/cgi-bin/tags/get", NULL))
            return fail(s, "reading the tags");
        tags = s->result.json;
    }
    cJSON_ArrayForEach(menu, fact(read, "conditionalmenu")) {
        int64_t tag = tag_of(menu);
        show_menu(s,
                  arena_printf(s->arena, "account %s, tag %lld %s", s->account->id, (long long)tag,
                               name_of_tag(tags, tag)),
                  menu);
    }
    return true;
}

/* ---- the command ---- */

static bool run_account(struct services *services, const struct account *account,
                        bool (*act)(struct session *s)) {
    if (!account->verified) {
        printf("account %s: no menu: the platform gives menus and tags to verified accounts only, "
               "and the configuration says verified = false. Text commands and tap-links do the "
               "same work.\n",
               account->id);
        return true;
    }
    struct session s = {.services = *services, .account = account, .arena = arena_new()};
    s.services.platform = services->platform;
    bool good = act(&s);
    arena_free(s.arena);
    return good;
}

static int run_accounts(const struct config *config, const char *only,
                        bool (*act)(struct session *s)) {
    struct services services = {.base = event_base_new(), .config = config};
    services.pg = pg_new(services.base, config->postgres_url, 1);
    services.platform = platform_new(&services);
    bool good = true;
    for (size_t i = 0; i < config->accounts_n; i++)
        if (!only || strcmp(only, config->accounts[i].id) == 0)
            good = run_account(&services, &config->accounts[i], act) && good;
    platform_free(services.platform);
    pg_free(services.pg);
    event_base_free(services.base);
    return good ? COMMAND_DONE : COMMAND_FAILED;
}

static int run(int argc, const char **argv) {
    char *account = NULL, *words[1] = {NULL}; /* popt allocates them */
    int exit_code;
    const struct poptOption own[] = {{"account", '\0', POPT_ARG_STRING, &account, 0,
                                      "only this account of the configuration", "ID"},
                                     POPT_TABLEEND};
    struct config *config = command_words(argc, argv, own, "push|show", words, 1, &exit_code);
    bool pushes = config && strcmp(words[0], "push") == 0;
    log_init(LOG_LEVEL_ERROR); /* what was done is printed, what failed is said once */
    if (config && !pushes && strcmp(words[0], "show") != 0) {
        fprintf(stderr,
                "gulou: menu %s: menu push replaces the menus, menu show prints what the platform "
                "has\n",
                words[0]);
        exit_code = COMMAND_USAGE;
    } else if (config && account && !config_account(config, account)) {
        fprintf(stderr, "gulou: %s: no account %s\n", config->path, account);
        exit_code = COMMAND_USAGE;
    } else if (config) {
        exit_code = run_accounts(config, account, pushes ? push : show);
    }
    config_free(config);
    free(account);
    free(words[0]);
    return exit_code;
}

const struct subcommand command_menu = {"menu", "push or show the menus below the chat", run};
