/* SPDX-License-Identifier: MIT */
/* Copies between two open files that the server makes. */
#include "relay.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "remote/file/file_copy.h"
#include "remote/remote_private.h"
#include "sftp/protocol/proto.h"

struct place {
    struct folder folder;
    struct relay relay;
    struct mount mount;
    struct remote *remote;
    struct wait wait;
    struct remote_file *from, *to;
    int reads, copies;
    uint32_t status; /* what copies are refused with */
    int delay_ms;    /* of copies */
    uint64_t n;      /* copied */
};

static bool is_copy(const struct relay_request *request)
{
    return request->type == SSH_FXP_EXTENDED && strcmp(request->text, SSH_EXT_COPY_DATA) == 0;
}

static void count(void *ctx, const struct relay_request *request)
{
    struct place *p = ctx;
    p->reads += request->type == SSH_FXP_READ;
    p->copies += is_copy(request);
    if (is_copy(request))
        usleep((useconds_t)p->delay_ms * 1000);
}

static uint32_t refuse(void *ctx, const struct relay_request *request)
{
    const struct place *p = ctx;
    return is_copy(request) ? p->status : 0;
}

static struct remote_file *must_open(struct place *p, const char *name)
{
    struct remote_file *file = NULL;
    assert_int_equal(
        remote_file_open(p->remote, name, SFTP_OPEN_READ | SFTP_OPEN_WRITE, &p->wait, &file), 0);
    return file;
}

static int set_up(void **state)
{
    struct place *p = calloc(1, sizeof(*p));
    must_make_folder(&p->folder);
    must_write(&p->folder, "from", "0123456789");
    must_write(&p->folder, "to", "abcdef");
    must_make_relay(&p->relay);
    p->relay.before = count;
    p->relay.refuse = refuse;
    p->relay.ctx = p;
    must_mount_relay(&p->mount, &p->relay, &p->folder, NULL);
    p->remote = p->mount.remote;
    p->wait = patience();
    p->from = must_open(p, "from");
    p->to = must_open(p, "to");
    *state = p;
    return 0;
}

static int tear_down(void **state)
{
    struct place *p = *state;
    remote_file_free(p->from);
    remote_file_free(p->to);
    mount_end_relay(&p->mount, &p->relay);
    folder_remove(&p->folder);
    free(p);
    return 0;
}

static int copy(struct place *p, uint64_t from, uint64_t to, uint64_t size)
{
    return remote_file_copy(p->from, from, p->to, to, size, &p->wait, &p->n);
}

static int write_at(struct place *p, struct remote_file *file, uint64_t offset, const char *text)
{
    return remote_file_write(file, offset, false, span_of(text), &p->wait)
               ?: remote_file_flush(file, &p->wait);
}

static void the_server_copies(void **state)
{
    struct place *p = *state;
    assert_int_equal(copy(p, 2, 1, 3), 0);
    assert_int_equal(p->n, 3);
    must_hold(&p->folder, "to", "a234ef");
    assert_int_equal(copy(p, 0, 6, 2), 0);
    must_hold(&p->folder, "to", "a234ef01");
    assert_int_equal(p->copies, 2);
    assert_int_equal(p->reads, 0);
    must_hold(&p->folder, "from", "0123456789");
}

/* Whatever the server says of it: it is "ok" where less than 64 KiB were asked for. */
static void a_copy_ends_where_its_source_ends(void **state)
{
    static const struct {
        uint64_t offset, size, n;
    } rows[] = {{0, 10, 10}, {0, 11, 10}, {4, 100, 6}, {4, 1 << 20, 6}, {10, 1, 0}, {99, 5, 0}};
    struct place *p = *state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(copy(p, rows[i].offset, 0, rows[i].size), 0);
        assert_int_equal(p->n, rows[i].n);
    }
    assert_int_equal(copy(p, 0, 0, 0), 0);
    assert_int_equal(p->n, 0);
    must_hold(&p->folder, "to", "4567896789");
}

static void what_was_written_before_comes_first(void **state)
{
    struct place *p = *state;
    struct remote_file *from = must_open(p, "from");
    struct remote_file *to = must_open(p, "to");
    assert_int_equal(remote_file_write(from, 0, false, SPAN_LITERAL("AA"), &p->wait), 0);
    assert_int_equal(remote_file_write(p->from, 2, false, SPAN_LITERAL("BB"), &p->wait), 0);
    assert_int_equal(remote_file_write(to, 0, false, SPAN_LITERAL("xxxx"), &p->wait), 0);
    assert_int_equal(remote_file_write(p->to, 2, false, SPAN_LITERAL("yyyy"), &p->wait), 0);
    assert_int_equal(copy(p, 0, 1, 4), 0);
    must_hold(&p->folder, "to", "xAABBy");
    char text[16];
    size_t n = 0;
    assert_int_equal(remote_file_read(to, 0, sizeof(text), &p->wait, text, &n), 0);
    assert_int_equal(n, 6);
    assert_memory_equal(text, "xAABBy", 6);
    remote_file_free(from);
    remote_file_free(to);
}

