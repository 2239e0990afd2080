/* SPDX-License-Identifier: MIT */
/* What differs between two texts of one .vmx. */
#pragma once

#include "parser/document/dict.h"

struct vmx_changed {
    char *key, *old_value, *new_value; /* as the settings' files show them; NULL: it was, or is, not
                                          there; owned */
    bool by_host;                      /* a host writes this setting by itself */
};

struct vmx_changes {
    struct vmx_changed *list; /* in the order of the new text, then what was removed */
    size_t n;
    bool other; /* comments, order or whatever is no setting changed too */
};

/* 0, -ENOMEM, -EFBIG for 4 GiB and more. *ret is untouched on failure. */
int vmx_changes_between(struct span before, struct span after, struct vmx_changes *ret);
void vmx_changes_done(struct vmx_changes *changes);

#define VMX_CHANGES_AUTO __attribute__((cleanup(vmx_changes_done))) struct vmx_changes

/* Whether a host writes this setting by itself: when a VM is registered, switched on or off, moved.
 * host_written.c says which and why. */
bool vmx_is_written_by_host(struct span name);

/* Whether there are changes, and all of them are such. */
bool vmx_changes_are_by_host(const struct vmx_changes *changes);

enum { VMX_SUBJECT_COLUMNS = 72 }; /* at most, of any commit */

/* Appends a subject for a commit: "NAME: key old -> new", and how many more;
 * "(unset)" where there is no value; "NAME: text changed" where no setting did. Shown is the first
 * that no host writes by itself, if there is one. vm: NAME.vmx without its suffix. Safe to print:
 * UTF-8, and one line. -ENOMEM. */
int vmx_changes_subject(const struct vmx_changes *changes, struct span vm, struct buf *ret);
