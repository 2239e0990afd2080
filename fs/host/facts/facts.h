/* SPDX-License-Identifier: MIT */
/* What a host said at one time. Once it is filled in it is constant and shared by reference. */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

#include "parser/vm/host.h"

/* A VM that is registered on the host. */
struct host_vm {
    unsigned long id;
    bool valid;            /* false: the host skips it as invalid; only its id is known */
    const char *name;      /* "" where it is invalid */
    const char *datastore; /* of "[datastore] folder/x.vmx" */
    const char *file;      /* what is behind that */
    const char *entry; /* of an invalid one: its absolute path in the host's inventory, or NULL */
    const char *path; /* relative to the mounted root, free of links; NULL: outside, or not known */
    const char *shown; /* the same with the names that people use; NULL where path is */
    bool running;      /* one of facts->running */
};

/* A volume that the host has, or knows of. Strings are "" for what it does not say. */
struct host_store {
    const char *name, *type;
    const char *uuid;        /* its directory's name in /vmfs/volumes */
    const char *size, *free; /* bytes, in decimal */
    enum vmx_truth accessible;
};

/* The datastores are asked for apart, and are facts of their own (stores.h). */
struct host_facts {
    atomic_uint refs;
    int64_t at;                    /* clock_ms() when the host was asked */
    struct host_text *texts;       /* all strings of the facts */
    bool no_memory;                /* for one of them, which is "" */
    struct vmx_host host;          /* its list belongs to the facts */
    const char *version_line;      /* as "vmware -v" says it */
    const char *cpu_brand;         /* as the host says it; NULL */
    const char *platform_uuid;     /* of the machine, 16 bytes as in uuid.bios of a .vmx; NULL */
    int hv_support;                /* -1: not known; 3: enabled, 2: off in the firmware */
    bool vms_known, running_known; /* the host answered */
    struct host_vm *vms;
    size_t n_vms;
    const char **running; /* absolute paths on the server, as the host says them */
    size_t n_running;
    struct host_store *stores;
    size_t n_stores;
};

/* With one reference. NULL: no memory. */
struct host_facts *host_facts_new(void);
const struct host_facts *host_facts_ref(const struct host_facts *facts);
void host_facts_unref(const struct host_facts *facts); /* accepts NULL */

/* A copy that lives as long as the facts. */
const char *host_facts_text(struct host_facts *facts, struct span text);

/* The VM of a path below the mounted root, or NULL. */
const struct host_vm *host_facts_vm(const struct host_facts *facts, const char *path);

/* The entry of a path, of a VM that is invalid now, or NULL. */
const struct host_vm *host_facts_invalid(const struct host_facts *facts, const char *path);
