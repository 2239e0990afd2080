/* SPDX-License-Identifier: MIT */
/* Plain files, folders and links. */
#include "remote/file/files.h"

#include "rig.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "relay.h"
#include "remote/remote_private.h"
#include "remote/cache/listing.h"
#include "sftp/protocol/proto.h"
#include "remote/file/file_turn.h"

struct place {
    struct folder folder;
    struct mount mount;
    struct wait wait;
};

static int set_up(void **state)
{
    struct place *p = calloc(1, sizeof(*p));
    assert_non_null(p);
    must_make_folder(&p->folder);
    must_write(&p->folder, "file", "0123456789");
    must_mkdir(&p->folder, "empty");
    must_mkdir(&p->folder, "full");
    must_write(&p->folder, "full/file", "");
    must_link(&p->folder, "file", "link");
    must_mount(&p->mount, &p->folder, NULL);
    p->wait = patience();
    *state = p;
    return 0;
}

static int tear_down(void **state)
{
    struct place *p = *state;
    mount_end(&p->mount);
    folder_remove(&p->folder);
    free(p);
    return 0;
}

static void failures_are_told_apart(void **state)
{
    struct place *p = *state;
    struct remote *r = p->mount.remote;
    struct remote_file *file = NULL;
    const struct wait *w = &p->wait;
    assert_int_equal(remote_mkdir(r, "full", 0755, w), -EEXIST);
    assert_int_equal(remote_mkdir(r, "file", 0755, w), -EEXIST);
    assert_int_equal(remote_mkdir(r, "no/folder", 0755, w), -ENOENT);
    assert_int_equal(remote_rmdir(r, "full", NULL, w), -ENOTEMPTY);
    assert_int_equal(remote_rmdir(r, "missing", NULL, w), -ENOENT);
    assert_int_equal(remote_rmdir(r, "file", NULL, w), -ENOTDIR);
    assert_int_equal(remote_remove(r, "missing", NULL, w), -ENOENT);
    assert_int_equal(remote_remove(r, "full", NULL, w), -EISDIR);
    assert_int_equal(remote_symlink(r, "file", "link", w), -EEXIST);
    assert_int_equal(remote_rename(r, "missing", "x", false, NULL, NULL, w), -ENOENT);
    assert_int_equal(remote_rename(r, "file", "link", true, NULL, NULL, w), -EEXIST);
    assert_int_equal(remote_rename(r, "empty", "full", false, NULL, NULL, w), -ENOTEMPTY);
    assert_int_equal(remote_rename(r, "file", "full", false, NULL, NULL, w), -EISDIR);
    assert_int_equal(remote_rename(r, "full", "file", false, NULL, NULL, w), -ENOTDIR);
    assert_int_equal(remote_file_open(r, "full", SFTP_OPEN_WRITE, w, &file), -EISDIR);
    assert_int_equal(remote_file_open(r, "missing", SFTP_OPEN_READ, w, &file), -ENOENT);
    bool made;
    assert_int_equal(remote_file_create(r, "file", SFTP_OPEN_WRITE, 0644, true, w, &file, &made),
                     -EEXIST);
    must_hold(&p->folder, "file", "0123456789");
}

static void changes_show_in_listings_at_once(void **state)
{
    struct place *p = *state;
    struct remote *r = p->mount.remote;
    const struct wait *w = &p->wait;
    LISTING_AUTO *before = NULL;
    assert_int_equal(remote_list(r, "", 60000, w, &before), 0);
    assert_int_equal(remote_mkdir(r, "new", 0750, w), 0);
    assert_int_equal(remote_rmdir(r, "empty", NULL, w), 0);
    assert_int_equal(remote_remove(r, "link", NULL, w), 0);
    assert_int_equal(remote_symlink(r, "full/file", "other", w), 0);
    assert_int_equal(remote_rename(r, "file", "moved", true, NULL, NULL, w), 0);
    LISTING_AUTO *after = NULL;
    assert_int_equal(remote_list(r, "", 60000, w, &after), 0);
    assert_int_equal(after->n, 4);
    assert_int_equal(listing_find(after, "new")->attrs.mode & 07777, 0750);
    assert_non_null(listing_find(after, "moved"));
    assert_true(S_ISLNK(listing_find(after, "other")->attrs.mode));
    assert_non_null(listing_find(after, "full"));
}

