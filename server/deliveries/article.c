/* Makes a published notice an article of the account, one call of the platform after the other.
 *
 * Which one comes next, and whether the one before may have happened without our knowing, is said
 * by db/functions/79_articles.sql; what a call brought is stored there before the next begins. */

#include <inttypes.h>
#include <string.h>

#include "server/background.h"
#include "server/base/buf.h"
#include "server/base/log.h"
#include "server/deliveries/deliveries.h"
#include "server/image.h"
#include "server/render.h"
#include "server/say.h"

/* What an article may hold (protocol 7.8). */
#define TITLE_CHARACTERS 32
#define AUTHOR_CHARACTERS 16
#define DIGEST_CHARACTERS 120
#define CONTENT_CHARACTERS 19999
#define LINES_MAX 360 /* of fewer than 56 characters there are none */

#define LIST_COUNT 20
#define LIST_PAGES 10
#define UNCLEAR_SECONDS 60 /* before we look what became of an answer that says nothing */
#define BUSY (-1)

struct writing {
    struct outbox_item *item;
    const char *attempt; /* as an argument */
    const char *lines;
    const struct step *step; /* under way */
    const cJSON *facts;      /* what the database gave for it */
    struct background_job job;
    bool drawn;
    struct str cover;
    struct api_file file;
    int offset; /* in a list of the platform's */
};

struct step {
    const char *name;
    void (*start)(struct writing *w);
    bool makes; /* something that must not be made twice; the others only look */
};

static void on_next(struct outbox_item *item, const cJSON *facts);

/* ---- what a step came to ---- */

static void did(struct writing *w, cJSON *result) {
    const char *json = api_json(w->item->arena, result).p;
    cJSON_Delete(result);
    outbox_database(w->item, "article_did", 4,
                    (const char *[]){w->attempt, w->lines, w->step->name, json}, on_next);
}

static void did_bring(struct writing *w, const char *name, const char *value) {
    cJSON *result = cJSON_CreateObject();
    if (value)
        cJSON_AddStringToObject(result, name, value);
    did(w, result);
}

/* `seconds` NULL: it is left to people. */
static void refuse(struct writing *w, const char *seconds, const char *why) {
    outbox_database(w->item, "article_refused", 3, (const char *[]){w->attempt, seconds, why},
                    on_next);
}

/* The words that 79_articles.sql and notification_words.c know. */
static const char *why(int errcode) {
    switch (errcode) {
    case 48001:
        return "no_permission";
    case 48004:
    case 53500:
        return "banned";
    case 53503:
    case 53504:
    case 53505:
        return "by_hand";
    case 40007:
        return "gone";
    default:
        return "refused";
    }
}

/* True: the step is over. What made nothing for certain may be made again; of the others the
 * platform's lists are asked first. */
static bool ends_step(struct writing *w, const struct platform_result *result) {
    bool made_nothing = result->errcode != BUSY || result->not_sent;
    if (result->outcome == PLATFORM_DONE)
        return false;
    if (result->outcome == PLATFORM_REFUSED)
        refuse(w, NULL, why(result->errcode));
    else if (w->step->makes && made_nothing)
        refuse(w, arena_printf(w->item->arena, "%d", result->later_seconds), "");
    else
        outbox_later(w->item, result->later_seconds);
    return true;
}

/* ---- the calls ---- */

static void call(struct writing *w, const char *path, cJSON *body,
                 void (*then)(struct outbox_item *item, const struct platform_result *result)) {
    struct platform_call call = {.path = path, .body = api_json(w->item->arena, body)};
    cJSON_Delete(body);
    outbox_platform(w->item, &call, then);
}

/* Stores an id that the answer must hold. */
static void keep_id(struct outbox_item *item, const struct platform_result *result,
                    const char *field, const char *name) {
    struct writing *w = item->state;
    if (ends_step(w, result))
        return;
    const char *id = api_id(item->arena, result->json, field);
    if (id && *id)
        did_bring(w, name, id);
    else
        outbox_later(item, UNCLEAR_SECONDS);
}

static const char *link_of(const struct writing *w) {
    return arena_printf(w->item->arena, "%s/%s/notices/%" PRId64,
                        w->item->services->config->public_url, w->item->account->id,
                        fact_number(w->facts, "notice"));
}

/* ---- the cover ---- */

static void on_uploaded(struct outbox_item *item, const struct platform_result *result) {
    keep_id(item, result, "media_id", "media");
}

