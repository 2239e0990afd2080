/* SPDX-License-Identifier: MIT */
#include "check.h"

#include <stdlib.h>

#include "check_private.h"

static int sum_up(struct check *check)
{
    if (!check->report)
        return 0;
    return buf_add_str(check->report, "# ")
        ?: vmx_check_add_counts(&check->result, check->report)
        ?: buf_add_char(check->report, '\n');
}

/* Any VM is judged by its file, and by each device that it has. What a profile would set is judged
 * where it is active, for nobody else has asked for it. */
static int judge(struct check *check)
{
    const bool profile = check->active.profile != NULL;
    const bool devices = check->n_devices > 0;
    int r = check_file(check) ?: check_active(check);
    if (r == 0 && profile)
        r = check_profile(check);
    if (r == 0 && (profile || devices))
        r = check_mmio(check) ?: check_guide(check);
    return r
        ?: check_host(check)
        ?: check_start(check)
        ?: check_sharing(check)
        ?: check_variants(check)
        ?: check_device(check)
        ?: check_advice(check);
}

static int run(struct check *check)
{
    return plan_active_read(check->dict, check->around, &check->active)
        ?: check_given(check)
        ?: check_bars(check)
        ?: judge(check);
}

static void check_done(struct check *check)
{
    plan_active_done(&check->active);
    free(check->devices);
    buf_done(&check->seen);
}

int vmx_check_run(const struct vmx_dict *dict, const struct vmx_around *around, const char *dir,
                  const char *mount, struct buf *report, struct vmx_check *ret)
{
    struct check check = {.dict = dict,
                          .around = around,
                          .dir = vmx_dict_encrypted(dict) ? NULL : dir,
                          .mount = mount,
                          .report = report};
    size_t start = report ? report->len : 0;
    int r = run(&check) ?: sum_up(&check);
    if (r == 0)
        *ret = check.result;
    else if (report && report->data)
        report->data[report->len = start] = '\0';
    check_done(&check);
    return r;
}

int vmx_check_of_card(const struct vmx_dict *dict, const struct vmx_around *around,
                      const struct vmx_pci *address, struct vmx_card_check *ret)
{
    struct vmx_card_check card = {0};
    struct check check = {.dict = dict,
                          .around = around,
                          .dir = ".",
                          .mount = ".",
                          .about = address,
                          .ret_card = &card};
    int r = run(&check);
    for (size_t i = 0; i < check.n_devices; i++) {
        const struct check_device *d = &check.devices[i];
        if (d->has_address && vmx_pci_eq(&d->address, address) && check_is_gpu(d))
            card.memory_gb = check_framebuffer(&check, d);
    }
    check_done(&check);
    if (r == 0)
        *ret = card;
    return r;
}

int vmx_check_card(const struct vmx_around *around, const struct vmx_host_pci *pci,
                   struct vmx_card_check *ret)
{
    struct vmx_card_check card = {.memory_gb = check_card_memory(pci->vendor, pci->device)};
    struct check check = {.around = around, .about = &pci->address, .ret_card = &card};
    const struct check_device device = {
        .has_address = true,
        .address = pci->address,
        .vendor = pci->vendor,
        .device = pci->device,
        .class = pci->class,
        .host = pci,
    };
    check.judged = &device;
    card.unfit = pci->capable == VMX_NO || check_is_integrated(&device);
    int r = card.unfit ? 0 : check_card(&check, &device);
    if (r == 0)
        *ret = card;
    return r;
}

int vmx_check_needs_log(const struct vmx_dict *dict, const struct vmx_around *around, bool *ret)
{
    struct check check = {.dict = dict, .around = around};
    int r = check_given(&check);
    *ret = r == 0 && check_has_gpu(&check);
    free(check.devices);
    return r;
}
