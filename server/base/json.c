#include "server/base/json.h"

#include "server/base/arena.h"
#include "server/base/memory.h"

static _Thread_local struct arena *reading; /* what is read goes there */

void *json_malloc(size_t size) {
    return reading ? arena_room(reading, size) : memory_malloc(size);
}

/* What did not become JSON is freed by the one who read it. */
void json_free(void *memory) {
    if (!reading)
        memory_put(memory);
}

const cJSON *json_parse(struct arena *arena, const char *text, size_t n) {
    reading = arena;
    const cJSON *json = cJSON_ParseWithLength(text, n);
    reading = NULL;
    return json;
}
