/* SPDX-License-Identifier: MIT */
/* All mounts of this machine on one screen, read through their own control files. */
#pragma once

/* "vmxfs status [-w] [MOUNTPOINT]...", from behind "status" on: prints the table, with -w again and
 * again. Returns the exit code. */
int fleet_status(int argc, char **argv);

/* "vmxfs map [MOUNTPOINT]...": prints the lab as a graph for Graphviz. Returns the exit code. */
int fleet_map(int argc, char **argv);
