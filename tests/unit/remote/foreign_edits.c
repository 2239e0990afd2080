/* SPDX-License-Identifier: MIT */
/* Edits by programs that take no lock, in the moment in which a commit replaces their file. */
#include "relay.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "remote/lock/lock.h"
#include "sftp/protocol/proto.h"

#define VMX "a.vmx"
#define LOCK ".a.vmx.vmxfs-lock"

enum { HOUR_MS = 60 * 60 * 1000 };

/* An editor that takes no lock and puts a file of its own in the target's place. Unless a test says
 * otherwise it does so right before the third flight: when the target is looked at for the third
 * time. */
struct editor {
    struct folder folder;
    struct relay relay;
    struct mount mount;
    const char *text;
    const char *then; /* not NULL: it does so again during the merge, before look then_at */
    int then_at;
    const char *also; /* not NULL: a file that it makes too */
    bool pipe;        /* it makes a named pipe instead */
    bool then_links;  /* then it makes a link to the file that this text names */
    bool at_list;     /* it does so before the lock is listed, and not by looks */
    int at;           /* the look before which it does so first */
    struct timespec times[2];
    int looks;
    int told;
    char key[32], reason[4096]; /* of the last value that was lost ... */
    char path[32];              /* ... and its file */
};

static void edit_when_it_is_time(void *ctx, const struct relay_request *request)
{
    struct editor *e = ctx;
    char target[PATH_MAX];
    char mine[PATH_MAX];
    file_path(&e->folder, VMX, target);
    if (e->at_list ? request->type != SSH_FXP_OPENDIR || !strstr(request->text, LOCK)
                   : request->type != SSH_FXP_LSTAT || strcmp(request->text, target) != 0)
        return;
    e->looks++;
    const char *text = e->looks == e->at ? e->text : e->looks == e->then_at ? e->then : NULL;
    if (!text)
        return;
    file_path(&e->folder, "editors-own", mine);
    if (e->pipe)
        mkfifo(mine, 0644);
    else if (e->then_links && text == e->then)
        assert_int_equal(symlink(text, mine), 0);
    else
        file_write(mine, text);
    utimensat(AT_FDCWD, mine, e->times, 0);
    rename(mine, target);
    if (e->also)
        file_write(file_path(&e->folder, e->also, mine), "");
}

static void note_lost(void *ctx, const char *path, const char *key, const char *reason)
{
    struct editor *e = ctx;
    e->told++;
    snprintf(e->path, sizeof(e->path), "%s", path);
    snprintf(e->key, sizeof(e->key), "%s", key ? key : "-");
    snprintf(e->reason, sizeof(e->reason), "%s", reason);
}

/* age_s: of the file, which the editor keeps. */
static void must_begin_editing(struct editor *e, int age_s, const char *text, const char *then)
{
    struct wait wait = patience();
    DOCUMENT_AUTO *d = NULL;
    *e = (struct editor){.text = text, .then = then, .at = 3};
    must_make_folder(&e->folder);
    must_write(&e->folder, VMX, "memSize = \"4096\"\nnumvcpus = \"4\"\n");
    must_set_age(&e->folder, VMX, age_s);
    struct stat st = must_lstat(&e->folder, VMX);
    e->times[0] = st.st_atim;
    e->times[1] = st.st_mtim;
    must_make_relay(&e->relay);
    e->relay.before = edit_when_it_is_time;
    e->relay.ctx = e;
    struct remote_options options = default_options(&e->folder);
    options.timeout_ms = HOUR_MS;
    must_mount_relay(&e->mount, &e->relay, &e->folder, &options);
    remote_listen(e->mount.remote, &(struct remote_listener){.note = note_lost, .ctx = e});
    assert_int_equal(remote_document(e->mount.remote, VMX, 0, &wait, &d), 0);
    e->looks = 0;
}

static void must_end_editing(struct editor *e)
{
    must_be_clean(&e->folder);
    mount_end_relay(&e->mount, &e->relay);
    folder_remove(&e->folder);
}

/* Same size and mode, and the times of the file that it replaces: long ago (where reading a file
 * sets its time of access), or not yet over. */
