/* The platform's API from below: what goes out byte for byte, what is made of every kind of answer,
 * and what each errcode means. */

#include "tests/unit/db/database.h"
#include "tests/unit/wechat/fake_platform.h"

#include "server/base/limits.h"
#include "wechat/api.h"

#define PATIENCE_MS 10000

/* ---- JSON out ---- */

static struct arena *arena;

static int arena_set_up(void **state) {
    (void)state;
    arena = arena_new();
    return 0;
}

static int arena_tear_down(void **state) {
    (void)state;
    arena_free(arena);
    return 0;
}

static void assert_sent_as(const char *text, const char *expected) {
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(cJSON_AddObjectToObject(json, "text"), "content", text);
    struct str out = api_json(arena, json);
    assert_string_equal(out.p, expected);
    assert_int_equal(out.n, strlen(expected));
    cJSON_Delete(json);
}

static void chinese_and_links_go_out_as_they_are(void **state) {
    (void)state;
    assert_sent_as("积分：20 😀", "{\"text\":{\"content\":\"积分：20 😀\"}}");
    assert_sent_as("<a href='http://x/?a=1&b=2'>看</a>",
                   "{\"text\":{\"content\":\"<a href='http://x/?a=1&b=2'>看</a>\"}}");
}

static void control_characters_never_become_escapes(void **state) {
    (void)state;
    assert_sent_as("一\x01二\b三\f四\x1f五", "{\"text\":{\"content\":\"一二三四五\"}}");
    assert_sent_as("一\n二\t三\r", "{\"text\":{\"content\":\"一\\n二\\t三\\r\"}}");
    assert_sent_as("\"\\", "{\"text\":{\"content\":\"\\\"\\\\\"}}");
}

static void texts_in_lists_are_cleaned_too(void **state) {
    (void)state;
    cJSON *json = cJSON_CreateArray();
    cJSON_AddItemToArray(json, cJSON_CreateString("a\x02"));
    cJSON *inner = cJSON_CreateArray();
    cJSON_AddItemToArray(inner, cJSON_CreateString("\x03"
                                                   "b"));
    cJSON_AddItemToArray(json, inner);
    assert_string_equal(api_json(arena, json).p, "[\"a\",[\"b\"]]");
    cJSON_Delete(json);
}

/* ---- JSON in ---- */

static const char *parsed(const char *text) {
    cJSON *json = api_parse(str_from(text));
    if (!json)
        return NULL;
    char *out = cJSON_PrintUnformatted(json);
    const char *copy = arena_strndup(arena, out, strlen(out));
    cJSON_free(out);
    cJSON_Delete(json);
    return copy;
}

static void assert_parsed(const char *text, const char *expected) {
    assert_string_equal(parsed(text), expected);
}

static void long_integers_become_text(void **state) {
    (void)state;
    assert_parsed("{\"msgid\":9007199254740993}", "{\"msgid\":\"9007199254740993\"}");
    assert_parsed("{\"msgid\":18446744073709551615}", "{\"msgid\":\"18446744073709551615\"}");
    assert_parsed("{\"a\":{\"b\":[1,9007199254740993,{\"c\":1234567890123456}]}}",
                  "{\"a\":{\"b\":[1,\"9007199254740993\",{\"c\":\"1234567890123456\"}]}}");
    assert_parsed("[ 1234567890123456 ,2]", "[\"1234567890123456\",2]");
}

static void what_a_double_keeps_stays_a_number(void **state) {
    (void)state;
    assert_parsed("{\"errcode\":40001,\"id\":999999999999999}",
                  "{\"errcode\":40001,\"id\":999999999999999}");
    assert_parsed("[1.5,-2,1e3]", "[1.5,-2,1000]");
}

static void digits_inside_texts_are_left_alone(void **state) {
    (void)state;
    assert_parsed("{\"rid\":\"12345678901234567890\"}", "{\"rid\":\"12345678901234567890\"}");
    assert_parsed("{\"a\":\"x\\\"12345678901234567890\",\"b\":12345678901234567890}",
                  "{\"a\":\"x\\\"12345678901234567890\",\"b\":\"12345678901234567890\"}");
    assert_parsed("{\"a\":\"\\\\\",\"b\":12345678901234567890}",
                  "{\"a\":\"\\\\\",\"b\":\"12345678901234567890\"}");
}

