/* gulou check: the configuration, every connection, and how the account is set up on the platform.
 *
 * Each line says what was found and, unless it is well, what to do. `FAIL`: it will not work like
 * this, exit 1; `note`: it works, but somebody should know. --offline stops after the
 * configuration. Nothing is changed: the token that is asked for is the one the servers use. */

#include <event2/event.h>
#include <inttypes.h>
#include <openssl/rand.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>

#include "db/redis.h"
#include "db/schema.h"
#include "db/sync.h"
#include "server/commands/commands.h"
#include "server/image.h"
#include "server/say.h"
#include "server/vault.h"
#include "wechat/api.h"
#include "wechat/callback.h"
#include "wechat/crypto.h"

#define WAIT_SECONDS 20      /* for one answer of the platform or of our own callback */
#define REDIS_WAIT_STEPS 30  /* of 100 ms */
#define DEADLOCK_MS_MAX 100  /* above, two servers may keep each other waiting */
#define CLOCK_SECONDS_MAX 5  /* pushes carry times; the platform's own limit is minutes */
#define CALENDAR_DAYS_MIN 60 /* a notice near the year's end needs the next one's holidays */
#define BACKUP_SECONDS_MAX (36 * 3600)
#define DISK_PERCENT_MIN 10 /* as the alert GulouDiskFull */
#define DISK_PERCENT_FULL 2
#define NO_MENU 46003

struct check {
    const struct config *config;
    struct arena *arena;
    struct event_base *base;
    struct api *api;
    struct api_call call;
    struct api_result result; /* its JSON is a copy in the arena's keeping */
    bool answered, failed;
};

__attribute__((format(printf, 3, 4))) static void tell(struct check *c, const char *verdict,
                                                       const char *format, ...) {
    va_list args;
    va_start(args, format);
    printf("%-5s ", verdict);
    vprintf(format, args);
    putchar('\n');
    va_end(args);
    c->failed = c->failed || strcmp(verdict, "FAIL") == 0;
}

/* ---- this machine ---- */

static void check_file(struct check *c) {
    struct stat file;
    if (stat(c->config->path, &file) == 0 && (file.st_mode & S_IROTH))
        tell(c, "note", "%s: everybody on this machine can read it; chmod o-r", c->config->path);
    if (c->config->test_clock)
        tell(c, "note",
             "test_clock = true: anybody with this file can move the date; not on a real account");
    if (!c->config->backup_recipient && !c->config->backup_key)
        tell(c, "note", "[backup] recipient is empty: there are no backups (docs/operations.md)");
}

/* Percent that is free for whoever is not root. */
static void check_disk(struct check *c, const char *place, const struct statvfs *disk) {
    uint64_t free_percent = (uint64_t)disk->f_bavail * 100 / disk->f_blocks;
    if (free_percent < DISK_PERCENT_MIN)
        tell(c, free_percent < DISK_PERCENT_FULL ? "FAIL" : "note",
             "disk: %" PRIu64
             " %% is free at %s; make room before PostgreSQL or a backup finds none",
             free_percent, place);
}

/* Where a service on this machine writes, as far as it is there; one disk is told of once. */
static void check_disks(struct check *c) {
    static const char *const places[] = {"/var/lib/postgresql", "/var/lib/gulou", "/var/log", "/"};
    enum { PLACES = sizeof places / sizeof *places };
    unsigned long seen[PLACES + 1];
    for (int i = 0, n = 0; i <= PLACES; i++) {
        const char *place = i < PLACES ? places[i] : c->config->path;
        struct statvfs disk;
        if (statvfs(place, &disk) != 0 || disk.f_blocks == 0)
            continue;
        seen[n] = disk.f_fsid;
        int first = 0;
        while (seen[first] != disk.f_fsid)
            first++;
        if (first == n++)
            check_disk(c, place, &disk);
    }
}

/* ---- PostgreSQL ---- */

