/* SPDX-License-Identifier: MIT */
/* The |XX escapes of values: bytes in, bytes out, whatever the charset. */
#include <errno.h>

#include "lexer.h"
#include "parser/text/text.h"

#define NO_DIGIT 16U

/* What the escape at raw.p[0] (a bar) stands for: *ret_n bytes are read, and the result is a byte,
 * or -1 if they stand for themselves. A byte that spoils an escape is not looked at again. */
static int read_escape(struct span raw, size_t *ret_n)
{
    unsigned high = raw.n > 1 ? text_digit(raw.p[1]) : NO_DIGIT;
    if (high == NO_DIGIT) {
        *ret_n = raw.n > 1 ? 2 : 1;
        return -1;
    }
    unsigned low = raw.n > 2 ? text_digit(raw.p[2]) : NO_DIGIT;
    *ret_n = raw.n > 2 ? 3 : 2;
    return low == NO_DIGIT ? -1 : (int)(high * 16 + low);
}

int vmx_unescape(struct span raw, struct buf *ret)
{
    int r = buf_reserve(ret, raw.n);
    while (r == 0 && raw.n > 0) {
        const char *bar = memchr(raw.p, '|', raw.n);
        size_t plain = bar ? (size_t)(bar - raw.p) : raw.n;
        r = buf_add(ret, (struct span){raw.p, plain});
        raw = (struct span){raw.p + plain, raw.n - plain};
        if (r != 0 || !bar)
            break;
        size_t n;
        int byte = read_escape(raw, &n);
        if (byte == 0)
            break;
        r = byte < 0 ? buf_add(ret, (struct span){raw.p, n}) : buf_add_char(ret, (char)byte);
        raw = (struct span){raw.p + n, raw.n - n};
    }
    return r;
}

static bool needs_escape(unsigned char c)
{
    return (c < 0x20 && c != '\t') || c == 0x7f || c == '"' || c == '|';
}

int vmx_escape(struct span bytes, struct buf *ret)
{
    if (bytes.n > 0 && memchr(bytes.p, '\0', bytes.n))
        return -EINVAL;
    int r = buf_reserve(ret, bytes.n);
    for (size_t i = 0; r == 0 && i < bytes.n; i++) {
        unsigned char c = (unsigned char)bytes.p[i];
        r = needs_escape(c) ? buf_addf(ret, "|%02X", (unsigned)c) : buf_add_char(ret, (char)c);
    }
    return r;
}
