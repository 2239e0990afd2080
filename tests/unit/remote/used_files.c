/* SPDX-License-Identifier: MIT */
/* Which files are those of a VM in use; tests/mount/used-files.bats has what is refused of them. */
#include "relay.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/path.h"
#include "remote/in_use/used_files.h"
#include "remote/in_use/evidence.h"

#define TEXT "scsi0:0.fileName = \"a.vmdk\"\n"

static void must_make(struct folder *folder)
{
    must_make_folder(folder);
    must_mkdir(folder, "vm");
    must_mkdir(folder, "base");
    must_write(folder, "vm/a.vmx", TEXT);
    must_write(folder, "vm/a.vmx.lck", "");
    must_write(folder, "vm/a.vmdk", "parentFileNameHint=\"../base/b.vmdk\"\n");
    must_write(folder, "base/b.vmdk", "RW 1 VMFS \"b-flat.vmdk\"\n");
    must_write(folder, "base/b-flat.vmdk", "");
}

static int check(struct mount *mount, const char *path, enum used_what what, char **ret_vm)
{
    struct wait wait = patience();
    struct diag diag = {0};
    return remote_check_unused(mount->remote, path, what, &wait, &diag, ret_vm);
}

static void must_know_document(struct mount *mount)
{
    struct wait wait = patience();
    DOCUMENT_AUTO *d = NULL;
    assert_int_equal(remote_document(mount->remote, "vm/a.vmx", 0, &wait, &d), 0);
}

static void relative_paths_are_resolved(void **state)
{
    (void)state;
    static const struct {
        const char *dir, *name, *path; /* NULL: there is none */
    } table[] = {
        {"", "a", "a"},
        {"x", "a", "x/a"},
        {"x/y", "../a", "x/a"},
        {"x/y", "../../a/b", "a/b"},
        {"x/y", "../../../a", NULL},
        {"x", "..", NULL},
        {"x", ".", "x"},
        {"x", ".//a/./b/", "x/a/b"},
        {"x", "a/../..a", "x/..a"},
        {"", "", NULL},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        FREE_AUTO char *path = path_resolve(table[i].dir, table[i].name);
        if (table[i].path)
            assert_string_equal(path, table[i].path);
        else
            assert_null(path);
    }
}

/* A host that says what the test wants. */
static bool told_runs(void *ctx, const char *path, const struct wait *wait, char *ret, size_t size)
{
    (void)wait;
    snprintf(ret, size, "told of %s", path);
    return *(bool *)ctx;
}

static bool told_stale(void *ctx, const char *path, const char *lock, const struct wait *wait)
{
    (void)ctx;
    (void)path;
    (void)lock;
    (void)wait;
    return true;
}

static void a_lock_goes_that_the_host_says_nobody_holds(void **state)
{
    (void)state;
    struct folder folder;
    struct mount mount;
    bool runs = true;
    const struct remote_evidence evidence = {
        .runs = told_runs, .lock_is_stale = told_stale, .ctx = &runs};
    must_make(&folder);
    must_write(&folder, "vm/.lck-00ab", "");
    must_mount(&mount, &folder, NULL);
    remote_set_evidence(mount.remote, &evidence);
    FREE_AUTO char *vm = NULL;
    assert_int_equal(check(&mount, "vm/a.vmdk", USED_FILE, &vm), -EBUSY);
    assert_string_equal(vm, "vm/a.vmx");
    FREE_AUTO char *none = NULL;
    assert_int_equal(check(&mount, "vm/a.vmx.lck", USED_FILE, &none), 0);
    assert_int_equal(check(&mount, "vm/.lck-00ab", USED_FILE, &none), 0);
    assert_null(none);
    mount_end(&mount);
    folder_remove(&folder);
}

static void must_unlock(const struct folder *folder)
{
    char path[PATH_MAX];
    assert_int_equal(unlink(file_path(folder, "vm/a.vmx.lck", path)), 0);
}

static int held(struct mount *mount, const char *path, struct diag *diag)
{
    struct wait wait = patience();
    *diag = (struct diag){0};
    return remote_check_held(mount->remote, path, &wait, diag);
}

/* Whatever "running" says, and however lately the VM was seen not to be in use. */
static void a_file_is_held_by_a_vm_that_runs(void **state)
{
    (void)state;
    struct folder folder;
    struct mount mount;
    struct diag diag;
    must_make(&folder);
    struct remote_options options = default_options(&folder);
    options.ignore_running = true;
    must_mount(&mount, &folder, &options);
    assert_int_equal(held(&mount, "vm/a.vmdk", &diag), -EBUSY);
    assert_string_equal(diag.text,
                        "the running VM vm/a.vmx holds it: the VM is in use "
                        "(a.vmx.lck); power it off to read it");
    must_unlock(&folder);
    assert_int_equal(held(&mount, "vm/a.vmdk", &diag), 0);
    must_write(&folder, "vm/a.vmx.lck", "");
    assert_int_equal(held(&mount, "vm/a.vmdk", &diag), -EBUSY);
    assert_int_equal(held(&mount, "vm/notes", &diag), 0);
    mount_end(&mount);
    folder_remove(&folder);
}

static void a_suspended_vm_holds_nothing_and_is_in_use(void **state)
{
    (void)state;
    struct folder folder;
    struct mount mount;
    struct diag diag;
    FREE_AUTO char *vm = NULL;
    must_make(&folder);
    must_unlock(&folder);
    must_write(&folder, "vm/a.vmx", TEXT "checkpoint.vmState = \"a.vmss\"\n");
    must_write(&folder, "vm/a.vmss", "");
    must_mount(&mount, &folder, NULL);
    assert_int_equal(held(&mount, "vm/a.vmdk", &diag), 0);
    assert_int_equal(check(&mount, "vm/a.vmdk", USED_FILE, &vm), -EBUSY);
    mount_end(&mount);
    folder_remove(&folder);
}

