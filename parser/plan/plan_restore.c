/* SPDX-License-Identifier: MIT */
/*
 * Taking back: what a profile set becomes again, byte for byte, what it was, and what somebody has
 * changed since stays.
 *
 * Lines that had another form than VMware's are put back as a whole, at their place. That has to
 * come first: places are told by neighbours, which other edits may remove.
 */
#include "plan_restore.h"

#include <errno.h>

#include "parser/device/device_blocks.h"
#include "parser/document/value.h"
#include "parser/text/encoding.h"
#include "parser/text/text.h"
#include "plan_saved.h"

struct restore {
    const struct vmx_dict *dict;
    const struct plan_wanted *keep;
    const struct plan_wanted *now;
    struct vmx_edits *edits;
    struct buf *notes;
};

static int note(const struct restore *r, struct span key, const char *what)
{
    if (!r->notes)
        return 0;
    return buf_addf(r->notes, SPAN_FORMAT " %s\n", SPAN_SHOWN(key), what);
}

/* ---- one key ---- */

static int is_ours(const struct restore *r, const struct plan_saved *saved, size_t extent,
                   bool *ret)
{
    const struct plan_setting *now = r->now ? plan_wanted_find(r->now, saved->key) : NULL;
    BUF_AUTO value = {0};

    int rc = vmx_dict_value(r->dict, extent, &value);
    if (rc == 0)
        *ret = vmx_value_same(saved->key, buf_span(&value), buf_span(&saved->set)) ||
               (now && vmx_value_same(saved->key, buf_span(&value), buf_span(&now->value)));
    return rc;
}

static struct span token_of(const struct vmx_dict *dict, size_t extent, size_t *ret_at)
{
    const struct vmx_extent *e = vmx_dict_extent(dict, extent);
    size_t quote = e->line.quoted ? 1 : 0;

    *ret_at = e->line.value_at - quote;
    return (struct span){vmx_dict_text(dict).p + e->at + *ret_at, e->line.value_len + 2 * quote};
}

/* What the raw text says, as reading it from a document gives it. */
static int value_of_raw(const char *charset, struct span raw, struct buf *ret)
{
    BUF_AUTO bytes = {0};

    if (raw.n >= 2 && raw.p[0] == '"')
        raw = (struct span){raw.p + 1, raw.n - 2};
    int r = vmx_unescape(raw, &bytes);
    if (r == 0)
        r = vmx_decode(charset, buf_span(&bytes), ret);
    return r == -EILSEQ ? buf_add(ret, buf_span(&bytes)) : r;
}

static int put_line_back(const struct restore *r, const struct plan_saved *saved, size_t extent)
{
    size_t at = 0;
    struct span token = token_of(r->dict, extent, &at);
    struct vmx_place place = {0};
    struct buf line = {0}; /* becomes the place's */
    BUF_AUTO value = {0};

    int rc = vmx_place_of(r->dict, saved->key, &place);
    if (rc != 0)
        return rc;
    /* The place's line may begin with the ending of the line before it. */
    at += place.line.len - vmx_dict_extent(r->dict, extent)->line.len;
    rc = buf_add(&line, span_head(buf_span(&place.line), at));
    if (rc == 0)
        rc = buf_add(&line, buf_span(&saved->was));
    if (rc == 0)
        rc = buf_add(&line, span_from(buf_span(&place.line), at + token.n));
    if (rc == 0)
        rc = value_of_raw(vmx_dict_charset(r->dict), buf_span(&saved->was), &value);
    buf_done(&place.line);
    place.line = line;
    if (rc == 0)
        rc = vmx_edits_remove(r->edits, saved->key);
    if (rc == 0)
        rc = vmx_edits_set_at(r->edits, saved->key, buf_span(&value), &place);
    vmx_place_done(&place);
    return rc;
}

static int is_as_saved(const struct restore *r, const struct plan_saved *saved, size_t extent,
                       bool *ret)
{
    BUF_AUTO value = {0};
    size_t at = 0;

    if (saved->raw) {
        *ret = span_eq(token_of(r->dict, extent, &at), buf_span(&saved->was));
        return 0;
    }
    int rc = vmx_dict_value(r->dict, extent, &value);
    if (rc == 0)
        *ret = !saved->absent && span_eq(buf_span(&value), buf_span(&saved->was));
    return rc;
}

