/* SPDX-License-Identifier: MIT */
#include "buf.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* A locale's idea of letters must not decide which keys are the same. */
static unsigned char fold(char c)
{
    unsigned char u = (unsigned char)c;
    return u >= 'A' && u <= 'Z' ? (unsigned char)(u | 0x20) : u;
}

bool span_eq_fold(struct span a, struct span b)
{
    if (a.n != b.n)
        return false;
    for (size_t i = 0; i < a.n; i++) {
        if (a.p[i] != b.p[i] && fold(a.p[i]) != fold(b.p[i]))
            return false;
    }
    return true;
}

bool span_starts_with_fold(struct span s, struct span prefix)
{
    return s.n >= prefix.n && span_eq_fold((struct span){s.p, prefix.n}, prefix);
}

/* Bit 5 folds the letters; other bytes that it makes equal merely collide. */
unsigned span_hash_fold(struct span s)
{
    unsigned hash = 0;
    for (size_t i = 0; i < s.n; i++)
        hash = hash * 33 + (unsigned char)(s.p[i] | 0x20);
    return hash ^ (hash >> 15);
}

bool span_starts_with(struct span s, struct span prefix)
{
    return s.n >= prefix.n && span_eq((struct span){s.p, prefix.n}, prefix);
}

bool span_ends_with(struct span s, struct span suffix)
{
    if (s.n < suffix.n)
        return false;
    return suffix.n == 0 || span_eq((struct span){s.p + (s.n - suffix.n), suffix.n}, suffix);
}

int buf_reserve(struct buf *b, size_t extra)
{
    if (extra > SIZE_MAX / 2 - 1 - b->len)
        return -ENOMEM;
    size_t need = b->len + extra + 1; /* the NUL */
    if (b->data && need <= b->cap)
        return 0;
    size_t cap = b->cap + b->cap / 2;
    if (cap < need)
        cap = need;
    if (cap < 32)
        cap = 32;
    char *data = realloc(b->data, cap);
    if (!data)
        return -ENOMEM;
    data[b->len] = '\0';
    b->data = data;
    b->cap = cap;
    return 0;
}

int buf_add(struct buf *b, struct span bytes)
{
    int r = buf_reserve(b, bytes.n);
    if (r != 0)
        return r;
    if (bytes.n > 0)
        memcpy(b->data + b->len, bytes.p, bytes.n);
    b->len += bytes.n;
    b->data[b->len] = '\0';
    return 0;
}

int buf_add_str(struct buf *b, const char *string)
{
    return buf_add(b, span_of(string));
}

int buf_add_char(struct buf *b, char c)
{
    return buf_add(b, (struct span){&c, 1});
}

int buf_add_quoted(struct buf *b, struct span word)
{
    size_t before = b->len;
    int r = buf_add_char(b, '\'');
    for (size_t i = 0; r == 0 && i < word.n; i++)
        r = word.p[i] == '\'' ? buf_add_str(b, "'\\''") : buf_add_char(b, word.p[i]);
    r = r ?: buf_add_char(b, '\'');
    if (r != 0 && b->data)
        b->data[b->len = before] = '\0';
    return r;
}

int buf_add_name(struct buf *b, struct span name)
{
    if (name.n == 0 || memchr(name.p, '\0', name.n))
        return 0;
    return buf_reserve(b, name.n + 1) ?: buf_add(b, name) ?: buf_add_char(b, '\0');
}

int buf_addf(struct buf *b, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    va_list again;
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, args);
    int r = n < 0 ? -ENOMEM : buf_reserve(b, (size_t)n);
    if (r == 0) {
        vsnprintf(b->data + b->len, (size_t)n + 1, format, again);
        b->len += (size_t)n;
    }
    va_end(again);
    va_end(args);
    return r;
}

void buf_clear(struct buf *b)
{
    b->len = 0;
    if (b->data)
        b->data[0] = '\0';
}

void buf_done(struct buf *b)
{
    free(b->data);
    *b = (struct buf){0};
}

char *buf_steal(struct buf *b)
{
    if (buf_reserve(b, 0) != 0)
        return NULL;
    char *string = b->data;
    *b = (struct buf){0};
    return string;
}
