/* SPDX-License-Identifier: MIT */
/*
 * How a report is made:
 *
 *     check            the report, in its order
 *     check_report     its lines, and what rules ask
 *     command          commands for a shell (command.h)
 *     check_file       rules about any .vmx
 *     check_profile    what the active profile says about this one
 *     check_given      the devices that it is given
 *     check_guide      about a VM that has a device, or a profile: what no profile can say
 *     check_mmio       ... about 64-bit MMIO
 *     check_sharing    about how many devices there are, and who else has them
 *     check_variants   about devices that the host chooses, or shares
 *     check_device     about each device
 *     check_gpu        ... that is a graphics card
 *     check_advice     ... what people advise about these
 *     check_start      about what only a power-on shows
 *     check_host       about the host, and its view of the VM
 */
#pragma once

#include "check_given.h"
#include "parser/plan/plan_active.h"
#include "parser/vm/vm_start.h"

enum { CHECK_SHOWN_MAX = 20 }; /* of one kind: a hostile file must not become a hostile report */

/* The memory ranges of all graphics cards that the VM has. */
struct check_bars {
    bool known;                   /* a power-on with all of them here was logged */
    bool started;                 /* ... and succeeded */
    unsigned long long all, wide; /* bytes; of those that may lie above 4 GiB */
    bool high;                    /* one does */
};

struct check {
    const struct vmx_dict *dict;
    const struct vmx_around *around;
    const char *dir; /* NULL: the VM is encrypted, and nothing can be written there */
    const char *mount;
    struct buf *report; /* NULL: only counted */
    struct vmx_check result;
    struct plan_active active;
    struct check_device *devices; /* that the document says are present, in its order */
    size_t n_devices;
    struct check_bars bars;
    const struct vmx_pci *about;       /* the device that ret_card is of */
    struct vmx_card_check *ret_card;   /* NULL: not wanted */
    bool card_own;                     /* what it has is of the device, not of the VM */
    const struct check_device *judged; /* that a line is added for; NULL: for the VM */
    struct buf seen; /* what the profile has reported: other rules do not say it again */
};

/* Adds a line. command: NULL or empty where nothing mends it; a PASS and a NOTE show none.
 * 0, -ENOMEM. */
int check_add(struct check *check, enum vmx_severity severity, const char *rule,
              const struct buf *command, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

/* ---- rules: 0, -ENOMEM ---- */

int check_file(struct check *check);
int check_active(struct check *check);  /* whether a profile is active, and holds */
int check_profile(struct check *check); /* there is one: what it sets, requires and advises */
int check_mmio(struct check *check);
int check_guide(struct check *check);
int check_sharing(struct check *check);
int check_variants(struct check *check);
int check_advice(struct check *check);
int check_device(struct check *check);
int check_start(struct check *check);
int check_host(struct check *check);

/* ---- what rules ask ---- */

/* The value of a setting; "" when it is missing. */
int check_get(const struct check *check, const char *key, struct buf *ret);

/* Whether the setting is there and true. */
int check_is_true(const struct check *check, const char *key, bool *ret);

/* True when there is an active profile that can set the key. */
bool check_profile_sets(const struct check *check, const char *key);

/* True when the active profile is what sets this key, here and now. */
bool check_is_of_profile(const struct check *check, struct span key);

/* What writing the line to passthrough-profile would make of the document. 0; -EINVAL: it would be
 * refused; -ENOMEM. */
int check_after(const struct check *check, const char *line, struct vmx_dict **ret);

/* What a profile and another rule say is one line of the report: *ret is whether the rule was
 * reported with this already. 0, -ENOMEM. */
int check_seen(struct check *check, const char *rule, struct span what, bool *ret);

/* The active profile, with the line that is recorded. */
struct plan_on check_on(const struct check *check);

/* Finds the devices that the document says are present. 0, -ENOMEM. */
int check_given(struct check *check);

/* Finds what the last power-on showed of the devices. 0, -ENOMEM. */
int check_bars(struct check *check);

/* Whether the VM has one; whether the device is an integrated one of Intel's. */
bool check_has_gpu(const struct check *check);
bool check_is_integrated(const struct check_device *device);

/* Rules about a device that is a graphics card; about such a card, and any device of the host, that
 * no VM has. 0, -ENOMEM. */
int check_gpu(struct check *check, const struct check_device *device);
int check_gpu_alone(struct check *check, const struct check_device *device);
int check_card(struct check *check, const struct check_device *device);

/* GB on a card: what the profile was told, or what is known of it; 0: neither. */
long long check_framebuffer(const struct check *check, const struct check_device *device);

/* GB on all cards; 0 when there is no card. *ret_known: false when that of one is not known. */
long long check_framebuffers(const struct check *check, bool *ret_known);
