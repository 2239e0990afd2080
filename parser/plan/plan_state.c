/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "plan_active.h"
#include "plan_saved.h"
#include "plan_want.h"

void plan_active_done(struct plan_active *active)
{
    plan_line_done(&active->line);
    plan_wanted_done(&active->wanted);
    *active = (struct plan_active){0};
}

/* Reads the recorded line the way the profile understands it: without what it does not declare. */
static int understand(const struct vmx_dict *dict, const struct vmx_around *around,
                      struct plan_active *active)
{
    struct plan_line nothing = {0};
    struct plan_line merged = {0};
    const struct plan_on on = {dict, around, active->profile, &merged, false};
    int r = plan_line_merge(active->profile, &active->line, &nothing, &merged, NULL)
                ?: plan_want(&on, &active->wanted, NULL);
    active->valid = r == 0;
    plan_line_done(&merged);
    return r == -EINVAL ? 0 : r;
}

int plan_active_read(const struct vmx_dict *dict, const struct vmx_around *around,
                     struct plan_active *ret)
{
    struct plan_active active = {0};
    int r = plan_line_recorded(dict, &active.line);
    if (r == 0 && active.line.profile.len > 0)
        active.profile = vmx_profiles_find(around->profiles, buf_span(&active.line.profile));
    if (r == 0 && active.profile)
        r = understand(dict, around, &active);
    if (r != 0)
        plan_active_done(&active);
    else
        *ret = active;
    return r;
}

static int add_name(struct buf *ret, const char *name, bool active, bool holds)
{
    return buf_addf(ret, "%s%s%s%s%s", ret->len > 0 ? " " : "", active ? "[" : "", name,
                    active && !holds ? "!" : "", active ? "]" : "");
}

int vmx_plan_state(const struct vmx_dict *dict, const struct vmx_around *around, struct buf *ret)
{
    struct plan_active active = {0};
    BUF_AUTO line = {0};
    bool holds = false;
    int r = plan_active_read(dict, around, &active);
    if (r == 0 && active.valid)
        r = plan_all_hold(dict, &active.wanted, &holds);
    bool any = active.line.profile.len > 0;
    r = r ?: add_name(&line, "none", !any, true);
    for (size_t i = 0; r == 0 && i < around->profiles->n; i++)
        r = add_name(&line, vmx_profile_name(around->profiles->items[i]),
                     around->profiles->items[i] == active.profile, holds);
    if (r == 0 && any && !active.profile)
        r = add_name(&line, active.line.profile.data, true, false);
    r = r ?: buf_add(ret, buf_span(&line));
    plan_active_done(&active);
    return r;
}

/* ---- settings that follow ---- */

struct follow {
    const struct vmx_dict *before, *after;
    const struct plan_wanted *wanted; /* before */
    struct vmx_edits *edits;
    size_t asked; /* edits that were there first */
};

/* Whoever sets the key as well has the last word. */
static bool is_asked_for(const struct follow *f, struct span key)
{
    for (size_t i = 0; i < f->asked; i++) {
        if (span_eq_fold(buf_span(&f->edits->items[i].key), key) ||
            span_eq_fold(buf_span(&f->edits->items[i].new_key), key))
            return true;
    }
    return false;
}

static int follow_key(const struct follow *f, const struct plan_setting *now)
{
    const struct plan_setting *then = plan_wanted_find(f->wanted, buf_span(&now->key));
    struct plan_saved saved = {0};
    bool held = false;
    if (!then || span_eq(buf_span(&then->value), buf_span(&now->value)) ||
        is_asked_for(f, buf_span(&now->key)))
        return 0;
    int r = plan_holds(f->before, then, &held);
    if (r != 0 || !held)
        return r;
    r = vmx_edits_set(f->edits, buf_span(&now->key), buf_span(&now->value))
        ?: plan_saved_find(f->after, buf_span(&now->key), &saved)
        ?: plan_saved_update(&saved, buf_span(&now->value), f->edits);
    plan_saved_done(&saved);
    return r == -ENOENT || r == -EINVAL ? 0 : r;
}

static int follow_all(const struct follow *f, const struct vmx_around *around,
                      const struct plan_active *before)
{
    struct plan_active after = {0};
    int r = plan_active_read(f->after, around, &after);
    if (r == 0 && after.valid && after.profile == before->profile)
        for (size_t i = 0; r == 0 && i < after.wanted.n; i++)
            r = follow_key(f, &after.wanted.items[i]);
    plan_active_done(&after);
    return r;
}

int vmx_plan_follow(const struct vmx_dict *dict, const struct vmx_around *around,
                    struct vmx_edits *edits)
{
    struct plan_active active = {0};
    struct vmx_dict *after = NULL;
    BUF_AUTO text = {0};
    int r = plan_active_read(dict, around, &active);
    if (r != 0 || !active.valid)
        goto out;
    r = vmx_edits_apply(edits, dict, &text, NULL) ?: vmx_dict_parse(buf_span(&text), &after);
    if (r == 0) {
        struct follow follow = {dict, after, &active.wanted, edits, edits->n};
        r = follow_all(&follow, around, &active);
    }
out:
    vmx_dict_free(after);
    plan_active_done(&active);
    /* Edits that cannot be applied are told about when that is tried. */
    return r == -ENOMEM ? r : 0;
}
