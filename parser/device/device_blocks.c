/* SPDX-License-Identifier: MIT */
/* Blocks of pciPassthruN.*: whose they are, which is a function, and where a new one goes. */
#include "device_blocks.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "parser/document/value.h"
#include "parser/plan/plan_saved.h"
#include "parser/text/text.h"

struct device_key device_key(size_t n, const char *name)
{
    struct device_key key;
    snprintf(key.text, sizeof(key.text), "pciPassthru%zu.%s", n, name);
    return key;
}

int device_get(const struct vmx_dict *dict, size_t n, const char *name, struct buf *ret)
{
    const struct device_key key = device_key(n, name);
    return vmx_dict_get(dict, span_of(key.text), ret);
}

static bool is_id(struct span id, const struct vmx_pci *pci)
{
    struct vmx_pci other;
    return vmx_pci_parse_id(id, &other) && vmx_pci_eq(&other, pci);
}

int device_owner(const struct vmx_dict *dict, size_t n, enum device_owner *ret)
{
    const struct device_key key = device_key(n, "id");
    BUF_AUTO id = {0};
    PLAN_SAVED_AUTO saved = {0};
    int r = vmx_dict_get(dict, span_of(key.text), &id)
                ?: plan_saved_find(dict, span_of(key.text), &saved);
    if (r == -ENOMEM)
        return r;
    if (r != 0 || !saved.absent)
        *ret = DEVICE_OTHER;
    else if (vmx_value_same(span_of(key.text), buf_span(&id), buf_span(&saved.set)))
        *ret = DEVICE_OURS;
    else
        *ret = DEVICE_TAKEN;
    return 0;
}

int device_is(const struct vmx_dict *dict, size_t n, const struct vmx_pci *pci, bool *ret)
{
    BUF_AUTO id = {0};
    int r = device_get(dict, n, "id", &id);
    *ret = r == 0 && is_id(buf_span(&id), pci);
    return r == -ENOENT ? 0 : r;
}

/* Whether the block is to be another function. */
static bool is_taken(const struct pairs *wanted, size_t n, const struct vmx_pci *pci)
{
    const struct device_key key = device_key(n, "id");
    const struct pair *id = plan_wanted_find(wanted, span_of(key.text));
    return id && !is_id(buf_span(&id->value), pci);
}

int device_find(const struct vmx_dict *dict, const struct pairs *wanted, const struct vmx_pci *pci,
                size_t *ret)
{
    for (size_t i = 0; i < vmx_dict_keys(dict); i++) {
        size_t extent = vmx_dict_key_extent(dict, i);
        BUF_AUTO id = {0};
        size_t n = 0;
        if (!vmx_pci_key_is(vmx_dict_name(dict, extent), "id", &n))
            continue;
        int r = vmx_dict_value(dict, extent, &id);
        if (r != 0)
            return r;
        if (is_id(buf_span(&id), pci) && !is_taken(wanted, n, pci)) {
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
        PLAN_SAVED_AUTO saved = {0};
        size_t n = 0;
        int r = plan_saved_nth(dict, i, &saved);
        if (r == -ENOMEM)
            return r;
        if (r == 0 && (saved.absent || !made) && vmx_pci_key_is(saved.key, "id", &n) &&
            is_id(buf_span(&saved.set), pci)) {
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
    PLAN_SAVED_AUTO saved = {0};
    size_t n = 0;
    int r = device_recorded(dict, pci, &n);
    if (r != 0)
        return r;
    const struct device_key key = device_key(n, name);
    r = plan_saved_find(dict, span_of(key.text), &saved);
    if (r == -ENOENT || r == -EINVAL)
        return vmx_dict_get(dict, span_of(key.text), ret);
    return r ?: buf_add(ret, buf_span(&saved.set));
}

/* The lowest number that no key uses, of the document or wanted. */
static int find_free(const struct vmx_dict *dict, const struct pairs *wanted, size_t *ret)
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
        if (vmx_pci_key(buf_span(&wanted->items[i].name), &n, &rest) && n < most)
            used[n] = true;
    }
    for (n = 0; used[n];)
        n++;
    free(used);
    *ret = n;
    return 0;
}

static bool find_wanted(const struct pairs *wanted, const struct vmx_pci *pci, size_t *ret)
{
    for (size_t i = 0; i < wanted->n; i++) {
        if (vmx_pci_key_is(buf_span(&wanted->items[i].name), "id", ret) &&
            is_id(buf_span(&wanted->items[i].value), pci))
            return true;
    }
    return false;
}

int device_place(const struct vmx_dict *dict, const struct pairs *wanted, const struct vmx_pci *pci,
                 size_t *ret)
{
    size_t n = 0;
    if (find_wanted(wanted, pci, ret))
        return 0;
    int r = device_find(dict, wanted, pci, &n);
    if (r == -ENOENT) {
        r = find_saved(dict, pci, true, &n);
        if (r == -ENOENT || (r == 0 && is_taken(wanted, n, pci)))
            r = find_free(dict, wanted, &n);
    }
    if (r == 0)
        *ret = n;
    return r;
}
