/* SPDX-License-Identifier: MIT */
/*
 * What a hostile server may send: the first byte says how large the pieces of the stream are, the
 * rest is the stream. Every packet that is cut out of it is read as the answer to every kind of
 * call, as a hello, and as limits.
 */
#include <stdint.h>
#include <stdlib.h>

#include "sftp/protocol/decode.h"
#include "sftp/protocol/frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Each kind gets a copy of its own: reading ends names in place. */
static void read_as(const struct packet *packet, enum call_kind kind)
{
    struct answer a = {0};
    size_t sum = 0;
    uint8_t *copy = malloc(packet->n);
    if (!copy)
        return;
    memcpy(copy, packet->bytes, packet->n);
    a.packet = (struct packet){copy, packet->n};
    if (answer_read(&a, kind, 4096) == 0) {
        for (size_t i = 0; i < a.n_names; i++)
            sum += strlen(a.names[i].name) + (a.names[i].name[0] == '/');
        for (size_t i = 0; i < a.data.n; i++)
            sum += (uint8_t)a.data.p[i];
        sum += a.path ? strlen(a.path) : 0;
    }
    if (sum == SIZE_MAX || a.data.n > 4096 || a.handle.len > sizeof(a.handle.bytes))
        abort();
    answer_done(&a);
}

static void read_packet(const struct packet *packet)
{
    struct sftp_features features = {0};
    uint32_t id;
    answer_id(packet, &id);
    if (answer_read_version(packet, &features) == 0 && features.max_read != 32768)
        abort();
    if (answer_read_limits(packet, &features) == 0 &&
        (features.max_read < 32768 || features.max_write > 261120))
        abort();
    for (int kind = 0; kind < CALL_KINDS; kind++)
        read_as(packet, (enum call_kind)kind);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct frame *f = size > 0 ? calloc(1, sizeof(*f)) : NULL;
    if (!f)
        return 0;
    size_t piece = 1 + data[0] * (size_t)17;
    size_t at = 1;
    for (;;) {
        struct packet packet;
        uint8_t *room;
        int r = frame_next(f, &packet);
        if (r == 1) {
            read_packet(&packet);
            free(packet.bytes);
            continue;
        }
        if (r < 0 || at == size)
            break;
        size_t n = frame_room(f, &room);
        n = n < piece ? n : piece;
        n = n < size - at ? n : size - at;
        memcpy(room, data + at, n);
        frame_filled(f, n);
        at += n;
    }
    frame_done(f);
    free(f);
    return 0;
}
