#include "server/config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "db/pg_hosts.h"
#include "db/redis.h"
#include "server/base/arena.h"
#include "server/base/buf.h"
#include "server/base/limits.h"
#include "server/base/str.h"
#include "server/config_toml.h"
#include "server/notification_words.h"
#include "wechat/callback.h"
#include "wechat/crypto.h"

#define FILE_MAX_BYTES 1048576
#define SECRET_MAX_BYTES 4096
#define ACCOUNTS_MAX 256
#define TEMPLATES_MAX 16 /* of one account */
#define DATA_KEYS_MAX 8
#define DATA_KEY_ID_MAX 32
#define FIELDS_MAX 10  /* of one template */
#define AGE_PREFIX_N 7 /* what its checksum says of "age" */
#define AGE_DATA_N 58  /* 32 bytes and the checksum */
#define LETTERS_AND_DIGITS "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

struct load {
    struct arena *arena;
    const char *path;
    struct config_entries entries;
    char *error; /* the first one only */
};

/* A value, wherever it came from. */
struct found {
    const struct config_entry *entry; /* NULL: from the environment, or absent */
    const char *variable;
    const char *text; /* NULL: not a string, or absent */
};

/* Which account the settings belong to; NULL for the sections that exist once. */
struct account_raw {
    int index;
    const char *id;
    int line;
};

static bool fail_at(struct load *l, const char *where, const char *what) {
    if (!l->error && asprintf(&l->error, "gulou: %s: %s", where, what) < 0)
        abort();
    return false;
}

static bool fail_line(struct load *l, int line, const char *what) {
    return fail_at(l, arena_printf(l->arena, "%s:%d", l->path, line > 0 ? line : 1), what);
}

static bool fail(struct load *l, const struct found *found, const char *section, const char *key,
                 const char *what) {
    if (found->variable)
        return fail_at(l, found->variable, what);
    return fail_line(l, found->entry ? found->entry->line : 1,
                     arena_printf(l->arena, "%s.%s: %s", section, key, what));
}

/* ---- which keys there are ---- */

static const char *const server_keys[] = {"listen",        "ops_listen", "public_url",
                                          "workers",       "log_level",  "test_clock",
                                          "trusted_proxy", "seccomp",    NULL};
static const char *const postgres_keys[] = {"url", "operator_url", NULL};
static const char *const redis_keys[] = {"url", NULL};
static const char *const wechat_keys[] = {"api_base", "open_base", NULL};
static const char *const backup_keys[] = {"recipient", "key", NULL};
static const char *const account_keys[] = {"id",
                                           "name",
                                           "app_id",
                                           "app_secret",
                                           "token",
                                           "token_previous",
                                           "encoding_aes_key",
                                           "encoding_aes_key_previous",
                                           "mode",
                                           "verified",
                                           NULL};
static const char *const data_key_keys[] = {"id", "secret", NULL};
static const char *const template_keys[] = {"account", "notification", "id", "by", "fields", NULL};

static const struct {
    const char *name;
    const char *const *keys;
    bool repeated;
} sections[] = {{"server", server_keys, false},    {"postgres", postgres_keys, false},
                {"redis", redis_keys, false},      {"wechat", wechat_keys, false},
                {"backup", backup_keys, false},    {"account", account_keys, true},
                {"template", template_keys, true}, {"data_key", data_key_keys, true}};

static bool is_one_of(const char *const *list, const char *text) {
    for (; *list; list++)
        if (strcmp(*list, text) == 0)
            return true;
    return false;
}

static const char *known_sections(struct load *l) {
    struct buf list;
    buf_init(&list, l->arena);
    for (size_t i = 0; i < sizeof sections / sizeof sections[0]; i++)
        buf_printf(&list, "%s%s%s%s", i ? ", " : "", sections[i].repeated ? "[[" : "[",
                   sections[i].name, sections[i].repeated ? "]]" : "]");
    return buf_view(&list).p;
}

static const char *known_keys(struct load *l, const char *const *keys) {
    struct buf list;
    buf_init(&list, l->arena);
    for (int i = 0; keys[i]; i++)
        buf_printf(&list, "%s%s", i ? ", " : "", keys[i]);
    return buf_view(&list).p;
}

