/* SPDX-License-Identifier: MIT */
/*
 * A request that the server's process of a lost connection carries out late, after it was sent
 * again and answered, or after its caller was told that nothing is known: what is said to be safe
 * by then must not be undone by it.
 */
#include "relay.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "remote/file/files.h"
#include "sftp/protocol/proto.h"
#include "remote/names/paths.h"

struct place {
    struct folder folder;
    struct relay relay;
    struct mount mount;
    struct remote *remote;
    struct wait wait;
};

static int set_up(void **state)
{
    struct place *p = calloc(1, sizeof(*p));
    must_make_folder(&p->folder);
    must_write(&p->folder, "file", "0123456789");
    must_write(&p->folder, "other", "another file");
    must_make_relay(&p->relay);
    must_mount_relay(&p->mount, &p->relay, &p->folder, NULL);
    p->remote = p->mount.remote;
    p->wait = patience();
    *state = p;
    return 0;
}

static int tear_down(void **state)
{
    struct place *p = *state;
    mount_end_relay(&p->mount, &p->relay);
    folder_remove(&p->folder);
    free(p);
    return 0;
}

/* The next request but "before" is carried out late. */
static void hold_up(struct place *p, int before)
{
    relay_restart(&p->relay, RELAY_CUT_LATE, before + 1);
}

static struct sftp_attrs must_see(const struct place *p, const char *name)
{
    struct stat st = must_lstat(&p->folder, name);
    return (struct sftp_attrs){
        .mode = st.st_mode, .size = (uint64_t)st.st_size, .mtime = (uint32_t)st.st_mtim.tv_sec};
}

static int rename_file(struct place *p, const char *from, const char *to)
{
    const struct sftp_attrs seen = must_see(p, from);
    return remote_rename(p->remote, from, to, false, &seen, NULL, &p->wait);
}

static int remove_file(struct place *p, const char *name)
{
    const struct sftp_attrs seen = must_see(p, name);
    return remote_remove(p->remote, name, &seen, &p->wait);
}

/* Creates a file with a text, and closes it. */
static int create(struct place *p, const char *name, const char *text)
{
    struct remote_file *file = NULL;
    bool made;
    int r = remote_file_create(p->remote, name, SFTP_OPEN_WRITE | SFTP_OPEN_TRUNC, 0644, false,
                               &p->wait, &file, &made);
    if (r == 0)
        r = remote_file_write(file, 0, false, span_of(text), &p->wait);
    if (r == 0)
        r = remote_file_flush(file, &p->wait);
    remote_file_free(file);
    return r;
}

/* Nothing may be made under the name in any way. */
static void must_be_barred(struct place *p, const char *name)
{
    const struct sftp_attrs shorter = {.flags = SFTP_ATTR_SIZE, .size = 1};
    assert_int_equal(create(p, name, "new"), -EUCLEAN);
    assert_int_equal(rename_file(p, "other", name), -EUCLEAN);
    assert_int_equal(remote_mkdir(p->remote, name, 0755, &p->wait), -EUCLEAN);
    assert_int_equal(remote_symlink(p->remote, "other", name, &p->wait), -EUCLEAN);
    assert_int_equal(remote_setattr(p->remote, name, &shorter, &p->wait), -EUCLEAN);
    must_hold(&p->folder, "other", "another file");
}

static void a_late_rename_finds_no_new_file_under_the_old_name(void **state)
{
    struct place *p = *state;
    hold_up(p, 0);
    assert_int_equal(rename_file(p, "file", "moved"), 0);
    must_hold(&p->folder, "moved", "0123456789");
    must_be_barred(p, "file");
    assert_true(relay_deliver(&p->relay));
    assert_false(file_exists(&p->folder, "file"));
    must_hold(&p->folder, "moved", "0123456789");
    /* The new name is free: nothing can come there any more. */
    assert_int_equal(remove_file(p, "moved"), 0);
    assert_int_equal(create(p, "moved", "new"), 0);
    must_hold(&p->folder, "moved", "new");
}

static void a_late_removal_finds_no_new_file_under_the_name(void **state)
{
    struct place *p = *state;
    hold_up(p, 0);
    assert_int_equal(remove_file(p, "file"), 0);
    assert_false(file_exists(&p->folder, "file"));
    must_be_barred(p, "file");
    assert_true(relay_deliver(&p->relay));
    must_hold(&p->folder, "other", "another file");
}

