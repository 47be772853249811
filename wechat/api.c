#include "wechat/api.h"

#include <assert.h>
#include <curl/curl.h>
#include <event2/event.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/queue.h>

#include "server/base/buf.h"
#include "server/base/limits.h"
#include "server/base/memory.h"

#define LONG_DIGITS 16 /* a double keeps 15 exactly */

static const char official_host[] = "https://api.weixin.qq.com";
static const char second_host[] = "https://api2.weixin.qq.com";

struct api_flight {
    struct api *api;
    struct api_call *call;
    CURL *curl;
    curl_mime *upload;
    struct curl_slist *headers;
    struct arena *arena;
    struct buf answer;
    char *type; /* the answer's Content-Type */
    bool attachment;
    char cause[CURL_ERROR_SIZE];
    LIST_ENTRY(api_flight) link;
};

struct api {
    struct event_base *loop;
    const char *base;
    CURLM *multi;
    struct event *timer;
    LIST_HEAD(, api_flight) flights;
};

/* ---- JSON ---- */

static void drop_controls(char *text) {
    char *to = text;
    for (const char *from = text; *from; from++)
        if ((unsigned char)*from >= 0x20 || *from == '\n' || *from == '\r' || *from == '\t')
            *to++ = *from;
    *to = '\0';
}

static void clean_texts(cJSON *json) {
    for (; json; json = json->next) {
        if (cJSON_IsString(json))
            drop_controls(json->valuestring);
        clean_texts(json->child);
    }
}

struct str api_json(struct arena *arena, cJSON *json) {
    clean_texts(json);
    char *text = cJSON_PrintUnformatted(json);
    if (!text)
        abort();
    struct str copy = {arena_strndup(arena, text, strlen(text)), strlen(text)};
    cJSON_free(text);
    return copy;
}

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

/* Where the string that begins at `i` ends: behind its closing quote, or at the end. */
static size_t string_end(struct str text, size_t i) {
    for (i++; i < text.n && text.p[i] != '"'; i++)
        if (text.p[i] == '\\')
            i++;
    return i < text.n ? i + 1 : text.n;
}

static struct str quote_long_integers(struct arena *arena, struct str text) {
    struct buf out;
    buf_init(&out, arena);
    for (size_t i = 0; i < text.n;) {
        size_t end = i + 1;
        bool quote = false;
        if (text.p[i] == '"') {
            end = string_end(text, i);
        } else if (is_digit(text.p[i])) {
            while (end < text.n && is_digit(text.p[end]))
                end++;
            bool whole = end == text.n || !strchr(".eE", text.p[end]);
            bool starts = i == 0 || !strchr("+-.eE", text.p[i - 1]);
            quote = whole && starts && end - i >= LONG_DIGITS;
        }
        if (quote)
            buf_puts(&out, "\"");
        buf_add(&out, text.p + i, end - i);
        if (quote)
            buf_puts(&out, "\"");
        i = end;
    }
    return buf_view(&out);
}

cJSON *api_parse(struct str text) {
    struct arena *arena = arena_new();
    struct str quoted = quote_long_integers(arena, text);
    cJSON *json = quoted.n > 0 ? cJSON_ParseWithLength(quoted.p, quoted.n) : NULL;
    arena_free(arena);
    return json;
}

const char *api_id(struct arena *arena, const cJSON *json, const char *name) {
    const cJSON *field = cJSON_GetObjectItemCaseSensitive(json, name);
    if (cJSON_IsString(field))
        return arena_strndup(arena, field->valuestring, strlen(field->valuestring));
    if (cJSON_IsNumber(field))
        return arena_printf(arena, "%.0f", field->valuedouble);
    return NULL;
}

/* ---- the answer ---- */

/* -1 also for a code that is no number: what cannot be understood is no success. */
static int errcode_of(const cJSON *json) {
    const cJSON *code = cJSON_GetObjectItemCaseSensitive(json, "errcode");
    int64_t number;
    if (!code)
        return 0;
    if (cJSON_IsNumber(code))
        return code->valueint;
    /* odd calls write it as text */
    if (!str_to_i64(str_from(cJSON_GetStringValue(code)), &number) || number < INT_MIN ||
        number > INT_MAX)
        return -1;
    return (int)number;
}

/* errmsg ends in "… rid: 5f0e-…-…". */
static void copy_rid(const char *message, char out[API_RID_MAX + 1]) {
    const char *rid = strstr(message, "rid: ");
    size_t n = rid ? strspn(rid + 5, "0123456789abcdefABCDEF-") : 0;
    if (n > API_RID_MAX)
        n = API_RID_MAX;
    memcpy(out, rid ? rid + 5 : "", n);
    out[n] = '\0';
}

