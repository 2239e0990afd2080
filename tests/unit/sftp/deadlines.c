/* SPDX-License-Identifier: MIT */
/* Silent servers, interrupted callers, abandoned calls, and calls with a time limit. */
#include "fixture.h"

#include <pthread.h>

#include "sftp/requests.h"
#include "sftp/results.h"

static bool always(void *ctx)
{
    (void)ctx;
    return true;
}

/* A caller that has been interrupted. */
static int wait_interrupted(struct sftp_call *call)
{
    struct wait wait = wait_for_ms(SLOW_MS);
    wait.interrupted = always;
    return sftp_wait(call, &wait);
}

enum { LATER = 1000, LATER_EACH = 9 };

/* Whether a call, which must fail, takes as long as one that waits for its answer in vain. A busy
 * machine makes some that do not wait so slow. *failed counts. */
static int is_slow(struct sftp *sftp, int *failed)
{
    int64_t before = clock_ms();
    *failed += outcome_of(sftp_lstat(sftp, "x")) == -EIO;
    return clock_ms() - before >= TIMEOUT_MS - 1;
}

static void a_silent_server_fails_all_calls_once(void **state)
{
    (void)state;
    enum { N = 50 };
    struct fixture f;
    struct sftp_call *calls[N];
    fixture_begin(&f, 0, TIMEOUT_MS, true);
    peer_refuse(&f.peer, -ECONNREFUSED);
    int64_t before = clock_ms();
    for (int i = 0; i < N; i++)
        calls[i] = sftp_lstat(f.sftp, "x");
    for (int i = 0; i < N; i++) {
        assert_int_equal(outcome_of(calls[i]), -EIO);
        assert_true(clock_ms() - before >= TIMEOUT_MS - 1);
        assert_int_equal(sftp_state(f.sftp), SFTP_DOWN); /* which fails all */
    }
    int slow = 0;
    int failed = 0;
    for (int i = 0; i < LATER; i++)
        slow += is_slow(f.sftp, &failed);
    assert_int_equal(failed, LATER);
    assert_true(slow < LATER / 2);
    fixture_end(&f);
}

struct caller {
    struct sftp *sftp;
    int failed; /* calls */
    int slow;   /* the same, but for the first */
};

static void *call_again_and_again(void *arg)
{
    struct caller *c = arg;
    is_slow(c->sftp, &c->failed);
    for (int i = 0; i < LATER_EACH; i++)
        c->slow += is_slow(c->sftp, &c->failed);
    return NULL;
}

static void callers_in_a_queue_share_one_timeout(void **state)
{
    (void)state;
    enum { N = 40 };
    struct fixture f;
    struct caller callers[N];
    pthread_t threads[N];
    fixture_begin(&f, 0, TIMEOUT_MS, true);
    peer_refuse(&f.peer, -ECONNREFUSED);
    int slow = 0;
    for (int i = 0; i < N; i++) {
        callers[i] = (struct caller){.sftp = f.sftp};
        assert_int_equal(pthread_create(&threads[i], NULL, call_again_and_again, &callers[i]), 0);
    }
    for (int i = 0; i < N; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(callers[i].failed, 1 + LATER_EACH);
        slow += callers[i].slow;
    }
    assert_true(slow < N * LATER_EACH / 2);
    fixture_end(&f);
}

static void an_answer_to_anybody_is_a_sign_of_life(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f, 0, 1000, false);
    SFTP_CALL_AUTO *slow = sftp_lstat(f.sftp, "slow");
    uint32_t id = expect(&f, SSH_FXP_LSTAT);
    for (int i = 0; i < 15; i++) {
        struct wait nap = wait_for_ms(SLOW_MS);
        struct sftp_call *quick = sftp_stat(f.sftp, "quick");
        assert_int_equal(peer_size(&f.peer, expect(&f, SSH_FXP_STAT), 1), 0);
        assert_int_equal(outcome_of(quick), 0);
        wait_sleep(&nap, 100);
    }
    struct wait over = wait_for_ms(0);
    assert_int_equal(sftp_wait(slow, &over), -EIO); /* this caller's time is up */
    assert_int_equal(sftp_state(f.sftp), SFTP_UP);
    assert_int_equal(peer_size(&f.peer, id, 5), 0);
    assert_int_equal(settle(slow), 0);
    sftp_call_free(&slow);
    fixture_end(&f);
}

