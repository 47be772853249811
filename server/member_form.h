#ifndef GULOU_MEMBER_FORM_H
#define GULOU_MEMBER_FORM_H

/* What the pages of signed-in people do alike: open for the person of the session, read the JSON
 * that their script sends, and answer with facts and, for a refusal, its words.
 *
 * Ownership: as web.h. Readers that return NULL or false have answered. */

#include "server/web.h"

/* A page: `page` is where a sign-in comes back to; its script is <template>.js, with `photos`
 * behind photos.js. It lives as long as the exchange. */
struct member_page {
    const char *page, *template, *title;
    bool photos;
    void (*prepare)(struct web *web,
                    cJSON *facts); /* the facts for the template; NULL: as they are */
};

/* Opens it with the facts of api.<function>(account, session, next session, args…). */
void form_open_page(struct web *web, const struct member_page *page, const char *function, int n,
                    const char *const *args);

/* Fixed forms, so that the database never has to raise over one: 0 stands for a digit, x for a
 * hexadecimal one. */
bool form_fits(const char *text, const char *form);
bool form_is_uuid(const char *text);

/* The JSON object that was sent; NULL: answered. */
const cJSON *form_read_body(struct web *web);

/* A whole number, written as one in JSON; false: it is none, and nothing is answered yet. */
bool form_read_number(const cJSON *number, int64_t *out);

/* The field's text as it was typed; "" when it has nothing that a person could see. */
const char *form_read_words(struct web *web, const cJSON *body, const char *field);

/* ["uuid"…], checked; NULL: answered. */
const char *form_read_photos(struct web *web, const cJSON *body);

/* Answers that this field is wrong. */
void form_wrong(struct web *web, const char *field);

/* Answers with the facts, and for a refusal its words. */
void form_reply(struct web *web, const cJSON *facts);

#endif
