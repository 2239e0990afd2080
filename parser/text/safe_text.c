/* SPDX-License-Identifier: MIT */
#include "safe_text.h"

#include "text.h"

/* Of a whole character: C1, ends of lines and paragraphs (2028, 2029), and what turns the direction
 * of the text around it (202A to 202E, 2066 to 2069). */
static bool is_control(const unsigned char *p)
{
    return (p[0] == 0xc2 && p[1] <= 0x9f) ||
           (p[0] == 0xe2 && ((p[1] == 0x80 && p[2] >= 0xa8 && p[2] <= 0xae) ||
                             (p[1] == 0x81 && p[2] >= 0xa6 && p[2] <= 0xa9)));
}

/* How many bytes belong together at the beginning of a text that is not empty. */
static size_t step(const char *text, size_t n, bool *ret_safe)
{
    const unsigned char *p = (const unsigned char *)text;
    size_t bytes = text_character((struct span){text, n});
    if (bytes == 0)
        *ret_safe = p[0] >= ' ' && p[0] != 0x7f && (p[0] < 0x80 || p[0] > 0x9f);
    else
        *ret_safe = !is_control(p);
    return bytes ? bytes : 1;
}

bool safe_text_is(struct span text)
{
    bool safe = true;
    for (size_t at = 0; at < text.n && safe;)
        at += step(text.p + at, text.n - at, &safe);
    return safe;
}

void safe_text_make(char *text, size_t n)
{
    for (size_t at = 0; at < n;) {
        bool safe;
        size_t bytes = step(text + at, n - at, &safe);
        if (!safe)
            memset(text + at, '?', bytes);
        at += bytes;
    }
}

int safe_text_add(struct buf *ret, struct span text)
{
    size_t before = ret->len;
    int r = buf_add(ret, text);
    if (r == 0)
        safe_text_make(ret->data + before, text.n);
    return r;
}

int safe_field_add(struct buf *ret, struct span text, char separator)
{
    size_t before = ret->len;
    int r = safe_text_add(ret, text);
    for (size_t i = before; r == 0 && i < ret->len; i++) {
        if (ret->data[i] == separator)
            ret->data[i] = '?';
    }
    return r;
}
