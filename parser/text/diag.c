/* SPDX-License-Identifier: MIT */
#include "diag.h"

#include <stdarg.h>
#include <stdio.h>

__attribute__((format(printf, 4, 0))) static void set(struct diag *diag, size_t line, size_t column,
                                                      const char *format, va_list args)
{
    if (!diag)
        return;
    diag->line = line;
    diag->column = column;
    if (vsnprintf(diag->text, sizeof(diag->text), format, args) < 0)
        diag->text[0] = '\0';
}

void diag_set(struct diag *diag, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    set(diag, 0, 0, format, args);
    va_end(args);
}

void diag_set_at(struct diag *diag, size_t line, size_t column, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    set(diag, line, column, format, args);
    va_end(args);
}