static void raw_control_characters_in_an_answer_are_borne(void **state) {
    (void)state;
    cJSON *json = api_parse(STR("{\"nickname\":\"a\nb\x01\"}"));
    assert_non_null(json);
    assert_string_equal(cJSON_GetObjectItem(json, "nickname")->valuestring, "a\nb\x01");
    cJSON_Delete(json);
}

static void what_is_no_json_is_told(void **state) {
    (void)state;
    assert_null(parsed(""));
    assert_null(parsed("<html>502</html>"));
    assert_null(parsed("{\"errcode\":0,\"errm"));
    assert_null(parsed("{\"a\":\"12345678901234567890"));
}

static void an_id_is_text_however_it_comes(void **state) {
    (void)state;
    cJSON *json = api_parse(STR("{\"a\":200228332,\"b\":9007199254740993,\"c\":\"2247483647\","
                                "\"d\":null}"));
    assert_string_equal(api_id(arena, json, "a"), "200228332");
    assert_string_equal(api_id(arena, json, "b"), "9007199254740993");
    assert_string_equal(api_id(arena, json, "c"), "2247483647");
    assert_null(api_id(arena, json, "d"));
    assert_null(api_id(arena, json, "e"));
    assert_null(api_id(arena, NULL, "a"));
    cJSON_Delete(json);
}

/* ---- the table of reactions ---- */

/* wechat-protocol.md 8, code by code. */
static const struct {
    int first, last;
    enum api_reaction reaction;
    int wait_seconds;
} expected_reactions[] = {
    {-1, -1, API_RETRY, 0},
    {0, 0, API_OK, 0},
    {40001, 40001, API_REFRESH_TOKEN, 0},
    {40002, 40006, API_GIVE_UP, 0},
    {40007, 40012, API_GIVE_UP, 0},
    {40013, 40013, API_WAIT, 600},
    {40014, 40014, API_REFRESH_TOKEN, 0},
    {40015, 40028, API_GIVE_UP, 0},
    {40029, 40030, API_AUTHORISE_AGAIN, 0},
    {40032, 40033, API_GIVE_UP, 0},
    {40035, 40035, API_GIVE_UP, 0},
    {40037, 40037, API_GIVE_UP, 0},
    {40048, 40048, API_GIVE_UP, 0},
    {40054, 40055, API_GIVE_UP, 0},
    {40097, 40097, API_GIVE_UP, 0},
    {40113, 40113, API_GIVE_UP, 0},
    {40118, 40118, API_GIVE_UP, 0},
    {40121, 40121, API_GIVE_UP, 0},
    {40125, 40125, API_WAIT, 600},
    {40132, 40132, API_GIVE_UP, 0},
    {40137, 40137, API_GIVE_UP, 0},
    {40155, 40155, API_GIVE_UP, 0},
    {40163, 40163, API_AUTHORISE_AGAIN, 0},
    {40164, 40164, API_WAIT, 60},
    {40243, 40243, API_WAIT, 600},
    {41001, 41009, API_GIVE_UP, 0},
    {42001, 42001, API_REFRESH_TOKEN, 0},
    {42002, 42003, API_AUTHORISE_AGAIN, 0},
    {42007, 42007, API_AUTHORISE_AGAIN, 0},
    {43001, 43004, API_GIVE_UP, 0},
    {43019, 43019, API_GIVE_UP, 0},
    {43100, 43100, API_WAIT, API_WAIT_MIDNIGHT},
    {43101, 43101, API_GIVE_UP, 0},
    {44001, 44004, API_GIVE_UP, 0},
    {45001, 45008, API_GIVE_UP, 0},
    {45009, 45009, API_WAIT, API_WAIT_MIDNIGHT},
    {45010, 45010, API_GIVE_UP, 0},
    {45011, 45011, API_WAIT, 60},
    {45015, 45015, API_GIVE_UP, 0},
    {45028, 45028, API_WAIT, API_WAIT_MIDNIGHT},
    {45029, 45029, API_GIVE_UP, 0},
    {45035, 45035, API_WAIT, 60},
    {45047, 45047, API_WAIT, API_WAIT_PERSON},
    {45056, 45059, API_GIVE_UP, 0},
    {45064, 45064, API_GIVE_UP, 0},
    {45065, 45065, API_OK, 0},
    {45066, 45066, API_WAIT, 60},
    {45072, 45072, API_GIVE_UP, 0},
    {45080, 45081, API_GIVE_UP, 0},
    {45098, 45099, API_GIVE_UP, 0},
    {45157, 45158, API_GIVE_UP, 0},
    {45159, 45159, API_RETRY, 0},
    {46001, 46004, API_GIVE_UP, 0},
    {47001, 47003, API_GIVE_UP, 0},
    {48001, 48003, API_GIVE_UP, 0},
    {48004, 48004, API_WAIT, 3600},
    {48005, 48005, API_GIVE_UP, 0},
    {48006, 48006, API_WAIT, API_WAIT_MIDNIGHT},
    {48008, 48008, API_GIVE_UP, 0},
    {50001, 50005, API_GIVE_UP, 0},
    {53500, 53500, API_GIVE_UP, 0},
    {53501, 53501, API_WAIT, 600},
    {53502, 53505, API_GIVE_UP, 0},
    {53600, 53600, API_GIVE_UP, 0},
    {61004, 61004, API_WAIT, 60},
    {61450, 61450, API_RETRY, 0},
    {61451, 61457, API_GIVE_UP, 0},
    {61500, 61501, API_GIVE_UP, 0},
    {63002, 63002, API_GIVE_UP, 0},
    {65301, 65320, API_GIVE_UP, 0},
    {87009, 87009, API_GIVE_UP, 0},
    {89501, 89505, API_WAIT, 300},
    {89506, 89506, API_WAIT, 86400},
    {89507, 89507, API_WAIT, 3600},
    {200011, 200013, API_GIVE_UP, 0},
    {9001001, 9001010, API_GIVE_UP, 0},
    {9410010, 9410012, API_GIVE_UP, 0},
};

