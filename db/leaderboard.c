#include "db/leaderboard.h"

#include <cjson/cJSON.h>
#include <event2/event.h>
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
#define TEXT(number) #number
#define TEXT_OF(number) TEXT(number)
#define PAGE_ROWS TEXT_OF(LEADERBOARD_PAGE_ROWS)

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

/* Scores are absolute; the difference to what the hash remembers moves the two sorted sets, so a
 * unit is the sum of its members without anybody adding them up again. */
#define LUA_APPLY                                                                                  \
    "local function field_of(r)\n"                                                                 \
    "  return string.format('%.0f:%.0f', tonumber(r.member), tonumber(r.org) or 0)\n"              \
    "end\n"                                                                                        \
    "local function entry_of(r)\n"                                                                 \
    "  return string.format('%.0f:%.0f', tonumber(r.version), tonumber(r.points))\n"               \
    "end\n"                                                                                        \
    "local function move(set, id, by)\n"                                                           \
    "  redis.call('ZINCRBY', set, string.format('%.0f', by), string.format('%010.0f', id))\n"      \
    "end\n"                                                                                        \
    "local function apply(board, r)\n"                                                             \
    "  local old = redis.call('HGET', board .. ':v', field_of(r)) or '-1:0'\n"                     \
    "  local version, points = string.match(old, '^(%-?%d+):(%-?%d+)$')\n"                         \
    "  if tonumber(r.version) > tonumber(version) then\n"                                          \
    "    redis.call('HSET', board .. ':v', field_of(r), entry_of(r))\n"                            \
    "    move(board .. ':members', tonumber(r.member), points - r.points)\n"                       \
    "    local org = tonumber(r.org) or 0\n"                                                       \
    "    if org ~= 0 then move(board .. ':units', org, points - r.points) end\n"                   \
    "  end\n"                                                                                      \
    "end\n"

/* ARGV: account, rows. What changes while a board is built goes into that one, too. */
static const char apply_script[] = LUA_BOARD LUA_APPLY
    "local function apply_all(board, rows)\n"
    "  local ready = redis.call('EXISTS', board .. ':ready') == 1\n"
    "  local building = redis.call('EXISTS', board .. ':building') == 1\n"
    "  if ready and not is_whole(board) then error('not whole') end\n"
    "  for _, r in ipairs(rows) do\n"
    "    if ready then apply(board, r) end\n"
    "    if building then apply(board .. ':next', r) end\n"
    "  end\n"
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

/* ARGV: board, token, "overtake" or not. Begins the next board beside the one that is read; the
 * token is whose it is, and goes with who dies. */
static const char begin_script[] =
    "local next, building = ARGV[1] .. ':next', ARGV[1] .. ':building'\n"
    "if ARGV[3] ~= 'overtake' and redis.call('EXISTS', building) == 1 then return 0 end\n"
    "redis.call('UNLINK', next .. ':v', next .. ':members', next .. ':units')\n"
    "redis.call('SET', building, ARGV[2], 'EX', 60)\n"
    "return 1\n";

/* ARGV: board, token, a page of scores. Nearly all rows are new, and are written with few commands.
 * Returns how many rows there were, and of the last one the member and the unit; -1: overtaken, or
 * what is there is none of ours. */
static const char fill_script[] =
    LUA_APPLY "local next, building = ARGV[1] .. ':next', ARGV[1] .. ':building'\n"
              "local rows = cjson.decode(ARGV[3]).rows\n"
              "local function fill()\n"
              "  local fields, entries, members, units = {}, {}, {}, {}\n"
              "  for i, r in ipairs(rows) do fields[i] = field_of(r) end\n"
              "  local known = redis.call('HMGET', next .. ':v', unpack(fields))\n"
              "  for i, r in ipairs(rows) do\n"
              "    if known[i] then\n"
              "      apply(next, r)\n"
              "    else\n"
              "      local member, org = tonumber(r.member), tonumber(r.org) or 0\n"
              "      table.insert(entries, fields[i])\n"
              "      table.insert(entries, entry_of(r))\n"
              "      members[member] = (members[member] or 0) - r.points\n"
              "      units[org] = (units[org] or 0) - r.points\n"
              "    end\n"
              "  end\n"
              "  units[0] = nil\n"
              "  if #entries > 0 then redis.call('HSET', next .. ':v', unpack(entries)) end\n"
              "  for id, by in pairs(members) do move(next .. ':members', id, by) end\n"
              "  for id, by in pairs(units) do move(next .. ':units', id, by) end\n"
              "end\n"
              "if redis.call('GET', building) ~= ARGV[2] then return {-1} end\n"
              "redis.call('EXPIRE', building, 60)\n"
              "if #rows == 0 then return {0} end\n"
              "if not pcall(fill) then redis.call('DEL', building) return {-1} end\n"
              "local last = rows[#rows]\n"
              "return {#rows, tonumber(last.member), tonumber(last.org) or 0}\n";

