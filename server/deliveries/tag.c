/* A round that brings the platform's tags level with the roles, step by step: which step is next,
 * the database says (db/functions/28_tags.sql); it learns of each that was done.
 *
 * Rounds of an account never overlap (one lane), because overlapping tag calls are refused as if
 * the tag did not exist (45159). That may still come, by another program: twice it is waited for,
 * then the tag's number is looked up anew. */

#include "server/deliveries/deliveries.h"
#include "server/say.h"
#include "server/tags.h"

#define OPENIDS_MAX 50 /* of one call */
#define STEPS_MAX 8    /* then the rest of the round comes later, well before its lease ends */
#define BUSY_TRIES 2
#define BUSY_SECONDS 2
#define LOST_TRIES 6 /* attempts of a round whose tag stays unknown */
#define UNAUTHORIZED 48001

struct round {
    int steps;
    int most; /* 1 after a refusal: whose fault it is shows in calls of one */
    const char *role;
    bool adds;
    const cJSON *openids;
    const char *at;
    int64_t tag;
};

static void next_step(struct outbox_item *item);

/* ---- what the database is told ---- */

static void on_told(struct outbox_item *item, const cJSON *facts) {
    (void)facts;
    next_step(item);
}

static void end_step(struct outbox_item *item, bool refused) {
    struct round *round = item->state;
    struct buf list;
    buf_init(&list, item->arena);
    const cJSON *openid;
    cJSON_ArrayForEach(openid, round->openids)
        buf_printf(&list, "%s\"%s\"", list.n > 0 ? "," : "{", openid->valuestring);
    buf_puts(&list, "}");
    const char *args[] = {round->role, round->adds ? "true" : "false", buf_view(&list).p,
                          refused ? "true" : "false", round->at};
    outbox_database(item, "end_tag_step", 5, args, on_told);
}

static void keep_tag(struct outbox_item *item, int64_t tag,
                     void (*then)(struct outbox_item *item, const cJSON *facts)) {
    struct round *round = item->state;
    const char *args[] = {round->role,
                          tag ? arena_printf(item->arena, "%lld", (long long)tag) : NULL};
    outbox_database(item, "keep_tag", 2, args, then);
}

/* ---- the tag ---- */

static void keep_found(struct outbox_item *item, int64_t tag) {
    if (tag)
        keep_tag(item, tag, on_told);
    else
        outbox_failed(item, "the platform has no tag of this name, and makes none");
}

static void on_listed(struct outbox_item *item, const struct platform_result *result) {
    struct round *round = item->state;
    if (result->outcome == PLATFORM_DONE)
        keep_found(item, tag_named(result->json, tag_name(round->role)));
    else
        outbox_end_with(item, result);
}

static void on_created(struct outbox_item *item, const struct platform_result *result) {
    if (result->outcome == PLATFORM_DONE) {
        keep_found(item, tag_created(result->json));
    } else if (result->errcode == TAG_NAME_TAKEN) {
        outbox_platform(item, &(struct platform_call){.path = "/cgi-bin/tags/get"}, on_listed);
    } else {
        outbox_end_with(item, result);
    }
}

static void create_tag(struct outbox_item *item) {
    struct round *round = item->state;
    struct platform_call call = {.path = "/cgi-bin/tags/create",
                                 .body = tag_create_body(item->arena, tag_name(round->role))};
    outbox_platform(item, &call, on_created);
}

/* ---- who wears it ---- */

static void on_forgotten(struct outbox_item *item, const cJSON *facts) {
    (void)facts;
    outbox_later(item, BUSY_SECONDS);
}

static void on_invalid(struct outbox_item *item) {
    if (item->attempt < BUSY_TRIES)
        outbox_later(item, BUSY_SECONDS);
    else if (item->attempt < LOST_TRIES)
        keep_tag(item, 0, on_forgotten);
    else
        outbox_failed(item, "the tag stays invalid");
}

static void on_set(struct outbox_item *item, const struct platform_result *result) {
    struct round *round = item->state;
    if (result->outcome == PLATFORM_DONE)
        end_step(item, false);
    else if (result->errcode == TAG_ID_INVALID)
        on_invalid(item);
    else if (result->outcome == PLATFORM_LATER || result->errcode == UNAUTHORIZED)
        outbox_end_with(item, result);
    else if (cJSON_GetArraySize(round->openids) == 1)
        end_step(item, true);
    else {
        round->most = 1;
        next_step(item);
    }
}

static void on_step(struct outbox_item *item, const cJSON *facts) {
    struct round *round = item->state;
    if (!fact(facts, "role")) {
        outbox_done(item);
        return;
    }
    round->role = fact_text(facts, "role");
    round->adds = fact_true(facts, "adds");
    round->openids = fact(facts, "openids");
    round->at = fact_text(facts, "at");
    round->tag = fact_number(facts, "tag");
    if (!round->tag) {
        create_tag(item);
        return;
    }
    struct platform_call call = {
        .path = round->adds ? "/cgi-bin/tags/members/batchtagging"
                            : "/cgi-bin/tags/members/batchuntagging",
        .body = tag_members_body(item->arena, round->tag, round->openids),
    };
    outbox_platform(item, &call, on_set);
}

static void next_step(struct outbox_item *item) {
    struct round *round = item->state;
    if (round->steps++ == STEPS_MAX) {
        outbox_later(item, 0);
        return;
    }
    const char *most = arena_printf(item->arena, "%d", round->most);
    outbox_database(item, "tag_step", 1, &most, on_step);
}

static void start(struct outbox_item *item) {
    struct round *round = arena_alloc(item->arena, sizeof *round);
    round->most = OPENIDS_MAX;
    item->state = round;
    if (item->account->verified)
        next_step(item);
    else
        outbox_done(item); /* it was verified when the round was asked for */
}

const struct delivery delivery_tag = {"tag", start};
