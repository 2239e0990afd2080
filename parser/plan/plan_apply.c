/* SPDX-License-Identifier: MIT */
/*
 * What a line of passthrough-profile does to a document, from its pieces:
 *
 *     "NAME param=value ..."            none
 *            │ plan_line                  │
 *            ▼                            │
 *     profile, parameters ◄── what is     │
 *            │                recorded    │
 *            │ plan_want                  │
 *            │   device_settings, device_blocks; device_ask_host: what the host says
 *            ▼                            ▼
 *     settings wanted (plan_wanted)    no settings wanted
 *            │                            │
 *            ├────────────────────────────┘
 *            ▼
 *     plan_restore   what was set before and is not wanted now becomes what it was (plan_saved)
 *            ▼
 *     set            what is wanted, and what was there is saved as vmxfs.saved.KEY
 *            ▼
 *     vmxfs.profile  records the line
 *
 * Each step works on the document that the step before leaves, and all of them end in one list of
 * edits, which is one rewrite of the file.
 */
#include <errno.h>

#include "parser/text/diff.h"
#include "parser/text/safe_text.h"
#include "parser/text/text.h"
#include "plan_active.h"
#include "plan_mmio.h"
#include "plan_restore.h"
#include "plan_saved.h"
#include "plan_want.h"

struct apply {
    const struct vmx_dict *dict;
    const struct vmx_around *around;
    struct plan_active active;
    struct vmx_edits edits;
    struct buf *notes;
    struct diag *diag;
};

static int after_edits(const struct apply *a, struct vmx_dict **ret)
{
    BUF_AUTO text = {0};
    return vmx_edits_apply(&a->edits, a->dict, &text, a->diag)
               ?: vmx_dict_parse(buf_span(&text), ret);
}

/* ---- taking back ---- */

static int take_back_all(struct apply *a)
{
    if (!plan_saved_any(a->dict) && (!a->active.valid || a->active.wanted.n > 0))
        return diag_set(
            a->diag,
            "this file does not say what was there before the profile (no vmxfs.saved.*): "
            "set the keys by hand, then remove the key vmxfs.profile");
    return plan_restore(a->dict, NULL, &a->active.wanted, &a->edits, a->notes)
               ?: vmx_edits_remove(&a->edits, SPAN_LITERAL(PLAN_PROFILE));
}

/* Leftovers of a profile that is not recorded any more say nothing about the present. */
static int forget_leftovers(struct apply *a)
{
    struct span key;
    int r = 0;
    for (size_t i = 0; r == 0 && i < vmx_dict_keys(a->dict); i++) {
        if (plan_saved_key(a->dict, i, &key))
            r = plan_saved_forget(key, &a->edits);
    }
    return r;
}

static int take_back_unwanted(struct apply *a, const struct vmx_profile *profile,
                              const struct plan_line *line)
{
    const struct plan_on on = {a->dict, a->around, profile, line, true};
    PAIRS_AUTO wanted = {0};
    return plan_want(&on, &wanted, a->diag)
               ?: plan_restore(a->dict, &wanted, &a->active.wanted, &a->edits, a->notes);
}

/* ---- setting ---- */

static int set_keys(struct apply *a, const struct vmx_dict *dict, const struct pairs *wanted)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < wanted->n; i++) {
        const struct pair *s = &wanted->items[i];
        size_t extent = vmx_dict_find(dict, buf_span(&s->name));
        bool quoted = extent != SIZE_MAX && vmx_dict_extent(dict, extent)->line.quoted;
        bool holds = false;
        r = plan_holds(dict, s, &holds);
        if (r == 0 && !(holds && quoted))
            r = vmx_edits_set(&a->edits, buf_span(&s->name), buf_span(&s->value));
    }
    return r;
}

static int record(struct apply *a, const struct vmx_dict *dict, const struct plan_line *line)
{
    PLAN_LINE_AUTO recorded = {0};
    BUF_AUTO new_text = {0};
    BUF_AUTO old_text = {0};
    int r = plan_line_recorded(dict, &recorded)
        ?: plan_line_add(&recorded, &old_text)
        ?: plan_line_add(line, &new_text);
    if (r == 0 && !span_eq(buf_span(&old_text), buf_span(&new_text)))
        r = vmx_edits_set(&a->edits, SPAN_LITERAL(PLAN_PROFILE), buf_span(&new_text));
    return r;
}

