/* SPDX-License-Identifier: MIT */
#include "text.h"

#include <errno.h>

int text_load(struct text *text, struct span bytes)
{
    buf_clear(&text->bytes);
    text->anew = false;
    return buf_add(&text->bytes, bytes);
}

static int set_size(struct text *text, size_t size)
{
    size_t old = text->bytes.len;
    if (size > old) {
        int r = buf_reserve(&text->bytes, size - old);
        if (r < 0)
            return r;
        memset(text->bytes.data + old, 0, size - old);
    }
    text->bytes.len = size;
    if (text->bytes.data)
        text->bytes.data[size] = '\0';
    return 0;
}

int text_resize(struct text *text, off_t size, size_t max)
{
    if (size < 0 || (size_t)size > max)
        return -EFBIG;
    int r = set_size(text, (size_t)size);
    if (r < 0)
        return r;
    text->version++;
    text->state = size == 0 ? TEXT_CUT : TEXT_DIRTY;
    text->anew = text->anew || size == 0;
    return 0;
}

int text_write(struct text *text, off_t offset, bool append, struct span bytes, size_t max)
{
    size_t at = append ? text->bytes.len : (size_t)offset;
    if (offset < 0 || at > max || bytes.n > max - at)
        return -EFBIG;
    if (at + bytes.n > text->bytes.len) {
        int r = set_size(text, at + bytes.n);
        if (r < 0)
            return r;
    }
    if (bytes.n > 0)
        memcpy(text->bytes.data + at, bytes.p, bytes.n);
    text->version++;
    text->state = TEXT_DIRTY;
    return 0;
}

int text_apply(struct text *text, const struct text_edit *edit, size_t max)
{
    return edit->resize ? text_resize(text, edit->at, max)
                        : text_write(text, edit->at, edit->append, edit->data, max);
}

int text_slice(struct span text, off_t offset, size_t size, struct buf *ret)
{
    if ((size_t)offset >= text.n)
        return 0;
    size_t left = text.n - (size_t)offset;
    return buf_add(ret, (struct span){text.p + offset, left < size ? left : size});
}

bool text_is_whole(const struct text *text)
{
    return text->bytes.len > 0 && text->bytes.data[text->bytes.len - 1] == '\n';
}

void text_clean(struct text *text)
{
    text->state = TEXT_CLEAN;
    text->anew = false;
    text->version++;
    buf_clear(&text->bytes);
}

void text_done(struct text *text)
{
    buf_done(&text->bytes);
}
