/* SPDX-License-Identifier: MIT */
/*
 * The types of well-known settings: booleans, integers with a range, PCI addresses, one word of a
 * list. A setting that is not in the table holds any text. The table errs on the side of accepting:
 * what VMware itself writes or accepts is never refused. An empty value stands for VMware's default
 * and is right everywhere but where the VM could not start with it (memSize, virtualHW.version,
 * config.version, guestOS).
 */
#pragma once

#include "parser/text/buf.h"
#include "parser/text/diag.h"

/* 0, or -EINVAL with what would have been right ("memSize wants MB, a multiple of 4 ..."). key and
 * value in UTF-8; digits in a key (pciPassthru0.id, scsi12.present) match any number. */
int vmx_value_check(struct span key, struct span value, struct diag *diag);

/* TRUE, FALSE (any case; also 1, 0, yes, no, y, n, t, f, on, off as VMware's reader takes them)
 * into *ret; false if it is neither. */
bool vmx_value_bool(struct span value, bool *ret);

/* A whole decimal integer (sign allowed), or 0x.. . */
bool vmx_value_int(struct span value, long long *ret);

/* A PCI id as the many hands that write them do: 0x10de, 10de (hex), or a negative decimal. */
bool vmx_value_pci_number(struct span value, long long *ret);

/* True when both say the same to VMware: the same bytes, or the same truth, number or PCI address
 * as the key's type has it. */
bool vmx_value_same(struct span key, struct span a, struct span b);
