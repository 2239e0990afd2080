/* SPDX-License-Identifier: MIT */
/* Rules about devices that the host chooses, or shares: Dynamic DirectPath and virtual GPUs. */
#include <errno.h>

#include "check_private.h"
#include "command.h"
#include "parser/document/value.h"

#define ALLOW_IOMMU "pciPassthru.vmiop.allowViommu"
#define ENABLE_IOMMU "pciPassthru.vmiop.enableViommu"

static bool has_kind(const struct check *c, enum device_kind kind)
{
    for (size_t i = 0; i < c->n_devices; i++) {
        if (c->devices[i].kind == kind)
            return true;
    }
    return false;
}

/* Nobody changes the hardware version by a line: guests notice. */
static int dynamic_directpath(struct check *c)
{
    enum { FIRST_VERSION = 17 };
    BUF_AUTO value = {0};
    long long version = 0;
    int r = has_kind(c, DEVICE_DYNAMIC) ? check_get(c, "virtualHW.version", &value) : -ENOENT;
    if (r != 0)
        return r == -ENOENT ? 0 : r;
    bool good = vmx_value_int(buf_span(&value), &version) && version >= FIRST_VERSION;
    return check_add(c, good ? VMX_PASS : VMX_FAIL, "dynamic-directpath", NULL,
                     "virtualHW.version is \"%s\"; allowedDevices needs 17", value.data);
}

static int judge_vgpu(struct check *c, bool allowed)
{
    static const char rule[] = "vgpu-iommu";
    const struct vmx_host *host = c->around->host;
    unsigned version = host ? host->version[0] : 0;
    BUF_AUTO lines = {0};
    BUF_AUTO command = {0};
    if (version == 0)
        return check_add(c, VMX_UNKNOWN, rule, NULL,
                         "vvtd.enable with a virtual GPU: the host would tell its version, and up "
                         "to 7.x excludes that");
    if (version < 8)
        return check_add(c, VMX_FAIL, rule, NULL,
                         "vvtd.enable with a virtual GPU, which ESXi %u.x does not power on",
                         version);
    if (allowed)
        return check_add(c, VMX_PASS, rule, NULL,
                         "vvtd.enable with a virtual GPU: " ALLOW_IOMMU
                         " and .enableViommu are "
                         "TRUE");
    return buf_add_str(&lines, ALLOW_IOMMU " = \"TRUE\"\n" ENABLE_IOMMU " = \"TRUE\"\n")
        ?: command_merge(c->dir, &lines, &command)
        ?: check_add(c, VMX_WARN, rule, &command,
                   "vvtd.enable with a virtual GPU: only one of SR-IOV can do it, with " ALLOW_IOMMU
                     " and " ENABLE_IOMMU);
}

static int vgpu_iommu(struct check *c)
{
    bool iommu = false;
    bool allowed = false;
    bool enabled = false;
    if (!has_kind(c, DEVICE_VGPU))
        return 0;
    int r = check_is_true(c, "vvtd.enable", &iommu)
        ?: check_is_true(c, ALLOW_IOMMU, &allowed)
        ?: check_is_true(c, ENABLE_IOMMU, &enabled);
    return r != 0 || !iommu ? r : judge_vgpu(c, allowed && enabled);
}

int check_variants(struct check *check)
{
    return dynamic_directpath(check) ?: vgpu_iommu(check);
}
