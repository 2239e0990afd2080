/* SPDX-License-Identifier: MIT */
#include "power_command.h"

const struct power_command *power_command(enum host_power_command command)
{
    static const struct power_command commands[] = {
        [HOST_POWER_ON] = {"vmsvc/power.on", "power-on", VMX_POWER_ON},
        [HOST_POWER_SHUTDOWN] = {"vmsvc/power.shutdown", "shutdown", VMX_POWER_OFF},
        [HOST_POWER_OFF] = {"vmsvc/power.off", "power-off", VMX_POWER_OFF},
        [HOST_POWER_RESET] = {"vmsvc/power.reset", "reset", VMX_POWER_UNKNOWN},
        [HOST_POWER_SUSPEND] = {"vmsvc/power.suspend", "suspend", VMX_POWER_SUSPENDED},
    };
    return &commands[command];
}