static void a_late_removal_finds_no_new_folder_under_the_name(void **state)
{
    struct place *p = *state;
    must_mkdir(&p->folder, "folder");
    const struct sftp_attrs seen = must_see(p, "folder");
    hold_up(p, 0);
    assert_int_equal(remote_rmdir(p->remote, "folder", &seen, &p->wait), 0);
    assert_false(file_exists(&p->folder, "folder"));
    must_be_barred(p, "folder");
    assert_true(relay_deliver(&p->relay));
}

/* Holds up the first rename. */
static void hold_up_rename(void *ctx, const struct relay_request *request)
{
    struct place *p = ctx;
    if (relay_is_install(request) && p->relay.links == 1)
        relay_cut_at(&p->relay, RELAY_CUT_LATE, request->number);
}

static void a_late_move_finds_no_new_vmx_under_the_old_name(void **state)
{
    struct place *p = *state;
    struct diag diag;
    struct set set = set_of("memSize", "1");
    must_write(&p->folder, "a.vmx", "memSize = \"4096\"\n");
    p->relay.ctx = p;
    p->relay.before = hold_up_rename;
    assert_int_equal(
        remote_rename_vmx(p->remote, "a.vmx", "b.vmx", MOVE_ONTO_ANY, NULL, &p->wait, &diag, NULL),
        0);
    must_hold(&p->folder, "b.vmx", "memSize = \"4096\"\n");
    must_be_barred(p, "a.vmx");
    assert_int_equal(remote_create_vmx(p->remote, "a.vmx", NULL, &p->wait), -EUCLEAN);
    assert_int_equal(remote_commit(p->remote, "a.vmx", &set.change, &p->wait), -EUCLEAN);
    assert_int_equal(
        remote_rename_vmx(p->remote, "b.vmx", "a.vmx", MOVE_ONTO_ANY, NULL, &p->wait, &diag, NULL),
        -EUCLEAN);
    assert_int_equal(commit_set(&p->mount, "b.vmx", "memSize", "8192"), 0);
    assert_true(relay_deliver(&p->relay));
    must_hold(&p->folder, "b.vmx", "memSize = \"8192\"\n");
}

static uint32_t fail_rename(void *ctx, const struct relay_request *request)
{
    (void)ctx;
    return relay_is_install(request) ? SSH_FX_FAILURE : 0;
}

/* Renames of which the server says no more than that they failed, in two volumes of a host. */
static void must_fail_apart(struct place *p, const char *name, bool lost, int result)
{
    char from[100];
    char to[100];
    struct diag diag = {0};
    must_mkdir(&p->folder, "vmfs");
    must_mkdir(&p->folder, "vmfs/volumes");
    must_mkdir(&p->folder, "vmfs/volumes/one");
    must_mkdir(&p->folder, "vmfs/volumes/two");
    snprintf(from, sizeof(from), "vmfs/volumes/one/%s", name);
    snprintf(to, sizeof(to), "vmfs/volumes/two/%s", name);
    must_write(&p->folder, from, "memSize = \"4096\"\n");
    p->relay.ctx = p;
    p->relay.refuse = fail_rename;
    p->relay.before = lost ? hold_up_rename : NULL;
    int r = remote_is_vmx_name(name)
                ? remote_rename_vmx(p->remote, from, to, MOVE_ONTO_ANY, NULL, &p->wait, &diag, NULL)
                : rename_file(p, from, to);
    assert_int_equal(r, result);
    must_hold(&p->folder, from, "memSize = \"4096\"\n");
    assert_false(file_exists(&p->folder, to));
}

static void a_rename_that_fails_between_two_volumes_is_exdev(void **state)
{
    must_fail_apart(*state, "file", false, -EXDEV);
}

static void a_move_that_fails_between_two_volumes_is_exdev(void **state)
{
    must_fail_apart(*state, "a.vmx", false, -EXDEV);
}

static void a_rename_that_was_lost_before_it_failed_is_not_known(void **state)
{
    must_fail_apart(*state, "file", true, -EIO);
}

static void a_move_that_was_lost_before_it_failed_is_not_known(void **state)
{
    must_fail_apart(*state, "a.vmx", true, -EIO);
}

static void hold_up_removal(void *ctx, const struct relay_request *request)
{
    struct place *p = ctx;
    const char *name = strrchr(request->text, '/');
    if (request->type == SSH_FXP_REMOVE && name && strcmp(name, "/a.vmx") == 0 &&
        p->relay.links == 1)
        relay_cut_at(&p->relay, RELAY_CUT_LATE, request->number);
}

