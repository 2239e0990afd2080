/* SPDX-License-Identifier: MIT */
/* The devices of the host that a VM names, as its file tells: pciPassthruN that is present. */
#pragma once

#include "parser/device/device_kind.h"
#include "parser/device/pci.h"
#include "parser/document/dict.h"

struct vmx_passed_device {
    enum device_kind kind;
    bool has_address; /* the host may choose the device instead */
    struct vmx_pci address;
    struct buf vgpu; /* the name of a virtual GPU; empty: it is none */
};

struct vmx_passed {
    struct vmx_passed_device *items; /* in the file's order */
    size_t n;
};

/* 0, -ENOMEM. */
int vmx_passed_find(const struct vmx_dict *dict, struct vmx_passed *ret);
void vmx_passed_done(struct vmx_passed *passed);

/* Whether item i is the first one with its address, or virtual GPU: a file may have one twice. */
bool vmx_passed_is_first(const struct vmx_passed *passed, size_t i);

#define PASSED_AUTO __attribute__((cleanup(vmx_passed_done))) struct vmx_passed