/* What is lost with the link is sent again before the copy, whoever wrote it, and may come late. */
static void what_another_handle_had_under_way_is_not_copied_over(void **state)
{
    struct place *p = *state;
    struct remote_file *other = must_open(p, "to");
    relay_restart(&p->relay, RELAY_CUT_BEFORE, 1);
    assert_int_equal(remote_file_write(other, 0, false, SPAN_LITERAL("xxxx"), &p->wait), 0);
    while (sftp_state(p->mount.sftp) == SFTP_UP && relay_requests(&p->relay) == 0)
        usleep(1000);
    assert_int_equal(copy(p, 0, 1, 2), -EUCLEAN);
    assert_int_equal(copy(p, 0, 4, 2), 0);
    assert_int_equal(remote_file_flush(other, &p->wait), 0);
    must_hold(&p->folder, "to", "xxxx01");
    remote_file_free(other);
}

/* Neither what a reader has read ahead, nor a size. The first copy changes no size, and no time
 * that SFTP shows. */
static void nobody_reads_what_was_there_before(void **state)
{
    struct place *p = *state;
    struct remote_file *reader = must_open(p, "to");
    char text[16];
    size_t n = 0;
    for (uint64_t at = 0; at < 4; at++)
        assert_int_equal(remote_file_read(reader, at, 1, &p->wait, text, &n), 0);
    assert_int_equal(copy(p, 0, 4, 2), 0);
    assert_int_equal(remote_file_read(reader, 4, sizeof(text), &p->wait, text, &n), 0);
    assert_int_equal(n, 2);
    assert_memory_equal(text, "01", 2);
    assert_int_equal(copy(p, 0, 2, 8), 0);
    assert_int_equal(remote_file_read(reader, 2, sizeof(text), &p->wait, text, &n), 0);
    assert_int_equal(n, 8);
    assert_memory_equal(text, "01234567", 8);
    struct sftp_attrs attrs;
    assert_int_equal(remote_file_getattr(reader, &p->wait, &attrs), 0);
    assert_int_equal(attrs.size, 10);
    assert_false(remote_file_is_as_opened(reader));
    remote_file_free(reader);
}

static void one_file_is_read_and_written(void **state)
{
    struct place *p = *state;
    struct remote_file *other = must_open(p, "from");
    assert_int_equal(remote_file_copy(p->from, 0, other, 20, 4, &p->wait, &p->n), -EOPNOTSUPP);
    assert_int_equal(p->copies, 0);
    remote_file_free(other);
}

static void what_the_server_refuses_is_read_and_written(void **state)
{
    static const uint32_t statuses[] = {SSH_FX_NO_SUCH_FILE, SSH_FX_PERMISSION_DENIED,
                                        SSH_FX_FAILURE, SSH_FX_BAD_MESSAGE, SSH_FX_OP_UNSUPPORTED};
    struct place *p = *state;
    for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
        p->status = statuses[i];
        assert_int_equal(copy(p, 0, 0, 4), -EOPNOTSUPP);
    }
    /* The end of a file that has not ended: others write to it. */
    p->status = SSH_FX_EOF;
    assert_int_equal(copy(p, 0, 0, 4), -EOPNOTSUPP);
    assert_int_equal(copy(p, 8, 0, 4), 0);
    assert_int_equal(p->n, 2);
    must_hold(&p->folder, "to", "abcdef");
}

static void without_sizes_it_is_read_and_written(void **state)
{
    struct place *p = *state;
    p->relay.sizeless = true;
    assert_int_equal(copy(p, 0, 0, 4), -EOPNOTSUPP);
}

/* The link is lost at each of its requests. */
static void a_copy_survives_a_lost_link(void **state)
{
    struct place *p = *state;
    static const enum relay_cut cuts[] = {RELAY_CUT_BEFORE, RELAY_CUT_AFTER};
    for (size_t i = 0; i < 2; i++) {
        for (int at = 1; at <= 4; at++) {
            must_write(&p->folder, "to", "abcdef");
            remote_file_free(p->to);
            p->to = must_open(p, "to");
            relay_restart(&p->relay, cuts[i], at);
            assert_int_equal(copy(p, 0, 2, 8), 0);
            assert_int_equal(p->n, 8);
            must_hold(&p->folder, "to", "ab01234567");
        }
    }
}

/* An old connection's server process may still copy then. */
static void a_late_copy_undoes_nothing(void **state)
{
    struct place *p = *state;
    relay_restart(&p->relay, RELAY_CUT_LATE, 2);
    assert_int_equal(copy(p, 2, 1, 4), 0);
    must_hold(&p->folder, "to", "a2345f");
    assert_int_equal(write_at(p, p->to, 4, "XX"), -EUCLEAN);
    assert_int_equal(write_at(p, p->from, 1, "YY"), -EUCLEAN);
    assert_int_equal(copy(p, 0, 0, 3), -EUCLEAN);
    assert_int_equal(write_at(p, p->to, 5, "X"), 0);
    assert_int_equal(write_at(p, p->from, 6, "Y"), 0);
    assert_int_equal(copy(p, 6, 6, 2), 0);
    assert_true(relay_deliver(&p->relay));
    must_hold(&p->folder, "to", "a2345XY7");
}

