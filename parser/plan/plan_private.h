/* SPDX-License-Identifier: MIT */
/*
 * The pieces of a plan, each in the file of its name:
 *
 *     plan_line      "NAME param=value ...": what was asked for, and what is recorded
 *     plan_want      a profile and such a line, resolved to settings for one document
 *     device         blocks of pciPassthruN.*
 *     device_want    a device, resolved to settings
 *     device_host    asking the host for it
 *     plan_saved     how vmxfs.saved.KEY says what was there before
 *     plan_restore   taking settings back
 *     plan_apply     putting the above together
 *     plan_state     what is active, what follows, what would change
 */
#pragma once

#include "parser/profile/profile_private.h"
#include "plan.h"

#define PLAN_PROFILE "vmxfs.profile"
#define PLAN_SAVED "vmxfs.saved."

/* ---- plan_line ---- */

struct plan_line {
    struct buf profile; /* empty: nothing is active */
    struct profile_param *params;
    size_t n;
};

/* Reads "NAME param=value ...", with addresses and PCI ids brought into one form. 0, -EINVAL,
 * -ENOMEM. */
int plan_line_parse(struct span text, struct plan_line *ret, struct vmx_diag *diag);

/* Reads what the document records; words that make no sense are passed over. 0, -ENOMEM. */
int plan_line_recorded(const struct vmx_dict *dict, struct plan_line *ret);

/* What given asks for on top of what base (may be NULL) recorded for the same profile. An empty
 * value takes a parameter back to its default. Facts about another device are not kept.
 * 0, -EINVAL, -ENOMEM. */
int plan_line_merge(const struct vmx_profile *profile, const struct plan_line *base,
                    const struct plan_line *given, struct plan_line *ret, struct vmx_diag *diag);
int plan_line_add(const struct plan_line *line, struct buf *ret);
void plan_line_drop(struct plan_line *line, struct span name);
void plan_line_done(struct plan_line *line);

/* The value that was given, or NULL. */
const struct buf *plan_line_param(const struct plan_line *line, struct span name);

/* ---- plan_want ---- */

struct plan_setting {
    struct buf key, value;
};

struct plan_wanted {
    struct plan_setting *items;
    size_t n;
};

/* On what a plan is made. */
struct plan_on {
    const struct vmx_dict *dict;
    const struct vmx_around *around;
    const struct vmx_profile *profile;
    const struct plan_line *line;
    bool ask; /* the host about the device; otherwise it is what was recorded */
};

/* What the profile wants of this document. 0; -EINVAL (a requirement is not met, ${NAME} names
 * nothing, a value has the wrong type, a device is refused); -ENOMEM. */
int plan_want(const struct plan_on *on, struct plan_wanted *ret, struct vmx_diag *diag);
void plan_wanted_done(struct plan_wanted *wanted);
int plan_wanted_set(struct plan_wanted *wanted, struct span key, struct span value);
const struct plan_setting *plan_wanted_find(const struct plan_wanted *wanted, struct span key);

/* True when the document has the setting. 0, -ENOMEM. */
int plan_holds(const struct vmx_dict *dict, const struct plan_setting *setting, bool *ret);
int plan_all_hold(const struct vmx_dict *dict, const struct plan_wanted *wanted, bool *ret);

/* A parameter as it counts for this document: given, or else the default; cpu=auto decided where
 * that is possible. *ret borrows from the arguments. 0, -ENOENT (not declared), -ENOMEM. */
int plan_param(const struct plan_on *on, struct span name, struct span *ret);

/* Whether the document records the same profile with the same value of the parameter. 0, -ENOMEM.
 */
int plan_is_recorded(const struct plan_on *on, struct span name, bool *ret);

/* Puts the parameters and settings that the value names in their place. 0, -EINVAL, -ENOMEM. */
int plan_expand(const struct plan_on *on, const struct profile_setting *setting, struct buf *ret,
                struct vmx_diag *diag);

/* Whether a setting's [when] is met; *ret_known: false for cpu=auto that nothing decides. */
int plan_when(const struct plan_on *on, const struct profile_setting *setting, bool *ret,
              bool *ret_known);

/* ---- device ---- */

/* Reads pciPassthruN.NAME. 0, -ENOENT, -ENOMEM. */
int device_get(const struct vmx_dict *dict, size_t n, const char *name, struct buf *ret);

/* Whether the block is this function. 0, -ENOMEM. */
int device_is(const struct vmx_dict *dict, size_t n, const struct vmx_pci *pci, bool *ret);

