#include "db/leaderboard.h"

#include <cjson/cJSON.h>
#include <event2/util.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/base/arena.h"
#include "server/base/buf.h"
#include "server/base/log.h"
#include "server/base/memory.h"

#define KEY_SIZE 192
#define TOKEN_SIZE 17

/* The marker says what a whole board looks like: of which run of Redis, and how many entries. A key
 * that was evicted, or a snapshot that an earlier run left, does not match it; then, as after any
 * error (a key of another type, a value that is none of ours), the marker goes, nobody reads the
 * board any more, and the feed builds it anew. */
#define LUA_BOARD                                                                                  \
    "local function marker_of(board)\n"                                                            \
    "  return string.match(redis.call('INFO', 'server'), 'run_id:(%x+)') .. ' ' ..\n"              \
    "    redis.call('HLEN', board .. ':v') .. ' ' .. redis.call('ZCARD', board .. ':members') "    \
    "..\n"                                                                                         \
    "    ' ' .. redis.call('ZCARD', board .. ':units')\n"                                          \
    "end\n"                                                                                        \
    "local function is_whole(board)\n"                                                             \
    "  return redis.call('GET', board .. ':ready') == marker_of(board)\n"                          \
    "end\n"                                                                                        \
    "local function distrust(board)\n"                                                             \
    "  redis.call('DEL', board .. ':ready', board .. ':building')\n"                               \
    "end\n"

/* ARGV: account, rows. Scores are absolute; the difference to what the hash remembers moves the two
 * sorted sets, so a unit is the sum of its members without anybody adding them up again. */
static const char apply_script[] = LUA_BOARD
    "local function apply(board, r)\n"
    "  local member, org = tonumber(r.member), tonumber(r.org) or 0\n"
    "  local version, points = tonumber(r.version), tonumber(r.points)\n"
    "  local field = string.format('%.0f:%.0f', member, org)\n"
    "  local old = redis.call('HGET', board .. ':v', field) or '-1:0'\n"
    "  local old_version, old_points = string.match(old, '^(%-?%d+):(%-?%d+)$')\n"
    "  if version > tonumber(old_version) then\n"
    "    redis.call('HSET', board .. ':v', field, string.format('%.0f:%.0f', version, points))\n"
    "    local move = string.format('%.0f', tonumber(old_points) - points)\n"
    "    redis.call('ZINCRBY', board .. ':members', move, string.format('%010.0f', member))\n"
    "    if org ~= 0 then\n"
    "      redis.call('ZINCRBY', board .. ':units', move, string.format('%010.0f', org))\n"
    "    end\n"
    "  end\n"
    "end\n"
    "local function apply_all(board, rows)\n"
    "  local ready = redis.call('EXISTS', board .. ':ready') == 1\n"
    "  if ready and not is_whole(board) then error('not whole') end\n"
    "  for _, r in ipairs(rows) do apply(board, r) end\n"
    "  if ready then redis.call('SET', board .. ':ready', marker_of(board)) end\n"
    "end\n"
    "local rows, boards = cjson.decode(ARGV[2]), {}\n"
    "for _, r in ipairs(rows.rows or rows.scores or rows) do\n"
    "  local board = 'board:' .. ARGV[1] .. ':' .. r.period\n"
    "  boards[board] = boards[board] or {}\n"
    "  table.insert(boards[board], r)\n"
    "end\n"
    "for board, of in pairs(boards) do\n"
    "  if not pcall(apply_all, board, of) then distrust(board) end\n"
    "end\n"
    "return 1\n";

/* ARGV: board, its sorted set, limit, the asker. Nothing without the marker. */
static const char top_script[] =
    LUA_BOARD "local set = ARGV[1] .. ':' .. ARGV[2]\n"
              "local function read()\n"
              "  if not is_whole(ARGV[1]) then error('not whole') end\n"
              "  local top = redis.call('ZRANGEBYSCORE', set, '-inf', '(0', 'WITHSCORES',"
              " 'LIMIT', 0, ARGV[3])\n"
              "  local mine = redis.call('ZSCORE', set, ARGV[4])\n"
              "  if not mine then return {top} end\n"
              "  return {top, mine, redis.call('ZCOUNT', set, '-inf', '(' .. mine)}\n"
              "end\n"
              "local well, answer = pcall(read)\n"
              "if well then return answer end\n"
              "redis.call('DEL', ARGV[1] .. ':ready')\n" /* one being built goes on */
              "return false\n";