static void a_callers_deadline_without_a_byte_takes_the_link_down(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f, 0, 2000, false);
    struct sftp_call *impatient = sftp_lstat(f.sftp, "a");
    struct sftp_call *patient = sftp_lstat(f.sftp, "b");
    expect(&f, SSH_FXP_LSTAT);
    struct wait wait = wait_for_ms(1);
    assert_int_equal(sftp_wait(impatient, &wait), -EIO);
    assert_int_equal(sftp_state(f.sftp), SFTP_UP); /* too early to say */
    wait = wait_for_ms(1200);
    assert_int_equal(sftp_wait(impatient, &wait), -EIO);
    assert_int_equal(sftp_state(f.sftp), SFTP_DOWN);
    assert_int_equal(outcome_of(patient), -EIO);
    sftp_call_free(&impatient);
    fixture_end(&f);
}

static void an_idle_link_is_pinged(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f, 0, 1000, false);
    uint32_t id = expect(&f, SSH_FXP_REALPATH);
    assert_int_equal(
        peer_reply(&f.peer, SSH_FXP_NAME, id, SPAN_LITERAL("\0\0\0\1\0\0\0\1/\0\0\0\0\0\0\0\0")),
        0);
    expect(&f, SSH_FXP_REALPATH);
    assert_int_equal(sftp_state(f.sftp), SFTP_UP);
    BUF_AUTO text = {0};
    assert_int_equal(sftp_describe(f.sftp, &text), 0);
    assert_non_null(strstr(text.data, "link: up\n"));
    const char *round_trip = strstr(text.data, "\nround-trip-ms: ");
    assert_non_null(round_trip);
    round_trip = strchr(round_trip, '.');
    assert_true(round_trip && round_trip[2] == '\n'); /* one decimal */
    struct wait wait = wait_for_ms(SLOW_MS);
    while (sftp_state(f.sftp) == SFTP_UP && wait_sleep(&wait, 10) == 0)
        ;
    assert_int_equal(sftp_state(f.sftp), SFTP_DOWN); /* the second one was not answered */
    buf_done(&text);
    fixture_end(&f);
}

static void a_handle_for_an_interrupted_caller_is_closed(void **state)
{
    (void)state;
    struct fixture f;
    struct peer_request request;
    struct span handle;
    fixture_begin(&f, 0, SLOW_MS, false);
    struct sftp_call *open = sftp_open(f.sftp, "a", SFTP_OPEN_READ, NULL);
    uint32_t id = expect(&f, SSH_FXP_OPEN);
    assert_int_equal(wait_interrupted(open), -EINTR);
    assert_true(sftp_call_was_sent(open));
    sftp_call_free(&open);
    assert_int_equal(peer_handle(&f.peer, id, "late"), 0);
    assert_int_equal(peer_receive(&f.peer, SLOW_MS, &request), 0);
    assert_int_equal(request.type, SSH_FXP_CLOSE);
    assert_int_equal(wire_get_string(&request.rest, &handle), 0);
    assert_true(span_eq(handle, SPAN_LITERAL("late")));
    assert_int_equal(peer_status(&f.peer, request.id, SSH_FX_OK), 0);
    peer_request_done(&request);
    fixture_end(&f);
}

static void a_handle_that_nobody_looked_at_is_closed(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f, 0, SLOW_MS, false);
    struct sftp_call *open = sftp_opendir(f.sftp, "a");
    struct sftp_call *next = sftp_lstat(f.sftp, "a");
    assert_int_equal(peer_handle(&f.peer, expect(&f, SSH_FXP_OPENDIR), "early"), 0);
    assert_int_equal(peer_size(&f.peer, expect(&f, SSH_FXP_LSTAT), 1), 0);
    assert_int_equal(outcome_of(next), 0); /* so the handle has come too */
    sftp_call_free(&open);
    assert_int_equal(peer_status(&f.peer, expect(&f, SSH_FXP_CLOSE), SSH_FX_OK), 0);
    fixture_end(&f);
}

static void an_interrupted_wait_can_be_repeated(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f, 0, SLOW_MS, false);
    struct sftp_call *call = sftp_mkdir(f.sftp, "a", 0755);
    uint32_t id = expect(&f, SSH_FXP_MKDIR);
    assert_int_equal(wait_interrupted(call), -EINTR);
    assert_int_equal(peer_status(&f.peer, id, SSH_FX_PERMISSION_DENIED), 0);
    assert_int_equal(outcome_of(call), -EACCES);
    fixture_end(&f);
}

