/* SPDX-License-Identifier: MIT */
#include "diag.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

int diag_set_at(struct diag *diag, size_t line, size_t column, const char *format, ...)
{
    if (!diag)
        return -EINVAL;
    va_list args;
    va_start(args, format);
    diag->line = line;
    diag->column = column;
    if (vsnprintf(diag->text, sizeof(diag->text), format, args) < 0)
        diag->text[0] = '\0';
    va_end(args);
    return -EINVAL;
}
