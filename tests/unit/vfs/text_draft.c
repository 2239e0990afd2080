/* SPDX-License-Identifier: MIT */
#include "vfs/vmx/text_draft.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

enum { MAX = 16 };

/* A span, as an initializer. */
#define BYTES(s) {(s), sizeof(s) - 1}

#define TEXT_AUTO __attribute__((cleanup(text_draft_done))) struct text_draft

static void assert_holds(const struct text_draft *text, struct span bytes,
                         enum text_draft_state state)
{
    assert_int_equal(text->bytes.len, bytes.n);
    if (bytes.n > 0)
        assert_memory_equal(text->bytes.data, bytes.p, bytes.n);
    assert_int_equal(text->state, state);
}

static int write_at(struct text_draft *text, off_t offset, const char *bytes)
{
    return text_draft_write(text, offset, false, span_of(bytes), MAX);
}

static void a_new_text_is_clean_and_empty(void **state)
{
    (void)state;
    TEXT_AUTO text = {0};
    assert_holds(&text, SPAN_LITERAL(""), DRAFT_CLEAN);
    assert_false(text_draft_is_whole(&text));
}

static void loading_changes_nothing_that_is_to_be_committed(void **state)
{
    (void)state;
    TEXT_AUTO text = {0};
    assert_int_equal(text_draft_load(&text, SPAN_LITERAL("4096\n")), 0);
    assert_holds(&text, SPAN_LITERAL("4096\n"), DRAFT_CLEAN);
    assert_int_equal(text_draft_load(&text, SPAN_LITERAL("8\n")), 0);
    assert_holds(&text, SPAN_LITERAL("8\n"), DRAFT_CLEAN);
    assert_int_equal(text_draft_load(&text, (struct span){NULL, 0}), 0);
    assert_holds(&text, SPAN_LITERAL(""), DRAFT_CLEAN);
}

static void writes_go_where_they_are_told(void **state)
{
    static const struct {
        const char *loaded;
        off_t offset;
        bool append;
        const char *bytes;
        struct span result;
    } table[] = {
        {"", 0, false, "v\n", BYTES("v\n")},
        {"alpha\n", 0, false, "AL", BYTES("ALpha\n")},
        {"alpha\n", 5, false, "bet\n", BYTES("alphabet\n")},
        {"alpha\n", 6, false, "b\n", BYTES("alpha\nb\n")},
        {"alpha\n", 8, false, "b\n", BYTES("alpha\n\0\0b\n")},
        {"alpha\n", 0, true, "b\n", BYTES("alpha\nb\n")},
        {"alpha\n", 100, true, "b\n", BYTES("alpha\nb\n")},
        {"", 3, true, "b\n", BYTES("b\n")},
        {"alpha\n", 2, false, "", BYTES("alpha\n")},
        {"", 14, false, "b\n", BYTES("\0\0\0\0\0\0\0\0\0\0\0\0\0\0b\n")},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
        TEXT_AUTO text = {0};
        assert_int_equal(text_draft_load(&text, span_of(table[i].loaded)), 0);
        assert_int_equal(
            text_draft_write(&text, table[i].offset, table[i].append, span_of(table[i].bytes), MAX),
            0);
        assert_holds(&text, table[i].result, DRAFT_DIRTY);
    }
}

