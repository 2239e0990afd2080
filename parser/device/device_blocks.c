/* SPDX-License-Identifier: MIT */
/* Blocks of pciPassthruN.*: whose they are, which is a function, and where a new one goes. */
#include "device_blocks.h"

#include <errno.h>
#include <stdlib.h>

#include "parser/document/value.h"
#include "parser/plan/plan_saved.h"
#include "parser/text/text.h"

int device_get(const struct vmx_dict *dict, size_t n, const char *name, struct buf *ret)
{
    BUF_AUTO key = {0};
    return buf_addf(&key, "pciPassthru%zu.%s", n, name) ?: vmx_dict_get(dict, buf_span(&key), ret);
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
    int r = buf_addf(&key, "pciPassthru%zu.id", n) ?: plan_saved_find(dict, buf_span(&key), ret);
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
    int r = device_get(dict, n, "id", &id) ?: saved_id(dict, n, &saved);
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

int device_is(const struct vmx_dict *dict, size_t n, const struct vmx_pci *pci, bool *ret)
{
    BUF_AUTO id = {0};
    int r = device_get(dict, n, "id", &id);
    *ret = r == 0 && is_id(buf_span(&id), pci);
    return r == -ENOENT ? 0 : r;
}

/* Whether the block is to be another function. 0, -ENOMEM. */
static int is_taken(const struct plan_wanted *wanted, size_t n, const struct vmx_pci *pci,
                    bool *ret)
{
    BUF_AUTO key = {0};
    int r = buf_addf(&key, "pciPassthru%zu.id", n);
    if (r != 0)
        return r;
    const struct plan_setting *id = plan_wanted_find(wanted, buf_span(&key));
    *ret = id && !is_id(buf_span(&id->value), pci);
    return 0;
}

int device_find(const struct vmx_dict *dict, const struct plan_wanted *wanted,
                const struct vmx_pci *pci, size_t *ret)
{
    for (size_t i = 0; i < vmx_dict_keys(dict); i++) {
        size_t extent = vmx_dict_key_extent(dict, i);
        struct span rest = {0};
        size_t n = 0;
        bool found = false;
        bool taken = false;
        if (!vmx_pci_key(vmx_dict_name(dict, extent), &n, &rest) ||
            !span_eq_fold(rest, SPAN_LITERAL("id")))
            continue;
        int r = device_is(dict, n, pci, &found);
        if (r == 0 && found)
            r = is_taken(wanted, n, pci, &taken);
        if (r != 0)
            return r;
        if (found && !taken) {
            *ret = n;
            return 0;
        }
    }
    return -ENOENT;
}

/* The block that was this function when the profile was applied. made: only one that it made. */
static int find_saved(const struct vmx_dict *dict, const struct vmx_pci *pci, bool made,
                      size_t *ret)
{
    for (size_t i = 0; i < vmx_dict_keys(dict); i++) {
        struct plan_saved saved = {0};
        struct span rest = {0};
        size_t n = 0;
        int r = plan_saved_nth(dict, i, &saved);
        if (r == -ENOENT || r == -EINVAL)
            continue;
        if (r != 0)
            return r;
        bool found = (saved.absent || !made) && vmx_pci_key(saved.key, &n, &rest) &&
                     span_eq_fold(rest, SPAN_LITERAL("id")) && is_id(buf_span(&saved.set), pci);
        plan_saved_done(&saved);
        if (found) {
            *ret = n;
            return 0;
        }
    }
    return -ENOENT;
}

int device_recorded(const struct vmx_dict *dict, const struct vmx_pci *pci, size_t *ret)
{
    return find_saved(dict, pci, false, ret);
}

int device_recorded_get(const struct vmx_dict *dict, const struct vmx_pci *pci, const char *name,
                        struct buf *ret)
{
    struct plan_saved saved = {0};
    BUF_AUTO key = {0};
    size_t n = SIZE_MAX;
    int r = device_recorded(dict, pci, &n)
        ?: buf_addf(&key, "pciPassthru%zu.%s", n, name)
        ?: plan_saved_find(dict, buf_span(&key), &saved);
    if (r == 0)
        r = buf_add(ret, buf_span(&saved.set));
    else if (r == -ENOENT || r == -EINVAL)
        r = n == SIZE_MAX ? -ENOENT : device_get(dict, n, name, ret);
    plan_saved_done(&saved);
    return r;
}

/* The lowest number that no key uses, of the document or wanted. */
static int find_free(const struct vmx_dict *dict, const struct plan_wanted *wanted, size_t *ret)
{
    size_t most = vmx_dict_keys(dict) + wanted->n;
    bool *used = calloc(most + 1, sizeof(*used));
    struct span rest = {0};
    size_t n = 0;
    if (!used)
        return -ENOMEM;
    for (size_t i = 0; i < vmx_dict_keys(dict); i++) {
        if (vmx_pci_key(vmx_dict_name(dict, vmx_dict_key_extent(dict, i)), &n, &rest) && n < most)
            used[n] = true;
    }
    for (size_t i = 0; i < wanted->n; i++) {
        if (vmx_pci_key(buf_span(&wanted->items[i].key), &n, &rest) && n < most)
            used[n] = true;
    }
    for (n = 0; used[n];)
        n++;
    free(used);
    *ret = n;
    return 0;
}

static bool find_wanted(const struct plan_wanted *wanted, const struct vmx_pci *pci, size_t *ret)
{
    struct span rest = {0};
    for (size_t i = 0; i < wanted->n; i++) {
        if (vmx_pci_key(buf_span(&wanted->items[i].key), ret, &rest) &&
            span_eq_fold(rest, SPAN_LITERAL("id")) && is_id(buf_span(&wanted->items[i].value), pci))
            return true;
    }
    return false;
}

int device_place(const struct vmx_dict *dict, const struct plan_wanted *wanted,
                 const struct vmx_pci *pci, size_t *ret)
{
    size_t n = 0;
    bool taken = false;
    if (find_wanted(wanted, pci, ret))
        return 0;
    int r = device_find(dict, wanted, pci, &n);
    if (r == -ENOENT) {
        r = find_saved(dict, pci, true, &n) ?: is_taken(wanted, n, pci, &taken);
    }
    if (r == -ENOENT || (r == 0 && taken))
        r = find_free(dict, wanted, &n);
    if (r == 0)
        *ret = n;
    return r;
}
