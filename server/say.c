#include "server/say.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "server/unclear.h"
#include "wechat/reply.h"

/* ---- facts ---- */

const cJSON *fact(const cJSON *facts, const char *name) {
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(facts, name);
    return cJSON_IsNull(item) ? NULL : item;
}

const char *fact_text(const cJSON *facts, const char *name) {
    const char *text = cJSON_GetStringValue(fact(facts, name));
    return text != NULL ? text : "";
}

int64_t fact_number(const cJSON *facts, const char *name) {
    const cJSON *item = fact(facts, name);
    int64_t number = 0;
    if (cJSON_IsNumber(item) && item->valuedouble > -9e15 && item->valuedouble < 9e15)
        return (int64_t)item->valuedouble;
    return cJSON_IsString(item) && str_to_i64(str_from(item->valuestring), &number) ? number : 0;
}

bool fact_true(const cJSON *facts, const char *name) {
    return cJSON_IsTrue(fact(facts, name));
}

bool fact_is(const cJSON *facts, const char *name, const char *text) {
    return strcmp(fact_text(facts, name), text) == 0;
}

bool fact_has_role(const cJSON *facts, const char *role) {
    const cJSON *item;
    cJSON_ArrayForEach(item, fact(facts, "roles")) {
        const char *name = cJSON_GetStringValue(item);
        if (name != NULL && strcmp(name, role) == 0)
            return true;
    }
    return false;
}

/* ---- saying ---- */

void say_begin(struct request *rq, struct buf *out) {
    buf_init(out, rq->arena);
}

void say_end(struct request *rq, const struct buf *out) {
    request_reply(rq, buf_view(out));
}

void say(struct request *rq, const char *text) {
    request_reply(rq, str_from(text));
}

#define ROWS_MAX_BYTES 1600 /* of a reply's 2048: the rest is for the links below */

int say_rows(struct request *rq, struct buf *out, const cJSON *rows, say_row *tell) {
    int shown = 0;
    const cJSON *row;
    cJSON_ArrayForEach(row, rows) {
        struct buf text;
        buf_init(&text, out->arena);
        tell(rq, &text, row);
        if (shown > 0 && out->n + text.n > ROWS_MAX_BYTES)
            break;
        buf_addstr(out, buf_view(&text));
        shown++;
    }
    return shown;
}

int64_t say_last(const cJSON *rows, int shown, const char *field) {
    return fact_number(cJSON_GetArrayItem(rows, shown - 1), field);
}

void say_tap(struct buf *out, const char *label, const char *format, ...) {
    va_list args;
    va_start(args, format);
    char *text = arena_vprintf(out->arena, format, args);
    va_end(args);
    tap_link(out, label, text);
}

void say_word(struct buf *out, const char *word) {
    tap_link(out, word, word);
}

void say_next(struct buf *out) {
    buf_puts(out, "\n\n");
}

const char *say_status(const char *status) {
    static const char *const names[][2] = {
        {"draft", "待补照片"},      {"submitted", "待审核"},        {"in_review", "审核中"},
        {"returned", "已退回"},     {"rejected", "已驳回"},         {"rejected_final", "最终驳回"},
        {"appealed", "申诉中"},     {"approved", "已通过，待公示"}, {"announced", "公示中"},
        {"objected", "异议处理中"}, {"settled", "已入账"},          {"withdrawn", "已撤回"},
        {"voided", "已作废"},       {"revoked", "已撤销"},          {"revoked_late", "已撤销"},
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(status, names[i][0]) == 0)
            return names[i][1];
    return "处理中";
}

const char *say_outcome(const char *outcome) {
    if (strcmp(outcome, "upheld") == 0)
        return "异议成立";
    return strcmp(outcome, "dismissed") == 0 ? "异议不成立" : "异议不受理";
}

const char *say_cap(const char *cap) {
    static const char *const names[][2] = {{"declaration", "单次上限"},
                                           {"day", "每日上限"},
                                           {"week", "每周上限"},
                                           {"category", "本类上限"},
                                           {"period", "本期上限"}};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(cap, names[i][0]) == 0)
            return names[i][1];
    return "";
}

const char *say_objection_status(const char *status) {
    static const char *const names[][2] = {
        {"filed", "已收到，待受理"},    {"accepted", "已受理"},  {"investigating", "核实中"},
        {"upheld", "成立，该条已撤销"}, {"dismissed", "不成立"}, {"not_accepted", "未受理"}};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(status, names[i][0]) == 0)
            return names[i][1];
    return status;
}