/* Another client knows nothing of what may come late: it is kept from it by the lock. */
static void must_not_touch_another_clients(struct place *p, const char *to)
{
    struct diag diag;
    struct mount other;
    must_mount(&other, &p->folder, NULL);
    mount_as_foreign(&other, 7);
    must_write(&p->folder, "a.vmx", "memSize = \"4096\"\n");
    p->relay.ctx = p;
    p->relay.before = to ? hold_up_rename : hold_up_removal;
    assert_int_equal(
        to ? remote_rename_vmx(p->remote, "a.vmx", to, MOVE_ONTO_ANY, NULL, &p->wait, &diag, NULL)
           : remote_remove_vmx(p->remote, "a.vmx", NULL, &p->wait, &diag),
        0);
    assert_int_equal(remote_create_vmx(other.remote, "a.vmx", NULL, &p->wait), 0);
    assert_int_equal(commit_set(&other, "a.vmx", "memSize", "1"), 0);
    assert_true(relay_deliver(&p->relay));
    must_hold(&p->folder, "a.vmx", "memSize = \"1\"\n");
    if (to)
        must_hold(&p->folder, to, "memSize = \"4096\"\n");
    mount_end(&other);
}

static void a_late_move_takes_no_vmx_of_another_client_along(void **state)
{
    must_not_touch_another_clients(*state, "b.vmx");
}

static void a_late_move_to_another_kind_of_name_takes_none_along(void **state)
{
    must_not_touch_another_clients(*state, "notes");
}

static void a_late_removal_of_a_vmx_takes_none_of_another_client_along(void **state)
{
    must_not_touch_another_clients(*state, NULL);
}

/* ---- the answer is lost, and what was asked for was done */

static void what_was_done_is_seen(void **state)
{
    struct place *p = *state;
    must_mkdir(&p->folder, "folder");
    const struct sftp_attrs folder = must_see(p, "folder");
    relay_restart(&p->relay, RELAY_CUT_AFTER, 1);
    assert_int_equal(rename_file(p, "file", "moved"), 0);
    must_hold(&p->folder, "moved", "0123456789");
    relay_restart(&p->relay, RELAY_CUT_AFTER, 1);
    assert_int_equal(remove_file(p, "moved"), 0);
    assert_false(file_exists(&p->folder, "moved"));
    relay_restart(&p->relay, RELAY_CUT_AFTER, 1);
    assert_int_equal(remote_rename(p->remote, "folder", "renamed", false, &folder, NULL, &p->wait),
                     0);
    relay_restart(&p->relay, RELAY_CUT_AFTER, 1);
    assert_int_equal(remote_rmdir(p->remote, "renamed", &folder, &p->wait), 0);
    assert_false(file_exists(&p->folder, "renamed"));
}

/* Somebody else acts when the server has done what it was asked for and the link is lost. */
struct meddler {
    struct place *place;
    void (*act)(struct place *place);
};

static void meddle(void *ctx, const struct relay_request *request)
{
    struct meddler *m = ctx;
    if (request->number == 2) /* the look after the loss */
        m->act(m->place);
}

static void put_another(struct place *p)
{
    char path[PATH_MAX];
    file_write(file_path(&p->folder, "file", path), "somebody else's");
}

static void what_another_has_made_meanwhile_is_not_removed(void **state)
{
    struct place *p = *state;
    struct meddler m = {p, put_another};
    p->relay.ctx = &m;
    p->relay.before = meddle;
    relay_restart(&p->relay, RELAY_CUT_AFTER, 1);
    assert_int_equal(remove_file(p, "file"), -EUCLEAN);
    must_hold(&p->folder, "file", "somebody else's");
}

static void what_another_has_made_meanwhile_is_not_renamed(void **state)
{
    struct place *p = *state;
    struct meddler m = {p, put_another};
    p->relay.ctx = &m;
    p->relay.before = meddle;
    relay_restart(&p->relay, RELAY_CUT_AFTER, 1);
    assert_int_equal(rename_file(p, "file", "moved"), -EUCLEAN);
    must_hold(&p->folder, "file", "somebody else's");
    must_hold(&p->folder, "moved", "0123456789");
    assert_int_equal(create(p, "moved", "new"), -EUCLEAN);
}

