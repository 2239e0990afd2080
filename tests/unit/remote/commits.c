/* SPDX-License-Identifier: MIT */
/* What one commit does to one file. */
#include "relay.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "sftp/protocol/proto.h"

#define VMX "a.vmx"
#define TEXT "#!/usr/bin/vmware\r\nmemSize = \"4096\"  # a lot\r\n\r\nnumvcpus = 2\r\n"
#define TEXT_8192 "#!/usr/bin/vmware\r\nmemSize = \"8192\"  # a lot\r\n\r\nnumvcpus = 2\r\n"

struct place {
    struct folder folder;
    struct mount mount;
};

static int set_up(void **state)
{
    struct place *place = calloc(1, sizeof(*place));
    assert_non_null(place);
    must_make_folder(&place->folder);
    must_write(&place->folder, VMX, TEXT);
    must_mount(&place->mount, &place->folder, NULL);
    *state = place;
    return 0;
}

static int tear_down(void **state)
{
    struct place *place = *state;
    mount_end(&place->mount);
    folder_remove(&place->folder);
    free(place);
    return 0;
}

static int commit(struct place *place, const char *path, struct set *set)
{
    struct wait wait = patience();
    return remote_commit(place->mount.remote, path, &set->change, &wait);
}

static void only_the_values_own_bytes_change(void **state)
{
    struct place *p = *state;
    assert_int_equal(commit_set(&p->mount, VMX, "MEMSIZE", "8192"), 0);
    must_hold(&p->folder, VMX, TEXT_8192);
    must_be_clean(&p->folder);
}

static void mode_is_kept(void **state)
{
    struct place *p = *state;
    static const mode_t modes[] = {0755, 0600, 0644, 0640, 0444};
    char path[PATH_MAX];
    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
        char value[8];
        snprintf(value, sizeof(value), "%zu", i);
        assert_int_equal(chmod(file_path(&p->folder, VMX, path), modes[i]), 0);
        assert_int_equal(commit_set(&p->mount, VMX, "memSize", value), 0);
        assert_int_equal(must_lstat(&p->folder, VMX).st_mode & 07777, modes[i]);
    }
}

static void owner_is_kept(void **state)
{
    struct place *p = *state;
    char path[PATH_MAX];
    if (geteuid() != 0)
        skip(); /* only root may give a file away */
    assert_int_equal(chown(file_path(&p->folder, VMX, path), 1234, 4321), 0);
    assert_int_equal(chmod(path, 04755), 0);
    assert_int_equal(commit_set(&p->mount, VMX, "memSize", "8192"), 0);
    struct stat st = must_lstat(&p->folder, VMX);
    assert_int_equal(st.st_uid, 1234);
    assert_int_equal(st.st_gid, 4321);
    assert_int_equal(st.st_mode & 07777, 04755);
}

static void the_document_is_known_afterwards(void **state)
{
    struct place *p = *state;
    struct wait wait = patience();
    DOCUMENT_AUTO *d = NULL;
    BUF_AUTO value = {0};
    assert_int_equal(commit_set(&p->mount, VMX, "memSize", "8192"), 0);
    assert_int_equal(remote_document(p->mount.remote, VMX, 5000, &wait, &d), 0);
    assert_int_equal(vmx_dict_get(d->dict, SPAN_LITERAL("memSize"), &value), 0);
    assert_string_equal(value.data, "8192");
    assert_int_equal(d->attrs.size, strlen(TEXT_8192));
    assert_int_equal(d->attrs.mtime, must_lstat(&p->folder, VMX).st_mtime);
}

