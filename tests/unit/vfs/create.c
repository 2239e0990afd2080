/* SPDX-License-Identifier: MIT */
/* Creates that succeed and cannot be answered, by requests as the kernel makes them. node_take is
 * wrapped: it says that there is no memory. */
#include "unit/remote/rig.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/journal.h"
#include "vfs/vmx.h"

static bool fails;

struct node *__real_node_take(struct vfs *vfs, struct node *dir, const char *name, /* NOLINT */
                              const struct found *found, bool lookup);
struct node *__wrap_node_take(struct vfs *vfs, struct node *dir, const char *name, /* NOLINT */
                              const struct found *found, bool lookup);
struct node *__wrap_node_take(struct vfs *vfs, struct node *dir, const char *name, /* NOLINT */
                              const struct found *found, bool lookup)
{
    return fails && lookup ? NULL : __real_node_take(vfs, dir, name, found, lookup);
}

struct kernel {
    struct folder folder;
    struct mount mount;
    struct journal *journal;
    struct vfs *vfs;
    struct fuse_session *session;
    uint64_t unique;
};

static struct buf answer; /* the last reply of the session */

static ssize_t take_answer(int fd, struct iovec *iov, int count, void *userdata)
{
    (void)fd;
    (void)userdata;
    buf_clear(&answer);
    for (int i = 0; i < count; i++)
        buf_add(&answer, (struct span){iov[i].iov_base, iov[i].iov_len});
    return (ssize_t)answer.len;
}

static ssize_t no_requests(int fd, void *bytes, size_t size, void *userdata)
{
    (void)fd;
    (void)bytes;
    (void)size;
    (void)userdata;
    return 0;
}

/* Makes a request. The error of its reply: 0 or -errno; what comes behind the header is at *ret. */
static int ask(struct kernel *k, uint32_t opcode, uint64_t node, struct span head, struct span rest,
               const void **ret)
{
    BUF_AUTO request = {0};
    const struct fuse_in_header header = {
        .len = (uint32_t)(sizeof(header) + head.n + rest.n),
        .opcode = opcode,
        .unique = ++k->unique,
        .nodeid = node,
        .pid = (uint32_t)getpid(),
    };
    assert_int_equal(buf_add(&request, (struct span){(const char *)&header, sizeof(header)}), 0);
    assert_int_equal(buf_add(&request, head), 0);
    assert_int_equal(buf_add(&request, rest), 0);
    const struct fuse_buf all = {.mem = request.data, .size = request.len};
    fuse_session_process_buf(k->session, &all);
    struct fuse_out_header out;
    memcpy(&out, answer.data, sizeof(out));
    assert_int_equal(out.unique, k->unique);
    *ret = answer.data + sizeof(out);
    return out.error;
}

static struct span name_of(const char *name)
{
    return (struct span){name, strlen(name) + 1};
}

static int look_up(struct kernel *k, uint64_t dir, const char *name, uint64_t *ret)
{
    const void *reply;
    struct fuse_entry_out entry;
    int r = ask(k, FUSE_LOOKUP, dir, (struct span){0}, name_of(name), &reply);
    if (r == 0) {
        memcpy(&entry, reply, sizeof(entry));
        *ret = entry.nodeid;
    }
    return r;
}

static int create(struct kernel *k, uint64_t dir, const char *name)
{
    const void *reply;
    const struct fuse_create_in in = {.flags = O_WRONLY | O_CREAT | O_TRUNC, .mode = 0100644};
    return ask(k, FUSE_CREATE, dir, (struct span){(const char *)&in, sizeof(in)}, name_of(name),
               &reply);
}

static int set_up(void **state)
{
    struct kernel *k = calloc(1, sizeof(*k));
    const struct vfs_options options = {.profile_dirs = ""};
    const struct fuse_custom_io io = {.read = no_requests, .writev = take_answer};
    char program[] = "test";
    char *words[] = {program, NULL};
    struct fuse_args args = FUSE_ARGS_INIT(1, words);
    const struct fuse_init_in init = {.major = FUSE_KERNEL_VERSION, .minor = 31};
    struct why why = {0};
    const void *reply;
    must_make_folder(&k->folder);
    must_write(&k->folder, "vm.vmx", "memSize = \"4096\"\n");
    must_mount(&k->mount, &k->folder, NULL);
    assert_int_equal(journal_new(&k->journal), 0);
    assert_int_equal(vfs_new(k->mount.remote, NULL, k->journal, &options, &k->vfs, &why), 0);
    k->session = fuse_session_new(&args, vfs_operations(), sizeof(*vfs_operations()), k->vfs);
    fuse_opt_free_args(&args);
    assert_non_null(k->session);
    assert_int_equal(fuse_session_custom_io(k->session, &io, open("/dev/null", O_RDWR)), 0);
    assert_int_equal(ask(k, FUSE_INIT, 0, (struct span){(const char *)&init, sizeof(init)},
                         (struct span){0}, &reply),
                     0);
    *state = k;
    return 0;
}

static int tear_down(void **state)
{
    struct kernel *k = *state;
    fails = false;
    fuse_session_destroy(k->session);
    vfs_free(k->vfs);
    journal_free(k->journal);
    mount_end(&k->mount);
    folder_remove(&k->folder);
    buf_done(&answer);
    free(k);
    return 0;
}

static void a_setting_that_is_not_made_has_no_writer(void **state)
{
    struct kernel *k = *state;
    uint64_t vm;
    assert_int_equal(look_up(k, FUSE_ROOT_ID, "vm.vmx", &vm), 0);
    const struct node *n = (const struct node *)(uintptr_t)vm;
    fails = true;
    assert_int_equal(create(k, vm, "numvcpus"), -ENOMEM);
    fails = false;
    assert_null(n->vmx->keys);
    assert_null(k->vfs->handles);
    must_hold(&k->folder, "vm.vmx", "memSize = \"4096\"\n");
    assert_int_equal(create(k, vm, "numvcpus"), 0);
    assert_non_null(n->vmx->keys);
}

static void a_vmx_that_is_not_made_is_not_there(void **state)
{
    struct kernel *k = *state;
    uint64_t new_vm;
    fails = true;
    assert_int_equal(create(k, FUSE_ROOT_ID, "new.vmx"), -ENOMEM);
    fails = false;
    assert_null(k->vfs->handles);
    assert_int_equal(look_up(k, FUSE_ROOT_ID, "new.vmx", &new_vm), -ENOENT);
    assert_false(file_exists(&k->folder, "new.vmx"));
    assert_int_equal(create(k, FUSE_ROOT_ID, "new.vmx"), 0);
    assert_int_equal(look_up(k, FUSE_ROOT_ID, "new.vmx", &new_vm), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_setting_that_is_not_made_has_no_writer, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_vmx_that_is_not_made_is_not_there, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
