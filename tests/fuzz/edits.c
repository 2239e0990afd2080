/* SPDX-License-Identifier: MIT */
/*
 * Two texts, parted by a line "----": a document, and what is written to its merge, or put in its
 * place as raw. What becomes of it is compared with a slow reference (reference.h): which texts are
 * refused, the settings afterwards, and every line that nobody asked to change, byte for byte.
 *
 * Texts with ".encoding" are left out: the reference knows UTF-8 only.
 */
#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#include "parser/document/dict.h"
#include "parser/edit/edit.h"
#include "parser/text/encoding.h"
#include "reference.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TEXT_MAX = 4096 }; /* the reference is slow */

static struct vmx_dict *parse(struct span text)
{
    struct vmx_dict *dict = NULL;
    int r = vmx_dict_parse(text, &dict);
    assert(r == 0);
    return dict;
}

/* A dict knows the settings that the reference finds, and counts the same faults. */
static void check_dict(const struct vmx_dict *dict, const struct ref_text *ref)
{
    size_t keys = 0;
    size_t malformed = 0;
    size_t duplicates = 0;
    for (size_t i = 0; i < ref->n; i++) {
        const struct ref_line *l = &ref->lines[i];
        malformed += l->kind == REF_MALFORMED;
        duplicates += l->kind == REF_ENTRY && ref_last(ref, l->key) != i;
        if (l->kind != REF_ENTRY || ref_last(ref, l->key) != i)
            continue;
        size_t extent = vmx_dict_key_extent(dict, keys++);
        assert(span_eq(vmx_dict_name(dict, extent), l->key));
        assert(span_eq(vmx_dict_raw_value(dict, extent), l->raw));
    }
    for (size_t i = 0; i < vmx_dict_extents(dict); i++)
        malformed -= vmx_dict_extent(dict, i)->line.kind == VMX_LINE_MALFORMED;
    assert(keys == vmx_dict_keys(dict) && malformed == 0 &&
           duplicates == vmx_dict_duplicates(dict));
}

enum fate { GONE, SET, UNTOUCHED };

static enum fate fate_of(const struct ref_text *text, size_t i, const struct ref_merge *merge)
{
    const struct ref_line *l = &text->lines[i];
    size_t edit = l->kind == REF_ENTRY ? ref_merge_find(merge, l->key) : SIZE_MAX;
    if (edit == SIZE_MAX)
        return UNTOUCHED;
    return merge->edits[edit].remove || ref_last(text, l->key) != i ? GONE : SET;
}

/* All lines but those of a key that the merge names. An empty line that has come to stand behind a
 * bare CR ends with it as one. */
static void keep_untouched(const struct ref_text *text, const struct ref_merge *merge,
                           struct ref_text *ret)
{
    enum fate fate_before = GONE;
    bool cr_before = false;
    *ret = (struct ref_text){0};
    for (size_t i = 0; i < text->n; i++) {
        const struct ref_line *l = &text->lines[i];
        const enum fate fate = fate_of(text, i, merge);
        if (fate == GONE)
            continue;
        if (cr_before && span_eq(l->whole, SPAN_LITERAL("\n"))) {
            if (fate_before == UNTOUCHED)
                ret->lines[ret->n - 1].whole = ret->lines[ret->n - 1].body;
            cr_before = false;
            continue;
        }
        if (fate == UNTOUCHED)
            ref_add(ret, *l);
        fate_before = fate;
        cr_before = l->whole.p[l->whole.n - 1] == '\r';
    }
}

static bool has_no_ending(const struct ref_text *text, const struct ref_line *l)
{
    return l->whole.n == l->body.n || l->whole.p + l->whole.n == text->all.p + text->all.n;
}

/* Whether the first line that stays begins with a U+FEFF, and is no byte order mark. */
static bool needs_shield(const struct ref_text *before, const struct ref_merge *merge)
{
    for (size_t i = 0; i < before->n; i++) {
        const struct ref_line *l = &before->lines[i];
        if (fate_of(before, i, merge) != GONE)
            return l->kind != REF_BOM && span_starts_with(l->body, SPAN_LITERAL(REF_BOM_BYTES));
    }
    return false;
}

