#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/actions/actions.h"
#include "server/route.h"

static struct arena *arena;

static int setup(void **state) {
    (void)state;
    arena = arena_new();
    return 0;
}

static int teardown(void **state) {
    (void)state;
    arena_free(arena);
    return 0;
}

static const struct action *route(const char *text, struct command *command) {
    return route_words(arena, words_read(arena, str_from(text)), command);
}

static void assert_routes(const char *text, const struct action *expected) {
    struct command command;
    const struct action *action = route(text, &command);
    if (action != expected) {
        fail_msg("%s: %s, not %s", text, action != NULL ? action->name : "none",
                 expected != NULL ? expected->name : "none");
    }
}

static void every_word_of_the_contract_finds_its_action(void **state) {
    (void)state;
    assert_routes("绑定 DEMO0001", &action_bind);
    assert_routes("申报", &action_declare);
    assert_routes("申报 32 2小时 修剪花草", &action_declare);
    assert_routes("我的申报", &action_my_declarations);
    assert_routes("撤回 12", &action_withdraw);
    assert_routes("重交 12 2小时 补充", &action_resubmit);
    assert_routes("申诉 12 理由", &action_appeal);
    assert_routes("积分", &action_balance);
    assert_routes("明细", &action_ledger);
    assert_routes("排行", &action_rank);
    assert_routes("公示", &action_notices);
    assert_routes("待审", &action_queue);
    assert_routes("通过 12 13", &action_approve);
    assert_routes("退回 12 请补照片", &action_return);
    assert_routes("驳回 12 不符合", &action_reject);
    assert_routes("冻结公示 2026-Q3", &action_freeze);
    assert_routes("发布公示 2026-Q3", &action_publish);
    assert_routes("延长公示 2026-Q3 2", &action_extend);
    assert_routes("更正 12 原因", &action_correct);
    assert_routes("异议 1 12 理由", &action_object);
    assert_routes("异议列表", &action_objections);
    assert_routes("异议受理 5", &action_accept_objection);
    assert_routes("异议成立 5 结论", &action_uphold);
    assert_routes("异议不成立 5 结论", &action_dismiss);
    assert_routes("异议不受理 5 原因", &action_turn_away);
    assert_routes("同意 3", &action_agree);
    assert_routes("不同意 3 原因", &action_disagree);
    assert_routes("加入 王小明 尾号1234", &action_join);
    assert_routes("加入申请", &action_join_requests);
    assert_routes("同意加入 3", &action_confirm_join);
    assert_routes("同意加入 3 新建", &action_confirm_join);
    assert_routes("拒绝加入 3 不是本单位党员", &action_refuse_join);
    assert_routes("继续", &action_continue);
    assert_routes("帮助", &action_help);
}

static void width_and_script_do_not_matter(void **state) {
    (void)state;
    assert_routes("　積分　", &action_balance);
    assert_routes("綁定　ＤＥＭＯ０００１", &action_bind);
    assert_routes("通過１２，１３", &action_approve);
    assert_routes("發佈公示 2026-Q3", &action_publish);
    assert_routes("「帮助」。", &action_help);
}

static void a_word_without_arguments_stands_alone(void **state) {
    (void)state;
    assert_routes("积分怎么算", NULL);
    assert_routes("积分 12", NULL);
    assert_routes("排行榜在哪", NULL);
    assert_routes("我的申报呢", NULL);
}

static void a_sentence_that_begins_like_a_command_is_none(void **state) {
    (void)state;
    assert_routes("通过努力帮助老人", NULL);
    assert_routes("同意书已经交了", NULL);
    assert_routes("", NULL);
    assert_routes("异议很大", NULL);
    assert_routes("更正一下我的名字", NULL);
}

static void the_rest_of_a_command_is_what_follows_its_word(void **state) {
    (void)state;
    struct command command;
    assert_ptr_equal(route("退回 12 请补照片，谢谢！", &command), &action_return);
    assert_string_equal(command.word, "退回");
    int64_t no = 0;
    assert_true(words_number(&command.rest, &no));
    assert_int_equal(no, 12);
    assert_string_equal(str_z(arena, words_typed(command.rest)), "请补照片，谢谢！");
}

static void a_stored_answer_finds_the_action_that_can_say_it(void **state) {
    (void)state;
    assert_ptr_equal(route_action("declare"), &action_declare);
    assert_ptr_equal(route_action("approve"), &action_approve);
    assert_ptr_equal(route_action("photo"), &action_photo);
    assert_ptr_equal(route_action("follow"), &action_follow);
    assert_null(route_action("no such action"));
    assert_null(route_action(""));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(every_word_of_the_contract_finds_its_action),
        TEST(width_and_script_do_not_matter),
        TEST(a_word_without_arguments_stands_alone),
        TEST(a_sentence_that_begins_like_a_command_is_none),
        TEST(the_rest_of_a_command_is_what_follows_its_word),
        TEST(a_stored_answer_finds_the_action_that_can_say_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
