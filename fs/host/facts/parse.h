/* SPDX-License-Identifier: MIT */
/*
 * What ESXi's commands print, from 6.5 to 8.0. Pure functions on texts, which may be hostile: what
 * is not understood is left out or is -EBADMSG, never guessed.
 *
 * What they find is kept by the facts, which say so where they had no memory for a string.
 *
 * Standard error is mixed into the texts: lines that do not belong are passed over.
 *
 * parse_vms and parse_running take vms_known and running_known back where they fail: a list that is
 * not understood is not an empty one.
 */
#pragma once

#include "facts.h"

/* "vmware -v" (or the first line of -vl): fills in version, build and the line itself. -EBADMSG:
 * no ESXi. */
int parse_version(struct span text, struct host_facts *ret);

/* "esxcli hardware cpu list" and "esxcli hardware cpu global get". 0; here and below, what the text
 * does not say stays unknown. */
int parse_cpu_list(struct span text, struct host_facts *ret);
int parse_cpu_global(struct span text, struct host_facts *ret);

/* "esxcli system uuid get". */
int parse_uuid(struct span text, struct host_facts *ret);

/* "esxcli hardware platform get": is it a VM of VMware's itself? */
int parse_platform(struct span text, struct host_facts *ret);

/* "esxcli hardware pci list": appends to facts->host.pci. capable, enabled and active come from
 * "Passthru Capable", "Configured Owner" and "Current Owner". 0, -EBADMSG (no device in it, one
 * twice, or more than a host has), -ENOMEM. */
int parse_pci_list(struct span text, struct host_facts *ret);

/* "esxcli hardware pci pcipassthru list" (7.0 and later): sets enabled of the devices known.
 * "false" does not overrule a configured owner. 0. */
int parse_pci_passthru(struct span text, struct host_facts *ret);

/* "vim-cmd vmsvc/getallvms": appends to facts->vms, registered, path not filled in, by id. Of a row
 * that can be read in more than one way, and of an id that is there twice, only the id is known;
 * what the host runs for itself ("[] /var/run/crx/...") is left out. 0; -EBADMSG: it is no such
 * table; -ENOMEM. */
int parse_vms(struct span text, struct host_facts *ret);

/* "esxcli vm process list": appends to facts->running. 0, also for no text at all; -EBADMSG: it
 * says something else, or more than a host runs; -ENOMEM. */
int parse_running(struct span text, struct host_facts *ret);

/* "esxcli storage filesystem list": appends to facts->stores, in the host's order; a volume is
 * accessible if it is mounted. A volume that the command skips with an error has only its uuid. 0,
 * -ENOMEM. */
int parse_stores(struct span text, struct host_facts *ret);

/* "esxcli storage nfs list", or "nfs41 list": what is called inaccessible there is so in
 * facts->stores, of those of a type. 0. */
int parse_nas(struct span text, const char *type, struct host_facts *ret);

/* "vim-cmd vmsvc/power.getstate N". 0; -ENOENT: no such VM; -EBADMSG. */
int parse_power(struct span text, enum vmx_power *ret);

/* "vim-cmd solo/registervm FILE" where the host has an entry of the file: 0 and that entry's id;
 * -EBADMSG: it says something else. */
int parse_exists(struct span text, unsigned long *ret_id);

/* "vmfsfilelockinfo -p FILE": 0 and whether somebody holds it; -EBADMSG: it does not say. */
int parse_lock(struct span text, bool *ret_held);