static bool check_entry(struct load *l, const struct config_entry *e) {
    for (size_t i = 0; i < sizeof sections / sizeof sections[0]; i++) {
        if (strcmp(sections[i].name, e->section) != 0)
            continue;
        if (sections[i].repeated != e->in_array)
            return fail_line(l, e->line,
                             arena_printf(l->arena, "%s: must be written %s%s%s", e->section,
                                          e->in_array ? "[" : "[[", e->section,
                                          e->in_array ? "]" : "]]"));
        if (!e->key || is_one_of(sections[i].keys, e->key))
            return true;
        return fail_line(l, e->line,
                         arena_printf(l->arena, "%s.%s: unknown key; one of %s", e->section, e->key,
                                      known_keys(l, sections[i].keys)));
    }
    return fail_line(l, e->line,
                     arena_printf(l->arena, "%s: %s; one of %s", *e->section ? e->section : e->key,
                                  *e->section ? "unknown section" : "stands in no section",
                                  known_sections(l)));
}

/* ---- finding one value ---- */

static void add_upper(struct buf *out, const char *text) {
    for (; *text; text++) {
        char c = *text == '-' ? '_' : *text;
        if (c >= 'a' && c <= 'z')
            c = (char)(c - 'a' + 'A');
        buf_add(out, &c, 1);
    }
}

static const char *variable_name(struct load *l, const char *section, const char *id,
                                 const char *key) {
    struct buf name;
    buf_init(&name, l->arena);
    buf_puts(&name, "GULOU_");
    add_upper(&name, section);
    if (id) {
        buf_puts(&name, "_");
        add_upper(&name, id);
    }
    buf_puts(&name, "_");
    add_upper(&name, key);
    return name.p;
}

static struct found find(struct load *l, const struct account_raw *account, const char *section,
                         const char *key) {
    struct found found = {0};
    int index = account ? account->index : 0;
    for (size_t i = 0; i < l->entries.n; i++) {
        const struct config_entry *e = &l->entries.items[i];
        if (e->key && e->index == index && strcmp(e->section, section) == 0 &&
            strcmp(e->key, key) == 0)
            found.entry = e;
    }
    if (!account || account->id) {
        const char *name = variable_name(l, section, account ? account->id : NULL, key);
        const char *value = getenv(name);
        if (value)
            return (struct found){.variable = name, .text = value};
    }
    if (found.entry && found.entry->type == CONFIG_STRING)
        found.text = found.entry->string;
    return found;
}

static bool is_absent(const struct found *found) {
    return !found->entry && !found->variable;
}

/* ---- reading it as a type; `otherwise` NULL means that the key is required ---- */

static bool read_text(struct load *l, const struct account_raw *account, const char *section,
                      const char *key, const char *otherwise, const char **out) {
    struct found found = find(l, account, section, key);
    *out = otherwise;
    if (is_absent(&found)) {
        if (otherwise)
            return true;
        return fail_line(l, account ? account->line : 1,
                         arena_printf(l->arena, "%s.%s: missing", section, key));
    }
    if (!found.text)
        return fail(l, &found, section, key, "must be a string");
    if (strpbrk(found.text, "\r\n"))
        return fail(l, &found, section, key, "must be one line");
    *out = arena_strndup(l->arena, found.text, strlen(found.text));
    return true;
}

static bool read_integer(struct load *l, const char *section, const char *key, int64_t min,
                         int64_t max, int64_t *value) {
    struct found found = find(l, NULL, section, key);
    if (is_absent(&found))
        return true;
    bool ok = found.variable ? str_to_i64(str_from(found.text), value)
                             : found.entry->type == CONFIG_INTEGER;
    if (!ok)
        return fail(l, &found, section, key, "must be an integer");
    if (!found.variable)
        *value = found.entry->integer;
    if (*value < min || *value > max)
        return fail(l, &found, section, key,
                    arena_printf(l->arena, "must be between %lld and %lld", (long long)min,
                                 (long long)max));
    return true;
}

static bool read_boolean(struct load *l, const struct account_raw *account, const char *section,
                         const char *key, bool *value) {
    struct found found = find(l, account, section, key);
    if (is_absent(&found))
        return true;
    if (found.entry && found.entry->type == CONFIG_BOOLEAN) {
        *value = found.entry->boolean;
        return true;
    }
    if (found.variable && (strcmp(found.text, "true") == 0 || strcmp(found.text, "false") == 0)) {
        *value = strcmp(found.text, "true") == 0;
        return true;
    }
    return fail(l, &found, section, key, "must be true or false");
}

