/* Any bytes as a push: never a crash, and what parses has what every message must have. */

#include <stdlib.h>

#include "wechat/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct arena *arena = arena_new();
    struct message message;
    if (message_parse(arena, (struct str){(const char *)data, size}, &message) == MESSAGE_OK &&
        (message.from_user.n == 0 || message.to_user.n == 0 || message.create_time < 0)) {
        abort();
    }
    arena_free(arena);
    return 0;
}
