/* SPDX-License-Identifier: MIT */
#include "parser/next/next.h"

#include "support.h"

#define TOKEN "0123456789abcdef0123456789abcdef"
#define OTHER_TOKEN "ffffffffffffffffffffffffffffffff"

static const struct span path = BYTES("/vmfs/volumes/ds/vm/vm.vmx");
static const struct span first =
    BYTES("uuid.bios = \"56 4d\"\nmemSize = \"4096\"\nnumvcpus = \"2\"\nold = \"x\"\n");

static int add(struct vmx_next *next, struct span vmx, struct span lines)
{
    DICT_AUTO dict = parsed(vmx);
    EDITS_AUTO edits = {0};
    assert_int_equal(vmx_edits_parse(lines, vmx_dict_charset(dict), &edits, NULL), 0);
    return vmx_next_add(next, &edits, dict, SPAN_LITERAL("ada"),
                        SPAN_LITERAL("2026-11-29T10:30:05Z"), NULL);
}

static void mark(struct vmx_next *next, const char *token, struct span vmx)
{
    DICT_AUTO dict = parsed(vmx);
    assert_int_equal(vmx_next_mark(next, span_of(token), path, dict), 0);
}

/* The states of all lines, a letter each. */
static void assert_states(const struct vmx_next *next, struct span vmx, const char *want)
{
    DICT_AUTO dict = parsed(vmx);
    BUF_AUTO got = {0};
    for (size_t i = 0; i < next->n; i++) {
        enum vmx_next_state state;
        assert_int_equal(vmx_next_state(next, i, dict, &state), 0);
        assert_int_equal(buf_add_char(&got, "DWC"[state]), 0);
    }
    assert_span(buf_span(&got), span_of(want));
}

/* What applying makes of the text. */
static void apply_next(const struct vmx_next *next, struct span vmx, struct buf *ret)
{
    DICT_AUTO dict = parsed(vmx);
    EDITS_AUTO edits = {0};
    assert_int_equal(vmx_next_edits(next, dict, &edits), 0);
    assert_int_equal(vmx_edits_apply(&edits, dict, ret, NULL), 0);
}

static void what_is_written_is_read(void **state)
{
    (void)state;
    NEXT_AUTO next = {0};
    NEXT_AUTO again = {0};
    BUF_AUTO text = {0};
    BUF_AUTO text_again = {0};
    assert_int_equal(
        add(&next, first, SPAN_LITERAL("memSize = \"8192\"\n-old\nnew = \"|22a|0Ab\"\n")), 0);
    mark(&next, TOKEN, first);
    assert_int_equal(vmx_next_write(&next, &text), 0);
    assert_true(span_starts_with(buf_span(&text), SPAN_LITERAL("token = \"" TOKEN "\"\n")));
    assert_int_equal(vmx_next_read(buf_span(&text), &again), 0);
    assert_int_equal(again.n, 3);
    assert_int_equal(vmx_next_write(&again, &text_again), 0);
    assert_span(buf_span(&text_again), buf_span(&text));
    assert_true(again.lines[0].sets && again.lines[0].had);
    assert_true(again.lines[1].sets && !again.lines[1].had);
    assert_true(!again.lines[2].sets && again.lines[2].had);
    assert_span(buf_span(&again.lines[1].value), SPAN_LITERAL("\"a\nb"));
    assert_span(buf_span(&again.lines[0].was), SPAN_LITERAL("4096"));
}

