/* SPDX-License-Identifier: MIT */
/*
 * The thread that looks at the VMs for which something waits, one after the other. It is there only
 * on a mount that applies such things by itself, begins with the first VM, and asks nothing while
 * there is none.
 *
 *      known --- look: the file is gone ---> forgotten
 *        |  ^
 *        |  '--- every 30 s: it runs, or nobody can tell
 *        v
 *       off --- for 10 s, at both ends of which nothing is under way ---> applied
 *
 * Only the host on which a VM is registered can tell that it is off: where there is none, or it
 * lists no such VM, that no evidence of use is found proves nothing.
 */
#include <errno.h>
#include <mntent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <utlist.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/mount_table.h"
#include "host/tell/power.h"
#include "next.h"
#include "next_file.h"
#include "next_known.h"
#include "remote/cache/document.h"

enum {
    LOOK_MS = 30 * 1000,
    OFF_MS = 10 * 1000,
    SOON_MS = 200,                 /* behind a change of the file */
    RUNNING_MAX_AGE_MS = 5 * 1000, /* of what the host said of all VMs */
};

/* ---- one look */

/* What is known of a VM between two looks. */
struct state {
    int64_t off_since;
    bool told;
    bool gone;     /* nothing waits any more */
    bool orphaned; /* there is no .vmx */
    bool ours;     /* what waits is of this VM, here */
};

/* Whether "mount -o remount,ro" made the mount read-only, of which the kernel alone knows. */
static bool is_read_only(const struct vfs *vfs)
{
    FREE_AUTO char *type = NULL;
    FREE_AUTO char *options = NULL;
    if (mount_table_find(MOUNT_TABLE, vfs->options.mountpoint, &type, &options) < 0)
        return false;
    const struct mntent entry = {.mnt_opts = options};
    return hasmntopt(&entry, "ro") != NULL;
}

/* Whether the VM is off, and nothing is under way with it, as far as its host tells. */
static bool is_off(const struct next_of *of)
{
    struct host *host = of->vfs->host;
    const struct host_facts *facts = NULL;
    enum vmx_power power = VMX_POWER_UNKNOWN;
    BUF_AUTO tasks = {0};
    struct diag why = {0};
    int r = host_facts(host, RUNNING_MAX_AGE_MS, of->wait, &facts);
    if (r < 0)
        return false;
    const struct host_vm *vm = host_facts_vm(facts, of->path);
    const bool may_be = vm && facts->running_known && !vm->running;
    host_facts_unref(facts);
    return may_be && host_tasks(host, of->path, of->wait, &tasks, &why) == 0 && tasks.len == 0 &&
           host_power(host, of->path, of->wait, &power, &why) == 0 && power == VMX_POWER_OFF;
}

static void tell_once(const struct next_of *of, struct state *s, const char *text)
{
    if (!s->told)
        journal_add(of->vfs->journal, 0, of->path, "next", text);
    s->told = true;
}

/* Once: nobody may look there by himself. */
static void tell_changed(const struct next_of *of, struct state *s, const struct vmx_next *next,
                         const struct vmx_dict *dict)
{
    NEXT_OUTCOME_AUTO outcome = {0};
    if (!s->told && vmx_next_names(next, dict, VMX_NEXT_CHANGED, &outcome.left) == 0)
        next_note(of, &outcome);
    s->told = true;
}

static void apply(const struct next_of *of, struct state *s)
{
    /* Each line names its author, who may be of another machine. */
    const struct remote_by by = {.uid = geteuid(), .program = "vmxfs"};
    NEXT_OUTCOME_AUTO outcome = {0};
    struct diag diag = {0};
    int r = next_apply(of, &by, &outcome, &diag);
    if (r == 0) {
        s->told = outcome.left.len > 0;
        next_note(of, &outcome);
    } else if (r != -EINTR && r != -EBUSY) {
        BUF_AUTO text = {0};
        if (buf_addf(&text, "what waits for the VM to be off cannot be applied: %s",
                     diag.text[0] ? diag.text : strerror(-r)) == 0)
            tell_once(of, s, text.data);
    }
    s->off_since = 0;
}

/* Something waits that could be applied. since: as s->off_since, of the look before. Returns after
 * how many ms it is to be looked at again. */
static int64_t wait_for_off(const struct next_of *of, struct state *s, int64_t since)
{
    const int64_t asked_at = clock_ms();
    if (!is_off(of))
        return LOOK_MS;
    s->off_since = since != 0 ? since : clock_ms();
    const int64_t off_ms = asked_at - s->off_since;
    if (off_ms < OFF_MS)
        return off_ms < 0 ? OFF_MS : OFF_MS - off_ms;
    if (!is_read_only(of->vfs)) /* by now: to ask the host takes a while */
        apply(of, s);
    return LOOK_MS;
}

/* Nothing is there for which it could wait, which an editor, or who renames it, leaves so for a
 * moment only. */
static int64_t look_at_orphan(const struct next_of *of, struct state *s, bool again)
{
    struct diag diag = {0};
    s->orphaned = true;
    return again && next_drop_orphan(of, &diag) == 0 ? SOON_MS : LOOK_MS;
}

/* What was set, by another mount too, is only done with once the host has read it. What is left of
 * the file is looked at soon. */