/* A file that nobody can find again is not copied to, or from. */
static void a_copy_ends_with_its_files(void **state)
{
    struct place *p = *state;
    must_write(&p->folder, "from", "another file");
    must_set_age(&p->folder, "from", 1000);
    relay_restart(&p->relay, RELAY_CUT_BEFORE, 1);
    assert_int_equal(copy(p, 0, 0, 4), -EIO);
    must_hold(&p->folder, "to", "abcdef");
}

struct direction {
    struct remote_file *from, *to;
    struct wait wait;
    int r;
};

static void *copy_often(void *arg)
{
    struct direction *d = arg;
    uint64_t n;
    for (int i = 0; i < 50 && d->r == 0; i++)
        d->r = remote_file_copy(d->from, 0, d->to, 0, 4, &d->wait, &n);
    return NULL;
}

static void two_files_are_copied_into_each_other_at_once(void **state)
{
    struct place *p = *state;
    pthread_t threads[2];
    struct direction directions[] = {{p->from, p->to, p->wait, 0}, {p->to, p->from, p->wait, 0}};
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(thread_start(&threads[i], copy_often, &directions[i]), 0);
    for (size_t i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(directions[0].r, 0);
    assert_int_equal(directions[1].r, 0);
}

static void a_piece_takes_the_server_a_tenth_of_a_second(void **state)
{
    (void)state;
    const uint64_t some = 4 << 20;
    assert_int_equal(copy_next_piece(some, 0), 2 * some);
    assert_int_equal(copy_next_piece(some, 100), some);
    assert_int_equal(copy_next_piece(some, 1000), some / 2);
    assert_int_equal(copy_next_piece(COPY_PIECE_MAX, 0), COPY_PIECE_MAX);
    assert_int_equal(copy_next_piece(COPY_PIECE_MIN, 10000), COPY_PIECE_MIN);
}

static uint64_t piece(struct place *p, uint64_t change)
{
    lock_take(&p->remote->lock);
    if (change)
        p->remote->copy_piece = change;
    uint64_t now = p->remote->copy_piece;
    lock_drop(&p->remote->lock);
    return now;
}

static void a_server_that_copies_slowly_is_asked_for_less(void **state)
{
    struct place *p = *state;
    char path[PATH_MAX];
    assert_int_equal(truncate(file_path(&p->folder, "from", path), 4 * COPY_PIECE_MIN), 0);
    piece(p, 4 * COPY_PIECE_MIN);
    p->delay_ms = 300;
    assert_int_equal(copy(p, 0, 0, UINT32_MAX), 0);
    assert_int_equal(p->n, 4 * COPY_PIECE_MIN);
    assert_int_equal(piece(p, 0), 2 * COPY_PIECE_MIN);
    assert_int_equal(copy(p, 0, 0, 100), 0); /* too few to tell */
    assert_int_equal(piece(p, 0), 2 * COPY_PIECE_MIN);
    assert_int_equal(copy(p, 0, 0, UINT32_MAX), 0);
    assert_int_equal(p->n, 2 * COPY_PIECE_MIN);
}

/* It may have been too large for the time that is waited. */
static void after_a_piece_without_an_answer_they_are_small(void **state)
{
    struct place *p = *state;
    piece(p, COPY_PIECE_MAX);
    relay_restart(&p->relay, RELAY_CUT_AFTER, 2);
    assert_int_equal(copy(p, 0, 0, COPY_PIECE_MAX), 0);
    assert_int_equal(p->n, 10);
    assert_int_equal(p->copies, 2);
    assert_int_equal(piece(p, 0), COPY_PIECE_MIN);
}

#define COPY_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        COPY_TEST(the_server_copies),
        COPY_TEST(a_copy_ends_where_its_source_ends),
        COPY_TEST(what_was_written_before_comes_first),
        COPY_TEST(what_another_handle_had_under_way_is_not_copied_over),
        COPY_TEST(nobody_reads_what_was_there_before),
        COPY_TEST(one_file_is_read_and_written),
        COPY_TEST(what_the_server_refuses_is_read_and_written),
        COPY_TEST(without_sizes_it_is_read_and_written),
        COPY_TEST(a_copy_survives_a_lost_link),
        COPY_TEST(a_late_copy_undoes_nothing),
        COPY_TEST(a_copy_ends_with_its_files),
        COPY_TEST(two_files_are_copied_into_each_other_at_once),
        COPY_TEST(a_server_that_copies_slowly_is_asked_for_less),
        COPY_TEST(after_a_piece_without_an_answer_they_are_small),
        cmocka_unit_test(a_piece_takes_the_server_a_tenth_of_a_second),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
