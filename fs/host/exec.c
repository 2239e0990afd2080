/* SPDX-License-Identifier: MIT */
#include "exec.h"

#include <errno.h>

int exec_quote(const char *word, struct buf *ret)
{
    size_t before = ret->len;
    int r = buf_add_char(ret, '\'');
    for (const char *p = word; r == 0 && *p; p++)
        r = *p == '\'' ? buf_add_str(ret, "'\\''") : buf_add_char(ret, *p);
    if (r == 0)
        r = buf_add_char(ret, '\'');
    if (r < 0)
        ret->len = before;
    return r;
}
