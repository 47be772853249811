#include "server/dialogue.h"

#include <inttypes.h>
#include <string.h>

#include "db/dialogue_store.h"
#include "server/actions/actions.h"
#include "server/base/log.h"
#include "server/route.h"
#include "server/say.h"
#include "server/when.h"
#include "wechat/message.h"
#include "wechat/reply.h"

#define REPLIES_KEPT 2
#define TRIES_MAX 3
#define PHOTOS_MAX 9
#define ARGUMENTS 11 /* of declare_together behind the leading ones */

/* Steps in their order; the session holds the name. DONE: submitted or cancelled. */
static const char *const steps[] = {"category", "item", "hours",  "words", "photos",
                                    "confirm",  "line", "reason", "done"};
enum step { CATEGORY, ITEM, HOURS, WORDS, PHOTOS, CONFIRM, LINE, REASON, DONE };

enum input { INPUT_START, INPUT_OBJECT, INPUT_CANCEL, INPUT_BACK, INPUT_WORDS, INPUT_PHOTO };

struct dialogue {
    struct request *rq;
    enum input input;
    struct words words;
    int64_t notice, no; /* of INPUT_OBJECT; no 0: to be asked for */
    int tries;
    int64_t version;
    cJSON *session;       /* NULL: none under way */
    const char *lead;     /* a sentence before the next question */
    struct str reply;     /* said once the session is saved */
    const cJSON *refusal; /* said instead, in the words that all actions share */
    bool submit;          /* the saved session is to be declared, or the objection filed */
    struct dialogue_call call;
};

static void load(struct dialogue *d);
static void ask(struct dialogue *d);

/* ---- the session ---- */

static struct dialogue *of(struct request *rq) {
    return rq->state;
}

static enum step step_of(const struct dialogue *d) {
    const char *name = fact_text(d->session, "step");
    for (int i = CATEGORY; i < DONE; i++) {
        if (strcmp(steps[i], name) == 0) {
            return (enum step)i;
        }
    }
    return DONE;
}

static void set(struct dialogue *d, const char *name, cJSON *value) {
    cJSON_DeleteItemFromObject(d->session, name);
    cJSON_AddItemToObject(d->session, name, value);
}

static void go_to(struct dialogue *d, enum step step) {
    set(d, "step", cJSON_CreateString(steps[step]));
}

static void delete_session(void *session) {
    cJSON_Delete(session);
}

static void new_session(struct dialogue *d, enum step first) {
    d->session = cJSON_CreateObject();
    arena_on_free(d->rq->arena, delete_session, d->session);
    set(d, "id", cJSON_CreateString(request_key(d->rq)));
    set(d, "photos", cJSON_CreateArray());
    set(d, "replies", cJSON_CreateArray());
    go_to(d, first);
}

/* The first question of a declaration, or of an objection. */
static bool is_first(enum step step) {
    return step == CATEGORY || step == LINE;
}

static bool is_objection(const struct dialogue *d) {
    return fact(d->session, "notice") != NULL;
}

static int photos(const struct dialogue *d) {
    return cJSON_GetArraySize(fact(d->session, "photos"));
}

static bool needs_photo(const struct dialogue *d) {
    return fact_is(d->session, "proof", "required") && photos(d) == 0;
}

/* ---- saving, then answering ---- */

static void on_saved(struct dialogue_call *call, enum dialogue_status status, int64_t version,
                     struct str json);

/* Without a session everything is said in one message. */
static void away(const struct dialogue *d) {
    if (d->input == INPUT_OBJECT)
        say(d->rq, "请把公示编号、条目编号和理由写在一句话里，例如：\n异议 1 12 当天没有这项服务");
    else
        say(d->rq, "现在不能一步一步申报，请用一句话：\n申报 项目 时长 说明\n例如：申报 40 2小时 "
                   "昨天义务巡逻");
}

