/* SPDX-License-Identifier: MIT */
/* What the active profile itself wants: their settings, requirements and advice. */
#include <errno.h>

#include "check_private.h"
#include "command.h"
#include "parser/document/value.h"
#include "parser/plan/plan_expand.h"
#include "parser/text/text.h"

/* Stable names for what the guide is about. Any other setting gives its rule its own name. */
static const struct {
    const char *key, *rule;
    enum vmx_severity bad;
} known[] = {
    {"vvtd.enable", "virtual-iommu", VMX_FAIL},
    {"vhv.enable", "nested-virtualization", VMX_FAIL},
    {"vhv.allowPassthru", "nested-passthrough", VMX_FAIL},
    {"amd.iommu.supportsPcip", "amd-iommu", VMX_FAIL},
    {"pciPassthru.use64bitMMIO", "mmio-64bit", VMX_FAIL},
    {"sched.mem.min", "memory-reservation", VMX_FAIL},
    {"sched.mem.pin", "memory-pinned", VMX_WARN},
    {"virtualHW.version", "hardware-version", VMX_FAIL},
    {"memSize", "memory-size", VMX_FAIL},
    {"numvcpus", "cpu-count", VMX_FAIL},
};

static int add_slug(struct span key, struct buf *ret)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < key.n; i++) {
        char c = key.p[i];
        if (c >= 'A' && c <= 'Z')
            c = (char)(c | 0x20);
        r = buf_add_char(ret, text_name_char(c) && c != '.' && c != '_' ? c : '-');
    }
    return r;
}

static int rule_of(struct span key, struct buf *ret, enum vmx_severity *ret_bad)
{
    *ret_bad = VMX_FAIL;
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (span_eq_fold(key, span_of(known[i].key))) {
            *ret_bad = known[i].bad;
            return buf_add_str(ret, known[i].rule);
        }
    }
    return add_slug(key, ret);
}

int check_seen(struct check *c, const char *rule, struct span what, bool *ret)
{
    BUF_AUTO entry = {0};
    int r = buf_addf(&entry, "\n%s ", rule) ?: buf_add(&entry, what) ?: buf_add_char(&entry, '\n');
    if (r != 0)
        return r;
    *ret = c->seen.len > 0 && memmem(c->seen.data, c->seen.len, entry.data, entry.len) != NULL;
    return *ret ? 0 : buf_add(&c->seen, buf_span(&entry));
}

/* ---- settings ---- */

struct wish {
    struct span key;
    struct buf value;
    bool known; /* whether it is wanted at all: cpu=auto may be undecided */
    struct buf rule;
    enum vmx_severity bad;
};

static int judge_setting(struct check *c, const struct wish *wish)
{
    BUF_AUTO found = {0};
    BUF_AUTO command = {0};
    bool again = false;
    int r = check_seen(c, wish->rule.data, buf_span(&wish->value), &again);
    if (r != 0 || again)
        return r;
    r = vmx_dict_get(c->dict, wish->key, &found);
    bool missing = r == -ENOENT;
    if (r != 0 && !missing)
        return r;
    if (!missing && vmx_value_same(wish->key, buf_span(&found), buf_span(&wish->value)))
        return check_add(c, VMX_PASS, wish->rule.data, NULL, SPAN_FORMAT " is " SPAN_FORMAT,
                         SPAN_SHOWN(wish->key), SPAN_SHOWN(buf_span(&found)));
    if (!wish->known)
        return check_add(c, VMX_UNKNOWN, wish->rule.data, NULL,
                         SPAN_FORMAT " is needed on some CPUs: the host would tell",
                         SPAN_SHOWN(wish->key));
    r = c->active.valid ? command_profile(c->dir, c->active.line.profile.data, &command)
                        : command_set(c->dict, c->dir, wish->key, buf_span(&wish->value), &command);
    if (r == 0 && missing)
        return check_add(c, wish->bad, wish->rule.data, &command,
                         SPAN_FORMAT " is missing, " SPAN_FORMAT " is needed",
                         SPAN_SHOWN(wish->key), SPAN_SHOWN(buf_span(&wish->value)));
    return r
               ?: check_add(c, wish->bad, wish->rule.data, &command,
                            SPAN_FORMAT " is " SPAN_FORMAT ", not " SPAN_FORMAT,
                            SPAN_SHOWN(wish->key), SPAN_SHOWN(buf_span(&found)),
                            SPAN_SHOWN(buf_span(&wish->value)));
}

