#include "server/outbox.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/base/limits.h"
#include "server/base/log.h"
#include "server/base/metrics.h"
#include "server/deliveries/deliveries.h"

static const struct delivery *const deliveries[] = {
    &delivery_article,
    &delivery_notification,
    &delivery_photo,
    &delivery_tag,
};

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

struct outbox {
    struct services *services;
    struct event *timer;
    struct pg_call take;
    char room[16]; /* the arguments of `take` */
    char *accounts;
    bool taking;
    int in_flight;
    struct outbox_item *items[OUTBOX_IN_FLIGHT_MAX]; /* NULL: free */
};

static void take_more(struct outbox *outbox);

/* ---- ends ---- */

static void free_item(struct outbox_item *item) {
    struct outbox *outbox = item->outbox;
    for (size_t i = 0; i < OUTBOX_IN_FLIGHT_MAX; i++)
        if (outbox->items[i] == item)
            outbox->items[i] = NULL;
    platform_cancel(&item->platform);
    pg_cancel(outbox->services->pg, &item->call);
    outbox->in_flight--;
    arena_free(item->arena);
}

void outbox_ended(struct outbox_item *item) {
    struct outbox *outbox = item->outbox;
    metric_add(METRIC_OUTBOX_DONE, 1);
    free_item(item);
    if (outbox->in_flight == 0)
        take_more(outbox);
}

static struct outbox_item *item_of_call(struct pg_call *call) {
    return (struct outbox_item *)(void *)((char *)call - offsetof(struct outbox_item, call));
}

static void on_end_written(struct pg_call *call, enum pg_status status, const char *json,
                           size_t n) {
    (void)json;
    (void)n;
    struct outbox_item *item = item_of_call(call);
    struct outbox *outbox = item->outbox;
    if (status != PG_OK) /* taken again when its minute is over */
        log_warn("outbox_end", "account=%s id=%s kind=%s result=not_written sqlstate=%s",
                 item->account->id, item->id, item->kind, call->sqlstate);
    free_item(item);
    if (outbox->in_flight == 0)
        take_more(outbox);
}

static void end(struct outbox_item *item, const char *status, int later_seconds, const char *name,
                const char *value) {
    cJSON *result = cJSON_CreateObject();
    if (value && *value)
        cJSON_AddStringToObject(result, name, value);
    const char *json = api_json(item->arena, result).p;
    cJSON_Delete(result);
    item->call = (struct pg_call){.function = "end_outbox",
                                  .n = 5,
                                  .args = {item->account->id, item->id, status,
                                           arena_printf(item->arena, "%d", later_seconds), json},
                                  .changes = true,
                                  .key = item->id,
                                  .on_done = on_end_written};
    if (!pg_submit(item->services->pg, &item->call))
        free_item(item);
}

void outbox_done(struct outbox_item *item) {
    metric_add(METRIC_OUTBOX_DONE, 1);
    end(item, "done", 0, "", NULL);
}

void outbox_sent(struct outbox_item *item, const char *message) {
    metric_add(METRIC_OUTBOX_DONE, 1);
    end(item, "done", 0, "message", message);
}

void outbox_later(struct outbox_item *item, int seconds) {
    metric_add(METRIC_OUTBOX_LATER, 1);
    end(item, "later", seconds, "", NULL);
}

void outbox_failed(struct outbox_item *item, const char *why) {
    metric_add(METRIC_OUTBOX_FAILED, 1);
    log_warn("outbox_failed", "account=%s id=%s kind=%s why=\"%s\"", item->account->id, item->id,
             item->kind, why);
    end(item, "failed", 0, "why", why);
}

void outbox_hold(struct outbox_item *item, const char *why) {
    end(item, "held", 0, "why", why);
}

void outbox_end_with(struct outbox_item *item, const struct platform_result *result) {
    if (result->outcome == PLATFORM_DONE)
        outbox_done(item);
    else if (result->outcome == PLATFORM_LATER)
        outbox_later(item, result->later_seconds);
    else
        outbox_failed(item, result->meaning);
}

/* ---- what a delivery does ---- */

static void on_platform(struct platform_call *call, const struct platform_result *result) {
    struct outbox_item *item =
        (struct outbox_item *)(void *)((char *)call - offsetof(struct outbox_item, platform));
    item->on_platform(item, result);
}

void outbox_platform(struct outbox_item *item, const struct platform_call *call,
                     void (*then)(struct outbox_item *item, const struct platform_result *result)) {
    item->platform = *call;
    item->platform.account = item->account;
    item->platform.attempt = item->attempt;
    item->platform.on_done = on_platform;
    item->on_platform = then ? then : outbox_end_with;
    platform_start(item->services->platform, &item->platform);
}

static void delete_json(void *json) {
    cJSON_Delete(json);
}

static void on_database(struct pg_call *call, enum pg_status status, const char *json, size_t n) {
    struct outbox_item *item = item_of_call(call);
    cJSON *facts = status == PG_OK ? cJSON_ParseWithLength(json, n) : NULL;
    if (!facts) {
        log_warn("outbox_call", "account=%s id=%s kind=%s function=%s sqlstate=%s",
                 item->account->id, item->id, item->kind, call->function, call->sqlstate);
        outbox_later(item, OUTBOX_FAULT_SECONDS);
        return;
    }
    arena_on_free(item->arena, delete_json, facts);
    item->on_database(item, facts);
}

