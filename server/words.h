#ifndef GULOU_WORDS_H
#define GULOU_WORDS_H

/* What a person typed, read the way a person would: full-width digits and punctuation count as
 * half-width (NFKC), blanks of any kind count as one, and traditional characters are tried when the
 * simplified ones did not match.
 *
 * Use:       struct words w = words_read(arena, message->content);
 *            if (words_command(w, "撤回", &rest) && words_number(&rest, &no)) ...
 * Two faces: `plain` is for matching; words_typed() gives the same stretch exactly as typed,
 * because a member's own sentence is stored with the punctuation he gave it. Ownership: everything
 * is a view into the arena or into the message. Thread:    any; the dictionary of
 * words_simplified() is shared behind a lock. */

#include "server/base/arena.h"
#include "server/base/str.h"

struct words {
    struct str plain;   /* NFKC, without control characters, single blanks, trimmed */
    const size_t *from; /* plain.n + 1 offsets: where each byte of `plain` began in `typed` */
    struct str typed;   /* the whole message, whatever part of it `plain` is */
};

struct words words_read(struct arena *arena, struct str typed);

/* This stretch to the end of the message, as typed, trimmed; control characters other than line
 * ends stay for the database to refuse. */
struct str words_typed(struct words words);

/* Traditional characters become simplified ones, one for one, within the first 64 characters. */
struct words words_simplified(struct arena *arena, struct words words);

/* The whole text is `word`, brackets and closing punctuation apart: 「积分」, 积分。 */
bool words_is(struct words words, const char *word);

/* The text is `word` followed by something that cannot continue the word: nothing, a blank,
 * punctuation, a digit or a Latin letter. `rest` is what follows, without the separators. So
 * 通过12 is a command and 通过努力 is not. */
bool words_command(struct words words, const char *word, struct words *rest);

bool words_empty(struct words words);

/* Drops `n` bytes of `plain` and the blanks and separators (,;:、，) behind them. */
struct words words_after(struct words words, size_t n);

/* The same words without the `n` bytes of `plain` from `at` on, nor the separators around them that
 * then part nothing. */
struct words words_without(struct arena *arena, struct words words, size_t at, size_t n);

/* Takes the first stretch without blanks; empty at the end. */
struct str words_next(struct words *words);

/* Takes one number, with what people write around it: 12, 12号, #12, 编号:12, 第12项. */
bool words_number(struct words *words, int64_t *out);

/* Takes numbers for as long as they come, at most `max`, each once; returns how many. */
size_t words_numbers(struct words *words, int64_t *out, size_t max);

/* A count at the start of `text` in digits or Chinese numerals below 100 (两, 十二, 二十), without
 * sign or fraction; returns the bytes taken, 0 if there is none. */
size_t words_count(struct str text, int *out);

/* A period at the start of `text`, as 2026-Q3 or 2026-10 into `out`: 2026-Q3, 2026Q3,
 * 2026年第三季度; 2026-10, 2026年10月. Returns the bytes taken, 0 if there is none. */
#define WORDS_PERIOD_SIZE 8
size_t words_period(struct str text, char out[WORDS_PERIOD_SIZE]);

/* For readers of a text's start: what stands there, by the bytes that it takes, else 0. */

size_t words_prefix(struct str text, const char *prefix); /* this UTF-8 literal */
size_t words_any(struct str text, const char *const *list, size_t count);
#define WORDS_ANY(text, list) words_any((text), (list), sizeof(list) / sizeof((list)[0]))
size_t words_blank(struct str text);   /* one blank; `plain` never has two */
size_t words_figures(struct str text); /* all of 0 to 9 */
bool words_is_digit(struct str text);

size_t words_to(struct str text);  /* - ~ — – 〜 到 至 */
size_t words_and(struct str text); /* 和 与 及 */

/* Nothing that could still belong to a number: the end, a blank, or one of , ; 、 。 ! ? ( */
bool words_at_break(struct str text);

/* Nothing that could still belong to a word: also a colon, a dash and any other ASCII sign. */
bool words_at_end(struct str text);

#endif