/* ARGV: board. */
static const char check_script[] = LUA_BOARD "local well, whole = pcall(is_whole, ARGV[1])\n"
                                             "return well and whole and 1 or 0\n";

/* KEYS: v, members, units, ready, building. A million entries go in the background, and come back
 * within ten minutes. */
static const char begin_script[] = "redis.call('UNLINK', KEYS[1], KEYS[2], KEYS[3], KEYS[4])\n"
                                   "redis.call('SET', KEYS[5], ARGV[1], 'EX', 600)\n"
                                   "return 1\n";

/* ARGV: board, token. A rebuild that another one has overtaken must not mark the other's
 * half-filled board. */
static const char ready_script[] =
    LUA_BOARD "if redis.call('GET', ARGV[1] .. ':building') ~= ARGV[2] then return 0 end\n"
              "redis.call('SET', ARGV[1] .. ':ready', marker_of(ARGV[1]))\n"
              "redis.call('DEL', ARGV[1] .. ':building')\n"
              "return 1\n";

static struct str board_name(char room[KEY_SIZE], const char *account, const char *period) {
    int n = snprintf(room, KEY_SIZE, "board:%.100s:%.40s", account, period);
    return (struct str){room, (size_t)n};
}

static struct str board_key(char room[KEY_SIZE], const char *account, const char *period,
                            const char *what) {
    int n = snprintf(room, KEY_SIZE, "board:%.100s:%.40s:%s", account, period, what);
    return (struct str){room, (size_t)n};
}

/* ---- reading ---- */

/* Rows come as id, -points, id, -points, … in order; equal points share the first one's rank.
 * False: among them is what nobody of ours has written. */
static bool read_rows(struct leaderboard_top *top, const struct redis_value *list) {
    size_t n = redis_value_count(list) / 2;
    for (size_t i = 0; i < n && i < LEADERBOARD_ROWS_MAX; i++) {
        struct leaderboard_row *row = &top->rows[i];
        int64_t negative = 0;
        if (!redis_value_integer(redis_value_at(list, 2 * i), &row->id) || row->id < 1 ||
            row->id > INT32_MAX || !redis_value_integer(redis_value_at(list, 2 * i + 1), &negative))
            return false;
        row->points = -negative;
        row->rank = (int64_t)i + 1;
        if (i > 0 && row[-1].points == row->points)
            row->rank = row[-1].rank;
        top->n = i + 1;
    }
    return true;
}

static void on_top(struct redis_call *redis, enum redis_status status,
                   const struct redis_value *value) {
    struct leaderboard_read *read =
        (struct leaderboard_read *)((char *)redis - offsetof(struct leaderboard_read, redis));
    struct leaderboard_top top = {0};
    int64_t negative = 0, before = 0;
    if (status != REDIS_ANSWERED || redis_value_count(value) == 0 ||
        !read_rows(&top, redis_value_at(value, 0))) {
        read->on_done(read, LEADERBOARD_ASK_SQL, NULL);
        return;
    }
    if (redis_value_integer(redis_value_at(value, 1), &negative) &&
        redis_value_integer(redis_value_at(value, 2), &before))
        top.mine = (struct leaderboard_row){
            .rank = negative < 0 ? before + 1 : 0, .id = read->mine, .points = -negative};
    read->on_done(read, LEADERBOARD_OK, &top);
}

void leaderboard_top(struct redis *redis, struct leaderboard_read *read, const char *account,
                     const char *period, bool units, size_t limit, int64_t mine) {
    char board[KEY_SIZE], count[24], id[24];
    if (limit > LEADERBOARD_ROWS_MAX)
        limit = LEADERBOARD_ROWS_MAX;
    snprintf(count, sizeof count, "%zu", limit);
    snprintf(id, sizeof id, "%010" PRId64, mine);
    read->mine = mine;
    read->redis.on_done = on_top;
    redis_eval(redis, &read->redis, top_script, 0, 4,
               (const struct str[]){board_name(board, account, period),
                                    str_from(units ? "units" : "members"), str_from(count),
                                    str_from(id)});
}

