#ifndef GULOU_BASE_LOG_H
#define GULOU_BASE_LOG_H

/* The one way to log: a line on standard error per event,
 *
 *     2026-11-24T17:00:00.123+08:00 level=info event=callback request=… account=demo status=200
 *
 * `format` is the key=value part. Never a secret, an openid or anybody's words: a request id finds
 * the rest in the database. A line is written with one write(2), so that lines of threads never
 * mix; control characters become '?', so that nobody can forge a line. */

#include <stdbool.h>
#include <stdint.h>

#include "server/base/str.h"

enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARN, LOG_LEVEL_ERROR };

/* Lines below `level` are dropped. Default: LOG_LEVEL_INFO. Where standard error is systemd's
 * journal, each line tells it its priority, for `journalctl -p warning`. */
void log_init(enum log_level level);

void log_debug(const char *event, const char *format, ...) __attribute__((format(printf, 2, 3)));
void log_info(const char *event, const char *format, ...) __attribute__((format(printf, 2, 3)));
void log_warn(const char *event, const char *format, ...) __attribute__((format(printf, 2, 3)));
void log_error(const char *event, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define LOG_TOLD_MAX 8

/* Begin with zero for each outage. */
struct log_told {
    uint64_t texts[LOG_TOLD_MAX];
    unsigned n;
};

/* Whether this reason was not told of before in the same outage: one line for each, however often
 * it is met. After the eighth there is no more news. */
bool log_is_news(struct log_told *told, struct str text);

#endif
