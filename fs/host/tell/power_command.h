/* SPDX-License-Identifier: MIT */
/* What can be done with the power of a VM. */
#pragma once

#include "parser/vm/host.h"

enum host_power_command {
    HOST_POWER_ON,
    HOST_POWER_SHUTDOWN,
    HOST_POWER_OFF,
    HOST_POWER_RESET,
    HOST_POWER_SUSPEND,
};

struct power_command {
    const char *word;      /* vim-cmd's */
    const char *name;      /* of what is under way then, as the host's tasks are named */
    enum vmx_power wanted; /* UNKNOWN: it leads to no other state */
};

const struct power_command *power_command(enum host_power_command command);