void say_act(struct buf *out, const cJSON *facts) {
    int64_t subject = fact_number(facts, "subject");
    const char *period = fact_text(facts, "period");
    if (fact_is(facts, "kind", "objection"))
        buf_printf(out, "%s（第%" PRId64 "号异议）", say_outcome(fact_text(facts, "outcome")),
                   subject);
    else if (fact_is(facts, "kind", "correction"))
        buf_printf(out, "更正（第%" PRId64 "号申报%s）", subject,
                   fact_true(facts, "false_declaration") ? "，虚报" : "");
    else if (fact_is(facts, "kind", "extension"))
        buf_printf(out, "延长公示 %s %" PRId64 "个工作日", period, fact_number(facts, "days"));
    else
        buf_printf(out, "%s %s", fact_is(facts, "kind", "freeze") ? "冻结公示" : "发布公示",
                   period);
}

void say_outlook(struct buf *out, const cJSON *facts) {
    if (!fact_is(facts, "kind", "freeze"))
        return;
    buf_printf(out, "\n已通过%" PRId64 "条将列入公示", fact_number(facts, "approved"));
    if (fact_number(facts, "waiting") > 0)
        buf_printf(out, "；还有%" PRId64 "条没审完，审完后计入之后的公示",
                   fact_number(facts, "waiting"));
    if (fact(facts, "early_from") != NULL) {
        buf_puts(out, "\n时间表是");
        say_day(out, fact_text(facts, "early_from"));
        buf_puts(out, "起冻结，现在还早：之后申报、审完的都计入之后的公示");
    }
}

const char *say_kind(const char *kind) {
    static const char *const names[][2] = {{"AWARD_PENDING", "审核通过"},
                                           {"CANCEL_PENDING", "取消"},
                                           {"RELEASE", "公示入账"},
                                           {"DEBT_REPAY", "抵扣"},
                                           {"RESERVE", "兑换预留"},
                                           {"UNRESERVE", "兑换退回"},
                                           {"SPEND", "兑换"},
                                           {"EXPIRE", "到期"},
                                           {"CLAWBACK", "追回"},
                                           {"PENALTY", "扣分"},
                                           {"ADJUST", "调整"},
                                           {"REVERSAL", "冲正"}};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(kind, names[i][0]) == 0)
            return names[i][1];
    return "变动";
}

void say_minutes(struct buf *out, int64_t minutes) {
    if (minutes % 60 == 0)
        buf_printf(out, "%" PRId64 "小时", minutes / 60);
    else if (minutes % 30 == 0)
        buf_printf(out, "%" PRId64 ".5小时", minutes / 60);
    else if (minutes < 60)
        buf_printf(out, "%" PRId64 "分钟", minutes);
    else
        buf_printf(out, "%" PRId64 "小时%" PRId64 "分", minutes / 60, minutes % 60);
}

void say_day(struct buf *out, const char *day) {
    int64_t month, date;
    if (strlen(day) < 10 || !str_to_i64((struct str){day + 5, 2}, &month) ||
        !str_to_i64((struct str){day + 8, 2}, &date))
        buf_puts(out, day);
    else
        buf_printf(out, "%" PRId64 "月%" PRId64 "日", month, date);
}

void say_cut(struct buf *out, const char *text, size_t characters) {
    for (; *text != '\0'; text++) {
        bool begins = ((unsigned char)*text & 0xC0) != 0x80;
        if (begins && characters-- == 0) {
            buf_puts(out, "…");
            return;
        }
        /* A member's own words must not become a link in somebody else's chat. */
        if (*text == '<')
            buf_puts(out, "＜");
        else
            buf_add(out, text, 1);
    }
}

/* ---- refusals that several actions share ---- */

static void tell_items(struct buf *out, const cJSON *facts) {
    int shown = 0;
    const cJSON *item;
    buf_puts(out, "这个名称对应好几个项目，请改用项目编号：");
    cJSON_ArrayForEach(item, fact(facts, "items")) {
        if (shown++ == 12)
            break;
        buf_printf(out, "\n%" PRId64 " %s", fact_number(item, "number"), fact_text(item, "name"));
    }
}

