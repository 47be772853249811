#include "server/notification_words.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "server/config.h"
#include "server/say.h"
#include "wechat/reply.h"

#define WORDS_SHOWN 60   /* characters of a reviewer's reason */
#define REASON_SHOWN 300 /* of what a second administrator is to agree to */

struct context {
    const cJSON *facts;
    const struct config *config;
    const struct account *account;
};

/* ---- the sentences ---- */

static void begin(struct buf *out, const cJSON *facts) {
    buf_printf(out, "您的申报（编号：%" PRId64 " ", fact_number(facts, "no"));
    say_cut(out, fact_text(facts, "item"), 20);
    buf_puts(out, "）");
}

static void approved(struct buf *out, const struct context *c) {
    begin(out, c->facts);
    buf_printf(out, "已通过，计%s分", fact_text(c->facts, "counted"));
    if (fact(c->facts, "cap"))
        buf_printf(out, "（已到%s）", say_cap(fact_text(c->facts, "cap")));
    buf_puts(out, "。");
    say_tap(out, "看积分", "积分");
}

static void returned(struct buf *out, const struct context *c) {
    int64_t no = fact_number(c->facts, "no");
    begin(out, c->facts);
    buf_puts(out, "被退回：");
    say_cut(out, fact_text(c->facts, "words"), WORDS_SHOWN);
    buf_printf(out, "\n补充后发：重交 %" PRId64 " 说明，或直接发照片。", no);
    say_tap(out, "原样重交", "重交 %" PRId64, no);
}

static void rejected(struct buf *out, const struct context *c) {
    begin(out, c->facts);
    buf_puts(out, "未通过：");
    say_cut(out, fact_text(c->facts, "words"), WORDS_SHOWN);
    buf_printf(out, "\n不认可可发：申诉 %" PRId64 " 理由", fact_number(c->facts, "no"));
}

static void rejected_final(struct buf *out, const struct context *c) {
    begin(out, c->facts);
    buf_puts(out, "经申诉复核，仍未通过：");
    say_cut(out, fact_text(c->facts, "words"), WORDS_SHOWN);
}

static void notice_opened(struct buf *out, const struct context *c) {
    buf_printf(out, "%s已发布，其中您有%" PRId64 "条、共%s分。%s", fact_text(c->facts, "title"),
               fact_number(c->facts, "entries"), fact_text(c->facts, "counted"), "异议期至");
    say_day(out, fact_text(c->facts, "last_day"));
    buf_puts(out, "。");
    web_link(out, "看公示", notification_url(out->arena, c->facts, c->config, c->account));
}

static void objection_decided(struct buf *out, const struct context *c) {
    buf_printf(out, "您的异议（编号：%" PRId64 "）已办结，%s：", fact_number(c->facts, "objection"),
               say_outcome(fact_text(c->facts, "outcome")));
    say_cut(out, fact_text(c->facts, "words"), WORDS_SHOWN);
}

static void objection_filed(struct buf *out, const struct context *c) {
    buf_printf(out, "%s收到一条异议（异议编号：%" PRId64 "），请受理。",
               fact_text(c->facts, "title"), fact_number(c->facts, "objection"));
    say_word(out, "异议列表");
}

static void objection_due(struct buf *out, const struct context *c) {
    buf_printf(out, "有%" PRId64 "条异议已过答复期限，请尽快办理。",
               fact_number(c->facts, "overdue"));
    say_word(out, "异议列表");
}

/* Within the window, or by a correction after settlement; the objector is never named. */
static void line_revoked(struct buf *out, const struct context *c) {
    begin(out, c->facts);
    buf_puts(out, "经核查被撤销：");
    say_cut(out, fact_text(c->facts, "words"), WORDS_SHOWN);
    if (fact_number(c->facts, "taken") > 0)
        buf_printf(out, "\n已收回%s分", fact_text(c->facts, "taken"));
    if (fact_number(c->facts, "penalty") > 0)
        buf_printf(out, "（含虚报扣分%s分）", fact_text(c->facts, "penalty"));
    buf_puts(out, "\n如有疑问，请联系区域党委办公室。");
    say_tap(out, "看积分", "积分");
}

static void review_due(struct buf *out, const struct context *c) {
    buf_printf(out, "%s还有%" PRId64 "条申报没有审完，应在", fact_text(c->facts, "period"),
               fact_number(c->facts, "waiting"));
    say_day(out, fact_text(c->facts, "last_day"));
    buf_puts(out, "前审完，请提醒审核员。没审完的不会自动通过，计入之后的公示。");
}

static void notice_due(struct buf *out, const struct context *c) {
    const char *period = fact_text(c->facts, "period");
    const char *act = fact_is(c->facts, "step", "frozen") ? "发布公示" : "冻结公示";
    buf_printf(out, "%s的公示还没有%s，应在", period,
               fact_is(c->facts, "step", "frozen") ? "发布" : "冻结");
    say_day(out, fact_text(c->facts, "last_day"));
    buf_puts(out, "前发布。");
    say_tap(out, act, "%s %s", act, period);
}

