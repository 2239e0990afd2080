/* SPDX-License-Identifier: MIT */
#include "plan_line.h"

#include <errno.h>

#include "parser/document/secret_name.h"
#include "parser/document/value.h"
#include "parser/text/text.h"

void plan_line_done(struct plan_line *line)
{
    pairs_done(&line->params);
    buf_done(&line->profile);
}

const struct buf *plan_line_param(const struct plan_line *line, struct span name)
{
    const struct pair *param = pairs_find(&line->params, name, span_eq);
    return param ? &param->value : NULL;
}

void plan_line_drop(struct plan_line *line, struct span name)
{
    struct pair *param = pairs_find(&line->params, name, span_eq);
    if (!param)
        return;
    buf_done(&param->name);
    buf_done(&param->value);
    line->params.n--;
    size_t behind = line->params.n - (size_t)(param - line->params.items);
    memmove(param, param + 1, behind * sizeof(*param));
}

/* One form for each address and id, so that the same request is the same line. */
static int add_canonical(struct span name, struct span value, struct buf *ret)
{
    struct vmx_pci pci;
    long long number;
    if (span_eq(name, SPAN_LITERAL("device")) && vmx_pci_parse(value, &pci))
        return vmx_pci_add_address(&pci, ret);
    bool id = span_eq(name, SPAN_LITERAL("vendor")) || span_eq(name, SPAN_LITERAL("deviceid"));
    if (id && profile_param_check(name, value, NULL) == 0 && vmx_value_pci_number(value, &number))
        return buf_addf(ret, "0x%04llx", (unsigned long long)number);
    return buf_add(ret, value);
}

static int put(struct plan_line *line, struct span name, struct span value)
{
    BUF_AUTO canonical = {0};
    return add_canonical(name, value, &canonical)
               ?: pairs_set(&line->params, name, buf_span(&canonical), span_eq);
}

/* Shows the word, unless it may belong to a value before it that is in no message. */
static int refuse_word(const struct plan_line *line, struct span word, struct diag *diag)
{
    for (size_t i = 0; i < line->params.n; i++) {
        struct span name = buf_span(&line->params.items[i].name);
        if (vmx_is_secret_param(name))
            return diag_set(diag, "behind " SPAN_FORMAT "=: expected PARAM=VALUE",
                            SPAN_SHOWN(name));
    }
    return diag_set(diag, "\"" SPAN_FORMAT "\": expected PARAM=VALUE", SPAN_SHOWN(word));
}

static int parse_param(struct span word, struct plan_line *line, struct diag *diag)
{
    size_t equals = text_find(word, '=');
    struct span name = span_head(word, equals);
    if (equals == 0 || equals == word.n)
        return refuse_word(line, equals == 0 ? SPAN_LITERAL("=") : word, diag);
    if (plan_line_param(line, name))
        return diag_set(diag, SPAN_FORMAT " is given twice", SPAN_SHOWN(name));
    return put(line, name, span_from(word, equals + 1));
}

int plan_line_parse(struct span text, struct plan_line *line, struct diag *diag)
{
    struct span word = {0};
    if (!text_word(&text, &word))
        return diag_set(diag, "expected the name of a profile, or none");
    int r = buf_add(&line->profile, word);
    while (r == 0 && text_word(&text, &word))
        r = parse_param(word, line, diag);
    return r;
}

int plan_line_recorded(const struct vmx_dict *dict, struct plan_line *line)
{
    BUF_AUTO text = {0};
    struct span word = {0};
    int r = vmx_dict_get(dict, SPAN_LITERAL(PLAN_PROFILE), &text);
    struct span rest = buf_span(&text);
    if (r != 0 || !text_word(&rest, &word) || !profile_name_valid(word))
        return r == -ENOENT ? 0 : r;
    r = buf_add(&line->profile, word);
    while (r == 0 && text_word(&rest, &word)) {
        r = parse_param(word, line, NULL);
        r = r == -EINVAL ? 0 : r;
    }
    return r;
}

