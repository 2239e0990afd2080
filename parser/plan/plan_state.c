/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "plan_active.h"
#include "plan_saved.h"
#include "plan_want.h"

void plan_active_done(struct plan_active *active)
{
    plan_line_done(&active->line);
    pairs_done(&active->wanted);
}

/* Reads the recorded line the way the profile understands it: without what it does not declare. */
static int understand(const struct vmx_dict *dict, const struct vmx_around *around,
                      struct plan_active *active)
{
    struct plan_line nothing = {0};
    PLAN_LINE_AUTO merged = {0};
    const struct plan_on on = {dict, around, active->profile, &merged, false};
    int r = plan_line_merge(active->profile, &active->line, &nothing, &merged, NULL)
                ?: plan_want(&on, &active->wanted, NULL);
    active->valid = r == 0;
    if (!active->valid)
        pairs_done(&active->wanted);
    return r == -EINVAL ? 0 : r;
}

int plan_active_read(const struct vmx_dict *dict, const struct vmx_around *around,
                     struct plan_active *active)
{
    int r = plan_line_recorded(dict, &active->line);
    if (r != 0 || active->line.profile.len == 0)
        return r;
    active->profile = vmx_profiles_find(around->profiles, buf_span(&active->line.profile));
    return active->profile ? understand(dict, around, active) : 0;
}

static int add_name(struct buf *ret, const char *name, bool active, bool holds)
{
    return buf_addf(ret, "%s%s%s%s%s", ret->len > 0 ? " " : "", active ? "[" : "", name,
                    active && !holds ? "!" : "", active ? "]" : "");
}

int vmx_plan_state(const struct vmx_dict *dict, const struct vmx_around *around, struct buf *ret)
{
    PLAN_ACTIVE_AUTO active = {0};
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
    return r ?: buf_add(ret, buf_span(&line));
}

/* ---- settings that follow ---- */

struct follow {
    const struct vmx_dict *before, *after;
    const struct pairs *wanted; /* before */
    struct vmx_edits *edits;
    size_t asked; /* edits that were there first */
};

/* An edit of the key itself has the last word. */
static bool is_asked_for(const struct follow *f, struct span key)
{
    for (size_t i = 0; i < f->asked; i++) {
        if (span_eq_fold(buf_span(&f->edits->items[i].key), key) ||
            span_eq_fold(buf_span(&f->edits->items[i].new_key), key))
            return true;
    }
    return false;
}

static int follow_key(const struct follow *f, const struct pair *now)
{
    const struct pair *then = plan_wanted_find(f->wanted, buf_span(&now->name));
    PLAN_SAVED_AUTO saved = {0};
    bool held = false;
    if (!then || span_eq(buf_span(&then->value), buf_span(&now->value)) ||
        is_asked_for(f, buf_span(&now->name)))
        return 0;
    int r = plan_holds(f->before, then, &held);
    if (r != 0 || !held)
        return r;
    r = vmx_edits_set(f->edits, buf_span(&now->name), buf_span(&now->value))
        ?: plan_saved_find(f->after, buf_span(&now->name), &saved)
        ?: plan_saved_update(&saved, buf_span(&now->value), f->edits);
    return r == -ENOENT || r == -EINVAL ? 0 : r;
}

int vmx_plan_follow(const struct vmx_dict *dict, const struct vmx_around *around,
                    struct vmx_edits *edits)
{
    PLAN_ACTIVE_AUTO active = {0};
    PLAN_ACTIVE_AUTO now = {0};
    struct vmx_dict *after = NULL;
    BUF_AUTO text = {0};
    int r = plan_active_read(dict, around, &active);
    if (r != 0 || !active.valid)
        return r;
    r = vmx_edits_apply(edits, dict, &text, NULL)
        ?: vmx_dict_parse(buf_span(&text), &after)
        ?: plan_active_read(after, around, &now);
    const struct follow follow = {dict, after, &active.wanted, edits, edits->n};
    for (size_t i = 0; r == 0 && now.profile == active.profile && i < now.wanted.n; i++)
        r = follow_key(&follow, &now.wanted.items[i]);
    vmx_dict_free(after);
    /* Edits that cannot be applied are told about when that is tried. */
    return r == -ENOMEM ? r : 0;
}
