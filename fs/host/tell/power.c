/* SPDX-License-Identifier: MIT */
/* What the host is told to do: power. */
#include <errno.h>

#include "base/clock.h"
#include "host/facts/facts_cache.h"
#include "power_failures.h"
#include "reload.h"
#include "vim_cmd.h"

enum { LOOK_MS = 250 }; /* how often the power state is looked at while it changes */

int host_power(struct host *host, const char *path, const struct wait *wait, enum vmx_power *ret,
               struct diag *why)
{
    char id[24];
    return host_vm_state(host, path, wait, id, ret, why);
}

static const struct {
    const char *command;
    enum vmx_power wanted; /* UNKNOWN: none to wait for */
} commands[] = {
    [HOST_POWER_ON] = {"vmsvc/power.on", VMX_POWER_ON},
    [HOST_POWER_SHUTDOWN] = {"vmsvc/power.shutdown", VMX_POWER_OFF},
    [HOST_POWER_OFF] = {"vmsvc/power.off", VMX_POWER_OFF},
    [HOST_POWER_RESET] = {"vmsvc/power.reset", VMX_POWER_UNKNOWN},
};

static int await_state(struct host *host, const char *id, enum vmx_power wanted,
                       const struct wait *wait, struct diag *why)
{
    enum vmx_power power = VMX_POWER_UNKNOWN;
    int r = 0;
    while (r == 0 && power != wanted) {
        r = host_state_of(host, id, wait, &power, why);
        if (r == 0 && power != wanted)
            r = wait_sleep(wait, LOOK_MS);
    }
    if (r == -EIO && clock_ms() >= wait->deadline) /* while the state was asked for once more */
        r = -ETIMEDOUT;
    if (r == -ETIMEDOUT)
        diag_set(why, "the VM is still %s: its state did not change in time",
                 power == VMX_POWER_ON    ? "powered on"
                 : power == VMX_POWER_OFF ? "powered off"
                                          : "suspended");
    return r;
}

static int set_power(struct host *host, const char *path, enum host_power_command command,
                     const struct wait *wait, struct diag *why)
{
    enum vmx_power wanted = commands[command].wanted;
    enum vmx_power power = VMX_POWER_UNKNOWN;
    char id[24];
    int r = host_vm_state(host, path, wait, id, &power, why);
    if (r < 0 || (wanted != VMX_POWER_UNKNOWN && power == wanted))
        return r;
    const char *const words[] = {"vim-cmd", commands[command].command, id, NULL};
    BUF_AUTO said = {0};
    r = host_command(host, words, wait, &said, why);
    if (command == HOST_POWER_ON && (r == 0 || r == -EREMOTEIO))
        power_failure_note(host, path, buf_span(&said));
    return r == 0 && wanted != VMX_POWER_UNKNOWN ? await_state(host, id, wanted, wait, why) : r;
}

int host_power_set(struct host *host, const char *path, enum host_power_command command,
                   const struct wait *wait, struct diag *why)
{
    int r = host_begin(host, wait);
    if (r < 0)
        return r;
    r = reload_due_of(host, path, wait, why) ?: set_power(host, path, command, wait, why);
    host_outdate(host, false);
    host_done(host);
    return r;
}
