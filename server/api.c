/* The JSON face of web.h. */

#include "server/base/metrics.h"
#include "server/web.h"

static const char content_type[] = "application/json; charset=utf-8";

static void send_json(struct web_call *w, int status, const cJSON *json) {
    char *text = cJSON_PrintUnformatted(json);
    metric_add(METRIC_API, 1);
    http_set_header(w->exchange, "X-Content-Type-Options", "nosniff");
    http_set_header(w->exchange, "Cache-Control", "no-cache");
    http_reply(w->exchange, status, content_type, str_from(text));
    cJSON_free(text);
}

/* Facts hold more than the contract promises; what is about nobody in particular stays out. */
static void trim(const struct web_call *w, cJSON *facts) {
    if (w->view == WEB_RANKING_MEMBERS || w->view == WEB_RANKING_UNITS) {
        cJSON_DeleteItemFromObjectCaseSensitive(facts, "member");
        cJSON_DeleteItemFromObjectCaseSensitive(facts, "unit");
        cJSON_DeleteItemFromObjectCaseSensitive(facts, "mine");
    }
}

void api_answer(struct web_call *w, cJSON *facts) {
    trim(w, facts);
    send_json(w, 200, facts);
}

void api_error(struct web_call *w, int status, const char *code, const char *message) {
    cJSON *body = cJSON_CreateObject();
    cJSON *error = cJSON_AddObjectToObject(body, "error");
    cJSON_AddStringToObject(error, "code", code);
    cJSON_AddStringToObject(error, "message", message);
    send_json(w, status, body);
    cJSON_Delete(body);
}
