/* SPDX-License-Identifier: MIT */
/* Scratch files: their names, their limits, and what becomes of one that is open. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include "tree.h"
#include "vfs/node/dir_names.h"
#include "vfs/vmx/scratch.h"

enum {
    ALL_MAX = 64 << 20,
    COST = 32 << 10
}; /* bytes: of all together, and of each beside its own */

static struct request by(struct tree *t)
{
    return (struct request){.vfs = &t->vfs};
}

static int put(struct tree *t, const char *name, struct span bytes)
{
    struct request rq = by(t);
    return scratch_put(&rq, t->a, name, bytes);
}

static int create(struct tree *t, const char *name)
{
    struct request rq = by(t);
    struct found found = {0};
    return scratch_create(&rq, t->a, name, 0640, &found);
}

/* What a file of this name holds; "-": there is none. */
static void must_hold(struct tree *t, const char *name, const char *text)
{
    struct request rq = by(t);
    BUF_AUTO bytes = {0};
    int r = scratch_content(&rq, t->a, name, &bytes);
    assert_string_equal(r == -ENOENT ? "-" : bytes.data ? bytes.data : "", text);
}

/* The node of a file, as the kernel looks it up. */
static struct node *look_up(struct tree *t, const char *name)
{
    struct request rq = by(t);
    struct found found = {0};
    assert_int_equal(scratch_lookup(&rq, t->a, name, &found), 0);
    return tree_take(t, t->a, name, &found);
}

static int write_at(struct tree *t, struct node *n, off_t at, const char *text)
{
    struct request rq = by(t);
    struct handle h = {.node = n};
    return scratch_ops.write(&rq, n, &h, at, span_of(text));
}

static int resize(struct tree *t, struct node *n, off_t size)
{
    struct request rq = by(t);
    const struct stat st = {.st_size = size};
    return scratch_ops.setattr(&rq, n, NULL, &st, FUSE_SET_ATTR_SIZE);
}

/* What is read of a node, and how many names it has. */
static void must_show(struct tree *t, struct node *n, const char *text, nlink_t names)
{
    struct request rq = by(t);
    BUF_AUTO bytes = {0};
    struct found found = {0};
    assert_int_equal(scratch_ops.read(&rq, n, NULL, 0, 100, &bytes), 0);
    assert_string_equal(bytes.data ? bytes.data : "", text);
    assert_int_equal(scratch_ops.getattr(&rq, n, &found), 0);
    assert_int_equal(found.st.st_size, strlen(text));
    assert_int_equal(found.st.st_nlink, names);
}

static int tear_down(void **state)
{
    struct tree *t = *state;
    scratches_remove(&t->vfs, t->a);
    return tree_tear_down(state);
}

