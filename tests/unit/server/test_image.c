/* Photos lose everything but their pixels; what is no photo is refused; covers can be drawn. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>
#include <vips/vips.h>

#include "server/base/limits.h"
#include "server/image.h"

static int set_up(void **state) {
    *state = arena_new();
    return 0;
}

static int tear_down(void **state) {
    arena_free(*state);
    return 0;
}

/* A photo as a phone makes it: the left half dark, held sideways, with the place it was taken at.
 */
static struct str phone_photo(struct arena *arena, int width, int height) {
    VipsImage *black = NULL, *white = NULL, *half = NULL, *photo = NULL, *tagged = NULL;
    void *bytes;
    size_t n;
    assert_int_equal(0, vips_black(&black, width / 2, height, "bands", 3, NULL));
    assert_int_equal(0, vips_invert(black, &white, NULL));
    assert_int_equal(0, vips_join(black, white, &half, VIPS_DIRECTION_HORIZONTAL, NULL));
    assert_int_equal(0, vips_copy(half, &photo, "interpretation", VIPS_INTERPRETATION_sRGB, NULL));
    assert_int_equal(0, vips_copy(photo, &tagged, NULL));
    vips_image_set_int(tagged, VIPS_META_ORIENTATION, 6);
    vips_image_set_string(tagged, "exif-ifd0-Make",
                          "SecretPhone (SecretPhone, ASCII, 12 components, 12 bytes)");
    vips_image_set_string(tagged, "exif-ifd3-GPSLatitude",
                          "25/1 5/1 12/1 (25, 5, 12, Rational, 3 components, 24 bytes)");
    assert_int_equal(0, vips_jpegsave_buffer(tagged, &bytes, &n, NULL));
    struct str copy = {arena_strndup(arena, bytes, n), n};
    g_free(bytes);
    g_object_unref(black);
    g_object_unref(white);
    g_object_unref(half);
    g_object_unref(photo);
    g_object_unref(tagged);
    return copy;
}

static bool holds(struct str bytes, const char *text) {
    return memmem(bytes.p, bytes.n, text, strlen(text)) != NULL;
}

static VipsImage *open_jpeg(struct str bytes) {
    VipsImage *image = vips_image_new_from_buffer(bytes.p, bytes.n, "", NULL);
    assert_non_null(image);
    return image;
}

static void test_a_photo_loses_all_but_its_pixels(void **state) {
    struct str photo = phone_photo(*state, 640, 480);
    struct image image = {0};
    const char *why = NULL;
    assert_true(holds(photo, "SecretPhone") && holds(photo, "Exif"));
    assert_true(image_clean(*state, photo, &image, &why));
    assert_false(holds(image.jpeg, "Exif") || holds(image.jpeg, "SecretPhone"));
    assert_false(holds(image.small, "Exif"));
    VipsImage *clean = open_jpeg(image.jpeg);
    assert_int_equal(0, vips_image_get_typeof(clean, "exif-ifd3-GPSLatitude"));
    assert_int_equal(0, vips_image_get_typeof(clean, VIPS_META_ICC_NAME));
    g_object_unref(clean);
}

static void test_a_photo_is_turned_upright(void **state) {
    struct image image = {0};
    const char *why = NULL;
    assert_true(image_clean(*state, phone_photo(*state, 640, 480), &image, &why));
    assert_int_equal(image.width, 480);
    assert_int_equal(image.height, 640);
    VipsImage *clean = open_jpeg(image.jpeg);
    double *top, *bottom;
    int bands;
    assert_int_equal(0, vips_getpoint(clean, &top, &bands, 240, 20, NULL));
    assert_int_equal(0, vips_getpoint(clean, &bottom, &bands, 240, 620, NULL));
    assert_true(top[0] < 30 && bottom[0] > 220); /* what was left is now above */
    g_free(top);
    g_free(bottom);
    g_object_unref(clean);
}

static void test_a_large_photo_is_scaled_down_a_small_one_is_not_blown_up(void **state) {
    struct image image = {0};
    const char *why = NULL;
    assert_true(image_clean(*state, phone_photo(*state, 4000, 3000), &image, &why));
    assert_int_equal(image.height, IMAGE_MAX_PIXELS);
    VipsImage *small = open_jpeg(image.small);
    assert_int_equal(vips_image_get_height(small), IMAGE_SMALL_PIXELS);
    g_object_unref(small);
    assert_true(image_clean(*state, phone_photo(*state, 100, 80), &image, &why));
    assert_int_equal(image.height, 100);
}

static void test_the_same_photo_gives_the_same_bytes(void **state) {
    struct image a = {0}, b = {0};
    const char *why = NULL;
    assert_true(image_clean(*state, phone_photo(*state, 640, 480), &a, &why));
    assert_true(image_clean(*state, phone_photo(*state, 640, 480), &b, &why));
    assert_true(str_eq(a.jpeg, b.jpeg));
}

static void test_what_is_no_photo_is_refused(void **state) {
    struct str photo = phone_photo(*state, 640, 480);
    struct image image = {0};
    const char *why = NULL;
    assert_false(image_clean(*state, STR(""), &image, &why));
    assert_false(image_clean(*state, STR("{\"errcode\":40007}"), &image, &why));
    assert_string_equal(why, "not a JPEG, PNG or GIF");
    assert_false(
        image_clean(*state, STR("<svg xmlns=\"http://www.w3.org/2000/svg\"/>"), &image, &why));
    assert_false(image_clean(*state, (struct str){photo.p, 40}, &image, &why));
}