void leaderboard_read_cancel(struct redis *redis, struct leaderboard_read *read) {
    redis_cancel(redis, &read->redis);
}

/* ---- writing ---- */

void leaderboard_apply(struct redis *redis, struct redis_call *call, const char *account,
                       struct str json) {
    redis_eval(redis, call, apply_script, 0, 2, (const struct str[]){str_from(account), json});
}

void leaderboard_check(struct redis *redis, struct redis_call *call, const char *account,
                       const char *period) {
    char board[KEY_SIZE];
    redis_eval(redis, call, check_script, 0, 1,
               (const struct str[]){board_name(board, account, period)});
}

static void on_chunk(struct redis_call *call, enum redis_status status,
                     const struct redis_value *value) {
    (void)value;
    struct leaderboard_filling *filling =
        (struct leaderboard_filling *)((char *)call - offsetof(struct leaderboard_filling, call));
    if (status == REDIS_ANSWERED && filling->next)
        leaderboard_fill(filling);
    else
        filling->on_done(filling, status == REDIS_ANSWERED);
}

void leaderboard_fill(struct leaderboard_filling *filling) {
    struct arena *arena = arena_new();
    struct buf json;
    buf_init(&json, arena);
    buf_puts(&json, "[");
    for (int n = 0; filling->next && n < LEADERBOARD_CHUNK_ROWS; n++) {
        char *row = cJSON_PrintUnformatted(filling->next);
        if (!row)
            abort();
        buf_puts(&json, n ? "," : "");
        buf_puts(&json, row);
        cJSON_free(row);
        filling->next = filling->next->next;
    }
    buf_puts(&json, "]");
    filling->call.on_done = on_chunk;
    leaderboard_apply(filling->redis, &filling->call, filling->account, buf_view(&json));
    arena_free(arena);
}

/* ---- rebuilding: begin -> read a page of scores -> fill, chunk by chunk -> … -> ready ----
 *
 * The board is emptied before the scores are read, so a change committed in between is either in
 * what is read or applied to the emptied board; the versions make both orders right. */

struct leaderboard_rebuild {
    struct redis *redis;
    struct pg *pg;
    struct arena *arena;
    const char *account;
    const char *period;
    char token[TOKEN_SIZE];
    struct redis_call call;
    struct pg_call scores;
    char member[24], org[24]; /* the last row that was read */
    cJSON *facts;             /* its page */
    struct leaderboard_filling filling;
    void (*on_done)(void *context, bool ok);
    void *context;
};

static void rebuild_free(struct leaderboard_rebuild *r) {
    cJSON_Delete(r->facts);
    arena_free(r->arena);
    memory_put(r);
}

static void end(struct leaderboard_rebuild *r, bool ok) {
    void (*on_done)(void *, bool) = r->on_done;
    void *context = r->context;
    log_info("leaderboard_rebuilt", "account=%s period=%s ok=%d", r->account, r->period, ok);
    rebuild_free(r);
    if (on_done)
        on_done(context, ok);
}

static struct leaderboard_rebuild *rebuild_of(struct redis_call *call) {
    return (struct leaderboard_rebuild *)((char *)call -
                                          offsetof(struct leaderboard_rebuild, call));
}

static void on_ready(struct redis_call *call, enum redis_status status,
                     const struct redis_value *value) {
    int64_t marked = 0;
    end(rebuild_of(call),
        status == REDIS_ANSWERED && redis_value_integer(value, &marked) && marked == 1);
}

static void mark_ready(struct leaderboard_rebuild *r) {
    char board[KEY_SIZE];
    r->call.on_done = on_ready;
    redis_eval(r->redis, &r->call, ready_script, 0, 2,
               (const struct str[]){board_name(board, r->account, r->period), str_from(r->token)});
}