/* ---- secrets ---- */

static const char *folder_of(struct load *l) {
    const char *slash = strrchr(l->path, '/');
    return slash ? arena_strndup(l->arena, l->path, (size_t)(slash - l->path)) : ".";
}

static char *read_file(struct arena *arena, const char *path, size_t max, size_t *n) {
    FILE *file = fopen(path, "rbe");
    if (!file)
        return NULL;
    struct stat facts;
    /* A pipe has none; most files are much smaller than `max`. */
    if (fstat(fileno(file), &facts) == 0 && facts.st_size > 0 && (size_t)facts.st_size < max)
        max = (size_t)facts.st_size;
    char *bytes = arena_alloc(arena, max + 2);
    *n = fread(bytes, 1, max + 1, file);
    bool ok = !ferror(file);
    fclose(file);
    if (ok && *n > max) {
        ok = false;
        errno = EFBIG;
    }
    return ok ? bytes : NULL;
}

/* What a secret's text stands for; *why says what is wrong with it. */
static const char *resolve_secret(struct load *l, const char *text, const char **why) {
    if (strncmp(text, "env:", 4) == 0) {
        const char *value = getenv(text + 4);
        if (!value || !*value) {
            *why = arena_printf(l->arena, "the environment has no %s", text + 4);
            return NULL;
        }
        return arena_strndup(l->arena, value, strlen(value));
    }
    if (strncmp(text, "file:", 5) != 0)
        return text;
    const char *path = text + 5;
    if (*path != '/')
        path = arena_printf(l->arena, "%s/%s", folder_of(l), path);
    size_t n;
    errno = 0;
    char *bytes = read_file(l->arena, path, SECRET_MAX_BYTES, &n);
    if (!bytes) {
        *why = arena_printf(l->arena, "cannot read %s: %s", path, strerror(errno));
        return NULL;
    }
    struct str line = str_trim((struct str){bytes, n});
    if (line.n == 0 || memchr(line.p, '\0', line.n) || memchr(line.p, '\n', line.n)) {
        *why = arena_printf(l->arena, "%s must hold one line", path);
        return NULL;
    }
    return str_z(l->arena, line);
}

static bool fail_secret(struct load *l, const struct account_raw *account, const char *key,
                        const char *why) {
    struct found found = find(l, account, "account", key);
    return fail(l, &found, "account", key, why);
}

/* *out stays NULL when an optional secret is absent or "". */
static bool read_secret(struct load *l, const struct account_raw *account, const char *key,
                        bool required, const char **out) {
    const char *text, *why = NULL;
    *out = NULL;
    if (!read_text(l, account, "account", key, required ? NULL : "", &text))
        return false;
    if (!*text && !required)
        return true;
    const char *secret = *text ? resolve_secret(l, text, &why) : NULL;
    if (!secret)
        return fail_secret(l, account, key, why ? why : "is empty");
    *out = secret;
    return true;
}

static bool read_token(struct load *l, const struct account_raw *account, const char *key,
                       bool required, const char **out) {
    if (!read_secret(l, account, key, required, out))
        return false;
    if (!*out)
        return true;
    size_t n = strlen(*out);
    size_t fine = strspn(*out, LETTERS_AND_DIGITS);
    if (n < 3 || n > 32 || fine != n)
        return fail_secret(l, account, key, "must be 3 to 32 letters and digits");
    return true;
}

static bool read_aes_key(struct load *l, const struct account_raw *account, const char *key,
                         bool required, const unsigned char **out) {
    const char *text;
    *out = NULL;
    if (!read_secret(l, account, key, required, &text))
        return false;
    if (!text)
        return true;
    unsigned char *bytes = arena_alloc(l->arena, WECHAT_KEY_BYTES);
    if (!wechat_key_decode(str_from(text), bytes))
        return fail_secret(l, account, key, "must be the 43 characters of an EncodingAESKey");
    *out = bytes;
    return true;
}

/* ---- the sections ---- */

static bool read_listen(struct load *l, const char *key, const char *otherwise,
                        struct config_listen *out) {
    const char *text;
    if (!read_text(l, NULL, "server", key, otherwise, &text))
        return false;
    struct found found = find(l, NULL, "server", key);
    const char *colon = strrchr(text, ':');
    int64_t port;
    if (!colon || !str_to_i64(str_from(colon + 1), &port) || port < 1 || port > 65535)
        return fail(l, &found, "server", key, "must be ADDRESS:PORT");
    struct str host = {text, (size_t)(colon - text)};
    if (host.n >= 2 && host.p[0] == '[' && host.p[host.n - 1] == ']')
        host = (struct str){host.p + 1, host.n - 2};
    out->host = str_z(l->arena, host);
    out->port = colon + 1;
    return true;
}

