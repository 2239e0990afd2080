/* SPDX-License-Identifier: MIT */
/*
 * NAME.vmx/.vmxfs/registered, and what stays as long as it says 1: the .vmx and its disks, because
 * "rm -rf" of a mount point must not delete a lab. Replacing and renaming are free.
 *
 * "rm -r" also empties a .vmx, setting by setting, and each alone may go. But those without which
 * it is no VM are listed first, and only hidden when they are removed, as tar(1) does before it
 * makes them anew. Who removes the next one before that removes none.
 */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "host_views.h"
#include "recent.h"
#include "remote/used_files.h"
#include "vmx.h"

/* ---- removals */

/* The command that lets the files of a VM be removed. */
static int add_command(struct call *c, const char *vm, struct buf *ret)
{
    BUF_AUTO control = {0};
    int r = buf_addf(&control, "%s/", c->vfs->options.mountpoint);
    if (r == 0)
        r = remote_add_shown(c->vfs->remote, vm, &control);
    if (r == 0)
        r = buf_addf(&control, "/" CONTROL_NAME "/%s", registered_control.name);
    if (r == 0)
        r = buf_add_str(ret, "echo 0 > ");
    return r == 0 ? buf_add_quoted(ret, buf_span(&control)) : r;
}

int check_unregistered(struct call *c, const char *path, struct vmx_diag *diag, char **ret_vm)
{
    BUF_AUTO command = {0};
    int r = remote_check_unregistered(c->vfs->remote, path, &c->wait, ret_vm);
    if (r == -ENODATA) {
        vmx_diag_set(diag, 0, 0,
                     "whether its VM is registered is not known, because the host does not say; "
                     "what is registered is not removed, unless mounted with -o running=allow");
        return -EBUSY;
    }
    if (r != -EBUSY)
        return r;
    if (add_command(c, *ret_vm, &command) < 0)
        return -ENOMEM;
    static const char why[] = "its VM is registered on the host; to remove it, first ";
    const bool fits = sizeof(why) + command.len <= sizeof(diag->text);
    vmx_diag_set(diag, 0, 0, "%s%s", why,
                 fits ? command.data : "write 0 to the VM's .vmxfs/registered");
    return r;
}

static const char *const kept[] = {"config.version", "virtualHW.version"};

bool setting_makes_vm(struct span key)
{
    bool is = false;
    for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
        is = is || span_eq_fold(key, span_of(kept[i]));
    return is;
}

/* What was hidden is to be found. */
static void show_kept(struct call *c, struct node *dir)
{
    lock_take(&c->vfs->lock);
    for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
        recent_forget(c->vfs, RECENT_HIDDEN, dir, span_of(kept[i]));
    lock_drop(&c->vfs->lock);
}

/* The setting is missed as if it had been removed. */
static void hide(struct call *c, struct node *dir, const struct key_at *at, const char *name)
{
    recent_set(c->vfs, RECENT_HIDDEN, dir, buf_span(&at->key));
    journal_add(c->vfs->journal, 0, at->path, name,
                "it stays until it is set anew: a registered VM is none without it");
}

/* Whether one that makes the VM was removed, and is not set again, or more than that. */
static bool is_emptied(struct call *c, struct node *dir)
{
    bool is = recent_is(c->vfs, RECENT_EMPTYING, dir, (struct span){0});
    for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]) && !is; i++)
        is = recent_is(c->vfs, RECENT_HIDDEN, dir, span_of(kept[i]));
    return is;
}

int keep_setting(struct call *c, struct node *dir, const struct key_at *at, const char *name)
{
    struct vmx_diag diag = {0};
    FREE_AUTO char *vm = NULL;
    const bool emptied = is_emptied(c, dir);
    if (!emptied && !setting_makes_vm(buf_span(&at->key)))
        return 0;
    int r = check_unregistered(c, at->path, &diag, &vm);
    if (r != -EBUSY)
        return refuse(c, at->path, name, r, NULL);
    if (!emptied) {
        FREE_AUTO char *user = NULL;
        r = remote_check_unused(c->vfs->remote, at->path, false, &c->wait, &diag, &user);
        if (r == 0)
            hide(c, dir, at, name);
        return r == 0 ? 1 : refuse_removal(c, at->path, name, r, &diag, at->path);
    }
    show_kept(c, dir);
    recent_set(c->vfs, RECENT_EMPTYING, dir, (struct span){0});
    return refuse_removal(c, at->path, name, r, &diag, at->path);
}

/* ---- the control */

static int registered_show(struct call *c, struct node *n, struct buf *ret)
{
    struct why why = {{0}};
    bool is = false;
    FREE_AUTO char *path = vmx_path_above(c, n);
    if (!path)
        return -ENOMEM;
    int r = c->vfs->host ? host_registered(c->vfs->host, path, &c->wait, &is, &why) : -EOPNOTSUPP;
    if (r < 0)
        return refuse_host(c, path, registered_control.name, r, &why);
    return buf_add_str(ret, is ? "1\n" : "0\n");
}

static int registered_store(struct call *c, struct node *n, struct span line)
{
    struct why why = {{0}};
    const bool on = span_eq(line, SPAN_LITERAL("1"));
    FREE_AUTO char *path = vmx_path_above(c, n);
    if (!path)
        return -ENOMEM;
    int r = -EOPNOTSUPP;
    if (!on && !span_eq(line, SPAN_LITERAL("0"))) {
        why_set(&why, "write 1 or 0");
        r = -EINVAL;
    } else if (c->vfs->host) {
        r = host_register(c->vfs->host, path, on, &c->wait, &why);
    }
    if (r == 0 && !on)
        show_kept(c, vmx_above(c->vfs, n));
    return refuse_host(c, path, registered_control.name, r, &why);
}

const struct control registered_control = {
    .name = "registered",
    .mode = 0644,
    .by_line = true,
    .show = registered_show,
    .store = registered_store,
};
