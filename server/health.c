#include "server/health.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "db/schema.h"
#include "server/base/log.h"
#include "server/say.h"

#define HEALTH_SECONDS 15

struct health {
    struct services *services;
    struct event *timer;
    struct pg_call call;
    bool asking;
    struct pg_call telling; /* of accounts[told] */
    size_t told;
    bool is_telling;
    cJSON *facts;        /* the last answer; NULL: none yet */
    int64_t answered_at; /* monotonic seconds */
    enum schema_state schema;
    char *why;
};

/* The fact's name is the metric's after gulou_. */
static const struct {
    const char *name;
    const char *help;
} gauges[] = {
    {"outbox_waiting", "Things to be sent to the platform"},
    {"outbox_oldest_seconds", "Since when the oldest of them waits"},
    {"outbox_failed_day", "Things given up within a day"},
    {"token_seconds", "Remaining life of the access token; 0: there is none"},
    {"seal_age_seconds", "Since the last daily seal; -1: never"},
    {"review_waiting", "Declarations that wait for a reviewer"},
    {"objections_overdue", "Objections whose answer is late"},
    {"notices_unsettled", "Notices whose window closed an hour ago and that nobody closed"},
};

static int64_t now_seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec;
}

static void judge(struct health *health, enum schema_state state, char *why) {
    if (state != health->schema && state == SCHEMA_FITS)
        log_info("schema", "state=fits");
    else if (state != health->schema)
        log_warn("schema", "why=\"%s\"", why);
    free(health->why);
    health->why = why;
    health->schema = state;
}

/* ---- telling what a start without a database could not ---- */

static void tell_account(struct health *health);

static void on_told(struct pg_call *call, enum pg_status status, const char *json, size_t n) {
    (void)json;
    (void)n;
    struct health *health =
        (struct health *)(void *)((char *)call - offsetof(struct health, telling));
    health->is_telling = false;
    if (status == PG_OK) {
        health->told++;
        tell_account(health);
    } /* else this one once more, with the next answer */
}

static void tell_account(struct health *health) {
    const struct config *config = health->services->config;
    if (health->told == config->accounts_n) {
        health->services->accounts_known = true;
        log_info("accounts_known", "accounts=%zu", config->accounts_n);
        return;
    }
    const struct account *account = &config->accounts[health->told];
    health->telling =
        (struct pg_call){.function = "sync_account",
                         .n = 3,
                         .args = {account->id, account->name, account->verified ? "true" : "false"},
                         .changes = true,
                         .key = account->id,
                         .on_done = on_told};
    health->is_telling = pg_submit(health->services->pg, &health->telling);
}

/* ---- asking ---- */

static void on_answer(struct pg_call *call, enum pg_status status, const char *json, size_t n) {
    struct health *health = (struct health *)(void *)((char *)call - offsetof(struct health, call));
    health->asking = false;
    char *why = NULL;
    if (status == PG_FAILED && schema_is_missing(call->sqlstate)) {
        why = strdup("it was taken from under this server; run gulou migrate");
        judge(health, SCHEMA_TOO_OLD, why);
        return;
    }
    cJSON *facts = status == PG_OK ? cJSON_ParseWithLength(json, n) : NULL;
    if (!facts)
        return;
    cJSON_Delete(health->facts);
    health->facts = facts;
    health->answered_at = now_seconds();
    enum schema_state state = schema_judge(fact(facts, "schema"), &why);
    judge(health, state, why);
    if (!health->services->accounts_known && !health->is_telling && !health_schema_fault(health))
        tell_account(health);
}

static void on_time(evutil_socket_t fd, short what, void *context) {
    (void)fd;
    (void)what;
    struct health *health = context;
    if (health->asking)
        return;
    health->call = (struct pg_call){.function = "health", .on_done = on_answer};
    health->asking = pg_submit(health->services->pg, &health->call);
}

struct health *health_new(struct services *services) {
    struct health *health = calloc(1, sizeof *health);
    if (!health)
        abort();
    health->services = services;
    health->timer = event_new(services->base, -1, EV_PERSIST, on_time, health);
    struct timeval every = {HEALTH_SECONDS, 0};
    evtimer_add(health->timer, &every);
    on_time(-1, 0, health);
    return health;
}

void health_free(struct health *health) {
    if (!health)
        return;
    pg_cancel(health->services->pg, &health->call);
    pg_cancel(health->services->pg, &health->telling);
    event_free(health->timer);
    cJSON_Delete(health->facts);
    free(health->why);
    free(health);
}

/* ---- telling ---- */

const char *health_schema_fault(const struct health *health) {
    bool fault = health->schema == SCHEMA_TOO_OLD || health->schema == SCHEMA_TOO_NEW;
    return fault ? health->why : NULL;
}

static void head(struct buf *out, const char *name, const char *help) {
    buf_printf(out, "# HELP gulou_%s %s\n# TYPE gulou_%s gauge\n", name, help, name);
}

static void write_number(struct buf *out, const char *name, const char *help, int64_t value) {
    head(out, name, help);
    buf_printf(out, "gulou_%s %lld\n", name, (long long)value);
}

void health_write(const struct health *health, struct buf *out) {
    int64_t age = health->facts ? now_seconds() - health->answered_at : -1;
    write_number(out, "health_age_seconds", "Since the figures below were asked for; -1: never",
                 age);
    if (!health->facts)
        return;
    write_number(out, "schema_fits", "1: this program may use the database's schema",
                 health_schema_fault(health) == NULL);
    write_number(out, "backup_timestamp_seconds", "When the last backup was made; 0: never",
                 fact_number(health->facts, "backup_at"));
    write_number(out, "calendar_days", "Days until the known holidays end",
                 fact_number(health->facts, "calendar_days"));
    for (size_t i = 0; i < sizeof gauges / sizeof gauges[0]; i++) {
        const cJSON *account;
        head(out, gauges[i].name, gauges[i].help);
        cJSON_ArrayForEach(account, fact(health->facts, "accounts"))
            buf_printf(out, "gulou_%s{account=\"%s\"} %lld\n", gauges[i].name, account->string,
                       (long long)fact_number(account, gauges[i].name));
    }
}