static void save(struct dialogue *d, struct str reply) {
    d->reply = reply;
    cJSON *replies = cJSON_GetObjectItem(d->session, "replies");
    cJSON *kept = cJSON_CreateObject();
    cJSON_AddStringToObject(kept, "key", request_key(d->rq));
    cJSON_AddStringToObject(kept, "text", str_z(d->rq->arena, reply));
    cJSON_AddItemToArray(replies, kept);
    while (cJSON_GetArraySize(replies) > REPLIES_KEPT) {
        cJSON_DeleteItemFromArray(replies, 0);
    }
    char *json = cJSON_PrintUnformatted(d->session);
    d->call.on_done = on_saved;
    dialogue_save(d->rq->services->redis, &d->call, d->rq->account->id, d->rq->openid, d->version,
                  str_from(json));
    cJSON_free(json);
}

static void submit(struct dialogue *d);

static void on_saved(struct dialogue_call *call, enum dialogue_status status, int64_t version,
                     struct str json) {
    struct dialogue *d =
        (struct dialogue *)(void *)((char *)call - offsetof(struct dialogue, call));
    (void)version, (void)json;
    if (status == DIALOGUE_CONFLICT && ++d->tries < TRIES_MAX) {
        load(d); /* another message moved it: read again and answer to that */
    } else if (status != DIALOGUE_SAVED) {
        away(d);
    } else if (d->submit) {
        submit(d);
    } else if (d->refusal != NULL && is_objection(d)) {
        tell_object_refused(d->rq, d->refusal);
    } else if (d->refusal != NULL) {
        say_refused(d->rq, d->refusal);
    } else {
        request_reply(d->rq, d->reply);
    }
}

/* ---- the questions ---- */

static void begin_question(struct dialogue *d, struct buf *out) {
    say_begin(d->rq, out);
    if (d->lead != NULL) {
        buf_printf(out, "%s\n\n", d->lead);
    }
}

static void end_question(struct dialogue *d, struct buf *out) {
    say_next(out);
    if (!is_first(step_of(d))) {
        say_word(out, "上一步");
        buf_puts(out, "　");
    }
    say_word(out, "取消");
    save(d, buf_view(out));
}

static void tell_items(struct buf *out, const cJSON *items) {
    const cJSON *item;
    cJSON_ArrayForEach(item, items) {
        buf_puts(out, "\n");
        say_tap(out, fact_text(item, "name"), "%" PRId64, fact_number(item, "number"));
    }
}

static void on_catalogue(struct request *rq, const cJSON *facts) {
    struct dialogue *d = of(rq);
    int64_t chosen = fact_number(d->session, "category");
    struct buf out;
    begin_question(d, &out);
    buf_puts(&out, step_of(d) == CATEGORY ? "做了哪一类服务？点一下，或者直接写，比如「巡逻」："
                                          : "哪一项？");
    const cJSON *category;
    cJSON_ArrayForEach(category, fact(facts, "categories")) {
        if (step_of(d) == CATEGORY) {
            buf_puts(&out, "\n");
            say_tap(&out, fact_text(category, "name"), "%" PRId64, fact_number(category, "number"));
        } else if (fact_number(category, "number") == chosen) {
            tell_items(&out, fact(category, "items"));
        }
    }
    end_question(d, &out);
}

static const struct action ask_catalogue = {"dialogue", NULL, on_catalogue};

static void ask_hours(struct dialogue *d) {
    struct buf out;
    begin_question(d, &out);
    buf_printf(&out, "%s，做了多久？\n", fact_text(d->session, "item_name"));
    static const char *const choices[] = {"1小时", "2小时", "3小时", "4小时"};
    for (size_t i = 0; i < sizeof choices / sizeof choices[0]; i++) {
        buf_puts(&out, i > 0 ? "　" : "");
        say_word(&out, choices[i]);
    }
    buf_puts(&out, "\n也可以写：9:00-11:30，或者 昨天 2小时");
    end_question(d, &out);
}

static void ask_words(struct dialogue *d) {
    struct buf out;
    begin_question(d, &out);
    buf_puts(&out, "请用一句话写写做了什么，例如：在前进社区巡逻，劝导两起飞线充电。");
    end_question(d, &out);
}

static void ask_photos(struct dialogue *d) {
    struct buf out;
    begin_question(d, &out);
    if (needs_photo(d)) {
        buf_puts(&out, "这个项目需要佐证，请发送照片。");
    } else if (photos(d) == 0) {
        buf_puts(&out, "有照片可以现在发来，没有也可以。\n");
        say_tap(&out, "没有照片，下一步", "完成");
    } else {
        buf_printf(&out, "已收到%d张照片，还可以继续发。\n", photos(d));
        say_tap(&out, "照片发完了，下一步", "完成");
    }
    end_question(d, &out);
}

