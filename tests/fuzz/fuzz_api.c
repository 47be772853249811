/* Any bytes as the platform's answer: parsed or refused, and what was parsed can be written and
 * read again. */

#include <stdlib.h>
#include <string.h>

#include "wechat/api.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct arena *arena = arena_new();
    cJSON *json = api_parse((struct str){(const char *)data, size});
    if (json) {
        api_id(arena, json, "msgid");
        struct str written = api_json(arena, json);
        cJSON *again = api_parse(written);
        if (written.n != strlen(written.p) || !again)
            abort();
        cJSON_Delete(again);
    }
    cJSON_Delete(json);
    arena_free(arena);
    return 0;
}
