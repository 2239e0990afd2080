/* SPDX-License-Identifier: MIT */
/* Whose the files are: the numbers of users and groups that are shown, and those that are sent. */
#pragma once

#include <sys/stat.h>

#include "base/id_map.h"
#include "remote/root.h"
#include "sftp/sftp.h"

enum idmap {
    IDMAP_MOUNTER, /* all belongs to who mounts */
    IDMAP_NONE,    /* the server's numbers */
    IDMAP_USER,    /* the same, but who is logged in there is who mounts */
    IDMAP_FILE,    /* as two files say */
};

struct owners {
    enum idmap idmap;
    uid_t uid; /* of who mounts, or as the next two say */
    gid_t gid;
    bool all_uid, all_gid;                 /* everything shows that one */
    const struct remote_user *server_user; /* NULL: who mounts */
    const struct id_map *uids, *gids;      /* IDMAP_FILE; NULL: the server's numbers */
    bool strict; /* what such a file does not name is refused, and not shown as it is */
};

/* Fills in the owners of what has attrs on the server. 0; -EPERM: strict. */
int owners_show(const struct owners *owners, const struct sftp_attrs *attrs, struct stat *ret);

/* Whether a chown to st names who mounts; valid (FUSE_SET_ATTR_*) says which half is meant. */
bool owners_are_mounters(const struct owners *owners, const struct stat *st, int valid);

/* Fills in what such a chown sends; now: what it has on the server. Not of IDMAP_MOUNTER, which
 * sends nothing. 0; -EPERM: strict. */
int owners_send(const struct owners *owners, const struct stat *st, int valid,
                const struct sftp_attrs *now, struct sftp_attrs *ret);