/* A line that broke while it was sent would leave half a picture as proof, the rest of it grey. */
static void test_half_a_photo_is_refused(void **state) {
    VipsImage *noise = NULL, *grey = NULL;
    void *bytes[4];
    size_t n[4];
    assert_int_equal(0, vips_gaussnoise(&noise, 4000, 400, NULL));
    assert_int_equal(0, vips_cast(noise, &grey, VIPS_FORMAT_UCHAR, NULL));
    assert_int_equal(0, vips_jpegsave_buffer(grey, &bytes[0], &n[0], NULL));
    assert_int_equal(0, vips_jpegsave_buffer(grey, &bytes[1], &n[1], "interlace", TRUE, NULL));
    assert_int_equal(0, vips_pngsave_buffer(grey, &bytes[2], &n[2], NULL));
    assert_int_equal(0, vips_gifsave_buffer(grey, &bytes[3], &n[3], NULL));
    g_object_unref(noise);
    g_object_unref(grey);
    for (int i = 0; i < 4; i++) {
        struct image image = {0};
        const char *why = NULL;
        assert_true(image_clean(*state, (struct str){bytes[i], n[i]}, &image, &why));
        for (size_t part = 1; part < 10; part++) {
            assert_false(
                image_clean(*state, (struct str){bytes[i], n[i] * part / 10}, &image, &why));
            assert_string_equal(why, "broken");
        }
        g_free(bytes[i]);
    }
}

/* A few bytes that claim a gigapixel must not be unpacked. */
static void test_a_bomb_is_refused_by_its_header(void **state) {
    VipsImage *huge = NULL;
    void *bytes;
    size_t n;
    assert_int_equal(0, vips_black(&huge, 20000, 20000, NULL));
    assert_int_equal(0, vips_pngsave_buffer(huge, &bytes, &n, "bitdepth", 1, NULL));
    g_object_unref(huge);
    struct image image = {0};
    const char *why = NULL;
    assert_true(n < 100000);
    assert_false(image_clean(*state, (struct str){bytes, n}, &image, &why));
    assert_string_equal(why, "too many pixels");
    g_free(bytes);
}

/* A JPEG is scaled as it is read; the others are unpacked pixel by pixel, which takes a second and
 * a lot of memory for what is a few bytes. */
static void test_what_has_to_be_unpacked_as_a_whole_may_have_fewer_pixels(void **state) {
    VipsImage *grey = NULL;
    void *bytes[3];
    size_t n[3];
    assert_int_equal(0, vips_black(&grey, 6000, IMAGE_WHOLE_PIXELS / 6000 + 1, NULL));
    assert_int_equal(0, vips_jpegsave_buffer(grey, &bytes[0], &n[0], NULL));
    assert_int_equal(0, vips_pngsave_buffer(grey, &bytes[1], &n[1], NULL));
    assert_int_equal(0, vips_gifsave_buffer(grey, &bytes[2], &n[2], NULL));
    g_object_unref(grey);
    for (int i = 0; i < 3; i++) {
        struct image image = {0};
        const char *why = NULL;
        assert_int_equal(image_clean(*state, (struct str){bytes[i], n[i]}, &image, &why), i == 0);
        if (i > 0)
            assert_string_equal(why, "too many pixels");
        g_free(bytes[i]);
    }
}

static void test_transparent_parts_become_white(void **state) {
    VipsImage *clear = NULL, *rgba = NULL;
    void *bytes;
    size_t n;
    assert_int_equal(0, vips_black(&clear, 60, 60, "bands", 4, NULL));
    assert_int_equal(0, vips_copy(clear, &rgba, "interpretation", VIPS_INTERPRETATION_sRGB, NULL));
    assert_int_equal(0, vips_pngsave_buffer(rgba, &bytes, &n, NULL));
    g_object_unref(clear);
    g_object_unref(rgba);
    struct image image = {0};
    const char *why = NULL;
    assert_true(image_clean(*state, (struct str){bytes, n}, &image, &why));
    g_free(bytes);
    VipsImage *flat = open_jpeg(image.jpeg);
    double *point;
    int bands;
    assert_int_equal(0, vips_getpoint(flat, &point, &bands, 30, 30, NULL));
    assert_true(bands == 3 && point[0] > 250);
    g_free(point);
    g_object_unref(flat);
}

static void test_a_cover_can_be_drawn(void **state) {
    struct str jpeg;
    assert_true(image_cover(*state, "2026 年第 3 季度积分公示", "钟鼓楼区域党委 <公示>", &jpeg));
    VipsImage *cover = open_jpeg(jpeg);
    assert_int_equal(vips_image_get_width(cover), 900);
    assert_int_equal(vips_image_get_height(cover), 383);
    double darkest, brightest;
    assert_int_equal(0, vips_min(cover, &darkest, NULL));
    assert_int_equal(0, vips_max(cover, &brightest, NULL));
    assert_true(brightest > 240 && darkest < 80); /* letters on red */
    g_object_unref(cover);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_photo_loses_all_but_its_pixels, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_photo_is_turned_upright, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            test_a_large_photo_is_scaled_down_a_small_one_is_not_blown_up, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_the_same_photo_gives_the_same_bytes, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_what_is_no_photo_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_half_a_photo_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_bomb_is_refused_by_its_header, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            test_what_has_to_be_unpacked_as_a_whole_may_have_fewer_pixels, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_transparent_parts_become_white, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_cover_can_be_drawn, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