/* ---- an objection's questions ---- */

static void on_notice(struct request *rq, const cJSON *facts) {
    struct dialogue *d = of(rq);
    int64_t notice = fact_number(d->session, "notice");
    struct buf out;
    if (request_refusal(facts) != NULL) {
        go_to(d, DONE);
        d->refusal = facts;
        save(d, STR("请换一份公示。"));
        return;
    }
    begin_question(d, &out);
    buf_printf(&out, "对公示%" PRId64 "的哪一条有异议？请回复编号（名单第一列的数字）。\n", notice);
    web_link(&out, "打开名单",
             arena_printf(rq->arena, "%s/%s/notices/%" PRId64, rq->services->config->public_url,
                          rq->account->id, notice));
    end_question(d, &out);
}

static const struct action ask_notice_facts = {"dialogue", NULL, on_notice};

static void ask_line(struct dialogue *d) {
    const char *args[] = {arg_number(d->rq, fact_number(d->session, "notice")), NULL};
    request_call(d->rq, &ask_notice_facts, REQUEST_READS, "line_to_object", 2, args);
}

/* Whoever names a line sees which one it is before writing about it. */
static void on_line(struct request *rq, const cJSON *facts) {
    struct dialogue *d = of(rq);
    if (request_refusal(facts) != NULL) {
        bool mended = fact_is(facts, "refusal", "line_unknown");
        go_to(d, mended ? LINE : DONE);
        d->refusal = facts;
        save(d, STR("请换一个编号。"));
        return;
    }
    struct buf out;
    begin_question(d, &out);
    buf_printf(&out, "编号：%" PRId64 " %s（", fact_number(facts, "no"),
               fact_text(facts, "member"));
    say_cut(&out, fact_text(facts, "unit"), 20);
    buf_printf(&out,
               "）%s，%s分\n\n哪里不对？请用一两句话写能核实的事实，例如：当天活动取消了。\n"
               "您的姓名只有区域党委知道，不会公开，也不会告诉申报人。",
               fact_text(facts, "item"), fact_text(facts, "points"));
    end_question(d, &out);
}

static const struct action ask_line_facts = {"dialogue", NULL, on_line};

static void ask_reason(struct dialogue *d) {
    struct request *rq = d->rq;
    const char *args[] = {arg_number(rq, fact_number(d->session, "notice")),
                          arg_number(rq, fact_number(d->session, "no"))};
    request_call(rq, &ask_line_facts, REQUEST_READS, "line_to_object", 2, args);
}

/* ---- confirming and submitting ---- */

static const char *const *arguments(struct dialogue *d) {
    struct request *rq = d->rq;
    const cJSON *s = d->session;
    struct hours *hours = arena_alloc(rq->arena, sizeof(*hours));
    struct day day = {(int)fact_number(s, "days_ago"), (int)fact_number(s, "year"),
                      (int)fact_number(s, "month"), (int)fact_number(s, "day")};
    hours->minutes = (int)fact_number(s, "minutes");
    memcpy(hours->from, fact_text(s, "from"),
           str_from(fact_text(s, "from")).n % sizeof hours->from);
    memcpy(hours->to, fact_text(s, "to"), str_from(fact_text(s, "to")).n % sizeof hours->to);
    const char *const *common =
        declare_args(rq, fact_text(s, "item"), hours, &day, fact_text(s, "words"));
    const char **args = arena_alloc(rq->arena, ARGUMENTS * sizeof(*args));
    memcpy(args, common, (ARGUMENTS - 2) * sizeof(*args));
    char *json = cJSON_PrintUnformatted(fact(s, "photos"));
    args[ARGUMENTS - 2] = arena_strndup(rq->arena, json, strlen(json));
    args[ARGUMENTS - 1] = fact_text(s, "id");
    cJSON_free(json);
    return args;
}

static void file_objection(struct dialogue *d) {
    struct request *rq = d->rq;
    const char *args[] = {arg_number(rq, fact_number(d->session, "notice")),
                          arg_number(rq, fact_number(d->session, "no")),
                          fact_text(d->session, "words"), arg_now(rq->arena)};
    request_call(rq, &action_object, REQUEST_CHANGES, "object", 4, args);
}