static bool is_file(const struct api_flight *flight) {
    return flight->attachment || (flight->type && (strncmp(flight->type, "image/", 6) == 0 ||
                                                   strncmp(flight->type, "audio/", 6) == 0 ||
                                                   strncmp(flight->type, "video/", 6) == 0));
}

static void read_json(struct api_result *result, cJSON *json) {
    if (!cJSON_IsObject(json)) {
        result->message = "the answer is no JSON object";
        return;
    }
    const char *message = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, "errmsg"));
    result->json = json;
    result->errcode = errcode_of(json);
    result->message = message ? message : "";
    copy_rid(result->message, result->rid);
}

static void finish(struct api_flight *flight, CURLcode code) {
    struct api_result result = {.errcode = -1, .message = "", .file_type = ""};
    cJSON *json = NULL;
    long status = 0;
    curl_easy_getinfo(flight->curl, CURLINFO_RESPONSE_CODE, &status);
    if (code != CURLE_OK) {
        result.message = flight->cause[0] ? flight->cause : curl_easy_strerror(code);
    } else if (status != 200) {
        result.message = arena_printf(flight->arena, "HTTP status %ld", status);
    } else if (flight->call->wants_file && is_file(flight)) {
        result.errcode = 0;
        result.file = buf_view(&flight->answer);
        result.file_type = flight->type ? flight->type : "";
    } else {
        json = api_parse(buf_view(&flight->answer));
        read_json(&result, json);
    }
    result.error = api_error(result.errcode);
    flight->call->flight = NULL;
    flight->call->on_done(flight->call, &result);
    cJSON_Delete(json);
}

static void end_flight(struct api_flight *flight) {
    LIST_REMOVE(flight, link);
    curl_multi_remove_handle(flight->api->multi, flight->curl);
    curl_easy_cleanup(flight->curl);
    curl_mime_free(flight->upload);
    curl_slist_free_all(flight->headers);
    arena_free(flight->arena);
}

static void finish_those_done(struct api *api) {
    CURLMsg *message;
    int left;
    while ((message = curl_multi_info_read(api->multi, &left))) {
        struct api_flight *flight;
        CURLcode code = message->data.result;
        if (message->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &flight);
        finish(flight, code);
        end_flight(flight);
    }
}

/* ---- libcurl in the event loop ---- */

static void on_socket_event(evutil_socket_t fd, short what, void *arg) {
    struct api *api = arg;
    int mask =
        ((what & EV_READ) ? CURL_CSELECT_IN : 0) | ((what & EV_WRITE) ? CURL_CSELECT_OUT : 0);
    int running;
    curl_multi_socket_action(api->multi, fd, mask, &running);
    finish_those_done(api);
}