/* The lines that nobody named are there as they were and in their order; only the last one of
 * either text may have got or lost its ending. An empty line may have come to stand before them,
 * which keeps a U+FEFF that has come to the top from being a byte order mark. */
static void check_untouched(const struct ref_text *before, const struct ref_text *after,
                            const struct ref_merge *merge)
{
    struct ref_text old;
    struct ref_text new;
    keep_untouched(before, merge, &old);
    keep_untouched(after, merge, &new);
    size_t skip = needs_shield(before, merge) ? 1 : 0;
    assert(new.n == old.n + skip);
    for (size_t i = 0; i < old.n; i++) {
        const struct ref_line *a = &old.lines[i];
        const struct ref_line *b = &new.lines[i + skip];
        assert(a->kind == b->kind && span_eq(a->body, b->body));
        if (!has_no_ending(before, a) && !has_no_ending(after, b))
            assert(span_eq(a->whole, b->whole));
    }
    ref_done(&old);
    ref_done(&new);
}

/* How many lines that are no blank ones or comments, and that nobody named, stand before a line. */
static size_t count_before(const struct ref_text *text, const struct ref_merge *merge, size_t at)
{
    size_t n = 0;
    for (size_t i = 0; i < at; i++) {
        const struct ref_line *l = &text->lines[i];
        n += l->kind == REF_MALFORMED ||
             (l->kind == REF_ENTRY && ref_merge_find(merge, l->key) == SIZE_MAX);
    }
    return n;
}

/* Two lines are the same before the key, between it and the value, and behind that. */
static void check_around(const struct ref_line *old, const struct ref_line *new)
{
    const struct ref_line *lines[] = {old, new};
    struct span parts[2][3];
    for (size_t i = 0; i < 2; i++) {
        const struct ref_line *l = lines[i];
        const char *key_end = l->key.p + l->key.n;
        const char *value = l->raw.p - l->quoted;
        const char *value_end = l->raw.p + l->raw.n + l->quoted;
        parts[i][0] = (struct span){l->body.p, (size_t)(l->key.p - l->body.p)};
        parts[i][1] = (struct span){key_end, (size_t)(value - key_end)};
        parts[i][2] = (struct span){value_end, (size_t)(l->body.p + l->body.n - value_end)};
    }
    for (size_t i = 0; i < 3; i++)
        assert(span_eq(parts[0][i], parts[1][i]));
}

/* The line that was set has the value, in quotes, and the spelling of the merge. One that was there
 * before is where it was, and is what it was around the two; a value that stays is written anew
 * only if it had no quotes. */
static void check_line(const struct ref_text *before, const struct ref_text *after,
                       const struct ref_merge *merge, const struct ref_edit *edit, size_t at)
{
    const struct ref_line *new = &after->lines[at];
    assert(span_eq(new->key, edit->key) && ref_same_value(new->raw, edit->raw) && new->quoted);
    size_t was_at = ref_last(before, edit->key);
    if (was_at == SIZE_MAX)
        return;
    const struct ref_line *old = &before->lines[was_at];
    assert(count_before(before, merge, was_at) == count_before(after, merge, at));
    check_around(old, new);
    if (old->quoted && ref_same_value(old->raw, edit->raw))
        assert(span_eq(new->raw, old->raw));
}

