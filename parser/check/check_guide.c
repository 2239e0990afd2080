/* SPDX-License-Identifier: MIT */
/* Rules of the guide about a VM with a device, or a profile, which no profile can say. */
#include <errno.h>

#include "check_private.h"
#include "command.h"
#include "parser/document/value.h"
#include "parser/plan/plan_expand.h"
#include "parser/text/text.h"
#include "parser/vm/vm_files.h"

/* ---- memory and CPUs ---- */

/* Where no profile says so, the device itself does. */
static int memory_reservation(struct check *c)
{
    BUF_AUTO size = {0};
    BUF_AUTO reserved = {0};
    BUF_AUTO command = {0};
    if (c->n_devices == 0 || check_profile_sets(c, "sched.mem.min"))
        return 0;
    int r = check_get(c, "memSize", &size) ?: check_get(c, "sched.mem.min", &reserved);
    if (r == 0 && size.len > 0)
        r = command_set(c->dict, c->dir, SPAN_LITERAL("sched.mem.min"), buf_span(&size), &command);
    bool equal =
        vmx_value_same(SPAN_LITERAL("sched.mem.min"), buf_span(&size), buf_span(&reserved));
    return r
               ?: check_add(c, size.len > 0 && equal ? VMX_PASS : VMX_FAIL, "memory-reservation",
                            &command,
                            "sched.mem.min is \"" SPAN_FORMAT "\", memSize is \"" SPAN_FORMAT "\"",
                            SPAN_SHOWN(buf_span(&reserved)), SPAN_SHOWN(buf_span(&size)));
}

/* What is reserved has to be allowed, too. "-1" and words mean that there is no limit. */
static int memory_limit(struct check *c)
{
    static const char rule[] = "memory-limit";
    BUF_AUTO size = {0};
    BUF_AUTO most = {0};
    BUF_AUTO command = {0};
    long long mb = 0;
    long long limit = -1;
    int r = check_get(c, "memSize", &size) ?: check_get(c, "sched.mem.max", &most);
    if (r != 0 || c->n_devices == 0)
        return r;
    bool below = vmx_value_int(buf_span(&most), &limit) && limit >= 0 &&
                 vmx_value_int(buf_span(&size), &mb) && limit < mb;
    if (!below)
        return check_add(c, VMX_PASS, rule, NULL, "the VM's memory is not limited below memSize");
    return command_set(c->dict, c->dir, SPAN_LITERAL("sched.mem.max"), buf_span(&size), &command)
               ?: check_add(c, VMX_WARN, rule, &command,
                            "sched.mem.max is %lld, below memSize %lld: with a device the VM's "
                            "memory must not be limited",
                            limit, mb);
}

static int nested_passthrough(struct check *c)
{
    BUF_AUTO command = {0};
    bool nested = false;
    bool allowed = false;
    int r = check_is_true(c, "vhv.enable", &nested);
    if (r != 0 || c->n_devices == 0 || !nested || check_profile_sets(c, "vhv.allowPassthru"))
        return r;
    return check_is_true(c, "vhv.allowPassthru", &allowed)
        ?: command_set(c->dict, c->dir, SPAN_LITERAL("vhv.allowPassthru"),
                       SPAN_LITERAL("TRUE"), &command)
        ?: check_add(c, allowed ? VMX_PASS : VMX_FAIL, "nested-passthrough", &command,
                            allowed ? "vhv.allowPassthru is TRUE"
                                    : "vhv.enable without vhv.allowPassthru excludes devices");
}

static int hot_add(struct check *c, const char *key, const char *rule)
{
    BUF_AUTO command = {0};
    bool on = false;
    return check_is_true(c, key, &on)
                ?: command_set(c->dict, c->dir, span_of(key), SPAN_LITERAL("FALSE"), &command)
                ?: check_add(c, on ? VMX_WARN : VMX_PASS, rule, &command,
                     on ? "%s is TRUE: devices and hot-add exclude each other" : "%s is not TRUE",
                     key);
}

/* A BAR above 256 MB needs EFI. Nobody changes what a guest may not boot after, so there is no
 * command. */
static int firmware(struct check *c)
{
    static const char rule[] = "firmware";
    BUF_AUTO value = {0};
    bool told = false;
    int r = check_seen(c, rule, SPAN_LITERAL("firmware = \"efi\""), &told);
    if (r != 0 || told || !check_has_gpu(c))
        return r;
    r = check_get(c, "firmware", &value);
    bool efi = span_eq_fold(buf_span(&value), SPAN_LITERAL("efi"));
    return r
               ?: check_add(c, efi ? VMX_PASS : VMX_WARN, rule, NULL, "firmware is %s%s",
                            value.len > 0 ? value.data : "missing",
                            efi ? "" : "; advised with a graphics card: firmware = \"efi\"");
}

/* ---- AMD ---- */

/* Whether the profile is of a VM that passes a device on, on an AMD CPU: the host's, or else what
 * the profile takes it for. */
