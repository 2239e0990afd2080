/* SPDX-License-Identifier: MIT */
/* Taking a change back: the settings that it changed become what they were. */
#pragma once

#include "parser/document/dict.h"
#include "parser/text/diag.h"

/* Appends the text "current" in which each setting that differs between "from" and "to" has the
 * value of "to". from: what was recorded after the change; to: before it; both without secrets.
 * Secrets, what a host writes by itself, uuid.bios, vmxfs.next, and a disk that has another name
 * because of a snapshot stay as they are. A text that only differs in other things (comments) is
 * not changed. A line that comes back looks as it did, where it was.
 * 0; -ECANCELED where one of them is not in current what it is in from, with the keys in *diag;
 * -EKEYREJECTED where from, to and current do not have one uuid.bios: another VM then, with *diag
 * (one that a text has not yet is no other); -EILSEQ and -EINVAL as vmx_edits_apply, with
 * *diag; -ENOMEM; -EFBIG. *ret is as it was on failure. */
int vmx_take_back(struct span from, struct span to, const struct vmx_dict *current, struct buf *ret,
                  struct diag *diag);