static void submit(struct dialogue *d) {
    if (is_objection(d)) {
        file_objection(d);
        return;
    }
    request_call(d->rq, &action_declare, REQUEST_CHANGES_TOGETHER, "declare_together", ARGUMENTS,
                 arguments(d));
}

static bool concerns_words(const char *code) {
    return strncmp(code, "words_", strlen("words_")) == 0;
}

static void on_preview(struct request *rq, const cJSON *facts) {
    struct dialogue *d = of(rq);
    const char *code = request_refusal(facts);
    if (code != NULL) {
        /* Back to the step that can mend it; the refusal says what would be right. */
        go_to(d, concerns_words(code) ? WORDS : HOURS);
        d->refusal = facts;
        save(d, STR("请重新填写这一步。"));
        return;
    }
    struct buf out;
    begin_question(d, &out);
    buf_puts(&out, "请核对：\n");
    tell_worth(&out, facts);
    buf_puts(&out, "\n说明：");
    say_cut(&out, fact_text(d->session, "words"), 100);
    buf_printf(&out, "\n照片：%d张\n\n", photos(d));
    say_tap(&out, "确认提交", "确认");
    end_question(d, &out);
}

static const struct action ask_preview = {"dialogue", NULL, on_preview};

static void ask(struct dialogue *d) {
    switch (step_of(d)) {
    case CATEGORY:
    case ITEM:
        request_call(d->rq, &ask_catalogue, REQUEST_READS, "catalogue", 0, NULL);
        break;
    case HOURS:
        ask_hours(d);
        break;
    case WORDS:
        ask_words(d);
        break;
    case PHOTOS:
        ask_photos(d);
        break;
    case CONFIRM:
        request_call(d->rq, &ask_preview, REQUEST_READS, "preview_declaration", ARGUMENTS - 2,
                     arguments(d));
        break;
    case LINE:
        ask_line(d);
        break;
    case REASON:
        ask_reason(d);
        break;
    case DONE:
        action_unknown.start(d->rq, NULL);
        break;
    }
}

/* ---- the answers of the person ---- */

static void on_items(struct request *rq, const cJSON *facts) {
    struct dialogue *d = of(rq);
    const cJSON *items = fact(facts, "items");
    if (cJSON_GetArraySize(items) == 1) {
        const cJSON *item = cJSON_GetArrayItem(items, 0);
        set(d, "item", cJSON_CreateString(arg_number(rq, fact_number(item, "number"))));
        set(d, "item_name", cJSON_CreateString(fact_text(item, "name")));
        set(d, "proof", cJSON_CreateString(fact_text(item, "proof")));
        go_to(d, HOURS);
        ask(d);
        return;
    }
    if (cJSON_GetArraySize(items) == 0) {
        d->lead = "没有找到这个项目，请换个说法或点选。";
        ask(d);
        return;
    }
    struct buf out;
    begin_question(d, &out);
    buf_puts(&out, "找到几个项目，是哪一个？");
    go_to(d, ITEM);
    tell_items(&out, items);
    end_question(d, &out);
}

static const struct action find_items = {"dialogue", NULL, on_items};

static void take_item(struct dialogue *d) {
    int64_t number;
    struct words rest = d->words;
    if (step_of(d) == CATEGORY && words_number(&rest, &number) && words_empty(rest) &&
        number >= 1 && number <= 8) {
        set(d, "category", cJSON_CreateNumber((double)number));
        go_to(d, ITEM);
        ask(d);
        return;
    }
    rest = d->words;
    bool numbered = words_number(&rest, &number) && words_empty(rest);
    struct words simple = words_simplified(d->rq->arena, d->words);
    const char *args[] = {numbered ? arg_number(d->rq, number) : str_z(d->rq->arena, simple.plain)};
    request_call(d->rq, &find_items, REQUEST_READS, "find_items", 1, args);
}

