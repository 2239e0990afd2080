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

static int want(struct plan_wanted *wanted, size_t n, const char *name, struct span value)
{
    BUF_AUTO key = {0};
    return buf_addf(&key, "pciPassthru%zu.%s", n, name)
               ?: plan_wanted_set(wanted, buf_span(&key), value);
}

/* One function, and what is known of it: empty where it is not. */
struct function {
    const struct vmx_pci *pci;
    size_t n;
    struct buf vendor, device;
    struct span system;
};

static void function_done(struct function *f)
{
    buf_done(&f->vendor);
    buf_done(&f->device);
}

/* What is known, or else wanted already, or was recorded, or is there, which then stays. */
static int want_fact(const struct vmx_dict *dict, const struct function *f, const char *name,
                     const char *param, struct span known, struct plan_wanted *wanted,
                     struct buf *missing)
{
    BUF_AUTO key = {0};
    BUF_AUTO found = {0};
    if (known.n > 0)
        return want(wanted, f->n, name, known);
    int r = buf_addf(&key, "pciPassthru%zu.%s", f->n, name);
    if (r != 0 || plan_wanted_find(wanted, buf_span(&key)))
        return r;
    r = device_recorded_get(dict, f->pci, name, &found);
    if (r == 0 && found.len > 0)
        return want(wanted, f->n, name, buf_span(&found));
    if (r == -ENOENT)
        r = device_get(dict, f->n, name, &found);
    bool unknown = r == -ENOENT || (r == 0 && found.len == 0);
    if (unknown)
        r = 0;
    if (unknown && !(missing->len > 0 && strstr(missing->data, param)))
        r = buf_addf(missing, "%s%s=", missing->len > 0 ? ", " : "", param);
    return r;
}

/* missing: gets the parameters that would say what nobody knows. */
static int want_function(const struct vmx_dict *dict, struct function *f,
                         struct plan_wanted *wanted, struct buf *missing)
{
    BUF_AUTO id = {0};
    return device_place(dict, wanted, f->pci, &f->n)
        ?: vmx_pci_add_id(f->pci, &id)
        ?: want(wanted, f->n, "id", buf_span(&id))
        ?: want_fact(dict, f, "deviceId", "deviceid", buf_span(&f->device), wanted, missing)
        ?: want_fact(dict, f, "vendorId", "vendor", buf_span(&f->vendor), wanted, missing)
        ?: want_fact(dict, f, "systemId", "system", f->system, wanted, missing)
        ?: want(wanted, f->n, "present", SPAN_LITERAL("TRUE"));
}

static int refuse_missing(const struct vmx_pci *pci, const struct buf *missing, const char *why,
                          struct diag *diag)
{
    BUF_AUTO address = {0};
    int r = vmx_pci_add_address(pci, &address);
    if (r != 0)
        return r;
    diag_set(diag, "device=%s needs %s too: %s", address.data, missing->data, why);
    return -EINVAL;
}

/* The line's facts about the function that it names. */
static int add_given(const struct plan_line *line, struct function *f)
{
    const struct buf *vendor = plan_line_param(line, SPAN_LITERAL("vendor"));
    const struct buf *device = plan_line_param(line, SPAN_LITERAL("deviceid"));
    const struct buf *system = plan_line_param(line, SPAN_LITERAL("system"));
    int r = vendor ? buf_add(&f->vendor, buf_span(vendor)) : 0;
    if (r == 0 && device)
        r = buf_add(&f->device, buf_span(device));
    if (r == 0 && system)
        f->system = buf_span(system);
    return r;
}

/* ---- as the file has it ---- */

/* What was made of the block of one function then, in the block that is that function now. */
static int want_recorded_block(const struct vmx_dict *dict, const struct plan_saved *id,
                               size_t made, struct plan_wanted *wanted)
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
        struct plan_saved saved = {0};
        BUF_AUTO was = {0};
        BUF_AUTO now = {0};
        r = buf_addf(&was, "pciPassthru%zu.%s", made, parts[i])
            ?: buf_addf(&now, "pciPassthru%zu.%s", n, parts[i])
            ?: plan_saved_find(dict, buf_span(&was), &saved);
        if (r == 0 && !plan_wanted_find(wanted, buf_span(&now)))
            r = plan_wanted_set(wanted, buf_span(&now), buf_span(&saved.set));
        plan_saved_done(&saved);
        if (r == -ENOENT || r == -EINVAL)
            r = 0;
    }
    return r;
}

/* All functions that were passed along with this one when the profile was applied. */
static int want_recorded(const struct vmx_dict *dict, const struct vmx_pci *pci,
                         struct plan_wanted *wanted)
{
    size_t n = 0;
    int r = device_recorded(dict, pci, &n);
    if (r != 0)
        return r == -ENOENT ? 0 : r;
    for (size_t i = 0; r == 0 && i < vmx_dict_keys(dict); i++) {
        struct plan_saved saved = {0};
        struct span rest = {0};
        r = plan_saved_nth(dict, i, &saved);
        if (r == 0 && vmx_pci_key(saved.key, &n, &rest) && span_eq_fold(rest, SPAN_LITERAL("id")))
            r = want_recorded_block(dict, &saved, n, wanted);
        else if (r == -ENOENT || r == -EINVAL)
            r = 0;
        plan_saved_done(&saved);
    }
    return r;
}

static int want_as_file_has_it(const struct plan_on *on, const struct vmx_pci *pci,
                               struct plan_wanted *wanted, struct diag *diag)
{
    struct function f = {.pci = pci};
    BUF_AUTO missing = {0};
    int r = want_recorded(on->dict, pci, wanted)
        ?: add_given(on->line, &f)
        ?: want_function(on->dict, &f, wanted, &missing);
    function_done(&f);
    if (r == 0 && missing.len > 0)
        r = refuse_missing(pci, &missing, "there is no host here to ask", diag);
    return r;
}

/* ---- as the host has it ---- */

static int add_number(long long number, struct buf *ret)
{
    return number < 0 || ret->len > 0 ? 0 : buf_addf(ret, "0x%04llx", (unsigned long long)number);
}

static int want_as_host_has_it(const struct plan_on *on, const struct device_functions *functions,
                               struct plan_wanted *wanted, struct diag *diag)
{
    const struct buf *system = plan_line_param(on->line, SPAN_LITERAL("system"));
    const struct vmx_host *host = on->around->host;
    BUF_AUTO missing = {0};
    int r = 0;
    for (size_t i = 0; r == 0 && i < functions->n; i++) {
        const struct vmx_host_pci *pci = functions->items[i];
        struct function f = {.pci = &pci->address};
        f.system = system ? buf_span(system) : span_of(host->uuid);
        if (i == 0)
            r = add_given(on->line, &f);
        r = r
            ?: add_number(pci->vendor, &f.vendor)
            ?: add_number(pci->device, &f.device)
            ?: want_function(on->dict, &f, wanted, &missing);
        function_done(&f);
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

int device_want(const struct plan_on *on, struct span device, struct plan_wanted *wanted,
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
    diag_set(diag, "%s", why.text);
    return -EINVAL;
}