static void what_has_the_value_already_is_not_rewritten(void **state)
{
    struct place *p = *state;
    struct set set = set_of("memSize", "4096");
    must_set_age(&p->folder, VMX, 1000);
    struct stat before = must_lstat(&p->folder, VMX);
    struct stat folder_before = must_lstat(&p->folder, ".");
    usleep(20000); /* longer than a file's clock ticks */
    assert_int_equal(commit(p, VMX, &set), 0);
    struct stat after = must_lstat(&p->folder, VMX);
    struct stat folder_after = must_lstat(&p->folder, ".");
    assert_int_equal(set.committed, 1);
    assert_true(set.nothing_to_do);
    assert_int_equal(before.st_ino, after.st_ino);
    assert_int_equal(before.st_mtime, after.st_mtime);
    /* Not even a temporary file was there. */
    assert_int_equal(folder_before.st_mtim.tv_sec, folder_after.st_mtim.tv_sec);
    assert_int_equal(folder_before.st_mtim.tv_nsec, folder_after.st_mtim.tv_nsec);
    assert_int_equal(must_count(&p->mount, "commits"), 0);
}

static void read_it(struct place *p)
{
    struct wait wait = patience();
    DOCUMENT_AUTO *d = NULL;
    assert_int_equal(remote_document(p->mount.remote, VMX, 5000, &wait, &d), 0);
}

static void a_foreign_edit_is_merged(void **state)
{
    struct place *p = *state;
    read_it(p);
    must_write(&p->folder, VMX, "memSize = \"4096\"\nforeign = \"yes\"\n");
    struct set set = set_of("memSize", "8192");
    assert_int_equal(commit(p, VMX, &set), 0);
    must_hold(&p->folder, VMX, "memSize = \"8192\"\nforeign = \"yes\"\n");
    assert_int_equal(set.applied, 2); /* to what was thought, then to what is there */
    assert_int_equal(set.committed, 1);
    must_be_clean(&p->folder);
}

/* A foreign text that is shorter or longer than the guess leaves nothing of it. */
static void a_merged_text_replaces_the_guess_wholly(void **state)
{
    struct place *p = *state;
    static const char *const texts[] = {"a = \"1\"\n", "", TEXT TEXT TEXT TEXT};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        char path[PATH_MAX];
        must_write(&p->folder, VMX, TEXT);
        read_it(p);
        must_write(&p->folder, VMX, texts[i]);
        assert_int_equal(commit_set(&p->mount, VMX, "z", "1"), 0);
        FREE_AUTO char *found = file_text(file_path(&p->folder, VMX, path));
        assert_non_null(found);
        assert_memory_equal(found, texts[i], strlen(texts[i]));
        assert_memory_equal(found + strlen(texts[i]), "z = \"1\"", 7);
    }
}

static void a_foreign_edit_of_the_same_key_can_be_refused(void **state)
{
    struct place *p = *state;
    read_it(p);
    must_write(&p->folder, VMX, "memSize = \"1024\"\n");
    struct stat before = must_lstat(&p->folder, VMX);
    struct set set = set_of("memSize", "8192");
    set.expected = "4096";
    assert_int_equal(commit(p, VMX, &set), -ECANCELED);
    must_hold(&p->folder, VMX, "memSize = \"1024\"\n");
    assert_int_equal(must_lstat(&p->folder, VMX).st_ino, before.st_ino);
    assert_int_equal(set.committed, 0);
    must_be_clean(&p->folder);
    assert_int_equal(must_count(&p->mount, "commits"), 0);
}

/* What is cached says that the value is there; the server says otherwise. */
static void an_old_answer_does_not_say_that_nothing_is_to_be_done(void **state)
{
    struct place *p = *state;
    read_it(p);
    must_write(&p->folder, VMX, "memSize = \"1024\"\n");
    assert_int_equal(commit_set(&p->mount, VMX, "memSize", "4096"), 0);
    must_hold(&p->folder, VMX, "memSize = \"4096\"\n");
}

static void an_old_answer_does_not_refuse(void **state)
{
    struct place *p = *state;
    read_it(p);
    must_write(&p->folder, VMX, "memSize = \"1024\"\n");
    struct set set = set_of("memSize", "8192");
    set.expected = "1024";
    assert_int_equal(commit(p, VMX, &set), 0);
    must_hold(&p->folder, VMX, "memSize = \"8192\"\n");
}

