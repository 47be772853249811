/* Fetches a member's photo before the platform forgets it (three days), cleans it, keeps it.
 */

#include <inttypes.h>

#include "server/background.h"
#include "server/base/log.h"
#include "server/deliveries/deliveries.h"
#include "server/evidence.h"
#include "server/image.h"
#include "server/say.h"

struct fetching {
    struct outbox_item *item;
    struct background_job job;
    struct str original;
    struct image image;
    bool good;
    const char *why;
};

static void on_ended(struct outbox_item *item, const cJSON *facts) {
    (void)facts;
    outbox_ended(item);
}

static void fail(struct outbox_item *item, const char *why) {
    log_warn("photo_failed", "account=%s photo=%s why=\"%s\"", item->account->id, item->subject,
             why);
    outbox_database(item, "photo_failed", 1, (const char *[]){why}, on_ended);
}

static void on_cleaned(struct background_job *job) {
    struct fetching *f = (struct fetching *)(void *)((char *)job - offsetof(struct fetching, job));
    if (!f->good) {
        fail(f->item, f->why);
        return;
    }
    const char *args[EVIDENCE_ARGS];
    evidence_arguments(f->item->arena, f->item->services->config, f->item->account, &f->image,
                       args);
    outbox_database(f->item, "keep_photo", EVIDENCE_ARGS, args, on_ended);
}

static void clean(struct background_job *job) {
    struct fetching *f = (struct fetching *)(void *)((char *)job - offsetof(struct fetching, job));
    f->good = image_clean(f->item->arena, f->original, &f->image, &f->why);
}

static void forget(void *job) {
    background_cancel(job);
}

static void on_fetched(struct outbox_item *item, const struct platform_result *result) {
    if (result->outcome == PLATFORM_LATER) {
        outbox_later(item, result->later_seconds);
    } else if (result->outcome == PLATFORM_REFUSED) {
        fail(item, result->meaning);
    } else if (result->file.n == 0) {
        fail(item, "an answer without a file");
    } else {
        struct fetching *f = arena_alloc(item->arena, sizeof *f);
        f->item = item;
        f->original = (struct str){arena_strndup(item->arena, result->file.p, result->file.n),
                                   result->file.n};
        f->job =
            (struct background_job){.work = clean, .on_done = on_cleaned, .whose = item->state};
        arena_on_free(item->arena, forget, &f->job);
        background_submit(item->services->background, &f->job);
    }
}

/* The picture's own address came in a signed push; even so only the platform's picture host and the
 * host of its API are asked. */
static bool is_platforms(const struct outbox_item *item, const char *url) {
    struct str address = str_from(url);
    struct str base = str_from(item->services->config->wechat_api_base);
    return str_starts(address, STR("http://mmbiz.qpic.cn/")) ||
           str_starts(address, STR("https://mmbiz.qpic.cn/")) ||
           (str_starts(address, base) && url[base.n] == '/');
}

/* An unverified account may not call media/get, but its pushes name the picture's address. */
static void on_source(struct outbox_item *item, const cJSON *source) {
    const char *url = fact_text(source, "pic_url");
    item->state =
        arena_printf(item->arena, "%s/%" PRId64, item->account->id, fact_number(source, "person"));
    struct platform_call call = {.path = "/cgi-bin/media/get",
                                 .query = {{"media_id", fact_text(source, "media_id")}}};
    if (!item->account->verified) {
        if (!is_platforms(item, url)) {
            fail(item, "no address of the picture");
            return;
        }
        call = (struct platform_call){.path = url, .without_token = true};
    }
    call.wants_file = true;
    outbox_platform(item, &call, on_fetched);
}

static void start(struct outbox_item *item) {
    outbox_database(item, "photo_source", 0, NULL, on_source);
}

const struct delivery delivery_photo = {"photo", start};