static void an_edit_that_the_rename_replaced_is_merged(void **state)
{
    (void)state;
    static const int ages_s[] = {3600, -60};
    for (size_t i = 0; i < sizeof(ages_s) / sizeof(ages_s[0]); i++) {
        struct editor e;
        struct set set = set_of("memSize", "8192");
        struct wait wait = patience();
        must_begin_editing(&e, ages_s[i], "memSize = \"4096\"\nnumvcpus = \"8\"\n", NULL);
        if (ages_s[i] > 0 && must_lstat(&e.folder, VMX).st_atim.tv_sec == e.times[0].tv_sec)
            e.times[0].tv_sec++; /* mounted with noatime */
        assert_int_equal(remote_commit(e.mount.remote, VMX, &set.change, &wait), 0);
        must_hold(&e.folder, VMX, "memSize = \"8192\"\nnumvcpus = \"8\"\n");
        assert_int_equal(set.committed, 1);
        assert_int_equal(e.told, 0);
        must_end_editing(&e);
    }
}

static void comments_of_the_replaced_edit_are_kept(void **state)
{
    (void)state;
    struct editor e;
    must_begin_editing(&e, 3600, "# mine\nmemSize = \"4096\"\nmore = \"1\"\n", NULL);
    assert_int_equal(commit_set(&e.mount, VMX, "memSize", "8192"), 0);
    must_hold(&e.folder, VMX, "# mine\nmemSize = \"8192\"\nmore = \"1\"\n");
    must_end_editing(&e);
}

static void of_the_same_key_ours_stays_and_the_other_value_is_told(void **state)
{
    (void)state;
    struct editor e;
    must_begin_editing(&e, 3600, "memSize = \"1024\"\nnumvcpus = \"8\"\n", NULL);
    assert_int_equal(commit_set(&e.mount, VMX, "memSize", "8192"), 0);
    must_hold(&e.folder, VMX, "memSize = \"8192\"\nnumvcpus = \"8\"\n");
    assert_int_equal(e.told, 1);
    assert_string_equal(e.key, "memSize");
    assert_non_null(strstr(e.reason, "\"1024\""));
    must_end_editing(&e);
}

static void the_lost_value_is_told_whole_and_as_the_file_has_it(void **state)
{
    (void)state;
    struct editor e;
    char value[3000];
    char text[3200];
    memset(value, 'v', sizeof(value) - 1);
    memcpy(value, "one|0A|22two|22|7C", 18);
    value[sizeof(value) - 2] = '.';
    value[sizeof(value) - 1] = '\0';
    snprintf(text, sizeof(text), "memSize = \"4096\"\nannotation = \"%s\"\n", value);
    must_begin_editing(&e, 3600, text, NULL);
    assert_int_equal(commit_set(&e.mount, VMX, "annotation", "ours"), 0);
    assert_int_equal(e.told, 1);
    assert_string_equal(e.key, "annotation");
    assert_non_null(strstr(e.reason, value));
    must_end_editing(&e);
}

/* The editor made its second text from ours, before the merged one was there: before the first,
 * second or third flight of the merge's commit. */
static void a_second_edit_during_the_merge_is_merged_too(void **state)
{
    (void)state;
    for (int look = 5; look < 8; look++) {
        struct editor e;
        must_begin_editing(&e, 3600, "memSize = \"4096\"\nnumvcpus = \"8\"\n",
                           "memSize = \"8192\"\nnumvcpus = \"4\"\nmore = \"1\"\n");
        e.then_at = look;
        assert_int_equal(commit_set(&e.mount, VMX, "memSize", "8192"), 0);
        must_hold(&e.folder, VMX, "memSize = \"8192\"\nnumvcpus = \"8\"\nmore = \"1\"\n");
        assert_true(e.looks > look);
        must_end_editing(&e);
    }
}

static void a_link_in_the_target_s_place_during_the_merge_hides_no_note(void **state)
{
    (void)state;
    struct editor e;
    must_begin_editing(&e, 3600, "memSize = \"1024\"\nnumvcpus = \"4\"\n", "b.vmx");
    e.then_at = 5;
    e.then_links = true;
    must_write(&e.folder, "b.vmx", "memSize = \"2\"\n");
    assert_int_equal(commit_set(&e.mount, VMX, "memSize", "8192"), 0);
    assert_int_equal(e.told, 1);
    assert_string_equal(e.path, VMX);
    assert_non_null(strstr(e.reason, "\"1024\""));
    must_end_editing(&e);
}