static void second_wanted(struct buf *out, const struct context *c) {
    int64_t request = fact_number(c->facts, "request");
    buf_printf(out, "%s提出", fact_text(c->facts, "by"));
    say_act(out, c->facts);
    buf_printf(out, "，等您同意（申请编号：%" PRId64 "）。", request);
    if (fact(c->facts, "words") != NULL) {
        buf_puts(out, "\n理由：");
        say_cut(out, fact_text(c->facts, "words"), REASON_SHOWN);
    }
    say_outlook(out, c->facts);
    buf_printf(out, "\n不同意请发：不同意 %" PRId64 " 原因", request);
    say_tap(out, "同意", "同意 %" PRId64, request);
}

static void photo_failed(struct buf *out, const struct context *c) {
    if (fact(c->facts, "objection"))
        buf_printf(out, "您的异议（编号：%" PRId64 "）", fact_number(c->facts, "objection"));
    else
        begin(out, c->facts);
    buf_puts(out, "有一张照片没能收到，请重新发一张（JPG 或 PNG）。");
}

static void queue_waiting(struct buf *out, const struct context *c) {
    int64_t days = fact_number(c->facts, "days");
    buf_printf(out, "有%" PRId64 "条申报等待您审核", fact_number(c->facts, "waiting"));
    if (days > 0)
        buf_printf(out, "，最早的已等%" PRId64 "天", days);
    buf_puts(out, "。");
    if (fact(c->facts, "due")) {
        buf_printf(out, "其中%s的%" PRId64 "条应在", fact_text(c->facts, "period"),
                   fact_number(c->facts, "due"));
        say_day(out, fact_text(c->facts, "last_day"));
        buf_puts(out, "前审完。");
    }
    say_tap(out, "去审核", "待审");
}

static void joined(struct buf *out, const struct context *c) {
    buf_printf(out, "您的加入申请已确认：%s（%s）。欢迎加入！", fact_text(c->facts, "name"),
               fact_text(c->facts, "unit"));
    say_tap(out, "看看能做什么", "帮助");
}

static void join_refused(struct buf *out, const struct context *c) {
    buf_printf(out, "您加入%s的申请（编号：%" PRId64 "）没有通过：", fact_text(c->facts, "unit"),
               fact_number(c->facts, "request"));
    say_cut(out, fact_text(c->facts, "words"), WORDS_SHOWN);
    buf_puts(out, "\n写错了可以重新发：加入 姓名");
}

static void join_waiting(struct buf *out, const struct context *c) {
    (void)c;
    buf_puts(out, "有人扫码申请加入，请您确认。");
    say_tap(out, "看申请", "加入申请");
}

static void article_published(struct buf *out, const struct context *c) {
    buf_printf(out, "%s已发表为公众号文章。", fact_text(c->facts, "title"));
    web_link(out, "看文章", notification_url(out->arena, c->facts, c->config, c->account));
}

/* What keeps an article from being published, and what the office does then. */
static const struct {
    const char *why;
    const char *words;
} obstacles[] = {
    {"unverified", "公众号未认证，微信不让程序发表"},
    {"no_permission", "公众号没有用程序发表的权限"},
    {"banned", "微信暂停了公众号的发表功能"},
    {"by_hand", "微信要求先在后台保存草稿"},
    {"gone", "草稿已不在草稿箱，可能有人发表或删除了它"},
    {"originality", "微信的原创审核没有通过"},
    {"review", "微信的内容审核没有通过"},
    {"removed", "文章已被删除"},
    {"silent", "微信一直没有告知结果"},
    {"cover", "封面没有做成"},
    {"content", "正文没有做成"},
};

static void article_left(struct buf *out, const struct context *c) {
    const char *words = "微信没有接受这篇文章";
    for (size_t i = 0; i < sizeof obstacles / sizeof obstacles[0]; i++)
        if (fact_is(c->facts, "why", obstacles[i].why))
            words = obstacles[i].words;
    buf_printf(out, "%s没有自动发表成文章：%s。", fact_text(c->facts, "title"), words);
    buf_puts(out, fact_true(c->facts, "draft")
                      ? "请到公众号后台的草稿箱查看，需要时在那里发表。"
                      : "公示网页照常有效；需要文章时，请在公众号后台新建图文并附上网页。");
    web_link(out, "看公示", notification_url(out->arena, c->facts, c->config, c->account));
}

