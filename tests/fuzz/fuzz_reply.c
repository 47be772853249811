/* Any bytes as a reply's text: what goes out is within the limit and parses as what came in,
 * cleaned. */

#include <stdlib.h>

#include "server/base/limits.h"
#include "wechat/reply.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct arena *arena = arena_new();
    struct callback_open open = {.app_id = "wx1", .nonce = STR("n")};
    open.message.from_user = STR("o1");
    open.message.to_user = STR("gh_1");
    struct str text = {(const char *)data, size};
    struct str clean = reply_clean(arena, text, REPLY_TEXT_MAX_BYTES);
    struct str body = reply_text(arena, &open, text);
    const struct message_field *fields;
    if (clean.n > REPLY_TEXT_MAX_BYTES) {
        abort();
    }
    if (body.n > 0 && (message_fields_parse(arena, body, &fields) != MESSAGE_OK ||
                       !str_eq(message_value(fields, "Content"), clean))) {
        abort();
    }
    arena_free(arena);
    return 0;
}