static void every_code_of_the_protocol_has_its_reaction(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof expected_reactions / sizeof expected_reactions[0]; i++) {
        for (int code = expected_reactions[i].first; code <= expected_reactions[i].last; code++) {
            const struct api_error *error = api_error(code);
            if (error->reaction != expected_reactions[i].reaction ||
                error->wait_seconds != expected_reactions[i].wait_seconds)
                fail_msg("%d: reaction %d after %d s", code, (int)error->reaction,
                         error->wait_seconds);
            assert_true(*error->meaning);
        }
    }
}

static void an_unknown_code_is_given_up_in_silence(void **state) {
    (void)state;
    static const int unknown[] = {1, -2, 39999, 99999, 2147483647, -2147483647};
    for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++) {
        assert_int_equal(api_error(unknown[i])->reaction, API_GIVE_UP);
        assert_false(api_error(unknown[i])->alert);
    }
}

static void the_operator_hears_of_what_only_they_can_mend(void **state) {
    (void)state;
    static const int theirs[] = {40013, 40037, 40125, 40164, 40243, 45009, 45029,
                                 48001, 48003, 48004, 61004, 89503, 89506, 200011};
    for (size_t i = 0; i < sizeof theirs / sizeof theirs[0]; i++)
        assert_true(api_error(theirs[i])->alert);
    assert_false(api_error(43004)->alert);
    assert_false(api_error(45047)->alert);
}

/* ---- calls ---- */

struct platform_side {
    struct event_base *base;
    struct fake_platform fake;
    struct api *api;
};

/* What on_done was given, copied, because it ends there. */
struct outcome {
    struct api_call call;
    int done;
    int errcode;
    enum api_reaction reaction;
    char rid[API_RID_MAX + 1], message[200], name[64], file[256], file_type[64];
    size_t file_n;
    bool json;
    struct api *again; /* start a second call from inside on_done */
    struct outcome *next;
};

static struct platform_side side;

static int set_up(void **state) {
    arena_set_up(state);
    side.base = event_base_new();
    fake_start(&side.fake, side.base);
    side.api = api_new(side.base, side.fake.address);
    return 0;
}

static int tear_down(void **state) {
    api_free(side.api);
    fake_stop(&side.fake);
    event_base_free(side.base);
    return arena_tear_down(state);
}