static void a_foreign_edit_may_have_done_it_already(void **state)
{
    struct place *p = *state;
    read_it(p);
    must_write(&p->folder, VMX, "memSize = \"8192\"\nforeign = \"yes\"\n");
    struct stat before = must_lstat(&p->folder, VMX);
    struct set set = set_of("memSize", "8192");
    assert_int_equal(commit(p, VMX, &set), 0);
    assert_true(set.nothing_to_do);
    assert_int_equal(must_lstat(&p->folder, VMX).st_ino, before.st_ino);
    must_be_clean(&p->folder);
}

static void a_target_that_vanished_is_made_anew(void **state)
{
    struct place *p = *state;
    char path[PATH_MAX];
    read_it(p);
    assert_int_equal(unlink(file_path(&p->folder, VMX, path)), 0);
    assert_int_equal(commit_set(&p->mount, VMX, "memSize", "8192"), 0);
    must_hold(&p->folder, VMX, "memSize = \"8192\"\n");
    assert_int_equal(must_lstat(&p->folder, VMX).st_mode & 07777, 0644);
    must_be_clean(&p->folder);
}

/* A change that is about an existing file. */
static int apply_to_existing(struct change *change, const struct server_text *server,
                             const struct vmx_dict *current, struct buf *ret, struct diag *diag)
{
    (void)change;
    (void)diag;
    if (!server->exists)
        return -ENOENT;
    int r = buf_add(ret, vmx_dict_text(current));
    return r == 0 ? buf_add_str(ret, "more = \"1\"\n") : r;
}

static void a_change_may_refuse_a_file_that_vanished(void **state)
{
    struct place *p = *state;
    struct wait wait = patience();
    struct change change = {.apply = apply_to_existing};
    char path[PATH_MAX];
    read_it(p);
    assert_int_equal(unlink(file_path(&p->folder, VMX, path)), 0);
    assert_int_equal(remote_commit(p->mount.remote, VMX, &change, &wait), -ENOENT);
    assert_false(file_exists(&p->folder, VMX));
    must_be_clean(&p->folder);
}

static void a_missing_file_is_created(void **state)
{
    struct place *p = *state;
    must_mkdir(&p->folder, "vm");
    assert_int_equal(commit_set(&p->mount, "vm/new.vmx", "memSize", "1"), 0);
    must_hold(&p->folder, "vm/new.vmx", "memSize = \"1\"\n");
    assert_int_equal(commit_set(&p->mount, "no/folder.vmx", "memSize", "1"), -ENOENT);
}

static void a_folder_is_no_target(void **state)
{
    struct place *p = *state;
    must_mkdir(&p->folder, "b.vmx");
    assert_int_equal(commit_set(&p->mount, "b.vmx", "memSize", "1"), -EMEDIUMTYPE);
    must_be_clean(&p->folder);
}

static void a_target_that_is_too_large_is_not_touched(void **state)
{
    struct place *p = *state;
    char path[PATH_MAX];
    assert_int_equal(truncate(file_path(&p->folder, VMX, path), (1 << 20) + 1), 0);
    struct stat before = must_lstat(&p->folder, VMX);
    assert_int_equal(commit_set(&p->mount, VMX, "memSize", "1"), -EMEDIUMTYPE);
    assert_int_equal(must_lstat(&p->folder, VMX).st_ino, before.st_ino);
    must_be_clean(&p->folder);
}

/* It would be taken for an empty one. */
static void a_target_whose_size_is_not_told_is_not_touched(void **state)
{
    (void)state;
    struct folder folder;
    struct mount mount;
    struct relay relay;
    struct diag diag = {0};
    struct wait wait = patience();
    must_make_folder(&folder);
    must_write(&folder, VMX, TEXT);
    must_write(&folder, "b.vmx", "");
    must_make_relay(&relay);
    relay.sizeless = true;
    must_mount_relay(&mount, &relay, &folder, NULL);
    assert_int_equal(commit_set(&mount, VMX, "memSize", "8192"), -EMEDIUMTYPE);
    assert_int_equal(remote_remove_vmx(mount.remote, VMX, NULL, &wait, &diag), -EMEDIUMTYPE);
    assert_int_equal(
        remote_rename_vmx(mount.remote, "b.vmx", VMX, MOVE_ONTO_EMPTY, NULL, &wait, &diag, NULL),
        -ENOTEMPTY);
    must_hold(&folder, VMX, TEXT);
    mount_end_relay(&mount, &relay);
    must_be_clean(&folder);
    folder_remove(&folder);
}

