/* SPDX-License-Identifier: MIT */
/* Rules about graphics cards that the VM is given. */
#include <errno.h>

#include "check_private.h"
#include "command.h"
#include "parser/device/device_blocks.h"
#include "parser/document/value.h"
#include "parser/text/text.h"

/* GB of memory on cards that are known. No command of a host tells it. */
static const struct {
    long long vendor, device, gb;
} cards[] = {
    {VENDOR_INTEL, 0x5690, 16},  {VENDOR_INTEL, 0x5691, 12},  {VENDOR_INTEL, 0x5692, 8},
    {VENDOR_INTEL, 0x5693, 4},   {VENDOR_INTEL, 0x5694, 4},   {VENDOR_INTEL, 0x56a0, 16},
    {VENDOR_INTEL, 0x56a1, 8},   {VENDOR_INTEL, 0x56a2, 8},   {VENDOR_INTEL, 0x56a5, 6},
    {VENDOR_INTEL, 0xe20b, 12},  {VENDOR_INTEL, 0xe20c, 10},  {VENDOR_INTEL, 0xe211, 24},
    {VENDOR_INTEL, 0xe212, 16},  {VENDOR_NVIDIA, 0x1b38, 24}, {VENDOR_NVIDIA, 0x1c82, 4},
    {VENDOR_NVIDIA, 0x1cb2, 2},  {VENDOR_NVIDIA, 0x1eb8, 16}, {VENDOR_NVIDIA, 0x20b5, 80},
    {VENDOR_NVIDIA, 0x20f1, 40}, {VENDOR_NVIDIA, 0x2204, 24}, {VENDOR_NVIDIA, 0x2235, 48},
    {VENDOR_NVIDIA, 0x2236, 24}, {VENDOR_NVIDIA, 0x2331, 80}, {VENDOR_NVIDIA, 0x2684, 24},
    {VENDOR_NVIDIA, 0x26b5, 48}, {VENDOR_NVIDIA, 0x26b9, 48}, {VENDOR_NVIDIA, 0x27b8, 24},
};

static const struct vmx_pci integrated = {0, 0, 2, 0};

long long check_card_memory(long long vendor, long long device)
{
    for (size_t i = 0; i < sizeof(cards) / sizeof(cards[0]); i++) {
        if (cards[i].vendor == vendor && cards[i].device == device)
            return cards[i].gb;
    }
    return 0;
}

static long long memory_of(const struct check_device *d)
{
    return check_card_memory(d->vendor, d->device);
}

/* These two make nothing else that is passed to VMs as the first function of its slot. Intel makes
 * network adapters and much more. */
bool check_is_gpu(const struct check_device *device)
{
    if (device->class != 0)
        return device->class >> 8 == 0x03;
    if (device->vendor == VENDOR_INTEL)
        return memory_of(device) > 0 ||
               (device->has_address && vmx_pci_eq(&device->address, &integrated));
    return device->address.function == 0 &&
           (device->vendor == VENDOR_AMD || device->vendor == VENDOR_NVIDIA);
}

bool check_has_gpu(const struct check *check)
{
    for (size_t i = 0; i < check->n_devices; i++) {
        if (check_is_gpu(&check->devices[i]))
            return true;
    }
    return false;
}

/* ---- framebuffers ---- */

/* What the profile was told of this device ("vram=16"). */
static long long told(const struct check *c, const struct check_device *d)
{
    const struct buf *device = plan_line_param(&c->active.line, SPAN_LITERAL("device"));
    const struct buf *vram = plan_line_param(&c->active.line, SPAN_LITERAL("vram"));
    struct vmx_pci address;
    long long gb = 0;
    if (!device || !vram || !d->has_address || !vmx_pci_parse(buf_span(device), &address) ||
        !vmx_pci_eq(&address, &d->address) || !vmx_value_int(buf_span(vram), &gb))
        return 0;
    return gb;
}

/* How much of a card its SR-IOV functions show is not known. */
long long check_framebuffer(const struct check *c, const struct check_device *d)
{
    long long gb = told(c, d);
    return gb > 0 || d->kind == DEVICE_SRIOV ? gb : memory_of(d);
}

long long check_framebuffers(const struct check *check, bool *ret_known)
{
    long long sum = 0;
    *ret_known = true;
    for (size_t i = 0; i < check->n_devices; i++) {
        if (!check_is_gpu(&check->devices[i]))
            continue;
        long long gb = check_framebuffer(check, &check->devices[i]);
        *ret_known = *ret_known && gb > 0;
        sum += gb;
    }
    return sum;
}