static void on_done(struct api_call *call, const struct api_result *result) {
    struct outcome *o = (struct outcome *)(void *)((char *)call - offsetof(struct outcome, call));
    const char *name = cJSON_GetStringValue(cJSON_GetObjectItem(result->json, "name"));
    o->done++;
    o->errcode = result->errcode;
    o->reaction = result->error->reaction;
    o->json = result->json != NULL;
    o->file_n = result->file.n;
    snprintf(o->rid, sizeof o->rid, "%s", result->rid);
    snprintf(o->message, sizeof o->message, "%s", result->message);
    snprintf(o->name, sizeof o->name, "%s", name ? name : "");
    snprintf(o->file_type, sizeof o->file_type, "%s", result->file_type);
    memcpy(o->file, result->file.p ? result->file.p : "",
           result->file.n < sizeof o->file ? result->file.n : sizeof o->file);
    if (o->again)
        api_start(o->again, &o->next->call);
}

static void start(struct outcome *o, struct api_call call) {
    *o = (struct outcome){.call = call};
    o->call.on_done = on_done;
    api_start(side.api, &o->call);
    assert_int_equal(o->done, 0); /* never inside api_start() */
}

static void run(struct outcome *o, struct api_call call) {
    start(o, call);
    run_until(side.base, &o->done, 1, PATIENCE_MS);
}

static struct outcome answer_of(const char *json) {
    static struct outcome o;
    fake_json(&side.fake, "/x", json);
    run(&o, (struct api_call){.path = "/x"});
    return o;
}

static void a_get_has_its_token_and_parameters_escaped(void **state) {
    (void)state;
    struct outcome o;
    run(&o, (struct api_call){.path = "/cgi-bin/user/info",
                              .token = "T/+=",
                              .query = {{"openid", "o 1&x"}, {"lang", "zh_CN"}}});
    assert_int_equal(o.errcode, 0);
    assert_int_equal(o.reaction, API_OK);
    assert_memory_equal(fake_last(&side.fake)->head,
                        "GET /cgi-bin/user/info?access_token=T%2F%2B%3D&openid=o%201%26x"
                        "&lang=zh_CN HTTP/1.1\r\n",
                        85);
}

static void a_post_has_its_body_and_its_length(void **state) {
    (void)state;
    struct outcome o;
    run(&o, (struct api_call){.path = "/x", .token = "T", .body = STR("{\"名\":\"张三\"}")});
    const struct fake_request *request = fake_last(&side.fake);
    assert_memory_equal(request->head, "POST /x?access_token=T ", 23);
    assert_non_null(strstr(request->head, "Content-Type: application/json"));
    assert_non_null(strstr(request->head, "Content-Length: 16\r\n"));
    assert_null(strcasestr(request->head, "Expect:"));
    assert_string_equal(request->body, "{\"名\":\"张三\"}");
}

static void connections_are_kept(void **state) {
    (void)state;
    struct outcome o;
    for (int i = 0; i < 5; i++)
        run(&o, (struct api_call){.path = "/x"});
    assert_int_equal(side.fake.requests_n, 5);
    assert_int_equal(side.fake.connections, 1);
}

static void no_more_connections_than_allowed_and_none_is_lost(void **state) {
    (void)state;
    static struct outcome all[40];
    for (int i = 0; i < 40; i++)
        start(&all[i], (struct api_call){.path = "/x"});
    for (int i = 0; i < 40; i++)
        run_until(side.base, &all[i].done, 1, PATIENCE_MS);
    for (int i = 0; i < 40; i++)
        assert_int_equal(all[i].done, 1);
    assert_int_equal(side.fake.requests_n, 40);
    assert_true(side.fake.connections <= API_CONNECTIONS_MAX);
}

static void a_call_may_start_the_next_one(void **state) {
    (void)state;
    static struct outcome first, second;
    second = (struct outcome){.call = {.path = "/second", .on_done = on_done}};
    first = (struct outcome){
        .call = {.path = "/first", .on_done = on_done}, .again = side.api, .next = &second};
    api_start(side.api, &first.call);
    run_until(side.base, &second.done, 1, PATIENCE_MS);
    assert_int_equal(first.done, 1);
    assert_int_equal(fake_asked(&side.fake, "/second"), 1);
}

static void a_refusal_has_its_code_and_rid(void **state) {
    (void)state;
    struct outcome o = answer_of("{\"errcode\":45015,\"errmsg\":\"response out of time limit "
                                 "rid: 5f0e8a4c-1f2b3c4d-0a1b2c3d\"}");
    assert_int_equal(o.errcode, 45015);
    assert_int_equal(o.reaction, API_GIVE_UP);
    assert_string_equal(o.rid, "5f0e8a4c-1f2b3c4d-0a1b2c3d");
}

