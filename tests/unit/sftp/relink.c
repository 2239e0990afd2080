/* SPDX-License-Identifier: MIT */
/* Links that are lost and come back, or do not. */
#include "fixture.h"

#include <unistd.h>
#include "sftp/requests.h"
#include "sftp/results.h"

static void a_lost_link_comes_back_and_old_handles_do_not(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f, 0, SLOW_MS, true);
    SFTP_CALL_AUTO *open = sftp_open(f.sftp, "a", SFTP_OPEN_READ, NULL);
    assert_int_equal(peer_handle(&f.peer, expect(&f, SSH_FXP_OPEN), "h"), 0);
    assert_int_equal(settle(open), 0);
    struct sftp_handle handle = *sftp_call_handle(open);
    struct sftp_call *outstanding = sftp_fstat(f.sftp, &handle);
    expect(&f, SSH_FXP_FSTAT);
    peer_hang_up(&f.peer);
    assert_int_equal(outcome_of(outstanding), -ENOTCONN);
    await_up(&f);
    assert_int_equal(peer_links(&f.peer), 2);
    assert_int_equal(outcome_of(sftp_fstat(f.sftp, &handle)), -ENOTCONN);
    assert_int_equal(outcome_of(sftp_close(f.sftp, &handle)), -ENOTCONN);
    struct sftp_call *fresh = sftp_lstat(f.sftp, "a");
    assert_int_equal(peer_size(&f.peer, expect(&f, SSH_FXP_LSTAT), 3), 0);
    assert_int_equal(outcome_of(fresh), 0);
    sftp_call_free(&open);
    fixture_end(&f);
}

static void a_link_may_be_lost_many_times(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f, 0, SLOW_MS, true);
    for (int i = 0; i < 4; i++) {
        struct sftp_call *call = sftp_lstat(f.sftp, "a");
        expect(&f, SSH_FXP_LSTAT);
        assert_int_equal(peer_send(&f.peer, SPAN_LITERAL("\0\0\0\0")), 0);
        assert_int_equal(outcome_of(call), -ENOTCONN);
        await_up(&f);
    }
    assert_int_equal(peer_links(&f.peer), 5);
    fixture_end(&f);
}

static void a_link_that_stays_lost_is_down_and_comes_up_later(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f, 0, 1000, true);
    peer_refuse(&f.peer, -ECONNREFUSED);
    peer_hang_up(&f.peer);
    struct wait wait = wait_for_ms(SLOW_MS);
    while (sftp_state(f.sftp) == SFTP_UP && wait_sleep(&wait, 1) == 0)
        ;
    assert_int_equal(sftp_state(f.sftp), SFTP_LOST);
    assert_int_equal(outcome_of(sftp_lstat(f.sftp, "a")), -ENOTCONN);
    int64_t before = clock_ms();
    assert_int_equal(sftp_wait_up(f.sftp, &wait), -EIO);
    assert_true(clock_ms() - before < SLOW_MS);
    assert_int_equal(sftp_state(f.sftp), SFTP_DOWN);
    assert_int_equal(outcome_of(sftp_lstat(f.sftp, "a")), -EIO);
    BUF_AUTO text = {0};
    assert_int_equal(sftp_describe(f.sftp, &text), 0);
    assert_non_null(strstr(text.data, "link: down\nlink-error: "));
    peer_refuse(&f.peer, 0);
    await_up(&f);
    buf_done(&text);
    fixture_end(&f);
}

static void a_refused_authentication_is_not_tried_again(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f, 0, SLOW_MS, true);
    peer_refuse(&f.peer, -EACCES);
    peer_hang_up(&f.peer);
    struct wait wait = wait_for_ms(SLOW_MS);
    while (sftp_state(f.sftp) == SFTP_UP && wait_sleep(&wait, 1) == 0)
        ;
    assert_int_equal(sftp_wait_up(f.sftp, &wait), -EIO);
    peer_refuse(&f.peer, 0);
    assert_int_equal(sftp_state(f.sftp), SFTP_REFUSED);
    assert_int_equal(outcome_of(sftp_lstat(f.sftp, "a")), -EIO);
    wait_sleep(&wait, 500);
    assert_int_equal(sftp_state(f.sftp), SFTP_REFUSED);
    assert_int_equal(peer_links(&f.peer), 1);
    fixture_end(&f);
}

