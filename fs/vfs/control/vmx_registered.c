/* SPDX-License-Identifier: MIT */
/*
 * NAME.vmx/.vmxfs/registered, and what stays as long as it says 1: the .vmx and its disks, because
 * "rm -rf" of a mount point must not delete a lab. Replacing and renaming are free.
 *
 * "rm -r" also empties a .vmx, setting by setting, and each alone may go. But those without which
 * it is not a VM are listed first, and only hidden when they are removed, as tar(1) does before it
 * makes them anew. A program that removes the next one before that removes none.
 */
#include "vmx_registered.h"

#include <errno.h>

#include "base/cleanup.h"
#include "host/tell/register.h"
#include "parser/text/shell_word.h"
#include "remote/in_use/used_files.h"
#include "vfs/host/host_view.h"
#include "vfs/node/node_path.h"
#include "vfs/recent.h"
#include "vfs/refuse.h"

/* ---- removals */

/* The command that lets the files of a VM be removed. */
static int add_command(struct request *rq, const char *vm, struct buf *ret)
{
    BUF_AUTO control = {0};
    return path_add_mounted(rq, vm, &control)
        ?: buf_addf(&control, "/" CONTROL_NAME "/registered")
        ?: shell_word_add_echo(ret, "0", control.data);
}

int check_unregistered(struct request *rq, const char *path, struct diag *diag, char **ret_vm)
{
    BUF_AUTO command = {0};
    int r = remote_check_unregistered(rq->vfs->remote, path, &rq->wait, ret_vm);
    if (r == -ENODATA) {
        diag_set(diag,
                 "whether its VM is registered is not known, because the host does not say; "
                 "what is registered is not removed, unless mounted with -o running=allow");
        return -EBUSY;
    }
    if (r != -EBUSY)
        return r;
    if (add_command(rq, *ret_vm, &command) < 0)
        return -ENOMEM;
    static const char why[] = "its VM is registered on the host; to remove it, first ";
    const bool fits = sizeof(why) + command.len <= sizeof(diag->text);
    diag_set(diag, "%s%s", why, fits ? command.data : "write 0 to the VM's .vmxfs/registered");
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

/* A hidden setting is to be found. */
static void show_kept(struct request *rq, struct node *dir)
{
    lock_take(&rq->vfs->lock);
    for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
        recent_forget(rq->vfs, RECENT_HIDDEN, dir, span_of(kept[i]));
    lock_drop(&rq->vfs->lock);
}

/* The setting is missed as if it had been removed. */
static void hide(struct request *rq, struct node *dir, const struct key_at *at, const char *name)
{
    recent_set(rq->vfs, RECENT_HIDDEN, dir, buf_span(&at->key));
    journal_add(rq->vfs->journal, 0, at->path, name,
                "the setting stays until it is set anew: a registered VM cannot be without it");
}

/* Whether one that makes the VM was removed, and is not set again, or more than that. */
static bool is_emptied(struct request *rq, struct node *dir)
{
    bool is = recent_is(rq->vfs, RECENT_EMPTYING, dir, (struct span){0});
    for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]) && !is; i++)
        is = recent_is(rq->vfs, RECENT_HIDDEN, dir, span_of(kept[i]));
    return is;
}

int keep_setting(struct request *rq, struct node *dir, const struct key_at *at, const char *name)
{
    struct diag diag = {0};
    FREE_AUTO char *vm = NULL;
    const bool emptied = is_emptied(rq, dir);
    if (!emptied && !setting_makes_vm(buf_span(&at->key)))
        return 0;
    int r = check_unregistered(rq, at->path, &diag, &vm);
    if (r != -EBUSY)
        return refuse(rq, at->path, name, r, NULL);
    if (!emptied) {
        FREE_AUTO char *user = NULL;
        r = remote_check_unused(rq->vfs->remote, at->path, USED_FILE, &rq->wait, &diag, &user);
        if (r == 0)
            hide(rq, dir, at, name);
        return r == 0 ? 1 : refuse_removal(rq, at->path, name, r, &diag, at->path);
    }
    show_kept(rq, dir);
    recent_set(rq->vfs, RECENT_EMPTYING, dir, (struct span){0});
    return refuse_removal(rq, at->path, name, r, &diag, at->path);
}

/* ---- the control */

int registered_show(struct request *rq, struct node *n, struct buf *ret)
{
    struct diag why = {0};
    static const char *const words[] = {
        [HOST_NOT_REGISTERED] = "0\n", [HOST_REGISTERED] = "1\n", [HOST_INVALID] = "invalid\n"};
    enum host_registration is = HOST_NOT_REGISTERED;
    FREE_AUTO char *path = vmx_path_above(rq, n);
    int r = path ? host_registered(rq->vfs->host, path, &rq->wait, &is, &why) : -ENOMEM;
    if (r < 0)
        return refuse_host(rq, path, "registered", r, &why);
    return buf_add_str(ret, words[is]);
}

int registered_store(struct request *rq, struct node *n, struct span line)
{
    struct diag why = {0};
    const bool on = span_eq(line, SPAN_LITERAL("1"));
    FREE_AUTO char *path = vmx_path_above(rq, n);
    if (!path)
        return -ENOMEM;
    int r = -EINVAL;
    if (on || span_eq(line, SPAN_LITERAL("0")))
        r = host_register(rq->vfs->host, path, on, &rq->wait, &why);
    else
        diag_set(&why, "write 1 or 0");
    if (r == 0 && !on)
        show_kept(rq, vmx_above(rq->vfs, n));
    return refuse_host(rq, path, "registered", r, &why);
}

/* .vmxfs/unregister: of an invalid entry only the id is sure, and its .vmx may be gone. */
int unregister_store(struct request *rq, struct node *n, struct span line)
{
    struct diag why = {0};
    BUF_AUTO text = {0};
    (void)n;
    int r = buf_add(&text, line);
    if (r < 0)
        return r;
    const bool digits = line.n > 0 && line.n < 11 && strspn(text.data, "0123456789") == line.n;
    const unsigned long id = digits ? strtoul(text.data, NULL, 10) : 0;
    r = digits ? host_unregister_id(rq->vfs->host, id, &rq->wait, &why)
               : diag_set(&why, "write the id of an invalid VM, a number");
    return refuse_host(rq, CONTROL_NAME, "unregister", r, &why);
}
