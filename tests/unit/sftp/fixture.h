/* SPDX-License-Identifier: MIT */
/* An engine whose server the test plays. */
#pragma once

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/clock.h"
#include "sftp/protocol/proto.h"
#include "sftp/sftp.h"
#include "tests/support/peer.h"
#include "sftp/requests.h"
#include "sftp/results.h"

enum {
    TIMEOUT_MS = 300,
    SLOW_MS = 120 * 1000, /* nothing takes that long, not even on a machine with other work */
};

struct fixture {
    struct peer peer;
    struct sftp *sftp;
    struct lock lock;
    struct buf notes; /* what people were told of the link; protected by lock */
};

static inline void fixture_note(void *fixture, const char *text)
{
    struct fixture *f = fixture;
    lock_take(&f->lock);
    assert_int_equal(buf_addf(&f->notes, "%s\n", text), 0);
    lock_drop(&f->lock);
}

static inline void fixture_begin(struct fixture *f, unsigned offers, int timeout_ms,
                                 bool reconnects)
{
    struct diag why;
    struct transport *transport;
    struct sftp_options options = {.timeout_ms = timeout_ms,
                                   .connect = reconnects ? peer_connect : NULL,
                                   .ctx = &f->peer,
                                   .note = fixture_note,
                                   .note_ctx = f};
    lock_init(&f->lock);
    f->notes = (struct buf){0};
    peer_init(&f->peer, offers);
    assert_int_equal(peer_connect(&f->peer, &transport, &why), 0);
    int r = sftp_new(transport, &options, &f->sftp, &why);
    if (r != 0)
        fail_msg("%d: %s", r, why.text);
}

static inline void fixture_end(struct fixture *f)
{
    sftp_free(f->sftp);
    peer_done(&f->peer);
    buf_done(&f->notes);
    lock_done(&f->lock);
}

static inline int settle(struct sftp_call *call)
{
    struct wait wait = wait_for_ms(SLOW_MS);
    return sftp_wait(call, &wait);
}

/* Waits for a call and frees it. */
static inline int outcome_of(struct sftp_call *call)
{
    int r = settle(call);
    sftp_call_free(&call);
    return r;
}

/* The next request, which must be of this type: its id. */
static inline uint32_t expect(struct fixture *f, uint8_t type)
{
    struct peer_request request = {0};
    assert_int_equal(peer_receive(&f->peer, SLOW_MS, &request), 0);
    uint32_t id = request.id;
    uint8_t got = request.type;
    peer_request_done(&request);
    assert_int_equal(got, type);
    return id;
}

static inline void await_up(struct fixture *f)
{
    struct wait wait = wait_for_ms(SLOW_MS);
    while (sftp_wait_up(f->sftp, &wait) != 0) {
        assert_true(clock_ms() < wait.deadline);
        wait_sleep(&wait, 10);
    }
}
