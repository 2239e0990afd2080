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
#include "remote/file/files.h"

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

/* False: the test is to be skipped. bulk: where two connections for large files go, or NULL. */
static bool must_set_up_with(struct small *small, const char *options, struct local_server *bulk)
{
    must_make_folder(&small->folder);
    if (mount("none", small->folder.path, "tmpfs", MS_NOSUID | MS_NODEV, options) < 0) {
        rmdir(small->folder.path);
        return false;
    }
    must_write(&small->folder, VMX, TEXT);
    struct remote_options o = default_options(&small->folder);
    o.connect_bulk = bulk ? local_server_connect : NULL;
    o.connect_ctx = bulk;
    o.bulk_number = 2;
    must_mount(&small->mount, &small->folder, &o);
    return true;
}

static bool must_set_up(struct small *small, const char *options)
{
    return must_set_up_with(small, options, NULL);
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
    assert_int_equal(remote_remove_vmx(small.mount.remote, VMX, NULL, &wait, &diag), -EROFS);
    assert_int_equal(remote_create_vmx(small.mount.remote, "new.vmx", NULL, &wait), -EROFS);
    must_hold(&small.folder, VMX, TEXT);
    tear_down(&small);
}

/* The data of a large file goes over connections of its own: the writer is told there, too, at the
 * latest by fsync, once. */
static void no_room_for_a_large_file_is_enospc(void **state)
{
    (void)state;
    enum { MIB = 1 << 20, STEP = 128 << 10, MOST = 60 * MIB };
    static const char bytes[STEP];
    struct small small;
    struct local_server bulk;
    struct remote_file *file;
    bool made;
    int r = 0;
    assert_int_equal(local_server_init(&bulk), 0);
    if (!must_set_up_with(&small, "size=70m", &bulk)) {
        local_server_done(&bulk);
        cannot();
        return;
    }
    must_fill(&small.folder, 40 * MIB);
    const struct wait wait = patience();
    assert_int_equal(remote_file_create(small.mount.remote, "disk", SFTP_OPEN_WRITE, 0644, false,
                                        &wait, &file, &made),
                     0);
    uint64_t at = 0;
    for (; r == 0 && at < MOST; at += STEP) {
        r = remote_file_write(file, at, false, (struct span){bytes, STEP}, &wait);
        if (at == 10 * MIB) {
            while (must_count(&small.mount, "bulk-connections") < 2)
                usleep(2000);
        }
    }
    assert_int_equal(r, -ENOSPC);
    r = remote_file_fsync(file, &wait);
    assert_true(r == 0 || r == -ENOSPC);
    assert_int_equal(remote_file_fsync(file, &wait), 0);
    remote_file_free(file);
    tear_down(&small);
    local_server_done(&bulk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_full_filesystem_is_enospc),
        cmocka_unit_test(a_full_filesystem_is_enospc_when_a_text_is_written_again),
        cmocka_unit_test(no_file_more_is_enospc),
        cmocka_unit_test(a_read_only_filesystem_is_erofs),
        cmocka_unit_test(no_room_for_a_large_file_is_enospc),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
