#ifndef GULOU_CONFIG_TOML_H
#define GULOU_CONFIG_TOML_H

/* A TOML file as a flat list of its values, with their lines. The door to the C++ parser.
 *
 * Everything is in the arena. On a syntax error `error` says what and `error_line` where. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#include "server/base/arena.h"

enum config_type { CONFIG_STRING, CONFIG_INTEGER, CONFIG_BOOLEAN, CONFIG_OTHER };

struct config_entry {
    const char *section; /* "server"; "" at the top level */
    int index;           /* which of several [[account]], else 0 */
    const char *key;     /* NULL: the section itself begins here */
    bool in_array;       /* the section is one of [[…]] */
    enum config_type type;
    const char *string;
    int64_t integer;
    bool boolean;
    int line;
};

struct config_entries {
    const struct config_entry *items;
    size_t n;
    const char *error;
    int error_line;
};

struct config_entries config_toml_read(struct arena *arena, const char *text, size_t n);

#ifdef __cplusplus
}
#endif

#endif