void outbox_database(struct outbox_item *item, const char *function, int n,
                     const char *const args[],
                     void (*then)(struct outbox_item *item, const cJSON *facts)) {
    item->call = (struct pg_call){.function = function,
                                  .n = n + 2,
                                  .args = {item->account->id, item->id},
                                  .changes = true,
                                  .key = item->id,
                                  .on_done = on_database};
    for (int i = 0; i < n; i++)
        item->call.args[i + 2] = args[i];
    item->on_database = then;
    if (!pg_submit(item->services->pg, &item->call))
        free_item(item); /* a full queue: taken again when its minute is over */
}

/* ---- taking ---- */

static const struct delivery *delivery_of(const char *kind) {
    for (size_t i = 0; i < COUNT(deliveries); i++)
        if (strcmp(deliveries[i]->kind, kind) == 0)
            return deliveries[i];
    return NULL;
}

static const char *text_of(const cJSON *json, const char *name) {
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, name));
    return text ? text : "";
}

static double number_of(const cJSON *json, const char *name) {
    const cJSON *number = cJSON_GetObjectItemCaseSensitive(json, name);
    return cJSON_IsNumber(number) ? number->valuedouble : 0;
}

static void keep(struct outbox *outbox, struct outbox_item *item) {
    for (size_t i = 0; i < OUTBOX_IN_FLIGHT_MAX; i++) {
        if (!outbox->items[i]) {
            outbox->items[i] = item;
            break;
        }
    }
    outbox->in_flight++;
}

static void start_item(struct outbox *outbox, const cJSON *row) {
    const struct account *account =
        config_account(outbox->services->config, text_of(row, "account"));
    if (!account) /* nobody asked for it */
        return;
    struct arena *arena = arena_new();
    struct outbox_item *item = arena_alloc(arena, sizeof *item);
    cJSON *facts = cJSON_Duplicate(cJSON_GetObjectItemCaseSensitive(row, "facts"), true);
    const char *kind = text_of(row, "kind"), *subject = text_of(row, "subject");
    arena_on_free(arena, delete_json, facts);
    *item = (struct outbox_item){
        .arena = arena,
        .services = outbox->services,
        .account = account,
        .outbox = outbox,
        .id = arena_printf(arena, "%.0f", number_of(row, "id")),
        .kind = arena_strndup(arena, kind, strlen(kind)),
        .subject = arena_strndup(arena, subject, strlen(subject)),
        .attempt = (int)number_of(row, "attempts") - 1,
        .facts = facts,
    };
    keep(outbox, item);
    const struct delivery *delivery = delivery_of(kind);
    if (delivery)
        delivery->start(item);
    else
        outbox_failed(item, "no delivery of this kind");
}

static void on_taken(struct pg_call *call, enum pg_status status, const char *json, size_t n) {
    struct outbox *outbox = (struct outbox *)(void *)((char *)call - offsetof(struct outbox, take));
    outbox->taking = false;
    cJSON *facts = status == PG_OK ? cJSON_ParseWithLength(json, n) : NULL;
    const cJSON *row;
    cJSON_ArrayForEach(row, cJSON_GetObjectItemCaseSensitive(facts, "items"))
        start_item(outbox, row);
    cJSON_Delete(facts);
}

static void take_more(struct outbox *outbox) {
    if (outbox->taking || outbox->in_flight >= OUTBOX_IN_FLIGHT_MAX)
        return;
    snprintf(outbox->room, sizeof outbox->room, "%d", OUTBOX_IN_FLIGHT_MAX - outbox->in_flight);
    outbox->take = (struct pg_call){.function = "take_outbox",
                                    .n = 2,
                                    .args = {outbox->room, outbox->accounts},
                                    .changes = true,
                                    .on_done = on_taken};
    outbox->taking = pg_submit(outbox->services->pg, &outbox->take);
}

static void on_time(evutil_socket_t fd, short what, void *arg) {
    (void)fd;
    (void)what;
    take_more(arg);
}

/* ---- the whole ---- */

/* As an array of SQL; no id holds a character that would need quotes. What waits for an account
 * that is not in the configuration is left to a server that has it. */
static char *list_accounts(const struct config *config) {
    char *list = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&list, &n);
    if (!out)
        abort();
    for (size_t i = 0; i < config->accounts_n; i++)
        fprintf(out, "%c%s", i == 0 ? '{' : ',', config->accounts[i].id);
    fputs(config->accounts_n == 0 ? "{}" : "}", out);
    if (fclose(out) != 0)
        abort();
    return list;
}

struct outbox *outbox_new(struct services *services) {
    struct outbox *outbox = calloc(1, sizeof *outbox);
    struct timeval every = {OUTBOX_POLL_MS / 1000, OUTBOX_POLL_MS % 1000 * 1000};
    if (!outbox)
        abort();
    outbox->services = services;
    outbox->accounts = list_accounts(services->config);
    outbox->timer = event_new(services->base, -1, EV_PERSIST, on_time, outbox);
    evtimer_add(outbox->timer, &every);
    return outbox;
}

void outbox_free(struct outbox *outbox) {
    if (!outbox)
        return;
    pg_cancel(outbox->services->pg, &outbox->take);
    for (size_t i = 0; i < OUTBOX_IN_FLIGHT_MAX; i++)
        if (outbox->items[i])
            free_item(outbox->items[i]);
    event_free(outbox->timer);
    free(outbox->accounts);
    free(outbox);
}
