/* SPDX-License-Identifier: MIT */
/* A job that is given up when its time is over. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "transport/ssh/ssh_watch.h"

enum { SHORT_MS = 50 };

struct job {
    struct ssh_watch watch;
    int ends[2];
    atomic_bool stop, released;
};

static void must_make(struct job *job, int64_t deadline)
{
    *job = (struct job){0};
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, job->ends), 0);
    ssh_watch_init(&job->watch, job->ends[0], deadline);
}

static void done(struct job *job)
{
    ssh_watch_done(&job->watch);
    close(job->ends[0]);
    close(job->ends[1]);
}

static void release(void *arg)
{
    struct job *job = arg;
    atomic_store(&job->released, true);
}

static void end_at_once(void *arg)
{
    (void)arg;
}

/* As libssh2 waits for a server that says nothing. */
static void read_on(void *arg)
{
    struct job *job = arg;
    char byte;
    while (read(job->ends[0], &byte, 1) > 0)
        ;
}

/* As libssh2 computes, deaf to its socket. */
static void spin(void *arg)
{
    struct job *job = arg;
    while (!atomic_load(&job->stop))
        sched_yield();
}

/* As a person who takes time to answer; then it waits. */
static void ask(void *arg)
{
    struct job *job = arg;
    ssh_watch_pause(&job->watch);
    usleep(4 * SHORT_MS * 1000);
    atomic_store(&job->stop, recv(job->ends[0], &(char){0}, 1, MSG_DONTWAIT) < 0);
    ssh_watch_resume(&job->watch);
    read_on(job);
}

static void a_job_that_ends_is_the_callers(void **state)
{
    (void)state;
    struct job job;
    must_make(&job, clock_ms() + 60 * 1000);
    assert_int_equal(ssh_watch_run(&job.watch, end_at_once, release, &job), 0);
    assert_false(atomic_load(&job.released));
    done(&job);
}

static void a_job_that_waits_is_ended(void **state)
{
    (void)state;
    struct job job;
    must_make(&job, clock_ms() + SHORT_MS);
    assert_int_equal(ssh_watch_run(&job.watch, read_on, release, &job), -ETIMEDOUT);
    assert_false(atomic_load(&job.released));
    done(&job);
}

static void a_job_that_spins_is_abandoned(void **state)
{
    (void)state;
    struct job job;
    must_make(&job, clock_ms() + SHORT_MS);
    assert_int_equal(ssh_watch_run(&job.watch, spin, release, &job), -EINPROGRESS);
    assert_int_equal(ssh_watch_abandoned(), 1);
    assert_false(atomic_load(&job.released));
    atomic_store(&job.stop, true);
    while (ssh_watch_abandoned() > 0)
        sched_yield();
    assert_true(atomic_load(&job.released));
    done(&job);
}

static void a_question_takes_no_time(void **state)
{
    (void)state;
    struct job job;
    must_make(&job, clock_ms() + SHORT_MS);
    assert_int_equal(ssh_watch_run(&job.watch, ask, release, &job), -ETIMEDOUT);
    assert_true(atomic_load(&job.stop)); /* the socket was open when it was answered */
    done(&job);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_job_that_ends_is_the_callers),
        cmocka_unit_test(a_job_that_waits_is_ended),
        cmocka_unit_test(a_job_that_spins_is_abandoned),
        cmocka_unit_test(a_question_takes_no_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
