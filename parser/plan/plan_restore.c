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
#include "plan_mmio.h"
#include "plan_saved.h"

struct restore {
    const struct vmx_dict *dict;
    const struct pairs *keep;
    const struct pairs *now;
    struct vmx_edits *edits;
    struct buf *notes;
};

static int note(const struct restore *restore, struct span key, const char *what)
{
    if (!restore->notes)
        return 0;
    return buf_addf(restore->notes, SPAN_FORMAT " %s\n", SPAN_SHOWN(key), what);
}

/* ---- one key ---- */

static bool is_ours(const struct restore *restore, const struct plan_saved *saved,
                    struct span value)
{
    const struct pair *now = plan_wanted_find(restore->now, saved->key);
    return vmx_value_same(saved->key, value, buf_span(&saved->set)) ||
           (now && !plan_mmio_is_size(saved->key) &&
            vmx_value_same(saved->key, value, buf_span(&now->value)));
}

static struct span token_of(const struct vmx_dict *dict, size_t extent, size_t *ret_at)
{
    const struct vmx_extent *e = vmx_dict_extent(dict, extent);
    const char *text = vmx_dict_text(dict).p + e->at;
    struct span token = vmx_line_token(text, &e->line);
    *ret_at = (size_t)(token.p - text);
    return token;
}

static struct span without_quotes(struct span raw)
{
    return raw.n >= 2 && raw.p[0] == '"' ? (struct span){raw.p + 1, raw.n - 2} : raw;
}

static int put_line_back(const struct restore *restore, const struct plan_saved *saved,
                         size_t extent)
{
    size_t at = 0;
    struct span token = token_of(restore->dict, extent, &at);
    struct vmx_place place = {0};
    struct buf line = {0}; /* becomes the place's */
    BUF_AUTO value = {0};
    int r = vmx_place_of(restore->dict, saved->key, &place);
    if (r != 0)
        return r;
    /* The place's line may begin with the ending of the line before it. */
    at += place.line.len - vmx_dict_extent(restore->dict, extent)->line.len;
    r = buf_add(&line, span_head(buf_span(&place.line), at))
        ?: buf_add(&line, buf_span(&saved->was))
        ?: buf_add(&line, span_from(buf_span(&place.line), at + token.n))
        ?: vmx_value_read(vmx_dict_charset(restore->dict), without_quotes(buf_span(&saved->was)),
                   &value);
    buf_done(&place.line);
    place.line = line;
    r = r
        ?: vmx_edits_remove(restore->edits, saved->key)
        ?: vmx_edits_set_at(restore->edits, saved->key, buf_span(&value), &place);
    vmx_place_done(&place);
    return r;
}

/* device: it belongs to a device of ours, which goes as a whole. */
static int restore_value(const struct restore *restore, const struct plan_saved *saved,
                         size_t extent, bool device)
{
    BUF_AUTO value = {0};
    size_t at = 0;
    int r = vmx_dict_value(restore->dict, extent, &value);
    if (r != 0)
        return r;
    struct span now = saved->raw ? token_of(restore->dict, extent, &at) : buf_span(&value);
    if (!saved->absent && span_eq(now, buf_span(&saved->was)))
        return 0;
    bool ours = (device && saved->absent) || is_ours(restore, saved, buf_span(&value));
    if (!ours)
        return note(restore, saved->key,
                    "was changed since the profile was applied: it stays as it is");
    if (saved->absent)
        return vmx_edits_remove(restore->edits, saved->key);
    return saved->raw ? put_line_back(restore, saved, extent)
                      : vmx_edits_set(restore->edits, saved->key, buf_span(&saved->was));
}

/* ---- devices ---- */

/* Settings that the host has added to a device of ours go with it. */
static int remove_rest_of_device(const struct restore *restore, size_t n)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < vmx_dict_keys(restore->dict); i++) {
        struct span name = vmx_dict_name(restore->dict, vmx_dict_key_extent(restore->dict, i));
        PLAN_SAVED_AUTO saved = {0};
        struct span rest;
        size_t m = 0;
        if (!vmx_pci_key(name, &m, &rest) || m != n)
            continue;
        r = plan_saved_find(restore->dict, name, &saved);
        if (r == -ENOENT)
            r = vmx_edits_remove(restore->edits, name);
        else if (r == -EINVAL)
            r = 0;
    }
    return r;
}

/* Looks at the device that the key belongs to, if any. */
static int restore_device(const struct restore *restore, const struct plan_saved *saved,
                          enum device_owner *ret)
{
    struct span rest;
    size_t n = 0;
    *ret = DEVICE_OTHER;
    if (!vmx_pci_key(saved->key, &n, &rest))
        return 0;
    int r = device_owner(restore->dict, n, ret);
    if (r != 0 || !span_eq_fold(rest, SPAN_LITERAL("id")))
        return r;
    if (*ret == DEVICE_TAKEN)
        return note(restore, saved->key, "is another device now: all of it stays as it is");
    return *ret == DEVICE_OURS ? remove_rest_of_device(restore, n) : 0;
}

/* ---- all of them ---- */

static int restore_key(const struct restore *restore, const struct plan_saved *saved)
{
    size_t extent = vmx_dict_find(restore->dict, saved->key);
    enum device_owner owner = DEVICE_OTHER;
    int r = restore_device(restore, saved, &owner);
    if (r != 0 || owner == DEVICE_TAKEN)
        return r;
    if (extent != SIZE_MAX)
        return restore_value(restore, saved, extent, owner == DEVICE_OURS);
    return saved->absent ? 0
                         : note(restore, saved->key,
                                "was removed since the profile was applied: it stays away");
}

/* One pass over the saved keys: those whose line is put back (raw), or the others. */
static int restore_pass(const struct restore *restore, bool raw)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < vmx_dict_keys(restore->dict); i++) {
        PLAN_SAVED_AUTO saved = {0};
        r = plan_saved_nth(restore->dict, i, &saved);
        bool damaged = r == -EINVAL;
        if (r == -ENOENT || damaged)
            r = 0;
        bool kept = !saved.key.n || (restore->keep && plan_wanted_find(restore->keep, saved.key));
        if (r != 0 || kept || (saved.raw && !damaged) != raw)
            continue;
        r = damaged ? note(restore, saved.key, "stays as it is: what was saved of it is damaged")
                    : restore_key(restore, &saved);
        r = r ?: plan_saved_forget(saved.key, restore->edits);
    }
    return r;
}

int plan_restore(const struct vmx_dict *dict, const struct pairs *keep, const struct pairs *now,
                 struct vmx_edits *edits, struct buf *notes)
{
    struct restore restore = {dict, keep, now, edits, notes};
    return restore_pass(&restore, true) ?: restore_pass(&restore, false);
}
