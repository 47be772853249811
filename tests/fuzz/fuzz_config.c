/* Any text as a configuration: it is loaded with all that the program relies on, or refused with
 * one line. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "server/config.h"
#include "wechat/callback.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_account(const struct account *account) {
    const struct wechat_account *wechat = account->wechat;
    if (!*account->id || !*account->name || !*account->app_id || !*account->app_secret ||
        !*wechat->token || (wechat->mode != WECHAT_PLAIN && !wechat->aes_key))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    /* Secrets may name a file: of this machine's, the texts shall name none. */
    if (memmem(data, size, "file:", 5))
        return 0;
    char path[32], *error = NULL;
    int fd = memfd_create("config.toml", MFD_CLOEXEC);
    if (fd < 0 || write(fd, data, size) != (ssize_t)size)
        abort();
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    struct config *config = config_load(path, &error);
    if (config) {
        if (config->workers < 1 || config->accounts_n < 1 || !*config->postgres_url)
            abort();
        for (size_t i = 0; i < config->accounts_n; i++) {
            check_account(&config->accounts[i]);
            if (config_account(config, config->accounts[i].id) != &config->accounts[i])
                abort();
        }
    } else if (!error || strncmp(error, "gulou: ", 7) != 0 || strpbrk(error, "\r\n")) {
        abort();
    }
    free(error);
    config_free(config);
    close(fd);
    return 0;
}
