#include "server/image.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "db/digest.h"
#include "server/base/limits.h"
#include "server/base/log.h"
#include "server/image_library.h"

#define JPEG_QUALITY 80
#define COVER_WIDTH 900
#define COVER_HEIGHT 383
#define COVER_MARGIN 60

static _Thread_local const struct image_library *vips; /* found anew by every public function */

static void drop(VipsImage *image) {
    if (image)
        vips->g_object_unref(image);
}

static bool is_jpeg(struct str bytes) {
    return str_starts(bytes, STR("\xff\xd8\xff"));
}

static bool is_allowed(struct str bytes) {
    static const struct {
        const char *first;
        size_t n;
    } kinds[] = {{"\x89PNG\r\n\x1a\n", 8}, {"GIF87a", 6}, {"GIF89a", 6}};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (bytes.n > kinds[i].n && memcmp(bytes.p, kinds[i].first, kinds[i].n) == 0)
            return true;
    return is_jpeg(bytes);
}

/* Only the header is read: a small file may claim any number of pixels. */
static bool check_size(struct str bytes, const char **why) {
    VipsImage *image = vips->vips_image_new_from_buffer(bytes.p, bytes.n, "", NULL);
    if (!image) {
        *why = "not readable";
        return false;
    }
    uint64_t pixels =
        (uint64_t)vips->vips_image_get_width(image) * (uint64_t)vips->vips_image_get_height(image);
    vips->g_object_unref(image);
    uint64_t most = is_jpeg(bytes) ? IMAGE_INPUT_PIXELS : IMAGE_WHOLE_PIXELS;
    if (pixels > most)
        *why = "too many pixels";
    return pixels <= most;
}

static bool save(struct arena *arena, VipsImage *image, struct str *out) {
    void *bytes;
    size_t n;
    if (vips->vips_jpegsave_buffer(image, &bytes, &n, "Q", JPEG_QUALITY, "strip", TRUE,
                                   "optimize_coding", TRUE, NULL))
        return false;
    *out = (struct str){arena_strndup(arena, bytes, n), n};
    vips->g_free(bytes);
    return true;
}

/* Transparent parts become white, as on paper. */
static VipsImage *without_alpha(VipsImage *image) {
    if (!vips->vips_image_hasalpha(image))
        return image;
    double white[] = {255};
    VipsArrayDouble *paper = vips->vips_array_double_new(white, 1);
    VipsImage *flat = NULL;
    int failed = vips->vips_flatten(image, &flat, "background", paper, NULL);
    vips->vips_area_unref((VipsArea *)paper);
    vips->g_object_unref(image);
    return failed ? NULL : flat;
}

static bool shrink(struct arena *arena, struct str bytes, int side, struct str *out, int *width,
                   int *height) {
    VipsImage *image = NULL;
    /* Thumbnailing turns the picture upright by its EXIF and goes to sRGB. What ends too early is
     * no picture; what is merely unusual stays one. */
    if (vips->vips_thumbnail_buffer((void *)(uintptr_t)bytes.p, bytes.n, &image, side, "height",
                                    side, "size", VIPS_SIZE_DOWN, "export_profile", "srgb",
                                    "option_string", "[fail_on=truncated]", NULL))
        return false;
    image = without_alpha(image);
    bool good = image && save(arena, image, out);
    if (image) {
        *width = vips->vips_image_get_width(image);
        *height = vips->vips_image_get_height(image);
        vips->g_object_unref(image);
    }
    return good;
}

bool image_clean(struct arena *arena, struct str bytes, struct image *out, const char **why) {
    int width, height;
    *why = "libvips is not installed";
    if (!(vips = image_library()))
        return false;
    *why = "not a JPEG, PNG or GIF";
    if (!is_allowed(bytes) || !check_size(bytes, why)) {
        vips->vips_error_clear();
        return false;
    }
    *why = "broken";
    bool good = shrink(arena, bytes, IMAGE_MAX_PIXELS, &out->jpeg, &out->width, &out->height) &&
                shrink(arena, out->jpeg, IMAGE_SMALL_PIXELS, &out->small, &width, &height);
    vips->vips_error_clear();
    if (good) {
        char *digest = arena_alloc(arena, DIGEST_HEX_SIZE);
        digest_bytes(out->jpeg, digest);
        out->digest = digest;
    }
    return good;
}

const char *image_argument(struct arena *arena, struct str bytes) {
    char *text = arena_alloc(arena, 2 * bytes.n + 3);
    text[0] = '\\';
    text[1] = 'x';
    str_hex(bytes.p, bytes.n, text + 2);
    return text;
}

bool image_decode(struct arena *arena, const char *base64, struct str *out) {
    size_t n = strlen(base64);
    unsigned char *bytes = arena_alloc(arena, n + 1);
    int decoded = EVP_DecodeBlock(bytes, (const unsigned char *)base64, (int)n);
    if (decoded <= 0)
        return false;
    size_t padding = (n > 0 && base64[n - 1] == '=') + (size_t)(n > 1 && base64[n - 2] == '=');
    *out = (struct str){(const char *)bytes, (size_t)decoded - padding};
    return true;
}

/* ---- covers ---- */

/* White letters, no wider than the cover; NULL when nothing could be drawn. */
static VipsImage *letters(const char *text, const char *font) {
    VipsImage *image = NULL;
    char *escaped = vips->g_markup_escape_text(text, -1);
    int failed = vips->vips_text(&image, escaped, "font", font, "width",
                                 COVER_WIDTH - 2 * COVER_MARGIN, "dpi", 72, NULL);
    vips->g_free(escaped);
    return failed ? NULL : image;
}

static VipsImage *draw(VipsImage *under, VipsImage *mask, int top) {
    double white[] = {255, 255, 255};
    VipsImage *colour = NULL, *placed = NULL, *out = NULL;
    if (!vips->vips_embed(mask, &placed, COVER_MARGIN, top, COVER_WIDTH, COVER_HEIGHT, NULL) &&
        !vips->vips_black(&colour, COVER_WIDTH, COVER_HEIGHT, "bands", 3, NULL)) {
        VipsImage *lit = NULL;
        if (!vips->vips_linear(colour, &lit, (double[]){1, 1, 1}, white, 3, "uchar", TRUE, NULL))
            vips->vips_ifthenelse(placed, lit, under, &out, "blend", TRUE, NULL);
        drop(lit);
    }
    drop(colour);
    drop(placed);
    vips->g_object_unref(mask);
    vips->g_object_unref(under);
    return out;
}

/* The red of the notice pages. */
static VipsImage *paper(void) {
    VipsImage *black = NULL, *red = NULL;
    if (!vips->vips_black(&black, COVER_WIDTH, COVER_HEIGHT, "bands", 3, NULL))
        vips->vips_linear(black, &red, (double[]){1, 1, 1}, (double[]){168, 50, 38}, 3, "uchar",
                          TRUE, NULL);
    drop(black);
    return red;
}

bool image_cover(struct arena *arena, const char *title, const char *line, struct str *jpeg) {
    if (!(vips = image_library()))
        return false;
    VipsImage *cover = paper();
    VipsImage *large = cover ? letters(title, "Noto Sans CJK SC Bold 56") : NULL;
    cover = large ? draw(cover, large, 110) : cover;
    VipsImage *small = large && cover ? letters(line, "Noto Sans CJK SC 28") : NULL;
    cover = small ? draw(cover, small, 240) : cover;
    bool good = small && cover && save(arena, cover, jpeg);
    if (!good)
        log_warn("image_cover", "cause=\"%s\"", vips->vips_error_buffer());
    vips->vips_error_clear();
    drop(cover);
    return good;
}
