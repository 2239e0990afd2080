/* SPDX-License-Identifier: MIT */
#include "plan_line.h"

#include <errno.h>
#include <stdlib.h>

#include "parser/document/value.h"
#include "parser/text/list.h"
#include "parser/text/text.h"

void plan_line_done(struct plan_line *line)
{
    for (size_t i = 0; i < line->n; i++) {
        buf_done(&line->params[i].name);
        buf_done(&line->params[i].value);
    }
    free(line->params);
    buf_done(&line->profile);
    *line = (struct plan_line){0};
}

static struct profile_param *find(const struct plan_line *line, struct span name)
{
    for (size_t i = 0; i < line->n; i++) {
        if (span_eq(buf_span(&line->params[i].name), name))
            return &line->params[i];
    }
    return NULL;
}

const struct buf *plan_line_param(const struct plan_line *line, struct span name)
{
    const struct profile_param *param = find(line, name);
    return param ? &param->value : NULL;
}

void plan_line_drop(struct plan_line *line, struct span name)
{
    struct profile_param *param = find(line, name);
    if (!param)
        return;
    buf_done(&param->name);
    buf_done(&param->value);
    line->n--;
    size_t behind = line->n - (size_t)(param - line->params);
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
    if (!id || profile_param_check(name, value, NULL) != 0)
        return buf_add(ret, value);
    bool marked = value.n > 2 && (value.p[1] == 'x' || value.p[1] == 'X');
    BUF_AUTO hex = {0};
    int r = buf_add_str(&hex, "0x") ?: buf_add(&hex, marked ? span_from(value, 2) : value);
    if (r != 0 || !vmx_value_int(buf_span(&hex), &number))
        return r;
    return buf_addf(ret, "0x%04llx", (unsigned long long)number);
}

static int put(struct plan_line *line, struct span name, struct span value)
{
    struct profile_param *param = find(line, name);
    int r = 0;
    if (!param) {
        struct profile_param *params = list_room(line->params, line->n, sizeof(*params));
        if (!params)
            return -ENOMEM;
        line->params = params;
        param = &params[line->n++];
        *param = (struct profile_param){0};
        r = buf_add(&param->name, name);
    }
    buf_clear(&param->value);
    return r ?: add_canonical(name, value, &param->value);
}

static int parse_param(struct span word, struct plan_line *line, struct diag *diag)
{
    size_t equals = text_find(word, '=');
    if (equals == 0 || equals == word.n) {
        diag_set(diag, "\"" SPAN_FORMAT "\": expected PARAM=VALUE", SPAN_SHOWN(word));
        return -EINVAL;
    }
    if (find(line, span_head(word, equals))) {
        diag_set(diag, SPAN_FORMAT " is given twice", SPAN_SHOWN(span_head(word, equals)));
        return -EINVAL;
    }
    return put(line, span_head(word, equals), span_from(word, equals + 1));
}

int plan_line_parse(struct span text, struct plan_line *ret, struct diag *diag)
{
    struct plan_line line = {0};
    struct span word = {0};
    int r = 0;
    if (!text_word(&text, &word)) {
        diag_set(diag, "expected the name of a profile, or none");
        return -EINVAL;
    }
    r = buf_add(&line.profile, word);
    while (r == 0 && text_word(&text, &word))
        r = parse_param(word, &line, diag);
    if (r != 0)
        plan_line_done(&line);
    else
        *ret = line;
    return r;
}

int plan_line_recorded(const struct vmx_dict *dict, struct plan_line *ret)
{
    BUF_AUTO text = {0};
    struct plan_line line = {0};
    struct span word = {0};
    int r = vmx_dict_get(dict, SPAN_LITERAL(PLAN_PROFILE), &text);
    struct span rest = buf_span(&text);
    if (r == 0 && text_word(&rest, &word) && profile_name_valid(word)) {
        r = buf_add(&line.profile, word);
        while (r == 0 && text_word(&rest, &word)) {
            r = parse_param(word, &line, NULL);
            r = r == -EINVAL ? 0 : r;
        }
    }
    if (r != 0)
        plan_line_done(&line);
    else
        *ret = line;
    return r == -ENOENT ? 0 : r;
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
    for (size_t i = 0; r == 0 && i < profile->n_params; i++)
        r = buf_addf(&known, "%s%s", i > 0 ? ", " : "", profile->params[i].name.data);
    if (r != 0)
        return r;
    diag_set(diag, "%s has no parameter \"" SPAN_FORMAT "\"; it has: %s", vmx_profile_name(profile),
             SPAN_SHOWN(name), known.len > 0 ? known.data : "none");
    return -EINVAL;
}

