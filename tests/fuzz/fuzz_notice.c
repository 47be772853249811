/* Any bytes as a downloaded notice or a proof: `gulou notice verify` ends with a report whose last
 * word fits its lines, and never calls a file good of which it has found something wrong. */

#include <stdlib.h>
#include <string.h>

#include "server/notice_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct arena *arena = arena_new();
    struct str file = {(const char *)data, size};
    struct buf report;
    buf_init(&report, arena);
    bool good = notice_check(arena, file, NULL, &report);
    const char *said = buf_view(&report).p;
    if (good != (strstr(said, "WRONG") == NULL) || (good && !strstr(said, "root")))
        abort();
    /* A root that nobody knows fits nothing. */
    if (notice_check(arena, file, "0", &report))
        abort();
    arena_free(arena);
    return 0;
}