static void a_code_may_come_as_text(void **state) {
    (void)state;
    assert_int_equal(answer_of("{\"errcode\":\"42001\",\"errmsg\":\"x\"}").errcode, 42001);
    assert_int_equal(answer_of("{\"errcode\":\"0\"}").errcode, 0);
    assert_int_equal(answer_of("{\"errcode\":\"-1\"}").errcode, -1);
}

static void without_a_code_all_is_well(void **state) {
    (void)state;
    struct outcome o = answer_of("{\"name\":\"钟鼓楼\"}");
    assert_int_equal(o.errcode, 0);
    assert_string_equal(o.name, "钟鼓楼");
    assert_string_equal(o.rid, "");
}

static void what_cannot_be_read_is_no_success(void **state) {
    (void)state;
    static const char *const answers[] = {"<html>maintenance</html>",
                                          "",
                                          "null",
                                          "[]",
                                          "17",
                                          "\"ok\"",
                                          "{\"errcode\":\"what\"}",
                                          "{\"errcode\":99999999999999999999}"};
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        struct outcome o = answer_of(answers[i]);
        if (o.errcode != -1 || o.reaction != API_RETRY)
            fail_msg("%s: errcode %d", answers[i], o.errcode);
    }
}

static void a_long_rid_is_cut(void **state) {
    (void)state;
    struct outcome o = answer_of(
        "{\"errcode\":1,\"errmsg\":\"rid: aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeee"
        "ffffffffffaaaaaaaaaabbbbbbbbbb\"}");
    assert_int_equal(strlen(o.rid), API_RID_MAX);
}

/* ---- what goes wrong below ---- */

static struct outcome outcome_of_bytes(const char *bytes, size_t n, enum fake_end end) {
    static struct outcome o;
    fake_bytes(&side.fake, "/x", bytes, n, end);
    run(&o, (struct api_call){.path = "/x", .body = STR("{}")});
    return o;
}

static struct outcome download_of(const char *bytes, size_t n, enum fake_end end) {
    static struct outcome o;
    fake_bytes(&side.fake, "/x", bytes, n, end);
    run(&o, (struct api_call){.path = "/x", .wants_file = true});
    return o;
}

static void assert_unreachable(struct outcome o) {
    assert_int_equal(o.done, 1);
    assert_int_equal(o.errcode, -1);
    assert_int_equal(o.reaction, API_RETRY);
    assert_false(o.json);
    assert_true(*o.message);
}

static void half_a_body_is_no_answer(void **state) {
    (void)state;
    static const char half[] = "HTTP/1.1 200 OK\r\nContent-Length: 27\r\n\r\n{\"errcode\":0";
    assert_unreachable(outcome_of_bytes(half, sizeof half - 1, FAKE_CLOSE));
    static const char chunk[] = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                                "d\r\n{\"errcode\":0}\r\n";
    assert_unreachable(outcome_of_bytes(chunk, sizeof chunk - 1, FAKE_CLOSE));
}

static void a_bad_gateway_is_no_answer(void **state) {
    (void)state;
    static const char bad[] = "HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/html\r\n"
                              "Content-Length: 13\r\n\r\n{\"errcode\":0}";
    struct outcome o = outcome_of_bytes(bad, sizeof bad - 1, FAKE_KEEP);
    assert_unreachable(o);
    assert_string_equal(o.message, "HTTP status 502");
}

static void a_redirect_is_not_followed(void **state) {
    (void)state;
    static const char elsewhere[] = "HTTP/1.1 302 Found\r\nLocation: /stolen\r\n"
                                    "Content-Length: 0\r\n\r\n";
    assert_unreachable(outcome_of_bytes(elsewhere, sizeof elsewhere - 1, FAKE_KEEP));
    assert_int_equal(fake_asked(&side.fake, "/stolen"), 0);
}

static void a_closed_connection_is_no_answer(void **state) {
    (void)state;
    assert_unreachable(outcome_of_bytes("", 0, FAKE_CLOSE));
}

