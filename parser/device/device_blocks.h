/* SPDX-License-Identifier: MIT */
/* Blocks of pciPassthruN.*: whose they are, which is a function, and where a new one goes. */
#pragma once

#include "parser/plan/plan_wanted.h"

/* "pciPassthruN.NAME"; all names are short. */
struct device_key {
    char text[64];
};
struct device_key device_key(size_t n, const char *name);

/* Reads pciPassthruN.NAME. 0, -ENOENT, -ENOMEM. */
int device_get(const struct vmx_dict *dict, size_t n, const char *name, struct buf *ret);

/* Whether the block is this function. 0, -ENOMEM. */
int device_is(const struct vmx_dict *dict, size_t n, const struct vmx_pci *pci, bool *ret);

/* The block that is this function, and is wanted as no other; the block that was it when the
 * profile was applied. 0, -ENOENT, -ENOMEM. */
int device_find(const struct vmx_dict *dict, const struct pairs *wanted, const struct vmx_pci *pci,
                size_t *ret);
int device_recorded(const struct vmx_dict *dict, const struct vmx_pci *pci, size_t *ret);

/* What the profile made of such a block's NAME, or else what that is. 0, -ENOENT, -ENOMEM. */
int device_recorded_get(const struct vmx_dict *dict, const struct vmx_pci *pci, const char *name,
                        struct buf *ret);

/* The block for this function: the one that is it, was made for it, or the lowest number that is
 * free, also of what is wanted. 0, -ENOMEM. */
int device_place(const struct vmx_dict *dict, const struct pairs *wanted, const struct vmx_pci *pci,
                 size_t *ret);

enum device_owner {
    DEVICE_OTHER, /* the block was there before, or is none */
    DEVICE_OURS,  /* a profile made it, and it still is that device */
    DEVICE_TAKEN, /* a profile made it, and it is another device now */
};
int device_owner(const struct vmx_dict *dict, size_t n, enum device_owner *ret);
