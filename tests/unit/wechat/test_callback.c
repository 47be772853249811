/* The platform's envelope: the official vectors, every mode, and what an attacker would try. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/evp.h>

#include "server/base/buf.h"
#include "wechat/callback.h"
#include "wechat/crypto.h"
#include "wechat/reply.h"

#define APP_ID "wxba5fad812f8e6fb9"
#define KEY_TEXT "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define BODY                                                                                       \
    "<xml><ToUserName><![CDATA[gh_1]]></ToUserName><FromUserName><![CDATA[oABC]]></FromUserName>"  \
    "<CreateTime>1348831860</CreateTime><MsgType><![CDATA[text]]></MsgType>"                       \
    "<Content><![CDATA[hi]]></Content><MsgId>1234567890123456</MsgId></xml>"

static struct arena *arena;
static unsigned char key[WECHAT_KEY_BYTES];
static unsigned char other_key[WECHAT_KEY_BYTES];

static int set_up(void **state) {
    (void)state;
    arena = arena_new();
    assert_true(wechat_key_decode(STR(KEY_TEXT), key));
    memset(other_key, 7, sizeof other_key);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    arena_free(arena);
    wechat_crypto_release();
    return 0;
}

static struct wechat_account account_in(enum wechat_mode mode) {
    return (struct wechat_account){
        .id = "demo", .app_id = APP_ID, .token = "AAAAA", .aes_key = key, .mode = mode};
}

static struct str sign(size_t n, const struct str *parts) {
    char hex[WECHAT_SIGNATURE_CHARS + 1];
    wechat_sign(n, parts, hex);
    return str_from(arena_strndup(arena, hex, sizeof hex - 1));
}

static struct callback_query query_for(const char *token, struct str cipher) {
    struct callback_query query = {.timestamp = STR("1714036504"), .nonce = STR("1514711492")};
    query.signature = sign(3, (struct str[]){str_from(token), query.timestamp, query.nonce});
    if (cipher.n > 0) {
        query.encrypt_type = STR("aes");
        query.msg_signature =
            sign(4, (struct str[]){str_from(token), query.timestamp, query.nonce, cipher});
    }
    return query;
}

static struct str encrypt(const unsigned char *with, const char *app_id, const char *xml) {
    return envelope_encrypt(arena, with, app_id, (const unsigned char *)"0123456789abcdef",
                            str_from(xml));
}

static struct str envelope(struct str cipher) {
    return str_from(arena_printf(arena,
                                 "<xml><ToUserName><![CDATA[gh_1]]></ToUserName>"
                                 "<Encrypt><![CDATA[%.*s]]></Encrypt></xml>",
                                 (int)cipher.n, cipher.p));
}

static enum callback_result open_with(const struct wechat_account *account, const char *token,
                                      struct str cipher, struct callback_open *out) {
    struct callback_query query = query_for(token, cipher);
    return callback_open(arena, account, &query, envelope(cipher), out);
}

/* ---- official vectors ---- */

static void v1_verification(void **state) {
    (void)state;
    struct wechat_account account = account_in(WECHAT_SECURE);
    struct callback_query query = {.signature = STR("f464b24fc39322e44b38aa78f5edd27bd1441696"),
                                   .timestamp = STR("1714036504"),
                                   .nonce = STR("1514711492"),
                                   .echostr = STR("4375120948345356249")};
    assert_int_equal(callback_verify(&account, &query), CALLBACK_OK);
    query.signature = STR("f464b24fc39322e44b38aa78f5edd27bd1441697");
    assert_int_equal(callback_verify(&account, &query), CALLBACK_FORBIDDEN);
    query.signature = STR("");
    assert_int_equal(callback_verify(&account, &query), CALLBACK_FORBIDDEN);
}