static void nobody_there_is_no_answer(void **state) {
    (void)state;
    struct outcome o;
    struct api *api = api_new(side.base, "http://127.0.0.1:1");
    o = (struct outcome){.call = {.path = "/x", .token = "SECRET", .on_done = on_done}};
    api_start(api, &o.call);
    run_until(side.base, &o.done, 1, PATIENCE_MS);
    assert_unreachable(o);
    assert_null(strstr(o.message, "SECRET"));
    api_free(api);
}

static void a_call_that_hangs_can_be_cancelled(void **state) {
    (void)state;
    struct outcome hanging, other;
    fake_bytes(&side.fake, "/hang", "", 0, FAKE_HANG);
    start(&hanging, (struct api_call){.path = "/hang"});
    for (int waited = 0; fake_asked(&side.fake, "/hang") == 0 && waited < PATIENCE_MS; waited += 5)
        run_for(side.base, 5);
    api_cancel(side.api, &hanging.call);
    api_cancel(side.api, &hanging.call); /* again: nothing */
    run(&other, (struct api_call){.path = "/x"});
    assert_int_equal(hanging.done, 0);
    assert_int_equal(other.errcode, 0);
}

static void what_is_under_way_at_the_end_is_dropped(void **state) {
    (void)state;
    struct outcome o;
    fake_bytes(&side.fake, "/hang", "", 0, FAKE_HANG);
    start(&o, (struct api_call){.path = "/hang", .body = STR("{}")});
    run_for(side.base, 20);
    api_free(side.api);
    side.api = NULL;
    run_for(side.base, 20);
    assert_int_equal(o.done, 0);
}

/* ---- files ---- */

static void a_medium_comes_as_its_bytes(void **state) {
    (void)state;
    static const char medium[] = "HTTP/1.1 200 OK\r\nConnection: close\r\n"
                                 "Content-Type: application/octet-stream\r\n"
                                 "Content-disposition: attachment; filename=\"a.jpg\"\r\n"
                                 "Content-Length: 6\r\n\r\n\xff\xd8\0\0{}";
    struct outcome o = download_of(medium, sizeof medium - 1, FAKE_KEEP);
    assert_int_equal(o.errcode, 0);
    assert_false(o.json);
    assert_int_equal(o.file_n, 6);
    assert_memory_equal(o.file, "\xff\xd8\0\0{}", 6);
    assert_string_equal(o.file_type, "application/octet-stream");
}

static void a_picture_without_a_name_is_a_picture(void **state) {
    (void)state;
    static const char medium[] =
        "HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\nContent-Length: 4\r\n\r\n\xff\xd8\xff\xe0";
    struct outcome o = download_of(medium, sizeof medium - 1, FAKE_KEEP);
    assert_int_equal(o.errcode, 0);
    assert_int_equal(o.file_n, 4);
}

/* Somebody between us and the platform answers for it, perhaps: nothing was sent or published. */
static void a_file_where_none_was_asked_for_is_no_success(void **state) {
    (void)state;
    static const char picture[] =
        "HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\nContent-Length: 4\r\n\r\n\xff\xd8\xff\xe0";
    static const char named[] = "HTTP/1.1 200 OK\r\nContent-Disposition: attachment\r\n"
                                "Content-Length: 4\r\n\r\nfine";
    assert_unreachable(outcome_of_bytes(picture, sizeof picture - 1, FAKE_KEEP));
    assert_unreachable(outcome_of_bytes(named, sizeof named - 1, FAKE_KEEP));
    static const char refusal[] = "HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\n"
                                  "Content-Length: 17\r\n\r\n{\"errcode\":45009}";
    assert_int_equal(outcome_of_bytes(refusal, sizeof refusal - 1, FAKE_KEEP).errcode, 45009);
}

static void a_download_that_fails_says_why(void **state) {
    (void)state;
    static const char refusal[] =
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 56\r\n\r\n"
        "{\"errcode\":40007,\"errmsg\":\"invalid media_id rid: 1-2-3\"}";
    struct outcome o = download_of(refusal, sizeof refusal - 1, FAKE_KEEP);
    assert_int_equal(o.errcode, 40007);
    assert_int_equal(o.file_n, 0);
    assert_string_equal(o.rid, "1-2-3");
}

static void half_a_medium_is_no_medium(void **state) {
    (void)state;
    static const char medium[] =
        "HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\nContent-Length: 400\r\n\r\n\xff\xd8\xff";
    assert_unreachable(download_of(medium, sizeof medium - 1, FAKE_CLOSE));
}