static bool read_url(struct load *l, const char *section, const char *key, const char *otherwise,
                     const char **out) {
    const char *text;
    if (!read_text(l, NULL, section, key, otherwise, &text))
        return false;
    struct found found = find(l, NULL, section, key);
    if (strncmp(text, "http://", 7) != 0 && strncmp(text, "https://", 8) != 0)
        return fail(l, &found, section, key, "must begin with http:// or https://");
    size_t n = strlen(text);
    while (n > 0 && text[n - 1] == '/')
        n--;
    *out = arena_strndup(l->arena, text, n);
    return true;
}

static bool read_choice(struct load *l, const struct account_raw *account, const char *section,
                        const char *key, const char *otherwise, const char *const *choices,
                        int *out) {
    const char *text;
    if (!read_text(l, account, section, key, otherwise, &text))
        return false;
    struct buf list;
    buf_init(&list, l->arena);
    for (int i = 0; choices[i]; i++) {
        if (strcmp(choices[i], text) == 0) {
            *out = i;
            return true;
        }
        buf_printf(&list, "%s%s", i ? ", " : "", choices[i]);
    }
    struct found found = find(l, account, section, key);
    return fail(l, &found, section, key, arena_printf(l->arena, "must be one of %s", list.p));
}

/* As the peer of a connection is written, with which it is compared; NULL: it is none. */
static const char *address(struct load *l, const char *text) {
    unsigned char bytes[sizeof(struct in6_addr)];
    char plain[INET6_ADDRSTRLEN];
    int family = strchr(text, ':') ? AF_INET6 : AF_INET;
    if (inet_pton(family, text, bytes) != 1 || !inet_ntop(family, bytes, plain, sizeof plain))
        return NULL;
    return arena_strndup(l->arena, plain, strlen(plain));
}

/* A proxy that is not recognised makes all visitors one, who is soon asked to come back later. */
static bool read_proxies(struct load *l, struct config *config) {
    const char *text;
    if (!read_text(l, NULL, "server", "trusted_proxy", "", &text))
        return false;
    struct found found = find(l, NULL, "server", "trusted_proxy");
    struct buf list;
    buf_init(&list, l->arena);
    buf_puts(&list, "");
    char *rest =
        str_trim(str_from(text)).n > 0 ? arena_strndup(l->arena, text, strlen(text)) : NULL;
    for (char *one; (one = strsep(&rest, ","));) {
        const char *name = str_z(l->arena, str_trim(str_from(one)));
        const char *plain = address(l, name);
        if (!plain)
            return fail(
                l, &found, "server", "trusted_proxy",
                arena_printf(l->arena,
                             "\"%s\" is no IP address; must be the address of each proxy, "
                             "no name and no network: \"127.0.0.1\" or \"10.0.0.2, 10.0.0.3\"",
                             name));
        buf_printf(&list, "%s%s", buf_view(&list).n > 0 ? "," : "", plain);
    }
    config->trusted_proxy = str_z(l->arena, buf_view(&list));
    return true;
}

static bool read_server(struct load *l, struct config *config) {
    static const char *const levels[] = {"debug", "info", "warn", "error", NULL};
    static const char *const modes[] = {"kill", "log", "off", NULL};
    int level = 0, mode = 0;
    int64_t workers = 0;
    bool ok = read_listen(l, "listen", "127.0.0.1:8080", &config->listen) &&
              read_listen(l, "ops_listen", "127.0.0.1:8081", &config->ops_listen) &&
              read_url(l, "server", "public_url", NULL, &config->public_url) &&
              read_proxies(l, config) &&
              read_integer(l, "server", "workers", 0, WORKERS_MAX, &workers) &&
              read_choice(l, NULL, "server", "log_level", "info", levels, &level) &&
              read_choice(l, NULL, "server", "seccomp", "kill", modes, &mode) &&
              read_boolean(l, NULL, "server", "test_clock", &config->test_clock);
    if (!ok)
        return false;
    if (strcmp(config->listen.port, config->ops_listen.port) == 0 &&
        strcmp(config->listen.host, config->ops_listen.host) == 0) {
        struct found found = find(l, NULL, "server", "ops_listen");
        return fail(l, &found, "server", "ops_listen", "must be another address than listen");
    }
    config->seccomp = (enum sandbox_mode)mode;
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    if (workers == 0) /* PostgreSQL does most of the work, on the same machine as a rule */
        workers = cores < 4 ? 1 : cores / 2 > WORKERS_MAX ? WORKERS_MAX : cores / 2;
    config->workers = (int)workers;
    config->log_level = (enum log_level)level;
    return true;
}

