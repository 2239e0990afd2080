/* SPDX-License-Identifier: MIT */
#include "report.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "parser/text/diag.h"
#include "parser/text/safe_text.h"

void report_line(struct vmx_check *report, enum vmx_severity severity, const char *rule,
                 const char *format, ...)
{
    char found[sizeof(((struct diag *)NULL)->text) + 64];
    va_list args;
    va_start(args, format);
    if (vsnprintf(found, sizeof(found), format, args) < 0)
        found[0] = '\0';
    va_end(args);
    safe_text_make(found, strlen(found)); /* the server's words are in it */
    report->count[severity]++;
    if (severity != VMX_NOTE && severity > report->worst)
        report->worst = severity;
    printf("%s\t%s\t%s\t-\n", vmx_severity_name(severity), rule, found);
    fflush(stdout);
}

void report_end(const struct vmx_check *report)
{
    BUF_AUTO counts = {0};
    if (vmx_check_add_counts(report, &counts) == 0)
        printf("# %s\n", counts.data);
}