static void check_settings(struct check *c, const cJSON *facts) {
    int64_t skew = (int64_t)time(NULL) - fact_number(facts, "clock");
    if (fact_number(facts, "deadlock_ms") > DEADLOCK_MS_MAX)
        tell(c, "note",
             "deadlock_timeout is %lld ms: alter database … set deadlock_timeout = '20ms', as a "
             "superuser",
             (long long)fact_number(facts, "deadlock_ms"));
    if (skew > CLOCK_SECONDS_MAX || skew < -CLOCK_SECONDS_MAX)
        tell(c, "FAIL",
             "clock: this machine and the database's differ by %lld s; let both follow NTP",
             (long long)skew);
    if (cJSON_IsTrue(fact(facts, "standby")))
        tell(c, "FAIL",
             "postgres: this is a standby; name the primary, or several hosts with "
             "target_session_attrs=read-write");
    const cJSON *setting;
    cJSON_ArrayForEach(setting, fact(facts, "forgetful"))
        tell(c, "FAIL",
             "postgres: %s: what was answered is lost when its machine stops or its standby takes "
             "over; set it on",
             cJSON_GetStringValue(setting));
    if (strcmp(fact_text(facts, "encoding"), "UTF8") != 0)
        tell(c, "FAIL", "postgres: the database's encoding is %s; create it with UTF8",
             fact_text(facts, "encoding"));
}

static void check_health(struct check *c, const cJSON *health) {
    int64_t backup = fact_number(health, "backup_at"), days = fact_number(health, "calendar_days");
    if (days < CALENDAR_DAYS_MIN)
        tell(c, "note",
             "calendar: the known holidays end in %lld days: gulou import calendar FILE, once the "
             "State Council "
             "has announced the next year's",
             (long long)days);
    if (backup == 0)
        tell(c, "note", "backup: there never was one; gulou backup --output FILE");
    else if ((int64_t)time(NULL) - backup > BACKUP_SECONDS_MAX)
        tell(c, "note", "backup: the last is %lld hours old; look at gulou-backup.timer or cron",
             (long long)(((int64_t)time(NULL) - backup) / 3600));
    const cJSON *account;
    cJSON_ArrayForEach(account, fact(health, "accounts")) {
        if (!config_account(c->config, account->string))
            tell(
                c, "note",
                "account %s: is in the database, but no [[account]] here has this id; its people "
                "are not answered and %lld things wait to be sent (an id that was changed begins a "
                "new, empty account: put it back)",
                account->string, (long long)fact_number(account, "outbox_waiting"));
        if (fact_number(account, "outbox_failed_day") > 0)
            tell(c, "note",
                 "account %s: %lld things to the platform were given up today; look for "
                 "event=outbox_failed",
                 account->string, (long long)fact_number(account, "outbox_failed_day"));
        if (fact_number(account, "objections_overdue") > 0)
            tell(c, "note",
                 "account %s: %lld objections wait longer than promised; administrators: 异议列表",
                 account->string, (long long)fact_number(account, "objections_overdue"));
    }
}

/* One photo of each key must open, or those that people have sent are lost to reviewers. */
static void check_keys(struct check *c, const cJSON *samples) {
    const cJSON *sample;
    cJSON_ArrayForEach(sample, samples) {
        long long photos = (long long)fact_number(sample, "photos");
        const char *what =
            vault_photo(c->arena, fact_text(sample, "account"), fact_text(sample, "digest"), true);
        const char *why = "it cannot be read";
        struct str kept, plain;
        if (!image_decode(c->arena, fact_text(sample, "small"), &kept) ||
            !vault_open(c->arena, c->config, what, kept, &plain, &why))
            tell(c, "FAIL", "photos: %lld stay closed: %s; put the key back", photos, why);
        else if (plain.p != kept.p)
            tell(c, "ok", "photos: %lld open with [[data_key]] \"%s\"", photos,
                 fact_text(sample, "key"));
        else if (c->config->data_keys_n > 0)
            tell(c, "note", "photos: %lld are not encrypted yet; gulou rekey", photos);
    }
}

/* False: nothing more can be asked. */
static bool run_function(struct check *c, const char *function,
                         void (*look)(struct check *, const cJSON *)) {
    char *error = NULL;
    char *json = pg_run(c->config->postgres_url, function, 0, NULL, &error);
    if (!json) {
        tell(c, "FAIL", "postgres: api.%s(): %s", function, error ? error : "?");
        free(error);
        return false;
    }
    cJSON *facts = cJSON_Parse(json);
    free(json);
    look(c, facts);
    cJSON_Delete(facts);
    return true;
}

