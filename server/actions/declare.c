#include <inttypes.h>
#include <string.h>

#include "server/actions/actions.h"
#include "server/dialogue.h"
#include "server/route.h"
#include "server/say.h"
#include "server/unclear.h"
#include "server/when.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define EXAMPLE_BYTES 240 /* a longer message is not said again */
#define ITEM_WORDS_MAX 4  /* a name may hold blanks: 急救 技能 培训 */

/* 2小时, 9:00-11:00, 11月20日 and 20号打扫 are no items, although they begin with a number;
 * 40,2小时 is item 40. */
static bool is_when(struct request *rq, struct words words, struct words behind) {
    struct hours hours;
    struct day day;
    struct words timed = words, dated = words;
    size_t digits = strspn(str_z(rq->arena, words.plain), "0123456789");
    bool comma = digits < words.plain.n && words.plain.p[digits] == ',';
    const char *mark = "号";
    bool glued = !words_empty(behind) && words_prefix(str_drop(words.plain, digits), mark) > 0 &&
                 words.plain.n - digits - strlen(mark) == behind.plain.n;
    return (hours_read(rq->arena, &timed, &hours) && timed.plain.n < behind.plain.n && !comma) ||
           (day_read(rq->arena, &dated, &day) && (dated.plain.n < behind.plain.n || glued));
}

/* ITEM: a number, or words up to the first that reads as hours or a day, or looks like one. */
static const char *read_item(struct request *rq, struct words *rest) {
    int64_t number;
    /* The catalogue is written in simplified characters. */
    struct words simple = words_simplified(rq->arena, *rest), at = simple;
    if (words_number(&at, &number) && number >= 0 && !is_when(rq, simple, at)) {
        *rest = at;
        return arg_number(rq, number);
    }
    struct buf name;
    buf_init(&name, rq->arena);
    for (int i = 0; i < ITEM_WORDS_MAX && !words_empty(simple); i++) {
        if (i > 0 && when_begins(rq->arena, simple))
            break;
        buf_addstr(&name, words_next(&simple));
    }
    *rest = simple;
    return str_z(rq->arena, buf_view(&name));
}

const char *const *declare_args(struct request *rq, const char *item, const struct hours *hours,
                                const struct day *day, const char *words) {
    const char **args = arena_alloc(rq->arena, 11 * sizeof *args);
    bool stated = day->day != 0;
    args[0] = item;
    args[1] = hours != NULL ? arg_number(rq, hours->minutes) : NULL;
    args[2] = hours != NULL && hours->from[0] != '\0' ? hours->from : NULL;
    args[3] = hours != NULL && hours->from[0] != '\0' ? hours->to : NULL;
    args[4] = stated ? NULL : arg_number(rq, day->days_ago);
    args[5] = stated && day->year > 0 ? arg_number(rq, day->year) : NULL;
    args[6] = stated && day->month != 0 ? arg_number(rq, day->month) : NULL;
    args[7] = stated ? arg_number(rq, day->day) : NULL;
    args[8] = words;
    return args;
}

/* What was said with `better` where `at` stands in it, if that is understood; else NULL. Within a
 * word it needs blanks around it: 帮忙 11月20日 打扫. */
static const char *mended(struct request *rq, struct str said, struct str at, const char *better,
                          bool length) {
    static const char *const before[] = {"", " "};
    struct str behind =
        str_trim((struct str){at.p + at.n, (size_t)(said.p + said.n - (at.p + at.n))});
    for (size_t i = 0; i < COUNT(before); i++) {
        const char *line = arena_printf(rq->arena, "%.*s%s%s %.*s", (int)(at.p - said.p), said.p,
                                        before[i], better, (int)behind.n, behind.p);
        struct words rest = words_read(rq->arena, str_from(line));
        struct when when;
        read_item(rq, &rest);
        when_read(rq->arena, &rest, &when);
        if (when.unclear.n == 0 && when.timed && (length || when.dated))
            return arena_printf(rq->arena, "申报 %s", line);
    }
    return NULL;
}

/* What was said, with a day or a length that is understood in the place of what was not: to be sent
 * again. NULL: more is to be mended than that. */
