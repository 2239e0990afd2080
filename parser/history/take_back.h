/* SPDX-License-Identifier: MIT */
/* Taking a change back: the settings that it changed become what they were. */
#pragma once

#include "parser/document/dict.h"
#include "parser/text/diag.h"

/* Appends the text "current" in which each setting that differs between "from" and "to" has the
 * value of "to". from: what was recorded after the change; to: before it; both without secrets.
 * Secrets, what a host writes by itself, and vmxfs.next stay as they are. A text that only differs
 * in other things (comments) is not changed.
 * 0; -ECANCELED where one of them is not in current what it is in from, with the keys in *diag;
 * -EKEYREJECTED where uuid.bios differs: another VM then, with *diag; -ENOMEM. */
int vmx_take_back(struct span from, struct span to, const struct vmx_dict *current,
                  struct buf *ret, struct diag *diag);
