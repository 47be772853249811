/* Pushes as XML: every shape the platform sends, and what it never would. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "server/base/buf.h"
#include "server/base/limits.h"
#include "wechat/message.h"

#define HEAD                                                                                       \
    "<ToUserName><![CDATA[gh_1]]></ToUserName><FromUserName><![CDATA[oA-b_9]]></FromUserName>"     \
    "<CreateTime>1348831860</CreateTime>"
#define TEXT_OF(content) "<xml>" HEAD "<MsgType>text</MsgType><MsgId>1</MsgId>" content "</xml>"

static struct arena *arena;

static int set_up(void **state) {
    (void)state;
    arena = arena_new();
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    arena_free(arena);
    return 0;
}

static struct message parse(const char *xml) {
    struct message message;
    assert_int_equal(message_parse(arena, str_from(xml), &message), MESSAGE_OK);
    return message;
}

static void text_in_every_spelling(void **state) {
    (void)state;
    assert_true(str_is(parse(TEXT_OF("<Content><![CDATA[你好😀]]></Content>")).content, "你好😀"));
    assert_true(str_is(parse(TEXT_OF("<Content>a &lt;b&gt; &amp; &#x4f60;</Content>")).content,
                       "a <b> & 你"));
    assert_true(str_is(parse(TEXT_OF("<Content><![CDATA[a]]]]><![CDATA[>b]]></Content>")).content,
                       "a]]>b"));
    assert_true(str_is(parse(TEXT_OF("<Content/>")).content, ""));
    assert_true(
        str_is(parse(TEXT_OF("<Content> <![CDATA[a&lt;]]> &lt;<!-- no -->b\r\n</Content>")).content,
               " a&lt; <b\n"));
    assert_true(str_is(
        parse("\xef\xbb\xbf<?xml version='1.0'?>\n" TEXT_OF("<Content>c</Content>") "\n").content,
        "c"));
    assert_true(str_is(
        parse(TEXT_OF("<Content>1</Content><bizmsgmenuid>m</bizmsgmenuid>")).bizmsgmenuid, "m"));
}

static void any_order_and_unknown_elements(void **state) {
    (void)state;
    struct message message =
        parse("<xml><New><Deep>1</Deep></New><MsgId>18446744073709551615</MsgId>"
              "<MsgType>image</MsgType><MediaId>m</MediaId>" HEAD "</xml>");
    assert_int_equal(message.type, MESSAGE_IMAGE);
    assert_true(str_is(message.msg_id, "18446744073709551615"));
    assert_int_equal(message.create_time, 1348831860);
    assert_true(str_is(message_value(message.fields, "New/Deep"), "1"));
}

static void make_name(char *name, size_t size) {
    memset(name, 'n', size - 1);
    name[size - 1] = '\0';
}

/* What the parser has room for at first is far less. */
static void long_names_and_many_attributes_are_read_whole(void **state) {
    (void)state;
    struct buf xml;
    char name[9000];
    make_name(name, sizeof name);
    buf_init(&xml, arena);
    buf_puts(&xml, "<xml");
    for (int i = 0; i < 500; i++) {
        buf_printf(&xml, " a%d='%d'", i, i);
    }
    buf_printf(&xml, ">" HEAD "<MsgType>text</MsgType><%s><%sm>deep</%sm></%s></xml>", name, name,
               name, name);
    struct message message = parse(buf_view(&xml).p);
    struct str value = message_value(message.fields, arena_printf(arena, "%s/%sm", name, name));
    assert_true(str_is(value, "deep"));
    assert_true(str_is(message.from_user, "oA-b_9"));
}

static void every_type_parses(void **state) {
    (void)state;
    static const char *const types[] = {"text",       "image",    "voice", "video",
                                        "shortvideo", "location", "link"};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        struct message message = parse(arena_printf(
            arena,
            "<xml>" HEAD "<MsgType>%s</MsgType><MsgId>1</MsgId><Location_X>30.6</Location_X></xml>",
            types[i]));
        assert_int_not_equal(message.type, MESSAGE_UNKNOWN);
    }
    assert_int_equal(parse("<xml>" HEAD "<MsgType>sticker</MsgType></xml>").type, MESSAGE_UNKNOWN);
}