static bool check_id(struct load *l, const struct account_raw *raw, const struct account *before,
                     size_t n) {
    static const char *const taken[] = {"api", "wechat", "static", NULL};
    size_t length = strlen(raw->id);
    if (length == 0 || length > 32 ||
        strspn(raw->id, "abcdefghijklmnopqrstuvwxyz0123456789-_") != length)
        return fail_line(l, raw->line, "account.id: must be 1 to 32 of a-z, 0-9, - and _");
    if (is_one_of(taken, raw->id))
        return fail_line(l, raw->line, "account.id: this word is part of other addresses");
    for (size_t i = 0; i < n; i++)
        if (strcmp(before[i].id, raw->id) == 0)
            return fail_line(l, raw->line, "account.id: used twice");
    return true;
}

static bool read_account_name(struct load *l, const struct account_raw *raw, struct account *a) {
    if (!read_text(l, raw, "account", "name", NULL, &a->name))
        return false;
    struct found found = find(l, raw, "account", "name");
    return str_trim(str_from(a->name)).n > 0 ||
           fail(l, &found, "account", "name", "must not be empty: pages and replies show it");
}

static bool read_app_id(struct load *l, const struct account_raw *raw, struct account *accounts,
                        size_t n) {
    struct account *a = &accounts[n];
    if (!read_text(l, raw, "account", "app_id", NULL, &a->app_id))
        return false;
    struct found found = find(l, raw, "account", "app_id");
    const char *rest = strncmp(a->app_id, "wx", 2) == 0 ? a->app_id + 2 : "";
    if (!*rest || rest[strspn(rest, LETTERS_AND_DIGITS)])
        return fail(l, &found, "account", "app_id",
                    "must be the account's AppID, wx and then letters and digits");
    for (size_t i = 0; i < n; i++)
        if (strcmp(accounts[i].app_id, a->app_id) == 0)
            return fail(l, &found, "account", "app_id",
                        arena_printf(l->arena,
                                     "is the app_id of account %s, too; one account of "
                                     "the platform is one [[account]]",
                                     accounts[i].id));
    return true;
}

static bool read_account(struct load *l, struct account_raw *raw, struct account *accounts,
                         size_t n) {
    static const char *const modes[] = {"plain", "compatible", "secure", NULL};
    static const enum wechat_mode mode_values[] = {WECHAT_PLAIN, WECHAT_COMPATIBLE, WECHAT_SECURE};
    struct account *a = &accounts[n];
    struct wechat_account *w = arena_alloc(l->arena, sizeof *w);
    int mode = 0;
    if (!read_text(l, raw, "account", "id", NULL, &a->id))
        return false;
    raw->id = a->id;
    a->verified = true;
    bool ok = check_id(l, raw, accounts, n) && read_account_name(l, raw, a) &&
              read_app_id(l, raw, accounts, n) &&
              read_secret(l, raw, "app_secret", true, &a->app_secret) &&
              read_choice(l, raw, "account", "mode", "secure", modes, &mode) &&
              read_token(l, raw, "token", true, &w->token) &&
              read_token(l, raw, "token_previous", false, &w->token_previous) &&
              read_aes_key(l, raw, "encoding_aes_key", mode != 0, &w->aes_key) &&
              read_aes_key(l, raw, "encoding_aes_key_previous", false, &w->aes_key_previous) &&
              read_boolean(l, raw, "account", "verified", &a->verified);
    w->id = a->id;
    w->app_id = a->app_id;
    w->mode = mode_values[mode];
    a->wechat = w;
    return ok;
}