static int64_t tidy_up(const struct next_of *of, const struct state *s, const struct vmx_next *next,
                       const struct vmx_dict *dict)
{
    struct diag diag = {0};
    size_t done = 0;
    int r = vmx_next_count(next, dict, VMX_NEXT_DONE, &done);
    if (r == 0 && s->ours && done > 0)
        r = next_tell_host(of);
    if (r < 0)
        return LOOK_MS;
    return next_tidy(of, &diag) == 0 && s->ours ? SOON_MS : LOOK_MS;
}

static int64_t look(const struct next_of *of, struct state *s)
{
    NEXT_AUTO next = {0};
    DOCUMENT_AUTO *doc = NULL;
    bool tidy = false;
    size_t waits = 0;
    const int64_t off_since = s->off_since;
    s->off_since = 0; /* whatever keeps us from asking, the VM may run meanwhile */
    if (is_read_only(of->vfs))
        return LOOK_MS;
    const bool was_orphaned = s->orphaned;
    s->orphaned = false;
    int r = next_load(of, &next);
    s->gone = r == -ENOENT;
    if (r == 0 || r == -EBADMSG) {
        const int doc_r = remote_document(of->vfs->remote, of->path, 0, of->wait, &doc);
        if (doc_r == -ENOENT)
            return look_at_orphan(of, s, was_orphaned);
        r = r ?: doc_r;
    }
    if (r == -EBADMSG)
        tell_once(of, s, "what waits here cannot be read; drop it (: > .vmxfs/next)");
    if (r < 0)
        return LOOK_MS;
    s->ours = next_is_ours(of, &next, doc->dict);
    r = next_is_tidy(of, &next, doc->dict, &tidy)
            ?: vmx_next_count(&next, doc->dict, VMX_NEXT_WAITS, &waits);
    if (r == 0 && !tidy)
        return tidy_up(of, s, &next, doc->dict);
    if (r == 0 && waits == 0)
        tell_changed(of, s, &next, doc->dict);
    if (r < 0 || waits == 0)
        return LOOK_MS;
    return wait_for_off(of, s, off_since);
}

/* ---- the thread */

static bool is_stopped(void *ctx)
{
    return atomic_load(&((struct next_known *)ctx)->stop);
}

/* The one that is to be looked at first; NULL: there is none. */
static struct next_waiting *first_due(struct next_known *known) REQUIRES(&known->lock)
{
    struct next_waiting *first = NULL;
    struct next_waiting *w;
    struct next_waiting *behind;
    HASH_ITER (hh, known->waiting, w, behind) {
        if (!first || w->look_at < first->look_at)
            first = w;
    }
    return first;
}

/* Looks at one with the lock released. It may be forgotten meanwhile. */
static void look_at(struct next_known *known, struct next_waiting *w) REQUIRES(&known->lock)
{
    struct state s = {.off_since = w->off_since, .told = w->told, .orphaned = w->orphaned};
    FREE_AUTO char *path = strdup(w->path);
    w->hurried = false;
    w->look_at = clock_ms() + LOOK_MS;
    if (!path)
        return;
    lock_drop(&known->lock);
    struct wait wait = wait_for_ms(remote_options(known->vfs->remote)->timeout_ms);
    wait.interrupted = is_stopped;
    wait.ctx = known;
    const struct next_of of = {known->vfs, path, &wait};
    const int64_t after_ms = look(&of, &s);
    lock_take(&known->lock);
    HASH_FIND(hh, known->waiting, path, strlen(path), w);
    if (!w)
        return;
    if (s.gone && !w->hurried) {
        HASH_DEL(known->waiting, w);
        free(w);
        return;
    }
    w->off_since = w->hurried ? 0 : s.off_since;
    w->told = s.told;
    w->orphaned = s.orphaned;
    w->foreign_since = s.ours ? 0 : w->foreign_since;
    w->look_at = clock_ms() + (w->hurried ? 0 : after_ms);
}

static void *run(void *arg)
{
    struct next_known *known = arg;
    lock_take(&known->lock);
    while (!is_stopped(known)) {
        struct next_waiting *w = first_due(known);
        if (w && w->look_at <= clock_ms()) {
            look_at(known, w);
            continue;
        }
        const struct wait wait = {.deadline = w ? w->look_at : INT64_MAX / 2};
        wait_on(&wait, &known->woken, &known->lock);
    }
    lock_drop(&known->lock);
    return NULL;
}

int next_watch_new(struct vfs *vfs, struct next_known **ret)
{
    struct next_known *known = calloc(1, sizeof(*known));
    if (!known)
        return -ENOMEM;
    known->vfs = vfs;
    if (!vfs->options.read_only && !remote_options(vfs->remote)->ignore_running)
        known->run = run;
    lock_init(&known->lock);
    condition_init(&known->woken);
    *ret = known;
    return 0;
}

void next_watch_end(struct next_known *known)
{
    lock_take(&known->lock);
    atomic_store(&known->stop, true);
    condition_wake_all(&known->woken);
    const bool begun = known->begun;
    known->begun = false;
    lock_drop(&known->lock);
    if (begun)
        pthread_join(known->thread, NULL);
}

void next_watch_free(struct next_known *known)
{
    struct next_waiting *w;
    struct next_waiting *behind;
    struct next_move *move;
    struct next_move *next;
    if (!known)
        return;
    next_watch_end(known);
    HASH_ITER (hh, known->waiting, w, behind) {
        HASH_DEL(known->waiting, w);
        free(w);
    }
    DL_FOREACH_SAFE(known->moves, move, next)
    {
        DL_DELETE(known->moves, move);
        free(move->from);
        free(move->to);
        free(move);
    }
    condition_done(&known->woken);
    lock_done(&known->lock);
    free(known);
}