static void every_event_parses(void **state) {
    (void)state;
    static const char *const events[] = {"subscribe",
                                         "unsubscribe",
                                         "SCAN",
                                         "LOCATION",
                                         "CLICK",
                                         "VIEW",
                                         "scancode_push",
                                         "scancode_waitmsg",
                                         "pic_sysphoto",
                                         "pic_photo_or_album",
                                         "pic_weixin",
                                         "location_select",
                                         "view_miniprogram",
                                         "TEMPLATESENDJOBFINISH",
                                         "MASSSENDJOBFINISH",
                                         "PUBLISHJOBFINISH",
                                         "subscribe_msg_popup_event",
                                         "subscribe_msg_change_event",
                                         "subscribe_msg_sent_event",
                                         "user_authorization_revoke",
                                         "kf_create_session",
                                         "kf_close_session",
                                         "kf_switch_session",
                                         "qualification_verify_success",
                                         "qualification_verify_fail",
                                         "naming_verify_success",
                                         "naming_verify_fail",
                                         "annual_renew",
                                         "verify_expired",
                                         "debug_demo"};
    for (size_t i = 0; i < sizeof events / sizeof *events; i++) {
        struct message message = parse(arena_printf(
            arena,
            "<xml>" HEAD
            "<MsgType>event</MsgType><Event>%s</Event><EventKey>k</EventKey><MsgID>7</MsgID>"
            "<ScanCodeInfo><ScanType>qrcode</ScanType><ScanResult>1</ScanResult></ScanCodeInfo>"
            "<SendPicsInfo><PicList><item><PicMd5Sum>a</PicMd5Sum></item></PicList><PicList><item>"
            "<PicMd5Sum>b</PicMd5Sum></item></PicList></SendPicsInfo></xml>",
            events[i]));
        assert_int_equal(message.type, MESSAGE_EVENT);
        assert_true(str_is(message.event, events[i]));
        assert_true(str_is(message.job_id, "7"));
        assert_int_equal(message.msg_id.n, 0);
        assert_true(str_is(message_value(message.fields, "ScanCodeInfo/ScanResult"), "1"));
    }
}

static void assert_refused(struct str xml, enum message_error expected) {
    struct message message;
    assert_int_equal(message_parse(arena, xml, &message), expected);
}

static void hostile_xml_is_refused(void **state) {
    (void)state;
    assert_refused(STR(""), MESSAGE_NOT_XML);
    assert_refused(STR("<xml>"), MESSAGE_NOT_XML);
    assert_refused(STR("<html></html>"), MESSAGE_NOT_XML);
    assert_refused(STR("{\"a\":1}"), MESSAGE_NOT_XML);
    assert_refused(STR("<!DOCTYPE xml [<!ENTITY e SYSTEM \"file:///etc/passwd\">]>" TEXT_OF(
                       "<Content>&e;</Content>")),
                   MESSAGE_DOCTYPE);
    assert_refused(STR(TEXT_OF("<Content>&e;</Content>")), MESSAGE_NOT_XML);
    assert_refused(STR(TEXT_OF("<Content>\xff\xfe</Content>")), MESSAGE_NOT_XML);
    assert_refused(STR(TEXT_OF("<Content>a\0b</Content>")), MESSAGE_NOT_XML);
    assert_refused(STR(TEXT_OF("<Content>&#0;</Content>")), MESSAGE_NOT_XML);
    assert_refused(STR(TEXT_OF("<Content>a</Content><Content>b</Content>")), MESSAGE_REPEATED);
}

