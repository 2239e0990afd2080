/* SPDX-License-Identifier: MIT */
/* The settings that a profile wants: a list, and whether a VM has them. */
#include "plan_wanted.h"

#include <errno.h>
#include <stdlib.h>

#include "parser/document/value.h"
#include "parser/text/list.h"

void plan_wanted_done(struct plan_wanted *wanted)
{
    for (size_t i = 0; i < wanted->n; i++) {
        buf_done(&wanted->items[i].key);
        buf_done(&wanted->items[i].value);
    }
    free(wanted->items);
    *wanted = (struct plan_wanted){0};
}

const struct plan_setting *plan_wanted_find(const struct plan_wanted *wanted, struct span key)
{
    for (size_t i = 0; i < wanted->n; i++) {
        if (span_eq_fold(buf_span(&wanted->items[i].key), key))
            return &wanted->items[i];
    }
    return NULL;
}

int plan_wanted_set(struct plan_wanted *wanted, struct span key, struct span value)
{
    for (size_t i = 0; i < wanted->n; i++) {
        if (span_eq_fold(buf_span(&wanted->items[i].key), key)) {
            buf_clear(&wanted->items[i].value);
            return buf_add(&wanted->items[i].value, value);
        }
    }
    struct plan_setting *items = list_room(wanted->items, wanted->n, sizeof(*items));
    if (!items)
        return -ENOMEM;
    wanted->items = items;
    struct plan_setting *setting = &items[wanted->n++];
    *setting = (struct plan_setting){0};
    return buf_add(&setting->key, key) ?: buf_add(&setting->value, value);
}

/* What a line says of a parameter, or else the default. */
static struct span effective(const struct plan_on *on, const struct plan_line *line,
                             struct span name)
{
    const struct buf *given = plan_line_param(line, name);
    const struct profile_param *param = profile_param(on->profile, name);
    if (given)
        return buf_span(given);
    return param ? buf_span(&param->value) : SPAN_LITERAL("");
}

int plan_is_recorded(const struct plan_on *on, struct span name, bool *ret)
{
    struct plan_line recorded = {0};
    int r = plan_line_recorded(on->dict, &recorded);
    if (r == 0)
        *ret = span_eq(buf_span(&recorded.profile), buf_span(&on->profile->name)) &&
               span_eq(effective(on, &recorded, name), effective(on, on->line, name));
    plan_line_done(&recorded);
    return r;
}

int plan_holds(const struct vmx_dict *dict, const struct plan_setting *setting, bool *ret)
{
    BUF_AUTO value = {0};
    int r = vmx_dict_get(dict, buf_span(&setting->key), &value);
    if (r != 0 && r != -ENOENT)
        return r;
    *ret = r == 0 &&
           vmx_value_same(buf_span(&setting->key), buf_span(&value), buf_span(&setting->value));
    return 0;
}

int plan_all_hold(const struct vmx_dict *dict, const struct plan_wanted *wanted, bool *ret)
{
    bool all = true;
    int r = 0;
    for (size_t i = 0; r == 0 && all && i < wanted->n; i++)
        r = plan_holds(dict, &wanted->items[i], &all);
    if (r == 0)
        *ret = all;
    return r;
}
