#ifndef GULOU_ROUTE_H
#define GULOU_ROUTE_H

/* What a message wants: its words or its event find one action.
 *
 * Order: a command's word (as typed, then with traditional characters made simplified), then the
 * guided declaration that may be under way, then a short hint. A menu's key is read like a text.
 * Who may do what is not decided here but in the database. */

#include "server/request.h"
#include "server/words.h"

/* The words that an action was asked with. */
struct command {
    const char *word;  /* as the table spells it */
    struct words rest; /* what follows it */
    struct words text; /* all of it */
};

/* Ends, at once or later, with exactly one answer to the request. */
void route_message(struct request *rq);

/* The same for words alone, which stand in rq->words from then on. */
void route_text(struct request *rq, struct str text);

/* By struct action's name; NULL when there is none. For showing a stored answer again. */
const struct action *route_action(const char *name);

/* The action of a text and its command; NULL when no command matches. For the tests. */
const struct action *route_words(struct arena *arena, struct words words, struct command *out);

#endif
