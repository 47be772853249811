#include "server/opening.h"

#include "server/say.h"
#include "server/session.h"
#include "server/sign_in.h"

static void on_opened(struct web *web, const cJSON *facts) {
    const struct opening *o = web->state;
    if (fact_is(facts, "refusal", "signed_out")) {
        sign_in_start(web, o->page);
        return;
    }
    if (fact_is(facts, "refusal", "not_bound")) {
        sign_in_not_bound(web);
        return;
    }
    bool rotated = fact_true(facts, "rotated");
    cJSON *data = cJSON_Duplicate(facts, true);
    if (rotated)
        session_give(web, o->token);
    cJSON_AddStringToObject(data, "csrf", session_csrf(web, rotated ? o->token : NULL));
    o->then(web, data);
    cJSON_Delete(data);
}

void opening_start(struct web *web, const char *function, int n, const char *const *args) {
    struct opening *o = web->state;
    const char *session = session_of(web);
    const char *all[PG_ARGUMENTS_MAX] = {web->account->id, session, session_offer(web, &o->token)};
    for (int i = 0; i < n; i++)
        all[3 + i] = args[i];
    web_change(web, session, function, 3 + n, all, on_opened);
}
