/* SPDX-License-Identifier: MIT */
#include "inuse.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"

static void found(struct inuse *inuse, const char *what, const char *name)
{
    if (!inuse->found[0])
        snprintf(inuse->found, sizeof(inuse->found), "the VM is %s (%s)", what, name);
}

int inuse_ask(struct inuse *inuse, struct remote *remote, const char *folder, const char *name,
              const struct vmx_dict *dict)
{
    *inuse = (struct inuse){.remote = remote};
    if (asprintf(&inuse->lck_path, "%s%s.lck", folder, name) < 0) {
        inuse->lck_path = NULL;
        return -ENOMEM;
    }
    inuse->lck_stat = sftp_lstat(remote->sftp, inuse->lck_path);
    if (!dict)
        return 0;
    BUF_AUTO state = {0};
    BUF_AUTO swap = {0};
    int r = vmx_dict_get(dict, SPAN_LITERAL("checkpoint.vmState"), &state);
    if (r == 0 && state.len > 0)
        found(inuse, "suspended", "checkpoint.vmState");
    if (r == 0 || r == -ENOENT)
        r = vmx_dict_get(dict, SPAN_LITERAL("sched.swap.derivedName"), &swap);
    if (r < 0 || swap.len == 0)
        return r == -ENOENT ? 0 : r;
    /* The setting may name the folder by a path of another host: the swap file stands beside. */
    FREE_AUTO char *path = NULL;
    if (asprintf(&path, "%s%s", folder, path_name(swap.data)) < 0) {
        path = NULL;
        return -ENOMEM;
    }
    inuse->swap_stat = sftp_lstat(remote->sftp, path);
    return 0;
}

/* Whether a folder has an entry. 0, 1, -errno. */
static int has_entries(struct inuse *inuse, const struct wait *wait)
{
    struct sftp *sftp = inuse->remote->sftp;
    SFTP_CALL_AUTO *open = sftp_opendir(sftp, inuse->lck_path);
    int r = sftp_wait(open, wait);
    if (r < 0)
        return r == -ENOENT ? 0 : r;
    size_t n = 0;
    while (r == 0 && n == 0) {
        SFTP_CALL_AUTO *call = sftp_readdir(sftp, sftp_call_handle(open));
        r = sftp_wait(call, wait);
        if (r == 0)
            sftp_call_names(call, &n);
    }
    sftp_forget(sftp_close(sftp, sftp_call_handle(open)));
    return n > 0 ? 1 : r == -ENODATA ? 0 : r;
}

int inuse_answer(struct inuse *inuse, const struct wait *wait)
{
    const char *name = path_name(inuse->lck_path);
    int r = sftp_wait(inuse->lck_stat, wait);
    if (r == 0) {
        int used = 1;
        if (S_ISDIR(sftp_call_attrs(inuse->lck_stat)->mode))
            used = has_entries(inuse, wait);
        if (used < 0)
            return used;
        if (used)
            found(inuse, "in use", name);
    } else if (r != -ENOENT) {
        return r;
    }
    if (inuse->swap_stat) {
        r = sftp_wait(inuse->swap_stat, wait);
        if (r == 0)
            found(inuse, "in use", "its swap file is there");
        else if (r != -ENOENT)
            return r;
    }
    return 0;
}

void inuse_look_at_name(struct inuse *inuse, const char *name)
{
    static const char prefix[] = ".lck-";
    size_t len = strlen(prefix);
    if (strncmp(name, prefix, len) != 0)
        return;
    const char *hex = name + len;
    if (*hex && strspn(hex, "0123456789abcdefABCDEF") == strlen(hex))
        found(inuse, "in use", name);
}

void inuse_done(struct inuse *inuse)
{
    sftp_call_free(&inuse->lck_stat);
    sftp_call_free(&inuse->swap_stat);
    cleanup_free(&inuse->lck_path);
    inuse->lck_path = NULL;
}