static struct writing *writing_of(struct background_job *job) {
    return (struct writing *)(void *)((char *)job - offsetof(struct writing, job));
}

static void on_drawn(struct background_job *job) {
    struct writing *w = writing_of(job);
    if (!w->drawn) {
        refuse(w, NULL, "cover");
        return;
    }
    w->file = (struct api_file){"cover.jpg", "image/jpeg", w->cover};
    struct platform_call upload = {
        .path = "/cgi-bin/material/add_material", .query = {{"type", "image"}}, .file = &w->file};
    outbox_platform(w->item, &upload, on_uploaded);
}

static void draw(struct background_job *job) {
    struct writing *w = writing_of(job);
    w->drawn = image_cover(w->item->arena, fact_text(w->facts, "title"), w->item->account->name,
                           &w->cover);
}

static void forget(void *job) {
    background_cancel(job);
}

static void start_cover(struct writing *w) {
    w->job = (struct background_job){.work = draw, .on_done = on_drawn};
    arena_on_free(w->item->arena, forget, &w->job);
    background_submit(w->item->services->background, &w->job);
}

/* ---- the draft ---- */

static const char *cut(struct arena *arena, const char *text, size_t characters) {
    struct buf out;
    buf_init(&out, arena);
    say_cut(&out, text, characters - 1); /* one for the sign that something was cut */
    return out.p;
}

static size_t characters_of(const char *text) {
    size_t n = 0;
    for (; *text; text++)
        n += ((unsigned char)*text & 0xC0) != 0x80;
    return n;
}

/* With the list where it fits, else without. NULL: the template is broken. */
static const char *content_of(struct writing *w) {
    cJSON *data = cJSON_Duplicate(w->facts, true);
    bool listed = cJSON_IsArray(fact(data, "lines"));
    cJSON_AddBoolToObject(data, "has_lines", listed);
    const char *html = render_part(w->item->arena, "article", data);
    if (html && listed && characters_of(html) > CONTENT_CHARACTERS) {
        cJSON_DeleteItemFromObject(data, "has_lines");
        html = render_part(w->item->arena, "article", data);
    }
    cJSON_Delete(data);
    return html;
}

static const char *digest_of(struct writing *w) {
    struct buf out;
    buf_init(&out, w->item->arena);
    buf_printf(&out, "共%" PRId64 "人、%" PRId64 "条服务、%s分，公示期至",
               fact_number(w->facts, "members"), fact_number(w->facts, "entries"),
               fact_text(w->facts, "points"));
    say_day(&out, fact_text(w->facts, "last_day"));
    buf_puts(&out, "。");
    return cut(w->item->arena, out.p, DIGEST_CHARACTERS);
}

static void on_draft(struct outbox_item *item, const struct platform_result *result) {
    keep_id(item, result, "media_id", "media");
}

static void start_draft(struct writing *w) {
    struct arena *arena = w->item->arena;
    const char *content = content_of(w);
    if (!content) {
        refuse(w, NULL, "content");
        return;
    }
    cJSON *body = cJSON_CreateObject();
    cJSON *article = cJSON_CreateObject();
    cJSON_AddItemToArray(cJSON_AddArrayToObject(body, "articles"), article);
    cJSON_AddStringToObject(article, "article_type", "news");
    cJSON_AddStringToObject(article, "title",
                            cut(arena, fact_text(w->facts, "title"), TITLE_CHARACTERS));
    cJSON_AddStringToObject(article, "author",
                            cut(arena, w->item->account->name, AUTHOR_CHARACTERS));
    cJSON_AddStringToObject(article, "digest", digest_of(w));
    cJSON_AddStringToObject(article, "content", content);
    cJSON_AddStringToObject(article, "content_source_url", link_of(w));
    cJSON_AddStringToObject(article, "thumb_media_id", fact_text(w->facts, "cover"));
    cJSON_AddNumberToObject(article, "need_open_comment", 0);
    cJSON_AddNumberToObject(article, "only_fans_can_comment", 0);
    call(w, "/cgi-bin/draft/add", body, on_draft);
}

/* ---- looking for what we may have made ---- */

/* The article within a list's item that links to our notice; NULL: another's. */
static const cJSON *ours_in(const struct writing *w, const cJSON *listed) {
    const char *link = link_of(w);
    const cJSON *one;
    cJSON_ArrayForEach(one, fact(fact(listed, "content"), "news_item")) {
        if (fact_is(one, "content_source_url", link))
            return one;
    }
    return NULL;
}

