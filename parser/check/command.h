/* SPDX-License-Identifier: MIT */
/*
 * Commands for people to paste into a shell, which mend a VM. dir: the VM's directory of settings;
 * NULL: nothing can be written there. All: ret is empty, and stays so then, and where a shell
 * cannot say it. 0, -ENOMEM.
 */
#pragma once

#include "parser/document/dict.h"

/* "echo TEXT > DIR/NAME" */
int command_echo(const char *dir, struct span name, struct span text, struct buf *ret);

/* The same for a setting. */
int command_set(const struct vmx_dict *dict, const char *dir, struct span key, struct span value,
                struct buf *ret);

/* "echo LINE > DIR/passthrough-profile" */
int command_profile(const char *dir, const char *line, struct buf *ret);

/* The settings (lines of a .vmx) at once:
 * "printf '%s\n' LINE... > DIR/.vmxfs/merge" */
int command_merge(const char *dir, const struct buf *lines, struct buf *ret);

/* Adds the lines of a bridge for command_merge: pciBridge0, or one of the roots 4 to 7, which
 * without virtualDev would be an old PCI bridge and not a PCI Express one. 0, -ENOMEM. */
int command_add_bridge(int n, struct buf *lines);
