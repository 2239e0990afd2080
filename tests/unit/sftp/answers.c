/* SPDX-License-Identifier: MIT */
/* Answers that come in any order, twice, for nobody, or make no sense. */
#include "fixture.h"

#include <sys/socket.h>
#include <unistd.h>

#include "sftp/requests.h"
#include "sftp/results.h"

static void answers_may_come_in_any_order(void **state)
{
    (void)state;
    enum { N = 100 };
    struct fixture f;
    struct sftp_call *calls[N];
    uint32_t ids[N];
    fixture_begin(&f, 0, SLOW_MS, false);
    for (int i = 0; i < N; i++)
        calls[i] = sftp_lstat(f.sftp, "x");
    for (int i = 0; i < N; i++)
        ids[i] = expect(&f, SSH_FXP_LSTAT);
    for (int i = N - 1; i >= 0; i--)
        assert_int_equal(peer_size(&f.peer, ids[i], (uint64_t)i), 0);
    for (int i = 0; i < N; i++) {
        assert_int_equal(settle(calls[i]), 0);
        assert_int_equal(sftp_call_attrs(calls[i])->size, i);
        assert_int_equal(settle(calls[i]), 0); /* waiting again gives the same */
        sftp_call_free(&calls[i]);
        assert_null(calls[i]);
    }
    fixture_end(&f);
}

static void requests_go_out_in_the_order_of_the_calls(void **state)
{
    (void)state;
    enum { N = 300 };
    struct fixture f;
    struct sftp_handle handle = {.bytes = "h", .len = 1, .epoch = 1};
    static char data[20000]; /* some go alone, some together */
    fixture_begin(&f, 0, SLOW_MS, false);
    for (unsigned i = 0; i < N; i++)
        sftp_forget(
            sftp_write(f.sftp, &handle, i, (struct span){data, i % 7 == 0 ? sizeof(data) : i % 7}));
    for (unsigned i = 0; i < N; i++) {
        struct peer_request request;
        struct span s;
        uint64_t offset;
        assert_int_equal(peer_receive(&f.peer, SLOW_MS, &request), 0);
        assert_int_equal(request.type, SSH_FXP_WRITE);
        assert_int_equal(wire_get_string(&request.rest, &s), 0);
        assert_int_equal(wire_get_u64(&request.rest, &offset), 0);
        assert_int_equal(offset, i);
        assert_int_equal(peer_status(&f.peer, request.id, SSH_FX_OK), 0);
        peer_request_done(&request);
    }
    fixture_end(&f);
}

static void more_calls_than_slots_wait_their_turn(void **state)
{
    (void)state;
    enum { N = 5000, SLOTS_OF_THE_ENGINE = SFTP_UNDER_WAY_MAX };
    struct fixture f;
    static struct sftp_call *calls[N];
    fixture_begin(&f, 0, SLOW_MS, false);
    for (int i = 0; i < N; i++)
        calls[i] = sftp_stat(f.sftp, "x");
    uint32_t first = expect(&f, SSH_FXP_STAT);
    for (int i = 1; i < SLOTS_OF_THE_ENGINE; i++)
        assert_int_equal(peer_size(&f.peer, expect(&f, SSH_FXP_STAT), 1), 0);
    assert_int_equal(peer_size(&f.peer, first, 1), 0);
    for (int i = SLOTS_OF_THE_ENGINE; i < N; i++)
        assert_int_equal(peer_size(&f.peer, expect(&f, SSH_FXP_STAT), 1), 0);
    for (int i = 0; i < N; i++)
        assert_int_equal(outcome_of(calls[i]), 0);
    fixture_end(&f);
}

static void the_queue_is_held_back_by_slots_alone(void **state)
{
    (void)state;
    enum { SLOTS_OF_THE_ENGINE = SFTP_UNDER_WAY_MAX, N = SLOTS_OF_THE_ENGINE + 6 };
    struct fixture f;
    struct peer_request none;
    uint32_t ids[N];
    static struct sftp_call *calls[N];
    fixture_begin(&f, 0, SLOW_MS, false);
    for (int i = 0; i < N; i++)
        calls[i] = sftp_stat(f.sftp, "x");
    for (int i = 0; i < SLOTS_OF_THE_ENGINE; i++)
        ids[i] = expect(&f, SSH_FXP_STAT);
    assert_int_equal(peer_receive(&f.peer, 50, &none), -ETIMEDOUT);
    assert_false(sftp_call_was_sent(calls[N - 1]));
    assert_int_equal(peer_size(&f.peer, ids[500], 1), 0);
    expect(&f, SSH_FXP_STAT);
    peer_hang_up(&f.peer);
    for (int i = 0; i < N; i++)
        assert_int_equal(outcome_of(calls[i]), i == 500 ? 0 : -ENOTCONN);
    fixture_end(&f);
}

