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
    const char *name; /* NULL: the end of a table */
    bool by_line;
    bool of_host;    /* it is there only where there is a host */
    bool of_history; /* ... where a history is kept */
    bool listed;     /* among the settings: stat gives its true size, and their time */
    bool local;      /* it needs no connection to the server */
    bool grows; /* at its end: stat gives its true size, and who has read all finds what was added
                    since, so that "tail -f" follows it */
    /* Appends the content. NULL: cannot be read. */
    int (*show)(struct request *rq, struct node *n, struct buf *ret);
    /* Carries out a line without its newline, or the whole text. NULL: cannot be written. */
    int (*store)(struct request *rq, struct node *n, struct span text);
};

/* A directory of control files and others like it. */
struct folder {
    const char *name;
    const struct node_ops *ops;          /* NULL: folder_ops */
    const struct control *controls;      /* a table; may be NULL */
    const struct folder *const *folders; /* NULL-terminated; may be NULL */
    const struct control *each_profile;  /* one file for each profile; may be NULL */
    bool of_host;                        /* it is there only where there is a host */
    bool of_history;                     /* ... where a history is kept */
    /* Entries that are in none of these; may be NULL. -ENOENT: there is no such. */
    int (*find)(struct request *rq, struct node *dir, const char *name, struct found *ret);
    int (*list)(struct request *rq, struct node *dir, struct dir_names *ret);
};

extern const struct control profile_control;
extern const struct control plan_control;
extern const struct folder vmx_folder;  /* NAME.vmx/.vmxfs */
extern const struct folder root_folder; /* .vmxfs */

/* What is in these folders, as in struct control. */
int merge_store(struct request *rq, struct node *n, struct span text);
int plan_find(struct request *rq, struct node *dir, const char *name, struct found *ret);
int vmx_check_show(struct request *rq, struct node *n, struct buf *ret);
int power_show(struct request *rq, struct node *n, struct buf *ret);
int power_store(struct request *rq, struct node *n, struct span line);
int task_show(struct request *rq, struct node *n, struct buf *ret);
int question_show(struct request *rq, struct node *n, struct buf *ret);
int question_store(struct request *rq, struct node *n, struct span line);
int guest_show(struct request *rq, struct node *n, struct buf *ret);
int reload_store(struct request *rq, struct node *n, struct span line);
int why_show(struct request *rq, struct node *n, struct buf *ret);
int registered_show(struct request *rq, struct node *n, struct buf *ret);
int registered_store(struct request *rq, struct node *n, struct span line);
int unregister_store(struct request *rq, struct node *n, struct span line);
int status_show(struct request *rq, struct node *n, struct buf *ret);
int errors_show(struct request *rq, struct node *n, struct buf *ret);
int transfers_show(struct request *rq, struct node *n, struct buf *ret);
int vmx_errors_show(struct request *rq, struct node *n, struct buf *ret);
int root_check_show(struct request *rq, struct node *n, struct buf *ret);
int root_datastores_show(struct request *rq, struct node *n, struct buf *ret);
int root_gpus_show(struct request *rq, struct node *n, struct buf *ret);
int root_vms_show(struct request *rq, struct node *n, struct buf *ret);
int profile_text_show(struct request *rq, struct node *n, struct buf *ret);

/* What a lookup of a control finds, or a look at it. n: its node, or the folder that it is in. 0,
 * -errno of showing it. */
int control_found(struct request *rq, struct node *n, const struct control *control,
                  struct found *ret);

/* What a lookup of the folder itself finds. 0. */
int folder_found(struct request *rq, const struct folder *folder, struct found *ret);

/* Whether a directory of the server, the root, shows its folder of vmxfs's under this name. */
bool folder_is_in(const struct node *dir, const char *name);

/* The operations of folder_ops, for kinds that add to them. */
int folder_getattr(struct request *rq, struct node *n, struct found *ret);
int folder_lookup(struct request *rq, struct node *dir, const char *name, struct found *ret);
int folder_list(struct request *rq, struct node *dir, struct dir_names *ret);

/* Carries out a line of passthrough-profile for a directory of settings. */
int profile_write(struct request *rq, struct node *vmx_dir, struct span line);