/* A quick parser is a lenient one: what is no XML is refused all the same. */
static void nearly_xml_is_refused(void **state) {
    (void)state;
    static const char *const contents[] = {"\x01",
                                           "a\x1f",
                                           "12345678\x0b",
                                           "&#1;",
                                           "&#xd800;",
                                           "&#xffff;",
                                           "&#x110000;",
                                           "&#99999999999999999999;",
                                           "&#;",
                                           "&#x;",
                                           "&",
                                           "&lt",
                                           "a]]>b",
                                           "\xed\xa0\x80",
                                           "<b>",
                                           "</b>",
                                           "<",
                                           "<![CDATA[a"};
    for (size_t i = 0; i < sizeof contents / sizeof *contents; i++) {
        assert_refused(str_from(arena_printf(arena, TEXT_OF("<Content>%s</Content>"), contents[i])),
                       MESSAGE_NOT_XML);
        /* also where nobody would read it */
        assert_refused(
            str_from(arena_printf(arena, TEXT_OF("%s<Content>a</Content>"), contents[i])),
            MESSAGE_NOT_XML);
    }
    assert_refused(STR("text" TEXT_OF("")), MESSAGE_NOT_XML);
    assert_refused(STR(TEXT_OF("") "text"), MESSAGE_NOT_XML);
    assert_refused(STR(TEXT_OF("") "<"), MESSAGE_NOT_XML);
    assert_refused(STR(TEXT_OF("") "<xml/>"), MESSAGE_NOT_XML);
    assert_refused(STR(TEXT_OF("") "<![CDATA[a]]>"), MESSAGE_NOT_XML);
}

static void a_deep_or_crowded_tree_is_refused(void **state) {
    (void)state;
    struct buf deep, wide;
    buf_init(&deep, arena);
    buf_init(&wide, arena);
    for (int i = 0; i < 10000; i++) {
        buf_puts(&deep, i == 0 ? "<xml>" : "<a>");
    }
    assert_refused(buf_view(&deep), MESSAGE_TOO_DEEP);
    buf_puts(&wide, "<xml>");
    for (int i = 0; i < 5000; i++) {
        buf_printf(&wide, "<a%d/>", i);
    }
    buf_puts(&wide, "</xml>");
    assert_refused(buf_view(&wide), MESSAGE_TOO_DEEP);
}

/* Each of the elements in it has the long name in its path: 48 KB of a push would become 38 MB. */
static void a_long_name_around_many_elements_is_refused(void **state) {
    (void)state;
    struct buf xml;
    char name[16001];
    make_name(name, sizeof name);
    buf_init(&xml, arena);
    buf_printf(&xml, "<xml>" HEAD "<MsgType>text</MsgType><%s>", name);
    for (int i = 0; i < 300; i++) {
        buf_puts(&xml, "<a><a><a><a><a><a><a><a/></a></a></a></a></a></a></a>");
    }
    buf_printf(&xml, "</%s></xml>", name);
    assert_true(buf_view(&xml).n < HTTP_BODY_MAX_BYTES);
    assert_refused(buf_view(&xml), MESSAGE_TOO_DEEP);
}

static void missing_and_wrong_fields_are_refused(void **state) {
    (void)state;
    assert_refused(STR("<xml>" HEAD "</xml>"), MESSAGE_FIELD_MISSING);
    assert_refused(STR("<xml>" HEAD "<MsgType>event</MsgType></xml>"), MESSAGE_FIELD_MISSING);
    assert_refused(STR("<xml><ToUserName>gh_1</ToUserName><CreateTime>1</CreateTime><MsgType>text</"
                       "MsgType></xml>"),
                   MESSAGE_FIELD_MISSING);
    assert_refused(STR("<xml><ToUserName>gh_1</ToUserName><FromUserName>o1</"
                       "FromUserName><CreateTime>soon</CreateTime>"
                       "<MsgType>text</MsgType></xml>"),
                   MESSAGE_FIELD_WRONG);
    assert_refused(STR("<xml><ToUserName>gh_1</ToUserName><FromUserName>o'1</"
                       "FromUserName><CreateTime>1</CreateTime>"
                       "<MsgType>text</MsgType></xml>"),
                   MESSAGE_FIELD_WRONG);
    assert_refused(STR("<xml>" HEAD "<MsgType>text</MsgType><MsgId>1e5</MsgId></xml>"),
                   MESSAGE_FIELD_WRONG);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(text_in_every_spelling),
        TEST(any_order_and_unknown_elements),
        TEST(long_names_and_many_attributes_are_read_whole),
        TEST(every_type_parses),
        TEST(every_event_parses),
        TEST(hostile_xml_is_refused),
        TEST(nearly_xml_is_refused),
        TEST(a_deep_or_crowded_tree_is_refused),
        TEST(a_long_name_around_many_elements_is_refused),
        TEST(missing_and_wrong_fields_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
