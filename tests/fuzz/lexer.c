/* SPDX-License-Identifier: MIT */
/* Any bytes as a document: it is kept, tiled by its extents, and a value that is set is found. */
#include <assert.h>
#include <errno.h>
#include <stdint.h>

#include "parser/document/dict.h"
#include "parser/edit/edit.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct vmx_dict *parse(struct span text)
{
    struct vmx_dict *dict = NULL;
    int r = vmx_dict_parse(text, &dict);
    assert(r == 0);
    return dict;
}

static void check_tiling(const struct vmx_dict *dict)
{
    size_t at = 0;
    for (size_t i = 0; i < vmx_dict_extents(dict); i++) {
        const struct vmx_extent *e = vmx_dict_extent(dict, i);
        assert(e->at == at && e->line.len > 0 && e->line.body_len <= e->line.len);
        assert(e->line.name_at + e->line.name_len <= e->line.body_len);
        assert(e->line.value_at + e->line.value_len <= e->line.body_len);
        at += e->line.len;
    }
    assert(at == vmx_dict_text(dict).n);
}

static void check_values(const struct vmx_dict *dict)
{
    for (size_t i = 0; i < vmx_dict_keys(dict); i++) {
        BUF_AUTO value = {0};
        size_t extent = vmx_dict_key_extent(dict, i);
        int r = vmx_dict_value(dict, extent, &value);
        assert(r == 0);
        assert(vmx_dict_value_size(dict, extent) == value.len);
        assert(vmx_dict_find(dict, vmx_dict_name(dict, extent)) == extent);
    }
}

static void check_set(const struct vmx_dict *dict, struct span key, struct span value)
{
    struct vmx_edits edits = {0};
    BUF_AUTO text = {0};
    BUF_AUTO found = {0};
    int r = vmx_edits_set(&edits, key, value);
    if (r == 0)
        r = vmx_edits_apply(&edits, dict, &text, NULL);
    vmx_edits_done(&edits);
    if (r == -EILSEQ) /* only another charset can be too small for this */
        assert(span_eq_fold(key, SPAN_LITERAL(".encoding")));
    else
        assert(r == 0);
    if (r != 0)
        return;
    struct vmx_dict *after = parse(buf_span(&text));
    check_tiling(after);
    r = vmx_dict_get(after, key, &found);
    assert(r == 0 && span_eq(buf_span(&found), value));
    assert(vmx_dict_duplicates(after) <= vmx_dict_duplicates(dict));
    vmx_dict_free(after);
}

static void check_no_edit(const struct vmx_dict *dict)
{
    const struct vmx_edits none = {0};
    BUF_AUTO text = {0};
    int r = vmx_edits_apply(&none, dict, &text, NULL);
    assert(r == 0 && span_eq(buf_span(&text), vmx_dict_text(dict)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span text = {(const char *)data, size};
    struct span value = SPAN_LITERAL("a|22\"\r\n# =\t");
    struct vmx_dict *dict = parse(text);
    assert(span_eq(vmx_dict_text(dict), text));
    check_tiling(dict);
    check_values(dict);
    check_no_edit(dict);
    check_set(dict, SPAN_LITERAL("fuzz.new"), value);
    check_set(dict, SPAN_LITERAL(".encoding"), SPAN_LITERAL("UTF-8"));
    check_set(dict, SPAN_LITERAL(".encoding"), SPAN_LITERAL("Shift_JIS"));
    if (vmx_dict_keys(dict) > 0) {
        size_t extent = vmx_dict_key_extent(dict, vmx_dict_keys(dict) / 2);
        struct span key = vmx_dict_name(dict, extent);
        if (!span_eq_fold(key, SPAN_LITERAL(".encoding")))
            check_set(dict, key, value);
    }
    vmx_dict_free(dict);
    return 0;
}