static void take_hours(struct dialogue *d) {
    struct words rest = d->words;
    struct when when;
    when_read(d->rq->arena, &rest, &when);
    if (when.unclear.n > 0) {
        struct buf lead;
        buf_init(&lead, d->rq->arena);
        tell_unclear(d->rq, &lead, when.unclear, NULL);
        d->lead = str_z(d->rq->arena, buf_view(&lead));
        ask(d);
        return;
    }
    if (!when.timed || !words_empty(rest)) {
        d->lead = "没看懂时长。";
        ask(d);
        return;
    }
    set(d, "minutes", cJSON_CreateNumber(when.hours.minutes));
    set(d, "from", cJSON_CreateString(when.hours.from));
    set(d, "to", cJSON_CreateString(when.hours.to));
    set(d, "days_ago", cJSON_CreateNumber(when.day.days_ago));
    set(d, "year", cJSON_CreateNumber(when.day.year));
    set(d, "month", cJSON_CreateNumber(when.day.month));
    set(d, "day", cJSON_CreateNumber(when.day.day));
    go_to(d, WORDS);
    ask(d);
}

static void take_words(struct dialogue *d) {
    set(d, "words", cJSON_CreateString(str_z(d->rq->arena, words_typed(d->words))));
    go_to(d, PHOTOS);
    ask(d);
}

static void take_photos_done(struct dialogue *d) {
    if (words_is(d->words, "完成") && !needs_photo(d)) {
        go_to(d, CONFIRM);
    } else {
        d->lead = needs_photo(d) ? "还没有收到照片。" : "请发照片，或者点下一步。";
    }
    ask(d);
}

/* The session ends before the declaration is made: whoever repeats 确认 declares again under the
 * same dialogue number, which the database takes once. */
static void take_confirm(struct dialogue *d) {
    if (!words_is(d->words, "确认")) {
        d->lead = "请点「确认提交」，或回到上一步修改。";
        ask(d);
        return;
    }
    go_to(d, DONE);
    set(d, "confirmed", cJSON_CreateTrue());
    d->submit = true;
    save(d, STR("已提交"));
}

static void take_line(struct dialogue *d) {
    struct words rest = d->words;
    int64_t no;
    if (words_number(&rest, &no) && no >= 1 && words_empty(rest)) {
        set(d, "no", cJSON_CreateString(arg_number(d->rq, no)));
        go_to(d, REASON);
    } else {
        d->lead = "请只回复编号，例如：12";
    }
    ask(d);
}

/* Filed under the key of this very message, however often the platform repeats it. */
static void take_reason(struct dialogue *d) {
    set(d, "words", cJSON_CreateString(str_z(d->rq->arena, words_typed(d->words))));
    set(d, "filed_by", cJSON_CreateString(request_key(d->rq)));
    go_to(d, DONE);
    d->submit = true;
    save(d, STR("已提交"));
}

static void take_photo(struct dialogue *d) {
    if (is_objection(d))
        d->lead = "照片请在写完理由、收到异议编号之后再发。";
    else if (photos(d) >= PHOTOS_MAX) {
        d->lead = "照片够多了，不用再发。";
    } else {
        cJSON *photo = cJSON_CreateObject();
        cJSON_AddStringToObject(photo, "media_id", str_z(d->rq->arena, d->rq->message->media_id));
        cJSON_AddStringToObject(photo, "pic_url", str_z(d->rq->arena, d->rq->message->pic_url));
        cJSON_AddItemToArray(cJSON_GetObjectItem(d->session, "photos"), photo);
        d->lead = step_of(d) == PHOTOS ? NULL : "照片收到了。";
    }
    ask(d);
}

static void take_input(struct dialogue *d) {
    switch (step_of(d)) {
    case CATEGORY:
    case ITEM:
        take_item(d);
        break;
    case HOURS:
        take_hours(d);
        break;
    case WORDS:
        take_words(d);
        break;
    case PHOTOS:
        take_photos_done(d);
        break;
    case CONFIRM:
        take_confirm(d);
        break;
    case LINE:
        take_line(d);
        break;
    case REASON:
        take_reason(d);
        break;
    case DONE:
        action_unknown.start(d->rq, NULL);
        break;
    }
}

/* ---- one message ---- */

static const char *reply_before(const struct dialogue *d) {
    const cJSON *kept;
    cJSON_ArrayForEach(kept, fact(d->session, "replies")) {
        if (fact_is(kept, "key", request_key(d->rq))) {
            return fact_text(kept, "text");
        }
    }
    return NULL;
}

