/* SPDX-License-Identifier: MIT */
/* What holds for any bytes, over the files of tests/data and over generated ones. */
#include "support.h"

#include <dirent.h>

#include "parser/text/encoding.h"
#include "parser/document/names.h"

#define ROUNDS 20000

typedef void (*text_check)(struct span text, uint64_t *random);

static void check_all(text_check check)
{
    uint64_t random = 42;
    DIR *dir = opendir(TEST_DATA);
    assert_non_null(dir);
    int files = 0;
    for (struct dirent *e = readdir(dir); e; e = readdir(dir)) {
        if (!span_ends_with(span_of(e->d_name), SPAN_LITERAL(".vmx")))
            continue;
        BUF_AUTO text = {0};
        read_data(e->d_name, &text);
        for (int round = 0; round < 20; round++)
            check(buf_span(&text), &random);
        files++;
    }
    closedir(dir);
    assert_true(files >= 20);
    for (int round = 0; round < ROUNDS; round++) {
        BUF_AUTO text = {0};
        random_text(&random, &text);
        check(buf_span(&text), &random);
    }
}

static void extents_tile(struct span text, uint64_t *random)
{
    (void)random;
    DICT_AUTO dict = parsed(text);
    size_t at = 0;
    for (size_t i = 0; i < vmx_dict_extents(dict); i++) {
        const struct vmx_extent *e = vmx_dict_extent(dict, i);
        assert_int_equal(e->at, at);
        assert_true(e->line.len > 0);
        assert_true(e->line.body_len <= e->line.len);
        assert_true(e->line.name_at + e->line.name_len <= e->line.body_len);
        assert_true(e->line.value_at + e->line.value_len <= e->line.body_len);
        bool last = i + 1 == vmx_dict_extents(dict);
        assert_true(e->line.body_len < e->line.len || last || e->line.kind == VMX_LINE_BOM);
        at += e->line.len;
    }
    assert_int_equal(at, text.n);
}

static void no_edit_changes_nothing(struct span text, uint64_t *random)
{
    (void)random;
    EDITS_AUTO edits = {0};
    BUF_AUTO out = {0};
    DICT_AUTO dict = parsed(text);
    assert_span(vmx_dict_text(dict), text);
    assert_int_equal(vmx_edits_apply(&edits, dict, &out, NULL), 0);
    assert_span(buf_span(&out), text);
}

static void size_is_that_of_the_value(struct span text, uint64_t *random)
{
    (void)random;
    DICT_AUTO dict = parsed(text);
    for (size_t i = 0; i < vmx_dict_extents(dict); i++) {
        if (vmx_dict_extent(dict, i)->line.kind != VMX_LINE_ENTRY)
            continue;
        BUF_AUTO value = {0};
        assert_int_equal(vmx_dict_value(dict, i, &value), 0);
        assert_int_equal(vmx_dict_value_size(dict, i), value.len);
    }
}

static void keys_are_the_last_of_their_name(struct span text, uint64_t *random)
{
    (void)random;
    DICT_AUTO dict = parsed(text);
    size_t entries = 0;
    for (size_t i = 0; i < vmx_dict_extents(dict); i++)
        entries += vmx_dict_extent(dict, i)->line.kind == VMX_LINE_ENTRY;
    assert_int_equal(entries, vmx_dict_keys(dict) + vmx_dict_duplicates(dict));
    for (size_t i = 0; i < vmx_dict_keys(dict); i++) {
        size_t extent = vmx_dict_key_extent(dict, i);
        assert_int_equal(vmx_dict_find(dict, vmx_dict_name(dict, extent)), extent);
        assert_true(i == 0 || vmx_dict_key_extent(dict, i - 1) < extent);
    }
}

/* One of the keys, SIZE_MAX if there is none or setting it is no plain edit. */
static size_t random_key(const struct vmx_dict *dict, uint64_t *random)
{
    if (vmx_dict_keys(dict) == 0 || vmx_dict_duplicates(dict) > 0)
        return SIZE_MAX;
    size_t extent = vmx_dict_key_extent(dict, next_random(random) % vmx_dict_keys(dict));
    bool charset = span_eq_fold(vmx_dict_name(dict, extent), SPAN_LITERAL(".encoding"));
    return charset ? SIZE_MAX : extent;
}

static void random_value(uint64_t *random, struct buf *ret)
{
    static const char letters[] = "ab 0|\"\n\r\t#=\\\x01\x7f";
    for (size_t n = next_random(random) % 12; n > 0; n--)
        assert_int_equal(buf_add_char(ret, letters[next_random(random) % (sizeof(letters) - 1)]),
                         0);
}

static void a_set_changes_its_values_bytes_only(struct span text, uint64_t *random)
{
    DICT_AUTO dict = parsed(text);
    size_t extent = random_key(dict, random);
    if (extent == SIZE_MAX)
        return;
    BUF_AUTO value = {0};
    BUF_AUTO out = {0};
    random_value(random, &value);
    assert_int_equal(apply_set(text, vmx_dict_name(dict, extent), buf_span(&value), &out), 0);
    struct span raw = vmx_dict_raw_value(dict, extent);
    size_t quote = vmx_dict_extent(dict, extent)->line.quoted;
    size_t before = (size_t)(raw.p - vmx_dict_text(dict).p) - quote;
    size_t after = text.n - before - raw.n - 2 * quote;
    assert_true(out.len >= before + after);
    assert_memory_equal(out.data, text.p, before);
    assert_memory_equal(out.data + out.len - after, text.p + text.n - after, after);
    DICT_AUTO again = parsed(buf_span(&out));
    assert_int_equal(vmx_dict_extents(again), vmx_dict_extents(dict));
    assert_value(again, vmx_dict_name(dict, extent), buf_span(&value));
    if (!span_eq(buf_span(&out), text))
        assert_true(vmx_dict_extent(again, extent)->line.quoted);
}