/* What the peer sends behind one sound answer, with another call outstanding; the link must be lost
 * and that call must fail, and the sound answer must count. */
static void garbage_ends_the_link(struct span garbage)
{
    struct fixture f;
    fixture_begin(&f, 0, SLOW_MS, false);
    SFTP_CALL_AUTO *answered = sftp_lstat(f.sftp, "a");
    SFTP_CALL_AUTO *outstanding = sftp_lstat(f.sftp, "b");
    uint32_t first = expect(&f, SSH_FXP_LSTAT);
    expect(&f, SSH_FXP_LSTAT);
    assert_int_equal(peer_size(&f.peer, first, 7), 0);
    assert_int_equal(settle(answered), 0);
    assert_int_equal(peer_send(&f.peer, garbage), 0);
    assert_int_equal(settle(outstanding), -ENOTCONN);
    assert_true(sftp_call_was_sent(outstanding));
    assert_int_equal(sftp_state(f.sftp), SFTP_LOST);
    SFTP_CALL_AUTO *later = sftp_lstat(f.sftp, "c");
    assert_int_equal(settle(later), -ENOTCONN);
    assert_false(sftp_call_was_sent(later));
    assert_int_equal(sftp_call_attrs(answered)->size, 7);
    sftp_call_free(&answered);
    sftp_call_free(&outstanding);
    sftp_call_free(&later);
    fixture_end(&f);
}

static void garbage_loses_the_link(void **state)
{
    (void)state;
    static const struct span garbage[] = {
        {"\0\0\0\0", 4},                         /* length 0 */
        {"\0\0\0\4\x65\0\0\0", 8},               /* too short for an id */
        {"\0\4\4\1\x65", 5},                     /* one byte beyond the longest */
        {"\xff\xff\xff\xff", 4},                 /* */
        {"\0\0\0\x9\x69\x7f\0\0\0\0\0\0\0", 13}, /* an id that nobody used */
        {"\0\0\0\x9\x2a\0\0\0\1\0\0\0\0", 13},   /* a type that is none */
        {"\0\0\0\x9\2\0\0\0\3\0\0\0\0", 13},     /* a second hello */
        {"HTTP/1.1 400 Bad Request\r\n", 26},
    };
    for (size_t i = 0; i < sizeof(garbage) / sizeof(garbage[0]); i++)
        garbage_ends_the_link(garbage[i]);
}

static void a_second_answer_to_one_call_loses_the_link(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f, 0, SLOW_MS, false);
    SFTP_CALL_AUTO *twice = sftp_lstat(f.sftp, "a");
    SFTP_CALL_AUTO *other = sftp_lstat(f.sftp, "b");
    uint32_t id = expect(&f, SSH_FXP_LSTAT);
    expect(&f, SSH_FXP_LSTAT);
    assert_int_equal(peer_size(&f.peer, id, 1), 0);
    assert_int_equal(peer_size(&f.peer, id, 2), 0);
    assert_int_equal(settle(twice), 0);
    assert_int_equal(sftp_call_attrs(twice)->size, 1);
    assert_int_equal(settle(other), -ENOTCONN);
    sftp_call_free(&twice);
    sftp_call_free(&other);
    fixture_end(&f);
}

static void a_packet_cut_by_the_end_loses_the_link(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f, 0, SLOW_MS, false);
    SFTP_CALL_AUTO *call = sftp_lstat(f.sftp, "a");
    expect(&f, SSH_FXP_LSTAT);
    assert_int_equal(peer_send(&f.peer, SPAN_LITERAL("\0\0\0\x14\x69\0\0")), 0);
    peer_hang_up(&f.peer);
    assert_int_equal(settle(call), -ENOTCONN);
    sftp_call_free(&call);
    fixture_end(&f);
}

