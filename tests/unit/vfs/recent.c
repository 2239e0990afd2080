/* SPDX-License-Identifier: MIT */
/* What was a moment ago. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "tree.h"
#include "vfs/recent.h"

#define NO_NAME ((struct span){0})
#define NO_DETAIL ((struct recent_detail){0})

static struct node *take(struct tree *t, const char *name)
{
    const struct found found = {.ops = &vmx_dir_ops};
    return tree_take(t, &t->root, name, &found);
}

static void note(struct tree *t, enum recent_kind kind, struct node *n, struct span name,
                 struct recent_detail detail)
{
    lock_take(&t->vfs.lock);
    recent_note(&t->vfs, kind, n, name, detail);
    lock_drop(&t->vfs.lock);
}

static bool is_hidden(struct tree *t, struct node *n, const char *key)
{
    return recent_is(&t->vfs, RECENT_HIDDEN, n, span_of(key));
}

static void hide(struct tree *t, struct node *n, const char *key)
{
    note(t, RECENT_HIDDEN, n, span_of(key), NO_DETAIL);
}

static void a_thing_is_remembered_for_the_time_of_its_kind(void **state)
{
    struct tree *t = *state;
    static const struct {
        enum recent_kind kind;
        int64_t ms;
    } kinds[] = {
        {RECENT_REMOVED_LINE, 10000}, {RECENT_HIDDEN, 10000}, {RECENT_MADE, 2000},
        {RECENT_WRITTEN, 5000},       {RECENT_READ, 10000},   {RECENT_REMOVED_VMX, 10000},
        {RECENT_REFUSED, 60000},
    };
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        assert_false(recent_is(&t->vfs, kinds[i].kind, t->a, NO_NAME));
        note(t, kinds[i].kind, t->a, NO_NAME, NO_DETAIL);
        tree_now += kinds[i].ms - 1;
        assert_true(recent_is(&t->vfs, kinds[i].kind, t->a, NO_NAME));
        tree_now++;
        assert_false(recent_is(&t->vfs, kinds[i].kind, t->a, NO_NAME));
    }
}

static void what_lasts_longer_does_not_keep_what_is_over(void **state)
{
    struct tree *t = *state;
    hide(t, t->a, "memSize");
    note(t, RECENT_MADE, t->a, NO_NAME, NO_DETAIL);
    tree_now += 2000;
    assert_true(is_hidden(t, t->a, "memSize"));
    assert_false(recent_is(&t->vfs, RECENT_MADE, t->a, NO_NAME));
}

static void what_is_noted_again_takes_the_place_of_what_was(void **state)
{
    struct tree *t = *state;
    const struct span key = span_of("memSize");
    for (size_t i = 1; i <= 2; i++) {
        struct recent_detail detail = {.place.skip = i};
        assert_int_equal(buf_add_str(&detail.place.line, "memSize = \"4096\"\n"), 0);
        note(t, RECENT_REMOVED_LINE, t->a, key, detail);
        assert_int_equal(t->a->refs, 2);
        tree_now += 6000;
    }
    lock_take(&t->vfs.lock);
    const struct recent_detail *found = recent_find(&t->vfs, RECENT_REMOVED_LINE, t->a, key);
    assert_non_null(found);
    assert_int_equal(found->place.skip, 2);
    assert_string_equal(found->place.line.data, "memSize = \"4096\"\n");
    recent_forget(&t->vfs, RECENT_REMOVED_LINE, t->a, key);
    assert_null(t->vfs.recent);
    lock_drop(&t->vfs.lock);
}

static void keys_are_known_in_any_spelling_and_paths_in_one(void **state)
{
    struct tree *t = *state;
    hide(t, t->a, "memSize");
    assert_true(is_hidden(t, t->a, "MEMSIZE"));
    assert_false(is_hidden(t, t->a, "memSiz"));
    assert_false(is_hidden(t, t->b, "memSize"));
    assert_false(recent_is(&t->vfs, RECENT_REMOVED_LINE, t->a, span_of("memSize")));
    note(t, RECENT_REMOVED_VMX, NULL, span_of("vm/vm.vmx"), NO_DETAIL);
    assert_true(recent_is(&t->vfs, RECENT_REMOVED_VMX, NULL, span_of("vm/vm.vmx")));
    assert_false(recent_is(&t->vfs, RECENT_REMOVED_VMX, NULL, span_of("vm/VM.vmx")));
}

static void what_is_forgotten_is_not_remembered(void **state)
{
    struct tree *t = *state;
    hide(t, t->a, "memSize");
    hide(t, t->a, "numvcpus");
    lock_take(&t->vfs.lock);
    recent_forget(&t->vfs, RECENT_HIDDEN, t->a, span_of("MemSize"));
    recent_forget(&t->vfs, RECENT_HIDDEN, t->a, span_of("other"));
    lock_drop(&t->vfs.lock);
    assert_false(is_hidden(t, t->a, "memSize"));
    assert_true(is_hidden(t, t->a, "numvcpus"));
}

static void of_too_much_the_newest_is_remembered(void **state)
{
    struct tree *t = *state;
    enum { KEYS = 100 * 1000 };
    char name[32];
    int first = KEYS;
    for (int i = 0; i < KEYS; i++) {
        snprintf(name, sizeof(name), "key%d", i);
        hide(t, t->a, name);
        assert_true(t->vfs.recent_bytes <= RECENT_BYTES_MAX);
    }
    for (int i = KEYS; i-- > 0;) {
        snprintf(name, sizeof(name), "key%d", i);
        if (is_hidden(t, t->a, name)) {
            assert_int_equal(first, i + 1);
            first = i;
        }
    }
    assert_true(first > 0 && first < KEYS - 1000);
    assert_int_equal(t->a->refs, 1 + KEYS - first);
}

static void what_is_too_large_is_remembered_until_the_next(void **state)
{
    struct tree *t = *state;
    struct recent_detail detail = {0};
    assert_int_equal(buf_reserve(&detail.rest, 2 * RECENT_BYTES_MAX), 0);
    hide(t, t->a, "memSize");
    note(t, RECENT_REMOVED_VMX, NULL, span_of("vm.vmx"), detail);
    assert_false(is_hidden(t, t->a, "memSize"));
    assert_true(recent_is(&t->vfs, RECENT_REMOVED_VMX, NULL, span_of("vm.vmx")));
    hide(t, t->a, "memSize");
    assert_true(is_hidden(t, t->a, "memSize"));
    assert_false(recent_is(&t->vfs, RECENT_REMOVED_VMX, NULL, span_of("vm.vmx")));
}

static void a_node_stays_while_something_is_remembered_of_it(void **state)
{
    struct tree *t = *state;
    struct node *n = take(t, "c.vmx");
    hide(t, n, "memSize");
    node_unref(&t->vfs, n);
    assert_ptr_equal(take(t, "c.vmx"), n);
    assert_true(is_hidden(t, n, "memSize"));
    node_unref(&t->vfs, n);
    const unsigned nodes = HASH_COUNT(t->vfs.nodes);
    tree_now += 10000;
    assert_false(is_hidden(t, t->a, "memSize"));
    assert_int_equal(HASH_COUNT(t->vfs.nodes), nodes - 1);
}

static void what_is_remembered_goes_along_when_the_node_is_renamed(void **state)
{
    struct tree *t = *state;
    hide(t, t->a, "memSize");
    node_move(&t->vfs, &t->root, "a.vmx", &t->root, "new.vmx");
    struct node *again = take(t, "a.vmx");
    struct node *moved = take(t, "new.vmx");
    assert_true(is_hidden(t, moved, "memSize"));
    assert_false(is_hidden(t, again, "memSize"));
    node_unref(&t->vfs, again);
    node_unref(&t->vfs, moved);
}

#define RECENT_TEST(name) cmocka_unit_test_setup_teardown(name, tree_set_up, tree_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RECENT_TEST(a_thing_is_remembered_for_the_time_of_its_kind),
        RECENT_TEST(what_lasts_longer_does_not_keep_what_is_over),
        RECENT_TEST(what_is_noted_again_takes_the_place_of_what_was),
        RECENT_TEST(keys_are_known_in_any_spelling_and_paths_in_one),
        RECENT_TEST(what_is_forgotten_is_not_remembered),
        RECENT_TEST(of_too_much_the_newest_is_remembered),
        RECENT_TEST(what_is_too_large_is_remembered_until_the_next),
        RECENT_TEST(a_node_stays_while_something_is_remembered_of_it),
        RECENT_TEST(what_is_remembered_goes_along_when_the_node_is_renamed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
