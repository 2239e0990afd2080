/* SPDX-License-Identifier: MIT */
/* What the files of the tree that are about the host share. All of it works without a host. */
#pragma once

#include "parser/plan/plan.h"
#include "vfs/control/control.h"

/* How old may be what the host said of itself and its devices: it is long in answering. */
enum { HARDWARE_MAX_AGE_MS = 60 * 1000 };

/* What the host said, at most as old as max_age_ms. 0 with a reference; -EOPNOTSUPP: there is no
 * host; -EIO: it cannot be reached; ... */
int host_said(struct request *rq, int max_age_ms, const struct host_facts **ret);

/* The same for reports, which say what they can without a host, or while it does not answer: then
 * *ret is NULL, and the call may wait anew. 0, -EINTR, -ENOMEM. */
int host_said_if_any(struct request *rq, const struct host_facts **ret);

static inline void host_facts_drop(const struct host_facts **facts)
{
    host_facts_unref(*facts);
    *facts = NULL;
}
#define FACTS_AUTO __attribute__((cleanup(host_facts_drop))) const struct host_facts

/* What plans and reports look at the VM of a path with. facts: may be NULL, and must outlive it, as
 * must vm, which is filled in. */
struct vmx_around around_vm(const struct vfs *vfs, const struct host_facts *facts, const char *path,
                            struct vmx_host_vm *vm);

/* The same with no host: where an answer must come at once, and with what is in the file already.
 */
static inline struct vmx_around around_alone(const struct vfs *vfs)
{
    return (struct vmx_around){.profiles = &vfs->profiles, .mountpoint = vfs->options.mountpoint};
}

/* Lets a report that asks for much wait once more: the server is silent for the timeout, or it is
 * not. */
void go_on_waiting(struct request *rq);

/* A VM's power state as a word, as far as its files and what the host said tell. vm: NULL if it is
 * not registered; dict: NULL if its .vmx was not found; facts: may be NULL. */
const char *vm_power_word(const struct host_facts *facts, const struct host_vm *vm,
                          const struct vmx_dict *dict);

/* Appends a line; "unknown" for what the host did not say (NULL or ""). 0, -ENOMEM. */
int host_add_line(struct buf *ret, const char *text);

/* As refuse, with the host's own reason, if there is one. A command that failed is -EIO. */
int refuse_host(struct request *rq, const char *path, const char *key, int r,
                const struct diag *why);

extern const struct folder host_folder;     /* .vmxfs/host: host_folder.c */
extern const struct folder host_pci_folder; /* .vmxfs/host/pci: host_pci.c */
extern const struct folder host_vms_folder; /* .vmxfs/host/vms: host_vms.c */