static void what_is_no_such_file_is_refused(void **state)
{
    (void)state;
#define HEAD "token = \"" TOKEN "\"\npath = \"/p\"\nuuid.bios = \"\"\n"
    static const struct span rows[] = {
        BYTES(""),
        BYTES("hello\n"),
        BYTES(HEAD),
        BYTES("token = \"zz\"\npath = \"/p\"\nuuid.bios = \"\"\n1.key = \"a\"\n"),
        BYTES(HEAD "1.key = \"a\"\n1.value = \"b\"\n"),
        BYTES(HEAD "1.key = \"\"\n1.who = \"a\"\n1.when = \"b\"\n"),
        BYTES(HEAD "2.key = \"a\"\n2.who = \"a\"\n2.when = \"b\"\n"),
        BYTES("path = \"/p\"\nuuid.bios = \"\"\n1.key = \"a\"\n1.who = \"a\"\n1.when = \"b\"\n"),
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct vmx_next next = {0};
        assert_int_equal(vmx_next_read(rows[i], &next), -EBADMSG);
        assert_int_equal(next.n, 0);
    }
}

static void random_bytes_do_no_harm(void **state)
{
    (void)state;
    uint64_t seed = 7;
    for (int i = 0; i < 2000; i++) {
        BUF_AUTO text = {0};
        NEXT_AUTO next = {0};
        assert_int_equal(buf_add_str(&text, i % 2 ? HEAD "1.key = \"a\"\n1.who = \"" : ""), 0);
        random_text(&seed, &text);
        int r = vmx_next_read(buf_span(&text), &next);
        assert_true(r == 0 || r == -EBADMSG);
    }
}

static void a_line_of_the_same_key_goes(void **state)
{
    (void)state;
    NEXT_AUTO next = {0};
    assert_int_equal(add(&next, first, SPAN_LITERAL("memSize = \"8192\"\nnumvcpus = \"4\"\n")), 0);
    assert_int_equal(add(&next, first, SPAN_LITERAL("memSize = \"16384\"\n")), 0);
    assert_int_equal(next.n, 2);
    assert_span(buf_span(&next.lines[1].value), SPAN_LITERAL("16384"));
}

static void a_line_that_wants_what_is_there_is_none(void **state)
{
    (void)state;
    NEXT_AUTO next = {0};
    assert_int_equal(add(&next, first, SPAN_LITERAL("memSize = \"8192\"\n-missing\n")), 0);
    assert_int_equal(next.n, 1);
    assert_int_equal(add(&next, first, SPAN_LITERAL("memSize = \"4096\"\n")), 0);
    assert_int_equal(next.n, 0);
}

static void another_spelling_is_a_change(void **state)
{
    (void)state;
    NEXT_AUTO next = {0};
    BUF_AUTO text = {0};
    assert_int_equal(
        add(&next, SPAN_LITERAL("memsize = \"4096\"\n"), SPAN_LITERAL("memSize = \"4096\"\n")), 0);
    assert_states(&next, SPAN_LITERAL("memsize = \"4096\"\n"), "W");
    mark(&next, TOKEN, first);
    apply_next(&next, SPAN_LITERAL("memsize = \"4096\"\n"), &text);
    assert_span(buf_span(&text), SPAN_LITERAL("memSize = \"4096\"\nvmxfs.next = \"" TOKEN "\"\n"));
    assert_states(&next, buf_span(&text), "D");
}

static void the_record_of_the_token_cannot_wait(void **state)
{
    (void)state;
    NEXT_AUTO next = {0};
    assert_int_equal(add(&next, first, SPAN_LITERAL("VMXFS.next = \"x\"\n")), -EINVAL);
    assert_int_equal(next.n, 0);
}

static void lines_are_applied_to_the_value_that_they_replace(void **state)
{
    (void)state;
    NEXT_AUTO next = {0};
    BUF_AUTO text = {0};
    assert_int_equal(
        add(&next, first, SPAN_LITERAL("memSize = \"8192\"\nnumvcpus = \"4\"\n-old\nn = \"1\"\n")),
        0);
    mark(&next, TOKEN, first);
    assert_states(&next, first, "WWWW");
    struct span now = SPAN_LITERAL("memSize = \"4096\"\nnumvcpus = \"6\"\nold = \"y\"\n");
    assert_states(&next, now, "WCWC");
    apply_next(&next, now, &text);
    assert_span(buf_span(&text),
                SPAN_LITERAL("memSize = \"8192\"\nnumvcpus = \"6\"\nold = \"y\"\nn = \"1\"\n"
                             "vmxfs.next = \"" TOKEN " 2,4\"\n"));
    assert_states(&next, buf_span(&text), "DCDC");
}

