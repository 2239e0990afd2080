/* SPDX-License-Identifier: MIT */
/*
 * Who owns a lock or a temporary file: the process, named so that another process can tell whether
 * it is gone. A name is 14 characters: 8 hex digits for the boot of one machine (and its process
 * namespace), 6 for the process id.
 */
#pragma once

#include <stddef.h>

enum { OWNER_NAME_LEN = 14 };

enum owner_state {
    OWNER_SELF,    /* this process */
    OWNER_DEAD,    /* a process of this machine that is gone */
    OWNER_UNKNOWN, /* alive, or on another machine: only time tells */
};

/* Writes this process's name and a NUL; size > OWNER_NAME_LEN. */
void owner_name(char *ret, size_t size);

/* name: at least OWNER_NAME_LEN characters; self: this process's. */
enum owner_state owner_state(const char *self, const char *name);

/* Writes what a person needs to find the owner: "host HOST, process PID, boot ID", and a NUL. */
void owner_describe(char *ret, size_t size);
