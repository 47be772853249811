#include "server/notification_words.h"

#include <inttypes.h>

#include "server/say.h"

void notification_words(struct buf *out, const cJSON *facts) {
    const char *what = fact_text(facts, "what");
    int64_t no = fact_number(facts, "no");
    if (fact_is(facts, "what", "approved"))
        buf_printf(out, "您的申报（编号：%" PRId64 "）已通过，计%s分。", no,
                   fact_text(facts, "counted"));
    else
        buf_printf(out, "您有一条新消息（%s）。", what);
}
