/* SPDX-License-Identifier: MIT */
#include "take_back.h"

#include <errno.h>

#include "changes.h"
#include "parser/document/secret_name.h"
#include "parser/edit/edit.h"
#include "parser/plan/plan.h"
#include "parser/text/encoding.h"
#include "parser/text/safe_text.h"
#include "parser/text/text.h"
#include "parser/vm/vm_files.h"
#include "secret.h"

#define BIOS SPAN_LITERAL("uuid.bios")
#define PROFILE SPAN_LITERAL(PLAN_PROFILE)

struct taking {
    const struct vmx_dict *current;
    struct vmx_dict *from, *to;
    struct vmx_edits edits;
    struct buf changed_since; /* keys */
};

static void taking_done(struct taking *t)
{
    vmx_dict_free(t->from);
    vmx_dict_free(t->to);
    vmx_edits_done(&t->edits);
    buf_done(&t->changed_since);
}

static bool has(const struct vmx_dict *dict, struct span key)
{
    return vmx_dict_find(dict, key) != SIZE_MAX;
}

/* ---- the same VM? */

/* Only digits count: people write it with other separators, and in capitals. */
static bool same_uuid(struct span a, struct span b)
{
    for (;;) {
        while (a.n > 0 && text_digit(a.p[0]) > 15)
            a = span_from(a, 1);
        while (b.n > 0 && text_digit(b.p[0]) > 15)
            b = span_from(b, 1);
        if (a.n == 0 || b.n == 0)
            return a.n == b.n;
        if (text_digit(a.p[0]) != text_digit(b.p[0]))
            return false;
        a = span_from(a, 1);
        b = span_from(b, 1);
    }
}

static bool same_vm(const struct vmx_dict *a, const struct vmx_dict *b)
{
    size_t in_a = vmx_dict_find(a, BIOS);
    size_t in_b = vmx_dict_find(b, BIOS);
    return in_a == SIZE_MAX || in_b == SIZE_MAX ||
           same_uuid(vmx_dict_raw_value(a, in_a), vmx_dict_raw_value(b, in_b));
}

static int check_vm(const struct taking *t, struct diag *diag)
{
    if (same_vm(t->from, t->to) && same_vm(t->current, t->to) && same_vm(t->current, t->from))
        return 0;
    diag_set(diag, "that was another VM then: its uuid.bios differs");
    return -EKEYREJECTED;
}

/* ---- settings */

static int same_value(const struct vmx_dict *a, const struct vmx_dict *b, struct span key,
                      bool *ret)
{
    BUF_AUTO in_a = {0};
    BUF_AUTO in_b = {0};
    int a_r = vmx_dict_get(a, key, &in_a);
    int b_r = vmx_dict_get(b, key, &in_b);
    if (a_r == -ENOMEM || b_r == -ENOMEM)
        return -ENOMEM;
    *ret = a_r == b_r && span_eq(buf_span(&in_a), buf_span(&in_b));
    return 0;
}

static bool is_hidden_in(const struct vmx_dict *dict, struct span key)
{
    size_t extent = vmx_dict_find(dict, key);
    return extent != SIZE_MAX && vmx_is_hidden(vmx_dict_raw_value(dict, extent));
}

/* The line that a profile was applied with can only come back whole. */
static bool lacks_params(const struct taking *t, struct span key)
{
    size_t extent = span_eq_fold(key, PROFILE) ? vmx_dict_find(t->to, key) : SIZE_MAX;
    return extent != SIZE_MAX && vmx_has_hidden(vmx_dict_raw_value(t->to, extent));
}

/* Whether a setting is what was recorded of it. */
static int same_as_recorded(const struct taking *t, struct span key, bool *ret)
{
    size_t in_from = vmx_dict_find(t->from, key);
    size_t now = vmx_dict_find(t->current, key);
    int r = same_value(t->from, t->current, key, ret);
    if (r == 0 && !*ret && span_eq_fold(key, PROFILE) && in_from != SIZE_MAX && now != SIZE_MAX)
        *ret = vmx_is_recorded_as(vmx_dict_raw_value(t->current, now),
                                  vmx_dict_raw_value(t->from, in_from));
    return r;
}

