#include "server/behind.h"

#include "server/words.h"

bool behind_house(struct str text) {
    /* What has a number at its door. */
    static const char *const places[] = {
        "楼",   "院",   "门",   "栋", "线",   "车", "房", "室",   "店",   "点",   "巷",
        "馆",   "桥",   "岗",   "厅", "仓库", "池", "井", "路",   "街",   "弄",   "村",
        "组",   "站",   "口",   "园", "桌",   "床", "家", "小区", "单元", "居民", "户",
        "电梯", "早餐", "食堂", "窗", "亭",   "厂", "柜", "铺",   "台"};
    int count;
    for (;;) {
        size_t n = words_and(text) + words_to(text) + words_prefix(text, "、");
        size_t number = n > 0 ? words_count(str_drop(text, n), &count) : 0;
        size_t end = number > 0 ? words_prefix(str_drop(text, n + number), "号") : 0;
        if (end == 0)
            break;
        text = str_drop(text, n + number + end);
    } /* 3号 楼 is one, 20号 家访 and 20号组织植树 are days. */
    size_t blank = words_blank(text), place = WORDS_ANY(str_drop(text, blank), places);
    return place > 0 && !behind_deed(text) &&
           (blank == 0 || words_at_end(str_drop(text, blank + place)));
}

bool behind_count(struct str text) {
    static const char *const counters[] = {"号", "人", "名", "位", "次", "岁", "层",   "公里", "米",
                                           "分", "元", "斤", "户", "个", "辆", "张",   "棵",   "袋",
                                           "份", "件", "箱", "桶", "套", "圈", "单元", "年级"};
    /* Begin like a counter and count nothing. */
    static const char *const words[] = {"元旦", "元宵", "分类", "分组", "分享", "个人", "个体",
                                        "人民", "人大", "人才", "号召", "户外", "名师", "次日"};
    size_t n = words_blank(text);
    struct str rest = str_drop(text, n);
    bool counted = n > 0 && WORDS_ANY(rest, counters) > 0 && WORDS_ANY(rest, words) == 0;
    return behind_house(text) || (counted && !behind_deed(rest));
}

bool behind_plain_deed(struct str text) {
    /* Never part of a name. */
    static const char *const deeds[] = {
        "打扫", "清扫",   "清理", "清洗", "扫雪",   "扫地", "擦",   "修剪", "修理", "帮",
        "陪",   "上门",   "参加", "参与", "去",     "在",   "给",   "替",   "做",   "整理",
        "看望", "探望",   "慰问", "照顾", "照看",   "照料", "协助", "组织", "讲课", "辅导",
        "搬",   "走访",   "植树", "种树", "家访",   "站岗", "街头", "路面", "清雪", "除雪",
        "铲雪", "大扫除", "送菜", "送药", "包饺子", "开展", "入户", "浇",   "捡",   "调解",
        "义诊", "献血",   "分发", "发放", "疏导",   "买",   "我"};
    return WORDS_ANY(text, deeds) > 0;
}

bool behind_deed(struct str text) {
    /* Part of a name before one of `names`: 3号巡逻车. */
    static const char *const duties[] = {"巡逻", "巡查", "执勤", "维修", "清洁", "劝导",
                                         "夜巡", "护学", "宣传", "值班", "值守", "引导",
                                         "接送", "消杀", "登记", "送餐", "排查"};
    static const char *const names[] = {"点", "车", "店", "岗", "室", "站",
                                        "队", "员", "处", "亭", "栏", "牌"};
    size_t n = WORDS_ANY(text, duties);
    return behind_plain_deed(text) || (n > 0 && WORDS_ANY(str_drop(text, n), names) == 0);
}

bool behind_papers(struct str text) {
    static const char *const papers[] = {"记录", "名单", "照片", "情况", "计划", "总结",
                                         "安排", "纪要", "材料", "台账", "报告", "通知",
                                         "方案", "工具", "用品", "数据", "表"};
    for (; !words_at_break(text); text = str_drop(text, 1))
        if (WORDS_ANY(text, papers) > 0)
            return true;
    return false;
}

bool behind_some_days(struct str text) {
    static const char *const nouns[] = {"游", "行",   "元",   "内",   "谈",  "营",
                                        "训", "打卡", "计划", "挑战", "体验"};
    return WORDS_ANY(text, nouns) > 0;
}

bool behind_lesson(struct str text) {
    static const char *const lessons[] = {"辅导", "讲课", "家访", "接送", "护学"};
    return WORDS_ANY(text, lessons) > 0;
}

bool behind_another_word(struct str text) {
    static const char *const ends[] = {"边", "围", "刊", "饼", "季", "嫂"};
    return WORDS_ANY(text, ends) > 0;
}
