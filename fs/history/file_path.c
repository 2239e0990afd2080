/* SPDX-License-Identifier: MIT */
#include "file_path.h"

#include "names.h"

int history_file(const struct history *history, const char *path, struct buf *ret)
{
    BUF_AUTO name = {0};
    return history->options.name(history->options.ctx, path, &name)
        ?: buf_add_str(ret, history->host)
        ?: buf_add_char(ret, '/')
        ?: names_add_path(ret, buf_span(&name));
}
