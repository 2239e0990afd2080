/* SPDX-License-Identifier: MIT */
/* Changes, and the renames of folders above them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

#include "base/clock.h"
#include "vfs/node/node.h"
#include "vfs/ops/rename_lock.h"

/* /a/b/file, /c/file, /a once more below .vmxfs/plain, with a file, and the link /c/to_b with what
 * it leads to. */
struct tree {
    struct vfs vfs;
    struct node root, a, b, b_file, c, c_file, vmxfs, plain, plain_a, plain_file, to_b, to_b_file;
};

static struct node named(struct node *parent, const struct node_ops *ops, char *name)
{
    return (struct node){.ops = ops, .parent = parent, .name = name};
}

static int set_up(void **state)
{
    struct tree *t = calloc(1, sizeof(*t));
    lock_init(&t->vfs.lock);
    condition_init(&t->vfs.rename_lock.moved);
    t->root = named(NULL, &dir_ops, (char[]){""});
    t->a = named(&t->root, &dir_ops, strdup("a"));
    t->b = named(&t->a, &dir_ops, strdup("b"));
    t->b_file = named(&t->b, &file_ops, strdup("file"));
    t->c = named(&t->root, &dir_ops, strdup("c"));
    t->c_file = named(&t->c, &file_ops, strdup("file"));
    t->vmxfs = named(&t->root, &folder_ops, strdup(".vmxfs"));
    t->plain = named(&t->vmxfs, &plain_dir_ops, strdup("plain"));
    t->plain_a = named(&t->plain, &dir_ops, strdup("a"));
    t->plain_file = named(&t->plain_a, &file_ops, strdup("file"));
    t->to_b = named(&t->c, &dir_ops, strdup("to_b"));
    t->to_b.target = strdup("a/b");
    t->to_b_file = named(&t->to_b, &file_ops, strdup("file"));
    *state = t;
    return 0;
}

static int tear_down(void **state)
{
    struct tree *t = *state;
    struct node *nodes[] = {&t->a,          &t->b,     &t->b_file,   &t->c,
                            &t->c_file,     &t->vmxfs, &t->plain,    &t->plain_a,
                            &t->plain_file, &t->to_b,  &t->to_b_file};
    for (size_t i = 0; i < sizeof(nodes) / sizeof(nodes[0]); i++)
        free(nodes[i]->name);
    free(t->to_b.target);
    condition_done(&t->vfs.rename_lock.moved);
    lock_done(&t->vfs.lock);
    free(t);
    return 0;
}

static struct request change_of(struct tree *t, struct node *n)
{
    return (struct request){
        .vfs = &t->vfs, .nodes = {n}, .wait = {.deadline = clock_ms() + 60 * 1000}};
}

/* A change on a thread of its own, which has to wait. */
struct other {
    struct request call;
    struct node *folder;
    int result;
    pthread_t thread;
};

static void *enter(void *ctx)
{
    struct other *o = ctx;
    o->result = rename_lock_enter(&o->call, o->folder);
    return NULL;
}

static unsigned waiting(struct tree *t)
{
    lock_take(&t->vfs.lock);
    unsigned n = t->vfs.rename_lock.waiting;
    lock_drop(&t->vfs.lock);
    return n;
}

static void must_wait(struct tree *t, struct other *o, struct node *n, struct node *folder)
{
    unsigned before = waiting(t);
    *o = (struct other){.call = change_of(t, n), .folder = folder};
    assert_int_equal(pthread_create(&o->thread, NULL, enter, o), 0);
    while (waiting(t) == before)
        sched_yield();
}

static void must_be_let_in(struct other *o)
{
    pthread_join(o->thread, NULL);
    assert_int_equal(o->result, 0);
}

static void must_enter(struct request *c, struct node *folder)
{
    assert_int_equal(rename_lock_enter(c, folder), 0);
}

/* What is not let in at once fails: its time is over. */
static void must_be_kept_out(struct tree *t, struct node *n, struct node *folder)
{
    struct request c = change_of(t, n);
    c.wait.deadline = 0;
    assert_int_equal(rename_lock_enter(&c, folder), -EIO);
}

static void changes_do_not_wait_for_each_other(void **state)
{
    struct tree *t = *state;
    struct request one = change_of(t, &t->b_file);
    struct request two = change_of(t, &t->b_file);
    must_enter(&one, NULL);
    must_enter(&two, NULL);
    rename_lock_leave(&one);
    rename_lock_leave(&two);
}