/* Whoever applied them ended before the file was gone, and somebody set the values back since. */
static void what_was_applied_is_not_applied_again(void **state)
{
    (void)state;
    NEXT_AUTO next = {0};
    BUF_AUTO text = {0};
    assert_int_equal(add(&next, first, SPAN_LITERAL("memSize = \"8192\"\nnumvcpus = \"4\"\n")), 0);
    mark(&next, TOKEN, first);
    assert_states(
        &next, SPAN_LITERAL("memSize = \"4096\"\nnumvcpus = \"2\"\nvmxfs.next = \"" TOKEN "\"\n"),
        "DD");
    assert_states(
        &next, SPAN_LITERAL("memSize = \"4096\"\nnumvcpus = \"2\"\nvmxfs.next = \"" TOKEN " 2\"\n"),
        "DW");
    assert_states(
        &next,
        SPAN_LITERAL("memSize = \"4096\"\nnumvcpus = \"2\"\nvmxfs.next = \"" OTHER_TOKEN "\"\n"),
        "WW");
    struct span applied = SPAN_LITERAL("memSize = \"4096\"\nvmxfs.next = \"" TOKEN "\"\n");
    apply_next(&next, applied, &text);
    assert_span(buf_span(&text), applied);
}

static void a_removal_of_what_is_gone_is_done(void **state)
{
    (void)state;
    NEXT_AUTO next = {0};
    assert_int_equal(add(&next, first, SPAN_LITERAL("-old\n")), 0);
    mark(&next, TOKEN, first);
    assert_states(&next, SPAN_LITERAL("memSize = \"4096\"\n"), "D");
}

static void a_value_that_means_the_same_has_not_changed(void **state)
{
    (void)state;
    NEXT_AUTO next = {0};
    assert_int_equal(
        add(&next, SPAN_LITERAL("a.present = \"true\"\n"), SPAN_LITERAL("a.present = \"FALSE\"\n")),
        0);
    mark(&next, TOKEN, first);
    assert_states(&next, SPAN_LITERAL("a.present = \"TRUE\"\n"), "W");
}

static void lines_that_are_done_are_left_out(void **state)
{
    (void)state;
    NEXT_AUTO next = {0};
    struct span now = SPAN_LITERAL("memSize = \"8192\"\nnumvcpus = \"6\"\nold = \"x\"\n");
    DICT_AUTO dict = parsed(now);
    size_t n = 0;
    assert_int_equal(add(&next, first, SPAN_LITERAL("memSize = \"8192\"\nnumvcpus = \"4\"\n-old")),
                     0);
    mark(&next, TOKEN, first);
    assert_int_equal(vmx_next_tidy(&next, dict), 0);
    assert_states(&next, now, "CW");
    assert_int_equal(vmx_next_count(&next, dict, VMX_NEXT_CHANGED, &n), 0);
    assert_int_equal(n, 1);
    /* The list can grow again. */
    assert_int_equal(add(&next, now, SPAN_LITERAL("a = \"1\"\nb = \"1\"\nc = \"1\"\n")), 0);
    assert_states(&next, now, "CWWWW");
}

static void it_is_of_one_vm_in_one_place(void **state)
{
    (void)state;
    NEXT_AUTO next = {0};
    NEXT_AUTO bare = {0};
    DICT_AUTO same = parsed(first);
    DICT_AUTO other = parsed(SPAN_LITERAL("uuid.bios = \"56 4e\"\n"));
    DICT_AUTO none = parsed(SPAN_LITERAL("memSize = \"4\"\n"));
    mark(&next, TOKEN, first);
    assert_true(vmx_next_is_of(&next, path, same));
    assert_false(vmx_next_is_of(&next, SPAN_LITERAL("/vmfs/volumes/ds/copy/vm.vmx"), same));
    assert_false(vmx_next_is_of(&next, path, other));
    assert_false(vmx_next_is_of(&next, path, none));
    mark(&bare, TOKEN, SPAN_LITERAL("memSize = \"4\"\n"));
    assert_true(vmx_next_is_of(&bare, path, same)); /* it was powered on for the first time */
}

