/* SPDX-License-Identifier: MIT */
/* The transport over a descriptor. */
#include "transport/transport.h"

#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static int make(int *ret_peer, pid_t pid, struct transport **ret)
{
    int ends[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    *ret_peer = ends[1];
    return transport_from_fd(ends[0], pid, "a test", ret);
}

static void it_never_blocks_and_says_when_it_is_full(void **state)
{
    (void)state;
    static char bytes[100000];
    struct transport *t;
    int peer;
    size_t sent = 0;
    size_t read_back = 0;
    assert_int_equal(make(&peer, 0, &t), 0);
    assert_int_equal(t->ops->read(t, bytes, sizeof(bytes)), -EAGAIN);
    assert_int_equal(t->ops->events(t), POLLIN);
    for (;;) {
        ssize_t n = t->ops->write(t, bytes, sizeof(bytes));
        if (n == -EAGAIN)
            break;
        assert_true(n > 0);
        sent += (size_t)n;
    }
    assert_int_equal(t->ops->events(t), POLLIN | POLLOUT);
    while (read_back < sent) {
        ssize_t n = read(peer, bytes, sizeof(bytes));
        assert_true(n > 0);
        read_back += (size_t)n;
    }
    struct pollfd p = {.fd = t->fd, .events = t->ops->events(t)};
    assert_int_equal(poll(&p, 1, 1000), 1);
    assert_int_equal(p.revents, POLLOUT);
    assert_int_equal(t->ops->flush(t), 0);
    assert_int_equal(t->ops->events(t), POLLIN);
    assert_int_equal(t->ops->write(t, "x", 1), 1);
    transport_free(t);
    close(peer);
}

static void the_end_of_the_peer_is_an_end_or_an_error(void **state)
{
    (void)state;
    struct transport *t;
    char bytes[8];
    int peer;
    assert_int_equal(make(&peer, 0, &t), 0);
    assert_int_equal(write(peer, "last", 4), 4);
    close(peer);
    assert_int_equal(t->ops->read(t, bytes, sizeof(bytes)), 4);
    assert_int_equal(t->ops->read(t, bytes, sizeof(bytes)), 0);
    assert_int_equal(t->ops->write(t, "x", 1), -EPIPE); /* and no SIGPIPE */
    transport_free(t);
}

static void a_bad_descriptor_is_an_error(void **state)
{
    (void)state;
    struct transport *t = NULL;
    int fd = dup(STDERR_FILENO);
    close(fd);
    assert_int_equal(transport_from_fd(fd, 0, "none", &t), -EBADF);
    assert_null(t);
}

static void its_child_is_ended_and_reaped(void **state)
{
    (void)state;
    static const int signals[] = {0, SIGSTOP, SIGTERM}; /* obeys, is stopped, ignores SIGTERM */
    for (size_t i = 0; i < 3; i++) {
        struct transport *t;
        int peer;
        int ready[2];
        char byte;
        assert_int_equal(pipe(ready), 0);
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
            signal(SIGTERM, signals[i] == SIGTERM ? SIG_IGN : SIG_DFL);
            if (write(ready[1], "r", 1) != 1)
                _exit(1);
            for (;;)
                pause();
        }
        assert_int_equal(read(ready[0], &byte, 1), 1);
        if (signals[i] == SIGSTOP)
            assert_int_equal(kill(pid, SIGSTOP), 0);
        assert_int_equal(make(&peer, pid, &t), 0);
        BUF_AUTO text = {0};
        assert_int_equal(t->ops->describe(t, &text), 0);
        assert_non_null(strstr(text.data, "transport: a test\n"));
        transport_free(t); /* a child that is not ended is waited for for ever */
        assert_int_equal(kill(pid, 0), -1);
        assert_int_equal(errno, ESRCH);
        buf_done(&text);
        close(peer);
        close(ready[0]);
        close(ready[1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_never_blocks_and_says_when_it_is_full),
        cmocka_unit_test(the_end_of_the_peer_is_an_end_or_an_error),
        cmocka_unit_test(a_bad_descriptor_is_an_error),
        cmocka_unit_test(its_child_is_ended_and_reaped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