/* Waits until people were told so much, and returns all of it: a string of the caller's. */
static char *told(struct fixture *f, const char *last)
{
    struct wait wait = wait_for_ms(SLOW_MS);
    char *text = NULL;
    do {
        free(text);
        lock_take(&f->lock);
        text = strdup(f->notes.data ? f->notes.data : "");
        lock_drop(&f->lock);
        assert_non_null(text);
    } while (!strstr(text, last) && wait_sleep(&wait, 5) == 0);
    return text;
}

static void people_are_told_of_a_link_that_was_lost_and_came_back(void **state)
{
    (void)state;
    struct fixture f;
    static const char lost[] =
        "the connection to the server was lost: the server closed the connection\n"
        "the connection to the server is back after ";
    fixture_begin(&f, 0, SLOW_MS, true);
    BUF_AUTO before = {0};
    BUF_AUTO after = {0};
    assert_int_equal(sftp_describe(f.sftp, &before), 0);
    assert_non_null(strstr(before.data, "\nlink-since: 2"));
    assert_null(strstr(before.data, "link-lost"));
    struct diag why = {0};
    assert_false(sftp_why_not_up(f.sftp, &why));
    peer_hang_up(&f.peer);
    char *text = told(&f, "is back");
    assert_memory_equal(text, lost, sizeof(lost) - 1);
    assert_non_null(strstr(text, ": the server closed the connection\n"));
    assert_int_equal(sftp_describe(f.sftp, &after), 0);
    assert_non_null(strstr(after.data, "\nlink-lost: 2"));
    assert_non_null(strstr(after.data, "\nlink-lost-reason: the server closed the connection\n"));
    free(text);
    fixture_end(&f);
}

static void people_are_told_why_the_link_is_not_up(void **state)
{
    (void)state;
    struct fixture f;
    struct diag why = {0};
    fixture_begin(&f, 0, SLOW_MS, true);
    peer_refuse(&f.peer, -EACCES);
    peer_hang_up(&f.peer);
    char *text = told(&f, "is not made again");
    assert_non_null(strstr(text, "because the login was refused: "));
    assert_null(strstr(text, "is back"));
    assert_true(sftp_why_not_up(f.sftp, &why));
    assert_memory_equal(why.text, "the connection to the server is lost since 2", 44);
    free(text);
    fixture_end(&f);
}

static void without_a_connector_nobody_waits_for_the_link(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f, 0, TIMEOUT_MS, false);
    struct sftp_call *call = sftp_lstat(f.sftp, "a");
    expect(&f, SSH_FXP_LSTAT);
    peer_hang_up(&f.peer);
    assert_int_equal(outcome_of(call), -ENOTCONN);
    struct wait wait = wait_for_ms(SLOW_MS);
    int64_t before = clock_ms();
    assert_int_equal(sftp_wait_up(f.sftp, &wait), -EIO);
    assert_true(clock_ms() - before < SLOW_MS);
    assert_int_equal(sftp_state(f.sftp), SFTP_LOST);
    fixture_end(&f);
}

static bool always(void *ctx)
{
    (void)ctx;
    return true;
}

static void waiting_for_the_link_can_be_interrupted(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f, 0, SLOW_MS, true);
    struct wait wait = wait_for_ms(SLOW_MS);
    wait.interrupted = always;
    assert_int_equal(sftp_wait_up(f.sftp, &wait), 0); /* it is up: there is no wait */
    peer_refuse(&f.peer, -ECONNREFUSED);
    struct sftp_call *call = sftp_lstat(f.sftp, "a");
    expect(&f, SSH_FXP_LSTAT);
    peer_hang_up(&f.peer);
    assert_int_equal(outcome_of(call), -ENOTCONN);
    assert_int_equal(sftp_wait_up(f.sftp, &wait), -EINTR);
    wait = wait_for_ms(30);
    assert_int_equal(sftp_wait_up(f.sftp, &wait), -EIO);
    assert_int_equal(sftp_state(f.sftp), SFTP_LOST);
    fixture_end(&f);
}

/* How long the end takes when back-off has just grown to 3.2 s. */
static int64_t end_in_back_off(void)
{
    struct fixture f;
    fixture_begin(&f, 0, TIMEOUT_MS, true);
    peer_refuse(&f.peer, -ECONNREFUSED);
    peer_hang_up(&f.peer);
    struct wait wait = wait_for_ms(SLOW_MS);
    wait_sleep(&wait, 3200);
    int64_t before = clock_ms();
    fixture_end(&f);
    return clock_ms() - before;
}

