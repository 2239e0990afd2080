/* SPDX-License-Identifier: MIT */
/* A server without room, on a small filesystem that root may mount. */
#include "rig.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"

#define VMX "a.vmx"
#define TEXT "memSize = \"4096\"\n"

struct small {
    struct folder folder;
    struct mount mount;
};

/* Where it must run, not being able to is a failure. */
static void cannot(void)
{
    const char *ci = getenv("CI");
    if (ci && ci[0])
        fail_msg("a small filesystem cannot be mounted here: %s", strerror(errno));
    skip();
}

/* False: the test is to be skipped. */
static bool must_set_up(struct small *small, const char *options)
{
    must_make_folder(&small->folder);
    if (mount("none", small->folder.path, "tmpfs", MS_NOSUID | MS_NODEV, options) < 0) {
        rmdir(small->folder.path);
        return false;
    }
    must_write(&small->folder, VMX, TEXT);
    must_mount(&small->mount, &small->folder, NULL);
    return true;
}

static void tear_down(struct small *small)
{
    mount_end(&small->mount);
    umount2(small->folder.path, MNT_DETACH);
    rmdir(small->folder.path);
}

/* Fills what is left, but for the last free bytes. */
static void must_fill(const struct folder *folder, size_t size)
{
    FREE_AUTO char *filler = malloc(size + 1);
    assert_non_null(filler);
    memset(filler, 'f', size);
    filler[size] = '\0';
    must_write(folder, "filler", filler);
}

static void a_full_filesystem_is_enospc(void **state)
{
    (void)state;
    struct small small;
    static char big[100 * 1024];
    memset(big, 'x', sizeof(big) - 1);
    if (!must_set_up(&small, "size=256k")) {
        cannot();
        return;
    }
    must_fill(&small.folder, 180 * 1024);
    struct stat before = must_lstat(&small.folder, VMX);
    assert_int_equal(commit_set(&small.mount, VMX, "memSize", big), -ENOSPC);
    must_hold(&small.folder, VMX, TEXT);
    assert_int_equal(must_lstat(&small.folder, VMX).st_ino, before.st_ino);
    must_be_clean(&small.folder);
    /* What fits goes in. */
    assert_int_equal(commit_set(&small.mount, VMX, "memSize", "8192"), 0);
    must_hold(&small.folder, VMX, "memSize = \"8192\"\n");
    tear_down(&small);
}

static void a_full_filesystem_is_enospc_when_a_text_is_written_again(void **state)
{
    (void)state;
    struct small small;
    static char big[100 * 1024];
    memset(big, 'x', sizeof(big) - 1);
    if (!must_set_up(&small, "size=256k")) {
        cannot();
        return;
    }
    must_fill(&small.folder, 180 * 1024);
    assert_int_equal(commit_set(&small.mount, "new.vmx", "memSize", big), -ENOSPC);
    assert_false(file_exists(&small.folder, "new.vmx"));
    must_be_clean(&small.folder);
    tear_down(&small);
}

static void no_file_more_is_enospc(void **state)
{
    (void)state;
    struct small small;
    if (!must_set_up(&small, "size=256k,nr_inodes=3")) {
        cannot();
        return;
    }
    must_write(&small.folder, "last", "");
    assert_int_equal(commit_set(&small.mount, VMX, "memSize", "8192"), -ENOSPC);
    must_hold(&small.folder, VMX, TEXT);
    tear_down(&small);
}

static void a_read_only_filesystem_is_erofs(void **state)
{
    (void)state;
    struct small small;
    struct wait wait = patience();
    struct diag diag = {0};
    if (!must_set_up(&small, "size=256k")) {
        cannot();
        return;
    }
    assert_int_equal(mount(NULL, small.folder.path, NULL, MS_REMOUNT | MS_RDONLY, NULL), 0);
    assert_int_equal(commit_set(&small.mount, VMX, "memSize", "8192"), -EROFS);
    assert_int_equal(commit_set(&small.mount, VMX, "memSize", "4096"), 0);
    assert_int_equal(remote_remove_vmx(small.mount.remote, VMX, &wait, &diag), -EROFS);
    assert_int_equal(remote_create_vmx(small.mount.remote, "new.vmx", &wait), -EROFS);
    must_hold(&small.folder, VMX, TEXT);
    tear_down(&small);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_full_filesystem_is_enospc),
        cmocka_unit_test(a_full_filesystem_is_enospc_when_a_text_is_written_again),
        cmocka_unit_test(no_file_more_is_enospc),
        cmocka_unit_test(a_read_only_filesystem_is_erofs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
