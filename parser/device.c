/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>

#include "pci.h"
#include "plan_private.h"
#include "text.h"
#include "value.h"

int device_get(const struct vmx_dict *dict, size_t n, const char *name, struct buf *ret)
{
    BUF_AUTO key = {0};

    int r = buf_addf(&key, "pciPassthru%zu.%s", n, name);
    return r != 0 ? r : vmx_dict_get(dict, buf_span(&key), ret);
}

static bool is_id(struct span id, const struct vmx_pci *pci)
{
    struct vmx_pci other;
    return vmx_pci_parse_id(id, &other) && vmx_pci_eq(&other, pci);
}

/* The saved "pciPassthruN.id" of a block that a profile added. 0, -ENOENT, -ENOMEM. */
static int saved_id(const struct vmx_dict *dict, size_t n, struct plan_saved *ret)
{
    BUF_AUTO key = {0};

    int r = buf_addf(&key, "pciPassthru%zu.id", n);
    if (r == 0)
        r = plan_saved_find(dict, buf_span(&key), ret);
    if (r == 0 && !ret->absent) {
        plan_saved_done(ret);
        r = -ENOENT;
    }
    return r == -EINVAL ? -ENOENT : r;
}

int device_owner(const struct vmx_dict *dict, size_t n, enum device_owner *ret)
{
    BUF_AUTO id = {0};
    struct plan_saved saved = {0};

    int r = device_get(dict, n, "id", &id);
    if (r == 0)
        r = saved_id(dict, n, &saved);
    if (r == -ENOENT) {
        *ret = DEVICE_OTHER;
        return 0;
    }
    if (r != 0)
        return r;
    bool same =
        vmx_value_same(SPAN_LITERAL("pciPassthru0.id"), buf_span(&id), buf_span(&saved.set));
    plan_saved_done(&saved);
    *ret = same ? DEVICE_OURS : DEVICE_TAKEN;
    return 0;
}

/* The block that is this function. 0, -ENOENT, -ENOMEM. */
static int find_block(const struct vmx_dict *dict, const struct vmx_pci *pci, size_t *ret)
{
    BUF_AUTO id = {0};

    for (size_t i = 0; i < vmx_dict_keys(dict); i++) {
        size_t extent = vmx_dict_key_extent(dict, i);
        struct span rest = {0};
        size_t n = 0;
        if (!vmx_pci_key(vmx_dict_name(dict, extent), &n, &rest) ||
            !span_eq_fold(rest, SPAN_LITERAL("id")))
            continue;
        buf_clear(&id);
        int r = vmx_dict_value(dict, extent, &id);
        if (r != 0)
            return r;
        if (is_id(buf_span(&id), pci)) {
            *ret = n;
            return 0;
        }
    }
    return -ENOENT;
}

/* The block that was made for this function and whose id somebody has changed since. */
static int find_made(const struct vmx_dict *dict, const struct vmx_pci *pci, size_t *ret)
{
    for (size_t i = 0; i < vmx_dict_keys(dict); i++) {
        struct plan_saved saved = {0};
        struct span rest = {0};
        int r = plan_saved_nth(dict, i, &saved);
        if (r == -ENOENT || r == -EINVAL)
            continue;
        if (r != 0)
            return r;
        bool found = saved.absent && vmx_pci_key(saved.key, ret, &rest) &&
                     span_eq_fold(rest, SPAN_LITERAL("id")) && is_id(buf_span(&saved.set), pci);
        plan_saved_done(&saved);
        if (found)
            return 0;
    }
    return -ENOENT;
}

/* The lowest number that no key uses. */
static int find_free(const struct vmx_dict *dict, size_t *ret)
{
    size_t keys = vmx_dict_keys(dict);
    bool *used = calloc(keys + 1, sizeof(*used));
    size_t n = 0;

    if (!used)
        return -ENOMEM;
    for (size_t i = 0; i < keys; i++) {
        struct span rest = {0};
        if (vmx_pci_key(vmx_dict_name(dict, vmx_dict_key_extent(dict, i)), &n, &rest) && n < keys)
            used[n] = true;
    }
    for (n = 0; used[n];)
        n++;
    free(used);
    *ret = n;
    return 0;
}

static int find_place(const struct vmx_dict *dict, const struct vmx_pci *pci, size_t *ret)
{
    size_t n = 0;
    int r = find_block(dict, pci, &n);
    if (r == -ENOENT)
        r = find_made(dict, pci, &n);
    if (r == -ENOENT)
        r = find_free(dict, &n);
    if (r == 0)
        *ret = n;
    return r;
}

static int want(struct plan_wanted *wanted, size_t n, const char *name, struct span value)
{
    BUF_AUTO key = {0};

    int r = buf_addf(&key, "pciPassthru%zu.%s", n, name);
    return r != 0 ? r : plan_wanted_set(wanted, buf_span(&key), value);
}

/* What was given, or else what is there already, which then stays. */
static int want_fact(const struct vmx_dict *dict, const struct plan_line *line, size_t n,
                     const char *name, const char *param, struct plan_wanted *wanted,
                     struct buf *missing)
{
    const struct buf *given = plan_line_param(line, span_of(param));
    BUF_AUTO found = {0};

    if (given)
        return want(wanted, n, name, buf_span(given));
    int r = device_get(dict, n, name, &found);
    if (r == -ENOENT || (r == 0 && found.len == 0))
        r = buf_addf(missing, "%s%s=", missing->len > 0 ? ", " : "", param);
    return r;
}

int device_want(const struct plan_on *on, struct span device, struct plan_wanted *wanted,
                struct vmx_diag *diag)
{
    const struct vmx_dict *dict = on->dict;
    const struct plan_line *line = on->line;
    struct vmx_pci pci;
    size_t n = 0;
    BUF_AUTO id = {0};
    BUF_AUTO missing = {0};

    if (!vmx_pci_parse(device, &pci))
        return profile_param_check(SPAN_LITERAL("device"), device, diag);
    int r = find_place(dict, &pci, &n);
    if (r == 0)
        r = vmx_pci_add_id(&pci, &id);
    if (r == 0)
        r = want(wanted, n, "id", buf_span(&id));
    if (r == 0)
        r = want_fact(dict, line, n, "deviceId", "deviceid", wanted, &missing);
    if (r == 0)
        r = want_fact(dict, line, n, "vendorId", "vendor", wanted, &missing);
    if (r == 0)
        r = want_fact(dict, line, n, "systemId", "system", wanted, &missing);
    if (r == 0 && missing.len > 0) {
        vmx_diag_set(diag, 0, 0,
                     "device=" SPAN_FORMAT " needs %s too: there is no host here to ask",
                     SPAN_SHOWN(device), missing.data);
        return -EINVAL;
    }
    return r != 0 ? r : want(wanted, n, "present", SPAN_LITERAL("TRUE"));
}
