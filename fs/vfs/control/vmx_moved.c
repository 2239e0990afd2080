/* SPDX-License-Identifier: MIT */
#include "vmx_moved.h"

#include "base/path.h"
#include "host/facts/facts.h"
#include "parser/text/shell_word.h"
#include "remote/names/paths.h"
#include "remote/names/shown_names.h"
#include "vfs/control/control.h"
#include "vfs/node/node_path.h"

enum { KNOWN_MS = 30 * 1000 }; /* so old may be what the host listed; as for a commit */

const struct host_facts *moved_before(struct request *rq)
{
    return host_facts_soon(rq->vfs->host, KNOWN_MS, &rq->wait);
}

/* "echo 1 > 'NEW/.vmxfs/registered'; echo ID > 'MOUNTPOINT/.vmxfs/unregister'"; what is no .vmx any
 * more can only be forgotten. */
static int add_commands(struct request *rq, unsigned long id, const char *to, struct buf *ret)
{
    BUF_AUTO number = {0};
    BUF_AUTO unregister = {0};
    BUF_AUTO registered = {0};
    int r = buf_addf(&number, "%lu", id)
        ?: buf_addf(&unregister, "%s/" CONTROL_NAME "/unregister", rq->vfs->options.mountpoint)
        ?: path_add_mounted(rq, to, &registered)
        ?: buf_add_str(&registered, "/" CONTROL_NAME "/registered");
    if (r == 0 && remote_is_vmx_name(path_name(to)))
        r = shell_word_add_echo(ret, "1", registered.data) ?: buf_add_str(ret, "; ");
    return r ?: shell_word_add_echo(ret, number.data, unregister.data);
}

static void note_one(struct request *rq, const struct host_vm *vm, const char *to)
{
    BUF_AUTO reason = {0};
    int r = buf_addf(&reason, "the host has this VM registered as %lu, at ", vm->id)
        ?: remote_add_shown(rq->vfs->remote, vm->path, &reason)
        ?: buf_add_str(&reason, ", where it is no more: ")
        ?: add_commands(rq, vm->id, to, &reason);
    if (r == 0)
        journal_add(rq->vfs->journal, 0, remote_is_vmx_name(path_name(to)) ? to : vm->path, NULL,
                    reason.data);
}

void moved_note(struct request *rq, const struct host_facts *before, const char *from,
                const char *to)
{
    for (size_t i = 0; before && i < before->n_vms; i++) {
        const struct host_vm *vm = &before->vms[i];
        const char *rest = vm->path ? path_below(from, vm->path) : NULL;
        BUF_AUTO now = {0};
        if (rest && buf_addf(&now, "%s%s%s", to, rest[0] ? "/" : "", rest) == 0)
            note_one(rq, vm, now.data);
    }
}
