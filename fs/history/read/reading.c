/* SPDX-License-Identifier: MIT */
#include "reading.h"

#include <errno.h>

static int get_reader(struct history *history, struct history_reader **ret)
{
    int r = 0;
    lock_take(&history->reader_lock);
    if (!history->reader) {
        r = reader_new(history->options.dir, history->branch, history->host, &history->reader);
        history->reader_free = r == 0 ? reader_free : NULL;
    }
    *ret = history->reader;
    lock_drop(&history->reader_lock);
    return r;
}

int reading_begin(struct history *history, size_t wanted, const struct wait *wait,
                  struct history_reader **ret)
{
    struct history_reader *reader;
    int r = get_reader(history, &reader) ?: turn_take(&reader->turn, wait);
    if (r < 0)
        return r;
    r = reader_update(reader, wanted, wait);
    if (r < 0)
        turn_give(&reader->turn);
    else
        *ret = reader;
    return r;
}

void reading_end(struct history_reader *reader)
{
    turn_give(&reader->turn);
}

int reading_find(struct history *history, struct history_reader *reader, const char *path,
                 struct reader_file **ret)
{
    BUF_AUTO name = {0};
    int r = history_file(history, path, &name);
    if (r < 0)
        return r;
    const struct span all = buf_span(&name);
    const size_t host = text_find(all, '/');
    *ret = host < all.n ? reader_find(reader, span_from(all, host + 1)) : NULL;
    return 0;
}
