#include "server/request.h"

#include <assert.h>
#include <string.h>

#include "db/digest.h"
#include "db/leaderboard.h"
#include "server/base/buf.h"
#include "server/base/json.h"
#include "server/base/limits.h"
#include "server/base/log.h"
#include "server/base/metrics.h"
#include "server/base/random.h"
#include "server/notification_words.h"
#include "server/say.h"
#include "wechat/callback.h"

#define RECALL_MAX_BYTES 4096 /* "action key words" */

/* ---- ending ---- */

static void end(struct request *rq, struct str reply) {
    assert(!rq->ended);
    rq->ended = true;
    rq->on_ended(rq, reply);
}

/* What waited for this reply comes first, because a long answer is cut at its end. */
void request_reply(struct request *rq, struct str text) {
    if (!rq->notes) {
        end(rq, text);
        return;
    }
    struct buf out;
    buf_init(&out, rq->arena);
    const cJSON *note;
    cJSON_ArrayForEach(note, rq->notes) {
        buf_puts(&out, "【提醒】");
        notification_words(&out, note, rq->services->config, rq->account);
        buf_puts(&out, "\n");
    }
    buf_puts(&out, "————\n");
    buf_addstr(&out, text);
    end(rq, buf_view(&out));
}

void request_success(struct request *rq) {
    end(rq, (struct str){"", 0});
}

void request_busy(struct request *rq) {
    metric_add(METRIC_REPLIES_BUSY, 1);
    end(rq, STR("系统繁忙，请稍后再试"));
}

/* ---- its names ---- */

const char *request_id(struct request *rq) {
    unsigned char id[8];
    if (!rq->id) {
        char *text = arena_room(rq->arena, 2 * sizeof id + 1);
        random_bytes(id, sizeof id);
        str_hex(id, sizeof id, text);
        rq->id = text;
    }
    return rq->id;
}

const char *request_key(struct request *rq) {
    if (!rq->key)
        rq->key = callback_message_key(rq->arena, rq->account->id, rq->message);
    return rq->key;
}

/* ---- one call of the database ---- */

const char *request_refusal(const cJSON *facts) {
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(facts, "refusal"));
}

static bool answer_common_refusal(struct request *rq, const cJSON *facts) {
    const char *refusal = request_refusal(facts);
    if (!refusal)
        return false;
    if (strcmp(refusal, "not_bound") == 0) {
        static const char how[] = "您还没有绑定身份。\n请发送「绑定 邀请码」，例如：绑定 ABCD1234\n"
                                  "邀请码请向所在单位或社区索取。";
        request_reply(
            rq, str_from(rq->message->type == MESSAGE_TEXT
                             ? arena_printf(rq->arena, "%s\n绑定之后，请把刚才的话再发一次。", how)
                             : how));
        return true;
    }
    if (strcmp(refusal, "not_yours") == 0) {
        request_reply(
            rq, STR("这项操作不在您的职责之内：审核由审核员办理，公示、异议和更正由管理员办理。\n"
                    "发送「帮助」看看您可以做什么。"));
        return true;
    }
    if (strcmp(refusal, "busy") == 0) {
        request_busy(rq);
        return true;
    }
    return false;
}

static void on_answer(struct pg_call *call, enum pg_status status, const char *json, size_t n) {
    struct request *rq = (struct request *)(void *)((char *)call - offsetof(struct request, call));
    rq->calling = false;
    if (status != PG_OK) {
        log_error("call_failed", "request=%s account=%s function=%s cause=%s sqlstate=%s",
                  request_id(rq), rq->account->id, call->function,
                  status == PG_LATE ? "deadline" : "fault", call->sqlstate);
        request_busy(rq);
        return;
    }
    const cJSON *facts = json_parse(rq->arena, json, n);
    if (!facts) {
        log_error("call_failed", "request=%s account=%s function=%s cause=no_json", request_id(rq),
                  rq->account->id, call->function);
        request_busy(rq);
        return;
    }
    const cJSON *notes = cJSON_GetObjectItemCaseSensitive(facts, "notes");
    if (notes)
        rq->notes = notes;
    if (cJSON_IsArray(cJSON_GetObjectItemCaseSensitive(facts, "scores")))
        leaderboard_apply(rq->services->redis, NULL, rq->account->id, (struct str){json, n});
    if (!answer_common_refusal(rq, facts))
        rq->action->answer(rq, facts);
}

/* Groups are sorted by this: by person first, so that two groups lock people's rows, too, in one
 * order, and not only their messages'. It never leaves the process. */
static const char *order_of(struct request *rq) {
    return arena_printf(rq->arena, "%s %s", rq->openid, request_key(rq));
}

