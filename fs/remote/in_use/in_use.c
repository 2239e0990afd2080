/* SPDX-License-Identifier: MIT */
#include "in_use.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "remote/names/paths.h"
#include "sftp/requests.h"
#include "sftp/results.h"

static void found(struct inuse *inuse, const char *what, const char *name)
{
    if (!inuse->found[0])
        snprintf(inuse->found, sizeof(inuse->found), "the VM is %s (%s)", what, name);
}

#define SWAP "sched.swap.derivedName"
#define IMAGE "checkpoint.vmState"

/* ---- files that settings name */

static void forget_file(struct inuse_file *file)
{
    buf_clear(&file->value);
    sftp_call_free(&file->near);
    sftp_call_free(&file->far);
}

static int ask_for_file(const struct inuse *inuse, const struct vmx_dict *dict, const char *key,
                        struct inuse_file *file)
{
    struct sftp *sftp = inuse->remote->sftp;
    forget_file(file);
    int r = vmx_dict_get(dict, span_of(key), &file->value);
    const char *name = file->value.len > 0 ? path_name(file->value.data) : "";
    if (r < 0 || !name[0] || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return r == -ENOENT ? 0 : r;
    FREE_AUTO char *dir = path_dir(inuse->path);
    FREE_AUTO char *path = dir ? path_join(dir, name) : NULL;
    FREE_AUTO char *full = path ? remote_path(inuse->remote, path) : NULL;
    if (!full)
        return -ENOMEM;
    file->near = sftp_lstat(sftp, full);
    if (file->value.data[0] == '/' && strcmp(file->value.data, full) != 0)
        file->far = sftp_lstat(sftp, file->value.data);
    return file->near ? 0 : -ENOMEM;
}

/* Asks anew where the settings name another file than was thought. 0; -ENOMEM. */
static int ask_for_real_file(const struct inuse *inuse, const struct vmx_dict *dict,
                             const char *key, struct inuse_file *file)
{
    BUF_AUTO value = {0};
    int r = vmx_dict_get(dict, span_of(key), &value);
    if (r < 0 && r != -ENOENT)
        return r;
    bool same = r == 0 && span_eq(buf_span(&value), buf_span(&file->value));
    return same ? 0 : ask_for_file(inuse, dict, key, file);
}

int inuse_ask(struct inuse *inuse, struct remote *remote, const char *path,
              const struct vmx_dict *dict)
{
    *inuse = (struct inuse){.remote = remote, .path = path};
    FREE_AUTO char *full = remote_path(remote, path);
    if (!full || asprintf(&inuse->lck_path, "%s.lck", full) < 0) {
        inuse->lck_path = NULL;
        return -ENOMEM;
    }
    inuse->lck_stat = sftp_lstat(remote->sftp, inuse->lck_path);
    if (!dict)
        return 0;
    return ask_for_file(inuse, dict, SWAP, &inuse->swap)
               ?: ask_for_file(inuse, dict, IMAGE, &inuse->image);
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

static bool is_stale(const struct inuse *inuse, const struct wait *wait)
{
    const struct remote_evidence *host = &inuse->remote->evidence;
    return host->lock_is_stale &&
           host->lock_is_stale(host->ctx, inuse->path, inuse->lck_path, wait);
}

static int answer_lck(struct inuse *inuse, const struct wait *wait)
{
    int r = sftp_wait(inuse->lck_stat, wait);
    int used = r == 0;
    if (r == 0 && S_ISDIR(sftp_call_attrs(inuse->lck_stat)->mode))
        used = has_entries(inuse, wait);
    else if (r == 0)
        used = !is_stale(inuse, wait);
    if (used > 0)
        found(inuse, "in use", path_name(inuse->lck_path));
    return used < 0 ? used : r == -ENOENT ? 0 : r;
}

/* A file outside the folder that cannot be looked at is not evidence. */
static int answer_swap(struct inuse *inuse, const struct vmx_dict *dict, const struct wait *wait)
{
    struct inuse_file *swap = &inuse->swap;
    int r = ask_for_real_file(inuse, dict, SWAP, swap);
    if (r < 0 || !swap->near)
        return r;
    bool far = swap->far && sftp_wait(swap->far, wait) == 0;
    r = sftp_wait(swap->near, wait);
    if (far || r == 0)
        found(inuse, "in use", "its swap file is there");
    return r == -ENOENT ? 0 : r;
}

/* An image that cannot be looked at may be there. */
int inuse_image(struct inuse *inuse, const struct vmx_dict *dict, const struct wait *wait,
                enum vmx_truth *ret)
{
    struct inuse_file *image = &inuse->image;
    int r = ask_for_real_file(inuse, dict, IMAGE, image);
    *ret = VMX_NOT_KNOWN;
    if (r < 0 || image->value.len == 0)
        return r;
    const char *value = image->value.data;
    bool deeper = value[0] != '/' && strchr(value, '/');
    int near = image->near && !deeper ? sftp_wait(image->near, wait) : 0;
    int far = image->far ? sftp_wait(image->far, wait) : -ENOENT;
    if (near == 0 || near == -ENOENT)
        *ret = near == 0 || far != -ENOENT ? VMX_YES : VMX_NO;
    return near == -ENOENT ? 0 : near;
}

/* A VM whose image is gone is not suspended any more. */
static int answer_image(struct inuse *inuse, const struct vmx_dict *dict, const struct wait *wait)
{
    enum vmx_truth there = VMX_NOT_KNOWN;
    int r = inuse_image(inuse, dict, wait, &there);
    inuse->suspended = there == VMX_YES && !inuse->found[0];
    if (there == VMX_YES)
        found(inuse, "suspended", IMAGE " names its image");
    return r;
}

/* Asked last: it may take a command on the host. */
static void ask_host(struct inuse *inuse, const struct wait *wait)
{
    const struct remote_evidence *host = &inuse->remote->evidence;
    char how[200];
    if (!inuse->found[0] && host->runs &&
        host->runs(host->ctx, inuse->path, wait, how, sizeof(how)))
        found(inuse, "powered on", how);
}

int inuse_answer(struct inuse *inuse, const struct vmx_dict *dict, const struct wait *wait)
{
    int r = answer_image(inuse, dict, wait)
        ?: answer_lck(inuse, wait)
        ?: answer_swap(inuse, dict, wait);
    if (r == 0)
        ask_host(inuse, wait);
    return r;
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
    forget_file(&inuse->swap);
    forget_file(&inuse->image);
    buf_done(&inuse->swap.value);
    buf_done(&inuse->image.value);
    free(steal(inuse->lck_path));
}
