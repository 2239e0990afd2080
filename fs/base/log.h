/* SPDX-License-Identifier: MIT */
/*
 * The log: standard error in the foreground, syslog otherwise. Libraries log at debug level only;
 * what an administrator must see is logged once, at the edge. Never a key, never a password. What a
 * terminal would obey becomes "?".
 */
#pragma once

#include <stdbool.h>

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* Messages up to level are kept. The default is standard error, up to warnings. */
void log_setup(bool to_syslog, enum log_level level);

/* Tells who started vmxfs, as one line on standard error. */
void log_say(const char *text);

void log_message(enum log_level level, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#define log_error(...) log_message(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_message(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_info(...) log_message(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_message(LOG_LEVEL_DEBUG, __VA_ARGS__)