static int setting(struct check *c, const struct profile_setting *s)
{
    struct wish wish = {.key = buf_span(&s->key)};
    struct diag diag = {0};
    const struct plan_on on = check_on(c);
    bool applies = false;
    /* How much is enough is a rule of its own. */
    if (span_eq_fold(wish.key, SPAN_LITERAL("pciPassthru.64bitMMIOSizeGB")))
        return 0;
    int r = plan_when(&on, s, &applies, &wish.known);
    if (r != 0 || (!applies && wish.known))
        return r;
    r = rule_of(wish.key, &wish.rule, &wish.bad) ?: plan_expand(&on, s, &wish.value, &diag);
    if (r == 0)
        r = judge_setting(c, &wish);
    else if (r == -EINVAL)
        r = check_add(c, wish.bad, wish.rule.data, NULL, "%s", diag.text);
    buf_done(&wish.value);
    buf_done(&wish.rule);
    return r;
}

/* ---- conditions ---- */

/* People change what a guest may not boot after. */
static bool may_be_changed(const struct profile_condition *condition)
{
    struct span key = buf_span(&condition->key);
    return (condition->op == PROFILE_EQ || condition->op == PROFILE_GE ||
            condition->op == PROFILE_LE) &&
           !span_eq_fold(key, SPAN_LITERAL("firmware")) &&
           !span_eq_fold(key, SPAN_LITERAL("virtualHW.version")) &&
           !span_eq_fold(key, SPAN_LITERAL("guestOS"));
}

static int condition(struct check *c, const struct profile_condition *condition, bool required)
{
    struct span key = buf_span(&condition->key);
    BUF_AUTO rule = {0};
    BUF_AUTO text = {0};
    BUF_AUTO found = {0};
    BUF_AUTO command = {0};
    enum vmx_severity unused = VMX_WARN;
    bool again = false;
    bool met = false;
    int r = required ? buf_add_str(&rule, "requires-") : 0;
    if (r == 0)
        r = required ? add_slug(key, &rule) : rule_of(key, &rule, &unused);
    r = r
        ?: profile_condition_add(condition, &text)
        ?: check_seen(c, rule.data, buf_span(&text), &again);
    if (r != 0 || again)
        return r;
    r = profile_condition_met(condition, c->dict, &met) ?: vmx_dict_get(c->dict, key, &found);
    bool missing = r == -ENOENT;
    if (missing || r == 0)
        r = buf_reserve(&found, 0);
    if (r == 0 && may_be_changed(condition))
        r = command_set(c->dict, c->dir, key, buf_span(&condition->value), &command);
    if (r != 0)
        return r;
    return check_add(c,
                     met        ? VMX_PASS
                     : required ? VMX_FAIL
                                : VMX_WARN,
                     rule.data, &command, SPAN_FORMAT " is %s%s%s", SPAN_SHOWN(key),
                     missing ? "missing" : found.data,
                     met ? "" : (required ? "; required: " : "; advised: "), met ? "" : text.data);
}

int check_profile(struct check *check)
{
    const struct vmx_profile *profile = check->active.profile;
    int r = 0;
    for (size_t i = 0; r == 0 && i < profile->n_settings; i++)
        r = setting(check, &profile->settings[i]);
    for (size_t i = 0; r == 0 && i < profile->requirements.n; i++)
        r = condition(check, &profile->requirements.items[i], true);
    for (size_t i = 0; r == 0 && i < profile->advices.n; i++)
        r = condition(check, &profile->advices.items[i], false);
    return r;
}

/* ---- the profile as a whole ---- */

int check_active(struct check *check)
{
    const char *name = check->active.line.profile.data;
    BUF_AUTO command = {0};
    bool holds = false;
    if (check->active.line.profile.len == 0)
        return check_add(check, VMX_PASS, "profile", NULL, "no profile is active");
    if (!check->active.profile)
        return check_add(check, VMX_FAIL, "profile", NULL,
                         "%s is active, but there is no such profile", name);
    if (!check->active.valid)
        return check_add(check, VMX_FAIL, "profile", NULL, "%s would be refused now", name);
    return plan_all_hold(check->dict, &check->active.wanted, &holds)
        ?: command_profile(check->dir, name, &command)
        ?: check_add(check, holds ? VMX_PASS : VMX_FAIL, "profile", &command, "%s %s", name,
                     holds ? "holds" : "was applied and no longer holds");
}
