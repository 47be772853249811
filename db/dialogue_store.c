#include "db/dialogue_store.h"

#include <stddef.h>
#include <stdio.h>

#include "db/digest.h"
#include "server/base/limits.h"

#define KEY_SIZE 192

enum act { LOAD, SAVE, CLEAR };

/* A version is the time in microseconds: it grows over clearing and starting anew, so an old
 * message never meets its own number again. */
/* What is no dialogue of ours, whoever put it there, is none. */
static const char load_script[] = "local have = redis.pcall('HMGET', KEYS[1], 'v', 'j')\n"
                                  "if not have.err then return have end\n"
                                  "redis.call('DEL', KEYS[1])\n"
                                  "return {false, false}\n";

static const char save_script[] =
    "local have = redis.call('HGET', KEYS[1], 'v') or '0'\n"
    "if not tonumber(have) then have = '0' end\n"
    "if have ~= ARGV[1] then return {0, have} end\n"
    "local t = redis.call('TIME')\n"
    "local v = t[1] .. string.format('%06d', t[2])\n"
    "if tonumber(v) <= tonumber(have) then v = string.format('%.0f', tonumber(have) + 1) end\n"
    "redis.call('HSET', KEYS[1], 'v', v, 'j', ARGV[2])\n"
    "redis.call('EXPIRE', KEYS[1], ARGV[3])\n"
    "return {1, v}\n";

static const char clear_script[] =
    "local have = redis.call('HGET', KEYS[1], 'v') or '0'\n"
    "if have ~= '0' and ARGV[1] ~= '-1' and have ~= ARGV[1] then return {0, have} end\n"
    "redis.call('DEL', KEYS[1])\n"
    "return {1, '0'}\n";

static struct str key_of(char room[KEY_SIZE], const char *account, const char *openid) {
    char digest[DIGEST_HEX_SIZE];
    struct str part = str_from(openid);
    digest_hex(&part, 1, digest);
    int n = snprintf(room, KEY_SIZE, "dialogue:%.100s:%s", account, digest);
    return (struct str){room, (size_t)n};
}

static void on_loaded(struct dialogue_call *call, const struct redis_value *value) {
    int64_t version = 0;
    bool found = redis_value_integer(redis_value_at(value, 0), &version);
    struct str json = redis_value_text(redis_value_at(value, 1));
    call->on_done(call, found ? DIALOGUE_FOUND : DIALOGUE_NONE, version, json);
}

static void on_changed(struct dialogue_call *call, const struct redis_value *value) {
    int64_t done = 0, version = 0;
    bool understood = redis_value_integer(redis_value_at(value, 0), &done) &&
                      redis_value_integer(redis_value_at(value, 1), &version);
    enum dialogue_status status = call->act == SAVE ? DIALOGUE_SAVED : DIALOGUE_CLEARED;
    if (!understood)
        status = DIALOGUE_AWAY;
    else if (!done)
        status = DIALOGUE_CONFLICT;
    call->on_done(call, status, version, STR(""));
}

static void on_redis(struct redis_call *redis, enum redis_status status,
                     const struct redis_value *value) {
    struct dialogue_call *call =
        (struct dialogue_call *)((char *)redis - offsetof(struct dialogue_call, redis));
    if (status != REDIS_ANSWERED)
        call->on_done(call, DIALOGUE_AWAY, 0, STR(""));
    else if (call->act == LOAD)
        on_loaded(call, value);
    else
        on_changed(call, value);
}

static void begin(struct dialogue_call *call, enum act act) {
    call->act = act;
    call->redis.on_done = on_redis;
}

void dialogue_load(struct redis *store, struct dialogue_call *call, const char *account,
                   const char *openid) {
    char key[KEY_SIZE];
    begin(call, LOAD);
    redis_eval(store, &call->redis, load_script, 1, 1,
               (const struct str[]){key_of(key, account, openid)});
}

void dialogue_save(struct redis *store, struct dialogue_call *call, const char *account,
                   const char *openid, int64_t expected_version, struct str json) {
    char key[KEY_SIZE], version[24], life[16];
    snprintf(version, sizeof version, "%lld", (long long)expected_version);
    snprintf(life, sizeof life, "%d", DIALOGUE_LIFE_SECONDS);
    begin(call, SAVE);
    if (json.n > DIALOGUE_MAX_BYTES) {
        redis_refuse(store, &call->redis);
        return;
    }
    redis_eval(store, &call->redis, save_script, 1, 4,
               (const struct str[]){key_of(key, account, openid), str_from(version), json,
                                    str_from(life)});
}

void dialogue_clear(struct redis *store, struct dialogue_call *call, const char *account,
                    const char *openid, int64_t expected_version) {
    char key[KEY_SIZE], version[24];
    snprintf(version, sizeof version, "%lld", (long long)expected_version);
    begin(call, CLEAR);
    redis_eval(store, &call->redis, clear_script, 1, 2,
               (const struct str[]){key_of(key, account, openid), str_from(version)});
}

void dialogue_cancel(struct redis *store, struct dialogue_call *call) {
    redis_cancel(store, &call->redis);
}
