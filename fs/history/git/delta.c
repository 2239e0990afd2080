/* SPDX-License-Identifier: MIT */
#include "delta.h"

#include "parser/text/text.h"

enum {
    COPY_MAX = 0xffff,
    INSERT_MAX = 0x7f,
};

int delta_add_size(struct buf *ret, size_t n)
{
    int r = 0;
    for (; r == 0 && n > 0x7f; n >>= 7)
        r = buf_add_char(ret, (char)((n & 0x7f) | 0x80));
    return r ?: buf_add_char(ret, (char)n);
}

/* Appends the low bytes of a number that are not zero, and sets the bits that tell which. */
static size_t add_bytes(char *to, size_t value, unsigned n, unsigned char bit, unsigned char *bits)
{
    size_t added = 0;
    for (unsigned i = 0; i < n; i++) {
        const unsigned char byte = (unsigned char)(value >> 8 * i & 0xff);
        if (byte == 0)
            continue;
        to[added++] = (char)byte;
        *bits |= (unsigned char)(bit << i);
    }
    return added;
}

static int add_copy(struct buf *ret, size_t at, size_t n)
{
    int r = 0;
    while (r == 0 && n > 0) {
        const size_t part = n < COPY_MAX ? n : COPY_MAX;
        unsigned char bits = 0x80;
        char op[1 + 4 + 2];
        size_t len = 1;
        len += add_bytes(op + len, at, 4, 0x01, &bits);
        len += add_bytes(op + len, part, 2, 0x10, &bits);
        op[0] = (char)bits;
        r = buf_add(ret, (struct span){op, len});
        at += part;
        n -= part;
    }
    return r;
}

static int add_insert(struct buf *ret, struct span bytes)
{
    int r = 0;
    while (r == 0 && bytes.n > 0) {
        const size_t part = bytes.n < INSERT_MAX ? bytes.n : INSERT_MAX;
        r = buf_add_char(ret, (char)part) ?: buf_add(ret, span_head(bytes, part));
        bytes = span_from(bytes, part);
    }
    return r;
}

int delta_add(struct span base, struct span target, struct buf *ret)
{
    const size_t most = base.n < target.n ? base.n : target.n;
    size_t head = 0;
    size_t tail = 0;
    while (head < most && base.p[head] == target.p[head])
        head++;
    while (tail < most - head && base.p[base.n - 1 - tail] == target.p[target.n - 1 - tail])
        tail++;
    return delta_add_size(ret, base.n)
        ?: delta_add_size(ret, target.n)
        ?: add_copy(ret, 0, head)
        ?: add_insert(ret, span_head(span_from(target, head), target.n - tail - head))
        ?: add_copy(ret, base.n - tail, tail);
}
