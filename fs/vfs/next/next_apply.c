/* SPDX-License-Identifier: MIT */
/* Applying what waits: one commit, which holds the lines of one file and records its token. */
#include <errno.h>

#include "base/cleanup.h"
#include "host/tell/register.h"
#include "next.h"
#include "next_file.h"
#include "parser/plan/plan.h"
#include "remote/commit/beside.h"
#include "remote/commit/commit.h"
#include "vfs/host/host_view.h"
#include "vfs/notify.h"
#include "vfs/ops/caller.h"
#include "vfs/refuse.h"

struct next_change {
    struct change change;
    const struct next_of *of;
    struct vmx_next next;
    struct next_outcome *outcome;
};

void next_outcome_done(struct next_outcome *outcome)
{
    buf_done(&outcome->set);
    buf_done(&outcome->left);
}

/* Names what is applied to this text, and what stays. */
static int name_all(struct next_change *c, const struct vmx_dict *current)
{
    buf_clear(&c->outcome->set);
    buf_clear(&c->outcome->left);
    return vmx_next_names(&c->next, current, VMX_NEXT_WAITS, &c->outcome->set)
               ?: vmx_next_names(&c->next, current, VMX_NEXT_CHANGED, &c->outcome->left);
}

static int apply(struct change *change, const struct server_text *server,
                 const struct vmx_dict *current, struct buf *ret, struct diag *diag)
{
    struct next_change *c = (struct next_change *)change;
    const struct vmx_around around = around_alone(c->of->vfs);
    struct vmx_edits edits = {0};
    if (!server->exists)
        return refuse_gone(diag);
    if (!next_is_ours(c->of, &c->next, current)) /* it is dropped behind this */
        return buf_add(ret, vmx_dict_text(current));
    int r = name_all(c, current) ?: vmx_next_edits(&c->next, current, &edits);
    if (r == 0 && edits.n > 0 && vmx_dict_encrypted(current))
        r = refuse_encrypted(diag);
    r = r
        ?: vmx_plan_follow(current, &around, &edits)
        ?: vmx_edits_apply(&edits, current, ret, diag);
    vmx_edits_done(&edits);
    return r;
}

/* Under the lock: nobody writes the file any more until the commit is made. */
static int still(struct change *change, const struct wait *wait)
{
    struct next_change *c = (struct next_change *)change;
    const struct next_of of = {c->of->vfs, c->of->path, wait};
    NEXT_AUTO now = {0};
    int r = next_load(&of, &now);
    if (r < 0 && r != -ENOENT && r != -EBADMSG)
        return r;
    if (r == 0 && span_eq(buf_span(&now.token), buf_span(&c->next.token)))
        return 0;
    if (r < 0 && c->next.n == 0) /* as it was: there is nothing to apply */
        return 0;
    vmx_next_done(&c->next);
    c->next = now;
    now = (struct vmx_next){0};
    return -EAGAIN;
}

static void committed(struct change *change, const struct document *before,
                      const struct document *after)
{
    const struct next_change *c = (const struct next_change *)change;
    notify_commit(c->of->vfs, c->of->path, before, after);
}

int next_tell_host(const struct next_of *of)
{
    struct diag why = {0};
    int r = host_reload_changed(of->vfs->host, of->path, of->wait, &why);
    return r == -EBUSY || r == -EIO || r == -EINTR ? r : 0;
}

/* That it was applied is on record: a file that stays is tidied by whoever looks at it next. */
static void tidy(const struct next_of *of)
{
    struct diag diag = {0};
    next_tidy(of, &diag);
}

int next_apply(const struct next_of *of, const struct remote_by *by, struct next_outcome *ret,
               struct diag *diag)
{
    struct next_change c = {.of = of, .outcome = ret};
    int r = next_load(of, &c.next);
    if (r < 0)
        return r == -ENOENT ? 0 : r;
    c.change.apply = apply;
    c.change.still = still;
    c.change.committed = committed;
    c.change.cannot_wait = true;
    c.change.by = *by;
    r = remote_commit(of->vfs->remote, of->path, &c.change, of->wait);
    if (r < 0)
        *diag = c.change.diag;
    vmx_next_done(&c.next);
    if (r < 0)
        return r;
    r = next_tell_host(of);
    if (r == 0)
        tidy(of);
    if (r != -EBUSY)
        return 0;
    diag_set(diag, "switched on while what waits was set: it waits on, unless the VM has it now");
    return r;
}

void next_note(const struct next_of *of, const struct next_outcome *outcome)
{
    BUF_AUTO text = {0};
    int r = 0;
    if (outcome->set.len > 0)
        r = buf_addf(&text, "what waited for the VM to be off is set: %s", outcome->set.data);
    if (r == 0 && outcome->left.len > 0)
        r = buf_addf(&text, "%s%s: changed since it was written to next, where it stays",
                     text.len > 0 ? "; not " : "", outcome->left.data);
    if (r == 0 && text.len > 0)
        journal_add(of->vfs->journal, 0, of->path, "next", text.data);
}

/* Whether nothing is to be done before a power-on: nothing waits, or the host will refuse it. */
static int has_no_part(const struct next_of *of)
{
    NEXT_AUTO next = {0};
    enum host_registration is = HOST_REGISTERED;
    struct diag why = {0};
    int r = next_load(of, &next);
    if (r < 0)
        return r == -ENOENT ? 1 : r;
    r = host_registered(of->vfs->host, of->path, of->wait, &is, &why);
    return r == 0 && is == HOST_NOT_REGISTERED;
}

int next_before_power_on(struct request *rq, const char *path, struct diag *diag)
{
    const struct next_of of = {rq->vfs, path, &rq->wait};
    const struct remote_by by = caller_by(rq);
    NEXT_OUTCOME_AUTO outcome = {0};
    struct diag why = {0};
    if (remote_options(rq->vfs->remote)->ignore_running)
        return 0;
    int r = has_no_part(&of);
    if (r == 1)
        return 0;
    const bool unread = r == -EBADMSG || r == -EACCES;
    if (unread)
        journal_add(rq->vfs->journal, 0, path, "next", "what waits here cannot be read");
    r = r ?: next_apply(&of, &by, &outcome, &why);
    if (r == 0)
        next_note(&of, &outcome);
    if (unread || r == -EBUSY) /* busy: it runs, or is suspended */
        return 0;
    if (r < 0)
        diag_set(diag, "what waits in .vmxfs/next cannot be applied, so the VM stays off: %s",
                 why.text[0] ? why.text : strerror(-r));
    return r;
}
