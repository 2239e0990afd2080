/* SPDX-License-Identifier: MIT */
/* The image of a suspended VM. */
#pragma once

#include "remote/remote.h"

struct vmx_dict;

/* Whether "checkpoint.vmState" of the VM at a path names an image that is not there any more: the
 * VM is not suspended then, and the setting can be cleared. False where it cannot be told. */
bool remote_image_is_gone(struct remote *remote, const char *path, const struct vmx_dict *dict,
                          const struct wait *wait);
