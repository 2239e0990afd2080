/* SPDX-License-Identifier: MIT */
/* Creates that succeed and cannot be answered, by requests as the kernel makes them. node_take is
 * wrapped: it says that there is no memory. */
#include "kernel.h"

#include <errno.h>
#include <fcntl.h>

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

static int create(struct kernel *k, uint64_t dir, const char *name)
{
    const void *reply;
    const struct fuse_create_in in = {.flags = O_WRONLY | O_CREAT | O_TRUNC, .mode = 0100644};
    return kernel_ask(k, FUSE_CREATE, dir, (struct span){(const char *)&in, sizeof(in)},
                      kernel_name(name), &reply);
}

static int tear_down(void **state)
{
    fails = false;
    return kernel_tear_down(state);
}

static void a_setting_that_is_not_made_has_no_writer(void **state)
{
    struct kernel *k = *state;
    uint64_t vm;
    assert_int_equal(kernel_look_up(k, FUSE_ROOT_ID, "vm.vmx", &vm), 0);
    const struct node *n = (const struct node *)(uintptr_t)vm;
    fails = true;
    assert_int_equal(create(k, vm, "numvcpus"), -ENOMEM);
    fails = false;
    assert_null(n->keys);
    assert_null(k->vfs->handles);
    must_hold(&k->folder, "vm.vmx", "memSize = \"4096\"\n");
    assert_int_equal(create(k, vm, "numvcpus"), 0);
    assert_non_null(n->keys);
}

static void a_vmx_that_is_not_made_is_not_there(void **state)
{
    struct kernel *k = *state;
    uint64_t new_vm;
    fails = true;
    assert_int_equal(create(k, FUSE_ROOT_ID, "new.vmx"), -ENOMEM);
    fails = false;
    assert_null(k->vfs->handles);
    assert_int_equal(kernel_look_up(k, FUSE_ROOT_ID, "new.vmx", &new_vm), -ENOENT);
    assert_false(file_exists(&k->folder, "new.vmx"));
    assert_int_equal(create(k, FUSE_ROOT_ID, "new.vmx"), 0);
    assert_int_equal(kernel_look_up(k, FUSE_ROOT_ID, "new.vmx", &new_vm), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_setting_that_is_not_made_has_no_writer, kernel_set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_vmx_that_is_not_made_is_not_there, kernel_set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