/* The block that is this function, and is wanted as no other; the block that was it when the
 * profile was applied. 0, -ENOENT, -ENOMEM. */
int device_find(const struct vmx_dict *dict, const struct plan_wanted *wanted,
                const struct vmx_pci *pci, size_t *ret);
int device_recorded(const struct vmx_dict *dict, const struct vmx_pci *pci, size_t *ret);

/* What the profile made of such a block's NAME, or else what that is. 0, -ENOENT, -ENOMEM. */
int device_recorded_get(const struct vmx_dict *dict, const struct vmx_pci *pci, const char *name,
                        struct buf *ret);

/* The block for this function: the one that is it, was made for it, or the lowest number that is
 * free, also of what is wanted. 0, -ENOMEM. */
int device_place(const struct vmx_dict *dict, const struct plan_wanted *wanted,
                 const struct vmx_pci *pci, size_t *ret);

enum device_owner {
    DEVICE_OTHER, /* the block was there before, or is none */
    DEVICE_OURS,  /* a profile made it, and it still is that device */
    DEVICE_TAKEN, /* a profile made it, and it is another device now */
};
int device_owner(const struct vmx_dict *dict, size_t n, enum device_owner *ret);

/* ---- device_want ---- */

/* Adds what it takes to pass the device at that address. Where the host is asked: all functions of
 * it, as the host says them. Otherwise as the line and the document say it: what was recorded when
 * it was applied, also of other functions. 0, -EINVAL, -ENOMEM. */
int device_want(const struct plan_on *on, struct span device, struct plan_wanted *wanted,
                struct vmx_diag *diag);

/* ---- device_host ---- */

enum { DEVICE_FUNCTIONS_MAX = 16 };

struct device_functions {
    const struct vmx_host_pci *items[DEVICE_FUNCTIONS_MAX];
    size_t n;
};

/* What the host passes along with the function at that address, itself first. 0; -EINVAL with the
 * reason why it does not, or where the line contradicts it; -ENOMEM. What the profile was applied
 * with before is not judged again. */
int device_ask(const struct plan_on *on, const struct vmx_pci *pci, struct device_functions *ret,
               struct vmx_diag *diag);

bool device_is_integrated(const struct vmx_host_pci *pci);

/* By another VM that is powered on. */
bool device_in_use(const struct vmx_around *around, const struct vmx_host_pci *pci);

/* ---- plan_saved ---- */

struct plan_saved {
    struct span key; /* borrowed from the document */
    bool absent;     /* the key was not there */
    bool raw;        /* was holds the value's text as it stood, with its quotes if it had any */
    struct buf was;
    struct buf set; /* what the profile made of it */
};

/* The nth key of the document as a saved value. 0; -ENOENT: it is none; -EINVAL: it is damaged,
 * only key is valid; -ENOMEM. */
int plan_saved_nth(const struct vmx_dict *dict, size_t nth, struct plan_saved *ret);
int plan_saved_find(const struct vmx_dict *dict, struct span key, struct plan_saved *ret);
void plan_saved_done(struct plan_saved *saved);
bool plan_saved_any(const struct vmx_dict *dict);

/* Add to *edits: remember what the key is in the document before it is set; note that what it is
 * set to changed; forget. 0, -ENOMEM. */
int plan_saved_add(const struct vmx_dict *dict, struct span key, struct span set,
                   struct vmx_edits *edits);
int plan_saved_update(const struct plan_saved *saved, struct span set, struct vmx_edits *edits);
int plan_saved_forget(struct span key, struct vmx_edits *edits);

/* ---- plan_restore ---- */

/* Adds the edits that take back every saved key that is not in keep (NULL: all of them) and
 * forget it. now (may be NULL): what the profile wants at present, which is ours too. 0, -ENOMEM.
 */
int plan_restore(const struct vmx_dict *dict, const struct plan_wanted *keep,
                 const struct plan_wanted *now, struct vmx_edits *edits, struct buf *notes);

/* ---- plan_state ---- */

/* What the document records as active, with its profile (NULL: unknown or none) and what that
 * wants. *ret_valid: false when it would be refused. 0, -ENOMEM. */
struct plan_active {
    struct plan_line line; /* merged: as the profile understands it */
    const struct vmx_profile *profile;
    bool valid;
    struct plan_wanted wanted;
};
int plan_active_read(const struct vmx_dict *dict, const struct vmx_around *around,
                     struct plan_active *ret);
void plan_active_done(struct plan_active *active);
