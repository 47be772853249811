#ifndef GULOU_DIALOGUE_H
#define GULOU_DIALOGUE_H

/* The guided declaration: category → item → hours → words → photos → confirm; and the guided
 * objection: line → reason. The first question of each asks the database, so that a guest learns
 * how to bind before anything is written.
 *
 * Where it stands is a JSON in db/dialogue_store.h. Every step is saved with the version that was
 * read, so two messages at once cannot both move it; the slower one reads again. The last replies
 * are kept with their message keys, so an attempt that the platform repeats gets the same words
 * without moving anything. The key of the message that began it is the dialogue's own number: it
 * goes to declare_together as a second guard, and one dialogue makes one declaration at most.
 * Without Redis there is no dialogue; one-line commands do everything too.
 *
 * Each function ends the request with one answer, at once or later. */

#include "server/request.h"
#include "server/words.h"

void dialogue_start(struct request *rq);
void dialogue_object(struct request *rq, int64_t notice, int64_t no); /* no 0: it is asked for */
void dialogue_cancel_words(struct request *rq);                       /* 取消 */
void dialogue_back(struct request *rq);                               /* 上一步 */

/* A text that is no command; action_unknown when no dialogue is under way. */
void dialogue_input(struct request *rq, struct words words);

/* A photo; action_photo when no dialogue is at a step that takes photos. */
void dialogue_photo(struct request *rq);

/* The first nine arguments of declare_together and preview_declaration; room for eleven. */
struct hours;
struct day;
const char *const *declare_args(struct request *rq, const char *item, const struct hours *hours,
                                const struct day *day, const char *words);

#endif