static void a_rename_takes_what_is_below_along(void **state)
{
    struct place *p = *state;
    struct remote *r = p->mount.remote;
    const struct wait *w = &p->wait;
    LISTING_AUTO *below = NULL;
    LISTING_AUTO *gone = NULL;
    assert_int_equal(remote_list(r, "full", 60000, w, &below), 0);
    assert_int_equal(remote_rename(r, "full", "moved", false, NULL, NULL, w), 0);
    assert_int_equal(remote_list(r, "full", 60000, w, &gone), -ENOENT);
}

static void a_file_is_written_and_read(void **state)
{
    struct place *p = *state;
    struct remote *r = p->mount.remote;
    const struct wait *w = &p->wait;
    struct remote_file *file = NULL;
    struct sftp_attrs attrs;
    static char data[300000];
    static char back[sizeof(data)];
    size_t n = 0;
    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (char)(i * 7 % 251);
    bool made;
    assert_int_equal(remote_file_create(r, "disk", SFTP_OPEN_READ | SFTP_OPEN_WRITE, 0600, false, w,
                                        &file, &made),
                     0);
    assert_true(made);
    assert_int_equal(remote_file_write(file, 0, false, (struct span){data, sizeof(data)}, w), 0);
    assert_int_equal(remote_file_read(file, 0, sizeof(back), w, back, &n), 0);
    assert_int_equal(n, sizeof(back));
    assert_memory_equal(data, back, sizeof(data));
    assert_int_equal(remote_file_write(file, 100, false, SPAN_LITERAL("changed"), w), 0);
    assert_int_equal(remote_file_read(file, 98, 16, w, back, &n), 0);
    assert_memory_equal(back + 2, "changed", 7); /* not what had been read ahead */
    assert_int_equal(remote_file_fsync(file, w), 0);
    assert_int_equal(remote_file_getattr(file, w, &attrs), 0);
    assert_int_equal(attrs.size, sizeof(data));
    assert_int_equal(attrs.mode & 07777, 0600);
    attrs = (struct sftp_attrs){.flags = SFTP_ATTR_SIZE, .size = 10};
    assert_int_equal(remote_file_setattr(file, &attrs, w), 0);
    assert_int_equal(must_lstat(&p->folder, "disk").st_size, 10);
    remote_file_free(file);
}

static void attributes_are_set_by_path(void **state)
{
    struct place *p = *state;
    const struct sftp_attrs mode = {.flags = SFTP_ATTR_MODE, .mode = 0640};
    const struct sftp_attrs times = {.flags = SFTP_ATTR_TIMES, .atime = 1000, .mtime = 2000};
    struct sftp_statvfs fs;
    assert_int_equal(remote_setattr(p->mount.remote, "file", &mode, &p->wait), 0);
    assert_int_equal(remote_setattr(p->mount.remote, "file", &times, &p->wait), 0);
    assert_int_equal(must_lstat(&p->folder, "file").st_mode & 07777, 0640);
    assert_int_equal(must_lstat(&p->folder, "file").st_mtime, 2000);
    assert_int_equal(remote_setattr(p->mount.remote, "missing", &mode, &p->wait), -ENOENT);
    assert_int_equal(remote_statvfs(p->mount.remote, "", &p->wait, &fs), 0);
    assert_true(fs.blocks > 0);
}

/* A server that keeps a write from its answer until it is told to go on. */
struct held_write {
    struct lock lock;
    struct condition moved;
    bool reached, released; /* protected by lock */
    struct remote_file *file;
    atomic_bool flushed;
};

static void hold_write(void *ctx, const struct relay_request *request)
{
    struct held_write *h = ctx;
    const struct wait wait = wait_for_ms(60 * 1000);
    if (request->type != SSH_FXP_WRITE)
        return;
    lock_take(&h->lock);
    h->reached = true;
    condition_wake_all(&h->moved);
    while (!h->released && wait_on(&wait, &h->moved, &h->lock) == 0)
        ;
    lock_drop(&h->lock);
}

static void *flush(void *ctx)
{
    struct held_write *h = ctx;
    const struct wait wait = wait_for_ms(60 * 1000);
    lock_take(&h->lock);
    while (!h->reached && wait_on(&wait, &h->moved, &h->lock) == 0)
        ;
    lock_drop(&h->lock);
    int r = remote_file_flush(h->file, &wait);
    atomic_store(&h->flushed, true);
    return r == 0 ? h : NULL;
}

static bool always(void *ctx)
{
    (void)ctx;
    return true;
}