static void a_senseless_answer_fails_its_call_alone(void **state)
{
    (void)state;
    struct fixture f;
    fixture_begin(&f, 0, SLOW_MS, false);
    SFTP_CALL_AUTO *senseless = sftp_lstat(f.sftp, "a");
    SFTP_CALL_AUTO *huge = sftp_readlink(f.sftp, "b");
    SFTP_CALL_AUTO *fine = sftp_lstat(f.sftp, "c");
    assert_int_equal(peer_handle(&f.peer, expect(&f, SSH_FXP_LSTAT), "h"), 0);
    assert_int_equal(peer_reply(&f.peer, SSH_FXP_NAME, expect(&f, SSH_FXP_READLINK),
                                SPAN_LITERAL("\0\1\x86\xa0\0\0\0\1a\0\0\0\0\0\0\0\0")),
                     0);
    assert_int_equal(peer_size(&f.peer, expect(&f, SSH_FXP_LSTAT), 9), 0);
    assert_int_equal(settle(fine), 0);
    assert_int_equal(settle(senseless), -EPROTO);
    assert_int_equal(settle(senseless), -EPROTO);
    assert_int_equal(settle(huge), -EPROTO);
    assert_int_equal(sftp_state(f.sftp), SFTP_UP);
    sftp_call_free(&senseless);
    sftp_call_free(&huge);
    sftp_call_free(&fine);
    fixture_end(&f);
}

static void a_long_answer_to_a_short_question_fails_its_call_alone(void **state)
{
    (void)state;
    struct fixture f;
    static char long_text[20000];
    struct wire_out out = {0};
    memset(long_text, 'x', sizeof(long_text));
    fixture_begin(&f, 0, SLOW_MS, false);
    SFTP_CALL_AUTO *call = sftp_lstat(f.sftp, "a");
    wire_put_u32(&out, SSH_FX_NO_SUCH_FILE);
    wire_put_string(&out, (struct span){long_text, sizeof(long_text)});
    assert_int_equal(
        peer_reply(&f.peer, SSH_FXP_STATUS, expect(&f, SSH_FXP_LSTAT), buf_span(&out.bytes)), 0);
    assert_int_equal(settle(call), -EPROTO);
    assert_int_equal(sftp_state(f.sftp), SFTP_UP);
    buf_done(&out.bytes);
    sftp_call_free(&call);
    fixture_end(&f);
}

/* 24 MiB of what nobody has taken yet, whatever the number of requests; what was freed counts no
 * more. */
static void listings_that_nobody_takes_are_bounded(void **state)
{
    (void)state;
    enum { N = 120, BYTES = 250000, FIT = (24 << 20) / BYTES };
    struct fixture f;
    static char name[BYTES];
    struct sftp_call *calls[N];
    struct wire_out out = {0};
    const struct sftp_handle handle = {.bytes = "h", .len = 1, .epoch = 1};
    int fit = 0;
    memset(name, 'x', sizeof(name));
    wire_put_u32(&out, 1);
    wire_put_string(&out, (struct span){name, sizeof(name)});
    wire_put_u32(&out, 0);
    wire_put_u32(&out, 0);
    fixture_begin(&f, 0, SLOW_MS, false);
    for (int round = 0; round < 2; round++, fit = 0) {
        for (int i = 0; i < N; i++)
            calls[i] = sftp_readdir(f.sftp, &handle);
        for (int i = 0; i < N; i++)
            assert_int_equal(peer_reply(&f.peer, SSH_FXP_NAME, expect(&f, SSH_FXP_READDIR),
                                        buf_span(&out.bytes)),
                             0);
        for (int i = 0; i < N; i++) {
            int r = settle(calls[i]);
            assert_true(r == 0 || r == -ENOMEM);
            fit += r == 0;
        }
        assert_in_range(fit, FIT - 1, FIT);
        for (int i = 0; i < N; i++)
            sftp_call_free(&calls[i]);
    }
    assert_int_equal(sftp_state(f.sftp), SFTP_UP);
    buf_done(&out.bytes);
    fixture_end(&f);
}

