#include "server/invite_code.h"

#include <stdlib.h>

#include "server/base/random.h"

const char *invite_code_new(struct arena *arena) {
    static const char signs[] = "ABCDEFGHJKMNPQRSTUVWXYZ23456789";
    enum { SIGNS = sizeof signs - 1, LENGTH = 8 };
    char code[LENGTH + 1] = "";
    for (size_t n = 0; n < LENGTH;) {
        unsigned char random;
        random_bytes(&random, 1);
        if (random < 256 / SIGNS * SIGNS) /* else the first signs would come more often */
            code[n++] = signs[random % SIGNS];
    }
    return arena_strndup(arena, code, LENGTH);
}
