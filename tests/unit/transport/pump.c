/* SPDX-License-Identifier: MIT */
/*
 * Much data both ways at once, while the server asks for new session keys every megabyte: what
 * breaks a libssh2 session that sends its packets half. The server's "sftp" is cat.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "server.h"

enum { TOTAL = 64 << 20, CHUNK = 100003, STALL_MS = 240 * 1000 };

/* libssh2 1.10 forgets to free the server's key when it gets new session keys: 51 bytes each time.
 * The name is the sanitizer's. */
const char *__lsan_default_suppressions(void); /* NOLINT */
const char *__lsan_default_suppressions(void)  /* NOLINT */
{
    return "leak:libssh2.so";
}

static struct server server;

static int start(void **state)
{
    (void)state;
    server_start(&server, "", "'Subsystem sftp /bin/cat' 'RekeyLimit 1M' 'LogLevel DEBUG1'");
    return 0;
}

static int stop_server(void **state)
{
    (void)state;
    server_stop(&server);
    return 0;
}

/* The byte at a place of the stream: no period that a block size could hide. */
static unsigned char byte_at(size_t i)
{
    return (unsigned char)(i * 31 + (i >> 8) * 7 + (i >> 16) * 13);
}

struct pump {
    struct transport *t;
    size_t written, read;
    unsigned char out[CHUNK], in[CHUNK];
};

static int push(struct pump *p)
{
    while (p->written < TOTAL) {
        size_t n = TOTAL - p->written < CHUNK ? TOTAL - p->written : CHUNK;
        for (size_t i = 0; i < n; i++)
            p->out[i] = byte_at(p->written + i);
        ssize_t taken = p->t->ops->write(p->t, p->out, n);
        if (taken == -EAGAIN)
            return 0;
        if (taken < 0)
            return (int)taken;
        p->written += (size_t)taken;
    }
    return 0;
}

static int pull(struct pump *p)
{
    for (;;) {
        ssize_t n = p->t->ops->read(p->t, p->in, sizeof(p->in));
        if (n == -EAGAIN)
            return 0;
        if (n <= 0)
            return n < 0 ? (int)n : -EPIPE;
        for (size_t i = 0; i < (size_t)n; i++) {
            if (p->in[i] != byte_at(p->read + i))
                return -EBADMSG;
        }
        p->read += (size_t)n;
    }
}

/* Sleeps only when nothing moves any more: a write may have read from the socket, and what it read
 * waits inside the transport. */
static int run(struct pump *p)
{
    while (p->read < TOTAL) {
        size_t before = p->read + p->written;
        int r = push(p);
        if (r == 0)
            r = pull(p);
        if (r < 0)
            return r;
        if (p->read + p->written > before)
            continue;
        struct pollfd at = {.fd = p->t->fd, .events = p->t->ops->events(p->t)};
        if (poll(&at, 1, STALL_MS) != 1)
            return -ETIMEDOUT;
        if (at.revents & POLLOUT)
            r = p->t->ops->flush(p->t);
        if (r < 0)
            return r;
    }
    return 0;
}

static void pump_through(enum connect_via via)
{
    struct connect_options o = server_options(&server);
    struct connector *c;
    struct pump *p = calloc(1, sizeof(*p));
    struct diag why = {0};
    o.via = via;
    assert_non_null(p);
    assert_int_equal(connector_new(&o, &c, &why), 0);
    assert_int_equal(connector_connect(c, false, &p->t, &why), 0);
    int rekeyed = server_log_count(&server, "rekey in after");
    int64_t begin = clock_ms();
    int r = run(p);
    print_message("%zu of %d bytes in %lld ms\n", p->read, TOTAL, (long long)(clock_ms() - begin));
    transport_free(p->t);
    connector_free(c);
    free(p);
    assert_int_equal(r, 0);
    /* Without new keys the test would have shown nothing. */
    assert_true(server_log_count(&server, "rekey in after") > rekeyed + 30);
}

static void libssh2_pumps_both_ways_while_rekeying(void **state)
{
    (void)state;
    pump_through(CONNECT_LIBSSH2);
}

static void the_ssh_program_pumps_both_ways_while_rekeying(void **state)
{
    (void)state;
    pump_through(CONNECT_OPENSSH);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(libssh2_pumps_both_ways_while_rekeying),
        cmocka_unit_test(the_ssh_program_pumps_both_ways_while_rekeying),
    };
    return cmocka_run_group_tests(tests, start, stop_server);
}