/* A snapshot was made or removed: on its old disk the VM would run as if that had not been. */
static bool is_of_snapshot(const struct taking *t, struct span key)
{
    size_t in_from = vmx_dict_find(t->from, key);
    size_t in_to = vmx_dict_find(t->to, key);
    return in_from != SIZE_MAX && in_to != SIZE_MAX &&
           vm_files_are_of_one_disk(vmx_dict_raw_value(t->from, in_from),
                                    vmx_dict_raw_value(t->to, in_to));
}

/* A key that is spelled in another charset than the file's cannot be found; the change of
 * ".encoding" takes all keys along. */
static bool is_spelled_alike(const struct taking *t, struct span key)
{
    return vmx_ascii(key) || (vmx_dict_charset(t->from) == vmx_dict_charset(t->to) &&
                              vmx_dict_charset(t->to) == vmx_dict_charset(t->current));
}

static bool stays(const struct taking *t, struct span key)
{
    return vmx_is_secret(key) || vmx_is_written_by_host(key) || span_eq_fold(key, BIOS) ||
           span_eq_fold(key, SPAN_LITERAL("vmxfs.next")) || is_hidden_in(t->from, key) ||
           is_hidden_in(t->to, key) || lacks_params(t, key) || is_of_snapshot(t, key) ||
           !is_spelled_alike(t, key);
}

static int note_changed(struct taking *t, struct span key)
{
    struct buf *keys = &t->changed_since;
    return (keys->len > 0 ? buf_add_str(keys, ", ") : 0) ?: safe_text_add(keys, key);
}

/* The line comes back as it was, unless something beside the value has been hidden. */
static int set_again(struct taking *t, struct span key)
{
    BUF_AUTO value = {0};
    struct vmx_place place = {0};
    int r = vmx_dict_get(t->to, key, &value);
    if (r == 0 && !has(t->current, key))
        r = vmx_place_of(t->to, key, &place);
    if (r == 0 && vmx_has_hidden(buf_span(&place.line)))
        vmx_place_done(&place);
    r = r ?: vmx_edits_set_at(&t->edits, key, buf_span(&value), &place);
    vmx_place_done(&place);
    return r;
}

static int take_key(struct taking *t, struct span key)
{
    bool alike;
    int r = same_value(t->from, t->to, key, &alike);
    if (r != 0 || alike || stays(t, key))
        return r;
    r = same_as_recorded(t, key, &alike);
    if (r != 0 || !alike)
        return r ?: note_changed(t, key);
    return has(t->to, key) ? set_again(t, key) : vmx_edits_remove(&t->edits, key);
}

static int take_keys(struct taking *t)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < vmx_dict_keys(t->to); i++)
        r = take_key(t, vmx_dict_name(t->to, vmx_dict_key_extent(t->to, i)));
    for (size_t i = 0; r == 0 && i < vmx_dict_keys(t->from); i++) {
        struct span key = vmx_dict_name(t->from, vmx_dict_key_extent(t->from, i));
        if (!has(t->to, key))
            r = take_key(t, key);
    }
    return r;
}

static int refuse_changed(const struct taking *t, struct diag *diag)
{
    if (t->changed_since.len == 0)
        return 0;
    diag_set(diag, "changed since then, and so not taken back: %s", t->changed_since.data);
    return -ECANCELED;
}

int vmx_take_back(struct span from, struct span to, const struct vmx_dict *current, struct buf *ret,
                  struct diag *diag)
{
    struct taking t = {.current = current};
    int r = vmx_dict_parse(from, &t.from)
        ?: vmx_dict_parse(to, &t.to)
        ?: check_vm(&t, diag)
        ?: take_keys(&t)
        ?: refuse_changed(&t, diag)
        ?: vmx_edits_apply(&t.edits, current, ret, diag);
    taking_done(&t);
    return r;
}
