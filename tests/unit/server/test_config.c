/* The configuration: what is read, what wins, and the one line that says what is wrong. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/config.h"
#include "server/notification_words.h"
#include "wechat/callback.h"

#define HEAD                                                                                       \
    "[server]\npublic_url = \"https://example.org/\"\n"                                            \
    "[postgres]\nurl = \"postgresql:///gulou\"\n"
#define KEY "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
#define ACCOUNT                                                                                    \
    "[[account]]\nid = \"demo\"\nname = \"n\"\napp_id = \"wx1\"\napp_secret = \"s\"\n"             \
    "token = \"abc123\"\nencoding_aes_key = \"" KEY "\"\n"

static char folder[] = "/tmp/gulou-config-XXXXXX";
static char file[64];

static void write_file(const char *path, const char *text) {
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    fputs(text, out);
    fclose(out);
}

static struct config *load(const char *text) {
    char *error = NULL;
    write_file(file, text);
    struct config *config = config_load(file, &error);
    if (error)
        fail_msg("%s", error);
    assert_non_null(config);
    return config;
}

/* `expected` is what follows "gulou: FILE:". */
static void assert_refused(const char *text, const char *expected) {
    char *error = NULL, line[512];
    write_file(file, text);
    snprintf(line, sizeof line, "gulou: %s:%s", file, expected);
    assert_null(config_load(file, &error));
    assert_string_equal(error, line);
    free(error);
}

static void test_defaults_and_values(void **state) {
    (void)state;
    struct config *c = load(HEAD ACCOUNT);
    assert_string_equal(c->listen.host, "127.0.0.1");
    assert_string_equal(c->listen.port, "8080");
    assert_string_equal(c->ops_listen.port, "8081");
    assert_string_equal(c->public_url, "https://example.org");
    assert_string_equal(c->redis_url, "");
    assert_string_equal(c->wechat_api_base, "https://api.weixin.qq.com");
    assert_true(c->workers >= 1);
    assert_false(c->test_clock);
    const struct account *a = config_account(c, "demo");
    assert_non_null(a);
    assert_null(config_account(c, "other"));
    assert_true(a->verified);
    assert_int_equal(a->wechat->mode, WECHAT_SECURE);
    assert_non_null(a->wechat->aes_key);
    assert_null(a->wechat->token_previous);
    config_free(c);
}

static void test_an_address_of_version_6_loses_its_brackets(void **state) {
    (void)state;
    struct config *c = load("[server]\nlisten = \"[::1]:9000\"\npublic_url = \"http://x\"\n"
                            "[postgres]\nurl = \"postgresql:///u\"\n" ACCOUNT);
    assert_string_equal(c->listen.host, "::1");
    assert_string_equal(c->listen.port, "9000");
    config_free(c);
}

static void test_the_environment_wins(void **state) {
    (void)state;
    setenv("GULOU_POSTGRES_URL", "postgresql:///other", 1);
    setenv("GULOU_SERVER_WORKERS", "3", 1);
    setenv("GULOU_ACCOUNT_DEMO_TOKEN", "fromenv1", 1);
    struct config *c = load(HEAD ACCOUNT);
    assert_string_equal(c->postgres_url, "postgresql:///other");
    assert_int_equal(c->workers, 3);
    assert_string_equal(c->accounts[0].wechat->token, "fromenv1");
    config_free(c);

    char *error = NULL;
    setenv("GULOU_SERVER_WORKERS", "many", 1);
    assert_null(config_load(file, &error));
    assert_string_equal(error, "gulou: GULOU_SERVER_WORKERS: must be an integer");
    free(error);
    unsetenv("GULOU_POSTGRES_URL");
    unsetenv("GULOU_SERVER_WORKERS");
    unsetenv("GULOU_ACCOUNT_DEMO_TOKEN");
}

static void test_secrets_from_files_and_the_environment(void **state) {
    (void)state;
    char path[80];
    snprintf(path, sizeof path, "%s/token", folder);
    write_file(path, "filetoken1\n");
    setenv("GULOU_TEST_SECRET", "hush", 1);
    struct config *c = load(HEAD "[[account]]\nid = \"demo\"\nname = \"n\"\napp_id = \"wx1\"\n"
                                 "app_secret = \"env:GULOU_TEST_SECRET\"\n"
                                 "token = \"file:token\"\nmode = \"plain\"\n");
    assert_string_equal(c->accounts[0].app_secret, "hush");
    assert_string_equal(c->accounts[0].wechat->token, "filetoken1");
    assert_null(c->accounts[0].wechat->aes_key);
    config_free(c);
    unsetenv("GULOU_TEST_SECRET");
    unlink(path);
    assert_refused(HEAD "[[account]]\nid = \"demo\"\nname = \"n\"\napp_id = \"wx1\"\n"
                        "app_secret = \"env:GULOU_TEST_SECRET\"\n",
                   "9: account.app_secret: the environment has no GULOU_TEST_SECRET");
}