/* As many names as a packet holds are taken; one that claims 100,000 is refused. */
static void a_listing_may_fill_a_packet(void **state)
{
    (void)state;
    enum { ENTRY = 16, N = (SFTP_PACKET_MAX - 9) / ENTRY };
    struct fixture f;
    struct wire_out out = {0};
    struct sftp_handle handle = {.bytes = "h", .len = 1, .epoch = 1};
    size_t n;
    fixture_begin(&f, 0, SLOW_MS, false);
    wire_put_u32(&out, N);
    for (unsigned i = 0; i < N; i++) {
        char name[5] = {(char)('a' + i % 26), (char)('a' + i / 26 % 26), (char)('a' + i / 676 % 26),
                        'x', '\0'};
        wire_put_string(&out, span_of(name));
        wire_put_u32(&out, 0);
        wire_put_u32(&out, 0);
    }
    SFTP_CALL_AUTO *full = sftp_readdir(f.sftp, &handle);
    assert_int_equal(
        peer_reply(&f.peer, SSH_FXP_NAME, expect(&f, SSH_FXP_READDIR), buf_span(&out.bytes)), 0);
    assert_int_equal(settle(full), 0);
    assert_non_null(sftp_call_names(full, &n));
    assert_int_equal(n, N);
    assert_string_equal(sftp_call_names(full, &n)[27].name, "bbax");
    SFTP_CALL_AUTO *liar = sftp_readdir(f.sftp, &handle);
    wire_set_u32(&out.bytes, 0, 100000);
    assert_int_equal(
        peer_reply(&f.peer, SSH_FXP_NAME, expect(&f, SSH_FXP_READDIR), buf_span(&out.bytes)), 0);
    assert_int_equal(settle(liar), -EPROTO);
    assert_int_equal(sftp_state(f.sftp), SFTP_UP);
    sftp_call_free(&full);
    sftp_call_free(&liar);
    buf_done(&out.bytes);
    fixture_end(&f);
}

static void what_the_server_lacks_is_not_asked_for(void **state)
{
    (void)state;
    struct fixture f;
    struct peer_request none;
    struct sftp_handle handle = {.bytes = "h", .len = 1, .epoch = 1};
    fixture_begin(&f, PEER_LIMITS, SLOW_MS, false);
    assert_int_equal(outcome_of(sftp_posix_rename(f.sftp, "a", "b", 0)), -EOPNOTSUPP);
    assert_int_equal(outcome_of(sftp_fsync(f.sftp, &handle)), -EOPNOTSUPP);
    assert_int_equal(outcome_of(sftp_statvfs(f.sftp, "a")), -EOPNOTSUPP);
    assert_int_equal(outcome_of(sftp_copy_data(f.sftp, &handle, 0, &handle, 1, 1)), -EOPNOTSUPP);
    assert_int_equal(peer_receive(&f.peer, 50, &none), -ETIMEDOUT);
    fixture_end(&f);
}

static void limits_bound_what_is_asked_for(void **state)
{
    (void)state;
    struct fixture f;
    struct sftp_handle handle = {.bytes = "h", .len = 1, .epoch = 1};
    static char data[SFTP_DATA_MAX + 1];
    fixture_begin(&f, 0, SLOW_MS, false);
    struct sftp_features features = sftp_features(f.sftp);
    assert_int_equal(features.max_read, 32768);
    assert_int_equal(features.max_write, 32768);
    assert_int_equal(outcome_of(sftp_write(f.sftp, &handle, 0, (struct span){data, 32769})),
                     -EMSGSIZE);
    fixture_end(&f);
    fixture_begin(&f, PEER_LIMITS | PEER_FSYNC, SLOW_MS, false);
    features = sftp_features(f.sftp);
    assert_int_equal(features.max_read, SFTP_DATA_MAX);
    assert_int_equal(features.max_handles, 100);
    assert_true(features.fsync);
    assert_false(features.posix_rename);
    sftp_forget(sftp_write(f.sftp, &handle, 0, (struct span){data, SFTP_DATA_MAX}));
    assert_int_equal(peer_status(&f.peer, expect(&f, SSH_FXP_WRITE), SSH_FX_OK), 0);
    fixture_end(&f);
}

/* What is too much for the server that is there now would be told as lost, and sent again empty. */
static void limits_also_bound_a_write_that_was_lost(void **state)
{
    (void)state;
    struct fixture f;
    struct sftp_handle old = {.bytes = "h", .len = 1, .epoch = 0};
    static char data[SFTP_DATA_MAX];
    fixture_begin(&f, 0, SLOW_MS, false);
    assert_int_equal(outcome_of(sftp_write(f.sftp, &old, 0, (struct span){data, 32769})),
                     -EMSGSIZE);
    assert_int_equal(outcome_of(sftp_write(f.sftp, &old, 0, (struct span){data, 32768})),
                     -ENOTCONN);
    fixture_end(&f);
}