bool tell_refusal(struct buf *out, const cJSON *facts) {
    static const char *const sentences[][2] = {
        {"not_active", "您的党员身份目前不在服务状态，不能申报。请联系区域党委办公室。"},
        {"hours_missing", "没看懂服务时长。可以写：2小时、90分钟、1.5，或 9:00-11:30。"},
        {"too_short", "服务时长要满半小时才能计分，请写实际时长，例如：1小时。"},
        {"too_long", "一次申报不能超过24小时，跨天的服务请按天分开申报。"},
        {"ends_first", "结束早于开始，请核对起止时间。跨夜的服务最长12小时，例如：22:00-1:00。"},
        {"date_invalid", "没有这一天，请核对日期，例如：昨天、11月20日。"},
        {"in_future", "服务结束后才能申报，请核对日期和时间。"},
        {"words_missing", "请再写一句说明，例如：打扫3号楼楼道。"},
        {"words_too_long", "说明请控制在500字以内。"},
        {"not_found", "没有找到这个编号，请核对后再发。"},
    };
    const char *code = request_refusal(facts);
    if (code == NULL)
        return false;
    for (size_t i = 0; i < sizeof sentences / sizeof sentences[0]; i++)
        if (strcmp(code, sentences[i][0]) == 0) {
            buf_puts(out, sentences[i][1]);
            return true;
        }
    if (strcmp(code, "item_unknown") == 0) {
        buf_puts(out, "没有找到服务项目「");
        say_cut(out, fact_text(facts, "words"), 20);
        buf_puts(out, "」。项目编号是1到44。");
    } else if (strcmp(code, "too_old") == 0) {
        buf_printf(out, "只能申报最近%" PRId64 "天内的服务，请核对日期。",
                   fact_number(facts, "days"));
    } else if (strcmp(code, "too_late") == 0) {
        buf_printf(out, "%s的服务，申报到", fact_text(facts, "title"));
        say_day(out, fact_text(facts, "last_day"));
        buf_puts(out, "为止，现在不能再申报了。有特殊情况请联系区域党委办公室。");
    } else if (strcmp(code, "overlap") == 0) {
        buf_printf(out,
                   "这段时间和您的另一条申报（编号：%" PRId64
                   "）重叠了。请核对时间，或先撤回那一条。",
                   fact_number(facts, "no"));
    } else if (strcmp(code, "too_many_waiting") == 0) {
        buf_printf(out,
                   "您已有%" PRId64 "条申报在等审核，到上限了，这一条没有收下。请等审完一些再报。",
                   fact_number(facts, "most"));
    } else if (strcmp(code, "state_conflict") == 0) {
        buf_printf(out, "这条申报现在是「%s」，不能这样操作。",
                   say_status(fact_text(facts, "status")));
    } else if (strcmp(code, "item_ambiguous") == 0) {
        tell_items(out, facts);
    } else {
        return false;
    }
    return true;
}

void tell_unclear(struct request *rq, struct buf *out, struct str words, const char *example) {
    enum unclear_kind kind = unclear_kind(words);
    bool length = kind == UNCLEAR_LENGTH;
    buf_puts(out, kind == UNCLEAR_OTHER ? "没看懂「" : "「");
    say_cut(out, str_z(rq->arena, words), 20);
    buf_puts(out, kind == UNCLEAR_SPAN    ? "」是哪一天？"
                  : kind == UNCLEAR_LUNAR ? "」是公历的哪一天？"
                  : length                ? "」是几小时？"
                                          : "」，");
    buf_puts(out, length ? "还没有申报：请写几小时，或从几点到几点，例如"
                         : "还没有申报：请写一个日期和一个时长，例如");
    if (example) {
        buf_puts(out, "：\n");
        say_cut(out, example, SIZE_MAX);
        buf_puts(out, length ? "\n或者把时长写成 9:00-11:30。" : "\n当天的把日期写成 今天。");
    } else {
        buf_puts(out, length ? " 4小时，9:00-11:30。"
                             : " 11月20日 2小时，昨天 9:00-11:30，当天的写 今天 2小时。");
    }
}

/* The next step, where one is known. */
static void tell_way_out(struct buf *out, const char *code) {
    if (strcmp(code, "item_unknown") == 0) {
        buf_puts(out, "一步步选更方便：");
        say_tap(out, "开始申报", "申报");
    } else if (strcmp(code, "item_ambiguous") == 0) {
        buf_puts(out, "\n例如：申报 12 2小时 上门陪护");
    } else if (strcmp(code, "overlap") == 0 || strcmp(code, "state_conflict") == 0 ||
               strcmp(code, "too_many_waiting") == 0) {
        say_next(out);
        say_word(out, "我的申报");
    }
}

bool say_refusal(struct request *rq, const cJSON *facts) {
    struct buf out;
    say_begin(rq, &out);
    if (!tell_refusal(&out, facts))
        return false;
    tell_way_out(&out, request_refusal(facts));
    say_end(rq, &out);
    return true;
}

void say_refused(struct request *rq, const cJSON *facts) {
    if (!say_refusal(rq, facts))
        say(rq, "这一步现在办不了。发送「帮助」看看可以做什么。");
}

/* ---- arguments ---- */

const char *arg_now(struct arena *arena) {
    char text[32];
    struct timespec now;
    struct tm tm;
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &tm);
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &tm);
    return arena_printf(arena, "%s.%06ldZ", text, now.tv_nsec / 1000);
}

const char *arg_number(struct request *rq, int64_t number) {
    return arena_printf(rq->arena, "%" PRId64, number);
}

const char *arg_text(struct request *rq, struct str text) {
    return text.n > 0 ? str_z(rq->arena, text) : NULL;
}
