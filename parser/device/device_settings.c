/* SPDX-License-Identifier: MIT */
/*
 * What device=ADDRESS wants of a document. The host says it, where there is one to ask; later the
 * file itself does: what was saved when the profile was applied, and what the line gives.
 */
#include "device_settings.h"

#include <errno.h>

#include "device_ask_host.h"
#include "device_blocks.h"
#include "parser/document/value.h"
#include "parser/plan/plan_saved.h"

static const char *const parts[] = {"id", "deviceId", "vendorId", "systemId", "present"};

static int want(struct pairs *wanted, size_t n, const char *name, struct span value)
{
    const struct device_key key = device_key(n, name);
    return plan_wanted_set(wanted, span_of(key.text), value);
}

/* One function, and what is known of it: empty where it is not. */
struct function {
    const struct vmx_pci *pci;
    size_t n;
    struct span vendor, device, system;
};

/* The value that is known, or else wanted already, recorded, or there, which then stays. */
static int want_fact(const struct vmx_dict *dict, const struct function *f, const char *name,
                     const char *param, struct span known, struct pairs *wanted,
                     struct buf *missing)
{
    const struct device_key key = device_key(f->n, name);
    BUF_AUTO found = {0};
    if (known.n > 0)
        return want(wanted, f->n, name, known);
    if (plan_wanted_find(wanted, span_of(key.text)))
        return 0;
    int r = device_recorded_get(dict, f->pci, name, &found);
    if (r == 0 && found.len > 0)
        return want(wanted, f->n, name, buf_span(&found));
    if (r == -ENOENT)
        r = vmx_dict_get(dict, span_of(key.text), &found);
    bool unknown = r == -ENOENT || (r == 0 && found.len == 0);
    if (!unknown)
        return r;
    if (missing->len > 0 && strstr(missing->data, param))
        return 0;
    return buf_addf(missing, "%s%s=", missing->len > 0 ? ", " : "", param);
}

/* missing: gets the parameters that would say what nobody knows. */
static int want_function(const struct vmx_dict *dict, struct function *f, struct pairs *wanted,
                         struct buf *missing)
{
    BUF_AUTO id = {0};
    return device_place(dict, wanted, f->pci, &f->n)
        ?: vmx_pci_add_id(f->pci, &id)
        ?: want(wanted, f->n, "id", buf_span(&id))
        ?: want_fact(dict, f, "deviceId", "deviceid", f->device, wanted, missing)
        ?: want_fact(dict, f, "vendorId", "vendor", f->vendor, wanted, missing)
        ?: want_fact(dict, f, "systemId", "system", f->system, wanted, missing)
        ?: want(wanted, f->n, "present", SPAN_LITERAL("TRUE"));
}

static int refuse_missing(const struct vmx_pci *pci, const struct buf *missing, const char *why,
                          struct diag *diag)
{
    BUF_AUTO address = {0};
    return vmx_pci_add_address(pci, &address)
               ?: diag_set(diag, "device=%s needs %s too: %s", address.data, missing->data, why);
}

/* The line's facts about the function that it names. */
static void take_given(const struct plan_line *line, struct function *f)
{
    const struct buf *vendor = plan_line_param(line, SPAN_LITERAL("vendor"));
    const struct buf *device = plan_line_param(line, SPAN_LITERAL("deviceid"));
    const struct buf *system = plan_line_param(line, SPAN_LITERAL("system"));
    if (vendor)
        f->vendor = buf_span(vendor);
    if (device)
        f->device = buf_span(device);
    if (system)
        f->system = buf_span(system);
}

/* ---- as the file has it ---- */

/* The settings that were made of a function's block, for the block that is the function's now. */
static int want_recorded_block(const struct vmx_dict *dict, const struct plan_saved *id,
                               size_t made, struct pairs *wanted)
{
    struct vmx_pci pci;
    size_t n = made;
    bool still = false;
    if (!vmx_pci_parse_id(buf_span(&id->set), &pci))
        return 0;
    int r = device_is(dict, made, &pci, &still);
    if (r == 0 && !still)
        r = device_find(dict, wanted, &pci, &n);
    if (r == -ENOENT)
        r = 0;
    for (size_t i = 0; r == 0 && i < sizeof(parts) / sizeof(parts[0]); i++) {
        PLAN_SAVED_AUTO saved = {0};
        const struct device_key was = device_key(made, parts[i]);
        const struct device_key now = device_key(n, parts[i]);
        r = plan_saved_find(dict, span_of(was.text), &saved);
        if (r == 0 && !plan_wanted_find(wanted, span_of(now.text)))
            r = plan_wanted_set(wanted, span_of(now.text), buf_span(&saved.set));
        if (r == -ENOENT || r == -EINVAL)
            r = 0;
    }
    return r;
}