/* What is found could be another's, who made it first. */
static void what_is_made_and_unanswered_is_not_known(void **state)
{
    struct place *p = *state;
    struct remote_file *file = NULL;
    bool made;
    relay_restart(&p->relay, RELAY_CUT_AFTER, 1);
    assert_int_equal(remote_mkdir(p->remote, "folder", 0755, &p->wait), -EUCLEAN);
    relay_restart(&p->relay, RELAY_CUT_AFTER, 1);
    assert_int_equal(remote_symlink(p->remote, "file", "link", &p->wait), -EUCLEAN);
    relay_restart(&p->relay, RELAY_CUT_AFTER, 1);
    assert_int_equal(
        remote_file_create(p->remote, "lock", SFTP_OPEN_WRITE, 0644, true, &p->wait, &file, &made),
        -EUCLEAN);
}

/* ---- files */

static struct remote_file *must_open(struct place *p, const char *name)
{
    struct remote_file *file = NULL;
    assert_int_equal(remote_file_open(p->remote, name, SFTP_OPEN_WRITE, &p->wait, &file), 0);
    return file;
}

static void a_file_is_created_whatever_comes_late(void **state)
{
    struct place *p = *state;
    hold_up(p, 0);
    assert_int_equal(create(p, "new", "its text"), 0);
    assert_true(relay_deliver(&p->relay));
    must_hold(&p->folder, "new", "its text");
}

static void a_late_truncation_by_an_open_cuts_nothing_new(void **state)
{
    struct place *p = *state;
    struct remote_file *file = NULL;
    hold_up(p, 0);
    assert_int_equal(
        remote_file_open(p->remote, "file", SFTP_OPEN_WRITE | SFTP_OPEN_TRUNC, &p->wait, &file),
        -EUCLEAN);
    struct remote_file *other = must_open(p, "file");
    assert_int_equal(remote_file_write(other, 10, false, SPAN_LITERAL("more"), &p->wait), -EUCLEAN);
    file = must_open(p, "file");
    assert_int_equal(remote_file_write(file, 0, false, SPAN_LITERAL("X"), &p->wait), -EUCLEAN);
    must_hold(&p->folder, "file", "0123456789");
    assert_true(relay_deliver(&p->relay));
    must_hold(&p->folder, "file", "");
    remote_file_free(other);
    remote_file_free(file);
}

static void a_late_truncation_by_name_cuts_nothing_new(void **state)
{
    struct place *p = *state;
    const struct sftp_attrs cut = {.flags = SFTP_ATTR_SIZE, .size = 5};
    const struct sftp_attrs longer = {.flags = SFTP_ATTR_SIZE, .size = 8};
    hold_up(p, 0);
    assert_int_equal(remote_setattr(p->remote, "file", &cut, &p->wait), 0);
    struct remote_file *file = must_open(p, "file");
    assert_int_equal(remote_file_write(file, 4, false, SPAN_LITERAL("XY"), &p->wait), -EUCLEAN);
    assert_int_equal(remote_file_setattr(file, &longer, &p->wait), -EUCLEAN);
    assert_int_equal(remote_file_write(file, 3, false, SPAN_LITERAL("XY"), &p->wait), 0);
    assert_int_equal(remote_file_flush(file, &p->wait), 0);
    assert_true(relay_deliver(&p->relay));
    must_hold(&p->folder, "file", "012XY");
    remote_file_free(file);
    assert_int_equal(rename_file(p, "other", "file"), -EUCLEAN);
}

static void a_late_truncation_through_a_handle_cuts_nothing_new(void **state)
{
    struct place *p = *state;
    const struct sftp_attrs cut = {.flags = SFTP_ATTR_SIZE, .size = 5};
    struct remote_file *file = must_open(p, "file");
    struct remote_file *other = must_open(p, "file");
    hold_up(p, 0);
    assert_int_equal(remote_file_setattr(file, &cut, &p->wait), 0);
    assert_int_equal(remote_file_write(other, 5, false, SPAN_LITERAL("X"), &p->wait), -EUCLEAN);
    assert_int_equal(remote_file_write(file, 5, false, SPAN_LITERAL("X"), &p->wait), -EUCLEAN);
    assert_true(relay_deliver(&p->relay));
    must_hold(&p->folder, "file", "01234");
    remote_file_free(other);
    remote_file_free(file);
}