/* What replaced it may be the host's, which has powered the VM on. */
static void a_replaced_edit_is_merged_though_the_vm_is_in_use_by_then(void **state)
{
    (void)state;
    struct editor e;
    must_begin_editing(&e, 3600, "memSize = \"4096\"\nnumvcpus = \"8\"\n", NULL);
    e.also = VMX ".lck";
    assert_int_equal(commit_set(&e.mount, VMX, "memSize", "8192"), 0);
    must_hold(&e.folder, VMX, "memSize = \"8192\"\nnumvcpus = \"8\"\n");
    must_end_editing(&e);
}

/* It came when the handle was open and the target was not replaced yet. */
static void an_edit_that_cannot_be_read_any_more_is_told(void **state)
{
    (void)state;
    struct editor e;
    must_begin_editing(&e, 3600, "memSize = \"4096\"\nnumvcpus = \"16\"\n", NULL);
    e.at = 4;
    assert_int_equal(commit_set(&e.mount, VMX, "memSize", "8192"), 0);
    must_hold(&e.folder, VMX, "memSize = \"8192\"\nnumvcpus = \"4\"\n");
    assert_int_equal(e.told, 1);
    assert_non_null(strstr(e.reason, "cannot be read"));
    must_end_editing(&e);
}

/* A server hangs in opening one: nobody waits for that, which would take an hour here. What came of
 * a rename that was sent behind it is not known. */
static void a_pipe_in_the_target_s_place_is_not_waited_for(void **state)
{
    (void)state;
    static const int results[] = {-EMEDIUMTYPE, -EMEDIUMTYPE, -EIO};
    for (int i = 0; i < 3; i++) {
        struct editor e;
        struct set set = set_of("memSize", "8192");
        struct wait wait = wait_for_ms(HOUR_MS);
        must_begin_editing(&e, 3600, "", NULL);
        e.pipe = true;
        e.at = i + 1;
        assert_int_equal(remote_commit(e.mount.remote, VMX, &set.change, &wait), results[i]);
        assert_true(S_ISFIFO(must_lstat(&e.folder, VMX).st_mode));
        must_end_editing(&e);
    }
}

/* Where locks are signed in their place, who signed before us and has ended by the time at which we
 * list the lock has installed another text, and shows in nothing: size and times are the same. */
static void who_signs_in_place_takes_the_text_that_is_there_by_then(void **state)
{
    (void)state;
    struct editor e;
    must_begin_editing(&e, 3600, "memSize = \"4096\"\nnumvcpus = \"8\"\n", NULL);
    e.at_list = true;
    e.at = 1;
    atomic_store(&e.mount.remote->folder_renames, RENAMES_NO_FOLDERS);
    assert_int_equal(commit_set(&e.mount, VMX, "memSize", "8192"), 0);
    assert_int_equal(e.looks, 1);
    must_hold(&e.folder, VMX, "memSize = \"8192\"\nnumvcpus = \"8\"\n");
    must_end_editing(&e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_edit_that_the_rename_replaced_is_merged),
        cmocka_unit_test(comments_of_the_replaced_edit_are_kept),
        cmocka_unit_test(of_the_same_key_ours_stays_and_the_other_value_is_told),
        cmocka_unit_test(the_lost_value_is_told_whole_and_as_the_file_has_it),
        cmocka_unit_test(a_second_edit_during_the_merge_is_merged_too),
        cmocka_unit_test(a_link_in_the_target_s_place_during_the_merge_hides_no_note),
        cmocka_unit_test(a_replaced_edit_is_merged_though_the_vm_is_in_use_by_then),
        cmocka_unit_test(an_edit_that_cannot_be_read_any_more_is_told),
        cmocka_unit_test(a_pipe_in_the_target_s_place_is_not_waited_for),
        cmocka_unit_test(who_signs_in_place_takes_the_text_that_is_there_by_then),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
