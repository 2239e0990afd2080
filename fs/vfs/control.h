/* SPDX-License-Identifier: MIT */
/*
 * Control files: their content is made when they are opened, and what is written to them is a
 * command. A line-wise one carries out each line before the write is answered; the others act on
 * the whole text at flush.
 */
#pragma once

#include "internal.h"

struct control {
    const char *name;
    mode_t mode;
    bool by_line;
    bool listed; /* among the settings: stat gives its true size, and their time */
    /* Appends the content. NULL: cannot be read. */
    int (*show)(struct call *c, struct node *n, struct buf *ret);
    /* Carries out a line without its newline, or the whole text. NULL: cannot be written. */
    int (*store)(struct call *c, struct node *n, struct span text);
};

/* A directory of control files and others like it. */
struct folder {
    const char *name;
    const struct control *const *controls; /* NULL-terminated; may be NULL */
    const struct folder *const *folders;   /* NULL-terminated; may be NULL */
    const struct control *each_profile;    /* one file for each profile; may be NULL */
    bool has_raw;                          /* ... and the file "raw" */
    bool has_plain;                        /* ... and the tree "plain" */
    bool of_host;                          /* it is there only where there is a host */
    /* Entries that are in none of these; may be NULL. -ENOENT: there is no such. */
    int (*find)(struct call *c, struct node *dir, const char *name, struct found *ret);
    int (*list)(struct call *c, struct node *dir, struct dir_names *ret);
};

extern const struct control profile_control;
extern const struct folder vmx_folder;  /* NAME.vmx/.vmxfs */
extern const struct folder root_folder; /* .vmxfs */
extern const struct control plan_control, merge_control, vmx_check_control, power_control,
    reload_control, registered_control;
extern const struct control status_control, errors_control, root_check_control, root_vms_control,
    profile_text_control;

int control_lookup(struct call *c, struct node *dir, const struct control *control,
                   struct found *ret);
int folder_lookup(struct call *c, struct node *dir, const struct folder *folder, struct found *ret);

/* The directory of settings that a node is in (or is). */
struct node *vmx_above(struct vfs *vfs, struct node *n);

/* Its path, the caller's to free. NULL: there is none, or no memory. */
char *vmx_path_above(struct call *c, struct node *n);

/* Carries out a line of passthrough-profile for a directory of settings. */
int profile_write(struct call *c, struct node *vmx_dir, struct span line);