static void a_text_beyond_the_limit_is_refused(void **state)
{
    struct place *p = *state;
    static char value[1 << 20];
    memset(value, 'x', sizeof(value) - 1);
    struct set set = set_of("memSize", value);
    assert_int_equal(commit(p, VMX, &set), -EFBIG);
    assert_non_null(strstr(set.change.diag.text, "1024 KiB"));
    must_hold(&p->folder, VMX, TEXT);
    must_be_clean(&p->folder);
}

static void a_large_text_is_written_whole(void **state)
{
    struct place *p = *state;
    static char value[900000];
    for (size_t i = 0; i < sizeof(value) - 1; i++)
        value[i] = (char)('A' + i % 26 + i / 1000 % 7);
    must_write(&p->folder, VMX, "memSize = \"1\"\n");
    assert_int_equal(commit_set(&p->mount, VMX, "memSize", value), 0);
    struct wait wait = patience();
    DOCUMENT_AUTO *d = NULL;
    BUF_AUTO read_back = {0};
    assert_int_equal(remote_document(p->mount.remote, VMX, 0, &wait, &d), 0);
    assert_int_equal(vmx_dict_get(d->dict, SPAN_LITERAL("memSize"), &read_back), 0);
    assert_string_equal(read_back.data, value);
    /* And shrinks again. */
    assert_int_equal(commit_set(&p->mount, VMX, "memSize", "2"), 0);
    must_hold(&p->folder, VMX, "memSize = \"2\"\n");
}

static void a_link_stays_a_link(void **state)
{
    struct place *p = *state;
    char absolute[PATH_MAX];
    must_mkdir(&p->folder, "vm");
    must_write(&p->folder, "vm/real.vmx", TEXT);
    must_link(&p->folder, "vm/real.vmx", "one.vmx");
    must_link(&p->folder, "one.vmx", "two.vmx");
    must_link(&p->folder, file_path(&p->folder, "vm/real.vmx", absolute), "three.vmx");
    static const char *const links[] = {"one.vmx", "two.vmx", "three.vmx"};
    for (size_t i = 0; i < 3; i++) {
        char value[8];
        char text[100];
        snprintf(value, sizeof(value), "%zu", i);
        snprintf(text, sizeof(text),
                 "#!/usr/bin/vmware\r\nmemSize = \"%zu\"  # a lot\r\n\r\nnumvcpus = 2\r\n", i);
        assert_int_equal(commit_set(&p->mount, links[i], "memSize", value), 0);
        assert_true(S_ISLNK(must_lstat(&p->folder, links[i]).st_mode));
        assert_true(S_ISREG(must_lstat(&p->folder, "vm/real.vmx").st_mode));
        must_hold(&p->folder, "vm/real.vmx", text);
    }
}

static void a_link_out_of_the_tree_is_refused(void **state)
{
    struct place *p = *state;
    struct folder outside;
    char target[PATH_MAX];
    char sibling[PATH_MAX];
    must_make_folder(&outside);
    must_write(&outside, "b.vmx", TEXT);
    must_link(&p->folder, file_path(&outside, "b.vmx", target), "out.vmx");
    must_link(&p->folder, "loop.vmx", "loop.vmx");
    assert_int_equal(commit_set(&p->mount, "out.vmx", "memSize", "1"), -EPERM);
    must_hold(&outside, "b.vmx", TEXT);
    assert_true(commit_set(&p->mount, "loop.vmx", "memSize", "1") < 0);
    /* A folder whose name begins with the root's. */
    snprintf(sibling, sizeof(sibling), "%sx", p->folder.path);
    assert_int_equal(mkdir(sibling, 0755), 0);
    snprintf(target, sizeof(target), "%sx/b.vmx", p->folder.path);
    assert_int_equal(file_write(target, TEXT), 0);
    must_link(&p->folder, target, "near.vmx");
    assert_int_equal(commit_set(&p->mount, "near.vmx", "memSize", "1"), -EPERM);
    assert_int_equal(unlink(target), 0);
    assert_int_equal(rmdir(sibling), 0);
    must_be_clean(&p->folder);
    folder_remove(&outside);
}