static int is_amd(const struct check *c, bool *ret)
{
    const struct vmx_host *host = c->around->host;
    const struct plan_on on = check_on(c);
    struct span cpu = {0};
    const bool passes_on = check_profile_sets(c, "vvtd.enable");
    *ret = passes_on && host && host->cpu == VMX_CPU_AMD;
    if (!passes_on || *ret)
        return 0;
    int r = plan_param(&on, SPAN_LITERAL("cpu"), &cpu);
    *ret = r == 0 && span_eq(cpu, SPAN_LITERAL("amd"));
    return r == -ENOENT ? 0 : r;
}

/* A virtual IOMMU needs 14 on Intel, which the profile advises, and 19 on AMD. */
static int hardware_version(struct check *c)
{
    BUF_AUTO value = {0};
    long long version = 0;
    bool amd = false;
    int r = is_amd(c, &amd);
    if (r != 0 || !amd)
        return r;
    r = check_get(c, "virtualHW.version", &value);
    bool good = vmx_value_int(buf_span(&value), &version) && version >= 19;
    return r
               ?: check_add(c, good ? VMX_PASS : VMX_WARN, "hardware-version-amd", NULL,
                            "virtualHW.version is \"" SPAN_FORMAT
                            "\"; a virtual IOMMU on AMD needs 19",
                            SPAN_SHOWN(buf_span(&value)));
}

/* Where no profile says so, the host does. */
static int amd_iommu(struct check *c)
{
    static const char rule[] = "amd-iommu";
    struct span value = SPAN_LITERAL("TRUE");
    BUF_AUTO command = {0};
    bool amd = false;
    bool set = false;
    bool told = false;
    int r = is_amd(c, &amd);
    if (r == 0 && amd)
        r = check_seen(c, rule, value, &told);
    r = r
        ?: check_is_true(c, "amd.iommu.supportsPcip", &set)
        ?: command_set(c->dict, c->dir, SPAN_LITERAL("amd.iommu.supportsPcip"), value, &command);
    if (r != 0 || !amd || told)
        return r;
    return check_add(c, set ? VMX_PASS : VMX_FAIL, rule, &command,
                     set ? "amd.iommu.supportsPcip is TRUE"
                         : "amd.iommu.supportsPcip is not TRUE, and the host's CPU is AMD's");
}

/* ---- bridges ---- */

static int pci_bridges(struct check *c)
{
    static const int bridges[] = {0, 4, 5, 6, 7};
    BUF_AUTO lines = {0};
    BUF_AUTO missing = {0};
    BUF_AUTO command = {0};
    int r = 0;
    for (size_t i = 0; r == 0 && i < sizeof(bridges) / sizeof(bridges[0]); i++) {
        BUF_AUTO key = {0};
        bool there = false;
        r = buf_addf(&key, "pciBridge%d.present", bridges[i]) ?: check_is_true(c, key.data, &there);
        if (r == 0 && !there)
            r = buf_addf(&missing, " pciBridge%d", bridges[i])
                    ?: command_add_bridge(bridges[i], &lines);
    }
    if (r == 0 && missing.len == 0)
        return check_add(c, VMX_PASS, "pci-bridges", NULL, "pciBridge0 and 4 to 7 are there");
    return r
        ?: command_merge(c->dir, &lines, &command)
        ?: check_add(c, VMX_WARN, "pci-bridges", &command, "missing:%s", missing.data);
}

/* ---- snapshots ---- */

static int snapshots(struct check *c)
{
    struct span end = SPAN_LITERAL(".filename");
    for (size_t i = 0; i < vmx_dict_keys(c->dict); i++) {
        size_t extent = vmx_dict_key_extent(c->dict, i);
        struct span name = vmx_dict_name(c->dict, extent);
        BUF_AUTO value = {0};
        if (name.n < end.n || !span_eq_fold(span_from(name, name.n - end.n), end))
            continue;
        int r = vmx_dict_value(c->dict, extent, &value);
        if (r != 0)
            return r;
        if (vm_files_is_delta(buf_span(&value)))
            return check_add(c, VMX_WARN, "snapshots", NULL,
                             SPAN_FORMAT " is " SPAN_FORMAT ": a snapshot is there",
                             SPAN_SHOWN(name), SPAN_SHOWN(buf_span(&value)));
    }
    return check_add(c, VMX_PASS, "snapshots", NULL, "no disk is on a snapshot");
}

int check_guide(struct check *check)
{
    return memory_reservation(check)
        ?: memory_limit(check)
        ?: firmware(check)
        ?: nested_passthrough(check)
        ?: hot_add(check, "mem.hotadd", "memory-hot-add")
        ?: hot_add(check, "vcpu.hotadd", "cpu-hot-add")
        ?: hardware_version(check)
        ?: amd_iommu(check)
        ?: pci_bridges(check)
        ?: snapshots(check);
}
