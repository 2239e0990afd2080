/* SPDX-License-Identifier: MIT */
/*
 * What mount(8) asks of a program that mounts: it calls mount.vmxfs or mount.fuse.vmxfs, with its
 * own letters (-f is "fake" there, and not "foreground"), and wants its own exit codes. Options
 * that have "remount" among them change a mount that is there, whoever calls.
 */
#pragma once

#include <stdbool.h>

#include "transport/child/argv.h"

/* The exit codes of mount(8). */
enum { MOUNT_WRONG = 1, MOUNT_SYSTEM = 2, MOUNT_FAILED = 32 };

struct mount_call {
    bool helper;          /* called by the name of a helper */
    bool fake;            /* do all but mount */
    bool remount;         /* change the mount that is at target */
    struct words argv;    /* the command line, without mount(8)'s letters */
    struct words options; /* of all -o, one by one, in their order */
    const char *target;   /* the second argument that is no option; NULL: there is none. Borrowed
                              from argv */
};

/* 0, -ENOMEM. The caller ends it with mount_call_done. */
int mount_call_read(int argc, char **argv, struct mount_call *ret);
void mount_call_done(struct mount_call *call);