static void test_the_operators_address_is_one_of_its_own(void **state) {
    (void)state;
    assert_refused("[server]\npublic_url = \"http://g\"\nlisten = \"127.0.0.1:9\"\n"
                   "ops_listen = \"127.0.0.1:9\"\n",
                   "4: server.ops_listen: must be another address than listen");
}

#define DATA_KEY(id, secret) "[[data_key]]\nid = \"" id "\"\nsecret = \"" secret "\"\n"
#define HEX_32 "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1eff"

static void test_data_keys_stand_in_the_order_of_the_file(void **state) {
    (void)state;
    struct config *c = load(HEAD ACCOUNT DATA_KEY("new", HEX_32) DATA_KEY("old", HEX_32));
    assert_int_equal(c->data_keys_n, 2);
    assert_string_equal(c->data_keys[0].id, "new");
    assert_int_equal(c->data_keys[0].secret[31], 0xff);
    assert_string_equal(c->data_keys[1].id, "old");
    config_free(c);
    assert_refused(
        DATA_KEY("new", "1111111111111111111111111111111111111111111111111111111111111111")
            HEAD ACCOUNT,
        "3: data_key.secret: is one byte again and again; must be random "
        "(openssl rand -hex 32)");
    assert_refused(DATA_KEY("new", "00") HEAD ACCOUNT,
                   "3: data_key.secret: must be 64 hexadecimal digits (openssl rand -hex 32)");
    assert_refused(DATA_KEY("New Key", HEX_32) HEAD ACCOUNT,
                   "2: data_key.id: must be 1 to 32 of a-z, 0-9 and -");
    assert_refused(DATA_KEY("a", HEX_32) DATA_KEY("a", HEX_32) HEAD ACCOUNT,
                   "5: data_key.id: is the id of another [[data_key]]");
}

static void test_the_operators_login_is_the_servers_unless_there_is_one(void **state) {
    (void)state;
    struct config *c = load(HEAD ACCOUNT);
    assert_string_equal(c->operator_url, c->postgres_url);
    config_free(c);
    setenv("GULOU_POSTGRES_OPERATOR_URL", "postgresql:///strong", 1);
    c = load(HEAD ACCOUNT);
    assert_string_equal(c->operator_url, "postgresql:///strong");
    config_free(c);
    unsetenv("GULOU_POSTGRES_OPERATOR_URL");
}

#define SECTIONS                                                                                   \
    "; one of [server], [postgres], [redis], [wechat], [backup], [[account]], [[template]], "      \
    "[[data_key]]"

static void test_what_is_wrong_is_named_with_its_line(void **state) {
    (void)state;
    assert_refused(HEAD "[wechat]\nfoo = 1\n" ACCOUNT,
                   "6: wechat.foo: unknown key; one of api_base, open_base");
    assert_refused("colour = 1\n" HEAD ACCOUNT, "1: colour: stands in no section" SECTIONS);
    assert_refused(HEAD "[wehcat]\nfoo = 1\n" ACCOUNT, "5: wehcat: unknown section" SECTIONS);
    assert_refused("[server]\npublic_url = 7\n", "2: server.public_url: must be a string");
    assert_refused("[server]\npublic_url = \"http://x\"\nworkers = \"two\"\n",
                   "3: server.workers: must be an integer");
    assert_refused("[server]\npublic_url = \"http://x\"\nworkers = 65\n",
                   "3: server.workers: must be between 0 and 64");
    assert_refused("[server]\nlisten = \"8080\"\n", "2: server.listen: must be ADDRESS:PORT");
    assert_refused("[account]\nid = \"a\"\n", "1: account: must be written [[account]]");
    assert_refused(HEAD, "1: account: missing, one [[account]] at least");
    assert_refused(HEAD ACCOUNT "mode = \"secret\"\n",
                   "12: account.mode: must be one of plain, compatible, secure");
    assert_refused(HEAD ACCOUNT ACCOUNT, "12: account.id: used twice");
}

