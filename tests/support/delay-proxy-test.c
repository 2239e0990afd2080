/* SPDX-License-Identifier: MIT */
/* The delay proxy, in front of an echo server. Argument: the proxy's program. */
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"

#define DELAY_MS 50

static const char *proxy_program;

struct lab {
    int echo; /* listening socket */
    pthread_t thread;
    pid_t proxy;
    FILE *says;
    uint16_t port;
};

static void *echo(void *argument)
{
    int fd = (int)(intptr_t)argument;
    static _Thread_local char data[1 << 16];
    for (ssize_t n = recv(fd, data, sizeof(data), 0); n > 0; n = recv(fd, data, sizeof(data), 0))
        if (send(fd, data, (size_t)n, MSG_NOSIGNAL) != n)
            break;
    close(fd);
    return NULL;
}

/* Ends when its socket is shut down. */
static void *serve(void *argument)
{
    int listener = (int)(intptr_t)argument;
    for (int fd = accept(listener, NULL, NULL); fd >= 0; fd = accept(listener, NULL, NULL)) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, echo, (void *)(intptr_t)fd) != 0)
            close(fd);
        else
            pthread_detach(thread);
    }
    return NULL;
}

static uint16_t start_echo(struct lab *lab)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof(address);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    lab->echo = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(lab->echo, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(lab->echo, 64), 0);
    assert_int_equal(getsockname(lab->echo, (struct sockaddr *)&address, &size), 0);
    assert_int_equal(pthread_create(&lab->thread, NULL, serve, (void *)(intptr_t)lab->echo), 0);
    return ntohs(address.sin_port);
}

static void read_line(struct lab *lab, char line[32])
{
    assert_non_null(fgets(line, 32, lab->says));
    line[strcspn(line, "\n")] = '\0';
}

/* more: further arguments of the proxy, up to a NULL. */
static int start(void **state, const char *const more[4])
{
    static struct lab lab;
    char to[32], delay[16], line[32];
    int out[2];
    snprintf(to, sizeof(to), "127.0.0.1:%u", start_echo(&lab));
    snprintf(delay, sizeof(delay), "%d", DELAY_MS);
    assert_int_equal(pipe(out), 0);
    lab.proxy = fork();
    if (lab.proxy == 0) {
        dup2(out[1], STDOUT_FILENO);
        close(out[0]);
        close(out[1]);
        execl(proxy_program, proxy_program, "--to", to, "--delay-ms", delay, more[0], more[1],
              more[2], more[3], (char *)NULL);
        _exit(127);
    }
    close(out[1]);
    lab.says = fdopen(out[0], "r");
    read_line(&lab, line);
    lab.port = (uint16_t)atoi(line);
    *state = &lab;
    return 0;
}

static int setup(void **state)
{
    return start(state, (const char *const[4]){NULL});
}

/* 500,000 bytes a second. */
static int setup_rate(void **state)
{
    return start(state, (const char *const[4]){"--rate-mbit", "4", "--buffer-kib", "1024"});
}

static int setup_buffer(void **state)
{
    return start(state, (const char *const[4]){"--buffer-kib", "16"});
}

static int teardown(void **state)
{
    struct lab *lab = *state;
    int status = -1;
    kill(lab->proxy, SIGTERM);
    waitpid(lab->proxy, &status, 0);
    fclose(lab->says);
    shutdown(lab->echo, SHUT_RDWR);
    pthread_join(lab->thread, NULL);
    close(lab->echo);
    return status;
}

