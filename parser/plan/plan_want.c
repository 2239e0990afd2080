/* SPDX-License-Identifier: MIT */
#include "plan_want.h"

#include <errno.h>

#include "parser/device/device_settings.h"
#include "parser/document/value.h"
#include "parser/text/text.h"
#include "plan_expand.h"
#include "plan_mmio.h"
#include "plan_saved.h"

static int require(const struct vmx_dict *dict, const struct vmx_profile *profile,
                   struct diag *diag)
{
    BUF_AUTO text = {0};
    for (size_t i = 0; i < profile->requirements.n; i++) {
        const struct profile_condition *condition = &profile->requirements.items[i];
        bool met = false;
        int r = profile_condition_met(condition, dict, &met);
        if (r == 0 && met)
            continue;
        return r
            ?: profile_condition_add(condition, &text)
            ?: diag_set(diag, "%s requires %s%s", vmx_profile_name(profile), text.data,
                      condition->op == PROFILE_PRESENT ? " to be set" : "");
    }
    return 0;
}

/* cpu=auto that nothing decides now, but did when the profile was applied. */
static int want_as_recorded(const struct plan_on *on, struct span key, struct pairs *wanted)
{
    PLAN_SAVED_AUTO saved = {0};
    bool recorded = false;
    int r = plan_is_recorded(on, SPAN_LITERAL("cpu"), &recorded);
    if (r != 0 || !recorded)
        return r;
    r = plan_saved_find(on->dict, key, &saved);
    if (r == 0 && !plan_wanted_find(wanted, key))
        r = plan_wanted_set(wanted, key, buf_span(&saved.set));
    return r == -ENOENT || r == -EINVAL ? 0 : r;
}

static int want_setting(const struct plan_on *on, const struct profile_setting *setting,
                        struct pairs *wanted, struct diag *diag)
{
    BUF_AUTO value = {0};
    bool applies = false;
    bool known = false;
    int r = plan_when(on, setting, &applies, &known);
    if (r == 0 && !known)
        return want_as_recorded(on, buf_span(&setting->key), wanted);
    if (r != 0 || !applies)
        return r;
    return plan_expand(on, setting, &value, diag)
        ?: vmx_value_check(buf_span(&setting->key), buf_span(&value), diag)
        ?: plan_wanted_set(wanted, buf_span(&setting->key), buf_span(&value));
}

int plan_want(const struct plan_on *on, struct pairs *wanted, struct diag *diag)
{
    struct span device = {0};
    int r = require(on->dict, on->profile, diag);
    for (size_t i = 0; r == 0 && i < on->profile->n_settings; i++)
        r = want_setting(on, &on->profile->settings[i], wanted, diag);
    r = r ?: plan_mmio_keep(on, wanted);
    if (r == 0 && plan_param(on, SPAN_LITERAL("device"), &device) == 0 && device.n > 0)
        r = device_want(on, device, wanted, diag);
    return r;
}