static void read_page(struct leaderboard_rebuild *r);

static void on_filled(struct leaderboard_filling *filling, bool ok) {
    struct leaderboard_rebuild *r =
        (struct leaderboard_rebuild *)((char *)filling -
                                       offsetof(struct leaderboard_rebuild, filling));
    if (ok)
        read_page(r);
    else
        end(r, false);
}

static void note_last(struct leaderboard_rebuild *r, const cJSON *rows) {
    const cJSON *last = cJSON_GetArrayItem(rows, cJSON_GetArraySize(rows) - 1);
    const cJSON *member = cJSON_GetObjectItemCaseSensitive(last, "member");
    const cJSON *org = cJSON_GetObjectItemCaseSensitive(last, "org");
    snprintf(r->member, sizeof r->member, "%.0f", cJSON_GetNumberValue(member));
    snprintf(r->org, sizeof r->org, "%.0f", cJSON_GetNumberValue(org));
}

static void on_scores(struct pg_call *call, enum pg_status status, const char *json, size_t len) {
    struct leaderboard_rebuild *r =
        (struct leaderboard_rebuild *)((char *)call - offsetof(struct leaderboard_rebuild, scores));
    cJSON_Delete(r->facts);
    r->facts = status == PG_OK ? cJSON_ParseWithLength(json, len) : NULL;
    const cJSON *rows = cJSON_GetObjectItemCaseSensitive(r->facts, "rows");
    if (!cJSON_IsArray(rows)) {
        end(r, false);
        return;
    }
    if (!rows->child) {
        mark_ready(r);
        return;
    }
    note_last(r, rows);
    r->filling = (struct leaderboard_filling){
        .redis = r->redis, .account = r->account, .next = rows->child, .on_done = on_filled};
    leaderboard_fill(&r->filling);
}

static void read_page(struct leaderboard_rebuild *r) {
    r->scores =
        (struct pg_call){.function = "scores",
                         .n = 5,
                         .args = {r->account, r->period, r->member, r->org, LEADERBOARD_PAGE_ROWS},
                         .on_done = on_scores};
    if (!pg_submit(r->pg, &r->scores))
        end(r, false);
}

static void on_begun(struct redis_call *call, enum redis_status status,
                     const struct redis_value *value) {
    (void)value;
    struct leaderboard_rebuild *r = rebuild_of(call);
    if (status == REDIS_ANSWERED)
        read_page(r);
    else
        end(r, false);
}

struct leaderboard_rebuild *leaderboard_rebuild(struct redis *redis, struct pg *pg,
                                                const char *account, const char *period,
                                                void (*on_done)(void *context, bool ok),
                                                void *context) {
    struct leaderboard_rebuild *r = memory_get_zeroed(sizeof *r);
    r->redis = redis;
    r->pg = pg;
    r->arena = arena_new();
    r->account = arena_strndup(r->arena, account, strlen(account));
    r->period = arena_strndup(r->arena, period, strlen(period));
    r->on_done = on_done;
    r->context = context;
    uint64_t random;
    evutil_secure_rng_get_bytes(&random, sizeof random);
    snprintf(r->token, sizeof r->token, "%016" PRIx64, random);
    r->member[0] = r->org[0] = '0'; /* numbers begin at 1 */

    char v[KEY_SIZE], members[KEY_SIZE], units[KEY_SIZE], ready[KEY_SIZE], building[KEY_SIZE];
    r->call.on_done = on_begun;
    redis_eval(
        redis, &r->call, begin_script, 5, 6,
        (const struct str[]){
            board_key(v, account, period, "v"), board_key(members, account, period, "members"),
            board_key(units, account, period, "units"), board_key(ready, account, period, "ready"),
            board_key(building, account, period, "building"), str_from(r->token)});
    return r;
}

void leaderboard_rebuild_cancel(struct leaderboard_rebuild *rebuild) {
    redis_cancel(rebuild->redis, &rebuild->call);
    redis_cancel(rebuild->redis, &rebuild->filling.call);
    pg_cancel(rebuild->pg, &rebuild->scores);
    rebuild_free(rebuild);
}