static void check_postgres(struct check *c) {
    char *why = NULL;
    enum schema_state state = schema_check(c->config->postgres_url, NULL, &why);
    if (state == SCHEMA_UNKNOWN)
        tell(c, "FAIL", "postgres: %s; start it, or mend [postgres] url", why);
    else if (state == SCHEMA_TOO_OLD || state == SCHEMA_TOO_NEW)
        tell(c, "FAIL", "schema: %s", why);
    else if (run_function(c, "server_settings", check_settings) &&
             run_function(c, "health", check_health) && run_function(c, "key_samples", check_keys))
        tell(c, "ok", "postgres: %s", why ? why : "reached, and the schema is this program's");
    free(why);
}

/* ---- Redis ---- */

static void turn(struct check *c, long milliseconds) {
    struct timeval wait = {milliseconds / 1000, milliseconds % 1000 * 1000};
    event_base_loopexit(c->base, &wait);
    event_base_dispatch(c->base);
}

static void check_redis(struct check *c) {
    struct redis *redis = redis_new(c->base, c->config->redis_url);
    for (int i = 0; redis_wanted(redis) && !redis_ready(redis) && !redis_refuses(redis) &&
                    i < REDIS_WAIT_STEPS;
         i++)
        turn(c, 100);
    if (!redis_wanted(redis))
        tell(c, "note", "redis: none; the step-by-step dialogue is off, all else works");
    else if (redis_ready(redis))
        tell(c, "ok", "redis: reached");
    else if (redis_refuses(redis))
        tell(c, "FAIL",
             "redis: it answers and writes nothing: %s; give it memory or disk, or name the one "
             "that is no replica",
             redis_refuses(redis));
    else
        tell(
            c, "FAIL",
            "redis: no answer from the address of [redis] url (%s); start it, mend the url and its "
            "password, or say \"\" to do without",
            redis_away_because(redis));
    redis_free(redis);
}

/* ---- the platform ---- */

static void delete_json(void *json) {
    cJSON_Delete(json);
}

static void on_done(struct api_call *call, const struct api_result *result) {
    struct check *c = (struct check *)(void *)((char *)call - offsetof(struct check, call));
    cJSON *json = cJSON_Duplicate(result->json, true);
    arena_on_free(c->arena, delete_json, json);
    c->result = *result;
    c->result.json = json;
    c->result.message = arena_printf(c->arena, "%s", result->message);
    c->answered = true;
    event_base_loopbreak(c->base);
}

static bool ask(struct check *c, struct api_call call) {
    c->call = call;
    c->call.on_done = on_done;
    c->answered = false;
    api_start(c->api, &c->call);
    turn(c, WAIT_SECONDS * 1000L);
    if (!c->answered) {
        api_cancel(c->api, &c->call);
        c->result = (struct api_result){
            .errcode = -1, .error = api_error(-1), .message = "no answer in time"};
    }
    return c->answered && c->result.errcode == 0 && c->result.json;
}

static const char *advice(int errcode) {
    switch (errcode) {
    case 40164:
        return "put this machine's outgoing address into the platform's IP whitelist (设置与开发 → "
               "基本配置 → IP白名单)";
    case 40001:
    case 40125:
        return "the app_secret is not this account's; reset it on the platform and write it into "
               "the configuration";
    case 40013:
        return "the app_id is not an account's; compare it with 基本配置";
    case -1:
        return "is the internet reachable from here, and [wechat] api_base right?";
    default:
        return "look the code up in the platform's 全局返回码";
    }
}

/* NULL: it was said why there is none. */
static const char *get_token(struct check *c, const struct account *account) {
    cJSON *body = cJSON_CreateObject();
    cJSON_AddStringToObject(body, "grant_type", "client_credential");
    cJSON_AddStringToObject(body, "appid", account->app_id);
    cJSON_AddStringToObject(body, "secret", account->app_secret);
    struct str text = api_json(c->arena, body);
    cJSON_Delete(body);
    if (ask(c, (struct api_call){.path = "/cgi-bin/stable_token", .body = text}) &&
        fact(c->result.json, "access_token")) {
        tell(c, "ok", "account %s: the platform gives its token", account->id);
        return fact_text(c->result.json, "access_token");
    }
    tell(c, "FAIL", "account %s: no token: %d %s (%s); %s", account->id, c->result.errcode,
         c->result.error->meaning, c->result.message, advice(c->result.errcode));
    return NULL;
}

