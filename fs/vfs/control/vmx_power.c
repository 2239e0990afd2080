/* SPDX-License-Identifier: MIT */
/* NAME.vmx/.vmxfs/power and reload: what the host does with the VM. */
#include <errno.h>

#include "base/cleanup.h"
#include "remote/in_use/used_files.h"
#include "vfs/host/host_view.h"
#include "vfs/node/node_path.h"

/* ---- power */

static const struct {
    const char *word;
    enum host_power_command command;
} commands[] = {
    {"on", HOST_POWER_ON},
    {"shutdown", HOST_POWER_SHUTDOWN},
    {"off", HOST_POWER_OFF},
    {"reset", HOST_POWER_RESET},
};

static const char *power_word(enum vmx_power power)
{
    static const char *const words[] = {[VMX_POWER_UNKNOWN] = "unknown",
                                        [VMX_POWER_OFF] = "off",
                                        [VMX_POWER_ON] = "on",
                                        [VMX_POWER_SUSPENDED] = "suspended"};
    return words[power];
}

int power_show(struct request *rq, struct node *n, struct buf *ret)
{
    struct diag why = {0};
    enum vmx_power power = VMX_POWER_UNKNOWN;
    FREE_AUTO char *path = vmx_path_above(rq, n);
    int r = path ? host_power(rq->vfs->host, path, &rq->wait, &power, &why) : -ENOMEM;
    if (r < 0)
        return refuse_host(rq, path, "power", r, &why);
    return buf_addf(ret, "%s\n", power_word(power));
}

static int power_command(struct request *rq, const char *path, struct span line, struct diag *why)
{
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        if (!span_eq(line, span_of(commands[i].word)))
            continue;
        int r = host_power_set(rq->vfs->host, path, commands[i].command, &rq->wait, why);
        remote_use_changed(rq->vfs->remote); /* whatever came of it */
        return r;
    }
    diag_set(why, "write on, shutdown, off or reset");
    return -EINVAL;
}

int power_store(struct request *rq, struct node *n, struct span line)
{
    struct diag why = {0};
    FREE_AUTO char *path = vmx_path_above(rq, n);
    int r = path ? power_command(rq, path, line, &why) : -ENOMEM;
    return refuse_host(rq, path, "power", r, &why);
}

/* ---- reload */

/* Whatever is written, it is reloaded. */
int reload_store(struct request *rq, struct node *n, struct span line)
{
    (void)line;
    struct diag why = {0};
    FREE_AUTO char *path = vmx_path_above(rq, n);
    int r = path ? host_reload(rq->vfs->host, path, &rq->wait, &why) : -ENOMEM;
    return refuse_host(rq, path, "reload", r, &why);
}