static bool read_accounts(struct load *l, struct config *config) {
    struct account *accounts = arena_alloc(l->arena, ACCOUNTS_MAX * sizeof *accounts);
    size_t n = 0;
    for (size_t i = 0; i < l->entries.n; i++) {
        const struct config_entry *e = &l->entries.items[i];
        if (e->key || !e->in_array || strcmp(e->section, "account") != 0)
            continue;
        if (n == ACCOUNTS_MAX)
            return fail_line(l, e->line, "account: more than 256 of them");
        struct account_raw raw = {.index = e->index, .line = e->line};
        if (!read_account(l, &raw, accounts, n++))
            return false;
    }
    if (n == 0)
        return fail_line(l, 1, "account: missing, one [[account]] at least");
    config->accounts = accounts;
    config->accounts_n = n;
    return true;
}

/* ---- message templates ---- */

/* "thing1=item, phrase2=result" */
static bool read_fields(struct load *l, const struct account_raw *raw, struct template *template) {
    const char *text;
    if (!read_text(l, raw, "template", "fields", NULL, &text))
        return false;
    struct found found = find(l, raw, "template", "fields");
    const char *(*fields)[2] = arena_alloc(l->arena, FIELDS_MAX * sizeof *fields);
    char *rest = arena_strndup(l->arena, text, strlen(text));
    for (char *one; (one = strsep(&rest, ","));) {
        one += strspn(one, " ");
        char *value = strchr(one, '=');
        size_t name_n = value ? (size_t)(value - one) : 0;
        size_t letters = strspn(one, "abcdefghijklmnopqrstuvwxyz_");
        if (!value || letters == 0 || name_n != letters + strspn(one + letters, "0123456789"))
            return fail(l, &found, "template", "fields",
                        "must look like \"thing1=item, phrase2=result\"");
        if (template->fields_n == FIELDS_MAX)
            return fail(l, &found, "template", "fields", "more than 10 of them");
        *value++ = '\0';
        if (!notification_has_word(value))
            return fail(l, &found, "template", "fields",
                        arena_printf(l->arena, "no notification has the word \"%s\"; one of %s",
                                     value, notification_words_list()));
        fields[template->fields_n][0] = one;
        fields[template->fields_n++][1] = value;
    }
    template->fields = (const char *const(*)[2])fields;
    return true;
}

static bool read_template(struct load *l, const struct account_raw *raw, struct config *config) {
    static const char *const channels[] = {"template", "subscription", NULL};
    struct template template = {0};
    const char *account_id;
    int by = 0;
    if (!read_text(l, raw, "template", "account", NULL, &account_id) ||
        !read_text(l, raw, "template", "notification", NULL, &template.notification) ||
        !read_text(l, raw, "template", "id", NULL, &template.id) ||
        !read_choice(l, raw, "template", "by", "template", channels, &by) ||
        !read_fields(l, raw, &template))
        return false;
    template.subscription = by == 1;
    if (!notification_kind_known(template.notification))
        return fail_line(
            l, raw->line,
            arena_printf(l->arena, "template.notification: one of %s", notification_kinds_list()));
    for (size_t i = 0; i < config->accounts_n; i++) {
        /* The accounts were made here; only their readers may not change them. */
        struct account *account = (struct account *)(uintptr_t)&config->accounts[i];
        if (strcmp(account->id, account_id) != 0)
            continue;
        if (account->templates_n == TEMPLATES_MAX)
            return fail_line(l, raw->line, "template: more than 16 of one account");
        struct template *all = (struct template *)(uintptr_t)account->templates;
        if (!all)
            account->templates = all = arena_alloc(l->arena, TEMPLATES_MAX * sizeof *all);
        all[account->templates_n++] = template;
        return true;
    }
    return fail_line(l, raw->line, "template.account: there is no [[account]] of this id");
}

static bool read_templates(struct load *l, struct config *config) {
    for (size_t i = 0; i < l->entries.n; i++) {
        const struct config_entry *e = &l->entries.items[i];
        struct account_raw raw = {.index = e->index, .line = e->line};
        if (!e->key && strcmp(e->section, "template") == 0 && !read_template(l, &raw, config))
            return false;
    }
    return true;
}

/* ---- keys of the data ---- */

