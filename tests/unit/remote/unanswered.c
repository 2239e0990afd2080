/* SPDX-License-Identifier: MIT */
/* The answer to what replaces, renames or removes a .vmx is lost, and somebody else acts before it
 * is asked for again. */
#include "relay.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "remote/commit/beside.h"
#include "sftp/protocol/proto.h"

#define VMX "a.vmx"
#define OTHER "b.vmx"
#define BESIDE "." VMX ".vmxfs-next"
#define LOCK "." VMX ".vmxfs-lock"
#define THEIR_TOKEN "01234567000123abcdef00000001-root@elsewhere"
#define TEXT "memSize = \"4096\"\n"
#define THEIRS "memSize = \"1\"\ndisplayName = \"theirs\"\n"

struct play {
    struct folder folder;
    struct relay relay;
    struct mount mount;
    struct wait wait;
    const char *theirs; /* the text that somebody puts there meanwhile, or NULL */
    bool cut, acted;
    int told;
    char reason[200]; /* of the last note */
};

static bool changes_it(const struct relay_request *request)
{
    return relay_is_install(request) ||
           (request->type == SSH_FXP_REMOVE && strstr(request->text, "/" VMX));
}

static void lose_answer(void *ctx, const struct relay_request *request)
{
    struct play *p = ctx;
    char path[PATH_MAX];
    if (!p->cut && changes_it(request)) {
        p->cut = true;
        relay_cut_at(&p->relay, RELAY_CUT_AFTER, request->number);
    } else if (p->cut && !p->acted) {
        p->acted = true;
        if (p->theirs)
            file_write(file_path(&p->folder, VMX, path), p->theirs);
    }
}

static void note(void *ctx, const char *path, const char *key, const char *reason)
{
    struct play *p = ctx;
    (void)path;
    (void)key;
    p->told++;
    snprintf(p->reason, sizeof(p->reason), "%s", reason);
}

static void prepare(struct play *p, const char *theirs)
{
    *p = (struct play){.wait = patience(), .theirs = theirs};
    must_make_folder(&p->folder);
    must_write(&p->folder, VMX, TEXT);
    must_set_age(&p->folder, VMX, 3600);
    must_make_relay(&p->relay);
    p->relay.ctx = p;
}

static void start(struct play *p)
{
    must_mount_relay(&p->mount, &p->relay, &p->folder, NULL);
    remote_listen(p->mount.remote, &(struct remote_listener){.note = note, .ctx = p});
}

static void begin(struct play *p, const char *theirs)
{
    prepare(p, theirs);
    p->relay.before = lose_answer;
    start(p);
}

static void end(struct play *p)
{
    assert_true(p->acted);
    must_be_clean(&p->folder);
    mount_end_relay(&p->mount, &p->relay);
    folder_remove(&p->folder);
}

/* "Somebody else changed it" would say that it was not made. */
static void a_change_that_fails_after_its_answer_was_lost_is_not_known(void **state)
{
    (void)state;
    struct play p;
    struct set set = set_of("memSize", "8192");
    set.expected = "4096";
    begin(&p, THEIRS);
    assert_int_equal(remote_commit(p.mount.remote, VMX, &set.change, &p.wait), -EIO);
    assert_non_null(strstr(set.change.diag.text, "not known"));
    must_hold(&p.folder, VMX, THEIRS);
    end(&p);
}

static void a_change_that_was_never_sent_keeps_its_error(void **state)
{
    (void)state;
    struct play p;
    struct set set = set_of("memSize", "8192");
    begin(&p, THEIRS);
    set.expected = "2";
    assert_int_equal(remote_commit(p.mount.remote, VMX, &set.change, &p.wait), -ECANCELED);
    assert_int_equal(commit_set(&p.mount, VMX, "memSize", "8192"), 0);
    end(&p);
}

/* Which edit the rename replaced nobody can read any more. */
static void a_change_whose_answer_was_lost_may_have_replaced_an_edit(void **state)
{
    (void)state;
    struct play p;
    begin(&p, NULL);
    assert_int_equal(commit_set(&p.mount, VMX, "memSize", "8192"), 0);
    must_hold(&p.folder, VMX, "memSize = \"8192\"\n");
    assert_int_equal(p.told, 1);
    assert_non_null(strstr(p.reason, "may have been replaced"));
    end(&p);
}

/* Once, behind the rename. */
static uint32_t fail_to_sync(void *ctx, const struct relay_request *request)
{
    struct play *p = ctx;
    p->acted = p->acted || relay_is_install(request);
    if (!p->acted || p->cut || strcmp(request->text, SSH_EXT_FSYNC) != 0)
        return 0;
    p->cut = true;
    return SSH_FX_FAILURE;
}

