/* SPDX-License-Identifier: MIT */
#include "plan_mmio.h"

#include <errno.h>

#include "parser/document/value.h"
#include "plan_expand.h"
#include "plan_saved.h"

#define MMIO_SIZE SPAN_LITERAL("pciPassthru.64bitMMIOSizeGB")

struct kept {
    long long size; /* that stays; 0: the profile's counts */
    long long own;  /* the profile's */
    bool since;     /* it was set since the profile was applied */
};

bool plan_mmio_is_size(struct span key)
{
    return span_eq_fold(key, MMIO_SIZE);
}

static const struct profile_setting *find_setting(const struct vmx_profile *profile)
{
    for (size_t i = 0; i < profile->n_settings; i++) {
        if (plan_mmio_is_size(buf_span(&profile->settings[i].key)))
            return &profile->settings[i];
    }
    return NULL;
}

/* Whether the line gives a parameter that the setting is made from. */
static bool is_given(const struct plan_on *on, const struct profile_setting *setting)
{
    struct span name = {0};
    size_t at = 0;
    while (profile_next_name(buf_span(&setting->value), &at, &name)) {
        if (plan_line_param(on->line, name))
            return true;
    }
    return false;
}

/* As it stood in the file, with its quotes if it had any. */
static bool read_size(struct span text, long long *ret)
{
    if (text.n >= 2 && text.p[0] == '"')
        text = (struct span){text.p + 1, text.n - 2};
    return vmx_value_int(text, ret);
}

/* The size that is not the profile's own: the one before it, or one that was set since. */
static int size_of_others(const struct vmx_dict *dict, struct kept *kept)
{
    BUF_AUTO value = {0};
    PLAN_SAVED_AUTO saved = {0};
    int r = vmx_dict_get(dict, MMIO_SIZE, &value);
    bool there = r == 0;
    if (there || r == -ENOENT)
        r = plan_saved_find(dict, MMIO_SIZE, &saved);
    if (r == -ENOMEM)
        return r;
    bool own = r == 0 && there && vmx_value_same(MMIO_SIZE, buf_span(&value), buf_span(&saved.set));
    bool known = own ? !saved.absent && read_size(buf_span(&saved.was), &kept->size)
                     : there && vmx_value_int(buf_span(&value), &kept->size);
    if (!known)
        kept->size = 0;
    kept->since = r == 0 && !own;
    return 0;
}

static int find_kept(const struct plan_on *on, struct kept *kept)
{
    const struct profile_setting *setting = find_setting(on->profile);
    BUF_AUTO own = {0};
    bool applies = false;
    bool known = false;
    *kept = (struct kept){0};
    if (!setting || is_given(on, setting))
        return 0;
    int r = plan_when(on, setting, &applies, &known) ?: plan_expand(on, setting, &own, NULL);
    if (r != 0 || !applies)
        return r == -ENOMEM ? r : 0;
    r = size_of_others(on->dict, kept);
    if (r == 0 && (!vmx_value_int(buf_span(&own), &kept->own) || kept->size <= kept->own))
        *kept = (struct kept){0};
    return r;
}

int plan_mmio_keep(const struct plan_on *on, struct pairs *wanted)
{
    BUF_AUTO text = {0};
    struct kept kept;
    int r = find_kept(on, &kept);
    if (r != 0 || kept.size == 0)
        return r;
    return buf_addf(&text, "%lld", kept.size)
               ?: plan_wanted_set(wanted, MMIO_SIZE, buf_span(&text));
}

int plan_mmio_note(const struct plan_on *on, struct buf *notes, bool *ret_since)
{
    struct kept kept;
    int r = find_kept(on, &kept);
    if (r == 0)
        *ret_since = kept.since;
    if (r != 0 || kept.size == 0 || !notes)
        return r;
    return buf_addf(notes,
                    "pciPassthru.64bitMMIOSizeGB stays %lld, which is more than the %lld of the "
                    "profile\n",
                    kept.size, kept.own);
}