/* ---- rules for each card ---- */

bool check_is_integrated(const struct check_device *d)
{
    return d->vendor == VENDOR_INTEL && d->has_address && check_is_gpu(d) &&
           vmx_pci_eq(&d->address, &integrated);
}

static int integrated_gpu(struct check *c, const struct check_device *d)
{
    const struct vmx_host *host = c->around->host;
    bool is = check_is_integrated(d);
    if (!check_profile_sets(c, "vvtd.enable") && !(host && host->nested == VMX_YES))
        return 0;
    return check_add(c, is ? VMX_FAIL : VMX_PASS, "integrated-gpu", NULL,
                     is ? "pciPassthru%zu is an integrated Intel GPU: it cannot be passed on"
                        : "pciPassthru%zu is no integrated Intel GPU",
                     d->n);
}

#define RESET_MAP "/etc/vmware/passthru.map on the host says how it is reset"

/* How the host resets the card when the guest ends. None of it is certain, so nothing passes. */
static int gpu_reset(struct check *c, const struct check_device *d)
{
    static const char rule[] = "gpu-reset";
    const char *method = d->host ? d->host->reset : "";
    if (d->vendor == VENDOR_AMD)
        return check_add(
            c, VMX_NOTE, rule, NULL,
            "pciPassthru%zu is an AMD GPU: the host may hang when the guest restarts; " RESET_MAP
            "%s%s",
            d->n, method[0] ? ", by now: " : "", method);
    if (!method[0])
        return check_add(c, VMX_UNKNOWN, rule, NULL,
                         "the host would tell how it resets pciPassthru%zu (Reset Method)", d->n);
    if (strcmp(method, "Bridge reset") == 0)
        return check_add(c, VMX_NOTE, rule, NULL,
                         "the host resets pciPassthru%zu by its bridge, and may hang when the "
                         "guest shuts down; " RESET_MAP,
                         d->n);
    return check_add(c, VMX_NOTE, rule, NULL,
                     "the host resets pciPassthru%zu by \"%.40s\"; " RESET_MAP, d->n, method);
}

static int gpu_tested(struct check *c, const struct check_device *d)
{
    bool tried = d->vendor == VENDOR_INTEL && d->device == 0x5690;
    return check_add(c, tried ? VMX_PASS : VMX_NOTE, "gpu-tested", NULL,
                     "pciPassthru%zu is %04llx:%04llx%s", d->n, d->vendor, d->device,
                     tried ? "" : ": untested, the guide was tried with an Arc A770M (8086:5690)");
}

/* ---- the host's console ---- */

/* Another graphics device that the kernel still has, or NULL. */
static const struct vmx_host_pci *other_console(const struct vmx_host *host,
                                                const struct vmx_host_pci *gpu)
{
    for (size_t i = 0; i < host->n_pci; i++) {
        if (&host->pci[i] != gpu && host->pci[i].class >= 0 && host->pci[i].class >> 8 == 0x03 &&
            host->pci[i].active != VMX_YES)
            return &host->pci[i];
    }
    return NULL;
}

/* No command of a host says which card its console is on. But the console is on no card that the
 * kernel has let go of, and on the only card where there is one. */
static int gpu_console(struct check *c, const struct check_device *d)
{
    static const char rule[] = "gpu-console";
    if (d->host && d->host->active == VMX_YES)
        return check_add(c, VMX_PASS, rule, NULL,
                         "pciPassthru%zu is not used by the host: its console is elsewhere", d->n);
    if (!d->host || d->host->active == VMX_NOT_KNOWN)
        return check_add(c, VMX_UNKNOWN, rule, NULL,
                         "the host would tell whether its console may be on pciPassthru%zu", d->n);
    if (!other_console(c->around->host, d->host))
        return check_add(c, VMX_NOTE, rule, NULL,
                         "pciPassthru%zu is the only card that the host's console can be on: "
                         "it goes dark",
                         d->n);
    return check_add(c, VMX_NOTE, rule, NULL,
                     "no command shows whether the host's console is on pciPassthru%zu", d->n);
}

/* ---- audio ---- */

/* The device that is passed and has this address, or NULL. */
static const struct check_device *find_passed(const struct check *c, const struct vmx_pci *address)
{
    for (size_t i = 0; i < c->n_devices; i++) {
        if (c->devices[i].has_address && vmx_pci_eq(&c->devices[i].address, address))
            return &c->devices[i];
    }
    return NULL;
}

