/* SPDX-License-Identifier: MIT */
/* Names in the server's directories that nobody may make, move or remove. */
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/path.h"
#include "dir.h"
#include "remote/names/aliases.h"
#include "remote/names/paths.h"
#include "remote/names/shown_names.h"
#include "vfs/control/control.h"
#include "vfs/refuse.h"

int dir_check_new_name(struct request *rq, const struct node *dir, const char *path)
{
    struct diag diag = {0};
    const char *name = path_name(path);
    if (strlen(name) > NAME_MAX)
        return refuse(rq, path, NULL, -ENAMETOOLONG, NULL);
    if (!remote_is_hidden_name(name) && !folder_is_in(dir, name))
        return 0;
    diag_set(&diag, "the name is one that vmxfs gives to files of its own");
    return refuse(rq, path, NULL, -EPERM, &diag);
}

/* A vSAN datastore's folders are objects, which the host makes by a command of its own. */
int dir_check_new_folder(struct request *rq, const char *path)
{
    struct diag diag = {0};
    FREE_AUTO char *dir = path_dir(path);
    FREE_AUTO char *full = remote_path(rq->vfs->remote, path);
    if (!dir || !full)
        return -ENOMEM;
    if (!aliases_is_vsan(path_name(dir[0] ? dir : remote_root(rq->vfs->remote))))
        return 0;
    BUF_AUTO quoted = {0};
    int r = buf_add_quoted(&quoted, span_of(full));
    if (r < 0)
        return r;
    static const char how[] =
        "the host makes the folders of a vSAN datastore: /usr/lib/vmware/osfs/bin/osfs-mkdir ";
    const bool fits = sizeof(how) + quoted.len <= sizeof(diag.text);
    diag_set(&diag, "%s%s", how, fits ? quoted.data : "PATH");
    return refuse(rq, path, NULL, -EOPNOTSUPP, &diag);
}

/* A name of a datastore, or of its directory, is not that of a file. */
static bool is_fixed(struct request *rq, const struct found *found, const char *path)
{
    return found->name[0] ||
           (found_kind(found) == KIND_DIR && remote_is_shown_otherwise(rq->vfs->remote, path));
}

int dir_check_fixed(struct request *rq, const struct found *found, const char *path)
{
    struct diag diag = {0};
    if (!is_fixed(rq, found, path))
        return 0;
    diag_set(&diag,
             "a link of the server names this directory, as a datastore's name does its UUID; "
             "rename the datastore on the host: vim-cmd hostsvc/datastore/rename OLD NEW");
    return refuse(rq, path, NULL, -EPERM, &diag);
}

int dir_check_followed(struct request *rq, const struct found *found, const char *path)
{
    struct diag diag = {0};
    if (!found->followed)
        return 0;
    diag_set(&diag,
             "this is a link on the server, shown as what it leads to; to rename it, or to remove "
             "one to a directory, mount without -o follow_symlinks");
    return refuse(rq, path, NULL, -EPERM, &diag);
}