/* It is there, but may not outlast a crash of the server. */
static void a_change_that_cannot_be_synced_in_its_place_is_not_known(void **state)
{
    (void)state;
    struct play p;
    prepare(&p, NULL);
    p.relay.refuse = fail_to_sync;
    start(&p);
    assert_int_equal(commit_set(&p.mount, VMX, "memSize", "8192"), -EIO);
    must_hold(&p.folder, VMX, "memSize = \"8192\"\n");
    assert_int_equal(commit_set(&p.mount, VMX, "memSize", "1"), 0);
    must_hold(&p.folder, VMX, "memSize = \"1\"\n");
    end(&p);
}

static void a_removal_is_not_sent_again_for_another_file(void **state)
{
    (void)state;
    struct play p;
    struct diag diag = {0};
    begin(&p, THEIRS);
    assert_int_equal(remote_remove_vmx(p.mount.remote, VMX, NULL, &p.wait, &diag), -EIO);
    assert_non_null(strstr(diag.text, "not known"));
    must_hold(&p.folder, VMX, THEIRS);
    end(&p);
}

static void a_rename_is_not_sent_again_for_another_file(void **state)
{
    (void)state;
    static const enum move_onto onto[] = {MOVE_ONTO_ANY, MOVE_ONTO_EMPTY, MOVE_ONTO_NOTHING};
    for (size_t i = 0; i < sizeof(onto) / sizeof(onto[0]); i++) {
        struct play p;
        struct diag diag = {0};
        begin(&p, THEIRS);
        if (onto[i] != MOVE_ONTO_NOTHING)
            must_write(&p.folder, OTHER, "");
        assert_int_equal(
            remote_rename_vmx(p.mount.remote, VMX, OTHER, onto[i], NULL, &p.wait, &diag, NULL),
            -EIO);
        assert_non_null(strstr(diag.text, "not known"));
        must_hold(&p.folder, VMX, THEIRS);
        must_hold(&p.folder, OTHER, TEXT);
        end(&p);
    }
}

static int wish_text(void *ctx, bool there, struct span text, const struct wait *wait,
                     struct buf *ret, enum beside_wish *ret_wish, struct diag *diag)
{
    (void)ctx, (void)there, (void)text, (void)wait, (void)diag;
    *ret_wish = BESIDE_HOLDS;
    return buf_add_str(ret, "waits");
}

/* From then on somebody else has the lock, whatever becomes of ours. */
static void take_lock(void *ctx, const struct relay_request *request)
{
    struct play *p = ctx;
    char path[PATH_MAX];
    if (!p->cut && strstr(request->to, "/" BESIDE)) {
        p->cut = true;
        relay_cut_at(&p->relay, RELAY_CUT_AFTER, request->number);
    } else if (p->cut) {
        p->acted = true;
        mkdir(file_path(&p->folder, LOCK, path), 0700);
        file_write(file_path(&p->folder, LOCK "/" THEIR_TOKEN, path), "half");
    }
}

/* "Somebody has the lock" would say that nothing was changed. */
static void what_is_beside_is_not_known_where_the_lock_is_lost_with_the_answer(void **state)
{
    (void)state;
    struct play p;
    struct diag diag = {0};
    const struct beside_change change = {.wish = wish_text};
    prepare(&p, NULL);
    p.relay.before = take_lock;
    start(&p);
    p.wait = wait_for_ms(10000);
    assert_int_equal(remote_beside_change(p.mount.remote, VMX, &change, &p.wait, &diag), -EIO);
    must_hold(&p.folder, BESIDE, "waits");
    assert_true(file_exists(&p.folder, LOCK "/" THEIR_TOKEN));
    mount_end_relay(&p.mount, &p.relay);
    folder_remove(&p.folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_change_that_fails_after_its_answer_was_lost_is_not_known),
        cmocka_unit_test(a_change_that_was_never_sent_keeps_its_error),
        cmocka_unit_test(a_change_whose_answer_was_lost_may_have_replaced_an_edit),
        cmocka_unit_test(a_change_that_cannot_be_synced_in_its_place_is_not_known),
        cmocka_unit_test(a_removal_is_not_sent_again_for_another_file),
        cmocka_unit_test(a_rename_is_not_sent_again_for_another_file),
        cmocka_unit_test(what_is_beside_is_not_known_where_the_lock_is_lost_with_the_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
