/* SPDX-License-Identifier: MIT */
/* What is done to the entries of a directory of the server. */
#pragma once

#include "vfs/node/handle.h"
#include "vfs/node/node.h"
#include "vfs/ops/request.h"

/* What a lookup has seen, for what is done to it next. */
static inline struct sftp_attrs dir_seen(const struct found *found)
{
    return (struct sftp_attrs){.mode = found->st.st_mode,
                               .size = (uint64_t)found->st.st_size,
                               .mtime = (uint32_t)found->st.st_mtim.tv_sec};
}

/* ---- dir_check.c: each notes what it refuses */

/* Nobody may make what vmxfs takes for its own. 0, -EPERM, -ENAMETOOLONG. */
int dir_check_new_name(struct request *rq, const struct node *dir, const char *path);

/* The server does not make folders everywhere. 0, -EOPNOTSUPP. */
int dir_check_new_folder(struct request *rq, const char *path);

/* What has its name by a link of the server's, as a datastore, keeps it. 0, -EPERM. */
int dir_check_fixed(struct request *rq, const struct found *found, const char *path);

/* What a link leads to is neither moved nor removed with it. 0, -EPERM. */
int dir_check_followed(struct request *rq, const struct found *found, const char *path);

/* ---- dir_change.c, dir_link.c, dir_rename.c: as in struct node_ops */

int dir_create(struct request *rq, struct node *dir, const char *name, mode_t mode, int flags,
               struct handle *h, struct found *ret);
int dir_mkdir(struct request *rq, struct node *dir, const char *name, mode_t mode,
              struct found *ret);
int dir_symlink(struct request *rq, struct node *dir, const char *name, const char *target,
                struct found *ret);
int dir_link(struct request *rq, struct node *n, struct node *dir, const char *name,
             struct found *ret);
int dir_unlink(struct request *rq, struct node *dir, const char *name);
int dir_rmdir(struct request *rq, struct node *dir, const char *name);
int dir_rename(struct request *rq, struct node *dir, const char *name, struct node *new_dir,
               const char *new_name, unsigned flags);