/* [server], whose trusted_proxy stands on line 3, and all the rest. */
#define PROXY(list)                                                                                \
    "[server]\npublic_url = \"https://x\"\ntrusted_proxy = \"" list "\"\n"                         \
    "[postgres]\nurl = \"postgresql:///gulou\"\n" ACCOUNT

static void assert_proxies(const char *text, const char *expected) {
    struct config *c = load(text);
    assert_string_equal(c->trusted_proxy, expected);
    config_free(c);
}

static void test_trusted_proxies_are_written_as_connections_come(void **state) {
    (void)state;
    assert_proxies(PROXY(""), "");
    assert_proxies(PROXY(" "), "");
    assert_proxies(PROXY("127.0.0.1"), "127.0.0.1");
    assert_proxies(PROXY(" 127.0.0.1 ,10.0.0.2"), "127.0.0.1,10.0.0.2");
    assert_proxies(PROXY("0:0:0:0:0:0:0:1, 2001:DB8::0001"), "::1,2001:db8::1");
}

/* One that is never recognised would make all visitors share one allowance. */
static void test_a_proxy_that_is_no_address_is_refused(void **state) {
    (void)state;
    static const char *const wrong[][2] = {
        {PROXY("10.0.0.0/8"), "10.0.0.0/8"},
        {PROXY("nginx"), "nginx"},
        {PROXY("999.1.1.1"), "999.1.1.1"},
        {PROXY("127.0.0.1，10.0.0.1"), "127.0.0.1，10.0.0.1"},
        {PROXY("127.0.0.1 10.0.0.1"), "127.0.0.1 10.0.0.1"},
        {PROXY("127.0.0.1:8080"), "127.0.0.1:8080"},
        {PROXY("[::1]"), "[::1]"},
        {PROXY("127.0.0.1,"), ""},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char expected[256];
        snprintf(expected, sizeof expected,
                 "3: server.trusted_proxy: \"%s\" is no IP address; must be the address of each "
                 "proxy, no name and no network: \"127.0.0.1\" or \"10.0.0.2, 10.0.0.3\"",
                 wrong[i][1]);
        assert_refused(wrong[i][0], expected);
    }
}

#define POSTGRES(url) "[server]\npublic_url = \"https://x\"\n[postgres]\nurl = \"" url "\"\n"

static void test_addresses_of_the_stores(void **state) {
    (void)state;
    static const char *const good[] = {
        POSTGRES("postgresql://gulou@a,b:5433/gulou?target_session_attrs=read-write") ACCOUNT,
        POSTGRES("postgres://localhost") ACCOUNT,
        POSTGRES("host=/run/postgresql dbname=gulou") ACCOUNT,
        HEAD "[redis]\nurl = \"\"\n" ACCOUNT,
        HEAD "[redis]\nurl = \"unix:///run/redis.sock?db=2\"\n" ACCOUNT,
        HEAD "[redis]\nurl = \"redis://:secret@127.0.0.1:6379/0\"\n" ACCOUNT,
    };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        config_free(load(good[i]));
    static const char *const postgres[] = {
        POSTGRES("mysql://x") ACCOUNT,
        POSTGRES("mysql://x?a=b") ACCOUNT,
        POSTGRES("gulou") ACCOUNT,
        POSTGRES("") ACCOUNT,
        POSTGRES("postgresql:///g?hots=/run") ACCOUNT,
    };
    for (size_t i = 0; i < sizeof postgres / sizeof *postgres; i++)
        assert_refused(postgres[i], "4: postgres.url: must be a libpq URL, as "
                                    "postgresql://user@host/database or "
                                    "postgresql:///database?host=/run/postgresql");
    static const char *const redis[] = {
        HEAD "[redis]\nurl = \"http://x\"\n" ACCOUNT,
        HEAD "[redis]\nurl = \"127.0.0.1:6379\"\n" ACCOUNT,
        HEAD "[redis]\nurl = \"unix://redis.sock\"\n" ACCOUNT,
    };
    for (size_t i = 0; i < sizeof redis / sizeof *redis; i++)
        assert_refused(redis[i], "6: redis.url: must be \"\" (none), unix:///PATH or "
                                 "redis://:PASSWORD@HOST:PORT/NUMBER");
}

/* Made by age-keygen; its last letter belongs to the checksum. */
#define RECIPIENT "age1zhnfl02kuty64zzwn98cqmepxweh5uxxl3f8rz63kce5yzyk0v7qrpf0d"

