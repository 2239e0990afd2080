/* SPDX-License-Identifier: MIT */
/*
 * A profile: a named set of settings, with parameters, as data (vmxfs-profile(5)).
 *
 * The text is in .vmx line syntax (UTF-8), plus headings: [when PARAM = VALUE] for settings that
 * apply only then, [require] for conditions without which the profile is refused, [advise] for
 * conditions that only a report mentions; [always] goes back to plain settings. A condition is
 * KEY (it is present), or KEY, one of = != < <= > >=, and a value.
 *
 * Parameters are declared by profile.param.NAME = "default" and used as ${NAME}; a ${NAME} that is
 * not a parameter is a setting of the VM. Three names mean something by themselves when declared:
 *
 *     cpu      auto, intel or amd; auto is decided by what the VM's hostCPUID.0 says
 *     device   a PCI address ("0000:03:00.0", hex) to pass to the VM, empty for none; it brings
 *              along, undeclared: vendor, deviceid (PCI ids), system (the host's UUID) and
 *              vram (GB on the card, for the report only)
 *
 * Names of settings are plain ASCII; .encoding and vmxfs.* cannot be set by a profile.
 */
#pragma once

#include "parser/text/buf.h"
#include "parser/text/diag.h"

struct vmx_profile;

/* A set of profiles in the order in which they are offered. Their loader owns them. */
struct vmx_profiles {
    struct vmx_profile **items;
    size_t n;
};

/* name: what the file is called, without ".profile": letters, digits, "-", "_" and ".", not
 * beginning with a dot and not "none". 0; -EINVAL with line and column; -ENOMEM. */
int vmx_profile_parse(const char *name, struct span text, struct vmx_profile **ret,
                      struct diag *diag);
void vmx_profile_free(struct vmx_profile *profile);

const char *vmx_profile_name(const struct vmx_profile *profile);
struct span vmx_profile_text(const struct vmx_profile *profile); /* as it was read */

/* Adds a profile and takes it over; one of the same name is replaced in place. 0, -ENOMEM. */
int vmx_profiles_add(struct vmx_profiles *profiles, struct vmx_profile *profile);
const struct vmx_profile *vmx_profiles_find(const struct vmx_profiles *profiles, struct span name);
void vmx_profiles_done(struct vmx_profiles *profiles);