static void v2_encrypted_reply(void **state) {
    (void)state;
    for (int again = 0; again < 2; again++) { /* a thread keeps what it has made of a key */
        struct str cipher =
            envelope_encrypt(arena, key, APP_ID, (const unsigned char *)"707722b803182950",
                             STR("{\"demo_resp\":\"good luck\"}"));
        assert_true(str_is(cipher, "ELGduP2YcVatjqIS+eZbp80MNLoAUWvzzyJxgGzxZO/"
                                   "5sAvd070Bs6qrLARC9nVHm48Y4hyRbtzve1L32tmxSQ=="));
        struct str parts[] = {STR("AAAAA"), STR("1713424427"), STR("415670741"), cipher};
        assert_true(str_is(sign(4, parts), "1b9339964ed2e271e7c7b6ff2b0ef902fc94dea1"));
        struct str message;
        assert_int_equal(envelope_decrypt(arena, key, APP_ID, cipher, &message), ENVELOPE_OK);
        assert_true(str_is(message, "{\"demo_resp\":\"good luck\"}"));
    }
}

static void spare_bits_of_the_key_may_be_anything(void **state) {
    (void)state;
    unsigned char a[WECHAT_KEY_BYTES], b[WECHAT_KEY_BYTES];
    assert_true(wechat_key_decode(STR("jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2A"), a));
    assert_true(wechat_key_decode(STR("jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C"), b));
    assert_memory_equal(a, b, sizeof a);
    assert_false(wechat_key_decode(STR("short"), a));
    assert_false(wechat_key_decode(STR("jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2="), a));
}

/* ---- modes and rotation ---- */

static void every_mode_takes_what_it_should(void **state) {
    (void)state;
    struct callback_open out;
    struct str cipher = encrypt(key, APP_ID, BODY);
    struct wechat_account secure = account_in(WECHAT_SECURE);
    struct wechat_account compatible = account_in(WECHAT_COMPATIBLE);
    struct wechat_account plain = account_in(WECHAT_PLAIN);
    struct callback_query bare = query_for("AAAAA", STR(""));
    assert_int_equal(open_with(&secure, "AAAAA", cipher, &out), CALLBACK_OK);
    assert_true(out.encrypted && str_is(out.message.content, "hi"));
    assert_int_equal(open_with(&compatible, "AAAAA", cipher, &out), CALLBACK_OK);
    assert_int_equal(open_with(&plain, "AAAAA", cipher, &out), CALLBACK_FORBIDDEN);
    assert_int_equal(callback_open(arena, &plain, &bare, STR(BODY), &out), CALLBACK_OK);
    assert_false(out.encrypted);
    assert_int_equal(callback_open(arena, &compatible, &bare, STR(BODY), &out), CALLBACK_OK);
    /* A signature does not cover the body: no downgrade. */
    assert_int_equal(callback_open(arena, &secure, &bare, STR(BODY), &out), CALLBACK_FORBIDDEN);
}

static void compatible_mode_uses_the_decrypted_content_only(void **state) {
    (void)state;
    struct callback_open out;
    struct wechat_account account = account_in(WECHAT_COMPATIBLE);
    struct str cipher = encrypt(key, APP_ID, BODY);
    struct callback_query query = query_for("AAAAA", cipher);
    struct str body = str_from(arena_printf(
        arena,
        "<xml><ToUserName>gh_1</ToUserName><Content>forged</Content><Encrypt>%s</Encrypt></xml>",
        cipher.p));
    assert_int_equal(callback_open(arena, &account, &query, body, &out), CALLBACK_OK);
    assert_true(str_is(out.message.content, "hi"));
}

static void a_rotation_takes_both_tokens_and_keys(void **state) {
    (void)state;
    struct callback_open out;
    struct wechat_account account = account_in(WECHAT_SECURE);
    account.token = "new-token";
    account.token_previous = "AAAAA";
    account.aes_key = other_key;
    account.aes_key_previous = key;
    assert_int_equal(open_with(&account, "AAAAA", encrypt(key, APP_ID, BODY), &out), CALLBACK_OK);
    assert_string_equal(out.token, "AAAAA");
    assert_ptr_equal(out.aes_key, key);
    assert_int_equal(open_with(&account, "new-token", encrypt(other_key, APP_ID, BODY), &out),
                     CALLBACK_OK);
    assert_int_equal(open_with(&account, "older", encrypt(key, APP_ID, BODY), &out),
                     CALLBACK_FORBIDDEN);
}

/* ---- hostile envelopes ---- */