static void test_a_recipient_is_one_that_age_takes(void **state) {
    (void)state;
    struct config *c = load(HEAD "[backup]\nrecipient = \"" RECIPIENT "5\"\n" ACCOUNT);
    assert_string_equal(c->backup_recipient, RECIPIENT "5");
    config_free(c);
    static const char *const wrong[] = {
        HEAD "[backup]\nrecipient = \"age1xyz\"\n" ACCOUNT,
        HEAD "[backup]\nrecipient = \"" RECIPIENT "\"\n" ACCOUNT,
        HEAD "[backup]\nrecipient = \"" RECIPIENT "4\"\n" ACCOUNT,
        HEAD "[backup]\nrecipient = \"" RECIPIENT "b\"\n" ACCOUNT,
        HEAD "[backup]\nrecipient = \"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5\"\n" ACCOUNT,
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_refused(wrong[i], "6: backup.recipient: must be a public key of age, as age-keygen "
                                 "prints it: age1 and 58 more letters and digits");
}

#define NAMED(id, name, app_id)                                                                    \
    "[[account]]\nid = \"" id "\"\nname = \"" name "\"\napp_id = \"" app_id "\"\n"                 \
    "app_secret = \"s\"\ntoken = \"abc123\"\nmode = \"plain\"\n"

static void test_an_account_has_a_name_and_an_app_id_of_its_own(void **state) {
    (void)state;
    config_free(load(HEAD NAMED("a", "甲", "wx1") NAMED("b", "乙", "wx2")));
    assert_refused(HEAD NAMED("a", " ", "wx1"),
                   "7: account.name: must not be empty: pages and replies show it");
    static const char *const wrong[] = {HEAD NAMED("a", "甲", "gh_8f3a"),
                                        HEAD NAMED("a", "甲", "wx"), HEAD NAMED("a", "甲", "wx 12"),
                                        HEAD NAMED("a", "甲", "")};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_refused(wrong[i], "8: account.app_id: must be the account's AppID, wx and then "
                                 "letters and digits");
    assert_refused(HEAD NAMED("a", "甲", "wx1") NAMED("b", "乙", "wx1"),
                   "15: account.app_id: is the app_id of account a, too; one account of the "
                   "platform is one [[account]]");
}

static void test_missing_and_malformed_secrets(void **state) {
    (void)state;
    const char *start = HEAD "[[account]]\nid = \"demo\"\nname = \"n\"\napp_id = \"wx1\"\n";
    char text[512];
    snprintf(text, sizeof text, "%s", start);
    assert_refused(text, "5: account.app_secret: missing");
    snprintf(text, sizeof text, "%sapp_secret = \"s\"\ntoken = \"no blanks\"\n", start);
    assert_refused(text, "10: account.token: must be 3 to 32 letters and digits");
    snprintf(text, sizeof text, "%sapp_secret = \"s\"\ntoken = \"abc\"\n", start);
    assert_refused(text, "5: account.encoding_aes_key: missing");
    snprintf(text, sizeof text,
             "%sapp_secret = \"s\"\ntoken = \"abc\"\nencoding_aes_key = \"short\"\n", start);
    assert_refused(text,
                   "11: account.encoding_aes_key: must be the 43 characters of an EncodingAESKey");
}

static void test_no_file_and_no_toml(void **state) {
    (void)state;
    char *error = NULL;
    write_file(file, "[server]\nworkers = i\n"); /* the complaint shows the line's end */
    assert_null(config_load(file, &error));
    assert_null(strchr(error, '\n'));
    free(error);
    error = NULL;
    assert_null(config_load("/nonexistent/config.toml", &error));
    assert_string_equal(error, "gulou: /nonexistent/config.toml: No such file or directory");
    free(error);
    error = NULL;
    write_file(file, "[server]\nlisten = \n");
    assert_null(config_load(file, &error));
    char start[96];
    snprintf(start, sizeof start, "gulou: %s:2: ", file);
    assert_int_equal(strncmp(error, start, strlen(start)), 0);
    assert_null(strchr(error, '\n'));
    free(error);
}

/* As an input method leaves them behind: named by their line, and never undefined behaviour. */
static void test_letters_beyond_ascii_stand_in_strings_only(void **state) {
    (void)state;
    static const char *const lines[] = {"b =「鼓楼」", "Ä = 1",        "b = 1Ä",  "b = 3\"Ä\"",
                                        "b = “x”",     "b = 'x'　# c", "b = 2。", "b：1"};
    char text[256], start[96];
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        snprintf(text, sizeof text, "# 鼓\n[server]\na = \"\"\"钟\\\\\n\"\"\"\"\n%s\n", lines[i]);
        write_file(file, text);
        char *error = NULL;
        assert_null(config_load(file, &error));
        snprintf(start, sizeof start, "gulou: %s:5: ", file);
        assert_int_equal(strncmp(error, start, strlen(start)), 0);
        free(error);
    }
    struct config *c = load("\xef\xbb\xbf# 注\n" HEAD ACCOUNT "mode = 'secure' # 安全\n");
    config_free(c);
}