static void a_rename_waits_for_a_change_below_and_for_no_other(void **state)
{
    struct tree *t = *state;
    struct request stalled = change_of(t, &t->b_file);
    struct other rename;
    must_enter(&stalled, NULL);
    must_be_kept_out(t, &t->root, &t->a);
    struct request elsewhere = change_of(t, &t->root);
    must_enter(&elsewhere, &t->c);
    rename_lock_leave(&elsewhere);
    must_wait(t, &rename, &t->root, &t->a);
    rename_lock_leave(&stalled);
    must_be_let_in(&rename);
    rename_lock_leave(&rename.call);
}

static void writers_elsewhere_go_on_while_a_rename_waits(void **state)
{
    struct tree *t = *state;
    struct request stalled = change_of(t, &t->b_file);
    struct other rename;
    must_enter(&stalled, NULL);
    must_wait(t, &rename, &t->root, &t->a);
    struct request writer = change_of(t, &t->c_file);
    must_enter(&writer, NULL);
    rename_lock_leave(&writer);
    must_be_kept_out(t, &t->b_file, NULL);
    rename_lock_leave(&stalled);
    must_be_let_in(&rename);
    rename_lock_leave(&rename.call);
}

static void a_change_below_waits_for_the_rename(void **state)
{
    struct tree *t = *state;
    struct request rename = change_of(t, &t->root);
    struct other writer;
    must_enter(&rename, &t->a);
    must_wait(t, &writer, &t->b_file, NULL);
    rename_lock_leave(&rename);
    must_be_let_in(&writer);
    rename_lock_leave(&writer.call);
}

static void a_folder_is_one_in_both_trees(void **state)
{
    struct tree *t = *state;
    struct request rename = change_of(t, &t->root);
    must_enter(&rename, &t->a);
    must_be_kept_out(t, &t->plain_file, NULL);
    rename_lock_leave(&rename);
    struct request writer = change_of(t, &t->plain_file);
    must_enter(&writer, NULL);
    must_be_kept_out(t, &t->root, &t->a);
    rename_lock_leave(&writer);
}

static void a_folder_is_one_by_whatever_link_it_is_reached(void **state)
{
    struct tree *t = *state;
    struct request rename = change_of(t, &t->root);
    must_enter(&rename, &t->a);
    must_be_kept_out(t, &t->to_b_file, NULL);
    struct request beside = change_of(t, &t->c_file);
    must_enter(&beside, NULL);
    rename_lock_leave(&beside);
    rename_lock_leave(&rename);
    struct request writer = change_of(t, &t->to_b_file);
    must_enter(&writer, NULL);
    must_be_kept_out(t, &t->root, &t->a);
    struct request around = change_of(t, &t->root);
    must_enter(&around, &t->c); /* which takes the link along, not what it leads to */
    rename_lock_leave(&around);
    rename_lock_leave(&writer);
}

static void a_name_that_begins_alike_is_another_folder(void **state)
{
    struct tree *t = *state;
    struct request rename = change_of(t, &t->root);
    must_enter(&rename, &t->a);
    free(t->c.name);
    t->c.name = strdup("a2");
    struct request writer = change_of(t, &t->c_file);
    must_enter(&writer, NULL);
    rename_lock_leave(&writer);
    rename_lock_leave(&rename);
}

/* Who came in vain keeps nobody out. */
static void a_rename_that_gives_up_is_forgotten(void **state)
{
    struct tree *t = *state;
    struct request stalled = change_of(t, &t->b_file);
    must_enter(&stalled, NULL);
    must_be_kept_out(t, &t->root, &t->a);
    struct request writer = change_of(t, &t->b_file);
    must_enter(&writer, NULL);
    rename_lock_leave(&writer);
    rename_lock_leave(&stalled);
}

static void a_rename_into_a_folder_waits_for_its_rename(void **state)
{
    struct tree *t = *state;
    struct request rename = change_of(t, &t->root);
    struct request into = change_of(t, &t->c);
    must_enter(&rename, &t->a);
    into.nodes[1] = &t->b;
    into.wait.deadline = 0;
    assert_int_equal(rename_lock_enter(&into, NULL), -EIO);
    rename_lock_leave(&rename);
}

#define GATE_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        GATE_TEST(changes_do_not_wait_for_each_other),
        GATE_TEST(a_rename_waits_for_a_change_below_and_for_no_other),
        GATE_TEST(writers_elsewhere_go_on_while_a_rename_waits),
        GATE_TEST(a_change_below_waits_for_the_rename),
        GATE_TEST(a_folder_is_one_in_both_trees),
        GATE_TEST(a_folder_is_one_by_whatever_link_it_is_reached),
        GATE_TEST(a_name_that_begins_alike_is_another_folder),
        GATE_TEST(a_rename_that_gives_up_is_forgotten),
        GATE_TEST(a_rename_into_a_folder_waits_for_its_rename),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