/* Whoever may write to a VM's folder only could point to what he may not write. */
static void a_link_to_what_is_no_vmx_is_refused(void **state)
{
    struct place *p = *state;
    must_write(&p->folder, "notes", TEXT);
    must_link(&p->folder, "notes", "a-link.vmx");
    assert_int_equal(commit_set(&p->mount, "a-link.vmx", "memSize", "1"), -EPERM);
    must_hold(&p->folder, "notes", TEXT);
    must_be_clean(&p->folder);
}

static void a_name_may_have_243_bytes(void **state)
{
    struct place *p = *state;
    char fits[243 + 1];
    char too_long[244 + 1];
    memset(fits, 'n', sizeof(fits));
    memcpy(fits + 239, ".vmx", 5);
    memset(too_long, 'n', sizeof(too_long));
    memcpy(too_long + 240, ".vmx", 5);
    must_write(&p->folder, fits, TEXT);
    must_write(&p->folder, too_long, TEXT);
    assert_int_equal(commit_set(&p->mount, fits, "memSize", "8192"), 0);
    must_hold(&p->folder, fits, TEXT_8192);
    assert_int_equal(commit_set(&p->mount, too_long, "memSize", "8192"), -ENAMETOOLONG);
    must_hold(&p->folder, too_long, TEXT);
    must_be_clean(&p->folder);
}

static void a_create_is_exclusive(void **state)
{
    struct place *p = *state;
    struct wait wait = patience();
    assert_int_equal(remote_create_vmx(p->mount.remote, "new.vmx", NULL, &wait), 0);
    must_hold(&p->folder, "new.vmx", "");
    assert_int_equal(remote_create_vmx(p->mount.remote, VMX, NULL, &wait), -EEXIST);
    must_hold(&p->folder, VMX, TEXT);
    assert_int_equal(remote_create_vmx(p->mount.remote, "no/new.vmx", NULL, &wait), -ENOENT);
}

static void remove_and_rename_go_under_the_lock(void **state)
{
    struct place *p = *state;
    struct wait wait = patience();
    struct diag diag = {0};
    struct remote *remote = p->mount.remote;
    assert_int_equal(
        remote_rename_vmx(remote, VMX, "b.vmx", MOVE_ONTO_ANY, NULL, &wait, &diag, NULL), 0);
    assert_false(file_exists(&p->folder, VMX));
    must_hold(&p->folder, "b.vmx", TEXT);
    assert_int_equal(
        remote_rename_vmx(remote, VMX, "c.vmx", MOVE_ONTO_ANY, NULL, &wait, &diag, NULL), -ENOENT);
    assert_int_equal(remote_remove_vmx(remote, "b.vmx", NULL, &wait, &diag), 0);
    assert_false(file_exists(&p->folder, "b.vmx"));
    assert_int_equal(remote_remove_vmx(remote, "b.vmx", NULL, &wait, &diag), -ENOENT);
    must_be_clean(&p->folder);
}

static size_t open_files(pid_t pid)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
    DIR *dir = opendir(path);
    size_t n = 0;
    while (dir && readdir(dir))
        n++;
    if (dir)
        closedir(dir);
    return n;
}

