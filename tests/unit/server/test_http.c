/* The HTTP server in its event loop, spoken to over real sockets: what hostile, slow and hurried
 * clients send. One thread runs found ends, so every order of events is ours. */

#include "tests/unit/server/loopback.h"

#include "server/base/limits.h"
#include "server/base/log.h"

#define GET(path) "GET " path " HTTP/1.1\r\nHost: h\r\n\r\n"

/* ---- the handler ---- */

static int handled; /* requests given to it */
static int ended;   /* exchanges whose end it was told */
static struct http_exchange *held;
static char last_path[64];
static char last_query[64];
static size_t last_query_n;
static enum http_method last_method;

static void on_end(void *context) {
    (void)context;
    ended++;
    held = NULL;
}

/* Says the body back; /hold waits for the test to reply. */
static void on_request(struct http_exchange *x, void *context) {
    (void)context;
    handled++;
    struct str path = http_path(x), query = http_query(x, "q"), found[2] = {{NULL, 0}};
    const struct http_parameter parameters[] = {{STR("absent"), &found[0]}, {STR("q"), &found[1]}};
    http_query_all(x, parameters, 2);
    assert_true(found[0].n == 0 && str_eq(found[1], query));
    snprintf(last_path, sizeof last_path, "%.*s", (int)path.n, path.p);
    snprintf(last_query, sizeof last_query, "%.*s", (int)query.n, query.n ? query.p : "");
    last_query_n = query.n;
    last_method = http_method(x);
    http_on_end(x, on_end, NULL);
    if (strcmp(last_path, "/hold") == 0) {
        held = x;
        return;
    }
    struct str body = http_body(x);
    http_set_header(x, "X-Path", last_path);
    http_reply(x, 200, "text/plain", body.n > 0 ? body : STR("nothing"));
}

static int set_up(void **state) {
    (void)state;
    handled = ended = 0;
    held = NULL;
    loopback_open(on_request, NULL);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    loopback_close();
    return 0;
}

/* ---- what a browser and the platform do ---- */

static void a_path_and_a_query_arrive_decoded(void **state) {
    (void)state;
    struct client *c = client_open();
    client_say(c, GET("/wechat/%64emo?q=a%2Bb%26c&other=1"));
    wait_answers(c, 1, false);
    assert_answer(c, 200, "nothing");
    assert_string_equal(last_path, "/wechat/demo");
    assert_string_equal(last_query, "a+b&c");
    client_say(c, GET("/?q=first&q=second"));
    wait_answers(c, 2, false);
    assert_string_equal(last_query, "first");
    client_close(c);
}

static void a_connection_is_used_again_and_again(void **state) {
    (void)state;
    struct client *c = client_open();
    for (int i = 1; i <= 50; i++) {
        client_say(c, GET("/again"));
        wait_answers(c, i, false);
        wait_until(&ended, i);
    }
    assert_int_equal(handled, 50);
    assert_false(c->closed);
    assert_int_equal(http_active(server), 0);
    client_close(c);
}

static void pipelined_requests_are_answered_in_order(void **state) {
    (void)state;
    struct client *c = client_open();
    client_say(c, "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\none" GET("/b") //
               "POST /c HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nthree");
    wait_answers(c, 3, false);
    assert_int_equal(handled, 3);
    char *first = strstr(c->in, "/a"), *second = strstr(c->in, "/b"), *third = strstr(c->in, "/c");
    assert_true(first && second && third && first < second && second < third);
    assert_non_null(strstr(third, "three"));
    client_close(c);
}

static void a_request_behind_one_that_waits_is_not_lost(void **state) {
    (void)state;
    struct client *c = client_open();
    client_say(c, GET("/hold") GET("/next"));
    wait_until(&handled, 1);
    assert_non_null(held);
    http_reply(held, 200, "text/plain", STR("late"));
    wait_answers(c, 2, false);
    assert_non_null(strstr(c->in, "late"));
    assert_string_equal(last_path, "/next");
    client_close(c);
}

static void head_is_a_get_without_a_body(void **state) {
    (void)state;
    struct client *c = client_open();
    client_say(c, "HEAD /page HTTP/1.1\r\nHost: h\r\n\r\n" GET("/page"));
    wait_answers(c, 1, true);
    assert_int_equal(last_method, HTTP_GET);
    wait_until(&handled, 2);
    wait_closed((client_say(c, "GET /x HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"), c));
    /* Three heads, two bodies. */
    int bodies = 0;
    for (const char *at = c->in; (at = strstr(at, "nothing")) != NULL; at++)
        bodies++;
    assert_int_equal(bodies, 2);
    client_close(c);
}

