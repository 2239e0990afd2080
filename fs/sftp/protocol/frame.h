/* SPDX-License-Identifier: MIT */
/*
 * Cuts a byte stream into packets. Each packet gets a block of memory of its own, so that it can be
 * handed on without a copy; a large one is read straight into it.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "parser/text/buf.h"

struct packet {
    uint8_t *bytes; /* from the type on; malloc()ed */
    size_t n;
};

struct frame {
    uint8_t staging[32 * 1024];
    size_t start, end;    /* what is in staging and not yet cut */
    struct packet packet; /* under way; bytes is NULL while its length is not complete */
    size_t have;
};

/* A frame that is all zeros is empty and valid. Frees what is under way. */
void frame_done(struct frame *f);

/* Where the next bytes of the stream belong; only when frame_next has returned 0. */
size_t frame_room(struct frame *f, uint8_t **ret);
void frame_filled(struct frame *f, size_t n);

/* What has come, when frame_next has refused the first length: no packets, but a text perhaps. */
static inline struct span frame_refused(const struct frame *f)
{
    return (struct span){(const char *)f->staging, f->end};
}

/* 1 and a packet (the caller's to free), 0 when more bytes are needed, -EPROTO for a length that no
 * packet has, -ENOMEM. After an error the stream is lost. */
int frame_next(struct frame *f, struct packet *ret);
