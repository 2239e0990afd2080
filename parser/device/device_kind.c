/* SPDX-License-Identifier: MIT */
#include "device_kind.h"

#include <errno.h>

#include "device_blocks.h"
#include "parser/document/value.h"
#include "parser/text/text.h"

/* Whether the block has such a value, which is not empty. what: NULL for any. */
static int has(const struct vmx_dict *dict, size_t n, const char *name, const char *what, bool *ret)
{
    BUF_AUTO value = {0};
    int r = device_get(dict, n, name, &value);
    *ret = r == 0 && value.len > 0 && (!what || span_eq_fold(buf_span(&value), span_of(what)));
    return r == -ENOENT ? 0 : r;
}

int device_kind(const struct vmx_dict *dict, size_t n, enum device_kind *ret)
{
    static const struct {
        const char *name, *value;
        enum device_kind kind;
    } marks[] = {
        {"vgpu", NULL, DEVICE_VGPU},
        {"allowedDevices", NULL, DEVICE_DYNAMIC},
        {"pfId", NULL, DEVICE_SRIOV},
        {"systemId", "BYPASS", DEVICE_SRIOV},
    };
    bool is = false;
    *ret = DEVICE_FIXED;
    for (size_t i = 0; !is && i < sizeof(marks) / sizeof(marks[0]); i++) {
        int r = has(dict, n, marks[i].name, marks[i].value, &is);
        if (r != 0)
            return r;
        if (is)
            *ret = marks[i].kind;
    }
    return 0;
}

bool device_allowed_next(struct span *text, long long *ret_vendor, long long *ret_device)
{
    while (text->n > 0) {
        size_t end = text_find(*text, ',');
        struct span one = text_trim(span_head(*text, end));
        size_t colon = text_find(one, ':');
        *text = span_from(*text, end < text->n ? end + 1 : end);
        if (colon < one.n && vmx_value_pci_number(span_head(one, colon), ret_vendor) &&
            vmx_value_pci_number(span_from(one, colon + 1), ret_device))
            return true;
    }
    return false;
}
