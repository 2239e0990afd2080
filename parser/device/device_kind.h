/* SPDX-License-Identifier: MIT */
/* The kinds of devices that a block pciPassthruN.* can be. */
#pragma once

#include "parser/document/dict.h"

enum device_kind {
    DEVICE_FIXED,   /* one device of the host, which only this VM has: "id" */
    DEVICE_SRIOV,   /* a function of an SR-IOV adapter, which the host chooses: "id", or "pfId", is
                       the adapter's, which the host keeps; "systemId" is "BYPASS" */
    DEVICE_DYNAMIC, /* the host chooses among "allowedDevices" */
    DEVICE_VGPU,    /* a part of a card, which the host makes: "vgpu" */
};

/* 0, -ENOMEM. */
int device_kind(const struct vmx_dict *dict, size_t n, enum device_kind *ret);

/* Takes the next device off the text of "allowedDevices", "0xVENDOR:0xDEVICE,...", and passes over
 * what is none. False at the end. */
bool device_allowed_next(struct span *text, long long *ret_vendor, long long *ret_device);
