/* SPDX-License-Identifier: MIT */
#include "suspend_image.h"

#include "in_use.h"

bool remote_image_is_gone(struct remote *remote, const char *path, const struct vmx_dict *dict,
                          const struct wait *wait)
{
    struct inuse inuse = {.remote = remote, .path = path};
    enum vmx_truth there = VMX_NOT_KNOWN;
    int r = inuse_image(&inuse, dict, wait, &there);
    inuse_done(&inuse);
    return r == 0 && there == VMX_NO;
}
