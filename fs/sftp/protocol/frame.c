/* SPDX-License-Identifier: MIT */
#include "frame.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "proto.h"

void frame_done(struct frame *f)
{
    free(f->packet.bytes);
    f->packet = (struct packet){0};
    f->start = f->end = f->have = 0;
}

size_t frame_room(struct frame *f, uint8_t **ret)
{
    if (f->packet.bytes && f->packet.n - f->have >= sizeof(f->staging)) {
        *ret = f->packet.bytes + f->have;
        return f->packet.n - f->have;
    }
    f->end -= f->start; /* a part of a length at most */
    memmove(f->staging, f->staging + f->start, f->end);
    f->start = 0;
    *ret = f->staging + f->end;
    return sizeof(f->staging) - f->end;
}

void frame_filled(struct frame *f, size_t n)
{
    if (f->packet.bytes && f->packet.n - f->have >= sizeof(f->staging))
        f->have += n;
    else
        f->end += n;
}

static size_t take(struct frame *f, uint8_t *ret, size_t wanted)
{
    size_t n = f->end - f->start;
    if (n > wanted)
        n = wanted;
    memcpy(ret, f->staging + f->start, n);
    f->start += n;
    return n;
}

static int begin_packet(struct frame *f)
{
    uint32_t be;
    if (f->end - f->start < sizeof(be))
        return 0;
    take(f, (uint8_t *)&be, sizeof(be));
    size_t n = be32toh(be);
    if (n < SFTP_PACKET_MIN || n > SFTP_PACKET_MAX)
        return -EPROTO;
    f->packet.bytes = malloc(n);
    if (!f->packet.bytes)
        return -ENOMEM;
    f->packet.n = n;
    f->have = 0;
    return 0;
}

int frame_next(struct frame *f, struct packet *ret)
{
    if (!f->packet.bytes) {
        int r = begin_packet(f);
        if (r < 0 || !f->packet.bytes)
            return r;
    }
    f->have += take(f, f->packet.bytes + f->have, f->packet.n - f->have);
    if (f->have < f->packet.n)
        return 0;
    *ret = f->packet;
    f->packet = (struct packet){0};
    return 1;
}
