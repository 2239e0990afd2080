/* SPDX-License-Identifier: MIT */
/*
 * Where the readers of a file go on. A program may read a file in order and in several places at
 * once: qemu-img reads eight pieces beside each other. Each such place is a stream.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { STREAMS = 16 };

struct stream {
    uint64_t start, next; /* it has passed these bytes, and goes on at next */
    size_t window;        /* the reader's: bytes asked for beyond what is wanted */
    uint64_t used;        /* streams.step then; 0: never */
};

/* All zero: none. */
struct streams {
    struct stream list[STREAMS];
    uint64_t step; /* counts the operations */
};

/* An operation on n bytes at offset: the stream that it continues, or one that begins with it,
 * which has no window. Operations of one stream may overtake each other a little. *ret_advance: how
 * far the stream has come by it, 0 for one that begins. */
struct stream *streams_step(struct streams *all, uint64_t offset, size_t n, uint64_t *ret_advance);

/* Whether it has been used lately. */
bool streams_lives(const struct streams *all, const struct stream *s);
unsigned streams_living(const struct streams *all);

/* Whether a living stream has passed this byte. */
bool streams_passed(const struct streams *all, uint64_t offset);

/* Where the next living stream before s begins, for which that one cares; UINT64_MAX: nowhere. */
uint64_t streams_limit(const struct streams *all, const struct stream *s);
