#ifndef GULOU_CONFIG_H
#define GULOU_CONFIG_H

/* The configuration: one TOML file, every key of which config.example.toml describes.
 *
 * Use:       struct config *config = config_load(path, &error);
 * Secrets:   app_secret, token, encoding_aes_key, their _previous and a data key's secret are a
 *            literal, "env:NAME" or "file:PATH" (one line; relative to the configuration's folder).
 * Override:  the environment's GULOU_SECTION_KEY wins over the file for [server], [postgres],
 *            [redis] and [wechat]; GULOU_ACCOUNT_<ID>_KEY for an account (id in capitals, '-' as
 *            '_').
 * Failure:   NULL and one line `gulou: FILE:LINE: key …` or `gulou: NAME: …` for the environment.
 *            An unknown key, a wrong type, a value that cannot work and a missing secret all end
 *            here.
 * Ownership: everything belongs to the config and ends with config_free(), which wipes secrets.
 * Thread:    immutable after config_load(). */

#include <stdbool.h>
#include <stddef.h>

#include "server/base/log.h"
#include "server/sandbox.h"

struct wechat_account; /* wechat/callback.h */

/* A message template of the platform, chosen for one kind of notification. */
struct template {
    const char *notification; /* approved, returned, …: server/notification_words.h */
    const char *id;
    bool subscription; /* sent as a subscription notification, which the person has agreed to */
    const char *const(*fields)[2]; /* {"thing1", "item"}: the platform's name, our word */
    size_t fields_n;
};

struct account {
    const char *id;   /* the path segment in /wechat/{id} */
    const char *name; /* shown on pages and in replies */
    const char *app_id;
    const char *app_secret;
    bool verified;                       /* false: no menu, tag or notification API */
    const struct wechat_account *wechat; /* the callback's secrets and mode */
    const struct template *templates;
    size_t templates_n;
};

/* What seals photos in the database (server/vault.h). */
struct data_key {
    const char *id; /* stands in the envelope */
    unsigned char secret[32];
};

struct config_listen {
    const char *host; /* an address, without brackets; "" means all */
    const char *port;
};

struct config {
    const char *path;
    struct config_listen listen;     /* callbacks, pages and JSON */
    struct config_listen ops_listen; /* /healthz /readyz /metrics */
    const char *public_url;          /* without a slash at the end */
    const char *trusted_proxy;       /* addresses whose X-Forwarded-For is believed, as
                                      * http_peer() writes them, with commas; "": nobody's */
    int workers;                     /* at least 1: 0 in the file became half the cores */
    enum log_level log_level;
    enum sandbox_mode seccomp;
    bool test_clock;          /* `gulou clock --set` is allowed */
    const char *postgres_url; /* the server's login */
    const char *operator_url; /* migrate, import, export, …: a login that may be gulou_owner */
    const char *redis_url;    /* "" runs without Redis */
    const char *backup_recipient; /* whom backups are encrypted for; NULL: whoever has backup_key */
    const char *backup_key;       /* the path of an age identity file; NULL: not on this machine */
    const char *wechat_api_base;
    const char *wechat_open_base; /* where browsers are sent to sign in */
    const struct account *accounts;
    size_t accounts_n;
    const struct data_key *data_keys; /* the first seals, all of them open */
    size_t data_keys_n;

    struct arena *arena; /* owns all of the above */
};

struct config *config_load(const char *path, char **error /* to be free()d */);
void config_free(struct config *config);

/* NULL when there is none of this id. */
const struct account *config_account(const struct config *config, const char *id);

#endif
