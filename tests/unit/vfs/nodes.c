/* SPDX-License-Identifier: MIT */
/* What nodes hold on to, and for how long. */
#include "kernel.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/cleanup.h"

static void must_rename(struct kernel *k, uint64_t dir, const char *name, uint64_t new_dir,
                        const char *new_name)
{
    BUF_AUTO names = {0};
    const void *reply;
    const struct fuse_rename_in in = {.newdir = new_dir};
    assert_int_equal(buf_add(&names, kernel_name(name)), 0);
    assert_int_equal(buf_add(&names, kernel_name(new_name)), 0);
    assert_int_equal(kernel_ask(k, FUSE_RENAME, dir, (struct span){(const char *)&in, sizeof(in)},
                                buf_span(&names), &reply),
                     0);
}

static void nothing_is_kept_of_former_names(void **state)
{
    struct kernel *k = *state;
    uint64_t notes;
    must_write(&k->folder, "notes", "text\n");
    assert_int_equal(kernel_look_up(k, FUSE_ROOT_ID, "notes", &notes), 0);
    unsigned refs = k->vfs->root->refs;
    for (int i = 0; i < 20; i++) {
        must_rename(k, FUSE_ROOT_ID, "notes", FUSE_ROOT_ID, "other");
        must_rename(k, FUSE_ROOT_ID, "other", FUSE_ROOT_ID, "notes");
    }
    assert_int_equal(k->vfs->root->refs, refs);
}

static void a_folder_goes_though_what_was_in_it_stays(void **state)
{
    struct kernel *k = *state;
    uint64_t from;
    uint64_t to;
    uint64_t file;
    must_mkdir(&k->folder, "from");
    must_mkdir(&k->folder, "to");
    must_write(&k->folder, "from/file", "text\n");
    assert_int_equal(kernel_look_up(k, FUSE_ROOT_ID, "from", &from), 0);
    assert_int_equal(kernel_look_up(k, FUSE_ROOT_ID, "to", &to), 0);
    assert_int_equal(kernel_look_up(k, from, "file", &file), 0);
    must_rename(k, from, "file", to, "file");
    unsigned nodes = HASH_COUNT(k->vfs->nodes);
    kernel_forget(k, from, 1);
    assert_int_equal(HASH_COUNT(k->vfs->nodes), nodes - 1);
    FREE_AUTO char *path = node_path(k->vfs, (struct node *)(uintptr_t)file);
    assert_string_equal(path, "to/file");
}

struct reader {
    struct vfs *vfs;
    struct node *node;
    atomic_bool stop;
    pthread_t thread;
};

static void *read_names(void *ctx)
{
    struct reader *r = ctx;
    while (!atomic_load(&r->stop)) {
        free(node_name(r->vfs, r->node));
        free(node_path(r->vfs, r->node));
    }
    return NULL;
}

static void a_name_is_read_whole_while_it_changes(void **state)
{
    struct kernel *k = *state;
    uint64_t notes;
    struct node *root = k->vfs->root;
    must_write(&k->folder, "notes", "text\n");
    assert_int_equal(kernel_look_up(k, FUSE_ROOT_ID, "notes", &notes), 0);
    struct reader r = {k->vfs, (struct node *)(uintptr_t)notes, false, 0};
    assert_int_equal(pthread_create(&r.thread, NULL, read_names, &r), 0);
    for (int i = 0; i < 20000; i++) {
        node_move(k->vfs, root, i % 2 ? "a-longer-name" : "notes", root,
                  i % 2 ? "notes" : "a-longer-name");
        FREE_AUTO char *name = node_name(k->vfs, r.node);
        assert_string_equal(name, i % 2 ? "notes" : "a-longer-name");
    }
    atomic_store(&r.stop, true);
    assert_int_equal(pthread_join(r.thread, NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nothing_is_kept_of_former_names, kernel_set_up,
                                        kernel_tear_down),
        cmocka_unit_test_setup_teardown(a_folder_goes_though_what_was_in_it_stays, kernel_set_up,
                                        kernel_tear_down),
        cmocka_unit_test_setup_teardown(a_name_is_read_whole_while_it_changes, kernel_set_up,
                                        kernel_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