static void a_path_that_is_too_long_is_not_sent(void **state)
{
    (void)state;
    struct fixture f;
    char path[5000];
    memset(path, 'p', sizeof(path) - 1);
    path[sizeof(path) - 1] = '\0';
    fixture_begin(&f, 0, SLOW_MS, false);
    assert_int_equal(outcome_of(sftp_lstat(f.sftp, path)), -ENAMETOOLONG);
    assert_int_equal(outcome_of(sftp_rename(f.sftp, "a", path, 0)), -ENAMETOOLONG);
    fixture_end(&f);
}

static void no_memory_for_a_call_is_an_errno(void **state)
{
    (void)state;
    struct wait wait = wait_for_ms(0);
    struct sftp_call *none = NULL;
    assert_int_equal(sftp_wait(NULL, &wait), -ENOMEM);
    assert_false(sftp_call_was_sent(NULL));
    sftp_call_free(&none);
    sftp_forget(NULL);
}

enum ending { STAYS = -1, SAYS_NO_MORE = SHUT_WR, IS_GONE = SHUT_RDWR };

/* says: a part of the reason. */
static int hello_of(struct span bytes, enum ending ending, const char *says)
{
    struct fixture f;
    struct transport *transport;
    struct diag why = {0};
    struct sftp_options options = {.timeout_ms = TIMEOUT_MS};
    int ends[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    assert_int_equal(transport_from_fd(ends[0], 0, "test", &transport), 0);
    assert_int_equal(write(ends[1], bytes.p, bytes.n), bytes.n);
    if (ending != STAYS)
        shutdown(ends[1], (int)ending);
    int64_t before = clock_ms();
    int r = sftp_new(transport, &options, &f.sftp, &why);
    assert_true(clock_ms() - before < SLOW_MS);
    if (r == 0)
        sftp_free(f.sftp);
    else
        assert_non_null(strstr(why.text, says));
    close(ends[1]);
    return r;
}

static void a_bad_hello_is_an_error(void **state)
{
    (void)state;
    assert_int_equal(hello_of(SPAN_LITERAL("\0\0\0\5\2\0\0\0\3"), STAYS, ""), 0);
    assert_int_equal(hello_of(SPAN_LITERAL("\0\0\0\5\2\0\0\0\2"), STAYS, "not SFTP version 3"),
                     -EPROTO);
    static const char says[] = "the server says \"Welcome to?ESXi\" instead of SFTP";
    assert_int_equal(hello_of(SPAN_LITERAL("Welcome to\aESXi\r\nand more"), STAYS, says), -EPROTO);
    assert_int_equal(hello_of(SPAN_LITERAL("\n\r\nWelcome to\033ESXi"), STAYS, says), -EPROTO);
    assert_int_equal(hello_of(SPAN_LITERAL("Welcome to\aESXi\n"), IS_GONE, says), -EPROTO);
    assert_int_equal(hello_of(SPAN_LITERAL(""), IS_GONE, "may the account use it"), -EPIPE);
    assert_int_equal(hello_of(SPAN_LITERAL("Wel\0come"), STAYS, "not SFTP version 3"), -EPROTO);
    assert_int_equal(hello_of(SPAN_LITERAL("\0\0\0\5\2\0"), SAYS_NO_MORE, "may the account use it"),
                     -ECONNRESET);
    assert_int_equal(hello_of(SPAN_LITERAL(""), STAYS, "does not answer"), -ETIMEDOUT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_may_come_in_any_order),
        cmocka_unit_test(requests_go_out_in_the_order_of_the_calls),
        cmocka_unit_test(more_calls_than_slots_wait_their_turn),
        cmocka_unit_test(the_queue_is_held_back_by_slots_alone),
        cmocka_unit_test(garbage_loses_the_link),
        cmocka_unit_test(a_second_answer_to_one_call_loses_the_link),
        cmocka_unit_test(a_packet_cut_by_the_end_loses_the_link),
        cmocka_unit_test(a_senseless_answer_fails_its_call_alone),
        cmocka_unit_test(a_long_answer_to_a_short_question_fails_its_call_alone),
        cmocka_unit_test(listings_that_nobody_takes_are_bounded),
        cmocka_unit_test(a_listing_may_fill_a_packet),
        cmocka_unit_test(what_the_server_lacks_is_not_asked_for),
        cmocka_unit_test(limits_bound_what_is_asked_for),
        cmocka_unit_test(limits_also_bound_a_write_that_was_lost),
        cmocka_unit_test(a_path_that_is_too_long_is_not_sent),
        cmocka_unit_test(no_memory_for_a_call_is_an_errno),
        cmocka_unit_test(a_bad_hello_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