static void a_late_mode_does_not_replace_a_newer_one(void **state)
{
    struct place *p = *state;
    const struct sftp_attrs open = {.flags = SFTP_ATTR_MODE, .mode = 0644};
    const struct sftp_attrs secret = {.flags = SFTP_ATTR_MODE, .mode = 0600};
    hold_up(p, 0);
    assert_int_equal(remote_setattr(p->remote, "file", &open, &p->wait), 0);
    assert_int_equal(remote_setattr(p->remote, "file", &secret, &p->wait), -EUCLEAN);
    assert_int_equal(remote_setattr(p->remote, "file", &open, &p->wait), 0);
    assert_true(relay_deliver(&p->relay));
    assert_int_equal(must_see(p, "file").mode & 07777, 0644);
}

/* What an old server process may still write is sent again, and nothing else in its place, through
 * whichever handle of the file; until all of them are closed. */
static void other_bytes_for_what_is_unsure_are_refused(void **state)
{
    struct place *p = *state;
    const struct sftp_attrs shorter = {.flags = SFTP_ATTR_SIZE, .size = 5};
    struct remote_file *file = must_open(p, "file");
    struct remote_file *other = must_open(p, "file");
    struct remote_file *cut = NULL;
    hold_up(p, 0);
    assert_int_equal(remote_file_write(file, 0, false, SPAN_LITERAL("AAAAAAAA"), &p->wait), 0);
    assert_int_equal(remote_file_flush(file, &p->wait), 0);
    for (int i = 0; i < 2; i++) {
        struct remote_file *f = i == 0 ? file : other;
        assert_int_equal(remote_file_write(f, 4, false, SPAN_LITERAL("BBBB"), &p->wait), -EUCLEAN);
        assert_int_equal(remote_file_setattr(f, &shorter, &p->wait), -EUCLEAN);
        assert_int_equal(remote_file_write(f, 2, false, SPAN_LITERAL("AAAA"), &p->wait), 0);
        assert_int_equal(remote_file_write(f, 8, false, SPAN_LITERAL("CC"), &p->wait), 0);
        assert_int_equal(remote_file_flush(f, &p->wait), 0);
    }
    assert_int_equal(remote_setattr(p->remote, "file", &shorter, &p->wait), -EUCLEAN);
    assert_int_equal(
        remote_file_open(p->remote, "file", SFTP_OPEN_WRITE | SFTP_OPEN_TRUNC, &p->wait, &cut),
        -EUCLEAN);
    must_hold(&p->folder, "file", "AAAAAAAACC");
    assert_true(relay_deliver(&p->relay));
    must_hold(&p->folder, "file", "AAAAAAAACC");
    remote_file_free(file);
    assert_int_equal(remote_file_write(other, 4, false, SPAN_LITERAL("BBBB"), &p->wait), -EUCLEAN);
    remote_file_free(other);
    file = must_open(p, "file");
    assert_int_equal(remote_file_write(file, 4, false, SPAN_LITERAL("BBBB"), &p->wait), 0);
    assert_int_equal(remote_file_flush(file, &p->wait), 0);
    must_hold(&p->folder, "file", "AAAABBBBCC");
    remote_file_free(file);
}

/* Whoever writes twice to one place without waiting: the first may be carried out last. */
static void other_bytes_that_were_under_way_at_the_loss_are_told_of(void **state)
{
    struct place *p = *state;
    for (int before = 0; before < 2; before++) {
        struct remote_file *file = must_open(p, "file");
        hold_up(p, before);
        assert_int_equal(remote_file_write(file, 0, false, SPAN_LITERAL("AAAAAAAA"), &p->wait), 0);
        int r = remote_file_write(file, 0, false, SPAN_LITERAL("BBBBBBBB"), &p->wait);
        if (r == 0)
            r = remote_file_fsync(file, &p->wait);
        assert_int_equal(r, before == 0 ? -EUCLEAN : 0);
        remote_file_free(file);
    }
}

/* They are the file's, not the name's. */
static void unsure_bytes_follow_their_file(void **state)
{
    struct place *p = *state;
    struct remote_file *file = must_open(p, "file");
    hold_up(p, 0);
    assert_int_equal(remote_file_write(file, 0, false, SPAN_LITERAL("AAAA"), &p->wait), 0);
    assert_int_equal(remote_file_flush(file, &p->wait), 0);
    assert_int_equal(rename_file(p, "file", "moved"), 0);
    assert_int_equal(create(p, "file", "BBBB"), 0);
    struct remote_file *other = must_open(p, "moved");
    assert_int_equal(remote_file_write(other, 0, false, SPAN_LITERAL("BBBB"), &p->wait), -EUCLEAN);
    assert_true(relay_deliver(&p->relay));
    must_hold(&p->folder, "file", "BBBB");
    must_hold(&p->folder, "moved", "AAAA456789");
    remote_file_free(other);
    remote_file_free(file);
}