static const char *example(struct request *rq, struct words said, struct words rest,
                           struct str unclear) {
    static const char *const days[] = {"11月20日", "11月20日 2小时"}, *const lengths[] = {"4小时"};
    bool length = unclear_kind(unclear) == UNCLEAR_LENGTH;
    struct str whole = words_typed(said);
    if (unclear.p < rest.plain.p || unclear.p + unclear.n > rest.plain.p + rest.plain.n ||
        whole.n > EXAMPLE_BYTES)
        return NULL;
    size_t at = (size_t)(unclear.p - rest.plain.p);
    struct str typed = str_trim(
        (struct str){rest.typed.p + rest.from[at], rest.from[at + unclear.n] - rest.from[at]});
    const char *found = memmem(whole.p, whole.n, typed.p, typed.n), *line = NULL;
    const char *const *better = length ? lengths : days;
    for (size_t i = 0; found && !line && i < (length ? COUNT(lengths) : COUNT(days)); i++)
        line = mended(rq, whole, (struct str){found, typed.n}, better[i], length);
    return line;
}

static void start(struct request *rq, const struct command *command) {
    struct words rest = command->rest;
    if (words_empty(rest)) {
        dialogue_start(rq);
        return;
    }
    struct when *when = arena_alloc(rq->arena, sizeof *when);
    const char *item = read_item(rq, &rest);
    when_read(rq->arena, &rest, when);
    struct hours *hours = when->timed ? &when->hours : NULL;
    if (when->unclear.n > 0) {
        struct buf out;
        say_begin(rq, &out);
        tell_unclear(rq, &out, when->unclear, example(rq, command->rest, rest, when->unclear));
        say_end(rq, &out);
        return;
    }
    if (hours != NULL && hours->from[0] != '\0' && hours->minutes == 0) {
        say(rq, "开始和结束时间相同，请写实际时间，例如：9:00-11:30。");
        return;
    }
    /* p_photos and p_dialogue, the last two, stay NULL: a line typed at once has neither. */
    request_call(rq, &action_declare, REQUEST_CHANGES_TOGETHER, "declare_together", 11,
                 declare_args(rq, item, hours, &when->day, arg_text(rq, words_typed(rest))));
}

/* 12 社区文艺演出，11月20日 9:00-11:30（2.5小时） */
void tell_worth(struct buf *out, const cJSON *facts) {
    const cJSON *item = fact(facts, "item");
    buf_printf(out, "项目：%" PRId64 " %s\n时间：", fact_number(item, "number"),
               fact_text(item, "name"));
    say_day(out, fact_text(facts, "date"));
    if (fact(facts, "from") != NULL)
        buf_printf(out, " %s-%s", fact_text(facts, "from"), fact_text(facts, "to"));
    buf_puts(out, "，");
    say_minutes(out, fact_number(facts, "minutes"));
    buf_printf(out, "\n预计积分：%s", fact_text(facts, "points"));
    if (fact(facts, "cap") != NULL)
        buf_printf(out, "（按时长%s分，已到%s）", fact_text(facts, "claimed"),
                   say_cap(fact_text(facts, "cap")));
}

void tell_declaration(struct buf *out, const cJSON *facts) {
    int64_t no = fact_number(facts, "no");
    buf_printf(out, "编号：%" PRId64 "\n", no);
    tell_worth(out, facts);
    if (fact_true(facts, "needs_proof"))
        buf_puts(out, "\n这个项目需要佐证，请发送照片，收到照片后自动提交审核。");
    else
        buf_puts(out, "\n状态：待审核。有照片可以直接发来。");
    say_next(out);
    say_word(out, "我的申报");
    buf_puts(out, "　");
    say_tap(out, "撤回", "撤回 %" PRId64, no);
}

static void answer(struct request *rq, const cJSON *facts) {
    if (request_refusal(facts) != NULL) {
        say_refused(rq, facts);
        return;
    }
    struct buf out;
    say_begin(rq, &out);
    buf_puts(&out, "收到您的申报，辛苦了！\n");
    tell_declaration(&out, facts);
    say_end(rq, &out);
}

const struct action action_declare = {"declare", start, answer};