static bool same_param(const struct plan_line *a, const struct plan_line *b, struct span name)
{
    const struct buf *x = plan_line_param(a, name);
    const struct buf *y = plan_line_param(b, name);
    return x && y && span_eq(buf_span(x), buf_span(y));
}

static int merge(const struct vmx_profile *profile, const struct plan_line *base,
                 const struct plan_line *given, struct plan_line *line, struct diag *diag)
{
    struct span device = SPAN_LITERAL("device");
    int r = buf_add(&line->profile, buf_span(&profile->name));
    for (size_t i = 0; r == 0 && base && i < base->n; i++) {
        if (declared(profile, buf_span(&base->params[i].name)))
            r = put(line, buf_span(&base->params[i].name), buf_span(&base->params[i].value));
    }
    if (r == 0 && find(given, device) && !same_param(line, given, device)) {
        plan_line_drop(line, SPAN_LITERAL("vendor"));
        plan_line_drop(line, SPAN_LITERAL("deviceid"));
        plan_line_drop(line, SPAN_LITERAL("vram"));
    }
    for (size_t i = 0; r == 0 && i < given->n; i++) {
        struct span name = buf_span(&given->params[i].name);
        if (!declared(profile, name))
            return unknown(profile, name, diag);
        if (given->params[i].value.len == 0)
            plan_line_drop(line, name);
        else
            r = put(line, name, buf_span(&given->params[i].value));
    }
    return r;
}

static int judge(const struct vmx_profile *profile, const struct plan_line *line, struct diag *diag)
{
    const struct profile_param *device = profile_param(profile, SPAN_LITERAL("device"));
    bool has_device = device && (device->value.len > 0 || find(line, SPAN_LITERAL("device")));
    for (size_t i = 0; i < line->n; i++) {
        struct span name = buf_span(&line->params[i].name);
        if (profile_device_param(name) && !has_device) {
            diag_set(diag, SPAN_FORMAT "= says something about a device: give device= too",
                     SPAN_SHOWN(name));
            return -EINVAL;
        }
        int r = profile_param_check(name, buf_span(&line->params[i].value), diag);
        if (r != 0)
            return r;
    }
    return 0;
}

/* What is recorded about a device goes with the device. */
static void drop_device_facts(const struct plan_line *given, struct plan_line *line)
{
    static const char *const facts[] = {"vendor", "deviceid", "system", "vram"};
    const struct buf *device = plan_line_param(given, SPAN_LITERAL("device"));
    if (!device || device->len > 0)
        return;
    for (size_t i = 0; i < sizeof(facts) / sizeof(facts[0]); i++) {
        if (!find(given, span_of(facts[i])))
            plan_line_drop(line, span_of(facts[i]));
    }
}

int plan_line_merge(const struct vmx_profile *profile, const struct plan_line *base,
                    const struct plan_line *given, struct plan_line *ret, struct diag *diag)
{
    struct plan_line line = {0};
    int r = merge(profile, base, given, &line, diag);
    if (r == 0) {
        drop_device_facts(given, &line);
        r = judge(profile, &line, diag);
    }
    if (r != 0)
        plan_line_done(&line);
    else
        *ret = line;
    return r;
}

int plan_line_add(const struct plan_line *line, struct buf *ret)
{
    int r = buf_add(ret, buf_span(&line->profile));
    for (size_t i = 0; r == 0 && i < line->n; i++)
        r = buf_addf(ret, " %s=%s", line->params[i].name.data,
                     line->params[i].value.data ? line->params[i].value.data : "");
    return r;
}
