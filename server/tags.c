#include "server/tags.h"

#include <string.h>

#include "server/say.h"
#include "wechat/api.h"

const char *tag_name(const char *role) {
    static const char *const names[][2] = {{"reviewer", "审核员"}, {"administrator", "管理员"}};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(names[i][0], role) == 0)
            return names[i][1];
    return NULL;
}

struct str tag_create_body(struct arena *arena, const char *name) {
    cJSON *body = cJSON_CreateObject();
    cJSON_AddStringToObject(cJSON_AddObjectToObject(body, "tag"), "name", name);
    struct str text = api_json(arena, body);
    cJSON_Delete(body);
    return text;
}

int64_t tag_created(const cJSON *answer) {
    return fact_number(fact(answer, "tag"), "id");
}

int64_t tag_named(const cJSON *answer, const char *name) {
    const cJSON *tag;
    cJSON_ArrayForEach(
        tag, fact(answer, "tags")) if (fact_is(tag, "name", name)) return fact_number(tag, "id");
    return 0;
}

struct str tag_members_body(struct arena *arena, int64_t tag, const cJSON *openids) {
    cJSON *body = cJSON_CreateObject();
    cJSON_AddItemToObject(body, "openid_list", cJSON_Duplicate(openids, true));
    cJSON_AddNumberToObject(body, "tagid", (double)tag);
    struct str text = api_json(arena, body);
    cJSON_Delete(body);
    return text;
}
