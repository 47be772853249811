#ifndef GULOU_IMAGE_H
#define GULOU_IMAGE_H

/* Pictures: photos made harmless and small, and covers of articles; server/image_library.h does it.
 *
 * A photo keeps nothing but its pixels: turned upright, scaled down, encoded anew as JPEG without
 * EXIF, GPS, comment or colour profile. The same pixels give the same bytes.
 * Ownership: results live in the arena.
 * Thread:    any; takes long enough (10–200 ms) to belong into server/background.h. */

#include <stdbool.h>

#include "server/base/arena.h"
#include "server/base/str.h"

struct image {
    struct str jpeg;  /* the longer side has at most IMAGE_MAX_PIXELS */
    struct str small; /* fits a square of IMAGE_SMALL_PIXELS */
    int width, height;
    const char *digest; /* SHA-256 of jpeg in hexadecimal: the picture's name */
};

/* False with *why (a literal, for the log) when `bytes` are no JPEG, PNG or GIF, are broken or
 * end too early, or have more than IMAGE_INPUT_PIXELS,
 * or IMAGE_WHOLE_PIXELS when they are no JPEG. */
bool image_clean(struct arena *arena, struct str bytes, struct image *out, const char **why);

/* Bytes as an argument for SQL's bytea, and from the base64 of SQL's answers; false: they are none.
 */
const char *image_argument(struct arena *arena, struct str bytes);
bool image_decode(struct arena *arena, const char *base64, struct str *out);

/* A cover of 900 × 383 pixels: `title` in large, `line` in small letters. False: no font, no
 * memory. */
bool image_cover(struct arena *arena, const char *title, const char *line, struct str *jpeg);

#endif
