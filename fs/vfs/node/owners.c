/* SPDX-License-Identifier: MIT */
#include "owners.h"

#include <errno.h>

#include "vfs/fuse_library.h"

struct half { /* users, or groups */
    const struct id_map *map;
    uint32_t server, mounter;
};

static struct half users(const struct owners *o)
{
    return (struct half){o->uids, o->server_user ? o->server_user->uid : o->uid, o->uid};
}

static struct half groups(const struct owners *o)
{
    return (struct half){o->gids, o->server_user ? o->server_user->gid : o->gid, o->gid};
}

/* The number of what is shown from the server's, or the other way. False: a file must name it, and
 * does not. */
static bool turn(const struct owners *o, const struct half *half, bool to_here, uint32_t *id)
{
    if (o->idmap == IDMAP_USER && *id == (to_here ? half->server : half->mounter))
        *id = to_here ? half->mounter : half->server;
    if (o->idmap != IDMAP_FILE || !half->map)
        return true;
    return (to_here ? id_map_to_here(half->map, id) : id_map_to_server(half->map, id)) ||
           !o->strict;
}

int owners_show(const struct owners *o, const struct sftp_attrs *attrs, struct stat *ret)
{
    const bool told = o->idmap != IDMAP_MOUNTER && attrs->flags & SFTP_ATTR_OWNER;
    const struct half both[] = {users(o), groups(o)};
    uint32_t uid = told && !o->all_uid ? attrs->uid : o->uid;
    uint32_t gid = told && !o->all_gid ? attrs->gid : o->gid;
    if ((told && !o->all_uid && !turn(o, &both[0], true, &uid)) ||
        (told && !o->all_gid && !turn(o, &both[1], true, &gid)))
        return -EPERM;
    ret->st_uid = uid;
    ret->st_gid = gid;
    return 0;
}

int owners_send(const struct owners *o, const struct stat *st, int valid,
                const struct sftp_attrs *now, struct sftp_attrs *ret)
{
    const struct half both[] = {users(o), groups(o)};
    uint32_t uid = valid & FUSE_SET_ATTR_UID ? st->st_uid : now->uid;
    uint32_t gid = valid & FUSE_SET_ATTR_GID ? st->st_gid : now->gid;
    if (!(valid & (FUSE_SET_ATTR_UID | FUSE_SET_ATTR_GID)))
        return 0;
    if ((valid & FUSE_SET_ATTR_UID && !turn(o, &both[0], false, &uid)) ||
        (valid & FUSE_SET_ATTR_GID && !turn(o, &both[1], false, &gid)))
        return -EPERM;
    ret->flags |= SFTP_ATTR_OWNER;
    ret->uid = uid;
    ret->gid = gid;
    return 0;
}

bool owners_are_mounters(const struct owners *o, const struct stat *st, int valid)
{
    return (!(valid & FUSE_SET_ATTR_UID) || st->st_uid == o->uid) &&
           (!(valid & FUSE_SET_ATTR_GID) || st->st_gid == o->gid);
}