/* All functions that were passed along with this one when the profile was applied. */
static int want_recorded(const struct vmx_dict *dict, const struct vmx_pci *pci,
                         struct pairs *wanted)
{
    size_t n = 0;
    int r = device_recorded(dict, pci, &n);
    if (r != 0)
        return r == -ENOENT ? 0 : r;
    for (size_t i = 0; r == 0 && i < vmx_dict_keys(dict); i++) {
        PLAN_SAVED_AUTO saved = {0};
        r = plan_saved_nth(dict, i, &saved);
        if (r == 0 && vmx_pci_key_is(saved.key, "id", &n))
            r = want_recorded_block(dict, &saved, n, wanted);
        else if (r == -ENOENT || r == -EINVAL)
            r = 0;
    }
    return r;
}

static int want_as_file_has_it(const struct plan_on *on, const struct vmx_pci *pci,
                               struct pairs *wanted, struct diag *diag)
{
    struct function f = {.pci = pci};
    BUF_AUTO missing = {0};
    take_given(on->line, &f);
    int r = want_recorded(on->dict, pci, wanted) ?: want_function(on->dict, &f, wanted, &missing);
    if (r == 0 && missing.len > 0)
        r = refuse_missing(pci, &missing, "there is no host here to ask", diag);
    return r;
}

/* ---- as the host has it ---- */

static int add_number(long long number, struct buf *ret)
{
    return number < 0 ? 0 : buf_addf(ret, "0x%04llx", (unsigned long long)number);
}

static int want_as_host_has_it(const struct plan_on *on, const struct device_functions *functions,
                               struct pairs *wanted, struct diag *diag)
{
    const struct buf *system = plan_line_param(on->line, SPAN_LITERAL("system"));
    const struct vmx_host *host = on->around->host;
    BUF_AUTO missing = {0};
    int r = 0;
    for (size_t i = 0; r == 0 && i < functions->n; i++) {
        const struct vmx_host_pci *pci = functions->items[i];
        BUF_AUTO vendor = {0};
        BUF_AUTO device = {0};
        r = add_number(pci->vendor, &vendor) ?: add_number(pci->device, &device);
        struct function f = {.pci = &pci->address,
                             .vendor = buf_span(&vendor),
                             .device = buf_span(&device),
                             .system = system ? buf_span(system) : span_of(host->uuid)};
        if (i == 0)
            take_given(on->line, &f);
        r = r ?: want_function(on->dict, &f, wanted, &missing);
    }
    if (r == 0 && missing.len > 0)
        r = refuse_missing(&functions->items[0]->address, &missing, "the host does not say", diag);
    return r;
}

/* ---- which of them ---- */

/* Whether all that the line says about the device is what was recorded. */
static int is_recorded(const struct plan_on *on, bool *ret)
{
    static const char *const names[] = {"device", "vendor", "deviceid", "system"};
    int r = 0;
    *ret = true;
    for (size_t i = 0; r == 0 && *ret && i < sizeof(names) / sizeof(names[0]); i++)
        r = plan_is_recorded(on, span_of(names[i]), ret);
    return r;
}

int device_want(const struct plan_on *on, struct span device, struct pairs *wanted,
                struct diag *diag)
{
    const struct vmx_host *host = on->around->host;
    struct device_functions functions = {0};
    struct diag why = {0};
    struct vmx_pci pci;
    bool recorded = false;
    if (!vmx_pci_parse(device, &pci))
        return profile_param_check(SPAN_LITERAL("device"), device, diag);
    if (!on->ask || !host || host->n_pci == 0)
        return want_as_file_has_it(on, &pci, wanted, diag);
    int r = device_ask(on, &pci, &functions, &why);
    if (r == 0)
        return want_as_host_has_it(on, &functions, wanted, diag);
    if (r == -EINVAL)
        r = is_recorded(on, &recorded);
    if (r != 0)
        return r;
    if (recorded)
        return want_as_file_has_it(on, &pci, wanted, diag);
    return diag_set(diag, "%s", why.text);
}