static const struct {
    const char *what;
    const char *result; /* in a word of at most five characters */
    void (*tell)(struct buf *out, const struct context *c);
} kinds[] = {
    {"approved", "已通过", approved},
    {"returned", "已退回", returned},
    {"rejected", "未通过", rejected},
    {"rejected_final", "未通过", rejected_final},
    {"notice_opened", "公示中", notice_opened},
    {"objection_decided", "已办结", objection_decided},
    {"objection_filed", "请受理", objection_filed},
    {"objection_due", "已超期", objection_due},
    {"line_revoked", "已撤销", line_revoked},
    {"review_due", "请审核", review_due},
    {"notice_due", "请办理", notice_due},
    {"second_wanted", "请同意", second_wanted},
    {"photo_failed", "请重发", photo_failed},
    {"queue_waiting", "待审核", queue_waiting},
    {"joined", "已加入", joined},
    {"join_refused", "未通过", join_refused},
    {"join_waiting", "待确认", join_waiting},
    {"article_published", "已发表", article_published},
    {"article_left", "请处理", article_left},
};

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

void notification_words(struct buf *out, const cJSON *facts, const struct config *config,
                        const struct account *account) {
    struct context context = {facts, config, account};
    for (size_t i = 0; i < COUNT(kinds); i++)
        if (fact_is(facts, "what", kinds[i].what))
            kinds[i].tell(out, &context);
}

const char *notification_url(struct arena *arena, const cJSON *facts, const struct config *config,
                             const struct account *account) {
    if (fact(facts, "url"))
        return fact_text(facts, "url");
    if (fact(facts, "notice"))
        return arena_printf(arena, "%s/%s/notices/%" PRId64, config->public_url, account->id,
                            fact_number(facts, "notice"));
    return NULL;
}

/* ---- fields of a template ---- */

static const char *result_of(const cJSON *facts) {
    for (size_t i = 0; i < COUNT(kinds); i++)
        if (fact_is(facts, "what", kinds[i].what))
            return kinds[i].result;
    return "";
}

static const char *now_text(struct arena *arena) {
    char text[32];
    time_t beijing = time(NULL) + 8 * 3600;
    struct tm tm;
    gmtime_r(&beijing, &tm);
    strftime(text, sizeof text, "%Y-%m-%d %H:%M", &tm);
    return arena_strndup(arena, text, strlen(text));
}

static const char *const field_words[] = {
    "no",     "item", "counted", "words", "title",     "last_day", "entries", "waiting", "days",
    "result", "time", "name",    "unit",  "objection", "period",   "request", "by",      NULL};

/* What the platform allows for a type of field: characters, and what stands for nothing. */
static const struct {
    const char *type;
    size_t characters;
    const char *nothing;
} field_types[] = {
    {"thing", 20, "无"},      {"phrase", 5, "无"}, {"character_string", 32, "-"},
    {"number", 32, "0"},      {"amount", 10, "0"}, {"time", 20, "-"},
    {"date", 20, "-"},        {"name", 10, "无"},  {"const", 20, "无"},
    {"short_thing", 5, "无"},
};

static const char *word_text(struct arena *arena, const cJSON *facts, const char *word) {
    if (strcmp(word, "result") == 0)
        return result_of(facts);
    if (strcmp(word, "time") == 0)
        return now_text(arena);
    const cJSON *value = fact(facts, word);
    if (cJSON_IsNumber(value))
        return arena_printf(arena, "%" PRId64, fact_number(facts, word));
    return fact_text(facts, word);
}

static size_t type_of(const char *field) {
    size_t letters = strspn(field, "abcdefghijklmnopqrstuvwxyz_");
    for (size_t i = 0; i < COUNT(field_types); i++)
        if (strlen(field_types[i].type) == letters &&
            strncmp(field, field_types[i].type, letters) == 0)
            return i;
    return 0; /* thing, the strictest of the common ones */
}

static size_t characters_of(const char *text) {
    size_t n = 0;
    for (; *text; text++)
        n += ((unsigned char)*text & 0xC0) != 0x80;
    return n;
}

const char *notification_field(struct arena *arena, const cJSON *facts, const char *field,
                               const char *word) {
    const char *text = word_text(arena, facts, word);
    size_t type = type_of(field), max = field_types[type].characters;
    if (!*text)
        return field_types[type].nothing;
    if (characters_of(text) <= max)
        return text;
    struct buf out;
    buf_init(&out, arena);
    say_cut(&out, text, max - 1); /* one for the sign that something was cut */
    return out.p;
}

/* ---- for the configuration ---- */

bool notification_kind_known(const char *kind) {
    for (size_t i = 0; i < COUNT(kinds); i++)
        if (strcmp(kinds[i].what, kind) == 0)
            return true;
    return false;
}

bool notification_has_word(const char *word) {
    for (size_t i = 0; field_words[i]; i++)
        if (strcmp(field_words[i], word) == 0)
            return true;
    return false;
}

const char *notification_kinds_list(void) {
    return "approved, returned, rejected, rejected_final, notice_opened, objection_decided, "
           "photo_failed, queue_waiting, joined, join_refused, join_waiting, article_published, "
           "article_left, line_revoked, objection_filed, objection_due, review_due, notice_due, "
           "second_wanted";
}

const char *notification_words_list(void) {
    return "no, item, counted, words, title, last_day, entries, waiting, days, result, time, name, "
           "unit, objection, period, request, by";
}
