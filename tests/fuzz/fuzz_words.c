/* Any bytes as what a person typed: every reader of words bears them. */

#include "server/when.h"
#include "server/words.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct arena *arena = arena_new();
    struct words words = words_read(arena, (struct str){(const char *)data, size});
    struct words rest;
    struct hours hours;
    struct day day;
    struct when when;
    int64_t numbers[8];
    words_command(words, "申报", &rest);
    rest = words;
    words_numbers(&rest, numbers, 8);
    rest = words;
    hours_read(arena, &rest, &hours);
    rest = words;
    day_read(arena, &rest, &day);
    rest = words;
    when_read(arena, &rest, &when);
    words_typed(rest);
    words_simplified(arena, words);
    arena_free(arena);
    return 0;
}