static bool unless_committed(void *ctx)
{
    const bool *committed = ctx;
    return !*committed;
}

/* The same of a caller who must know whether something was done. */
static int wait_committing(struct sftp_call *call, bool *committed)
{
    const struct wait wait = {.deadline = clock_ms() + TIMEOUT_MS,
                              .interrupted = unless_committed,
                              .ctx = committed,
                              .committed = committed};
    return sftp_wait(call, &wait);
}

static void a_sent_change_is_not_interrupted(void **state)
{
    (void)state;
    struct fixture f;
    bool committed = false;
    fixture_begin(&f, 0, SLOW_MS, false);
    struct sftp_call *look = sftp_open(f.sftp, "a", SFTP_OPEN_READ, NULL);
    uint32_t look_id = expect(&f, SSH_FXP_OPEN);
    assert_int_equal(wait_committing(look, &committed), -EINTR);
    assert_false(committed);
    struct sftp_call *open = sftp_open(f.sftp, "a", SFTP_OPEN_WRITE | SFTP_OPEN_CREAT, NULL);
    uint32_t id = expect(&f, SSH_FXP_OPEN);
    assert_int_equal(wait_committing(open, &committed), -EIO); /* the deadline */
    assert_true(committed);
    assert_int_equal(peer_status(&f.peer, look_id, SSH_FX_NO_SUCH_FILE), 0);
    assert_int_equal(peer_status(&f.peer, id, SSH_FX_PERMISSION_DENIED), 0);
    assert_int_equal(outcome_of(open), -EACCES);
    assert_int_equal(outcome_of(look), -ENOENT);
    fixture_end(&f);
}

/* Takes all slots: what is called from now on waits in the queue. */
static void fill_slots(struct fixture *f, uint32_t ids[SFTP_UNDER_WAY_MAX])
{
    for (int i = 0; i < SFTP_UNDER_WAY_MAX; i++)
        sftp_forget(sftp_rmdir(f->sftp, "filler"));
    for (int i = 0; i < SFTP_UNDER_WAY_MAX; i++)
        ids[i] = expect(f, SSH_FXP_RMDIR);
}

static void an_interrupted_change_that_was_not_sent_never_is(void **state)
{
    (void)state;
    struct fixture f;
    bool committed = false;
    uint32_t ids[SFTP_UNDER_WAY_MAX];
    fixture_begin(&f, 0, SLOW_MS, false);
    fill_slots(&f, ids);
    struct sftp_call *change = sftp_mkdir(f.sftp, "a", 0755);
    assert_int_equal(wait_committing(change, &committed), -EINTR);
    assert_false(committed);
    struct sftp_call *next = sftp_lstat(f.sftp, "a");
    for (int i = 0; i < SFTP_UNDER_WAY_MAX; i++)
        assert_int_equal(peer_status(&f.peer, ids[i], SSH_FX_OK), 0);
    assert_int_equal(peer_size(&f.peer, expect(&f, SSH_FXP_LSTAT), 1), 0);
    assert_int_equal(outcome_of(next), 0);
    assert_int_equal(outcome_of(change), -EINTR);
    fixture_end(&f);
}

static void of_unsent_abandoned_calls_only_those_that_change_something_go_out(void **state)
{
    (void)state;
    struct fixture f;
    struct peer_request none;
    uint32_t ids[SFTP_UNDER_WAY_MAX];
    fixture_begin(&f, 0, SLOW_MS, false);
    fill_slots(&f, ids);
    sftp_forget(sftp_lstat(f.sftp, "nobody wants to know"));
    sftp_forget(sftp_remove(f.sftp, "to be removed", 0));
    sftp_forget(sftp_stat(f.sftp, "nobody wants to know"));
    for (int i = 0; i < SFTP_UNDER_WAY_MAX; i++)
        assert_int_equal(peer_status(&f.peer, ids[i], SSH_FX_OK), 0);
    assert_int_equal(peer_status(&f.peer, expect(&f, SSH_FXP_REMOVE), SSH_FX_OK), 0);
    assert_int_equal(peer_receive(&f.peer, 50, &none), -ETIMEDOUT);
    fixture_end(&f);
}

