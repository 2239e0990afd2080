/* SPDX-License-Identifier: MIT */
/* Files that are open under one name, which may be one file or two, also where the link is lost
 * while they are compared. */
#include "relay.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "remote/file/files.h"
#include "sftp/protocol/proto.h"

#define OLD "the old text"
#define NEW "new"

struct play {
    struct folder folder;
    struct relay relay;
    struct mount mount;
    struct wait wait;
    struct remote_file *first, *second;
};

static void replace(const struct folder *folder)
{
    char from[PATH_MAX];
    char to[PATH_MAX];
    must_write(folder, "other", NEW);
    assert_int_equal(rename(file_path(folder, "other", from), file_path(folder, "disk", to)), 0);
}

/* A file that is open, and what has its name now. */
static void begin(struct play *p, bool replaced)
{
    *p = (struct play){.wait = patience()};
    must_make_folder(&p->folder);
    must_write(&p->folder, "disk", OLD);
    must_make_relay(&p->relay);
    must_mount_relay(&p->mount, &p->relay, &p->folder, NULL);
    assert_int_equal(remote_file_open(p->mount.remote, "disk", SFTP_OPEN_READ | SFTP_OPEN_WRITE,
                                      &p->wait, &p->first),
                     0);
    if (replaced)
        replace(&p->folder);
}

static void end(struct play *p)
{
    remote_file_free(p->first);
    remote_file_free(p->second);
    mount_end_relay(&p->mount, &p->relay);
    folder_remove(&p->folder);
}

/* Loses the link with nothing under way. */
static void lose_link(struct play *p)
{
    struct remote_file *other = NULL;
    relay_await_idle(&p->relay);
    relay_restart(&p->relay, RELAY_CUT_BEFORE, 1);
    assert_int_equal(remote_file_open(p->mount.remote, "none", SFTP_OPEN_READ, &p->wait, &other),
                     -ENOENT);
}

static void must_read(struct play *p, struct remote_file *file, const char *text)
{
    static char data[200000];
    size_t n = 0;
    assert_int_equal(remote_file_read(file, 0, sizeof(data), &p->wait, data, &n), 0);
    assert_int_equal(n, strlen(text));
    assert_memory_equal(data, text, n);
}

static void must_be_lost(struct play *p, struct remote_file *file)
{
    char data[32] = "";
    size_t n = 0;
    assert_int_equal(remote_file_read(file, 0, sizeof(data), &p->wait, data, &n), -EIO);
    int r = remote_file_write(file, 0, false, SPAN_LITERAL("X"), &p->wait);
    if (r == 0)
        r = remote_file_flush(file, &p->wait);
    assert_true(r == -EIO || r == -EUCLEAN); /* a truncation may still be under way */
}

/* False where the opening took fewer requests than the one that is cut at. */
static bool open_second(struct play *p, uint32_t flags, enum relay_cut cut, int at)
{
    relay_await_idle(&p->relay);
    relay_restart(&p->relay, cut, at);
    int r = remote_file_open(p->mount.remote, "disk", SFTP_OPEN_READ | flags, &p->wait, &p->second);
    int requests = relay_requests(&p->relay);
    relay_restart(&p->relay, RELAY_CUT_NONE, 0);
    /* A truncation whose answer is lost is not repeated. */
    if (r == -EUCLEAN && flags & SFTP_OPEN_TRUNC)
        assert_null(p->second);
    else
        assert_int_equal(r, 0);
    return requests >= at;
}

static void sweep(void (*play)(uint32_t flags, enum relay_cut cut, int at, bool *ret_cut))
{
    static const uint32_t flags[] = {0, SFTP_OPEN_WRITE, SFTP_OPEN_WRITE | SFTP_OPEN_TRUNC};
    for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
        for (enum relay_cut cut = RELAY_CUT_BEFORE; cut <= RELAY_CUT_AFTER; cut++) {
            bool was_cut = true;
            int at = 0;
            while (was_cut)
                play(flags[i], cut, ++at, &was_cut);
            assert_true(at > 5); /* two to open it, three to compare */
        }
    }
}

static void replaced(uint32_t flags, enum relay_cut cut, int at, bool *ret_cut)
{
    struct play p;
    begin(&p, true);
    *ret_cut = open_second(&p, flags, cut, at);
    lose_link(&p);
    must_be_lost(&p, p.first);
    if (p.second)
        must_read(&p, p.second, flags & SFTP_OPEN_TRUNC ? "" : NEW);
    end(&p);
}