/* What is not known of is not judged: the VM lies in another folder. */
static void a_vm_in_another_folder_counts_once_it_is_known(void **state)
{
    (void)state;
    static const char *const files[] = {"base/b.vmdk", "base/b-flat.vmdk"};
    struct folder folder;
    struct mount mount;
    struct remote_options options;
    must_make(&folder);
    options = default_options(&folder);
    options.prefetch = false;
    must_mount(&mount, &folder, &options);
    for (size_t i = 0; i < 2; i++) {
        FREE_AUTO char *vm = NULL;
        assert_int_equal(check(&mount, files[i], USED_FILE, &vm), 0);
    }
    must_know_document(&mount);
    for (size_t i = 0; i < 2; i++) {
        FREE_AUTO char *vm = NULL;
        assert_int_equal(check(&mount, files[i], USED_FILE, &vm), -EBUSY);
        assert_string_equal(vm, "vm/a.vmx");
    }
    mount_end(&mount);
    folder_remove(&folder);
}

/* Another datastore by its name, say. */
static void a_name_that_leads_up_is_followed_through_links(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "scsi0:0.fileName = \"../name/b.vmdk\"\n",
        "scsi0:0.fileName = \"../vm/../name/./b.vmdk\"\n",
    };
    for (size_t i = 0; i < 2; i++) {
        struct folder folder;
        struct mount mount;
        FREE_AUTO char *vm = NULL;
        must_make(&folder);
        must_link(&folder, "base", "name");
        must_write(&folder, "vm/a.vmx", texts[i]);
        must_mount(&mount, &folder, NULL);
        must_know_document(&mount);
        assert_int_equal(check(&mount, "base/b-flat.vmdk", USED_FILE, &vm), -EBUSY);
        assert_string_equal(vm, "vm/a.vmx");
        mount_end(&mount);
        folder_remove(&folder);
    }
}

/* A folder is moved with all that is below it, or not at all. */
static void what_cannot_all_be_looked_into_stays(void **state)
{
    (void)state;
    struct folder folder;
    struct mount mount;
    char name[PATH_MAX] = "deep";
    FREE_AUTO char *vm = NULL;
    FREE_AUTO char *none = NULL;
    must_make(&folder);
    must_mkdir(&folder, "many");
    must_mkdir(&folder, name);
    for (int i = 0; i < 64; i++) {
        strcat(name, "/deep");
        must_mkdir(&folder, name);
    }
    must_mount(&mount, &folder, NULL);
    assert_int_equal(check(&mount, "deep", USED_TREE, &none), 0);
    mount_end(&mount);

    char vmx[PATH_MAX + 16];
    snprintf(vmx, sizeof(vmx), "%s/a.vmx", name);
    must_write(&folder, vmx, "");
    snprintf(vmx, sizeof(vmx), "%s/a.vmx.lck", name);
    must_write(&folder, vmx, "");
    must_mount(&mount, &folder, NULL);
    assert_int_equal(check(&mount, "deep", USED_TREE, &vm), -EBUSY);
    assert_non_null(vm);
    mount_end(&mount);

    strcat(name, "/deep");
    must_mkdir(&folder, name);
    must_mount(&mount, &folder, NULL);
    assert_int_equal(check(&mount, "deep", USED_TREE, &none), -EBUSY);
    assert_null(none);
    assert_int_equal(check(&mount, "deep", USED_FOLDER, &none), 0); /* it is not empty */
    mount_end(&mount);

    must_mount(&mount, &folder, NULL);
    for (int i = 0; i < 10000; i++) {
        snprintf(name, sizeof(name), "many/%d", i);
        must_mkdir(&folder, name);
    }
    assert_int_equal(check(&mount, "many", USED_TREE, &none), -EBUSY);
    mount_end(&mount);
    folder_remove(&folder);
}

/* False when there were fewer requests. */
static bool cut_at(enum relay_cut cut, int at)
{
    struct folder folder;
    struct mount mount;
    struct relay relay;
    FREE_AUTO char *vm = NULL;
    must_make(&folder);
    must_make_relay(&relay);
    must_mount_relay(&mount, &relay, &folder, NULL);
    must_know_document(&mount);
    relay_restart(&relay, cut, at);
    assert_int_equal(check(&mount, "base/b-flat.vmdk", USED_FILE, &vm), -EBUSY);
    mount_end_relay(&mount, &relay);
    bool reached = relay.links > 1;
    folder_remove(&folder);
    return reached;
}

static void a_lost_link_lets_nothing_through(void **state)
{
    (void)state;
    int at = 1;
    while (cut_at(RELAY_CUT_BEFORE, at) && cut_at(RELAY_CUT_AFTER, at))
        at++;
    assert_true(at > 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(relative_paths_are_resolved),
        cmocka_unit_test(a_lock_goes_that_the_host_says_nobody_holds),
        cmocka_unit_test(a_file_is_held_by_a_vm_that_runs),
        cmocka_unit_test(a_suspended_vm_holds_nothing_and_is_in_use),
        cmocka_unit_test(a_vm_in_another_folder_counts_once_it_is_known),
        cmocka_unit_test(a_name_that_leads_up_is_followed_through_links),
        cmocka_unit_test(what_cannot_all_be_looked_into_stays),
        cmocka_unit_test(a_lost_link_lets_nothing_through),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
