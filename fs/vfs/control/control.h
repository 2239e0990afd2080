/* SPDX-License-Identifier: MIT */
/*
 * Control files: their content is made when they are opened, and what is written to them is a
 * command. A line-wise one carries out each line before the write is answered; the others act on
 * the whole text at flush.
 */
#pragma once

#include "vfs/node/handle.h"
#include "vfs/node/node.h"
#include "vfs/ops/request.h"

struct control {
    const char *name;
    mode_t mode;
    bool by_line;
    bool listed; /* among the settings: stat gives its true size, and their time */
    /* Appends the content. NULL: cannot be read. */
    int (*show)(struct request *rq, struct node *n, struct buf *ret);
    /* Carries out a line without its newline, or the whole text. NULL: cannot be written. */
    int (*store)(struct request *rq, struct node *n, struct span text);
};

/* A directory of control files and others like it. */
struct folder {
    const char *name;
    const struct node_ops *ops;            /* NULL: folder_ops */
    const struct control *const *controls; /* NULL-terminated; may be NULL */
    const struct folder *const *folders;   /* NULL-terminated; may be NULL */
    const struct control *each_profile;    /* one file for each profile; may be NULL */
    bool of_host;                          /* it is there only where there is a host */
    /* Entries that are in none of these; may be NULL. -ENOENT: there is no such. */
    int (*find)(struct request *rq, struct node *dir, const char *name, struct found *ret);
    int (*list)(struct request *rq, struct node *dir, struct dir_names *ret);
};

extern const struct control profile_control;
extern const struct folder vmx_folder;  /* NAME.vmx/.vmxfs */
extern const struct folder root_folder; /* .vmxfs */
extern const struct control plan_control, merge_control, vmx_check_control, power_control,
    reload_control, registered_control;
extern const struct control status_control, errors_control, root_check_control, root_vms_control,
    profile_text_control;

int control_lookup(struct request *rq, struct node *dir, const struct control *control,
                   struct found *ret);

/* What a lookup of the folder itself finds. 0. */
int folder_found(struct request *rq, const struct folder *folder, struct found *ret);

/* Whether a directory of the server shows its folder of vmxfs's (detail) under this name. */
bool folder_is_in(const struct node *dir, const char *name);

/* The operations of folder_ops, for kinds that add to them. */
int folder_getattr(struct request *rq, struct node *n, struct stat *st, int64_t *ret_true_at);
int folder_lookup(struct request *rq, struct node *dir, const char *name, struct found *ret);
int folder_list(struct request *rq, struct node *dir, struct dir_names *ret);

/* Carries out a line of passthrough-profile for a directory of settings. */
int profile_write(struct request *rq, struct node *vmx_dir, struct span line);