/* Every handle that a commit opened is closed, however it ends. */
static void no_handle_is_left_on_the_server(void **state)
{
    struct place *p = *state;
    struct remote *remote = p->mount.remote;
    struct wait wait = patience();
    struct diag diag = {0};
    const size_t idle = open_files(p->mount.server.pid);
    if (idle == 0)
        skip(); /* sftp-server lets nobody but root look at its descriptors */
    assert_true(idle > 3);
    must_mkdir(&p->folder, "b.vmx");
    must_link(&p->folder, VMX, "link.vmx");
    must_write(&p->folder, "c.vmx", TEXT);
    must_mkdir(&p->folder, "c.vmx.lck");
    must_write(&p->folder, "c.vmx.lck/M00001.lck", "");
    for (int i = 0; i < 10; i++) {
        struct set refused = set_of("memSize", "1");
        refused.expected = "nothing like it";
        char value[8];
        snprintf(value, sizeof(value), "%d", i + 100);
        commit(p, VMX, &refused);
        commit_set(&p->mount, VMX, "memSize", value);
        commit_set(&p->mount, VMX, "memSize", value);
        commit_set(&p->mount, "b.vmx", "memSize", value);
        commit_set(&p->mount, "c.vmx", "memSize", value);
        commit_set(&p->mount, "link.vmx", "memSize", value);
        commit_set(&p->mount, "no/a.vmx", "memSize", value);
        remote_remove_vmx(remote, "c.vmx", NULL, &wait, &diag);
        remote_remove_vmx(remote, "missing.vmx", NULL, &wait, &diag);
    }
    must_be_clean(&p->folder);
    wait = patience();
    while (open_files(p->mount.server.pid) != idle && clock_ms() < wait.deadline)
        usleep(5000); /* the last closes are waited for by nobody */
    assert_int_equal(open_files(p->mount.server.pid), idle);
}

/* Looks at the sequence of requests: what is renamed was synced before, and is synced again. */
struct sequence {
    int writes, syncs_before, renames, syncs_after;
};

static void note_sequence(void *ctx, const struct relay_request *request)
{
    struct sequence *s = ctx;
    bool extended = request->type == SSH_FXP_EXTENDED;
    s->writes += request->type == SSH_FXP_WRITE && s->syncs_before == 0;
    if (extended && strcmp(request->text, SSH_EXT_FSYNC) == 0)
        *(s->renames ? &s->syncs_after : &s->syncs_before) += 1;
    s->renames += relay_is_install(request);
}

static void what_is_renamed_was_synced(void **state)
{
    (void)state;
    struct folder folder;
    struct mount mount;
    struct relay relay;
    struct sequence sequence = {0};
    must_make_folder(&folder);
    must_write(&folder, VMX, TEXT);
    must_make_relay(&relay);
    relay.before = note_sequence;
    relay.ctx = &sequence;
    must_mount_relay(&mount, &relay, &folder, NULL);
    assert_int_equal(commit_set(&mount, VMX, "memSize", "8192"), 0);
    mount_end_relay(&mount, &relay);
    assert_int_equal(sequence.writes, 1);
    assert_int_equal(sequence.syncs_before, 1);
    assert_int_equal(sequence.renames, 1);
    assert_int_equal(sequence.syncs_after, 1);
    folder_remove(&folder);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(only_the_values_own_bytes_change),
        TEST(mode_is_kept),
        TEST(owner_is_kept),
        TEST(the_document_is_known_afterwards),
        TEST(what_has_the_value_already_is_not_rewritten),
        TEST(a_foreign_edit_is_merged),
        TEST(a_merged_text_replaces_the_guess_wholly),
        TEST(a_foreign_edit_of_the_same_key_can_be_refused),
        TEST(an_old_answer_does_not_say_that_nothing_is_to_be_done),
        TEST(an_old_answer_does_not_refuse),
        TEST(a_foreign_edit_may_have_done_it_already),
        TEST(a_target_that_vanished_is_made_anew),
        TEST(a_change_may_refuse_a_file_that_vanished),
        TEST(a_missing_file_is_created),
        TEST(a_folder_is_no_target),
        TEST(a_target_that_is_too_large_is_not_touched),
        cmocka_unit_test(a_target_whose_size_is_not_told_is_not_touched),
        TEST(a_text_beyond_the_limit_is_refused),
        TEST(a_large_text_is_written_whole),
        TEST(a_link_stays_a_link),
        TEST(a_link_out_of_the_tree_is_refused),
        TEST(a_link_to_what_is_no_vmx_is_refused),
        TEST(a_name_may_have_243_bytes),
        TEST(a_create_is_exclusive),
        TEST(remove_and_rename_go_under_the_lock),
        TEST(no_handle_is_left_on_the_server),
        cmocka_unit_test(what_is_renamed_was_synced),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