static void a_call_that_comes_too_late_is_not_sent(void **state)
{
    (void)state;
    struct fixture f;
    struct peer_request none;
    fixture_begin(&f, PEER_POSIX_RENAME, SLOW_MS, false);
    struct sftp_call *late = sftp_remove(f.sftp, "a", clock_boot_ms() - 1);
    assert_int_equal(settle(late), -ETIME);
    assert_false(sftp_call_was_sent(late));
    sftp_call_free(&late);
    assert_int_equal(outcome_of(sftp_posix_rename(f.sftp, "a", "b", 1)), -ETIME);
    assert_int_equal(peer_receive(&f.peer, 50, &none), -ETIMEDOUT);
    struct sftp_call *timely = sftp_remove(f.sftp, "a", clock_boot_ms() + SLOW_MS);
    assert_int_equal(peer_status(&f.peer, expect(&f, SSH_FXP_REMOVE), SSH_FX_OK), 0);
    assert_int_equal(outcome_of(timely), 0);
    fixture_end(&f);
}

static void a_time_limit_holds_while_slots_are_full(void **state)
{
    (void)state;
    struct fixture f;
    uint32_t ids[SFTP_UNDER_WAY_MAX];
    struct peer_request none;
    fixture_begin(&f, 0, SLOW_MS, false);
    fill_slots(&f, ids);
    struct sftp_call *late = sftp_remove(f.sftp, "a", clock_boot_ms() + 50);
    assert_int_equal(settle(late), -ETIME);
    assert_false(sftp_call_was_sent(late));
    sftp_call_free(&late);
    for (int i = 0; i < SFTP_UNDER_WAY_MAX; i++)
        assert_int_equal(peer_status(&f.peer, ids[i], SSH_FX_OK), 0);
    assert_int_equal(peer_receive(&f.peer, 50, &none), -ETIMEDOUT);
    fixture_end(&f);
}

/* The server does not read: the socket is full, and what has a time limit must not slip into some
 * buffer of ours, from which it would go out much later. */
static void a_time_limit_holds_while_the_transport_is_full(void **state)
{
    (void)state;
    enum { N = 32 };
    struct fixture f;
    struct sftp_handle handle = {.bytes = "h", .len = 1, .epoch = 1};
    static char data[SFTP_DATA_SAFE];
    struct sftp_call *writes[N];
    fixture_begin(&f, PEER_POSIX_RENAME, SLOW_MS, false);
    for (int i = 0; i < N; i++)
        writes[i] = sftp_write(f.sftp, &handle, 0, (struct span){data, sizeof(data)});
    struct sftp_call *late = sftp_posix_rename(f.sftp, "a", "b", clock_boot_ms() + 100);
    struct wait nap = wait_for_ms(SLOW_MS);
    wait_sleep(&nap, 200);
    for (int i = 0; i < N; i++)
        assert_int_equal(peer_status(&f.peer, expect(&f, SSH_FXP_WRITE), SSH_FX_OK), 0);
    assert_int_equal(settle(late), -ETIME);
    assert_false(sftp_call_was_sent(late));
    sftp_call_free(&late);
    for (int i = 0; i < N; i++)
        assert_int_equal(outcome_of(writes[i]), 0);
    fixture_end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_silent_server_fails_all_calls_once),
        cmocka_unit_test(callers_in_a_queue_share_one_timeout),
        cmocka_unit_test(an_answer_to_anybody_is_a_sign_of_life),
        cmocka_unit_test(a_callers_deadline_without_a_byte_takes_the_link_down),
        cmocka_unit_test(an_idle_link_is_pinged),
        cmocka_unit_test(a_handle_for_an_interrupted_caller_is_closed),
        cmocka_unit_test(a_handle_that_nobody_looked_at_is_closed),
        cmocka_unit_test(an_interrupted_wait_can_be_repeated),
        cmocka_unit_test(a_sent_change_is_not_interrupted),
        cmocka_unit_test(an_interrupted_change_that_was_not_sent_never_is),
        cmocka_unit_test(of_unsent_abandoned_calls_only_those_that_change_something_go_out),
        cmocka_unit_test(a_call_that_comes_too_late_is_not_sent),
        cmocka_unit_test(a_time_limit_holds_while_slots_are_full),
        cmocka_unit_test(a_time_limit_holds_while_the_transport_is_full),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
