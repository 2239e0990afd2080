/* SPDX-License-Identifier: MIT */
#include "plan_wanted.h"

#include <errno.h>

#include "parser/document/value.h"

const struct pair *plan_wanted_find(const struct pairs *wanted, struct span key)
{
    return pairs_find(wanted, key, span_eq_fold);
}

int plan_wanted_set(struct pairs *wanted, struct span key, struct span value)
{
    return pairs_set(wanted, key, value, span_eq_fold);
}

/* The value of a parameter on the line, or else the default. */
static struct span effective(const struct plan_on *on, const struct plan_line *line,
                             struct span name)
{
    const struct buf *given = plan_line_param(line, name);
    const struct pair *param = profile_param(on->profile, name);
    if (given)
        return buf_span(given);
    return param ? buf_span(&param->value) : SPAN_LITERAL("");
}

int plan_is_recorded(const struct plan_on *on, struct span name, bool *ret)
{
    PLAN_LINE_AUTO recorded = {0};
    int r = plan_line_recorded(on->dict, &recorded);
    if (r == 0)
        *ret = span_eq(buf_span(&recorded.profile), buf_span(&on->profile->name)) &&
               span_eq(effective(on, &recorded, name), effective(on, on->line, name));
    return r;
}

int plan_holds(const struct vmx_dict *dict, const struct pair *setting, bool *ret)
{
    BUF_AUTO value = {0};
    int r = vmx_dict_get(dict, buf_span(&setting->name), &value);
    if (r != 0 && r != -ENOENT)
        return r;
    *ret = r == 0 &&
           vmx_value_same(buf_span(&setting->name), buf_span(&value), buf_span(&setting->value));
    return 0;
}

int plan_all_hold(const struct vmx_dict *dict, const struct pairs *wanted, bool *ret)
{
    bool all = true;
    int r = 0;
    for (size_t i = 0; r == 0 && all && i < wanted->n; i++)
        r = plan_holds(dict, &wanted->items[i], &all);
    if (r == 0)
        *ret = all;
    return r;
}
