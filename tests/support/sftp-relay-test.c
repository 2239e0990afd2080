/* SPDX-License-Identifier: MIT */
/* The relay, before programs that note what reaches them. Argument: the relay's program. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "sftp-relay.h"

/* Copies its input to a file and back, and says in the file that it saw the end. */
#define SERVER "tee \"$0\"; echo end >>\"$0\""

static const char *relay_program;

struct lab {
    char plan_path[32], noted[32];
    struct relay_plan *plan;
    pid_t relays[2];
    int fds[2];
    int count;
};

static int setup(void **state)
{
    static struct lab lab;
    lab = (struct lab){.plan_path = "/tmp/relay-plan.XXXXXX", .noted = "/tmp/relay-noted.XXXXXX"};
    int fd = mkstemp(lab.plan_path);
    assert_int_equal(ftruncate(fd, sizeof(*lab.plan)), 0);
    lab.plan = mmap(NULL, sizeof(*lab.plan), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    assert_true(lab.plan != MAP_FAILED);
    close(fd);
    close(mkstemp(lab.noted));
    *state = &lab;
    return 0;
}

static int teardown(void **state)
{
    struct lab *lab = *state;
    atomic_store(&lab->plan->released, 1);
    for (int i = 0; i < lab->count; i++) {
        close(lab->fds[i]);
        waitpid(lab->relays[i], NULL, 0);
    }
    munmap(lab->plan, sizeof(*lab->plan));
    unlink(lab->plan_path);
    unlink(lab->noted);
    return 0;
}

/* Starts a relay; returns our end of its stream. */
static int dial(struct lab *lab)
{
    int ends[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    pid_t pid = fork();
    if (pid == 0) {
        dup2(ends[1], STDIN_FILENO);
        dup2(ends[1], STDOUT_FILENO);
        execl(relay_program, relay_program, lab->plan_path, "/bin/sh", "-c", SERVER, lab->noted,
              (char *)NULL);
        _exit(127);
    }
    close(ends[1]);
    lab->relays[lab->count] = pid;
    lab->fds[lab->count++] = ends[0];
    return ends[0];
}

static void arm(struct lab *lab, enum relay_fault fault, enum relay_direction d, uint64_t after)
{
    lab->plan->fault = fault;
    lab->plan->direction = d;
    lab->plan->after = after;
    atomic_store(&lab->plan->armed, 1);
}

static void send_text(int fd, const char *text)
{
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

static void expect_text(int fd, const char *text)
{
    char got[64];
    size_t size = strlen(text);
    assert_int_equal(recv(fd, got, size, MSG_WAITALL), (ssize_t)size);
    assert_memory_equal(got, text, size);
}

static void expect_end(int fd)
{
    char byte;
    assert_int_equal(recv(fd, &byte, 1, 0), 0);
}

static void expect_silence(int fd)
{
    char byte;
    assert_int_equal(recv(fd, &byte, 1, MSG_DONTWAIT), -1);
}

static void wait_for_fault(struct lab *lab)
{
    while (!atomic_load(&lab->plan->fired))
        usleep(1000);
}

/* The fault has come, and the server has done what it was sent. */
static void wait_for_end(struct lab *lab)
{
    wait_for_fault(lab);
    while (atomic_load(&lab->plan->open) > 0)
        usleep(1000);
}

/* What the server was given, and whether it saw the end of it. */
static void read_noted(struct lab *lab, char ret[64])
{
    FILE *f = fopen(lab->noted, "r");
    assert_non_null(f);
    ret[fread(ret, 1, 63, f)] = '\0';
    fclose(f);
}

static void expect_noted(struct lab *lab, const char *text)
{
    char got[64];
    read_noted(lab, got);
    assert_string_equal(got, text);
}

static void wait_for_noted(struct lab *lab, const char *text)
{
    char got[64] = "";
    for (read_noted(lab, got); strcmp(got, text) != 0; read_noted(lab, got))
        usleep(1000);
}

static void bytes_pass_and_are_counted_while_armed(void **state)
{
    struct lab *lab = *state;
    int fd = dial(lab);
    send_text(fd, "before");
    expect_text(fd, "before");
    assert_int_equal(lab->plan->passed[RELAY_TO_SERVER], 0);
    arm(lab, RELAY_NONE, RELAY_TO_SERVER, 0);
    send_text(fd, "hello");
    expect_text(fd, "hello");
    assert_int_equal(lab->plan->passed[RELAY_TO_SERVER], 5);
    assert_int_equal(lab->plan->passed[RELAY_TO_CLIENT], 5);
    shutdown(fd, SHUT_WR);
    expect_end(fd);
    assert_int_equal(lab->plan->fired, 0);
    assert_int_equal(lab->plan->connections, 1);
}

static void a_cut_lets_the_server_do_what_came_before_it(void **state)
{
    struct lab *lab = *state;
    int fd = dial(lab);
    arm(lab, RELAY_CUT, RELAY_TO_SERVER, 7);
    send_text(fd, "hello, world");
    wait_for_end(lab);
    expect_noted(lab, "hello, end\n");
}

static void a_cut_of_the_answers_gives_the_client_what_came_before_it(void **state)
{
    struct lab *lab = *state;
    int fd = dial(lab);
    arm(lab, RELAY_CUT, RELAY_TO_CLIENT, 5);
    send_text(fd, "hello, world");
    expect_text(fd, "hello");
    expect_end(fd);
    wait_for_end(lab);
    expect_noted(lab, "hello, worldend\n");
}

static void a_killed_server_does_nothing_more(void **state)
{
    struct lab *lab = *state;
    int fd = dial(lab);
    arm(lab, RELAY_KILL, RELAY_TO_CLIENT, 5);
    send_text(fd, "hello, world");
    expect_text(fd, "hello");
    expect_end(fd);
    wait_for_end(lab);
    wait_for_noted(lab, "hello, world");
}

static void a_stall_is_silent_and_loses_nothing(void **state)
{
    struct lab *lab = *state;
    int fd = dial(lab);
    arm(lab, RELAY_STALL, RELAY_TO_CLIENT, 2);
    send_text(fd, "hello");
    expect_text(fd, "he");
    wait_for_fault(lab);
    expect_silence(fd);
    atomic_store(&lab->plan->released, 1);
    expect_text(fd, "llo");
    send_text(fd, ", world");
    expect_text(fd, ", world");
}

static void what_was_stalled_reaches_the_server_though_the_client_has_gone(void **state)
{
    struct lab *lab = *state;
    int fd = dial(lab);
    arm(lab, RELAY_STALL, RELAY_TO_SERVER, 2);
    send_text(fd, "hello");
    wait_for_fault(lab);
    send_text(fd, ", world");
    shutdown(fd, SHUT_RDWR);
    close(fd);
    lab->fds[0] = -1;
    atomic_store(&lab->plan->released, 1);
    wait_for_end(lab);
    expect_noted(lab, "hello, worldend\n");
}

static void a_late_delivery_comes_when_the_client_has_long_seen_the_end(void **state)
{
    struct lab *lab = *state;
    int fd = dial(lab);
    arm(lab, RELAY_LATE, RELAY_TO_SERVER, 2);
    send_text(fd, "hello");
    expect_end(fd);
    wait_for_noted(lab, "he");
    int next = dial(lab); /* a new connection works meanwhile */
    send_text(next, "next");
    expect_text(next, "next");
    assert_int_equal(lab->plan->open, 2);
}

static void a_late_delivery_loses_nothing(void **state)
{
    struct lab *lab = *state;
    int fd = dial(lab);
    arm(lab, RELAY_LATE, RELAY_TO_SERVER, 2);
    send_text(fd, "hello");
    expect_end(fd);
    atomic_store(&lab->plan->released, 1);
    wait_for_end(lab);
    expect_noted(lab, "helloend\n");
}

static void a_lasting_fault_meets_later_connections_until_released(void **state)
{
    struct lab *lab = *state;
    int fd = dial(lab);
    lab->plan->lasting = 1;
    arm(lab, RELAY_CUT, RELAY_TO_SERVER, 0);
    send_text(fd, "hello");
    expect_end(fd);
    atomic_store(&lab->plan->armed, 0);
    int next = dial(lab);
    send_text(next, "hello");
    expect_end(next);
    atomic_store(&lab->plan->released, 1);
    lab->count = 0;
    fd = dial(lab);
    send_text(fd, "hello");
    expect_text(fd, "hello");
}

static void a_delay_lets_all_pass_later(void **state)
{
    struct lab *lab = *state;
    int fd = dial(lab);
    lab->plan->delay_ms = 50;
    arm(lab, RELAY_DELAY, RELAY_TO_SERVER, 2);
    int64_t start = clock_ms();
    send_text(fd, "hello");
    expect_text(fd, "hello");
    assert_true(clock_ms() - start >= 49);
}

#define RELAYED(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(int argc, char **argv)
{
    if (argc != 2)
        return 2;
    relay_program = argv[1];
    const struct CMUnitTest tests[] = {
        RELAYED(bytes_pass_and_are_counted_while_armed),
        RELAYED(a_cut_lets_the_server_do_what_came_before_it),
        RELAYED(a_cut_of_the_answers_gives_the_client_what_came_before_it),
        RELAYED(a_killed_server_does_nothing_more),
        RELAYED(a_stall_is_silent_and_loses_nothing),
        RELAYED(what_was_stalled_reaches_the_server_though_the_client_has_gone),
        RELAYED(a_late_delivery_comes_when_the_client_has_long_seen_the_end),
        RELAYED(a_late_delivery_loses_nothing),
        RELAYED(a_lasting_fault_meets_later_connections_until_released),
        RELAYED(a_delay_lets_all_pass_later),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
