/* SPDX-License-Identifier: MIT */
#include "log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>

#include "parser/text/safe_text.h"

static atomic_bool use_syslog;
static atomic_int max_level = LOG_LEVEL_WARNING;

void log_setup(bool to_syslog, enum log_level level)
{
    if (to_syslog)
        openlog("vmxfs", LOG_PID, LOG_DAEMON);
    atomic_store(&use_syslog, to_syslog);
    atomic_store(&max_level, (int)level);
}

void log_message(enum log_level level, const char *format, ...)
{
    static const int priorities[] = {LOG_ERR, LOG_WARNING, LOG_INFO, LOG_DEBUG};
    char line[1024];
    if ((int)level > atomic_load(&max_level))
        return;
    va_list args;
    va_start(args, format);
    int n = vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    if (n < 0)
        return;
    if (atomic_load(&use_syslog)) {
        safe_text_make(line, strlen(line));
        syslog(priorities[level], "%s", line);
    } else {
        log_say(line);
    }
}

void log_say(const char *text)
{
    char line[1024];
    snprintf(line, sizeof(line), "%s", text);
    safe_text_make(line, strlen(line));
    fprintf(stderr, "vmxfs: %s\n", line);
}