static bool read_data_key_secret(struct load *l, const struct account_raw *raw,
                                 struct data_key *key) {
    const char *text, *why = NULL;
    if (!read_text(l, raw, "data_key", "secret", NULL, &text))
        return false;
    const char *secret = *text ? resolve_secret(l, text, &why) : NULL;
    size_t n = 0;
    bool good = secret && strlen(secret) == 2 * sizeof key->secret &&
                OPENSSL_hexstr2buf_ex(key->secret, sizeof key->secret, &n, secret, '\0') == 1;
    struct found found = find(l, raw, "data_key", "secret");
    if (!good)
        return fail(l, &found, "data_key", "secret",
                    why ? why : "must be 64 hexadecimal digits (openssl rand -hex 32)");
    return memcmp(key->secret, key->secret + 1, sizeof key->secret - 1) != 0 ||
           fail(l, &found, "data_key", "secret",
                "is one byte again and again; must be random (openssl rand -hex 32)");
}

static bool read_data_key(struct load *l, struct account_raw *raw, struct data_key *keys,
                          size_t n) {
    struct data_key *key = &keys[n];
    if (!read_text(l, raw, "data_key", "id", NULL, &key->id))
        return false;
    raw->id = key->id;
    struct found found = find(l, raw, "data_key", "id");
    size_t length = strlen(key->id);
    if (length < 1 || length > DATA_KEY_ID_MAX ||
        strspn(key->id, "0123456789abcdefghijklmnopqrstuvwxyz-") != length)
        return fail(l, &found, "data_key", "id", "must be 1 to 32 of a-z, 0-9 and -");
    for (size_t i = 0; i < n; i++)
        if (strcmp(keys[i].id, key->id) == 0)
            return fail(l, &found, "data_key", "id", "is the id of another [[data_key]]");
    return read_data_key_secret(l, raw, key);
}

static bool read_data_keys(struct load *l, struct config *config) {
    struct data_key *keys = arena_alloc(l->arena, DATA_KEYS_MAX * sizeof *keys);
    config->data_keys = keys;
    for (size_t i = 0; i < l->entries.n; i++) {
        const struct config_entry *e = &l->entries.items[i];
        if (e->key || !e->in_array || strcmp(e->section, "data_key") != 0)
            continue;
        if (config->data_keys_n == DATA_KEYS_MAX)
            return fail_line(l, e->line, "data_key: more than 8 of them");
        struct account_raw raw = {.index = e->index, .line = e->line};
        if (!read_data_key(l, &raw, keys, config->data_keys_n++))
            return false;
    }
    return true;
}

/* Who points the API at another platform means its sign-in page, too. */
static bool read_wechat(struct load *l, struct config *config) {
    static const char api[] = "https://api.weixin.qq.com";
    if (!read_url(l, "wechat", "api_base", api, &config->wechat_api_base))
        return false;
    bool official = strcmp(config->wechat_api_base, api) == 0;
    return read_url(l, "wechat", "open_base",
                    official ? "https://open.weixin.qq.com" : config->wechat_api_base,
                    &config->wechat_open_base);
}

/* The checksum of bech32 (BIP 173) tells a letter that was lost or mistyped. */
static bool is_age_recipient(const char *text) {
    static const char letters[] = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
    static const unsigned generator[] = {0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd,
                                         0x2a1462b3};
    unsigned char values[AGE_PREFIX_N + AGE_DATA_N] = {3, 3, 3, 0, 'a' & 31, 'g' & 31, 'e' & 31};
    if (strncmp(text, "age1", 4) != 0 || strlen(text) != 4 + AGE_DATA_N)
        return false;
    for (size_t i = 0; i < AGE_DATA_N; i++) {
        const char *at = strchr(letters, text[4 + i]);
        if (!at)
            return false;
        values[AGE_PREFIX_N + i] = (unsigned char)(at - letters);
    }
    unsigned sum = 1;
    for (size_t i = 0; i < sizeof values; i++) {
        unsigned top = sum >> 25;
        sum = (sum & 0x1ffffff) << 5 ^ values[i];
        for (unsigned bit = 0; bit < 5; bit++)
            sum ^= top >> bit & 1 ? generator[bit] : 0;
    }
    return sum == 1;
}

