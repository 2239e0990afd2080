/* SPDX-License-Identifier: MIT */
/* Rules about the host, and about the VM as the host sees it. */
#include <errno.h>

#include "check_private.h"
#include "command.h"

/* ---- power ---- */

/* Nothing is wrong with a VM that runs. But a profile is applied to one that is off. */
static int powered_off(struct check *c)
{
    static const char rule[] = "powered-off";
    const struct vmx_host_vm *vm = c->around->host ? c->around->vm : NULL;
    enum vmx_power power = vm ? vm->power : VMX_POWER_UNKNOWN;
    if (c->active.line.profile.len > 0)
        return 0;
    if (power == VMX_POWER_OFF)
        return check_add(c, VMX_PASS, rule, NULL, "the VM is powered off");
    if (power == VMX_POWER_SUSPENDED)
        return check_add(c, VMX_NOTE, rule, NULL,
                         "the VM is suspended: before a profile, resume it and shut it down");
    if (power == VMX_POWER_ON)
        return check_add(c, VMX_NOTE, rule, NULL,
                         "the VM is powered on: before a profile, shut it down");
    return 0;
}

/* ---- version ---- */

/* 7.0 Update 3c and 3g, 8.0 Update 1 and 2. */
static const struct release {
    unsigned version[3];
    unsigned long build;
} oldest = {{7, 0, 3}, 19193900}, of_guide = {{7, 0, 3}, 20328353}, nested = {{8, 0, 1}, 21495797},
  late = {{8, 0, 2}, 22380479};

static bool is_before(const struct vmx_host *host, const struct release *release)
{
    return vmx_host_is_before(host, release->version, release->build);
}

struct verdict {
    enum vmx_severity severity;
    const char *found;
};

static struct verdict judge_version(const struct check *c)
{
    const struct vmx_host *host = c->around->host;
    if (is_before(host, &oldest))
        return (struct verdict){
            VMX_FAIL, "too old: 7.0 Update 3c is needed, 8.0 Update 1 where it is nested"};
    if (host->nested == VMX_YES && is_before(host, &nested))
        return (struct verdict){VMX_FAIL, "too old for a nested host: 8.0 Update 1 is needed"};
    if (host->nested == VMX_NOT_KNOWN)
        return (struct verdict){VMX_UNKNOWN, "is this host nested? Then 8.0 Update 1 is needed"};
    if (is_before(host, &of_guide))
        return (struct verdict){VMX_WARN, "older than the guide's: update to 7.0 Update 3g"};
    if (host->nested == VMX_YES)
        return (struct verdict){VMX_PASS, "a nested host may run this version"};
    if (host->version[0] < 8 || !check_profile_sets(c, "vvtd.enable"))
        return (struct verdict){VMX_PASS, "the guide works with it"};
    if (is_before(host, &late))
        return (struct verdict){VMX_WARN, "the first 8.x could not do it: apply the latest patch"};
    return (struct verdict){VMX_NOTE,
                            "the guide was tried with 7.0 Update 3g: the first 8.x could "
                            "not do it, later ones should with the latest patch"};
}

static int esxi_version(struct check *c)
{
    const struct vmx_host *host = c->around->host;
    if (!c->active.profile)
        return 0;
    if (!host || host->version[0] == 0 || host->build == 0)
        return check_add(c, VMX_UNKNOWN, "esxi-version", NULL,
                         "the host would tell its version: 7.0 U3c or later, 8.0 U1 where nested");
    struct verdict verdict = judge_version(c);
    return check_add(c, verdict.severity, "esxi-version", NULL, "ESXi %u.%u.%u build %lu: %s",
                     host->version[0], host->version[1], host->version[2], host->build,
                     verdict.found);
}

int check_host(struct check *check)
{
    return powered_off(check) ?: esxi_version(check);
}
