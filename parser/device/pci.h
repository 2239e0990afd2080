/* SPDX-License-Identifier: MIT */
/*
 * PCI functions. People, lspci and esxcli write the address in hex (0000:0d:00.0); the setting
 * pciPassthruN.id wants every field in decimal (00000:013:00.0). Both are read into this.
 */
#pragma once

#include "parser/text/buf.h"

struct vmx_pci {
    unsigned domain, bus, slot, function;
};

/* "0000:0d:00.0", or without the domain, all hex. */
bool vmx_pci_parse(struct span address, struct vmx_pci *ret);

/* "00000:013:00.0" and shorter forms of it, all decimal, with or without the domain. */
bool vmx_pci_parse_id(struct span id, struct vmx_pci *ret);

/* "0:3:0:0", all decimal, with the domain: as hosts name the device that another one depends on. */
bool vmx_pci_parse_colons(struct span address, struct vmx_pci *ret);

bool vmx_pci_eq(const struct vmx_pci *a, const struct vmx_pci *b);

/* Append the canonical forms, hex and decimal. 0, -ENOMEM. */
int vmx_pci_add_address(const struct vmx_pci *pci, struct buf *ret);
int vmx_pci_add_id(const struct vmx_pci *pci, struct buf *ret);

/* Takes the key "pciPassthruN.REST" apart, whatever its case. */
bool vmx_pci_key(struct span key, size_t *ret_n, struct span *ret_rest);

/* Whether the key is "pciPassthruN.NAME". */
bool vmx_pci_key_is(struct span key, const char *name, size_t *ret_n);