/* It changes the file's time, by which the file is known after the next loss. */
static void a_file_is_known_again_after_a_late_write(void **state)
{
    struct place *p = *state;
    struct remote_file *file = NULL;
    char text[16];
    size_t n = 0;
    assert_int_equal(
        remote_file_open(p->remote, "file", SFTP_OPEN_READ | SFTP_OPEN_WRITE, &p->wait, &file), 0);
    hold_up(p, 0);
    assert_int_equal(remote_file_write(file, 0, false, SPAN_LITERAL("AAAA"), &p->wait), 0);
    assert_int_equal(remote_file_flush(file, &p->wait), 0);
    struct sftp_attrs attrs;
    assert_int_equal(remote_file_getattr(file, &p->wait, &attrs), 0);
    const uint32_t before = must_see(p, "file").mtime;
    while (time(NULL) <= (time_t)before)
        usleep(10000);
    assert_true(relay_deliver(&p->relay));
    assert_true(must_see(p, "file").mtime > before);
    relay_restart(&p->relay, RELAY_CUT_BEFORE, 1);
    assert_int_equal(remote_file_read(file, 0, sizeof(text), &p->wait, text, &n), 0);
    assert_int_equal(n, 10);
    assert_memory_equal(text, "AAAA456789", 10);
    remote_file_free(file);
}

/* What one handle was told is taken goes before what another one writes later. */
static void a_handle_writes_behind_what_another_had_under_way(void **state)
{
    struct place *p = *state;
    struct remote_file *file = must_open(p, "file");
    struct remote_file *other = must_open(p, "file");
    relay_restart(&p->relay, RELAY_CUT_BEFORE, 1);
    assert_int_equal(remote_file_write(file, 0, false, SPAN_LITERAL("AAAA"), &p->wait), 0);
    while (sftp_state(p->mount.sftp) == SFTP_UP && relay_requests(&p->relay) == 0)
        usleep(1000);
    assert_int_equal(remote_file_write(other, 10, false, SPAN_LITERAL("BB"), &p->wait), 0);
    assert_int_equal(remote_file_flush(other, &p->wait), 0);
    assert_int_equal(remote_file_flush(file, &p->wait), 0);
    must_hold(&p->folder, "file", "AAAA456789BB");
    remote_file_free(other);
    remote_file_free(file);
}

#define LATE_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LATE_TEST(a_late_rename_finds_no_new_file_under_the_old_name),
        LATE_TEST(a_late_removal_finds_no_new_file_under_the_name),
        LATE_TEST(a_late_removal_finds_no_new_folder_under_the_name),
        LATE_TEST(a_late_move_finds_no_new_vmx_under_the_old_name),
        LATE_TEST(a_late_move_takes_no_vmx_of_another_client_along),
        LATE_TEST(a_late_move_to_another_kind_of_name_takes_none_along),
        LATE_TEST(a_late_removal_of_a_vmx_takes_none_of_another_client_along),
        LATE_TEST(a_rename_that_fails_between_two_volumes_is_exdev),
        LATE_TEST(a_move_that_fails_between_two_volumes_is_exdev),
        LATE_TEST(a_rename_that_was_lost_before_it_failed_is_not_known),
        LATE_TEST(a_move_that_was_lost_before_it_failed_is_not_known),
        LATE_TEST(what_was_done_is_seen),
        LATE_TEST(what_another_has_made_meanwhile_is_not_removed),
        LATE_TEST(what_another_has_made_meanwhile_is_not_renamed),
        LATE_TEST(what_is_made_and_unanswered_is_not_known),
        LATE_TEST(a_file_is_created_whatever_comes_late),
        LATE_TEST(a_late_truncation_by_an_open_cuts_nothing_new),
        LATE_TEST(a_late_truncation_by_name_cuts_nothing_new),
        LATE_TEST(a_late_truncation_through_a_handle_cuts_nothing_new),
        LATE_TEST(a_late_mode_does_not_replace_a_newer_one),
        LATE_TEST(other_bytes_for_what_is_unsure_are_refused),
        LATE_TEST(other_bytes_that_were_under_way_at_the_loss_are_told_of),
        LATE_TEST(unsure_bytes_follow_their_file),
        LATE_TEST(a_file_is_known_again_after_a_late_write),
        LATE_TEST(a_handle_writes_behind_what_another_had_under_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