static void a_file_is_never_taken_for_the_one_that_replaced_it(void **state)
{
    (void)state;
    sweep(replaced);
}

static void the_same(uint32_t flags, enum relay_cut cut, int at, bool *ret_cut)
{
    struct play p;
    begin(&p, false);
    *ret_cut = open_second(&p, flags, cut, at);
    if (p.second) {
        const char *text = flags & SFTP_OPEN_TRUNC ? "" : OLD;
        lose_link(&p);
        must_read(&p, p.first, text);
        must_read(&p, p.second, text);
    }
    if (p.second && !(flags & SFTP_OPEN_TRUNC)) { /* else one may still be under way */
        assert_int_equal(
            remote_file_write(p.first, 0, false, SPAN_LITERAL("THE NEW TEXT"), &p.wait), 0);
        must_read(&p, p.second, "THE NEW TEXT");
        lose_link(&p);
        must_read(&p, p.second, "THE NEW TEXT");
        must_read(&p, p.first, "THE NEW TEXT");
    }
    end(&p);
}

static void one_file_that_is_opened_twice_is_one_for_both(void **state)
{
    (void)state;
    sweep(the_same);
}

static void what_was_open_before_is_not_the_file_that_is_made(void **state)
{
    (void)state;
    struct play p;
    char path[PATH_MAX];
    bool made = false;
    begin(&p, false);
    assert_int_equal(unlink(file_path(&p.folder, "disk", path)), 0);
    assert_int_equal(remote_file_create(p.mount.remote, "disk", SFTP_OPEN_READ | SFTP_OPEN_WRITE,
                                        0644, true, &p.wait, &p.second, &made),
                     0);
    assert_true(made);
    assert_true(remote_file_is_nameless(p.first));
    assert_int_equal(remote_file_write(p.second, 0, false, SPAN_LITERAL(OLD), &p.wait), 0);
    assert_int_equal(remote_file_flush(p.second, &p.wait), 0);
    lose_link(&p);
    must_be_lost(&p, p.first);
    must_read(&p, p.second, OLD);
    must_hold(&p.folder, "disk", OLD);
    end(&p);
}

/* What was taken through one handle is on the server, or is known not to be, when the file is
 * synced through another. */
static void what_is_synced_was_written_through_any_handle(void **state)
{
    (void)state;
    for (enum relay_cut cut = RELAY_CUT_BEFORE; cut <= RELAY_CUT_AFTER; cut++) {
        struct play p;
        begin(&p, false);
        assert_true(open_second(&p, SFTP_OPEN_WRITE, RELAY_CUT_NONE, 0));
        relay_await_idle(&p.relay);
        relay_restart(&p.relay, cut, 1);
        assert_int_equal(remote_file_write(p.first, 0, false, SPAN_LITERAL("THE"), &p.wait), 0);
        assert_int_equal(remote_file_fsync(p.second, &p.wait), 0);
        must_hold(&p.folder, "disk", "THE old text");
        end(&p);
    }
}

static uint32_t refuse_writing(void *ctx, const struct relay_request *request)
{
    (void)ctx;
    return request->type == SSH_FXP_WRITE ? SSH_FX_PERMISSION_DENIED : 0;
}

static void what_is_lost_is_told_to_who_syncs_and_to_who_wrote(void **state)
{
    (void)state;
    struct play p;
    begin(&p, false);
    assert_true(open_second(&p, SFTP_OPEN_WRITE, RELAY_CUT_NONE, 0));
    relay_await_idle(&p.relay);
    p.relay.refuse = refuse_writing;
    assert_int_equal(remote_file_write(p.first, 0, false, SPAN_LITERAL("THE"), &p.wait), 0);
    assert_int_equal(remote_file_fsync(p.second, &p.wait), -EACCES);
    assert_int_equal(remote_file_flush(p.first, &p.wait), -EACCES);
    assert_int_equal(remote_file_fsync(p.second, &p.wait), 0);
    must_hold(&p.folder, "disk", OLD);
    end(&p);
}