/* What it waited for it would wait for each time; a busy machine is slow once in a while. */
static void the_end_does_not_wait_for_back_off(void **state)
{
    (void)state;
    int tries = 20;
    while (end_in_back_off() >= 2000)
        assert_true(--tries > 0);
}

static void a_call_may_outlive_its_engine(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f, 0, TIMEOUT_MS, false);
    struct sftp_call *held = sftp_lstat(f.sftp, "a");
    struct sftp_call *unread = sftp_opendir(f.sftp, "a");
    struct sftp_call *next = sftp_lstat(f.sftp, "a");
    expect(&f, SSH_FXP_LSTAT);
    assert_int_equal(peer_handle(&f.peer, expect(&f, SSH_FXP_OPENDIR), "h"), 0);
    assert_int_equal(peer_size(&f.peer, expect(&f, SSH_FXP_LSTAT), 1), 0);
    assert_int_equal(outcome_of(next), 0);
    fixture_end(&f);
    assert_int_equal(settle(held), -ENOTCONN);
    sftp_call_free(&held);
    sftp_call_free(&unread);
}

static void forgotten_calls_go_out_before_the_end(void **state)
{
    (void)state;
    struct fixture f;
    enum { CALLS = 200 }; /* the socket holds them all, even if each goes out by itself */
    fixture_begin(&f, 0, SLOW_MS, false);
    for (int i = 0; i < CALLS; i++)
        sftp_forget(sftp_remove(f.sftp, "a", 0));
    sftp_free(f.sftp);
    for (int i = 0; i < CALLS; i++)
        expect(&f, SSH_FXP_REMOVE);
    peer_done(&f.peer);
}

/* Thirty pauses that grow would take 250 s. */
static void pauses_start_anew_after_each_good_link(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f, 0, SLOW_MS, true);
    int64_t began = clock_ms();
    for (int i = 0; i < 30; i++) {
        struct sftp_call *call = sftp_lstat(f.sftp, "x");
        assert_int_equal(peer_size(&f.peer, expect(&f, SSH_FXP_LSTAT), 1), 0);
        assert_int_equal(outcome_of(call), 0);
        peer_hang_up(&f.peer);
        while (sftp_state(f.sftp) == SFTP_UP && peer_links(&f.peer) == i + 1)
            usleep(1000);
        await_up(&f);
    }
    assert_int_equal(peer_links(&f.peer), 31);
    assert_true(clock_ms() - began < SLOW_MS);
    fixture_end(&f);
}

/* Begins with a link that was lost, and could not be made again five times: the pause is 3.2 s. Now
 * it could be. */
static void begin_in_back_off(struct fixture *f, int timeout_ms)
{
    fixture_begin(f, 0, timeout_ms, true);
    peer_refuse(&f->peer, -ECONNREFUSED);
    peer_hang_up(&f->peer);
    while (peer_refused(&f->peer) < 5)
        usleep(1000);
    peer_refuse(&f->peer, 0);
}

static int64_t time_of_a_wait(void)
{
    struct fixture f;
    begin_in_back_off(&f, SLOW_MS);
    int64_t began = clock_ms();
    await_up(&f);
    int64_t took = clock_ms() - began;
    fixture_end(&f);
    return took;
}

/* The pause would be waited for each time; a busy machine is slow once in a while. */
static void who_waits_for_the_link_does_not_wait_for_back_off(void **state)
{
    (void)state;
    int tries = 10;
    while (time_of_a_wait() >= 500)
        assert_true(--tries > 0);
}

static int64_t time_after_a_failure(void)
{
    struct fixture f;
    begin_in_back_off(&f, 1000);
    assert_int_equal(outcome_of(sftp_lstat(f.sftp, "a")), -EIO);
    int64_t began = clock_ms();
    while (sftp_state(f.sftp) != SFTP_UP)
        usleep(1000);
    int64_t took = clock_ms() - began;
    fixture_end(&f);
    return took;
}

/* It fails at once, and the link is there for the next one. */
static void a_call_that_fails_because_the_link_is_down_has_it_made(void **state)
{
    (void)state;
    int tries = 10;
    while (time_after_a_failure() >= 500)
        assert_true(--tries > 0);
}