static void an_upload_is_one_named_file_with_its_length(void **state) {
    (void)state;
    struct outcome o;
    static const char bytes[] = "\xff\xd8\0jpeg";
    struct api_file file = {"cover.jpg", "image/jpeg", {bytes, sizeof bytes - 1}};
    run(&o, (struct api_call){.path = "/cgi-bin/material/add_material",
                              .token = "T",
                              .query = {{"type", "image"}},
                              .file = &file});
    const struct fake_request *request = fake_last(&side.fake);
    assert_int_equal(o.errcode, 0);
    assert_memory_equal(request->head,
                        "POST /cgi-bin/material/add_material?access_token=T&type="
                        "image HTTP/1.1\r\n",
                        70);
    assert_non_null(strcasestr(request->head, "Content-Type: multipart/form-data; boundary="));
    assert_non_null(strcasestr(request->head, "\r\nContent-Length: "));
    assert_null(strcasestr(request->head, "Transfer-Encoding"));
    assert_non_null(strstr(request->body, "name=\"media\"; filename=\"cover.jpg\""));
    assert_non_null(strstr(request->body, "Content-Type: image/jpeg\r\n"));
    assert_non_null(memmem(request->body, request->body_n, bytes, sizeof bytes - 1));
}

/* ---- two hosts ---- */

static void a_whole_address_goes_where_it_says(void **state) {
    (void)state;
    struct outcome o;
    struct api *api = api_new(side.base, "http://127.0.0.1:1");
    const char *url = arena_printf(arena, "%s/media/1?a=b", side.fake.address);
    o = (struct outcome){.call = {.path = url, .query = {{"c", "d"}}, .on_done = on_done}};
    api_start(api, &o.call);
    run_until(side.base, &o.done, 1, PATIENCE_MS);
    assert_int_equal(o.errcode, 0);
    assert_memory_equal(fake_last(&side.fake)->head, "GET /media/1?a=b&c=d ", 21);
    api_free(api);
}

#define PLAIN(name) cmocka_unit_test_setup_teardown(name, arena_set_up, arena_tear_down)
#define CALLS(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        PLAIN(chinese_and_links_go_out_as_they_are),
        PLAIN(control_characters_never_become_escapes),
        PLAIN(texts_in_lists_are_cleaned_too),
        PLAIN(long_integers_become_text),
        PLAIN(what_a_double_keeps_stays_a_number),
        PLAIN(digits_inside_texts_are_left_alone),
        PLAIN(raw_control_characters_in_an_answer_are_borne),
        PLAIN(what_is_no_json_is_told),
        PLAIN(an_id_is_text_however_it_comes),
        PLAIN(every_code_of_the_protocol_has_its_reaction),
        PLAIN(an_unknown_code_is_given_up_in_silence),
        PLAIN(the_operator_hears_of_what_only_they_can_mend),
        CALLS(a_get_has_its_token_and_parameters_escaped),
        CALLS(a_post_has_its_body_and_its_length),
        CALLS(connections_are_kept),
        CALLS(no_more_connections_than_allowed_and_none_is_lost),
        CALLS(a_call_may_start_the_next_one),
        CALLS(a_refusal_has_its_code_and_rid),
        CALLS(a_code_may_come_as_text),
        CALLS(without_a_code_all_is_well),
        CALLS(what_cannot_be_read_is_no_success),
        CALLS(a_long_rid_is_cut),
        CALLS(half_a_body_is_no_answer),
        CALLS(a_bad_gateway_is_no_answer),
        CALLS(a_redirect_is_not_followed),
        CALLS(a_closed_connection_is_no_answer),
        CALLS(nobody_there_is_no_answer),
        CALLS(a_call_that_hangs_can_be_cancelled),
        CALLS(what_is_under_way_at_the_end_is_dropped),
        CALLS(a_medium_comes_as_its_bytes),
        CALLS(a_picture_without_a_name_is_a_picture),
        CALLS(a_file_where_none_was_asked_for_is_no_success),
        CALLS(a_download_that_fails_says_why),
        CALLS(half_a_medium_is_no_medium),
        CALLS(an_upload_is_one_named_file_with_its_length),
        CALLS(a_whole_address_goes_where_it_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