/* Without a dialogue under way the message means what it means elsewhere. */
static void outside(struct dialogue *d) {
    if (d->input == INPUT_PHOTO) {
        action_photo.start(d->rq, NULL);
    } else if (d->input == INPUT_WORDS && fact_true(d->session, "confirmed") &&
               words_is(d->words, "确认")) {
        submit(d);
    } else if (d->input == INPUT_WORDS) {
        action_unknown.start(d->rq, NULL);
    } else {
        say(d->rq, "没有进行中的申报。发送「申报」可以开始。");
    }
}

static void handle(struct dialogue *d) {
    bool active = d->session != NULL && step_of(d) != DONE;
    if (d->input == INPUT_START) {
        new_session(d, CATEGORY);
        ask(d);
    } else if (d->input == INPUT_OBJECT) {
        new_session(d, d->no > 0 ? REASON : LINE);
        set(d, "notice", cJSON_CreateString(arg_number(d->rq, d->notice)));
        set(d, "no", cJSON_CreateString(arg_number(d->rq, d->no)));
        ask(d);
    } else if (!active) {
        outside(d);
    } else if (d->input == INPUT_CANCEL) {
        go_to(d, DONE);
        save(d, is_objection(d) ? STR("已取消，什么都没有提交。")
                                : STR("已取消，什么都没有提交。发送「申报」可以重新开始。"));
    } else if (d->input == INPUT_BACK) {
        enum step step = step_of(d);
        go_to(d, is_first(step) ? step : step - 1);
        ask(d);
    } else if (d->input == INPUT_PHOTO) {
        take_photo(d);
    } else {
        take_input(d);
    }
}

static void on_loaded(struct dialogue_call *call, enum dialogue_status status, int64_t version,
                      struct str json) {
    struct dialogue *d =
        (struct dialogue *)(void *)((char *)call - offsetof(struct dialogue, call));
    if (status == DIALOGUE_AWAY) {
        if (d->input == INPUT_START || d->input == INPUT_OBJECT) {
            away(d);
        } else {
            outside(d);
        }
        return;
    }
    d->version = version;
    d->session = status == DIALOGUE_FOUND ? cJSON_ParseWithLength(json.p, json.n) : NULL;
    if (d->session != NULL) {
        arena_on_free(d->rq->arena, delete_session, d->session);
        const char *before = reply_before(d);
        bool submitted = fact_true(d->session, "confirmed") && step_of(d) == DONE;
        if (before != NULL && ((submitted && words_is(d->words, "确认")) ||
                               fact_is(d->session, "filed_by", request_key(d->rq)))) {
            submit(d);
            return;
        }
        if (before != NULL) {
            say(d->rq, before);
            return;
        }
    }
    handle(d);
}

static void load(struct dialogue *d) {
    d->call.on_done = on_loaded;
    dialogue_load(d->rq->services->redis, &d->call, d->rq->account->id, d->rq->openid);
}

static struct dialogue *new_dialogue(struct request *rq, enum input input, struct words words) {
    struct dialogue *d = arena_alloc(rq->arena, sizeof(*d));
    d->rq = rq;
    d->input = input;
    d->words = words;
    rq->state = d;
    return d;
}

static void begin(struct request *rq, enum input input, struct words words) {
    load(new_dialogue(rq, input, words));
}

static struct words no_words(struct request *rq) {
    return words_read(rq->arena, STR(""));
}

void dialogue_start(struct request *rq) {
    begin(rq, INPUT_START, no_words(rq));
}

void dialogue_object(struct request *rq, int64_t notice, int64_t no) {
    struct dialogue *d = new_dialogue(rq, INPUT_OBJECT, no_words(rq));
    d->notice = notice;
    d->no = no;
    load(d);
}

void dialogue_cancel_words(struct request *rq) {
    begin(rq, INPUT_CANCEL, no_words(rq));
}

void dialogue_back(struct request *rq) {
    begin(rq, INPUT_BACK, no_words(rq));
}

void dialogue_input(struct request *rq, struct words words) {
    begin(rq, INPUT_WORDS, words);
}

void dialogue_photo(struct request *rq) {
    begin(rq, INPUT_PHOTO, no_words(rq));
}