static void check_menu(struct check *c, const struct account *account, const char *token) {
    bool read = ask(c, (struct api_call){.path = "/cgi-bin/menu/get", .token = token});
    if (c->result.errcode == NO_MENU || (read && !fact(c->result.json, "menu")))
        tell(c, "note", "account %s: no menu below the chat; gulou menu push", account->id);
    else if (read)
        tell(c, "ok", "account %s: a menu is there", account->id);
    else
        tell(c, "FAIL",
             "account %s: reading the menu: %d %s; an account that is not verified has none: "
             "verified = false",
             account->id, c->result.errcode, c->result.error->meaning);
}

/* As the platform does when the address is entered there. The echo is JSON because that is what
 * api.h reads. */
static void check_callback(struct check *c, const struct account *account) {
    uint32_t random[2];
    RAND_bytes((unsigned char *)random, sizeof random);
    const char *stamp = arena_printf(c->arena, "%lld", (long long)time(NULL));
    const char *nonce = arena_printf(c->arena, "%" PRIu32, random[0]);
    const char *echo = arena_printf(c->arena, "{\"echo\":%" PRIu32 "}", random[1]);
    const struct str parts[] = {str_from(account->wechat->token), str_from(stamp), str_from(nonce)};
    char *signature = arena_alloc(c->arena, WECHAT_SIGNATURE_CHARS + 1);
    wechat_sign(3, parts, signature);
    const char *url = arena_printf(c->arena, "%s/wechat/%s", c->config->public_url, account->id);
    struct api_call call = {
        .path = url,
        .query = {
            {"signature", signature}, {"timestamp", stamp}, {"nonce", nonce}, {"echostr", echo}}};
    if (ask(c, call) && fact_number(c->result.json, "echo") == random[1])
        tell(c, "ok", "account %s: %s answers as the platform wants it", account->id, url);
    else
        tell(c, "FAIL",
             "account %s: %s: %s; is `gulou serve` running, and does the proxy pass /wechat/ on "
             "with name and "
             "certificate right?",
             account->id, url,
             strcmp(c->result.message, "HTTP status 403") == 0
                 ? "the server there has another token"
                 : c->result.message);
}

static void check_account(struct check *c, const struct account *account) {
    const char *token = get_token(c, account);
    if (token && account->verified)
        check_menu(c, account, token);
    check_callback(c, account);
}

/* ---- all of it ---- */

static int check_all(const struct config *config) {
    struct check c = {.config = config, .arena = arena_new(), .base = event_base_new()};
    c.api = api_new(c.base, config->wechat_api_base);
    check_file(&c);
    check_disks(&c);
    check_postgres(&c);
    check_redis(&c);
    for (size_t i = 0; i < config->accounts_n; i++)
        check_account(&c, &config->accounts[i]);
    api_free(c.api);
    event_base_free(c.base);
    arena_free(c.arena);
    if (c.failed)
        fputs("gulou: check: something does not work yet, see FAIL\n", stderr);
    return c.failed ? COMMAND_FAILED : COMMAND_DONE;
}

static int run(int argc, const char **argv) {
    int offline = 0, exit_code;
    const struct poptOption own[] = {
        {"offline", '\0', POPT_ARG_NONE, &offline, 0, "the configuration only", NULL},
        POPT_TABLEEND};
    struct config *config = command_config(argc, argv, own, &exit_code);
    if (config == NULL) {
        return exit_code;
    }
    log_init(LOG_LEVEL_ERROR); /* what was found is printed */
    printf("%s: good; %zu account%s\n", config->path, config->accounts_n,
           config->accounts_n == 1 ? "" : "s");
    if (config->data_keys_n == 0)
        puts("note  no [[data_key]]: photos are kept unencrypted (docs/security.md)");
    exit_code = offline ? COMMAND_DONE : check_all(config);
    config_free(config);
    return exit_code;
}

const struct subcommand command_check = {"check", "test the configuration and every connection",
                                         run};