static int dial(const struct lab *lab)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(lab->port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

static void send_all(int fd, const char *data, size_t size)
{
    while (size > 0) {
        ssize_t n = send(fd, data, size, MSG_NOSIGNAL);
        assert_true(n > 0);
        data += n;
        size -= (size_t)n;
    }
}

static void expect_bytes(int fd, const char *data, size_t size)
{
    char *got = malloc(size);
    size_t have = 0;
    assert_non_null(got);
    while (have < size) {
        ssize_t n = recv(fd, got + have, size - have, 0);
        assert_true(n > 0);
        have += (size_t)n;
    }
    assert_memory_equal(got, data, size);
    free(got);
}

static void a_round_trip_takes_twice_the_delay(void **state)
{
    int fd = dial(*state);
    int64_t least = INT64_MAX;
    for (int i = 0; i < 20 && least >= 3 * DELAY_MS; i++) {
        int64_t start = clock_ms();
        send_all(fd, "hello", 5);
        expect_bytes(fd, "hello", 5);
        int64_t took = clock_ms() - start;
        assert_true(took >= 2 * DELAY_MS);
        least = took < least ? took : least;
    }
    assert_true(least < 4 * DELAY_MS);
    close(fd);
}

enum { CONNECTIONS = 100 };

/* How long a round trip over each connection takes, all at once. */
static int64_t make_round_trips(void *state)
{
    int fds[CONNECTIONS];
    int64_t start = clock_ms();
    for (size_t i = 0; i < CONNECTIONS; i++) {
        fds[i] = dial(state);
        send_all(fds[i], "x", 1);
    }
    for (size_t i = 0; i < CONNECTIONS; i++) {
        expect_bytes(fds[i], "x", 1);
        close(fds[i]);
    }
    return clock_ms() - start;
}

/* A proxy that did one after the other would take twice that each time; a busy machine is slow once
 * in a while. */
static void round_trips_overlap(void **state)
{
    int64_t least = INT64_MAX;
    for (int i = 0; i < 20 && least >= CONNECTIONS * DELAY_MS; i++) {
        int64_t took = make_round_trips(*state);
        assert_true(took >= 2 * DELAY_MS);
        least = took < least ? took : least;
    }
    assert_true(least < CONNECTIONS * DELAY_MS);
}

/* A proxy that waited for each piece of 64 KiB would need 50 s for this, each time; a busy machine
 * is slow once in a while. The echo fits into the proxy's queues, so nobody has to read while we
 * write. */
static void bandwidth_is_not_limited(void **state)
{
    size_t size = (size_t)32 << 20;
    char *data = malloc(size);
    int64_t least = INT64_MAX;
    assert_non_null(data);
    for (size_t i = 0; i < size; i++)
        data[i] = (char)(i * 2654435761u >> 13);
    for (int i = 0; i < 20 && least >= 40000; i++) {
        int fd = dial(*state);
        int64_t start = clock_ms();
        send_all(fd, data, size);
        expect_bytes(fd, data, size);
        int64_t took = clock_ms() - start;
        assert_true(took >= 2 * DELAY_MS);
        least = took < least ? took : least;
        close(fd);
    }
    assert_true(least < 40000);
    free(data);
}

/* Sends to the echo over several connections, and takes what comes back, all at once. Returns how
 * long it took. */
static int64_t exchange(void *state, int connections, size_t size)
{
    int fds[8];
    char *data = calloc(1, size);
    assert_non_null(data);
    assert_in_range(connections, 1, 8);
    int64_t start = clock_ms();
    for (int i = 0; i < connections; i++) {
        fds[i] = dial(state);
        send_all(fds[i], data, size);
    }
    for (int i = 0; i < connections; i++) {
        expect_bytes(fds[i], data, size);
        close(fds[i]);
    }
    free(data);
    return clock_ms() - start;
}

/* By itself, each would take 100 ms. The echo comes back while the rest is on its way. */
static void all_connections_share_the_rate(void **state)
{
    int64_t least = INT64_MAX;
    for (int i = 0; i < 20 && least >= 4000; i++) {
        int64_t took = exchange(*state, 4, 50000);
        assert_true(took >= 400 + 2 * DELAY_MS);
        least = took < least ? took : least;
    }
    assert_true(least < 4000);
}

/* Each 16 KiB wait until those before them are acknowledged, which takes a round trip. */
static void a_senders_buffer_bounds_what_is_under_way(void **state)
{
    int64_t least = INT64_MAX;
    for (int i = 0; i < 20 && least >= 4000; i++) {
        int64_t took = exchange(*state, 1, (size_t)10 << 14);
        assert_true(took >= 9 * 2 * DELAY_MS + 2 * DELAY_MS);
        least = took < least ? took : least;
    }
    assert_true(least < 4000);
}

static void an_end_of_stream_is_passed_on_behind_the_bytes(void **state)
{
    char byte;
    int fd = dial(*state);
    send_all(fd, "last words", 10);
    shutdown(fd, SHUT_WR);
    expect_bytes(fd, "last words", 10);
    assert_int_equal(recv(fd, &byte, 1, 0), 0);
    close(fd);
}

static void a_cut_resets_connections_and_new_ones_work(void **state)
{
    struct lab *lab = *state;
    char byte, line[32];
    int fd = dial(lab);
    send_all(fd, "a", 1);
    expect_bytes(fd, "a", 1);
    kill(lab->proxy, SIGUSR1);
    read_line(lab, line);
    assert_string_equal(line, "cut 1");
    assert_int_equal(recv(fd, &byte, 1, 0), -1);
    assert_int_equal(errno, ECONNRESET);
    close(fd);
    fd = dial(lab);
    send_all(fd, "b", 1);
    expect_bytes(fd, "b", 1);
    close(fd);
}

static void a_stall_is_silent_and_loses_nothing(void **state)
{
    struct lab *lab = *state;
    char byte, line[32];
    int fd = dial(lab);
    kill(lab->proxy, SIGUSR2);
    read_line(lab, line);
    assert_string_equal(line, "stalled");
    send_all(fd, "x", 1);
    usleep(4 * DELAY_MS * 1000);
    assert_int_equal(recv(fd, &byte, 1, MSG_DONTWAIT), -1);
    assert_int_equal(errno, EAGAIN);
    kill(lab->proxy, SIGUSR2);
    read_line(lab, line);
    assert_string_equal(line, "resumed");
    expect_bytes(fd, "x", 1);
    close(fd);
}

int main(int argc, char **argv)
{
    if (argc != 2)
        return 2;
    proxy_program = argv[1];
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_round_trip_takes_twice_the_delay, setup, teardown),
        cmocka_unit_test_setup_teardown(round_trips_overlap, setup, teardown),
        cmocka_unit_test_setup_teardown(bandwidth_is_not_limited, setup, teardown),
        cmocka_unit_test_setup_teardown(all_connections_share_the_rate, setup_rate, teardown),
        cmocka_unit_test_setup_teardown(a_senders_buffer_bounds_what_is_under_way, setup_buffer,
                                        teardown),
        cmocka_unit_test_setup_teardown(an_end_of_stream_is_passed_on_behind_the_bytes, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_cut_resets_connections_and_new_ones_work, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_stall_is_silent_and_loses_nothing, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