/* Each key of the merge has one line with its value, or none; each other key what it had. */
static void check_settings(const struct ref_text *before, const struct ref_text *after,
                           const struct ref_merge *merge)
{
    for (size_t i = 0; i < merge->n; i++) {
        const struct ref_edit *e = &merge->edits[i];
        size_t n = 0;
        size_t at = 0;
        for (size_t k = 0; k < after->n; k++) {
            if (after->lines[k].kind == REF_ENTRY && span_eq_fold(after->lines[k].key, e->key)) {
                at = k;
                n++;
            }
        }
        assert(n == (e->remove ? 0 : 1));
        if (!e->remove)
            check_line(before, after, merge, e, at);
    }
    for (size_t i = 0; i < before->n; i++) {
        const struct ref_line *l = &before->lines[i];
        if (l->kind != REF_ENTRY || ref_merge_find(merge, l->key) != SIZE_MAX)
            continue;
        size_t at = ref_last(after, l->key);
        assert(at != SIZE_MAX);
        assert(span_eq(after->lines[at].raw, before->lines[ref_last(before, l->key)].raw));
    }
}

/* A new key that would be a byte order mark at the top. */
static bool names_a_bom(const struct ref_text *before, const struct ref_merge *merge)
{
    for (size_t i = 0; i < merge->n; i++) {
        const struct ref_edit *e = &merge->edits[i];
        if (!e->remove && span_starts_with(e->key, SPAN_LITERAL(REF_BOM_BYTES)) &&
            ref_last(before, e->key) == SIZE_MAX)
            return true;
    }
    return false;
}

static void check_merge(struct span document, struct span text)
{
    struct vmx_dict *dict = parse(document);
    struct vmx_edits edits = {0};
    struct ref_text before;
    struct ref_merge merge;
    BUF_AUTO result = {0};

    ref_read(document, &before);
    check_dict(dict, &before);
    bool legal = ref_merge_read(text, &merge);
    int r = vmx_edits_parse(text, vmx_dict_charset(dict), &edits, NULL);
    assert(r == 0 || r == -EINVAL || r == -EILSEQ);
    assert(r != -EILSEQ || !vmx_ascii(text) || memchr(text.p, '|', text.n));
    assert((r == -EINVAL) == !legal || r == -EILSEQ);
    if (r == 0) {
        r = vmx_edits_apply(&edits, dict, &result, NULL);
        assert(r == 0 || (r == -EINVAL && names_a_bom(&before, &merge)));
    }
    if (r == 0) {
        struct ref_text after;
        ref_read(buf_span(&result), &after);
        check_untouched(&before, &after, &merge);
        check_settings(&before, &after, &merge);
        ref_done(&after);
    }
    vmx_edits_done(&edits);
    vmx_dict_free(dict);
    ref_merge_done(&merge);
    ref_done(&before);
}

static void check_raw(struct span document, struct span text)
{
    struct vmx_dict *old = parse(document);
    struct vmx_dict *new = parse(text);
    struct ref_text before;
    struct ref_text after;
    ref_read(document, &before);
    ref_read(text, &after);
    check_dict(new, &after);
    int r = vmx_replace_check(old, new, NULL);
    assert(r == (ref_may_replace(&before, &after) ? 0 : -EINVAL));
    BUF_AUTO rest = {0};
    r = vmx_replace_rest(old, &rest);
    assert(r == 0);
    struct vmx_dict *stands_for_old = parse(buf_span(&rest));
    assert(vmx_replace_check(stands_for_old, new, NULL) == vmx_replace_check(old, new, NULL));
    vmx_dict_free(stands_for_old);
    vmx_dict_free(new);
    vmx_dict_free(old);
    ref_done(&before);
    ref_done(&after);
}

static bool names_a_charset(struct span text)
{
    const struct span key = SPAN_LITERAL(".encoding");
    for (size_t at = 0; at + key.n <= text.n; at++) {
        if (span_eq_fold((struct span){text.p + at, key.n}, key))
            return true;
    }
    return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span document = {(const char *)data, size};
    struct span text = {NULL, 0};
    if (size > TEXT_MAX || names_a_charset(document))
        return 0;
    const char *parting = size > 0 ? memmem(document.p, document.n, "----\n", 5) : NULL;
    if (parting) {
        text = (struct span){parting + 5, document.n - (size_t)(parting - document.p) - 5};
        document.n = (size_t)(parting - document.p);
    }
    check_merge(document, text);
    check_raw(document, text);
    return 0;
}