static void a_charset_that_cannot_hold_a_line_leaves_it(void **state)
{
    (void)state;
    NEXT_AUTO next = {0};
    assert_int_equal(add(&next, first, SPAN_LITERAL("annotation = \"\xe3\x83\x9d\"\n")), 0);
    mark(&next, TOKEN, first);
    assert_states(&next, first, "W");
    assert_states(&next, SPAN_LITERAL(".encoding = \"windows-1252\"\n"), "C");
    assert_states(&next, SPAN_LITERAL(".encoding = \"Shift_JIS\"\n"), "W");
}

static void what_is_shown_can_be_merged(void **state)
{
    (void)state;
    NEXT_AUTO next = {0};
    BUF_AUTO text = {0};
    EDITS_AUTO edits = {0};
    DICT_AUTO dict = parsed(SPAN_LITERAL("memSize = \"6144\"\nold = \"x\"\n"));
    assert_int_equal(add(&next, first, SPAN_LITERAL("memSize = \"8192\"\n-old\nn = \"1\t2\"\n")),
                     0);
    mark(&next, TOKEN, first);
    assert_int_equal(vmx_next_show(&next, dict, &text), 0);
    assert_span(
        buf_span(&text),
        SPAN_LITERAL(
            "memSize = \"8192\"  # pending: 2026-11-29T10:30:05Z by ada, it was in place of "
            "\"4096\", which has changed since\n"
            "n = \"1|092\"  # waits: 2026-11-29T10:30:05Z by ada, in place of nothing\n"
            "-old  # waits: 2026-11-29T10:30:05Z by ada, in place of \"x\"\n"));
    assert_int_equal(vmx_edits_parse(buf_span(&text), "UTF-8", &edits, NULL), 0);
    assert_int_equal(edits.n, 3);
    assert_span(buf_span(&edits.items[1].value), SPAN_LITERAL("1\t2"));
}

static void names_are_told(void **state)
{
    (void)state;
    NEXT_AUTO next = {0};
    BUF_AUTO names = {0};
    DICT_AUTO dict = parsed(first);
    assert_int_equal(add(&next, first, SPAN_LITERAL("memSize = \"8192\"\n-old\n")), 0);
    mark(&next, TOKEN, first);
    assert_int_equal(vmx_next_names(&next, dict, VMX_NEXT_WAITS, &names), 0);
    assert_span(buf_span(&names), SPAN_LITERAL("memSize, old"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(what_is_no_such_file_is_refused),
        cmocka_unit_test(random_bytes_do_no_harm),
        cmocka_unit_test(a_line_of_the_same_key_goes),
        cmocka_unit_test(a_line_that_wants_what_is_there_is_none),
        cmocka_unit_test(another_spelling_is_a_change),
        cmocka_unit_test(the_record_of_the_token_cannot_wait),
        cmocka_unit_test(lines_are_applied_to_the_value_that_they_replace),
        cmocka_unit_test(what_was_applied_is_not_applied_again),
        cmocka_unit_test(a_removal_of_what_is_gone_is_done),
        cmocka_unit_test(a_value_that_means_the_same_has_not_changed),
        cmocka_unit_test(lines_that_are_done_are_left_out),
        cmocka_unit_test(it_is_of_one_vm_in_one_place),
        cmocka_unit_test(a_charset_that_cannot_hold_a_line_leaves_it),
        cmocka_unit_test(what_is_shown_can_be_merged),
        cmocka_unit_test(names_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