static void look(struct writing *w);

static void on_listed(struct outbox_item *item, const struct platform_result *result) {
    struct writing *w = item->state;
    if (ends_step(w, result))
        return;
    const cJSON *listed;
    bool drafts = strcmp(w->step->name, "find_draft") == 0;
    cJSON_ArrayForEach(listed, fact(result->json, "item")) {
        const cJSON *ours = ours_in(w, listed);
        if (ours && drafts) {
            did_bring(w, "media", api_id(item->arena, listed, "media_id"));
            return;
        }
        if (ours && *fact_text(ours, "url")) {
            cJSON *found = cJSON_CreateObject();
            cJSON_AddStringToObject(found, "article", fact_text(listed, "article_id"));
            cJSON_AddStringToObject(found, "url", fact_text(ours, "url"));
            did(w, found);
            return;
        }
    }
    w->offset += LIST_COUNT;
    if (w->offset < fact_number(result->json, "total_count") && w->offset < LIST_PAGES * LIST_COUNT)
        look(w);
    else
        did_bring(w, "", NULL);
}

static void look(struct writing *w) {
    bool drafts = strcmp(w->step->name, "find_draft") == 0;
    cJSON *body = cJSON_CreateObject();
    cJSON_AddNumberToObject(body, "offset", w->offset);
    cJSON_AddNumberToObject(body, "count", LIST_COUNT);
    cJSON_AddNumberToObject(body, "no_content", 1);
    call(w, drafts ? "/cgi-bin/draft/batchget" : "/cgi-bin/freepublish/batchget", body, on_listed);
}

static void start_looking(struct writing *w) {
    w->offset = 0;
    look(w);
}

/* ---- publishing ---- */

static void on_submitted(struct outbox_item *item, const struct platform_result *result) {
    keep_id(item, result, "publish_id", "publish_id");
}

static void start_submit(struct writing *w) {
    cJSON *body = cJSON_CreateObject();
    cJSON_AddStringToObject(body, "media_id", fact_text(w->facts, "draft"));
    call(w, "/cgi-bin/freepublish/submit", body, on_submitted);
}

static void on_asked(struct outbox_item *item, const struct platform_result *result) {
    struct writing *w = item->state;
    if (ends_step(w, result))
        return;
    const cJSON *status = fact(result->json, "publish_status");
    if (!cJSON_IsNumber(status)) {
        outbox_later(item, UNCLEAR_SECONDS);
        return;
    }
    const cJSON *first = cJSON_GetArrayItem(fact(fact(result->json, "article_detail"), "item"), 0);
    cJSON *brought = cJSON_CreateObject();
    cJSON_AddNumberToObject(brought, "status", status->valueint);
    cJSON_AddStringToObject(brought, "article", fact_text(result->json, "article_id"));
    cJSON_AddStringToObject(brought, "url", fact_text(first, "article_url"));
    did(w, brought);
}

static void start_asking(struct writing *w) {
    cJSON *body = cJSON_CreateObject();
    cJSON_AddStringToObject(body, "publish_id", fact_text(w->facts, "publish_id"));
    call(w, "/cgi-bin/freepublish/get", body, on_asked);
}

/* ---- one step after the other ---- */

static const struct step steps[] = {
    {"cover", start_cover, true},
    {"draft", start_draft, true},
    {"find_draft", start_looking, false},
    {"submit", start_submit, true},
    {"find_published", start_looking, false},
    {"ask", start_asking, false},
};

static void on_next(struct outbox_item *item, const cJSON *facts) {
    struct writing *w = item->state;
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        if (fact_is(facts, "do", steps[i].name)) {
            w->step = &steps[i];
            w->facts = facts;
            steps[i].start(w);
            return;
        }
    }
    outbox_ended(item);
}

/* An unverified account may neither keep a cover nor publish (wechat-protocol.md 6.1). */
static void start(struct outbox_item *item) {
    struct writing *w = arena_alloc(item->arena, sizeof *w);
    w->item = item;
    w->attempt = arena_printf(item->arena, "%d", item->attempt + 1);
    w->lines = arena_printf(item->arena, "%d", LINES_MAX);
    item->state = w;
    if (item->account->verified)
        outbox_database(item, "article_next", 2, (const char *[]){w->attempt, w->lines}, on_next);
    else
        refuse(w, NULL, "unverified");
}

const struct delivery delivery_article = {"article", start};