/* The lines of a block that no profile makes. */
static int audio_by_merge(const struct check *c, const struct vmx_host_pci *audio, struct buf *ret)
{
    const struct pairs nothing = {0};
    BUF_AUTO lines = {0};
    BUF_AUTO id = {0};
    size_t n = 0;
    return device_place(c->dict, &nothing, &audio->address, &n)
        ?: vmx_pci_add_id(&audio->address, &id)
        ?: buf_addf(&lines, "pciPassthru%zu.id = \"%s\"\n", n, id.data)
        ?: buf_addf(&lines, "pciPassthru%zu.deviceId = \"0x%04llx\"\n", n,
                   (unsigned long long)audio->device)
        ?: buf_addf(&lines, "pciPassthru%zu.vendorId = \"0x%04llx\"\n", n,
                   (unsigned long long)audio->vendor)
        ?: buf_addf(&lines, "pciPassthru%zu.systemId = \"%s\"\n", n, c->around->host->uuid)
        ?: buf_addf(&lines, "pciPassthru%zu.present = \"TRUE\"\n", n)
        ?: command_merge(c->dir, &lines, ret);
}

/* Applying the profile again brings along what goes with its device. */
static int audio_by_profile(const struct check *c, const struct vmx_host_pci *audio,
                            struct buf *ret)
{
    const struct pairs nothing = {0};
    const char *name = vmx_profile_name(c->active.profile);
    struct vmx_dict *after = NULL;
    size_t n = 0;
    int r = check_after(c, name, &after)
        ?: device_find(after, &nothing, &audio->address, &n)
        ?: command_profile(c->dir, name, ret);
    vmx_dict_free(after);
    return r == -ENOMEM ? r : 0;
}

static int audio_command(const struct check *c, const struct check_device *d,
                         const struct vmx_host_pci *audio, struct buf *ret)
{
    const struct device_key key = device_key(d->n, "id");
    bool known = audio->vendor >= 0 && audio->device >= 0 && c->around->host->uuid[0];
    if (!c->report || audio->enabled != VMX_YES || audio->active == VMX_NO || !known)
        return 0;
    return check_is_of_profile(c, span_of(key.text)) ? audio_by_profile(c, audio, ret)
                                                     : audio_by_merge(c, audio, ret);
}

static int audio_left_behind(struct check *c, const struct check_device *d,
                             const struct vmx_host_pci *audio)
{
    BUF_AUTO address = {0};
    BUF_AUTO command = {0};
    return vmx_pci_add_address(&audio->address, &address)
        ?: audio_command(c, d, audio, &command)
        ?: check_add(c, VMX_WARN, "audio-function", &command,
                     "%s, the audio of pciPassthru%zu, is not passed along%s", address.data, d->n,
                     audio->enabled == VMX_NO ? ": enable its passthrough on the host first" : "");
}

static int audio_function(struct check *c, const struct check_device *d)
{
    static const char rule[] = "audio-function";
    const struct vmx_host_pci *audio = d->host ? vmx_host_audio(c->around->host, d->host) : NULL;
    struct vmx_pci address = d->address;
    address.function = 1;
    const struct check_device *passed = find_passed(c, audio ? &audio->address : &address);
    if (passed)
        return check_add(c, VMX_PASS, rule, NULL, "pciPassthru%zu is the audio of pciPassthru%zu",
                         passed->n, d->n);
    if (audio && audio->capable != VMX_NO)
        return audio_left_behind(c, d, audio);
    if (d->host)
        return check_add(c, VMX_PASS, rule, NULL,
                         "pciPassthru%zu has no audio function that could be passed along", d->n);
    return check_add(
        c, VMX_UNKNOWN, rule, NULL,
        "the host would tell whether pciPassthru%zu has an audio function to pass along", d->n);
}

int check_gpu_alone(struct check *check, const struct check_device *device)
{
    if (!check_is_gpu(device))
        return 0;
    return gpu_reset(check, device) ?: gpu_tested(check, device) ?: gpu_console(check, device);
}

int check_gpu(struct check *check, const struct check_device *device)
{
    int r = integrated_gpu(check, device);
    if (r < 0 || !check_is_gpu(device) || !device->has_address || device->kind != DEVICE_FIXED)
        return r;
    return check_gpu_alone(check, device) ?: audio_function(check, device);
}