static void setting_what_is_there_changes_nothing_but_quotes(struct span text, uint64_t *random)
{
    DICT_AUTO dict = parsed(text);
    size_t extent = random_key(dict, random);
    if (extent == SIZE_MAX)
        return;
    BUF_AUTO value = {0};
    BUF_AUTO out = {0};
    assert_int_equal(vmx_dict_value(dict, extent, &value), 0);
    assert_int_equal(apply_set(text, vmx_dict_name(dict, extent), buf_span(&value), &out), 0);
    bool only = false;
    assert_int_equal(vmx_edits_only_quote(dict, buf_span(&out), &only), 0);
    assert_true(only);
    if (vmx_dict_extent(dict, extent)->line.quoted)
        assert_span(buf_span(&out), text);
}

static void a_new_key_goes_to_the_end(struct span text, uint64_t *random)
{
    BUF_AUTO out = {0};
    BUF_AUTO value = {0};
    random_value(random, &value);
    assert_int_equal(apply_set(text, SPAN_LITERAL("brand.new"), buf_span(&value), &out), 0);
    assert_true(span_starts_with(buf_span(&out), text));
    DICT_AUTO dict = parsed(buf_span(&out));
    assert_value(dict, SPAN_LITERAL("brand.new"), buf_span(&value));
    assert_int_equal(vmx_dict_find(dict, SPAN_LITERAL("brand.new")), vmx_dict_extents(dict) - 1);
}

/* A removed blank line's LF would join a lone CR before it; then the bytes cannot come back. */
static bool endings_would_join(const struct vmx_dict *dict, size_t extent)
{
    struct span text = vmx_dict_text(dict);
    const struct vmx_extent *e = vmx_dict_extent(dict, extent);
    size_t behind = e->at + e->line.len;
    return e->at > 0 && text.p[e->at - 1] == '\r' && behind < text.n && text.p[behind] == '\n';
}

static void a_removed_key_comes_back_to_its_place(struct span text, uint64_t *random)
{
    DICT_AUTO dict = parsed(text);
    size_t extent = random_key(dict, random);
    if (extent == SIZE_MAX || endings_would_join(dict, extent))
        return;
    struct span key = vmx_dict_name(dict, extent);
    struct vmx_place place;
    BUF_AUTO value = {0};
    BUF_AUTO without = {0};
    BUF_AUTO out = {0};
    EDITS_AUTO edits = {0};
    assert_int_equal(vmx_dict_value(dict, extent, &value), 0);
    assert_int_equal(vmx_place_of(dict, key, &place), 0);
    assert_int_equal(apply_remove(text, key, &without), 0);
    DICT_AUTO removed = parsed(buf_span(&without));
    assert_int_equal(vmx_dict_find(removed, key), SIZE_MAX);
    assert_int_equal(vmx_dict_keys(removed), vmx_dict_keys(dict) - 1);
    assert_int_equal(vmx_edits_set_at(&edits, key, buf_span(&value), &place), 0);
    vmx_place_done(&place);
    assert_int_equal(apply(buf_span(&without), &edits, &out), 0);
    assert_span(buf_span(&out), text);
}

static void names_of_keys_can_be_reversed(struct span text, uint64_t *random)
{
    (void)random;
    DICT_AUTO dict = parsed(text);
    for (size_t i = 0; i < vmx_dict_keys(dict); i++) {
        struct span key = vmx_dict_name(dict, vmx_dict_key_extent(dict, i));
        BUF_AUTO name = {0};
        BUF_AUTO again = {0};
        assert_int_equal(vmx_name_from_key(vmx_dict_charset(dict), key, &name), 0);
        assert_int_equal(vmx_key_from_name(vmx_dict_charset(dict), buf_span(&name), &again), 0);
        assert_span(buf_span(&again), key);
    }
}

#define PROPERTY(name)                                                                             \
    static void test_##name(void **state)                                                          \
    {                                                                                              \
        (void)state;                                                                               \
        check_all(name);                                                                           \
    }

PROPERTY(extents_tile)
PROPERTY(no_edit_changes_nothing)
PROPERTY(size_is_that_of_the_value)
PROPERTY(keys_are_the_last_of_their_name)
PROPERTY(a_set_changes_its_values_bytes_only)
PROPERTY(setting_what_is_there_changes_nothing_but_quotes)
PROPERTY(a_new_key_goes_to_the_end)
PROPERTY(a_removed_key_comes_back_to_its_place)
PROPERTY(names_of_keys_can_be_reversed)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_extents_tile),
        cmocka_unit_test(test_no_edit_changes_nothing),
        cmocka_unit_test(test_size_is_that_of_the_value),
        cmocka_unit_test(test_keys_are_the_last_of_their_name),
        cmocka_unit_test(test_a_set_changes_its_values_bytes_only),
        cmocka_unit_test(test_setting_what_is_there_changes_nothing_but_quotes),
        cmocka_unit_test(test_a_new_key_goes_to_the_end),
        cmocka_unit_test(test_a_removed_key_comes_back_to_its_place),
        cmocka_unit_test(test_names_of_keys_can_be_reversed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
