/* SPDX-License-Identifier: MIT */
#include "text_draft.h"

#include <errno.h>
#include <string.h>

int text_draft_load(struct text_draft *text, struct span bytes)
{
    buf_clear(&text->bytes);
    text->anew = false;
    return buf_add(&text->bytes, bytes);
}

static int set_size(struct text_draft *text, size_t size)
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

int text_draft_resize(struct text_draft *text, off_t size, size_t max)
{
    if (size < 0 || (size_t)size > max)
        return -EFBIG;
    int r = set_size(text, (size_t)size);
    if (r < 0)
        return r;
    text->version++;
    text->state = size == 0 ? DRAFT_TRUNCATED : DRAFT_DIRTY;
    text->anew = text->anew || size == 0;
    return 0;
}

int text_draft_write(struct text_draft *text, off_t offset, bool append, struct span bytes,
                     size_t max)
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
    text->state = DRAFT_DIRTY;
    return 0;
}

int text_draft_apply(struct text_draft *text, const struct text_draft_edit *edit, size_t max)
{
    return edit->resize ? text_draft_resize(text, edit->at, max)
                        : text_draft_write(text, edit->at, edit->append, edit->data, max);
}

int text_slice(struct span text, off_t offset, size_t size, struct buf *ret)
{
    if ((size_t)offset >= text.n)
        return 0;
    size_t left = text.n - (size_t)offset;
    return buf_add(ret, (struct span){text.p + offset, left < size ? left : size});
}

bool text_draft_is_whole(const struct text_draft *text)
{
    return text->bytes.len > 0 && text->bytes.data[text->bytes.len - 1] == '\n';
}

void text_draft_clean(struct text_draft *text)
{
    text->state = DRAFT_CLEAN;
    text->anew = false;
    text->version++;
    buf_clear(&text->bytes);
}

void text_draft_done(struct text_draft *text)
{
    buf_done(&text->bytes);
}
