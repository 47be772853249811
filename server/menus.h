#ifndef GULOU_MENUS_H
#define GULOU_MENUS_H

/* The menu below the chat (自定义菜单): one for everybody, one for each role with a tag.
 *
 * What people do every week is one tap away. A click's key is a word of server/route.c, so that
 * nothing more is needed to answer it; a view opens a page of ours.
 * Limits: wechat-protocol.md 7.3; menu_json() checks them before anything is sent. */

#include <cjson/cJSON.h>

#include "server/config.h"

struct arena;

#define MENU_TOPS_MAX 3
#define MENU_SUBS_MAX 5
#define MENU_TOP_NAME_BYTES 16
#define MENU_SUB_NAME_BYTES 60
#define MENU_KEY_BYTES 128
#define MENU_URL_BYTES 1024

struct menu_button {
    const char *name;
    const char *type;  /* click or view */
    const char *value; /* click: the key; view: the page's path below the account */
};

/* Lists end with the first button without a name, or when they are full. */
struct menu_top {
    const char *name;
    struct menu_button subs[MENU_SUBS_MAX];
};

struct menu {
    const char *audience; /* as `gulou menu` calls it */
    const char *role;     /* whose tag shows it; NULL: everybody else */
    struct menu_top tops[MENU_TOPS_MAX];
};

enum { MENU_DEFAULT, MENU_REVIEWERS, MENU_ADMINISTRATORS, MENUS };
extern const struct menu menus[MENUS];

/* {"button":[…]} as the platform takes it, to be deleted. NULL: *why names the field at fault, in
 * the arena. */
cJSON *menu_json(struct arena *arena, const struct menu *menu, const struct config *config,
                 const struct account *account, const char **why);

#endif