/* The two begin alike, so that only their ends tell. */
static void must_differ(const char *old, const char *new)
{
    struct play p;
    struct stat st;
    char from[PATH_MAX];
    char to[PATH_MAX];
    begin(&p, false);
    remote_file_free(p.first);
    must_write(&p.folder, "disk", old);
    assert_int_equal(remote_file_open(p.mount.remote, "disk", SFTP_OPEN_READ, &p.wait, &p.first),
                     0);
    assert_int_equal(stat(file_path(&p.folder, "disk", to), &st), 0);
    must_write(&p.folder, "other", new);
    const struct timespec times[] = {st.st_atim, st.st_mtim};
    assert_int_equal(utimensat(AT_FDCWD, file_path(&p.folder, "other", from), times, 0), 0);
    assert_int_equal(rename(from, to), 0);
    assert_true(open_second(&p, 0, RELAY_CUT_NONE, 0));
    assert_true(remote_file_is_nameless(p.first));
    must_read(&p, p.first, old);
    must_read(&p, p.second, new);
    end(&p);
}

static void a_young_file_of_the_same_size_and_time_is_known_by_its_bytes(void **state)
{
    (void)state;
    static char old[100000];
    static char new[100000];
    must_differ("the old text", "the new text");
    memset(old, 'x', sizeof(old) - 1);
    memset(new, 'x', sizeof(new) - 1);
    new[sizeof(new) - 2] = 'y';
    must_differ(old, new);
}

struct replacing {
    const struct folder *folder;
    atomic_int at; /* the number of a request */
};

static void replace_at(void *ctx, const struct relay_request *request)
{
    const struct replacing *replacing = ctx;
    if (request->number == replacing->at)
        replace(replacing->folder);
}

/* It is replaced before each of the requests that open it. */
static void an_open_file_is_known_by_what_its_handle_shows(void **state)
{
    (void)state;
    int requests = 1;
    for (int at = 1; at <= requests; at++) {
        struct play p;
        begin(&p, false);
        remote_file_free(p.first);
        p.first = NULL;
        relay_await_idle(&p.relay);
        struct replacing replacing = {&p.folder, at};
        p.relay.ctx = &replacing;
        p.relay.before = replace_at;
        relay_restart(&p.relay, RELAY_CUT_NONE, 0);
        assert_int_equal(
            remote_file_open(p.mount.remote, "disk", SFTP_OPEN_READ, &p.wait, &p.second), 0);
        relay_await_idle(&p.relay);
        requests = relay_requests(&p.relay);
        replacing.at = 0;
        char data[32] = "";
        size_t n = 0;
        assert_int_equal(remote_file_read(p.second, 0, sizeof(data), &p.wait, data, &n), 0);
        assert_int_equal(remote_file_opened_as(p.second)->size, n);
        end(&p);
    }
    assert_true(requests > 2);
}

enum { OPENERS = 4, OPENINGS = 200 };

static void *open_and_close(void *arg)
{
    struct play *p = arg;
    for (int i = 0; i < OPENINGS; i++) {
        struct wait wait = patience();
        struct remote_file *file = NULL;
        int r = remote_file_open(p->mount.remote, "disk", SFTP_OPEN_READ, &wait, &file);
        if (r == 0 && remote_file_is_nameless(file))
            r = -ESTALE;
        remote_file_free(file);
        if (r < 0)
            return (void *)(intptr_t)r;
    }
    return NULL;
}

/* Each compares its file with another's, who may just be comparing that with this one. */
static void many_open_one_file_at_once(void **state)
{
    (void)state;
    struct play p;
    pthread_t threads[OPENERS];
    begin(&p, false);
    remote_file_free(p.first);
    p.first = NULL;
    for (int i = 0; i < OPENERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, open_and_close, &p), 0);
    for (int i = 0; i < OPENERS; i++) {
        void *r = NULL;
        assert_int_equal(pthread_join(threads[i], &r), 0);
        assert_int_equal((intptr_t)r, 0);
    }
    end(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_is_never_taken_for_the_one_that_replaced_it),
        cmocka_unit_test(one_file_that_is_opened_twice_is_one_for_both),
        cmocka_unit_test(what_was_open_before_is_not_the_file_that_is_made),
        cmocka_unit_test(a_young_file_of_the_same_size_and_time_is_known_by_its_bytes),
        cmocka_unit_test(an_open_file_is_known_by_what_its_handle_shows),
        cmocka_unit_test(what_is_synced_was_written_through_any_handle),
        cmocka_unit_test(what_is_lost_is_told_to_who_syncs_and_to_who_wrote),
        cmocka_unit_test(many_open_one_file_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
