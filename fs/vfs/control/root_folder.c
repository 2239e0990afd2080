/* SPDX-License-Identifier: MIT */
/* .vmxfs in the root: what it shows of the mount, the server's tree once more, and of the host. */
#include <errno.h>
#include <string.h>

#include "vfs/host/host_view.h"
#include "vfs/node/attr.h"
#include "vfs/node/dir_names.h"

static int find_plain(struct request *rq, struct node *dir, const char *name, struct found *ret)
{
    (void)dir;
    if (strcmp(name, PLAIN_NAME) != 0)
        return -ENOENT;
    ret->ops = &plain_dir_ops;
    attr_dir(rq->vfs, &ret->st, (uint32_t)rq->vfs->started.tv_sec);
    return 0;
}

static int list_plain(struct request *rq, struct node *dir, struct dir_names *ret)
{
    (void)rq;
    (void)dir;
    return dir_names_add(ret, PLAIN_NAME, S_IFDIR);
}

static const struct folder profiles_folder = {.name = "profiles",
                                              .each_profile = &profile_text_control};

const struct folder root_folder = {
    .name = CONTROL_NAME,
    .controls = (const struct control *const[]){&status_control, &errors_control,
                                                &root_check_control, &root_vms_control, NULL},
    .folders = (const struct folder *const[]){&profiles_folder, &host_folder, NULL},
    .find = find_plain,
    .list = list_plain,
};
