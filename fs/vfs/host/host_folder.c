/* SPDX-License-Identifier: MIT */
/* .vmxfs/host: what the host says of itself, its devices and its VMs. */
#include "host_view.h"

static int version_show(struct request *rq, struct node *n, struct buf *ret)
{
    (void)n;
    FACTS_AUTO *facts = NULL;
    return host_said(rq, HARDWARE_MAX_AGE_MS, &facts) ?: host_add_line(ret, facts->version_line);
}

static int cpu_show(struct request *rq, struct node *n, struct buf *ret)
{
    (void)n;
    FACTS_AUTO *facts = NULL;
    int r = host_said(rq, HARDWARE_MAX_AGE_MS, &facts);
    if (r < 0)
        return r;
    BUF_AUTO line = {0};
    r = buf_addf(&line, "%s, HV Support: ", facts->cpu_brand ? facts->cpu_brand : "unknown");
    if (r == 0)
        r = facts->hv_support < 0 ? buf_add_str(&line, "unknown")
                                  : buf_addf(&line, "%d", facts->hv_support);
    return r ?: host_add_line(ret, line.data);
}

static int uuid_show(struct request *rq, struct node *n, struct buf *ret)
{
    (void)n;
    FACTS_AUTO *facts = NULL;
    return host_said(rq, HARDWARE_MAX_AGE_MS, &facts) ?: host_add_line(ret, facts->host.uuid);
}

static const struct control controls[] = {
    {.name = "version", .show = version_show},
    {.name = "cpu", .show = cpu_show},
    {.name = "uuid", .show = uuid_show},
    {0},
};

const struct folder host_folder = {
    .name = "host",
    .of_host = true,
    .controls = controls,
    .folders = (const struct folder *const[]){&host_pci_folder, &host_vms_folder, NULL},
};
