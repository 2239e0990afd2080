/* SPDX-License-Identifier: MIT */
/* Rules of the guide about the VM which are more than one setting and one value. */
#include <errno.h>

#include "check_private.h"
#include "command.h"
#include "parser/document/value.h"
#include "parser/plan/plan_want.h"
#include "parser/text/text.h"

enum { MMIO_DEFAULT = 32 }; /* GiB that VMware takes where the setting is missing */

/* ---- 64-bit MMIO ---- */

/* The judged profile that has the parameter "mmio", and its default. */
static const struct vmx_profile *mmio_profile(const struct check *c, long long *ret)
{
    for (size_t i = 0; i < c->n_judged; i++) {
        const struct pair *param = profile_param(c->judged[i], SPAN_LITERAL("mmio"));
        if (param && vmx_value_int(buf_span(&param->value), ret))
            return c->judged[i];
    }
    *ret = MMIO_DEFAULT;
    return NULL;
}

static int mmio_command(const struct check *c, const struct vmx_profile *profile, long long gb,
                        struct buf *ret)
{
    BUF_AUTO text = {0};
    if (profile && c->active.valid) {
        return buf_addf(&text, "%s mmio=%lld", vmx_profile_name(profile), gb)
                   ?: command_profile(c->dir, text.data, ret);
    }
    return buf_addf(&text, "%lld", gb)
               ?: command_set(c->dict, c->dir, SPAN_LITERAL("pciPassthru.64bitMMIOSizeGB"),
                              buf_span(&text), ret);
}

/* Twice the next power of two of what all framebuffers have. */
static long long mmio_needed(long long framebuffers)
{
    long long power = 1;
    while (power < framebuffers)
        power *= 2;
    return 2 * power;
}

static int mmio_size(struct check *c)
{
    BUF_AUTO value = {0};
    BUF_AUTO command = {0};
    long long size = MMIO_DEFAULT;
    long long least = 0;
    bool known = false;
    const struct vmx_profile *profile = mmio_profile(c, &least);
    long long framebuffers = check_framebuffers(c, &known);
    int r = check_get(c, "pciPassthru.64bitMMIOSizeGB", &value);
    if (r != 0)
        return r;
    if (value.len > 0 && !vmx_value_int(buf_span(&value), &size))
        size = 0;
    known = known && framebuffers > 0;
    if (known)
        least = mmio_needed(framebuffers);
    r = size < least ? mmio_command(c, profile, least, &command) : 0;
    if (r != 0)
        return r;
    if (known)
        return check_add(c, size < least ? VMX_WARN : VMX_PASS, "mmio-size", &command,
                         "%lld GiB of 64-bit MMIO; the rule for %lld GB on the cards is %lld", size,
                         framebuffers, least);
    if (size < least)
        return check_add(c, VMX_WARN, "mmio-size", &command,
                         "%lld GiB of 64-bit MMIO; the default is %lld", size, least);
    return check_add(c, VMX_UNKNOWN, "mmio-size", NULL,
                     "%lld GiB of 64-bit MMIO; give vram=GB with the profile to have it judged",
                     size);
}

/* ---- memory and CPUs ---- */

/* Where no profile says so, the device itself does. */
static int memory_reservation(struct check *c)
{
    BUF_AUTO size = {0};
    BUF_AUTO reserved = {0};
    BUF_AUTO command = {0};
    if (c->n_devices == 0 || check_profiles_set(c, "sched.mem.min"))
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

static int nested_passthrough(struct check *c)
{
    BUF_AUTO command = {0};
    bool nested = false;
    bool allowed = false;
    int r = check_is_true(c, "vhv.enable", &nested);
    if (r != 0 || c->n_devices == 0 || !nested || check_profiles_set(c, "vhv.allowPassthru"))
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

/* ---- AMD ---- */

/* The VM has a virtual IOMMU, or is to have one. */
static int has_iommu(const struct check *c, bool *ret)
{
    *ret = check_profiles_set(c, "vvtd.enable");
    return *ret ? 0 : check_is_true(c, "vvtd.enable", ret);
}

/* The host's CPU, or else what the profile takes it for. */
static int is_amd(const struct check *c, bool *ret)
{
    const struct vmx_host *host = c->around->host;
    struct span cpu = {0};
    *ret = false;
    if (host && host->cpu == VMX_CPU_AMD)
        return has_iommu(c, ret);
    for (size_t i = 0; i < c->n_judged; i++) {
        const struct plan_on on = check_on(c, c->judged[i]);
        int r = plan_param(&on, SPAN_LITERAL("cpu"), &cpu);
        if (r != 0 && r != -ENOENT)
            return r;
    }
    *ret = span_eq(cpu, SPAN_LITERAL("amd"));
    return 0;
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

/* "disk-000001.vmdk": what is written since a snapshot. */
static bool is_delta(struct span file)
{
    struct span end = SPAN_LITERAL(".vmdk");
    if (file.n < end.n + 7 || !span_eq_fold(span_from(file, file.n - end.n), end))
        return false;
    file = span_from(span_head(file, file.n - end.n), file.n - end.n - 7);
    for (size_t i = 1; i < 7; i++) {
        if (text_digit(file.p[i]) >= 10)
            return false;
    }
    return file.p[0] == '-';
}

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
        if (is_delta(buf_span(&value)))
            return check_add(c, VMX_WARN, "snapshots", NULL,
                             SPAN_FORMAT " is " SPAN_FORMAT ": a snapshot is there",
                             SPAN_SHOWN(name), SPAN_SHOWN(buf_span(&value)));
    }
    return check_add(c, VMX_PASS, "snapshots", NULL, "no disk is on a snapshot");
}

int check_guide(struct check *check)
{
    return mmio_size(check)
        ?: memory_reservation(check)
        ?: nested_passthrough(check)
        ?: hot_add(check, "mem.hotadd", "memory-hot-add")
        ?: hot_add(check, "vcpu.hotadd", "cpu-hot-add")
        ?: hardware_version(check)
        ?: amd_iommu(check)
        ?: pci_bridges(check)
        ?: snapshots(check);
}
