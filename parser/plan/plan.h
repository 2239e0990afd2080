/* SPDX-License-Identifier: MIT */
/*
 * Plans: what applying, repairing or taking back a profile means for one document, as edits.
 *
 * What is active is kept in the file itself, so that it can be taken back on another machine too:
 *
 *     vmxfs.profile   = "nested-esxi mmio=32"   the line that was applied, with all its parameters
 *     vmxfs.saved.KEY = "WAS SET"               KEY before, and what the profile made of it
 *                        |   |
 *                        |   +-- the value that the profile set, so that a later change by hand
 *                        |       can be told from the profile's own value
 *                        +------ what taking the profile back restores:
 *                                  -         KEY was not there
 *                                  =VALUE    it stood there in VMware's own form
 *                                  ~RAW      it had any other form (no quotes, odd escapes);
 *                                            these are its very bytes
 *
 * In VALUE and RAW "%" and space, in RAW also bytes above 7E, are written %XX. Every key that the
 * profile sets is saved when it is applied, also one that had the right value before. A key with
 * several lines has one line afterwards, and keeps it: VMware refuses such files.
 *
 * Values are compared as VMware means them ("true" is TRUE, 0x10DE is 0x10de), and a setting that
 * holds is not rewritten (unless its value has no quotes, which it gets if it is the profile's: a
 * key that somebody else has set since stays as it is while it holds).
 *
 * A 64-bit MMIO range that is larger than the profile's stays, unless the line says how large it is
 * to be.
 *
 * A device (device=ADDRESS) becomes blocks pciPassthruN.*, one for each function of it that the
 * host lists, or for that one where there is no host. A block is the one that has this address
 * already, or the lowest N of which there is no key. Such a block goes as a whole, with what the
 * host added to it, unless its id was changed since; then all of it stays.
 *
 * The host is asked about a device when a profile is applied. What it said is in the file then
 * (vmxfs.saved.pciPassthruN.*), and is what the profile wants from there on, host or no host. A
 * device that was applied before is never refused: where the host does not know it any more, it
 * stays as it was, and a report says so.
 *
 * Nothing here does I/O: the caller applies the edits in one atomic rewrite.
 */
#pragma once

#include "parser/edit/edit.h"
#include "parser/next/next.h"
#include "parser/profile/profile.h"
#include "parser/vm/host.h"
#include "parser/vm/vm_start.h"

#define PLAN_PROFILE "vmxfs.profile"

/* What a document is looked at with. */
struct vmx_around {
    const struct vmx_profiles *profiles;
    const struct vmx_host *host;  /* that would run the VM; NULL: there is none to ask */
    const struct vmx_host_vm *vm; /* what the host says of it, or NULL */
    const struct vm_start *start; /* what its last power-on showed, for reports; or NULL */
    const struct vmx_next *next;  /* for reports: what waits until it is off; or NULL */
    bool image_gone;        /* for reports: the image that checkpoint.vmState names is not there */
    const char *mountpoint; /* absolute, for commands that mend; wherever there is a host */
};

/* Appends the select-one line without its newline: "none [nested-esxi] inner-guest"; an active
 * profile that no longer holds is "[nested-esxi!]"; an active one that is not among the profiles is
 * shown last, as "[name!]". 0, -ENOMEM. */
int vmx_plan_state(const struct vmx_dict *dict, const struct vmx_around *around, struct buf *ret);

/* The edits that the line asks for: "none", "NAME [param=value ...]", or the line that
 * vmx_plan_state printed (none first, and exactly one name in brackets), which asks for nothing.
 * Appends to *edits; none added: nothing to do. notes: lines for people about keys that were left
 * alone (may be NULL). 0; -EINVAL (unknown profile or parameter, a requirement not met, a device
 * that the host does not let go, nothing saved) with the reason; -ENOMEM. */
int vmx_plan_line(const struct vmx_dict *dict, const struct vmx_around *around, struct span line,
                  struct vmx_edits *edits, struct buf *notes, struct diag *diag);

/* While a profile is active: adds to *edits the settings that follow from those already in it
 * ("${memSize}"). Only a setting that held before follows; one that was edited by hand, or is
 * missing, or set by the same edits, stays as it is: no key is ever created, so that a copy made
 * key by key comes out the same. 0, -ENOMEM. */
int vmx_plan_follow(const struct vmx_dict *dict, const struct vmx_around *around,
                    struct vmx_edits *edits);

/* Appends the unified diff of what vmx_plan_line would make of the line; empty if nothing is to be
 * done. file: the name to print. If it would be refused: one line "# refused: reason". 0, -ENOMEM.
 */
int vmx_plan_diff(const struct vmx_dict *dict, const struct vmx_around *around, struct span line,
                  const char *file, struct buf *ret);