static void who_waits_for_an_open_file_ends_before_the_other(void **state)
{
    struct place *p = *state;
    struct held_write h = {0};
    struct relay relay;
    struct mount mount;
    struct sftp_attrs attrs;
    pthread_t thread;
    void *flushed;
    const struct wait brief = wait_for_ms(500);
    const struct wait interrupted = {.deadline = INT64_MAX / 2, .interrupted = always};
    lock_init(&h.lock);
    condition_init(&h.moved);
    must_make_relay(&relay);
    relay.before = hold_write;
    relay.ctx = &h;
    must_mount_relay(&mount, &relay, &p->folder, NULL);
    assert_int_equal(remote_file_open(mount.remote, "file", SFTP_OPEN_WRITE, &p->wait, &h.file), 0);
    assert_int_equal(remote_file_write(h.file, 0, false, SPAN_LITERAL("new"), &p->wait), 0);
    assert_int_equal(pthread_create(&thread, NULL, flush, &h), 0);
    assert_int_equal(remote_file_getattr(h.file, &brief, &attrs), -EIO);
    assert_int_equal(remote_file_getattr(h.file, &interrupted, &attrs), -EINTR);
    assert_int_equal(remote_settle(mount.remote, "file", &interrupted, NULL), -EINTR);
    assert_false(atomic_load(&h.flushed));
    lock_take(&h.lock);
    h.released = true;
    condition_wake_all(&h.moved);
    lock_drop(&h.lock);
    pthread_join(thread, &flushed);
    assert_non_null(flushed);
    must_hold(&p->folder, "file", "new3456789");
    remote_file_free(h.file);
    mount_end_relay(&mount, &relay);
    condition_done(&h.moved);
    lock_done(&h.lock);
}

/* OpenSSH says "failure" of a truncation that its filesystem has no room for, and "bad message" of
 * a write there. */
static uint32_t refuse_changes(void *ctx, const struct relay_request *request)
{
    (void)ctx;
    if (request->type == SSH_FXP_WRITE)
        return SSH_FX_BAD_MESSAGE;
    bool sets = request->type == SSH_FXP_SETSTAT || request->type == SSH_FXP_FSETSTAT;
    return sets ? SSH_FX_FAILURE : SSH_FX_OK;
}

static int write_at(struct remote_file *file, uint64_t offset, const struct wait *wait)
{
    int r = remote_file_write(file, offset, false, SPAN_LITERAL("text"), wait);
    return r == 0 ? remote_file_flush(file, wait) : r;
}

static void what_no_filesystem_there_can_hold_is_too_large(void **state)
{
    struct place *p = *state;
    struct relay relay;
    struct mount mount;
    struct remote_file *file = NULL;
    const struct sftp_attrs huge = {.flags = SFTP_ATTR_SIZE, .size = INT64_MAX};
    const struct sftp_attrs small = {.flags = SFTP_ATTR_SIZE, .size = 20};
    must_make_relay(&relay);
    relay.refuse = refuse_changes;
    must_mount_relay(&mount, &relay, &p->folder, NULL);
    struct remote *r = mount.remote;
    assert_int_equal(remote_setattr(r, "file", &small, &p->wait), -EIO);
    assert_int_equal(remote_setattr(r, "file", &huge, &p->wait), -EFBIG);
    assert_int_equal(remote_file_open(r, "file", SFTP_OPEN_WRITE, &p->wait, &file), 0);
    assert_int_equal(remote_file_setattr(file, &small, &p->wait), -EIO);
    assert_int_equal(write_at(file, 0, &p->wait), -EINVAL);
    assert_int_equal(write_at(file, INT64_MAX - 4, &p->wait), -EFBIG);
    assert_int_equal(write_at(file, INT64_MAX - 3, &p->wait), -EFBIG);
    remote_file_free(file);
    assert_int_equal(remote_file_open(r, "file", SFTP_OPEN_WRITE, &p->wait, &file), 0);
    assert_int_equal(remote_file_setattr(file, &huge, &p->wait), -EFBIG);
    remote_file_free(file);
    mount_end_relay(&mount, &relay);
    must_hold(&p->folder, "file", "0123456789");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(failures_are_told_apart),
        TEST(changes_show_in_listings_at_once),
        TEST(a_rename_takes_what_is_below_along),
        TEST(a_file_is_written_and_read),
        TEST(attributes_are_set_by_path),
        TEST(who_waits_for_an_open_file_ends_before_the_other),
        TEST(what_no_filesystem_there_can_hold_is_too_large),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
