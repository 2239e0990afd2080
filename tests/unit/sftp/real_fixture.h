/* SPDX-License-Identifier: MIT */
/* An engine that speaks with OpenSSH's server, in a temporary folder. */
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/clock.h"
#include "sftp/sftp.h"
#include "tests/support/local_server.h"
#include "sftp/requests.h"
#include "sftp/results.h"

enum { SLOW_MS = 120 * 1000 };

struct real {
    struct local_server server;
    struct sftp *sftp;
};

static inline void real_begin(struct real *r, int timeout_ms)
{
    struct diag why;
    struct transport *transport;
    struct sftp_options options = {
        .timeout_ms = timeout_ms, .connect = local_server_connect, .ctx = &r->server};
    if (!local_server_exists())
        skip();
    assert_int_equal(local_server_init(&r->server), 0);
    assert_int_equal(local_server_connect(&r->server, &transport, &why), 0);
    int error = sftp_new(transport, &options, &r->sftp, &why);
    if (error != 0)
        fail_msg("%d: %s", error, why.text);
}

static inline void real_end(struct real *r)
{
    sftp_free(r->sftp);
    local_server_done(&r->server);
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

static inline struct sftp_handle handle_of(struct sftp_call *call)
{
    struct sftp_handle handle = {0};
    int r = settle(call);
    if (r == 0)
        handle = *sftp_call_handle(call);
    sftp_call_free(&call);
    assert_int_equal(r, 0);
    return handle;
}

static inline struct sftp_handle open_file(struct real *r, const char *path)
{
    return handle_of(
        sftp_open(r->sftp, path, SFTP_OPEN_READ | SFTP_OPEN_WRITE | SFTP_OPEN_CREAT, NULL));
}