static void on_timer(evutil_socket_t fd, short what, void *arg) {
    (void)fd;
    (void)what;
    struct api *api = arg;
    int running;
    curl_multi_socket_action(api->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    finish_those_done(api);
}

static int on_socket_wish(CURL *curl, curl_socket_t fd, int wish, void *arg, void *socket_arg) {
    (void)curl;
    struct api *api = arg;
    struct event *event = socket_arg;
    if (event)
        event_free(event);
    curl_multi_assign(api->multi, fd, NULL);
    if (wish == CURL_POLL_REMOVE)
        return 0;
    short what = (short)(((wish & CURL_POLL_IN) ? EV_READ : 0) |
                         ((wish & CURL_POLL_OUT) ? EV_WRITE : 0) | EV_PERSIST);
    event = event_new(api->loop, fd, what, on_socket_event, api);
    event_add(event, NULL);
    curl_multi_assign(api->multi, fd, event);
    return 0;
}

static int on_timer_wish(CURLM *multi, long ms, void *arg) {
    (void)multi;
    struct api *api = arg;
    struct timeval delay = {ms / 1000, ms % 1000 * 1000};
    if (ms < 0)
        evtimer_del(api->timer);
    else
        evtimer_add(api->timer, &delay);
    return 0;
}

static size_t on_body(char *bytes, size_t size, size_t n, void *arg) {
    struct api_flight *flight = arg;
    if (flight->answer.n + size * n > API_ANSWER_MAX_BYTES)
        return 0;
    return buf_try_add(&flight->answer, bytes, size * n) ? size * n : 0;
}

static size_t on_header(char *bytes, size_t size, size_t n, void *arg) {
    struct api_flight *flight = arg;
    struct str line = str_trim((struct str){bytes, size * n});
    const char *colon = memchr(line.p, ':', line.n);
    if (!colon)
        return size * n;
    struct str name = {line.p, (size_t)(colon - line.p)};
    struct str value = str_trim((struct str){colon + 1, line.n - name.n - 1});
    if (name.n == 12 && strncasecmp(name.p, "Content-Type", 12) == 0)
        flight->type = str_z(flight->arena, value);
    if (name.n == 19 && strncasecmp(name.p, "Content-Disposition", 19) == 0)
        flight->attachment = value.n >= 10 && strncasecmp(value.p, "attachment", 10) == 0;
    return size * n;
}

/* ---- one call ---- */

static void add_parameter(struct buf *url, CURL *curl, const char *name, const char *value) {
    char *escaped = curl_easy_escape(curl, value, 0);
    buf_printf(url, "%s%s=%s", memchr(url->p, '?', url->n) ? "&" : "?", name, escaped);
    curl_free(escaped);
}

static struct str url_of(struct api_flight *flight, const struct api_call *call) {
    const char *base = call->path[0] == '/' ? flight->api->base : "";
    bool second = call->attempt % 2 == 1 && strcmp(base, official_host) == 0;
    struct buf url;
    buf_init(&url, flight->arena);
    buf_printf(&url, "%s%s", second ? second_host : base, call->path);
    if (call->token)
        add_parameter(&url, flight->curl, "access_token", call->token);
    for (size_t i = 0; i < API_QUERY_MAX && call->query[i].name; i++)
        add_parameter(&url, flight->curl, call->query[i].name, call->query[i].value);
    return buf_view(&url);
}

static void set_body(struct api_flight *flight, const struct api_call *call) {
    CURL *curl = flight->curl;
    if (call->file) {
        flight->upload = curl_mime_init(curl);
        curl_mimepart *part = curl_mime_addpart(flight->upload);
        curl_mime_name(part, "media");
        curl_mime_filename(part, call->file->name);
        curl_mime_type(part, call->file->type);
        curl_mime_data(part, call->file->bytes.p, call->file->bytes.n);
        curl_easy_setopt(curl, CURLOPT_MIMEPOST, flight->upload);
    } else if (call->body.n > 0) {
        flight->headers = curl_slist_append(NULL, "Content-Type: application/json; charset=utf-8");
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)call->body.n);
        curl_easy_setopt(curl, CURLOPT_COPYPOSTFIELDS, call->body.p);
    }
    flight->headers = curl_slist_append(flight->headers, "Expect:");
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, flight->headers);
}

void api_start(struct api *api, struct api_call *call) {
    assert(!call->flight);
    struct arena *arena = arena_new();
    struct api_flight *flight = arena_alloc(arena, sizeof *flight);
    CURL *curl = curl_easy_init();
    if (!curl)
        abort();
    *flight = (struct api_flight){.api = api, .call = call, .curl = curl, .arena = arena};
    buf_init(&flight->answer, arena);
    call->flight = flight;
    curl_easy_setopt(curl, CURLOPT_URL, url_of(flight, call).p);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(curl, CURLOPT_PROXY, ""); /* whatever the environment says */
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)API_CONNECT_MS);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)API_CALL_MS);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, flight->cause);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, flight);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, flight);
    curl_easy_setopt(curl, CURLOPT_PRIVATE, flight);
    set_body(flight, call);
    LIST_INSERT_HEAD(&api->flights, flight, link);
    curl_multi_add_handle(api->multi, curl);
}

void api_cancel(struct api *api, struct api_call *call) {
    (void)api;
    struct api_flight *flight = call->flight;
    if (!flight)
        return;
    call->flight = NULL;
    end_flight(flight);
}

/* ---- the client ---- */

struct api *api_new(struct event_base *loop, const char *base) {
    struct api *api = calloc(1, sizeof *api);
    if (!api || curl_global_init_mem(CURL_GLOBAL_DEFAULT, memory_malloc, memory_put, memory_realloc,
                                     memory_strdup, memory_calloc) != CURLE_OK)
        abort();
    api->loop = loop;
    api->base = base;
    api->multi = curl_multi_init();
    api->timer = evtimer_new(loop, on_timer, api);
    LIST_INIT(&api->flights);
    curl_multi_setopt(api->multi, CURLMOPT_SOCKETFUNCTION, on_socket_wish);
    curl_multi_setopt(api->multi, CURLMOPT_SOCKETDATA, api);
    curl_multi_setopt(api->multi, CURLMOPT_TIMERFUNCTION, on_timer_wish);
    curl_multi_setopt(api->multi, CURLMOPT_TIMERDATA, api);
    curl_multi_setopt(api->multi, CURLMOPT_MAX_HOST_CONNECTIONS, (long)API_CONNECTIONS_MAX);
    return api;
}

void api_free(struct api *api) {
    if (!api)
        return;
    while (!LIST_EMPTY(&api->flights)) {
        struct api_flight *flight = LIST_FIRST(&api->flights);
        flight->call->flight = NULL;
        end_flight(flight);
    }
    curl_multi_cleanup(api->multi);
    event_free(api->timer);
    free(api);
}
