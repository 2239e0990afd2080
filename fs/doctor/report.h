/* SPDX-License-Identifier: MIT */
/* The lines of a report on a server, in the form that reports on a VM have (parser/check/check.h),
 * each on standard output as soon as it is known. */
#pragma once

#include "parser/check/check.h"

/* Prints "VERDICT rule found -", TAB-separated, and counts. */
void report_line(struct vmx_check *report, enum vmx_severity severity, const char *rule,
                 const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Prints the last line, which begins with "#". */
void report_end(const struct vmx_check *report);