static bool declared(const struct vmx_profile *profile, struct span name)
{
    return profile_param(profile, name) ||
           (profile_device_param(name) && profile_param(profile, SPAN_LITERAL("device")));
}

static int unknown(const struct vmx_profile *profile, struct span name, struct diag *diag)
{
    BUF_AUTO known = {0};
    int r = 0;
    for (size_t i = 0; r == 0 && i < profile->params.n; i++)
        r = buf_addf(&known, "%s%s", i > 0 ? ", " : "", profile->params.items[i].name.data);
    return r
               ?: diag_set(diag, "%s has no parameter \"" SPAN_FORMAT "\"; it has: %s",
                           vmx_profile_name(profile), SPAN_SHOWN(name),
                           known.len > 0 ? known.data : "none");
}

static bool same_param(const struct plan_line *a, const struct plan_line *b, struct span name)
{
    const struct buf *x = plan_line_param(a, name);
    const struct buf *y = plan_line_param(b, name);
    return x && y && span_eq(buf_span(x), buf_span(y));
}

static int judge(const struct vmx_profile *profile, const struct plan_line *line, struct diag *diag)
{
    const struct pair *device = profile_param(profile, SPAN_LITERAL("device"));
    bool has_device =
        device && (device->value.len > 0 || plan_line_param(line, SPAN_LITERAL("device")));
    int r = 0;
    for (size_t i = 0; r == 0 && i < line->params.n; i++) {
        const struct pair *param = &line->params.items[i];
        struct span name = buf_span(&param->name);
        if (profile_device_param(name) && !has_device)
            return diag_set(diag, SPAN_FORMAT "= says something about a device: give device= too",
                            SPAN_SHOWN(name));
        r = profile_param_check(name, buf_span(&param->value), diag);
    }
    return r;
}

/* The facts that are recorded about a device go with the device. */
static void drop_device_facts(const struct plan_line *given, struct plan_line *line)
{
    static const char *const facts[] = {"vendor", "deviceid", "system", "vram"};
    const struct buf *device = plan_line_param(given, SPAN_LITERAL("device"));
    if (!device || device->len > 0)
        return;
    for (size_t i = 0; i < sizeof(facts) / sizeof(facts[0]); i++) {
        if (!plan_line_param(given, span_of(facts[i])))
            plan_line_drop(line, span_of(facts[i]));
    }
}

int plan_line_merge(const struct vmx_profile *profile, const struct plan_line *base,
                    const struct plan_line *given, struct plan_line *line, struct diag *diag)
{
    struct span device = SPAN_LITERAL("device");
    int r = buf_add(&line->profile, buf_span(&profile->name));
    for (size_t i = 0; r == 0 && base && i < base->params.n; i++) {
        const struct pair *param = &base->params.items[i];
        if (declared(profile, buf_span(&param->name)))
            r = put(line, buf_span(&param->name), buf_span(&param->value));
    }
    if (r == 0 && plan_line_param(given, device) && !same_param(line, given, device)) {
        plan_line_drop(line, SPAN_LITERAL("vendor"));
        plan_line_drop(line, SPAN_LITERAL("deviceid"));
        plan_line_drop(line, SPAN_LITERAL("vram"));
    }
    for (size_t i = 0; r == 0 && i < given->params.n; i++) {
        const struct pair *param = &given->params.items[i];
        struct span name = buf_span(&param->name);
        if (!declared(profile, name))
            return unknown(profile, name, diag);
        if (param->value.len == 0)
            plan_line_drop(line, name);
        else
            r = put(line, name, buf_span(&param->value));
    }
    drop_device_facts(given, line);
    return r ?: judge(profile, line, diag);
}

int plan_line_add(const struct plan_line *line, struct buf *ret)
{
    int r = buf_add(ret, buf_span(&line->profile));
    for (size_t i = 0; r == 0 && i < line->params.n; i++)
        r = buf_addf(ret, " %s=%s", line->params.items[i].name.data,
                     line->params.items[i].value.data);
    return r;
}