/* ARGV: board, token, how many rows it must have at least. The next board takes the place of the
 * one that was read till now, at once; a million entries go in the background. */
static const char ready_script[] = LUA_BOARD
    "local board = ARGV[1]\n"
    "local function replace()\n"
    "  if redis.call('HLEN', board .. ':next:v') < tonumber(ARGV[3]) then error('not whole') end\n"
    "  for _, part in ipairs({':v', ':members', ':units'}) do\n"
    "    redis.call('UNLINK', board .. part)\n"
    "    if redis.call('EXISTS', board .. ':next' .. part) == 1 then\n"
    "      redis.call('RENAME', board .. ':next' .. part, board .. part)\n"
    "    end\n"
    "  end\n"
    "  redis.call('SET', board .. ':ready', marker_of(board))\n"
    "  redis.call('DEL', board .. ':building')\n"
    "end\n"
    "if redis.call('GET', board .. ':building') ~= ARGV[2] then return 0 end\n"
    "if pcall(replace) then return 1 end\n"
    "distrust(board)\n"
    "return 0\n";

static struct str board_name(char room[KEY_SIZE], const char *account, const char *period) {
    int n = snprintf(room, KEY_SIZE, "board:%.100s:%.40s", account, period);
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

/* ---- rebuilding: begin -> a page of scores -> fill -> … -> ready ----
 *
 * The next board is begun before the scores are read, so a change committed in between is either in
 * what is read or applied to it; the versions make both orders right. */

struct leaderboard_rebuild {
    struct redis *redis;
    struct pg *pg;
    struct arena *arena;
    struct event *pause; /* NULL: none */
    struct str board;
    const char *account;
    const char *period;
    char token[TOKEN_SIZE];
    struct redis_call call;
    struct pg_call scores;
    char member[24], org[24]; /* the last row that was read */
    int64_t rows;             /* read so far */
    void (*on_done)(void *context, bool ok);
    void *context;
};

static void rebuild_free(struct leaderboard_rebuild *r) {
    if (r->pause)
        event_free(r->pause);
    arena_free(r->arena);
    memory_put(r);
}

static void end(struct leaderboard_rebuild *r, bool ok) {
    void (*on_done)(void *, bool) = r->on_done;
    void *context = r->context;
    rebuild_free(r);
    if (on_done)
        on_done(context, ok);
}

/* One that had begun. */
static void end_begun(struct leaderboard_rebuild *r, bool ok) {
    log_info("leaderboard_rebuilt", "account=%s period=%s rows=%" PRId64 " ok=%d", r->account,
             r->period, r->rows, ok);
    end(r, ok);
}

static struct leaderboard_rebuild *rebuild_of(struct redis_call *call) {
    return (struct leaderboard_rebuild *)((char *)call -
                                          offsetof(struct leaderboard_rebuild, call));
}

static void on_ready(struct redis_call *call, enum redis_status status,
                     const struct redis_value *value) {
    int64_t marked = 0;
    end_begun(rebuild_of(call),
              status == REDIS_ANSWERED && redis_value_integer(value, &marked) && marked == 1);
}

static void mark_ready(struct leaderboard_rebuild *r) {
    char rows[24];
    snprintf(rows, sizeof rows, "%" PRId64, r->rows);
    r->call.on_done = on_ready;
    redis_eval(r->redis, &r->call, ready_script, 0, 3,
               (const struct str[]){r->board, str_from(r->token), str_from(rows)});
}

static void read_page(struct leaderboard_rebuild *r);

static void on_pause_over(evutil_socket_t fd, short what, void *context) {
    (void)fd;
    (void)what;
    read_page(context);
}

static void on_filled(struct redis_call *call, enum redis_status status,
                      const struct redis_value *value) {
    struct leaderboard_rebuild *r = rebuild_of(call);
    int64_t rows = -1, member = 0, org = 0;
    if (status == REDIS_ANSWERED)
        redis_value_integer(redis_value_at(value, 0), &rows);
    if (rows < 0) {
        end_begun(r, false);
        return;
    }
    r->rows += rows;
    if (rows < LEADERBOARD_PAGE_ROWS) {
        mark_ready(r);
        return;
    }
    redis_value_integer(redis_value_at(value, 1), &member);
    redis_value_integer(redis_value_at(value, 2), &org);
    snprintf(r->member, sizeof r->member, "%" PRId64, member);
    snprintf(r->org, sizeof r->org, "%" PRId64, org);
    if (r->pause)
        event_add(r->pause, &(struct timeval){.tv_usec = LEADERBOARD_PAUSE_MS * 1000});
    else
        read_page(r);
}

static void on_scores(struct pg_call *call, enum pg_status status, const char *json, size_t len) {
    struct leaderboard_rebuild *r =
        (struct leaderboard_rebuild *)((char *)call - offsetof(struct leaderboard_rebuild, scores));
    if (status != PG_OK) {
        end_begun(r, false);
        return;
    }
    r->call.on_done = on_filled;
    redis_eval(r->redis, &r->call, fill_script, 0, 3,
               (const struct str[]){r->board, str_from(r->token), {json, len}});
}

static void read_page(struct leaderboard_rebuild *r) {
    r->scores = (struct pg_call){.function = "scores",
                                 .n = 5,
                                 .args = {r->account, r->period, r->member, r->org, PAGE_ROWS},
                                 .on_done = on_scores};
    if (!pg_submit(r->pg, &r->scores))
        end_begun(r, false);
}

static void on_begun(struct redis_call *call, enum redis_status status,
                     const struct redis_value *value) {
    struct leaderboard_rebuild *r = rebuild_of(call);
    int64_t begun = 0;
    if (status == REDIS_ANSWERED && redis_value_integer(value, &begun) && begun == 1)
        read_page(r);
    else
        end(r, false);
}

struct leaderboard_rebuild *leaderboard_rebuild(struct event_base *base, struct redis *redis,
                                                struct pg *pg, const char *account,
                                                const char *period, enum leaderboard_haste haste,
                                                void (*on_done)(void *context, bool ok),
                                                void *context) {
    struct leaderboard_rebuild *r = memory_get_zeroed(sizeof *r);
    char board[KEY_SIZE];
    r->redis = redis;
    r->pg = pg;
    r->arena = arena_new();
    r->account = arena_strndup(r->arena, account, strlen(account));
    r->period = arena_strndup(r->arena, period, strlen(period));
    struct str name = board_name(board, account, period);
    r->board = (struct str){arena_strndup(r->arena, name.p, name.n), name.n};
    r->on_done = on_done;
    r->context = context;
    uint64_t random;
    evutil_secure_rng_get_bytes(&random, sizeof random);
    snprintf(r->token, sizeof r->token, "%016" PRIx64, random);
    r->member[0] = r->org[0] = '0'; /* numbers begin at 1 */
    if (haste == LEADERBOARD_BESIDE) {
        r->pause = evtimer_new(base, on_pause_over, r);
        if (!r->pause)
            abort();
    }
    r->call.on_done = on_begun;
    redis_eval(redis, &r->call, begin_script, 0, 3,
               (const struct str[]){r->board, str_from(r->token),
                                    str_from(haste == LEADERBOARD_AT_ONCE ? "overtake" : "")});
    return r;
}

void leaderboard_rebuild_cancel(struct leaderboard_rebuild *rebuild) {
    redis_cancel(rebuild->redis, &rebuild->call);
    pg_cancel(rebuild->pg, &rebuild->scores);
    rebuild_free(rebuild);
}
