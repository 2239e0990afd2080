/* SPDX-License-Identifier: MIT */
/*
 * Names that look like slips: VMware is not known to have such a setting (known_names.h), and the
 * name of one that it has is one edit away, or two where that has twelve letters and more. Names of
 * less than six letters are near to too much. Which number is in a name makes no difference.
 */
#pragma once

#include "dict.h"

enum {
    VMX_SLIPS_MAX = 20,     /* so many of one document are told, */
    VMX_UNKNOWN_MAX = 1000, /* and so many unknown names looked at: it may be hostile */
};

/* Appends a sentence that says which name was probably meant, where the key looks like a slip;
 * nothing for all other keys. It holds parts of the key as they are. 0, -ENOMEM. */
int vmx_name_add_slip(struct span key, struct buf *ret);

/* Calls tell with the sentence on each key of the document that looks like a slip and that before
 * has not (NULL: of all). 0; the first thing but 0 that tell returns; -ENOMEM. */
int vmx_slips_each(const struct vmx_dict *dict, const struct vmx_dict *before,
                   int (*tell)(void *ctx, struct span key, const char *said), void *ctx);