static void what_would_pass_the_limit_is_refused_and_changes_nothing(void **state)
{
    static const struct {
        off_t offset;
        bool append;
        const char *bytes;
    } table[] = {
        {0, false, "12345678901234567"}, {15, false, "ab"}, {17, false, ""},
        {INT64_MAX, false, "a"},         {-1, false, "a"},  {0, true, "abcdefghijk"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
        TEXT_AUTO text = {0};
        assert_int_equal(text_draft_load(&text, SPAN_LITERAL("alpha\n")), 0);
        assert_int_equal(
            text_draft_write(&text, table[i].offset, table[i].append, span_of(table[i].bytes), MAX),
            -EFBIG);
        assert_holds(&text, SPAN_LITERAL("alpha\n"), DRAFT_CLEAN);
    }
    TEXT_AUTO text = {0};
    assert_int_equal(text_draft_resize(&text, MAX + 1, MAX), -EFBIG);
    assert_int_equal(text_draft_resize(&text, -1, MAX), -EFBIG);
    assert_holds(&text, SPAN_LITERAL(""), DRAFT_CLEAN);
    assert_int_equal(text_draft_resize(&text, MAX, MAX), 0);
}

static void a_text_cut_to_nothing_waits_for_what_follows(void **state)
{
    (void)state;
    TEXT_AUTO text = {0};
    assert_int_equal(text_draft_load(&text, SPAN_LITERAL("alpha\n")), 0);
    assert_int_equal(text_draft_resize(&text, 0, MAX), 0);
    assert_holds(&text, SPAN_LITERAL(""), DRAFT_TRUNCATED);
    assert_true(text.anew);
    assert_int_equal(write_at(&text, 0, "b"), 0);
    assert_holds(&text, SPAN_LITERAL("b"), DRAFT_DIRTY);
    assert_true(text.anew);
    assert_int_equal(text_draft_resize(&text, 0, MAX), 0);
    assert_holds(&text, SPAN_LITERAL(""), DRAFT_TRUNCATED);
}

static void a_text_cut_to_a_size_is_dirty(void **state)
{
    (void)state;
    TEXT_AUTO text = {0};
    assert_int_equal(text_draft_load(&text, SPAN_LITERAL("alpha\n")), 0);
    assert_int_equal(text_draft_resize(&text, 3, MAX), 0);
    assert_holds(&text, SPAN_LITERAL("alp"), DRAFT_DIRTY);
    assert_false(text.anew);
    assert_int_equal(text_draft_resize(&text, 5, MAX), 0);
    assert_holds(&text, SPAN_LITERAL("alp\0\0"), DRAFT_DIRTY);
}

static void a_text_is_whole_when_it_ends_in_a_newline(void **state)
{
    static const struct {
        const char *bytes;
        bool whole;
    } table[] = {{"a\n", true}, {"\n", true}, {"a\nb\n", true}, {"a", false}, {"a\nb", false}};
    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
        TEXT_AUTO text = {0};
        assert_int_equal(write_at(&text, 0, table[i].bytes), 0);
        assert_int_equal(text_draft_is_whole(&text), table[i].whole);
    }
}

static void every_change_shows_in_the_version(void **state)
{
    (void)state;
    TEXT_AUTO text = {0};
    unsigned long version = text.version;
    assert_int_equal(write_at(&text, 0, "a"), 0);
    assert_int_not_equal(text.version, version);
    version = text.version;
    assert_int_equal(write_at(&text, 0, "a"), 0);
    assert_int_not_equal(text.version, version);
    version = text.version;
    assert_int_equal(text_draft_resize(&text, 1, MAX), 0);
    assert_int_not_equal(text.version, version);
    version = text.version;
    text_draft_clean(&text);
    assert_int_not_equal(text.version, version);
    assert_holds(&text, SPAN_LITERAL(""), DRAFT_CLEAN);
    assert_false(text.anew);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_text_is_clean_and_empty),
        cmocka_unit_test(loading_changes_nothing_that_is_to_be_committed),
        cmocka_unit_test(writes_go_where_they_are_told),
        cmocka_unit_test(what_would_pass_the_limit_is_refused_and_changes_nothing),
        cmocka_unit_test(a_text_cut_to_nothing_waits_for_what_follows),
        cmocka_unit_test(a_text_cut_to_a_size_is_dirty),
        cmocka_unit_test(a_text_is_whole_when_it_ends_in_a_newline),
        cmocka_unit_test(every_change_shows_in_the_version),
    };
    return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