/* age reads the key's file itself, so only its place is known here. */
static bool read_backup(struct load *l, struct config *config) {
    const char *recipient, *key;
    if (!read_text(l, NULL, "backup", "recipient", "", &recipient) ||
        !read_text(l, NULL, "backup", "key", "", &key))
        return false;
    struct found found = find(l, NULL, "backup", "recipient");
    if (*recipient && !is_age_recipient(recipient))
        return fail(l, &found, "backup", "recipient",
                    "must be a public key of age, as age-keygen prints it: age1 and 58 more "
                    "letters and digits");
    found = find(l, NULL, "backup", "key");
    if (*key && strncmp(key, "file:", 5) != 0)
        return fail(l, &found, "backup", "key", "must be file:PATH, a file of age-keygen");
    config->backup_recipient = *recipient ? recipient : NULL;
    if (*key)
        config->backup_key =
            key[5] == '/' ? key + 5 : arena_printf(l->arena, "%s/%s", folder_of(l), key + 5);
    return true;
}

static bool read_postgres_url(struct load *l, const char *key, const char *otherwise,
                              const char **out) {
    if (!read_text(l, NULL, "postgres", key, otherwise, out))
        return false;
    struct found found = find(l, NULL, "postgres", key);
    /* The url may hold a password and is not shown. */
    return (otherwise && !**out) || pg_url_is_good(*out) ||
           fail(l, &found, "postgres", key,
                "must be a libpq URL, as postgresql://user@host/database or "
                "postgresql:///database?host=/run/postgresql");
}

static bool read_redis(struct load *l, struct config *config) {
    if (!read_text(l, NULL, "redis", "url", "", &config->redis_url))
        return false;
    struct found found = find(l, NULL, "redis", "url");
    return redis_url_is_good(config->redis_url) ||
           fail(l, &found, "redis", "url",
                "must be \"\" (none), unix:///PATH or redis://:PASSWORD@HOST:PORT/NUMBER");
}

static bool read_postgres(struct load *l, struct config *config) {
    if (!read_postgres_url(l, "url", NULL, &config->postgres_url) ||
        !read_postgres_url(l, "operator_url", "", &config->operator_url))
        return false;
    if (!*config->operator_url)
        config->operator_url = config->postgres_url;
    return true;
}

static bool read_all(struct load *l, struct config *config) {
    for (size_t i = 0; i < l->entries.n; i++)
        if (!check_entry(l, &l->entries.items[i]))
            return false;
    return read_server(l, config) && read_postgres(l, config) && read_redis(l, config) &&
           read_wechat(l, config) && read_backup(l, config) && read_accounts(l, config) &&
           read_templates(l, config) && read_data_keys(l, config);
}

struct config *config_load(const char *path, char **error) {
    struct arena *arena = arena_new();
    struct config *config = arena_alloc(arena, sizeof *config);
    struct load l = {.arena = arena, .path = arena_strndup(arena, path, strlen(path))};
    config->arena = arena;
    config->path = l.path;
    size_t n = 0;
    errno = 0;
    char *text = read_file(arena, path, FILE_MAX_BYTES, &n);
    if (!text) {
        fail_at(&l, path, strerror(errno));
    } else {
        l.entries = config_toml_read(arena, text, n);
        OPENSSL_cleanse(text, n);
        if (l.entries.error)
            fail_line(&l, l.entries.error_line, l.entries.error);
        else
            read_all(&l, config);
    }
    if (!l.error)
        return config;
    /* One line, although it may tell of a text that has several. */
    for (char *c = l.error; c && *c; c++)
        *c = *c == '\n' || *c == '\r' ? ' ' : *c;
    *error = l.error;
    config_free(config);
    return NULL;
}

static void wipe(const void *secret, size_t n) {
    if (secret)
        OPENSSL_cleanse((void *)(uintptr_t)secret, n);
}

static void wipe_text(const char *secret) {
    wipe(secret, secret ? strlen(secret) : 0);
}

void config_free(struct config *config) {
    if (!config)
        return;
    for (size_t i = 0; i < config->accounts_n; i++) {
        const struct wechat_account *w = config->accounts[i].wechat;
        wipe_text(config->accounts[i].app_secret);
        wipe_text(w->token);
        wipe_text(w->token_previous);
        wipe(w->aes_key, w->aes_key ? WECHAT_KEY_BYTES : 0);
        wipe(w->aes_key_previous, w->aes_key_previous ? WECHAT_KEY_BYTES : 0);
    }
    wipe(config->data_keys, config->data_keys_n * sizeof *config->data_keys);
    arena_free(config->arena);
}

const struct account *config_account(const struct config *config, const char *id) {
    for (size_t i = 0; i < config->accounts_n; i++)
        if (strcmp(config->accounts[i].id, id) == 0)
            return &config->accounts[i];
    return NULL;
}
