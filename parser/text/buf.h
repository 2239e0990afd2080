/* SPDX-License-Identifier: MIT */
/*
 * Bytes: a borrowed run of them (struct span) and a growing, owned one (struct buf).
 *
 * A buf that is all zeros is empty and valid. Its data, once not NULL, is always followed by a NUL
 * that len does not count, so that it can be handed to code which wants a string.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct span {
    const char *p; /* may be NULL when n is 0 */
    size_t n;
};

struct buf {
    char *data;
    size_t len;
    size_t cap;
};

#define SPAN_LITERAL(s) ((struct span){(s), sizeof(s) - 1})

static inline struct span span_of(const char *string)
{
    return (struct span){string, strlen(string)};
}

static inline struct span buf_span(const struct buf *b)
{
    return (struct span){b->data, b->len};
}

static inline bool span_eq(struct span a, struct span b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

/* Equal but for the case of ASCII letters: how VMware compares keys. */
bool span_eq_fold(struct span a, struct span b);
bool span_starts_with_fold(struct span s, struct span prefix);

/* Equal for what span_eq_fold takes for equal. */
unsigned span_hash_fold(struct span s);

bool span_starts_with(struct span s, struct span prefix);
bool span_ends_with(struct span s, struct span suffix);

/* The contract of all that add: 0, or -ENOMEM with the buf as it was. */
int buf_reserve(struct buf *b, size_t extra);
int buf_add(struct buf *b, struct span bytes);
int buf_add_str(struct buf *b, const char *string);
int buf_add_char(struct buf *b, char c);
/* As one word for a POSIX shell. Nothing is appended on failure. */
int buf_add_quoted(struct buf *b, struct span word);
/* As one of several names in a row, each followed by a NUL (which len counts). One that is empty,
 * or holds a NUL itself, is that of no file, and is left out. */
int buf_add_name(struct buf *b, struct span name);
int buf_addf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Forgets the content and keeps the memory. */
void buf_clear(struct buf *b);

/* Frees the memory; the buf is empty and valid afterwards. */
void buf_done(struct buf *b);

/* Hands the content over as a NUL-terminated string that the caller frees, and leaves b empty.
 * NULL when there is no memory for the empty string. */
char *buf_steal(struct buf *b);

#define BUF_AUTO __attribute__((cleanup(buf_done))) struct buf