static int save_keys(struct apply *a, const struct vmx_dict *dict, const struct pairs *wanted)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < wanted->n; i++) {
        const struct span key = buf_span(&wanted->items[i].name);
        const struct span set = buf_span(&wanted->items[i].value);
        PLAN_SAVED_AUTO saved = {0};
        r = plan_saved_find(dict, key, &saved);
        if (r == -ENOENT || r == -EINVAL)
            r = plan_saved_add(dict, key, set, &a->edits);
        else if (r == 0 && !span_eq(buf_span(&saved.set), set))
            r = plan_saved_update(&saved, set, &a->edits);
    }
    return r;
}

/* Of all that is wanted, what is the profile's to set, to put in quotes and to save. A key that
 * holds and was not saved when the profile was applied is not, and no size of others. */
static int pick_own(const struct vmx_dict *dict, const struct pairs *wanted, bool fresh,
                    bool others, struct pairs *ret)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < wanted->n; i++) {
        const struct pair *s = &wanted->items[i];
        PLAN_SAVED_AUTO saved = {0};
        bool holds = false;
        r = plan_holds(dict, s, &holds) ?: plan_saved_find(dict, buf_span(&s->name), &saved);
        bool own = r == 0 || fresh || !holds;
        if (r == -ENOENT || r == -EINVAL)
            r = 0;
        if (r == 0 && own && !(others && plan_mmio_is_size(buf_span(&s->name))))
            r = plan_wanted_set(ret, buf_span(&s->name), buf_span(&s->value));
    }
    return r;
}

static int put_in_place(struct apply *a, const struct vmx_dict *dict,
                        const struct vmx_profile *profile, const struct plan_line *line, bool fresh)
{
    const struct plan_on on = {dict, a->around, profile, line, true};
    PAIRS_AUTO wanted = {0};
    PAIRS_AUTO own = {0};
    bool others = false;
    return plan_want(&on, &wanted, a->diag)
        ?: plan_mmio_note(&on, a->notes, &others)
        ?: pick_own(dict, &wanted, fresh, others, &own)
        ?: set_keys(a, dict, &own)
        ?: record(a, dict, line)
        ?: save_keys(a, dict, &own);
}

/* ---- lines ---- */

static int unknown_profile(const struct apply *a, struct span name)
{
    const struct span shown = span_head(name, text_find(name, '=')); /* or it could be a value */
    BUF_AUTO known = {0};
    int r = buf_add_str(&known, "none");
    for (size_t i = 0; r == 0 && i < a->around->profiles->n; i++)
        r = buf_addf(&known, " %s", vmx_profile_name(a->around->profiles->items[i]));
    return r
               ?: diag_set(a->diag, "there is no profile \"" SPAN_FORMAT "\"; there are: %s",
                           SPAN_SHOWN(shown), known.data);
}

/* Which host the device before was bound to says nothing where there is a host to ask. */
static void forget_host(const struct apply *a, const struct plan_line *given,
                        struct plan_line *line)
{
    const struct buf *before = plan_line_param(&a->active.line, SPAN_LITERAL("device"));
    const struct buf *device = plan_line_param(line, SPAN_LITERAL("device"));
    const struct vmx_host *host = a->around->host;
    bool other = device && !(before && span_eq(buf_span(before), buf_span(device)));
    if (host && host->uuid[0] && other && !plan_line_param(given, SPAN_LITERAL("system")))
        plan_line_drop(line, SPAN_LITERAL("system"));
}

static int apply_profile(struct apply *a, const struct vmx_profile *profile,
                         const struct plan_line *given)
{
    bool active = a->active.line.profile.len > 0;
    bool same = active && a->active.profile == profile;
    PLAN_LINE_AUTO line = {0};
    struct vmx_dict *between = NULL;
    int r = plan_line_merge(profile, same ? &a->active.line : NULL, given, &line, a->diag);
    if (r != 0)
        return r;
    forget_host(a, given, &line);
    if (same)
        r = take_back_unwanted(a, profile, &line);
    else
        r = active ? take_back_all(a) : forget_leftovers(a);
    if (r == 0 && a->edits.n > 0)
        r = after_edits(a, &between);
    r = r ?: put_in_place(a, between ? between : a->dict, profile, &line, !same);
    vmx_dict_free(between);
    return r;
}