/* Ciphertext of exactly these plain bytes: head, length and pad as wrong as one likes. */
static struct str raw_cipher(const unsigned char *plain, size_t n) {
    unsigned char *cipher = arena_alloc(arena, n + 16);
    char *base64 = arena_alloc(arena, n * 2);
    int written;
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    EVP_EncryptInit_ex(context, EVP_aes_256_cbc(), NULL, key, key);
    EVP_CIPHER_CTX_set_padding(context, 0);
    EVP_EncryptUpdate(context, cipher, &written, plain, (int)n);
    EVP_CIPHER_CTX_free(context);
    int length = EVP_EncodeBlock((unsigned char *)base64, cipher, written);
    return (struct str){base64, (size_t)length};
}

static void a_broken_cipher_is_refused(void **state) {
    (void)state;
    struct str message;
    unsigned char plain[64];
    static const struct {
        unsigned char pad;
        uint32_t length;
        enum envelope_error error;
    } cases[] = {
        {0, 4, ENVELOPE_PAD},
        {33, 4, ENVELOPE_PAD},
        {255, 4, ENVELOPE_PAD},
        {32, 0xffffffff, ENVELOPE_SHORT},
        {32, 0xffffffec, ENVELOPE_SHORT},
        {32, 13, ENVELOPE_SHORT},
        {32, 12, ENVELOPE_APP_ID},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        memset(plain, cases[i].pad, sizeof plain);
        for (int b = 0; b < 4; b++) {
            plain[16 + b] = (unsigned char)(cases[i].length >> (24 - 8 * b));
        }
        assert_int_equal(envelope_decrypt(arena, key, APP_ID, raw_cipher(plain, 64), &message),
                         cases[i].error);
    }
    memset(plain, 32, sizeof plain);
    plain[40] = 31; /* one byte of the pad differs */
    assert_int_equal(envelope_decrypt(arena, key, APP_ID, raw_cipher(plain, 64), &message),
                     ENVELOPE_PAD);
    assert_int_equal(envelope_decrypt(arena, key, APP_ID, STR("AAAA"), &message), ENVELOPE_LENGTH);
    assert_int_equal(envelope_decrypt(arena, key, APP_ID, STR("A"), &message), ENVELOPE_BASE64);
    assert_int_equal(envelope_decrypt(arena, key, APP_ID, STR("A=AA"), &message), ENVELOPE_BASE64);
    assert_int_equal(envelope_decrypt(arena, key, APP_ID, STR(""), &message), ENVELOPE_LENGTH);
}

static void somebody_elses_envelope_is_refused(void **state) {
    (void)state;
    struct callback_open out;
    struct wechat_account account = account_in(WECHAT_SECURE);
    assert_int_equal(open_with(&account, "AAAAA", encrypt(key, "wx0000000000000000", BODY), &out),
                     CALLBACK_FORBIDDEN);
    assert_int_equal(open_with(&account, "AAAAA", encrypt(key, APP_ID "x", BODY), &out),
                     CALLBACK_FORBIDDEN);
    assert_int_equal(open_with(&account, "AAAAA", encrypt(other_key, APP_ID, BODY), &out),
                     CALLBACK_FORBIDDEN);
    assert_int_equal(open_with(&account, "AAAAA", encrypt(key, APP_ID, "<xml>"), &out),
                     CALLBACK_MALFORMED);
}

static void two_encrypts_are_refused(void **state) {
    (void)state;
    struct callback_open out;
    struct wechat_account account = account_in(WECHAT_SECURE);
    struct str cipher = encrypt(key, APP_ID, BODY);
    struct callback_query query = query_for("AAAAA", cipher);
    struct str body = str_from(arena_printf(
        arena, "<xml><Encrypt>%s</Encrypt><Encrypt>%s</Encrypt></xml>", cipher.p, cipher.p));
    assert_int_equal(callback_open(arena, &account, &query, body, &out), CALLBACK_MALFORMED);
    query.encrypt_type = STR("des");
    assert_int_equal(callback_open(arena, &account, &query, envelope(cipher), &out),
                     CALLBACK_FORBIDDEN);
}

/* ---- keys ---- */

static const char *key_of(const char *account, const char *xml) {
    struct message message;
    assert_int_equal(message_parse(arena, str_from(xml), &message), MESSAGE_OK);
    return callback_message_key(arena, account, &message);
}