/* Calls that fail bring one attempt a second, however many they are, besides the one that the pause
 * brings. */
static void many_failures_have_it_tried_once_a_second(void **state)
{
    (void)state;
    struct fixture f;
    begin_in_back_off(&f, TIMEOUT_MS);
    peer_refuse(&f.peer, -ECONNREFUSED);
    const int before = peer_refused(&f.peer);
    const int64_t began = clock_ms();
    while (peer_refused(&f.peer) < before + 3) {
        outcome_of(sftp_lstat(f.sftp, "a"));
        usleep(1000);
    }
    assert_true(clock_ms() - began >= 1000);
    fixture_end(&f);
}

static void another_connection_takes_the_place_of_one_that_is_up(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f, 0, SLOW_MS, true);
    struct wait wait = wait_for_ms(SLOW_MS);
    SFTP_CALL_AUTO *open = sftp_open(f.sftp, "a", SFTP_OPEN_READ, NULL);
    assert_int_equal(peer_handle(&f.peer, expect(&f, SSH_FXP_OPEN), "h"), 0);
    assert_int_equal(settle(open), 0);
    assert_int_equal(sftp_renew(f.sftp, &wait), 0);
    assert_int_equal(peer_links(&f.peer), 2);
    assert_int_equal(sftp_state(f.sftp), SFTP_UP);
    assert_false(sftp_handle_lives(f.sftp, sftp_call_handle(open)));
    struct sftp_call *call = sftp_lstat(f.sftp, "a");
    assert_int_equal(peer_size(&f.peer, expect(&f, SSH_FXP_LSTAT), 3), 0);
    assert_int_equal(outcome_of(call), 0);
    assert_int_equal(f.notes.len, 0); /* nothing was lost */
    BUF_AUTO text = {0};
    assert_int_equal(sftp_describe(f.sftp, &text), 0);
    assert_null(strstr(text.data, "link-lost"));
    sftp_call_free(&open);
    fixture_end(&f);
}

static void the_old_connection_stays_where_no_other_can_be_made(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f, 0, SLOW_MS, true);
    struct wait wait = wait_for_ms(SLOW_MS);
    peer_refuse(&f.peer, -ECONNREFUSED);
    struct sftp_call *call = sftp_lstat(f.sftp, "a");
    uint32_t id = expect(&f, SSH_FXP_LSTAT);
    assert_int_equal(sftp_renew(f.sftp, &wait), 0);
    assert_int_equal(peer_links(&f.peer), 1);
    assert_int_equal(sftp_state(f.sftp), SFTP_UP);
    assert_int_equal(peer_size(&f.peer, id, 3), 0);
    assert_int_equal(outcome_of(call), 0);
    fixture_end(&f);
    fixture_begin(&f, 0, SLOW_MS, false);
    assert_int_equal(sftp_renew(f.sftp, &wait), -EOPNOTSUPP);
    fixture_end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_lost_link_comes_back_and_old_handles_do_not),
        cmocka_unit_test(a_link_may_be_lost_many_times),
        cmocka_unit_test(pauses_start_anew_after_each_good_link),
        cmocka_unit_test(who_waits_for_the_link_does_not_wait_for_back_off),
        cmocka_unit_test(a_call_that_fails_because_the_link_is_down_has_it_made),
        cmocka_unit_test(many_failures_have_it_tried_once_a_second),
        cmocka_unit_test(a_link_that_stays_lost_is_down_and_comes_up_later),
        cmocka_unit_test(a_refused_authentication_is_not_tried_again),
        cmocka_unit_test(people_are_told_of_a_link_that_was_lost_and_came_back),
        cmocka_unit_test(people_are_told_why_the_link_is_not_up),
        cmocka_unit_test(without_a_connector_nobody_waits_for_the_link),
        cmocka_unit_test(waiting_for_the_link_can_be_interrupted),
        cmocka_unit_test(the_end_does_not_wait_for_back_off),
        cmocka_unit_test(another_connection_takes_the_place_of_one_that_is_up),
        cmocka_unit_test(the_old_connection_stays_where_no_other_can_be_made),
        cmocka_unit_test(a_call_may_outlive_its_engine),
        cmocka_unit_test(forgotten_calls_go_out_before_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
