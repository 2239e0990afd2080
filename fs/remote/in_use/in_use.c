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

/* Asks for the swap file that the settings name: beside the .vmx, because they may name the folder
 * by a path of another host; and at the very path, which may be on another datastore. */
static int ask_for_swap(struct inuse *inuse, const struct vmx_dict *dict)
{
    struct sftp *sftp = inuse->remote->sftp;
    buf_clear(&inuse->swap);
    sftp_call_free(&inuse->swap_stat);
    sftp_call_free(&inuse->far_swap_stat);
    int r = vmx_dict_get(dict, SPAN_LITERAL("sched.swap.derivedName"), &inuse->swap);
    const char *name = inuse->swap.len > 0 ? path_name(inuse->swap.data) : "";
    if (r < 0 || !name[0] || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return r == -ENOENT ? 0 : r;
    FREE_AUTO char *dir = path_dir(inuse->path);
    FREE_AUTO char *path = dir ? path_join(dir, name) : NULL;
    FREE_AUTO char *full = path ? remote_path(inuse->remote, path) : NULL;
    if (!full)
        return -ENOMEM;
    inuse->swap_stat = sftp_lstat(sftp, full);
    if (inuse->swap.data[0] == '/' && strcmp(inuse->swap.data, full) != 0)
        inuse->far_swap_stat = sftp_lstat(sftp, inuse->swap.data);
    return inuse->swap_stat ? 0 : -ENOMEM;
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
    return dict ? ask_for_swap(inuse, dict) : 0;
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
    BUF_AUTO swap = {0};
    int r = vmx_dict_get(dict, SPAN_LITERAL("sched.swap.derivedName"), &swap);
    if (r == -ENOENT || (r == 0 && !span_eq(buf_span(&swap), buf_span(&inuse->swap))))
        r = ask_for_swap(inuse, dict);
    if (r < 0 || !inuse->swap_stat)
        return r;
    bool far = inuse->far_swap_stat && sftp_wait(inuse->far_swap_stat, wait) == 0;
    r = sftp_wait(inuse->swap_stat, wait);
    if (far || r == 0)
        found(inuse, "in use", "its swap file is there");
    return r == -ENOENT ? 0 : r;
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
    BUF_AUTO state = {0};
    int r = vmx_dict_get(dict, SPAN_LITERAL("checkpoint.vmState"), &state);
    if (r == 0 && state.len > 0)
        found(inuse, "suspended", "checkpoint.vmState");
    if (r == 0 || r == -ENOENT)
        r = answer_lck(inuse, wait);
    r = r ?: answer_swap(inuse, dict, wait);
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
    sftp_call_free(&inuse->swap_stat);
    sftp_call_free(&inuse->far_swap_stat);
    buf_done(&inuse->swap);
    free(steal(inuse->lck_path));
}
