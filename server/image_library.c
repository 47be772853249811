#include "server/image_library.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "server/base/log.h"

#define FILE_NAME "libvips.so.42" /* its interface since 8.0 */

static struct image_library library;
static bool works;

/* What is wrong with a stranger's picture is our caller's to log, not the library's to print. */
static void keep_quiet(const char *domain, GLogLevelFlags level, const char *text, void *arg) {
    (void)domain;
    (void)level;
    (void)text;
    (void)arg;
}

static bool find_calls(void *handle) {
    static const struct {
        const char *name;
        size_t offset;
    } calls[] = {
#define NAME_AND_PLACE(name) {#name, offsetof(struct image_library, name)},
        IMAGE_LIBRARY_CALLS(NAME_AND_PLACE)};
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        void *call = dlsym(handle, calls[i].name);
        if (call == NULL)
            return false;
        memcpy((char *)&library + calls[i].offset, &call, sizeof call);
    }
    return true;
}

static void open_library(void) {
    void *handle = dlopen(FILE_NAME, RTLD_NOW | RTLD_LOCAL);
    if (handle == NULL || !find_calls(handle)) {
        log_error("image_library", "cause=\"%s\" see=\"apt install libvips42\"", dlerror());
        return;
    }
    if (library.vips_init("gulou") != 0) {
        log_error("image_library", "cause=\"%s\"", library.vips_error_buffer());
        return;
    }
    library.g_log_set_handler("VIPS", G_LOG_LEVEL_WARNING, keep_quiet, NULL);
    /* Readers that were never meant for strangers' bytes (PDF, SVG, Matlab…) stay closed. */
    library.vips_block_untrusted_set(TRUE);
    library.vips_concurrency_set(1); /* the event loops need the other cores */
    library.vips_cache_set_max(0);   /* no picture is made twice */
    works = true;
}

const struct image_library *image_library(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, open_library);
    return works ? &library : NULL;
}