/* device: it belongs to a device of ours, which goes as a whole. */
static int restore_value(const struct restore *r, const struct plan_saved *saved, size_t extent,
                         bool device)
{
    bool ours = device && saved->absent;
    bool as_saved = false;

    int rc = is_as_saved(r, saved, extent, &as_saved);
    if (rc == 0 && !as_saved && !ours)
        rc = is_ours(r, saved, extent, &ours);
    if (rc != 0 || as_saved)
        return rc;
    if (!ours)
        return note(r, saved->key, "was changed since the profile was applied: it stays as it is");
    if (saved->absent)
        return vmx_edits_remove(r->edits, saved->key);
    return saved->raw ? put_line_back(r, saved, extent)
                      : vmx_edits_set(r->edits, saved->key, buf_span(&saved->was));
}

/* ---- devices ---- */

/* What the host has added to a device of ours goes with it. */
static int remove_rest_of_device(const struct restore *r, size_t n)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < vmx_dict_keys(r->dict); i++) {
        struct span name = vmx_dict_name(r->dict, vmx_dict_key_extent(r->dict, i));
        struct plan_saved saved = {0};
        struct span rest;
        size_t m = 0;
        if (!vmx_pci_key(name, &m, &rest) || m != n)
            continue;
        rc = plan_saved_find(r->dict, name, &saved);
        if (rc == -ENOENT)
            rc = vmx_edits_remove(r->edits, name);
        else if (rc == 0)
            plan_saved_done(&saved);
        else if (rc == -EINVAL)
            rc = 0;
    }
    return rc;
}

/* Looks at the device that the key belongs to, if any. */
static int restore_device(const struct restore *r, const struct plan_saved *saved,
                          enum device_owner *ret)
{
    enum device_owner owner = DEVICE_OTHER;
    struct span rest;
    size_t n = 0;

    *ret = DEVICE_OTHER;
    if (!vmx_pci_key(saved->key, &n, &rest))
        return 0;
    int rc = device_owner(r->dict, n, &owner);
    if (rc != 0)
        return rc;
    bool id = span_eq_fold(rest, SPAN_LITERAL("id"));
    *ret = owner;
    if (owner == DEVICE_TAKEN && id)
        return note(r, saved->key, "is another device now: all of it stays as it is");
    return owner == DEVICE_OURS && id ? remove_rest_of_device(r, n) : 0;
}

/* ---- all of them ---- */

static int restore_key(const struct restore *r, const struct plan_saved *saved)
{
    size_t extent = vmx_dict_find(r->dict, saved->key);
    enum device_owner owner = DEVICE_OTHER;

    int rc = restore_device(r, saved, &owner);
    if (rc != 0 || owner == DEVICE_TAKEN)
        return rc;
    if (extent != SIZE_MAX)
        return restore_value(r, saved, extent, owner == DEVICE_OURS);
    return saved->absent
               ? 0
               : note(r, saved->key, "was removed since the profile was applied: it stays away");
}

/* One pass over the saved keys: those whose line is put back (raw), or the others. */
static int restore_pass(const struct restore *r, bool raw)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < vmx_dict_keys(r->dict); i++) {
        struct plan_saved saved = {0};
        rc = plan_saved_nth(r->dict, i, &saved);
        bool damaged = rc == -EINVAL;
        if (rc == -ENOENT || damaged)
            rc = 0;
        bool kept = !saved.key.n || (r->keep && plan_wanted_find(r->keep, saved.key));
        if (rc != 0 || kept || saved.raw != raw) {
            plan_saved_done(&saved);
            continue;
        }
        rc = damaged ? note(r, saved.key, "stays as it is: what was saved of it is damaged")
                     : restore_key(r, &saved);
        if (rc == 0)
            rc = plan_saved_forget(saved.key, r->edits);
        plan_saved_done(&saved);
    }
    return rc;
}

int plan_restore(const struct vmx_dict *dict, const struct plan_wanted *keep,
                 const struct plan_wanted *now, struct vmx_edits *edits, struct buf *notes)
{
    struct restore r = {dict, keep, now, edits, notes};

    int rc = restore_pass(&r, true);
    return rc != 0 ? rc : restore_pass(&r, false);
}
