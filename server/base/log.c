#include "server/base/log.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "server/base/limits.h"

/* China has one zone and no summer time since 1991, so the offset is a constant. */
#define CHINA_OFFSET_SECONDS (8 * 3600)

static enum log_level lowest = LOG_LEVEL_INFO;
static bool journal; /* systemd's reads standard error */

/* systemd.exec(5): JOURNAL_STREAM names the journal's socket; standard error may have been sent
 * elsewhere since. */
static bool is_journal(void) {
    const char *stream = getenv("JOURNAL_STREAM");
    struct stat file;
    char text[48];
    if (stream == NULL || fstat(STDERR_FILENO, &file) != 0) {
        return false;
    }
    snprintf(text, sizeof text, "%ju:%ju", (uintmax_t)file.st_dev, (uintmax_t)file.st_ino);
    return strcmp(stream, text) == 0;
}

void log_init(enum log_level level) {
    lowest = level;
    journal = is_journal();
}

/* sd-daemon(3): the journal takes "<4>" off a line and keeps it as its priority. */
static size_t put_priority(char *line, enum log_level level) {
    static const char priorities[] = {'7', '6', '4',
                                      '3'}; /* syslog(3): debug, info, warning, err */
    if (!journal) {
        return 0;
    }
    memcpy(line, (char[]){'<', priorities[level], '>'}, 3);
    return 3;
}

static size_t put_head(char *line, size_t room, const char *level, const char *event) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    time_t local = now.tv_sec + CHINA_OFFSET_SECONDS;
    struct tm tm;
    gmtime_r(&local, &tm);
    size_t used = strftime(line, room, "%Y-%m-%dT%H:%M:%S", &tm);
    int more = snprintf(line + used, room - used, ".%03ld+08:00 level=%s event=%s ",
                        now.tv_nsec / 1000000, level, event);
    return used + (size_t)more;
}

__attribute__((format(printf, 4, 0))) static void write_line(enum log_level level,
                                                             const char *level_name,
                                                             const char *event, const char *format,
                                                             va_list args) {
    if (level < lowest) {
        return;
    }
    char line[LOG_LINE_MAX_BYTES];
    size_t used = put_priority(line, level);
    used += put_head(line + used, sizeof line - used, level_name, event);
    int more = vsnprintf(line + used, sizeof line - used, format, args);
    used += more > 0 ? (size_t)more : 0;
    if (used > sizeof line - 1) {
        used = sizeof line - 1;
    }
    for (size_t i = 0; i < used; i++) {
        unsigned char c = (unsigned char)line[i];
        if (c < 0x20 || c == 0x7f) {
            line[i] = '?';
        }
    }
    line[used++] = '\n';
    /* A log that cannot be written has nowhere to complain. */
    ssize_t ignored = write(STDERR_FILENO, line, used);
    (void)ignored;
}

#define DEFINE_LOG(function, level, name)                                                          \
    void function(const char *event, const char *format, ...) {                                    \
        va_list args;                                                                              \
        va_start(args, format);                                                                    \
        write_line(level, name, event, format, args);                                              \
        va_end(args);                                                                              \
    }

DEFINE_LOG(log_debug, LOG_LEVEL_DEBUG, "debug")
DEFINE_LOG(log_info, LOG_LEVEL_INFO, "info")
DEFINE_LOG(log_warn, LOG_LEVEL_WARN, "warn")
DEFINE_LOG(log_error, LOG_LEVEL_ERROR, "error")

bool log_is_news(struct log_told *told, struct str text) {
    uint64_t digest = str_hash(text, 0);
    for (unsigned i = 0; i < told->n; i++) {
        if (told->texts[i] == digest) {
            return false;
        }
    }
    if (told->n == LOG_TOLD_MAX) {
        return false;
    }
    told->texts[told->n++] = digest;
    return true;
}
