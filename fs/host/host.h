/* SPDX-License-Identifier: MIT */
/*
 * The ESXi host behind a mount: what it knows, and what it is told.
 *
 * A thread of its own asks for what changes by itself, reloads VMs whose .vmx has changed, and
 * closes the connection when idle. A caller that wants something done at once (power, reload,
 * passthrough) waits for it.
 *
 * A server that runs no commands, or is not ESXi, has no host: -EOPNOTSUPP, found out once. One
 * that cannot be reached at present is -EIO, and is asked again later.
 */
#pragma once

#include "base/journal.h"
#include "host/facts/facts.h"
#include "host/shell/exec.h"
#include "parser/vm/passthrough.h"
#include "remote/remote.h"

struct host;

struct host_options {
    /* As of struct exec_options. NULL: there is no host. */
    int (*connect)(void *ctx, struct transport **ret, struct diag *why);
    void *ctx;
    bool reload;          /* tell the host to read a .vmx that we changed */
    int power_timeout_ms; /* so long a change of a VM's power is waited for */
};

/* remote and journal are borrowed and must outlive the host. Nothing is asked yet. 0, -errno. */
int host_new(struct remote *remote, struct journal *journal, const struct host_options *options,
             struct host **ret);

/* Its thread begins: once the remote is used (remote/root.h), before anything is asked for. Any
 * number of times. 0, -errno. */
int host_begin_work(struct host *host);

/* First completes the reloads that are due, bounded by the timeout. Accepts NULL. */
void host_free(struct host *host);

/* What the host said, not longer than max_age_ms ago (0: it is asked now). 0 with a reference;
 * -EOPNOTSUPP: there is no host; -EIO, -EACCES, -EINTR, ... */
int host_facts(struct host *host, int max_age_ms, const struct wait *wait,
               const struct host_facts **ret);

/* The same for a caller that can do without: it waits for half of its time at most, and not at all
 * if the host did not answer a short while ago. NULL: they are not known. */
const struct host_facts *host_facts_soon(struct host *host, int max_age_ms,
                                         const struct wait *wait);

/* Whether there is a host: true or false once it was found out; waits for that. */
bool host_exists(struct host *host, const struct wait *wait);

/* The datastores, as the host said them not longer than max_age_ms ago. As host_facts; only
 * facts->stores is filled in. */
int host_stores(struct host *host, int max_age_ms, const struct wait *wait,
                const struct host_facts **ret);

/* For a caller that is about to go into a datastore that may hang: has the host asked which are
 * inaccessible (remote/names/inaccessible.h). Waits for the first answer, half of its time at most;
 * later answers come in the background. */
void host_expect_store(struct host *host, const struct wait *wait);

/* Something on the server did not answer: has the host asked, in the background, whether its
 * datastore is inaccessible. */
void host_doubt_stores(struct host *host);

/* What the report on a VM and plans need of it: fills in the VM's part. */
void host_about_vm(const struct host_facts *facts, const char *path, struct vmx_host_vm *ret);

/* What "vim-cmd vmsvc/power.on" said when it failed last for the VM, through this mount, if it has
 * not succeeded since: appended; *ret_at: when, as "2026-11-29T10:30:05Z". 0, -ENOENT, -ENOMEM. */
int host_power_failure(struct host *host, const char *path, char ret_at[24], struct buf *ret);

/* Reloads the VM now. -EBUSY: it runs; -EREMOTEIO: the command failed; else as host_power. */
int host_reload(struct host *host, const char *path, const struct wait *wait, struct diag *why);

/* The same behind a change that vmxfs made: -EOPNOTSUPP with reload=off. If the reload was due, its
 * failure is told, too. */
int host_reload_changed(struct host *host, const char *path, const struct wait *wait,
                        struct diag *why);

/* Passes a device to VMs, or gives it back to the host, with those that go along
 * (parser/vm/passthrough.h). Of several all are switched, or, where one is refused, those before it
 * are switched back. Appends to *said, for people, what was done (nothing: it was so before), or
 * why it was not. -ENODEV, -EOPNOTSUPP, -EBUSY: as vmx_passthrough_decide; -EREMOTEIO: a command
 * failed; else as host_power. */
int host_passthrough_set(struct host *host, const struct vmx_pci *address,
                         const struct vmx_passthrough *how, const struct wait *wait,
                         struct buf *said);

/* A .vmx was written: its VM is reloaded once a second has passed without another change, unless it
 * runs. What becomes of that is found in the journal and in host_describe. Never blocks. */
void host_changed(struct host *host, const char *path);

/* About the connection, reloads and the version, as "key: value" lines. -ENOMEM. */
int host_describe(struct host *host, struct buf *ret);
