/* SPDX-License-Identifier: MIT */
#include "foreign_edit.h"

#include "parser/document/secret_name.h"
#include "parser/edit/edit.h"
#include "remote/notes.h"

static struct span nth_key(const struct vmx_dict *dict, size_t nth)
{
    return vmx_dict_name(dict, vmx_dict_key_extent(dict, nth));
}

static bool has(const struct vmx_dict *dict, struct span key)
{
    return vmx_dict_find(dict, key) != SIZE_MAX;
}

static bool same_value(const struct vmx_dict *a, const struct vmx_dict *b, struct span key)
{
    BUF_AUTO in_a = {0};
    BUF_AUTO in_b = {0};
    int a_r = vmx_dict_get(a, key, &in_a);
    int b_r = vmx_dict_get(b, key, &in_b);
    return a_r == b_r && (a_r < 0 || span_eq(buf_span(&in_a), buf_span(&in_b)));
}

static int add_set(const struct vmx_dict *to, struct span key, struct vmx_edits *edits)
{
    BUF_AUTO value = {0};
    return vmx_dict_get(to, key, &value) ?: vmx_edits_set(edits, key, buf_span(&value));
}

/* The settings that differ, as edits, but those that also differ between from and stays (which may
 * be NULL). */
static int edits_between(const struct vmx_dict *from, const struct vmx_dict *to,
                         const struct vmx_dict *stays, struct vmx_edits *edits)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < vmx_dict_keys(to); i++) {
        struct span key = nth_key(to, i);
        if (!same_value(from, to, key) && (!stays || same_value(from, stays, key)))
            r = add_set(to, key, edits);
    }
    for (size_t i = 0; r == 0 && i < vmx_dict_keys(from); i++) {
        struct span key = nth_key(from, i);
        if (!has(to, key) && (!stays || same_value(from, stays, key)))
            r = vmx_edits_remove(edits, key);
    }
    return r;
}

/* Appends onto with what was changed from one text to the other. */
static int carry(const struct vmx_dict *from, const struct vmx_dict *to,
                 const struct vmx_dict *stays, const struct vmx_dict *onto, struct buf *ret)
{
    struct vmx_edits edits = {0};
    int r = edits_between(from, to, stays, &edits) ?: vmx_edits_apply(&edits, onto, ret, NULL);
    vmx_edits_done(&edits);
    return r;
}

/* Whether nothing but settings was changed. */
static bool is_all_settings(const struct vmx_dict *from, const struct vmx_dict *to)
{
    BUF_AUTO text = {0};
    return carry(from, to, NULL, from, &text) == 0 && span_eq(buf_span(&text), vmx_dict_text(to));
}

static void tell_key(const struct vmx_dict *theirs, struct span key,
                     const struct foreign_lost *lost)
{
    BUF_AUTO name = {0};
    BUF_AUTO value = {0};
    BUF_AUTO line = {0}; /* the value as a line of the file has it */
    BUF_AUTO reason = {0};
    int r = vmx_dict_get(theirs, key, &value) ?: vmx_escape(buf_span(&value), &line);
    if (r < 0)
        r = buf_add_str(&reason, "somebody else removed it at the same moment");
    else if (vmx_is_secret(key))
        r = buf_add_str(&reason, "somebody else set it to something else at the same moment");
    else
        r = buf_addf(&reason, "somebody else set it to \"%s\" at the same moment",
                     line.data ? line.data : "");
    r = r ?: buf_addf(&reason, "; the value set here replaced that") ?: buf_add(&name, key);
    remote_note(lost->remote, lost->path, r == 0 ? name.data : NULL,
                r == 0 ? reason.data : "somebody else's edit of the same moment was replaced");
}

/* Tells of what they changed and the text does not have. */
static void tell(const struct vmx_dict *base, const struct vmx_dict *theirs,
                 const struct vmx_dict *text, const struct foreign_lost *lost)
{
    for (size_t i = 0; i < vmx_dict_keys(theirs); i++) {
        struct span key = nth_key(theirs, i);
        if (!same_value(base, theirs, key) && !same_value(theirs, text, key))
            tell_key(theirs, key, lost);
    }
    for (size_t i = 0; i < vmx_dict_keys(base); i++) {
        struct span key = nth_key(base, i);
        if (!has(theirs, key) && has(text, key))
            tell_key(theirs, key, lost);
    }
}

static const char comments_lost[] =
    "somebody else changed comments or the order of lines at the same moment; that was replaced";

struct texts {
    struct vmx_dict *base, *ours, *theirs;
};

static void texts_done(struct texts *t)
{
    vmx_dict_free(t->base);
    vmx_dict_free(t->ours);
    vmx_dict_free(t->theirs);
}

static int parse(struct texts *t, struct span base, struct span ours, struct span theirs)
{
    return vmx_dict_parse(base, &t->base)
        ?: vmx_dict_parse(ours, &t->ours)
        ?: vmx_dict_parse(theirs, &t->theirs);
}

void foreign_edit_tell_all(struct span base, struct span ours, struct span theirs,
                           const struct foreign_lost *lost)
{
    struct texts t = {0};
    if (parse(&t, base, ours, theirs) == 0) {
        tell(t.base, t.theirs, t.ours, lost);
        if (!is_all_settings(t.base, t.theirs))
            remote_note(lost->remote, lost->path, NULL, comments_lost);
    }
    texts_done(&t);
}

static int merge(const struct texts *t, const struct foreign_lost *lost, struct buf *ret)
{
    struct vmx_dict *merged = NULL;
    /* A text whose author changed more than settings is kept whole. */
    bool on_theirs = is_all_settings(t->base, t->ours);
    int r = on_theirs ? carry(t->base, t->ours, NULL, t->theirs, ret)
                      : carry(t->base, t->theirs, t->ours, t->ours, ret);
    r = r ?: vmx_dict_parse(buf_span(ret), &merged);
    if (r == 0 && lost) {
        tell(t->base, t->theirs, merged, lost);
        if (!on_theirs && !is_all_settings(t->base, t->theirs))
            remote_note(lost->remote, lost->path, NULL, comments_lost);
    }
    vmx_dict_free(merged);
    return r;
}

int foreign_edit_merge(struct span base, struct span ours, struct span theirs,
                       const struct foreign_lost *lost, struct buf *ret)
{
    struct texts t = {0};
    BUF_AUTO text = {0};
    int r = parse(&t, base, ours, theirs)
        ?: merge(&t, lost, &text)
        ?: buf_add(ret, buf_span(&text));
    texts_done(&t);
    if (r < 0 && lost)
        foreign_edit_tell_all(base, ours, theirs, lost);
    return r;
}