/* "none [nested-esxi] inner-guest", as it was read: nothing is asked for. A name in brackets alone
 * is meant to be applied. */
static bool is_state_line(struct span text)
{
    size_t brackets = 0;
    struct span word = {0};
    struct span first = {0};
    struct span rest = text;
    if (!text_word(&rest, &first) ||
        !(span_eq(first, SPAN_LITERAL("none")) || span_eq(first, SPAN_LITERAL("[none]"))))
        return false;
    while (text_word(&text, &word)) {
        if (word.n > 2 && word.p[0] == '[' && word.p[word.n - 1] == ']') {
            word = (struct span){word.p + 1, word.n - 2};
            word.n -= word.p[word.n - 1] == '!' ? 1 : 0;
            brackets++;
        }
        if (!profile_name_valid(word) && !span_eq(word, SPAN_LITERAL("none")))
            return false;
    }
    return brackets == 1;
}

static int run(struct apply *a, struct span text)
{
    PLAN_LINE_AUTO given = {0};
    int r = plan_line_parse(text, &given, a->diag);
    if (r != 0)
        return r;
    struct span name = buf_span(&given.profile);
    const struct vmx_profile *profile = vmx_profiles_find(a->around->profiles, name);
    bool none = span_eq(name, SPAN_LITERAL("none"));
    if (none && given.params.n > 0)
        return diag_set(a->diag, "\"none\" takes no parameters");
    if (none)
        return a->active.line.profile.len > 0 ? take_back_all(a) : 0;
    return profile ? apply_profile(a, profile, &given) : unknown_profile(a, name);
}

/* Moves what was planned behind the caller's edits, unless it comes to nothing. */
static int hand_over(struct apply *a, struct vmx_edits *edits)
{
    BUF_AUTO text = {0};
    int r = vmx_edits_apply(&a->edits, a->dict, &text, a->diag);
    if (r != 0 || span_eq(buf_span(&text), vmx_dict_text(a->dict)))
        return r;
    return vmx_edits_move(edits, &a->edits);
}

int vmx_plan_line(const struct vmx_dict *dict, const struct vmx_around *around, struct span line,
                  struct vmx_edits *edits, struct buf *notes, struct diag *diag)
{
    struct apply a = {.dict = dict, .around = around, .notes = notes, .diag = diag};
    if (line.n > 0 && line.p[line.n - 1] == '\n')
        line.n--;
    if (text_find(line, '\n') < line.n || text_find(line, '\0') < line.n)
        return diag_set(diag, "expected one line");
    if (is_state_line(line))
        return 0;
    size_t noted = notes ? notes->len : 0;
    int r = plan_active_read(dict, around, &a.active) ?: run(&a, line) ?: hand_over(&a, edits);
    if (r != 0 && notes && notes->data)
        notes->data[notes->len = noted] = '\0';
    plan_active_done(&a.active);
    vmx_edits_done(&a.edits);
    return r;
}

/* ---- what would change ---- */

int vmx_plan_diff(const struct vmx_dict *dict, const struct vmx_around *around, struct span line,
                  const char *file, struct buf *ret)
{
    struct vmx_edits edits = {0};
    struct diag diag = {0};
    BUF_AUTO text = {0};
    int r = vmx_plan_line(dict, around, line, &edits, NULL, &diag)
                ?: vmx_edits_apply(&edits, dict, &text, &diag);
    if (r == 0)
        r = vmx_diff(vmx_dict_text(dict), buf_span(&text), file, file, ret);
    else if (r != -ENOMEM)
        r = buf_add_str(ret, "# refused: ")
            ?: safe_text_add(ret, span_of(diag.text))
            ?: buf_add_char(ret, '\n');
    vmx_edits_done(&edits);
    return r;
}
