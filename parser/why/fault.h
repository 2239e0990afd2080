/* SPDX-License-Identifier: MIT */
/* What vim-cmd prints where a command fails. */
#pragma once

#include <stdbool.h>

#include "parser/text/buf.h"

/* Appends the most special thing that it says, of one line or more. 0; -ENOENT: it gives no reason;
 * -ENOMEM. */
int vmx_fault_reason(struct span output, struct buf *ret);

/* Whether it says that the command failed. The exit status is not recorded for all releases. */
bool vmx_says_failed(struct span output);
