/* SPDX-License-Identifier: MIT */
/* Files with devices of the host of hosts.h, and what check says of them. */
#pragma once

#include "reports.h"

#define DEVICE(n, id, vendor, device)                                                              \
    "pciPassthru" n ".present = \"TRUE\"\npciPassthru" n ".id = \"" id "\"\npciPassthru" n         \
    ".vendorId = \"" vendor "\"\npciPassthru" n ".deviceId = \"" device "\"\n"
#define SYSTEM(n, uuid) "pciPassthru" n ".systemId = \"" uuid "\"\n"
#define GPU DEVICE("0", "00000:003:00.0", "0x10de", "0x1cb2") SYSTEM("0", UUID)
#define GPU_AUDIO DEVICE("1", "00000:003:00.1", "0x10de", "0x0fb9") SYSTEM("1", UUID)
#define ARC DEVICE("0", "00000:134:00.0", "0x8086", "0x5690") SYSTEM("0", UUID)
#define ARC_AUDIO DEVICE("1", "00000:135:00.0", "0x8086", "0x4f90") SYSTEM("1", UUID)
#define RADEON DEVICE("0", "00000:013:00.0", "0x1002", "0x73bf") SYSTEM("0", UUID)
#define IGPU DEVICE("0", "00000:000:02.0", "0x8086", "0x4c8a") SYSTEM("0", UUID)

struct sample {
    void (*change)(struct machine *m);
    struct span text;
    const char *severity, *rule, *found, *command;
};

static inline void judged(const struct sample *samples, size_t n)
{
    PROFILES_AUTO profiles = {0};

    add_shipped(&profiles);
    for (size_t i = 0; i < n; i++) {
        struct machine m;
        machine_init(&m, &profiles);
        if (samples[i].change)
            samples[i].change(&m);
        reports_around(samples[i].text, &m.around, samples[i].severity, samples[i].rule,
                       samples[i].found, samples[i].command);
    }
}

#define JUDGED(samples) judged(samples, sizeof(samples) / sizeof((samples)[0]))
