/* SPDX-License-Identifier: MIT */
/* With every allocation failing in turn: an errno, nothing half done, nothing lost. */
#include "failing.h"

#include "parser/document/names.h"
#include "parser/history/changes.h"
#include "parser/history/secret.h"
#include "parser/history/take_back.h"

static void check_failures(int (*call)(const struct vmx_dict *dict, struct buf *out))
{
    BUF_AUTO text = {0};
    until_failure = SIZE_MAX;
    read_data("shift-jis.vmx", &text);
    assert_int_equal(buf_add_str(&text, "dup = 1\nDUP = 2\nbad\n"), 0);
    check_failures_on(buf_span(&text), call);
}

static int parse(const struct vmx_dict *dict, struct buf *out)
{
    (void)out;
    struct vmx_dict *again = NULL;
    int r = vmx_dict_parse(vmx_dict_text(dict), &again);
    vmx_dict_free(again);
    return r;
}

static int get(const struct vmx_dict *dict, struct buf *out)
{
    return vmx_dict_get(dict, SPAN_LITERAL("displayName"), out);
}

static int edit(const struct vmx_dict *dict, struct buf *out)
{
    EDITS_AUTO edits = {0};
    struct vmx_place place = {0};
    int r = vmx_place_of(dict, SPAN_LITERAL("memSize"), &place);
    if (r == 0)
        r = vmx_edits_remove(&edits, SPAN_LITERAL("memSize"));
    if (r == 0)
        r = vmx_edits_set_at(&edits, SPAN_LITERAL("memSize"), SPAN_LITERAL("1"), &place);
    vmx_place_done(&place);
    if (r == 0)
        r = vmx_edits_set_spelled(&edits, SPAN_LITERAL("dup"), SPAN_LITERAL("\xe3\x83\x9d"));
    if (r == 0)
        r = vmx_edits_rename(&edits, SPAN_LITERAL("numvcpus"), SPAN_LITERAL("renamed"));
    if (r == 0)
        r = vmx_edits_set(&edits, SPAN_LITERAL(".encoding"), SPAN_LITERAL("UTF-8"));
    return r == 0 ? vmx_edits_apply(&edits, dict, out, NULL) : r;
}

static int merge(const struct vmx_dict *dict, struct buf *out)
{
    (void)out;
    EDITS_AUTO edits = {0};
    return vmx_edits_parse(SPAN_LITERAL("a = \"\xe3\x83\x9d\"\n-b\nc = 1\n-C\n"),
                           vmx_dict_charset(dict), &edits, NULL);
}

static int judge(const struct vmx_dict *dict, struct buf *out)
{
    (void)out;
    return vmx_replace_check(dict, dict, NULL);
}

static int name(const struct vmx_dict *dict, struct buf *out)
{
    (void)dict;
    BUF_AUTO name = {0};
    int r = vmx_name_from_key("CP932", SPAN_LITERAL("\x83\x7c/\xff"), &name);
    return r == 0 ? vmx_key_from_name("CP932", buf_span(&name), out) : r;
}

static int mark(void *ctx, struct span name, struct span value, uint32_t *ret)
{
    (void)ctx;
    *ret = (uint32_t)(name.n + value.n);
    return 0;
}

static const struct span secrets =
    BYTES(".encoding = \"Shift_JIS\"\na.password = x|7c\ny\n# token z\nguest\0info\n");

static int hide(const struct vmx_dict *dict, struct buf *out)
{
    (void)dict;
    return vmx_hide_secrets(secrets, mark, NULL, out);
}

static int compare(const struct vmx_dict *dict, struct buf *out)
{
    VMX_CHANGES_AUTO changes = {0};
    int r = vmx_changes_between(vmx_dict_text(dict), secrets, &changes);
    return r == 0 ? vmx_changes_subject(&changes, SPAN_LITERAL("web"), out) : r;
}

static int take_back(const struct vmx_dict *dict, struct buf *out)
{
    return vmx_take_back(vmx_dict_text(dict), SPAN_LITERAL("# a\nnew = \"1\"\nmemSize = \"1\"\n"),
                         dict, out, NULL);
}

static void parsing(void **state)
{
    (void)state;
    check_failures(parse);
}

static void reading(void **state)
{
    (void)state;
    check_failures(get);
}

static void editing(void **state)
{
    (void)state;
    check_failures(edit);
}

static void merging(void **state)
{
    (void)state;
    check_failures(merge);
}

static void judging(void **state)
{
    (void)state;
    check_failures(judge);
}

static void naming(void **state)
{
    (void)state;
    check_failures(name);
}

static void hiding(void **state)
{
    (void)state;
    check_failures(hide);
}

static void comparing(void **state)
{
    (void)state;
    check_failures(compare);
}

static void taking_back(void **state)
{
    (void)state;
    check_failures(take_back);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parsing), cmocka_unit_test(reading),   cmocka_unit_test(editing),
        cmocka_unit_test(merging), cmocka_unit_test(judging),   cmocka_unit_test(naming),
        cmocka_unit_test(hiding),  cmocka_unit_test(comparing), cmocka_unit_test(taking_back),
    };
    until_failure = SIZE_MAX;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