static void unknown_methods_reach_the_handler_as_other(void **state) {
    (void)state;
    static const char *const methods[] = {"PUT", "DELETE", "OPTIONS", "BREW", "get"};
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        struct client *c = client_open();
        char text[64];
        last_method = HTTP_GET;
        snprintf(text, sizeof text, "%s / HTTP/1.1\r\nHost: h\r\n\r\n", methods[i]);
        client_say(c, text);
        wait_answers(c, 1, false);
        assert_int_equal(last_method, HTTP_OTHER);
        client_close(c);
    }
}

/* ---- heads that two servers could read differently ---- */

static const struct {
    const char *name;
    const char *bytes;
    size_t n;
} hostile[] = {
#define HOSTILE(name, text)                                                                        \
    { name, text, sizeof(text) - 1 }
#define POST_WITH(fields) "POST / HTTP/1.1\r\nHost: h\r\n" fields "\r\n\r\n"
    HOSTILE("two Host", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"),
    HOSTILE("the same Host twice", "GET / HTTP/1.1\r\nHost: a\r\nhost: a\r\n\r\n"),
    HOSTILE("no Host", "GET / HTTP/1.1\r\n\r\n"),
    HOSTILE("two lengths", POST_WITH("Content-Length: 3\r\nContent-Length: 4") "abcd"),
    HOSTILE("the same length twice", POST_WITH("Content-Length: 3\r\nContent-Length: 3") "abc"),
    HOSTILE("length and chunks", POST_WITH("Content-Length: 5\r\nTransfer-Encoding: chunked") //
            "0\r\n\r\n"),
    HOSTILE("chunks and length", POST_WITH("Transfer-Encoding: chunked\r\nContent-Length: 5") //
            "0\r\n\r\n"),
    HOSTILE("a positive length", POST_WITH("Content-Length: +3") "abc"),
    HOSTILE("a negative length", POST_WITH("Content-Length: -3") "abc"),
    HOSTILE("a length with a blank", POST_WITH("Content-Length: 1 0") "abc"),
    HOSTILE("a list of lengths", POST_WITH("Content-Length: 3, 3") "abc"),
    HOSTILE("a hexadecimal length", POST_WITH("Content-Length: 0x3") "abc"),
    HOSTILE("an empty length", POST_WITH("Content-Length:") "abc"),
    HOSTILE("a length beyond numbers", POST_WITH("Content-Length: 18446744073709551619") "abc"),
    HOSTILE("a blank before the colon", POST_WITH("Content-Length : 3") "abc"),
    HOSTILE("another encoding", POST_WITH("Transfer-Encoding: gzip, chunked") "0\r\n\r\n"),
    HOSTILE("the encoding identity", POST_WITH("Transfer-Encoding: identity") "0\r\n\r\n"),
    HOSTILE("an encoding alike", POST_WITH("Transfer-Encoding: xchunked") "0\r\n\r\n"),
    HOSTILE("two encodings",
            POST_WITH("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked") "0\r\n\r\n"),
    HOSTILE("an encoded NUL in the path", GET("/wechat/demo%00x")),
    HOSTILE("an encoded NUL in the query", GET("/?q=a%00b")),
    HOSTILE("no version", "GET /\r\nHost: h\r\n\r\n"),
    HOSTILE("no request at all", "\x16\x03\x01\x02\r\n\r\n"),
    HOSTILE("a chunk of no number", POST_WITH("Transfer-Encoding: chunked") "zz\r\nabc\r\n"),
    HOSTILE("a chunk of a negative number",
            POST_WITH("Transfer-Encoding: chunked") "-1\r\nabc\r\n0\r\n\r\n"),
    HOSTILE("a chunk beyond numbers",
            POST_WITH("Transfer-Encoding: chunked") "10000000000000003\r\nabc\r\n0\r\n\r\n"),
    HOSTILE("a chunk longer than it says",
            POST_WITH("Transfer-Encoding: chunked") "2\r\nabc\r\n0\r\n\r\n"),
};

static void a_head_that_can_be_read_twice_is_refused(void **state) {
    (void)state;
    int failures = 0;
    for (size_t i = 0; i < sizeof hostile / sizeof *hostile; i++) {
        struct client *c = client_open();
        client_send(c, hostile[i].bytes, hostile[i].n);
        client_say(c, GET("/smuggled"));
        for (int ms = 0; !c->closed && answers_in(c, false) < 2 && ms < PATIENCE_MS; ms++) {
            turn();
            client_read(c);
        }
        bool refused = c->n == 0 || (status_of(c) >= 400 && answers_in(c, false) <= 1);
        if (!refused || handled > 0) {
            print_error("%s: %d handled, %s\n", hostile[i].name, handled, c->in);
            failures++;
        }
        handled = 0;
        client_close(c);
    }
    assert_int_equal(failures, 0);
}

/* The library ends a line's text there; the request ends where it should nevertheless. */
static void a_nul_hides_nothing(void **state) {
    (void)state;
    static const char in_field[] = POST_WITH("X-A: a\0b\r\nContent-Length: 3") "abc";
    static const char in_path[] = "POST /a\0b HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc";
    static const char in_length[] = POST_WITH("Content-Length: 3\0 4") "abc";
    static const struct str requests[] = {{in_field, sizeof in_field - 1},
                                          {in_path, sizeof in_path - 1},
                                          {in_length, sizeof in_length - 1}};
    for (int i = 0; i < 3; i++) {
        struct client *c = client_open();
        client_send(c, requests[i].p, requests[i].n);
        client_say(c, GET("/next"));
        wait_answers(c, 2, false);
        assert_answer(c, 200, "abc");
        assert_int_equal(handled, 2 * (i + 1));
        assert_string_equal(last_path, "/next");
        client_close(c);
    }
}

static void a_head_beyond_its_limit_is_refused(void **state) {
    (void)state;
    static const char *const starts[] = {"GET /", "GET / HTTP/1.1\r\nHost: h\r\nX-Long: "};
    for (size_t i = 0; i < 2; i++) {
        struct client *c = client_open();
        char blob[1024];
        memset(blob, 'a', sizeof blob);
        client_say(c, starts[i]);
        for (int k = 0; k < 256; k++)
            client_send(c, blob, sizeof blob);
        wait_closed(c);
        assert_true(c->n == 0 || (status_of(c) >= 400 && status_of(c) < 500));
        client_close(c);
    }
    assert_int_equal(handled, 0);
    assert_int_equal(http_active(server), 0);
}

/* ---- bodies ---- */

static void a_body_of_just_the_limit_arrives_and_one_byte_more_does_not(void **state) {
    (void)state;
    static char body[HTTP_BODY_MAX_BYTES + 1];
    memset(body, 'b', sizeof body);
    struct client *c = client_open();
    char head[96];
    snprintf(head, sizeof head, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n",
             HTTP_BODY_MAX_BYTES);
    client_say(c, head);
    client_send(c, body, HTTP_BODY_MAX_BYTES);
    wait_answers(c, 1, false);
    assert_answer(c, 200, "bbb");
    assert_true(c->n > HTTP_BODY_MAX_BYTES);
    client_close(c);

    c = client_open();
    snprintf(head, sizeof head, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n",
             HTTP_BODY_MAX_BYTES + 1);
    client_say(c, head); /* refused before the body comes */
    wait_closed(c);
    assert_answer(c, 413, "");
    assert_int_equal(handled, 1);
    client_close(c);
}

static void a_chunked_body_beyond_the_limit_is_refused(void **state) {
    (void)state;
    struct client *c = client_open();
    char chunk[6 + 4096 + 2 + 1];
    snprintf(chunk, sizeof chunk, "1000\r\n%4096d\r\n", 0);
    client_say(c, POST_WITH("Transfer-Encoding: chunked"));
    for (int i = 0; i < 17; i++)
        client_say(c, chunk);
    client_say(c, "0\r\n\r\n");
    wait_closed(c);
    assert_answer(c, 413, "");
    assert_int_equal(handled, 0);
    client_close(c);
}

static void an_endless_body_is_cut_off(void **state) {
    (void)state;
    struct client *c = client_open();
    char chunk[6 + 4096 + 2 + 1];
    snprintf(chunk, sizeof chunk, "1000\r\n%4096d\r\n", 0);
    client_say(c, POST_WITH("Transfer-Encoding: chunked"));
    int sent = 0;
    while (!c->closed && sent < 4096) { /* 16 MiB, if nobody minds */
        client_say(c, chunk);
        sent++;
    }
    assert_true(c->closed);
    assert_int_equal(handled, 0);
    client_close(c);
}

static void a_chunked_body_may_be_split_anywhere(void **state) {
    (void)state;
    static const char request[] = POST_WITH("Transfer-Encoding: chunked") //
        "5;name=value\r\nhello\r\n1\r\n \r\nB\r\nfrom Gulou!\r\n0\r\nTrailer: x\r\n\r\n";
    for (size_t at = 1; at < sizeof request - 1; at++) {
        struct client *c = client_open();
        client_send(c, request, at);
        client_send(c, request + at, sizeof request - 1 - at);
        wait_answers(c, 1, false);
        assert_answer(c, 200, "hello from Gulou!");
        client_close(c);
    }
    struct client *c = client_open();
    for (size_t at = 0; at < sizeof request - 1; at++)
        client_send(c, request + at, 1);
    wait_answers(c, 1, false);
    assert_answer(c, 200, "hello from Gulou!");
    client_close(c);
}

static void a_client_that_leaves_in_the_middle_leaves_nothing_behind(void **state) {
    (void)state;
    static const char request[] = "POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n12345";
    for (size_t at = 0; at < sizeof request; at++) {
        struct client *c = client_open();
        client_send(c, request, at);
        client_close(c);
    }
    struct client *c = client_open();
    client_say(c, GET("/after"));
    wait_answers(c, 1, false);
    client_close(c);
    assert_int_equal(handled, 1);
    for (int ms = 0; http_active(server) > 0 && ms < PATIENCE_MS; ms++)
        turn();
    assert_int_equal(http_active(server), 0);
}

/* ---- time ---- */

/* All at once, because the deadline is a matter of seconds: heads and bodies that drip, a client
 * that says nothing, and an answer that never comes. Each byte comes well within any idle time. */
static void whoever_takes_too_long_is_cut_at_the_deadline(void **state) {
    (void)state;
    static const char *const starts[] = {"GET / HTTP/1.1\r\nHost: h\r\nX-Drip: ", "GET /drip",
                                         POST_WITH("Content-Length: 60000"),
                                         POST_WITH("Transfer-Encoding: chunked") "FFF\r\n"};
    struct client *drips[4], *silent = client_open(), *waiting = client_open();
    for (int i = 0; i < 4; i++) {
        drips[i] = client_open();
        client_say(drips[i], starts[i]);
    }
    client_say(waiting, GET("/hold"));
    wait_until(&handled, 1);
    bool open = true;
    for (int ms = 0; open && ms < 2 * HTTP_REQUEST_DEADLINE_MS; ms++) {
        open = false;
        turn();
        for (int i = 0; i < 4; i++) {
            if (ms % 50 == 0 && !drips[i]->closed)
                send(drips[i]->fd, "a", 1, MSG_NOSIGNAL);
            client_read(drips[i]);
            open |= !drips[i]->closed;
        }
        client_read(silent);
        client_read(waiting);
        open |= !silent->closed || !waiting->closed;
    }
    assert_false(open);
    assert_int_equal(handled, 1);
    wait_until(&ended, 1);
    assert_null(held);
    assert_int_equal(waiting->n, 0);
    assert_int_equal(http_active(server), 0);
    for (int i = 0; i < 4; i++)
        client_close(drips[i]);
    client_close(silent);
    client_close(waiting);
}

static void a_server_that_ends_tells_whoever_waits(void **state) {
    (void)state;
    struct client *c = client_open();
    client_say(c, GET("/hold"));
    wait_until(&handled, 1);
    http_stop_accepting(server);
    assert_int_equal(http_active(server), 1);
    http_free(server);
    server = NULL;
    assert_int_equal(ended, 1);
    client_close(c);
}

int main(void) {
    log_init(LOG_LEVEL_ERROR);
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_path_and_a_query_arrive_decoded),
        TEST(a_connection_is_used_again_and_again),
        TEST(pipelined_requests_are_answered_in_order),
        TEST(a_request_behind_one_that_waits_is_not_lost),
        TEST(head_is_a_get_without_a_body),
        TEST(unknown_methods_reach_the_handler_as_other),
        TEST(a_head_that_can_be_read_twice_is_refused),
        TEST(a_nul_hides_nothing),
        TEST(a_head_beyond_its_limit_is_refused),
        TEST(a_body_of_just_the_limit_arrives_and_one_byte_more_does_not),
        TEST(a_chunked_body_beyond_the_limit_is_refused),
        TEST(an_endless_body_is_cut_off),
        TEST(a_chunked_body_may_be_split_anywhere),
        TEST(a_client_that_leaves_in_the_middle_leaves_nothing_behind),
        TEST(whoever_takes_too_long_is_cut_at_the_deadline),
        TEST(a_server_that_ends_tells_whoever_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
