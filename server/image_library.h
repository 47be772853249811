#ifndef GULOU_IMAGE_LIBRARY_H
#define GULOU_IMAGE_LIBRARY_H

/* libvips, opened with the first picture: it brings sixty libraries that take time and memory, and
 * most servers see no picture for hours.
 *
 * Calls go through the table: library->vips_flatten(…).
 * Thread:  any.
 * Failure: NULL when it is not installed; that is logged once. */

#include <vips/vips.h>

#define IMAGE_LIBRARY_CALLS(X)                                                                     \
    X(vips_init)                                                                                   \
    X(vips_block_untrusted_set)                                                                    \
    X(vips_concurrency_set)                                                                        \
    X(vips_cache_set_max)                                                                          \
    X(vips_error_buffer)                                                                           \
    X(vips_error_clear)                                                                            \
    X(vips_image_new_from_buffer)                                                                  \
    X(vips_image_get_width)                                                                        \
    X(vips_image_get_height)                                                                       \
    X(vips_image_hasalpha)                                                                         \
    X(vips_jpegsave_buffer)                                                                        \
    X(vips_thumbnail_buffer)                                                                       \
    X(vips_flatten)                                                                                \
    X(vips_array_double_new)                                                                       \
    X(vips_area_unref)                                                                             \
    X(vips_text)                                                                                   \
    X(vips_embed)                                                                                  \
    X(vips_black)                                                                                  \
    X(vips_linear)                                                                                 \
    X(vips_ifthenelse)                                                                             \
    X(g_log_set_handler)                                                                           \
    X(g_markup_escape_text)                                                                        \
    X(g_object_unref)                                                                              \
    X(g_free)

struct image_library {
#define IMAGE_LIBRARY_POINTER(name) typeof(name) *name;
    IMAGE_LIBRARY_CALLS(IMAGE_LIBRARY_POINTER)
};

const struct image_library *image_library(void);

#endif
