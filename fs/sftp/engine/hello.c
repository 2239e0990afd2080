/* SPDX-License-Identifier: MIT */
/* The first words with a server: INIT and VERSION, and limits@openssh.com where it is offered. */
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "io.h"
#include "parser/text/safe_text.h"
#include "parser/text/text.h"
#include "sftp/protocol/proto.h"

/* 1 and a packet, 0 when none is complete yet. */
static int pull(struct link *l, struct packet *ret)
{
    for (;;) {
        int r = frame_next(&l->frame, ret);
        if (r != 0)
            return r;
        r = io_fill(l);
        if (r <= 0)
            return r;
    }
}

/* A server that ends at once takes nothing any more, and may have said why. */
static int push_and_pull(struct link *l, struct span *request, struct packet *ret)
{
    const int pushed = transport_push(l->transport, request);
    const bool ended = pushed == -EPIPE || pushed == -ECONNRESET;
    const int pulled = pushed == 0 || ended ? pull(l, ret) : 0;
    return pulled == -EPROTO ? pulled : pushed ?: pulled;
}

static int exchange(struct sftp *s, struct span request, int64_t deadline, struct packet *ret)
{
    for (;;) {
        int r = push_and_pull(&s->link, &request, ret);
        if (r != 0)
            return r > 0 ? 0 : r;
        int64_t left = deadline - clock_ms();
        if (left <= 0)
            return -ETIMEDOUT;
        r = io_poll(s, (int)left);
        if (r == 0 && io_must_stop(s))
            r = -ECANCELED;
        if (r != 0)
            return r;
    }
}

static int ask_version(struct sftp *s, int64_t deadline, struct sftp_features *ret)
{
    struct wire_out out = {0};
    struct packet packet = {0};
    wire_put_u32(&out, SFTP_PACKET_MIN);
    wire_put_u8(&out, SSH_FXP_INIT);
    wire_put_u32(&out, SFTP_VERSION);
    int r = out.error
        ?: exchange(s, buf_span(&out.bytes), deadline, &packet)
        ?: answer_read_version(&packet, ret);
    free(packet.bytes);
    buf_done(&out.bytes);
    return r;
}

/* The limits are an offer: a server that then answers with a status does well without them. */
static int ask_limits(struct sftp *s, int64_t deadline, struct sftp_features *ret)
{
    struct wire_out out = {0};
    struct packet packet = {0};
    uint32_t id;
    wire_put_u32(&out, (uint32_t)(SFTP_PACKET_MIN + 4 + strlen(SSH_EXT_LIMITS)));
    wire_put_u8(&out, SSH_FXP_EXTENDED);
    wire_put_u32(&out, 0);
    wire_put_string(&out, SPAN_LITERAL(SSH_EXT_LIMITS));
    int r = out.error ?: exchange(s, buf_span(&out.bytes), deadline, &packet);
    if (r == 0 &&
        (!answer_id(&packet, &id) || id != 0 || answer_read_limits(&packet, ret) == -EPROTO))
        r = -EPROTO;
    free(packet.bytes);
    buf_done(&out.bytes);
    return r;
}

/* The first line of what a server says instead of SFTP, or "". */
static int add_text(struct span said, struct buf *ret)
{
    enum { SHOWN_MAX = 120 };
    while (said.n && (*said.p == '\n' || *said.p == '\r'))
        said = span_from(said, 1);
    size_t n = 0;
    while (n < said.n && n < SHOWN_MAX && said.p[n] != '\n' && said.p[n] != '\r' && said.p[n])
        n++;
    return n < said.n && !said.p[n] ? 0 : safe_text_add(ret, span_head(said, n));
}

static void explain(struct sftp *s, int r, struct diag *why)
{
    BUF_AUTO text = {0};
    if (r == -EPROTO && add_text(frame_refused(&s->link.frame), &text) == 0 && text.len)
        diag_set(
            why,
            "the server says \"%s\" instead of SFTP: a login script or a forced command of the "
            "host prints it, or the account may not log in",
            text.data);
    else if (r == -EPROTO)
        diag_set(why,
                 "the server's answer is not SFTP version 3: does a login script on the host print "
                 "something?");
    else if (r == -ETIMEDOUT)
        diag_set(why, "the server does not answer to the SFTP hello");
    else if (r == -ECONNRESET || r == -EPIPE)
        diag_set(
            why,
            "the server closed the connection before it spoke SFTP: is its SFTP "
            "subsystem enabled, and may the account use it (has its password expired, has it no "
            "shell)?");
    else
        diag_set(why, "cannot speak SFTP with the server: %s", strerror(-r));
}

int hello(struct sftp *s, struct sftp_features *ret, int64_t *ret_round_trip_us, struct diag *why)
{
    struct sftp_features features;
    int64_t deadline = clock_ms() + s->options.timeout_ms;
    int64_t round_trip = -1;
    int r = ask_version(s, deadline, &features);
    if (r == 0 && features.limits) {
        int64_t before = clock_us();
        r = ask_limits(s, deadline, &features);
        round_trip = clock_us() - before;
    }
    if (r != 0) {
        /* The transport may know better why the stream ended. */
        int said = r == -EPROTO ? 0 : transport_last_words(s->link.transport, why);
        if (said < 0)
            return said;
        explain(s, r, why);
        return r;
    }
    *ret = features;
    *ret_round_trip_us = round_trip;
    return 0;
}