#define EVENT(from, key_text)                                                                      \
    "<xml><ToUserName>gh_1</ToUserName><FromUserName>" from "</FromUserName>"                      \
    "<CreateTime>1</CreateTime><MsgType>event</MsgType><Event>CLICK</Event><EventKey>" key_text    \
    "</EventKey></xml>"
#define TEXT(from, id)                                                                             \
    "<xml><ToUserName>gh_1</ToUserName><FromUserName>" from "</FromUserName>"                      \
    "<CreateTime>1</CreateTime><MsgType>text</MsgType><Content>x</Content><MsgId>" id              \
    "</MsgId></xml>"

static void a_key_tells_pushes_apart_and_repetitions_not(void **state) {
    (void)state;
    assert_string_equal(key_of("a", TEXT("o1", "9223372036854775807")),
                        key_of("a", TEXT("o1", "9223372036854775807")));
    assert_string_not_equal(key_of("a", TEXT("o1", "9223372036854775807")),
                            key_of("a", TEXT("o1", "9223372036854775806")));
    assert_string_not_equal(key_of("a", TEXT("o1", "7")), key_of("a", TEXT("o2", "7")));
    assert_string_not_equal(key_of("a", TEXT("o1", "7")), key_of("b", TEXT("o1", "7")));
    assert_string_equal(key_of("a", EVENT("o1", "k")), key_of("a", EVENT("o1", "k")));
    assert_string_not_equal(key_of("a", EVENT("o1", "k")), key_of("a", EVENT("o1", "l")));
    assert_int_equal(strlen(key_of("a", EVENT("o1", "k"))), 36);
}

/* ---- replies ---- */

static void an_encrypted_push_gets_an_encrypted_reply(void **state) {
    (void)state;
    struct callback_open open;
    struct wechat_account account = account_in(WECHAT_SECURE);
    assert_int_equal(open_with(&account, "AAAAA", encrypt(key, APP_ID, BODY), &open), CALLBACK_OK);
    const struct message_field *fields;
    struct str xml;
    assert_int_equal(
        message_fields_parse(arena, reply_text(arena, &open, STR("你好 ]]> 😀")), &fields),
        MESSAGE_OK);
    struct str cipher = message_value(fields, "Encrypt");
    struct str parts[] = {STR("AAAAA"), message_value(fields, "TimeStamp"),
                          message_value(fields, "Nonce"), cipher};
    assert_true(wechat_signed(message_value(fields, "MsgSignature"), 4, parts));
    assert_int_equal(envelope_decrypt(arena, key, APP_ID, cipher, &xml), ENVELOPE_OK);
    assert_int_equal(message_fields_parse(arena, xml, &fields), MESSAGE_OK);
    assert_true(str_is(message_value(fields, "Content"), "你好 ]]> 😀"));
    assert_true(str_is(message_value(fields, "ToUserName"), "oABC"));
    assert_true(str_is(message_value(fields, "FromUserName"), "gh_1"));
    assert_int_equal(reply_text(arena, &open, STR(" \n")).n, 0);
}

static void a_long_reply_is_cut_between_characters_and_links(void **state) {
    (void)state;
    struct buf text;
    buf_init(&text, arena);
    for (int i = 0; i < 680; i++) {
        buf_puts(&text, "字");
    }
    tap_link(&text, "确认", "通过 1");
    struct str cut = reply_clean(arena, buf_view(&text), 2048);
    assert_true(cut.n <= 2048);
    assert_null(strstr(cut.p, "<a"));
    assert_memory_equal(cut.p + cut.n - 6, "字…", 6);
    assert_true(str_is(reply_clean(arena,
                                   (struct str){"a\x01\xff"
                                                "b\0c",
                                                6},
                                   2048),
                       "abc"));
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(v1_verification),
        TEST(v2_encrypted_reply),
        TEST(spare_bits_of_the_key_may_be_anything),
        TEST(every_mode_takes_what_it_should),
        TEST(compatible_mode_uses_the_decrypted_content_only),
        TEST(a_rotation_takes_both_tokens_and_keys),
        TEST(a_broken_cipher_is_refused),
        TEST(somebody_elses_envelope_is_refused),
        TEST(two_encrypts_are_refused),
        TEST(a_key_tells_pushes_apart_and_repetitions_not),
        TEST(an_encrypted_push_gets_an_encrypted_reply),
        TEST(a_long_reply_is_cut_between_characters_and_links),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
