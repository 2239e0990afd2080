/* SPDX-License-Identifier: MIT */
#include "log.h"

#include <stdatomic.h>
#include <stdio.h>
#include <syslog.h>

static atomic_bool use_syslog;
static atomic_int max_level = LOG_LEVEL_WARNING;

void log_setup(bool to_syslog, enum log_level level)
{
    if (to_syslog)
        openlog("vmxfs", LOG_PID, LOG_DAEMON);
    atomic_store(&use_syslog, to_syslog);
    atomic_store(&max_level, (int)level);
}

void log_message_v(enum log_level level, const char *format, va_list args)
{
    static const int priorities[] = {LOG_ERR, LOG_WARNING, LOG_INFO, LOG_DEBUG};

    if ((int)level > atomic_load(&max_level))
        return;
    if (atomic_load(&use_syslog)) {
        vsyslog(priorities[level], format, args);
        return;
    }
    char line[1024];
    vsnprintf(line, sizeof(line), format, args);
    fprintf(stderr, "vmxfs: %s\n", line);
}

void log_message(enum log_level level, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    log_message_v(level, format, args);
    va_end(args);
}