static void names_of_editors_helpers_are_known(void **state)
{
    static const struct {
        const char *name;
        bool helper;
    } table[] = {
        {".memSize.swp", true}, {".memSize.swpx", true}, {".memSize.swo", true}, {"4913", true},
        {"memSize~", true},     {"#memSize#", true},     {".#memSize", true},    {"memSize", false},
        {".memSize", false},    {"4914", false},         {"#memSize", false},    {"a.swp", false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        assert_int_equal(scratch_is_name(table[i].name), table[i].helper);
}

static void only_a_private_file_that_is_made_to_read_and_write_is_a_helper(void **state)
{
    static const struct {
        mode_t mode;
        int flags;
        bool helper;
    } table[] = {
        {S_IFREG | 0600, O_RDWR | O_CREAT | O_EXCL, true},
        {S_IFREG | 0644, O_RDWR | O_CREAT | O_EXCL, false},
        {S_IFREG | 0600, O_WRONLY | O_CREAT | O_EXCL, false},
        {S_IFREG | 0600, O_RDWR | O_CREAT, false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        assert_int_equal(scratch_is_create(table[i].mode, table[i].flags), table[i].helper);
}

static void a_name_has_at_most_255_bytes(void **state)
{
    struct tree *t = *state;
    struct request rq = by(t);
    char name[257];
    memset(name, 'x', sizeof(name));
    name[256] = '\0';
    assert_int_equal(create(t, name), -ENAMETOOLONG);
    assert_int_equal(put(t, name, SPAN_LITERAL("a")), -ENAMETOOLONG);
    assert_int_equal(put(t, "a~", SPAN_LITERAL("a")), 0);
    assert_int_equal(scratch_rename(&rq, t->a, "a~", name), -ENAMETOOLONG);
    must_hold(t, "a~", "a");
    name[255] = '\0';
    assert_int_equal(scratch_rename(&rq, t->a, "a~", name), 0);
    must_hold(t, name, "a");
}

static void a_file_is_made_once_and_keeps_its_mode(void **state)
{
    struct tree *t = *state;
    struct request rq = by(t);
    struct found found = {0};
    assert_int_equal(create(t, "a~"), 0);
    assert_int_equal(create(t, "a~"), -EEXIST);
    assert_int_equal(scratch_lookup(&rq, t->a, "a~", &found), 0);
    assert_int_equal(found.st.st_mode, S_IFREG | 0640);
    assert_int_equal(scratch_lookup(&rq, t->b, "a~", &found), -ENOENT);
    t->vfs.options.read_only = true;
    assert_int_equal(create(t, "b~"), -EROFS);
}

static void the_number_of_all_files_is_limited(void **state)
{
    struct tree *t = *state;
    char name[32];
    for (int i = 0; i < ALL_MAX / COST; i++) {
        snprintf(name, sizeof(name), "%d~", i);
        assert_int_equal(create(t, name), 0);
    }
    assert_int_equal(create(t, "more~"), -ENOSPC);
    struct request rq = by(t);
    assert_int_equal(scratch_unlink(&rq, t->a, "0~"), 0);
    assert_int_equal(create(t, "more~"), 0);
}

static void the_bytes_of_all_files_are_limited(void **state)
{
    struct tree *t = *state;
    struct request rq = by(t);
    struct found found = {0};
    const off_t rest = ALL_MAX - 2 * COST - 1; /* "x" is in another one */
    assert_int_equal(put(t, "x~", SPAN_LITERAL("x")), 0);
    assert_int_equal(put(t, "big~", SPAN_LITERAL("")), 0);
    struct node *n = look_up(t, "big~");
    assert_int_equal(resize(t, n, rest + 1), -ENOSPC);
    assert_int_equal(resize(t, n, rest), 0);
    assert_int_equal(t->vfs.scratch_bytes, ALL_MAX);
    assert_int_equal(write_at(t, n, rest, "x"), -ENOSPC);
    assert_int_equal(write_at(t, n, rest - 1, "x"), 0);
    assert_int_equal(put(t, "x~", SPAN_LITERAL("xx")), -ENOSPC);
    must_hold(t, "x~", "x");
    assert_int_equal(scratch_symlink(&rq, t->a, ".#x", "target", &found), -ENOSPC);
    assert_int_equal(resize(t, n, rest - COST - 5), 0);
    assert_int_equal(scratch_symlink(&rq, t->a, ".#x", "target", &found), -ENOSPC);
    must_hold(t, ".#x", "-");
    assert_int_equal(scratch_symlink(&rq, t->a, ".#x", "other", &found), 0);
    node_unref(&t->vfs, n);
}

static void a_file_that_is_cut_and_filled_up_has_nuls(void **state)
{
    struct tree *t = *state;
    struct request rq = by(t);
    BUF_AUTO bytes = {0};
    assert_int_equal(put(t, "a~", SPAN_LITERAL("4096")), 0);
    struct node *n = look_up(t, "a~");
    assert_int_equal(resize(t, n, 2), 0);
    must_show(t, n, "40", 1);
    assert_int_equal(resize(t, n, 4), 0);
    assert_int_equal(scratch_content(&rq, t->a, "a~", &bytes), 0);
    assert_true(span_eq(buf_span(&bytes), SPAN_LITERAL("40\0\0")));
    assert_int_equal(scratch_ops.open(&rq, n, O_RDWR | O_TRUNC, NULL), 0);
    must_show(t, n, "", 1);
    node_unref(&t->vfs, n);
}

static void a_removed_file_is_kept_for_who_has_it_open(void **state)
{
    struct tree *t = *state;
    struct request rq = by(t);
    assert_int_equal(put(t, "a~", SPAN_LITERAL("old")), 0);
    struct node *n = look_up(t, "a~");
    assert_int_equal(scratch_unlink(&rq, t->a, "a~"), 0);
    node_detach(&t->vfs, t->a, "a~");
    assert_int_equal(scratch_unlink(&rq, t->a, "a~"), -ENOENT);
    must_hold(t, "a~", "-");
    assert_int_equal(put(t, "a~", SPAN_LITERAL("another")), 0);
    assert_int_equal(write_at(t, n, 3, "er"), 0);
    must_show(t, n, "older", 0);
    must_hold(t, "a~", "another");
    const size_t before = t->vfs.scratch_bytes;
    node_unref(&t->vfs, n);
    assert_int_equal(t->vfs.scratch_bytes, before - COST - 5);
}

static void a_removed_file_that_nobody_has_open_is_gone(void **state)
{
    struct tree *t = *state;
    struct request rq = by(t);
    assert_int_equal(put(t, "a~", SPAN_LITERAL("old")), 0);
    assert_int_equal(scratch_unlink(&rq, t->a, "a~"), 0);
    assert_int_equal(t->vfs.scratch_bytes, 0);
    assert_null(t->a->scratches);
}

static void a_file_takes_the_name_of_another_which_is_kept_for_who_has_it_open(void **state)
{
    struct tree *t = *state;
    struct request rq = by(t);
    assert_int_equal(put(t, "new~", SPAN_LITERAL("new")), 0);
    assert_int_equal(put(t, "a~", SPAN_LITERAL("old")), 0);
    struct node *n = look_up(t, "a~");
    assert_int_equal(scratch_rename(&rq, t->a, "new~", "a~"), 0);
    node_move(&t->vfs, t->a, "new~", t->a, "a~");
    node_detach(&t->vfs, t->a, "a~");
    must_hold(t, "new~", "-");
    must_hold(t, "a~", "new");
    must_show(t, n, "old", 0);
    assert_int_equal(scratch_rename(&rq, t->a, "new~", "a~"), -ENOENT);
    assert_int_equal(scratch_rename(&rq, t->a, "a~", "a~"), 0);
    must_hold(t, "a~", "new");
    node_unref(&t->vfs, n);
    assert_int_equal(t->vfs.scratch_bytes, COST + 3);
}

static void a_file_whose_bytes_are_elsewhere_is_gone_for_all(void **state)
{
    struct tree *t = *state;
    struct request rq = by(t);
    assert_int_equal(put(t, "a~", SPAN_LITERAL("old")), 0);
    struct node *n = look_up(t, "a~");
    scratch_drop(&rq, t->a, "a~");
    assert_int_equal(write_at(t, n, 0, "x"), -ENOENT);
    assert_int_equal(t->vfs.scratch_bytes, 0);
    node_unref(&t->vfs, n);
}

static void a_link_shows_its_target_and_is_listed_as_one(void **state)
{
    struct tree *t = *state;
    struct request rq = by(t);
    struct found found = {0};
    struct dir_names *names = calloc(1, sizeof(*names));
    BUF_AUTO target = {0};
    assert_non_null(names);
    assert_int_equal(scratch_symlink(&rq, t->a, ".#x", "me@here", &found), 0);
    assert_ptr_equal(found.ops, &scratch_link_ops);
    assert_int_equal(found.st.st_mode, S_IFLNK | 0777);
    assert_int_equal(scratch_symlink(&rq, t->a, ".#x", "you@there", &found), -EEXIST);
    struct node *n = look_up(t, ".#x");
    assert_int_equal(scratch_link_ops.readlink(&rq, n, &target), 0);
    assert_string_equal(target.data, "me@here");
    node_unref(&t->vfs, n);
    assert_int_equal(put(t, "a~", SPAN_LITERAL("a")), 0);
    n = look_up(t, "a~");
    assert_int_equal(put(t, "b~", SPAN_LITERAL("b")), 0);
    assert_int_equal(scratch_unlink(&rq, t->a, "a~"), 0);
    assert_int_equal(scratch_list(&rq, t->a, names), 0);
    assert_int_equal(names->n, 2);
    assert_string_equal(names->items[0].name, ".#x");
    assert_int_equal(names->items[0].type, S_IFLNK);
    assert_string_equal(names->items[1].name, "b~");
    assert_int_equal(names->items[1].type, S_IFREG);
    dir_names_free(names);
    node_unref(&t->vfs, n);
}

#define SCRATCH_TEST(name) cmocka_unit_test_setup_teardown(name, tree_set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_of_editors_helpers_are_known),
        cmocka_unit_test(only_a_private_file_that_is_made_to_read_and_write_is_a_helper),
        SCRATCH_TEST(a_name_has_at_most_255_bytes),
        SCRATCH_TEST(a_file_is_made_once_and_keeps_its_mode),
        SCRATCH_TEST(the_number_of_all_files_is_limited),
        SCRATCH_TEST(the_bytes_of_all_files_are_limited),
        SCRATCH_TEST(a_file_that_is_cut_and_filled_up_has_nuls),
        SCRATCH_TEST(a_removed_file_is_kept_for_who_has_it_open),
        SCRATCH_TEST(a_removed_file_that_nobody_has_open_is_gone),
        SCRATCH_TEST(a_file_takes_the_name_of_another_which_is_kept_for_who_has_it_open),
        SCRATCH_TEST(a_file_whose_bytes_are_elsewhere_is_gone_for_all),
        SCRATCH_TEST(a_link_shows_its_target_and_is_listed_as_one),
    };
    return cmocka_run_group_tests_name("scratch", tests, NULL, NULL);
}
