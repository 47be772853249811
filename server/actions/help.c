#include "server/actions/actions.h"
#include "server/base/now.h"
#include "server/recent.h"
#include "server/route.h"
#include "server/say.h"

static void start(struct request *rq, const struct command *command) {
    (void)command;
    struct str before = recent_find(rq->services->recent, rq, now_ms());
    if (before.n > 0)
        request_reply(rq, (struct str){str_z(rq->arena, before), before.n});
    else
        request_call(rq, &action_help, REQUEST_READS, "who", 0, NULL);
}

static void offer(struct buf *out, const char *const *words, size_t n) {
    for (size_t i = 0; i < n; i++) {
        if (i > 0)
            buf_puts(out, "　");
        say_word(out, words[i]);
    }
}

/* Only a verified account has QR codes of units. */
static void help_guest(struct buf *out, bool scans) {
    static const char *const words[] = {"公示", "排行"};
    buf_puts(out, "您可以看：");
    offer(out, words, 2);
    buf_puts(out, "\n\n党员请先绑定，发送「绑定」和邀请码，例如：绑定 ABCD1234\n"
                  "邀请码由区域党委办公室发放。");
    if (scans)
        buf_puts(out, "没有邀请码，就扫一扫本单位的二维码，再发：加入 姓名");
}

static void help_member(struct buf *out, const cJSON *facts) {
    static const char *const words[] = {"申报", "我的申报", "积分", "明细",
                                        "排行", "公示",     "通知", "隐私"};
    buf_printf(out, "%s（%s），您好！点一下就可以：\n", fact_text(facts, "name"),
               fact_text(facts, "unit"));
    offer(out, words, sizeof words / sizeof words[0]);
    buf_puts(out, "\n\n一句话申报：申报 项目 时长 说明\n例如：申报 32 2小时 昨天修剪花草\n"
                  "日期：昨天、3天前、上周六、11月20日，不写就是今天\n"
                  "撤回：撤回 编号　重交：重交 编号 说明\n申诉：申诉 编号 理由\n"
                  "对公示有异议：异议 公示编号 条目编号 理由");
}

static void answer(struct request *rq, const cJSON *facts) {
    struct buf out;
    say_begin(rq, &out);
    if (fact_true(facts, "guest"))
        help_guest(&out, rq->account->verified);
    else
        help_member(&out, facts);
    if (fact_has_role(facts, "reviewer")) {
        buf_puts(&out, "\n\n审核：");
        say_word(&out, "待审");
        buf_puts(&out, "\n通过 编号…　退回 编号 原因　驳回 编号 原因");
    }
    if (fact_has_role(facts, "reviewer") || fact_has_role(facts, "administrator")) {
        buf_puts(&out, "\n新成员：");
        say_word(&out, "加入申请");
        buf_puts(&out, "　同意加入 编号　拒绝加入 编号 原因");
    }
    if (fact_has_role(facts, "administrator")) {
        buf_puts(&out, "\n\n管理：");
        say_word(&out, "异议列表");
        buf_puts(&out, "\n异议受理 异议编号\n异议成立 异议编号 结论　异议不成立 异议编号 "
                       "结论\n异议不受理 异议编号 原因\n"
                       "冻结公示 2026-Q3　发布公示 2026-Q3\n延长公示 2026-Q3 2（再加2个工作日）\n"
                       "更正 编号 原因　更正 编号 虚报 原因\n"
                       "同意 申请编号　不同意 申请编号 原因");
    }
    /* A guest may become a member any moment. */
    if (!rq->notes && !fact_true(facts, "guest"))
        recent_keep(rq->services->recent, rq, buf_view(&out), now_ms());
    say_end(rq, &out);
}

const struct action action_help = {"help", start, answer};