static void test_the_example_is_a_configuration(void **state) {
    (void)state;
    setenv("DEMO_TOKEN", "abc123", 1);
    setenv("GULOU_ACCOUNT_DEMO_APP_SECRET", "s", 1);
    setenv("GULOU_ACCOUNT_DEMO_ENCODING_AES_KEY", KEY, 1);
    char *error = NULL;
    struct config *c = config_load(GULOU_SOURCE "/config.example.toml", &error);
    if (!c)
        fail_msg("%s", error);
    config_free(c);
    unsetenv("DEMO_TOKEN");
    unsetenv("GULOU_ACCOUNT_DEMO_APP_SECRET");
    unsetenv("GULOU_ACCOUNT_DEMO_ENCODING_AES_KEY");
}

#define TEMPLATE(fields)                                                                           \
    "[[template]]\naccount = \"demo\"\nnotification = \"approved\"\nid = \"T1\"\nfields = "        \
    "\"" fields "\"\n"

static void test_message_templates(void **state) {
    (void)state;
    struct config *c = load(HEAD ACCOUNT TEMPLATE("thing1=item, number2=counted"));
    const struct account *a = config_account(c, "demo");
    assert_int_equal(a->templates_n, 1);
    assert_string_equal(a->templates[0].notification, "approved");
    assert_false(a->templates[0].subscription);
    assert_int_equal(a->templates[0].fields_n, 2);
    assert_string_equal(a->templates[0].fields[1][0], "number2");
    assert_string_equal(a->templates[0].fields[1][1], "counted");
    config_free(c);
}

static void test_a_wrong_template_is_named_with_its_line(void **state) {
    (void)state;
    assert_refused(HEAD ACCOUNT TEMPLATE("thing1"),
                   "16: template.fields: must look like \"thing1=item, phrase2=result\"");
    /* Which words there are is told, too; the list grows with the notifications. */
    char *error = NULL;
    write_file(file, HEAD ACCOUNT TEMPLATE("thing1=colour"));
    assert_null(config_load(file, &error));
    assert_non_null(strstr(error, ":16: template.fields: no notification has the word \"colour\""));
    assert_non_null(strstr(error, notification_words_list()));
    free(error);
    assert_refused(HEAD ACCOUNT "[[template]]\naccount = \"other\"\nnotification = \"approved\"\n"
                                "id = \"T1\"\nfields = \"thing1=item\"\n",
                   "12: template.account: there is no [[account]] of this id");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults_and_values),
        cmocka_unit_test(test_an_address_of_version_6_loses_its_brackets),
        cmocka_unit_test(test_the_environment_wins),
        cmocka_unit_test(test_secrets_from_files_and_the_environment),
        cmocka_unit_test(test_data_keys_stand_in_the_order_of_the_file),
        cmocka_unit_test(test_the_operators_login_is_the_servers_unless_there_is_one),
        cmocka_unit_test(test_what_is_wrong_is_named_with_its_line),
        cmocka_unit_test(test_trusted_proxies_are_written_as_connections_come),
        cmocka_unit_test(test_a_proxy_that_is_no_address_is_refused),
        cmocka_unit_test(test_addresses_of_the_stores),
        cmocka_unit_test(test_a_recipient_is_one_that_age_takes),
        cmocka_unit_test(test_an_account_has_a_name_and_an_app_id_of_its_own),
        cmocka_unit_test(test_missing_and_malformed_secrets),
        cmocka_unit_test(test_the_operators_address_is_one_of_its_own),
        cmocka_unit_test(test_no_file_and_no_toml),
        cmocka_unit_test(test_letters_beyond_ascii_stand_in_strings_only),
        cmocka_unit_test(test_the_example_is_a_configuration),
        cmocka_unit_test(test_message_templates),
        cmocka_unit_test(test_a_wrong_template_is_named_with_its_line),
    };
    if (!mkdtemp(folder))
        return 1;
    snprintf(file, sizeof file, "%s/config.toml", folder);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(file);
    rmdir(folder);
    return failed;
}