void request_call(struct request *rq, const struct action *action, enum request_kind kind,
                  const char *function, int n, const char *const *args) {
    assert(!rq->calling && !rq->ended);
    bool changes = kind == REQUEST_CHANGES || kind == REQUEST_CHANGES_TOGETHER;
    bool together = kind == REQUEST_CHANGES_TOGETHER || kind == REQUEST_READS_TOGETHER;
    struct pg_call *call = &rq->call;
    *call = (struct pg_call){.function = function,
                             .together = together,
                             .changes = changes,
                             .lane = rq->account->id,
                             .deadline_ms = CALLBACK_WORK_MS,
                             .on_done = on_answer};
    if (changes || rq->act)
        call->key = order_of(rq);
    call->args[call->n++] = rq->account->id;
    if (kind != REQUEST_LOOKS || rq->act)
        call->args[call->n++] = rq->openid;
    if (changes || rq->act)
        call->args[call->n++] = request_key(rq);
    if (rq->act) {
        call->around = together ? "spoken_together" : "spoken";
        call->around_shares = kind == REQUEST_LOOKS ? 1 : changes ? 3 : 2;
        call->args[call->n++] = rq->act;
        call->around_n = call->n;
    }
    if (changes)
        call->args[call->n++] = request_id(rq);
    assert(n >= 0 && call->n + n <= PG_ARGUMENTS_MAX);
    for (int i = 0; i < n; i++)
        call->args[call->n++] = args[i];
    rq->action = action;
    rq->calling = true;
    if (!pg_submit(rq->services->pg, call)) {
        rq->calling = false;
        log_warn("call_refused", "request=%s account=%s function=%s cause=queue_full",
                 request_id(rq), rq->account->id, function);
        /* What an earlier attempt may have done must not be told as not done. */
        if (rq->later) {
            metric_add(METRIC_CALLBACKS_TURNED_AWAY, 1);
            end(rq, request_unfinished(rq));
        } else {
            request_busy(rq);
        }
    }
}

bool request_give_up(struct request *rq) {
    if (rq->ended || !rq->calling || pg_was_sent(&rq->call) || pg_ready(rq->services->pg))
        return false;
    pg_cancel(rq->services->pg, &rq->call);
    rq->calling = false;
    log_warn("call_given_up", "request=%s account=%s function=%s", request_id(rq), rq->account->id,
             rq->call.function);
    request_busy(rq);
    return true;
}

/* ---- remembering what was answered with "still working on it" ---- */

static const char *recall_key(struct request *rq) {
    char digest[DIGEST_HEX_SIZE];
    struct str parts[] = {str_from(rq->account->id), str_from(rq->openid)};
    digest_hex(parts, 2, digest);
    return arena_printf(rq->arena, "continue:%s:%s", rq->account->id, digest);
}

static void remember(struct request *rq) {
    if (!rq->action)
        return;
    struct buf value;
    buf_init(&value, rq->arena);
    buf_printf(&value, "%s %s ", rq->action->name, request_key(rq));
    if (!rq->call.changes)
        buf_addstr(&value, rq->words);
    struct str text = rq->recalled.n > 0 ? rq->recalled : buf_view(&value);
    if (text.n <= RECALL_MAX_BYTES)
        redis_set(rq->services->redis, NULL, recall_key(rq), text, DIALOGUE_LIFE_SECONDS);
}

struct str request_unfinished(struct request *rq) {
    remember(rq);
    struct buf out;
    say_begin(rq, &out);
    buf_puts(&out, "还在处理，请稍后发送「");
    say_word(&out, "继续");
    buf_puts(&out, "」查看结果");
    return buf_view(&out);
}

/* Takes what stands before the next blank; NULL when there is none. */
static const char *take_part(struct arena *arena, struct str *text) {
    const char *blank = text->n > 0 ? memchr(text->p, ' ', text->n) : NULL;
    if (!blank)
        return NULL;
    size_t n = (size_t)(blank - text->p);
    const char *part = arena_strndup(arena, text->p, n);
    *text = (struct str){blank + 1, text->n - n - 1};
    return part;
}

/* What Redis holds may be anybody's; a message's key is a UUID. */
static bool is_key(const char *key) {
    static const char form[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
    size_t i = 0;
    for (; key && form[i] && key[i]; i++)
        if (form[i] == '-' ? key[i] != '-' : !strchr("0123456789abcdef", key[i]))
            return false;
    return key && !form[i] && !key[i];
}

static void on_recalled(struct redis_call *call, enum redis_status status,
                        const struct redis_value *value) {
    struct request *rq =
        (struct request *)(void *)((char *)call - offsetof(struct request, recall));
    struct str text = status == REDIS_ANSWERED ? redis_value_text(value) : (struct str){"", 0};
    rq->recalled = (struct str){arena_strndup(rq->arena, text.p, text.n), text.n};
    struct str rest = rq->recalled;
    const char *action = take_part(rq->arena, &rest);
    const char *key = take_part(rq->arena, &rest);
    if (is_key(key))
        rq->on_recalled(rq, action, key, rest);
    else
        rq->on_recalled(rq, NULL, NULL, (struct str){"", 0});
}

void request_recall(struct request *rq, void (*on_done)(struct request *rq, const char *action,
                                                        const char *key, struct str words)) {
    rq->on_recalled = on_done;
    rq->recall = (struct redis_call){.on_done = on_recalled};
    redis_get(rq->services->redis, &rq->recall, recall_key(rq));
}
