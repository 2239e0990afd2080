/* SPDX-License-Identifier: MIT */
/*
 * NAME.vmx/.vmxfs/undo: what it takes back is chosen by what was recorded; how, by what the server
 * has then (parser/history/take_back.h). Its own commit says in the history what it took back, so
 * that the next one goes further.
 */
#include <errno.h>

#include "base/clock.h"
#include "history/undo.h"
#include "history_view.h"
#include "parser/history/take_back.h"
#include "parser/text/diff.h"
#include "parser/text/safe_text.h"
#include "remote/commit/commit.h"
#include "remote/names/shown_names.h"
#include "vfs/node/node_path.h"
#include "vfs/notify.h"
#include "vfs/ops/caller.h"
#include "vfs/refuse.h"

struct undo {
    struct change change;
    struct vfs *vfs;
    char *path;
    struct history_versions versions;
    struct history_undo what;
    struct buf from, to;                  /* their texts */
    const struct history_version *passed; /* the newest change that it cannot take back, and that is
                                             newer than the one that it does; or NULL */
};

static void undo_done(struct undo *u)
{
    free(u->path);
    history_versions_done(&u->versions);
    buf_done(&u->from);
    buf_done(&u->to);
}
#define UNDO_AUTO __attribute__((cleanup(undo_done))) struct undo

static int read_texts(struct request *rq, struct undo *u)
{
    struct history *history = rq->vfs->history;
    buf_clear(&u->from);
    buf_clear(&u->to);
    return history_text(history, u->path, u->what.from->id, &rq->wait, &u->from)
               ?: history_text(history, u->path, u->what.to->id, &rq->wait, &u->to);
}

/* Whether it would change something where all is as it was recorded: a change of comments or
 * secrets only cannot be taken back. */
static int has_effect(const struct undo *u, bool *ret)
{
    struct vmx_dict *from = NULL;
    struct diag why = {0};
    BUF_AUTO after = {0};
    int r = vmx_dict_parse(buf_span(&u->from), &from)
                ?: vmx_take_back(buf_span(&u->from), buf_span(&u->to), from, &after, &why);
    vmx_dict_free(from);
    *ret = r < 0 || !span_eq(buf_span(&after), buf_span(&u->from));
    return r == -ENOMEM ? r : 0;
}

/* A file is made empty before it gets its first text. */
static int find_last(struct request *rq, struct undo *u, struct diag *why)
{
    bool effect = false;
    int r = 0;
    for (size_t n = u->versions.n; r == 0 && !effect;) {
        r = history_undo_last(&u->versions, n, &u->what, why)
            ?: read_texts(rq, u)
            ?: has_effect(u, &effect);
        if (r == 0 && u->to.len == 0) {
            diag_set(why, "nothing is left to take back but that the file was made");
            r = -ENOMSG;
        }
        if (r == 0 && !effect && !u->passed)
            u->passed = u->what.from;
        n = r == 0 ? (size_t)(u->what.from - u->versions.list) : n;
    }
    return r;
}

/* Finds what a line takes back. 0; -ENOMSG: there is nothing; -EINVAL, ... with *why. */
static int undo_find(struct request *rq, struct node *n, struct span line, struct undo *u,
                     struct diag *why)
{
    const struct span what = text_trim(line);
    struct history *history = rq->vfs->history;
    u->vfs = rq->vfs;
    u->path = vmx_path_above(rq, n);
    int r = u->path ? history_wait(history, &rq->wait) : -ENOMEM;
    if (r == -EIO)
        diag_set(why, "what was changed last is not recorded yet");
    r = r ?: history_versions(history, u->path, &rq->wait, &u->versions);
    if (r == 0 && span_eq(what, SPAN_LITERAL("1")))
        return find_last(rq, u, why);
    return r ?: history_undo_since(&u->versions, what, &u->what, why) ?: read_texts(rq, u);
}

static int take_back(const struct undo *u, const struct vmx_dict *current, struct buf *ret,
                     struct diag *diag)
{
    return vmx_take_back(buf_span(&u->from), buf_span(&u->to), current, ret, diag);
}

static int apply(struct change *change, const struct server_text *server,
                 const struct vmx_dict *current, struct buf *ret, struct diag *diag)
{
    const struct undo *u = (const struct undo *)change;
    if (!server->exists)
        return refuse_gone(diag);
    if (vmx_dict_encrypted(current))
        return refuse_encrypted(diag);
    return take_back(u, current, ret, diag);
}

static void committed(struct change *change, const struct document *before,
                      const struct document *after)
{
    const struct undo *u = (const struct undo *)change;
    notify_commit(u->vfs, u->path, before, after);
}

/* Says that what was changed last stays. Nothing, if all was taken back. */
static void describe_passed(const struct undo *u, struct diag *ret)
{
    char time[CLOCK_UTC_SIZE];
    if (!u->passed)
        return;
    clock_utc(u->passed->time_s, time);
    diag_set(ret,
             "a later change, of %s, stays: it was of secrets, comments or what a host writes only",
             time);
}

/* While the VM is in use: what else takes the same change. */
static void add_next(struct diag *why)
{
    const struct diag in_use = *why;
    diag_set(why,
             "%.1500s; what undo shows can be written to .vmxfs/next, as lines key = \"value\" or "
             "-key, and waits there until the VM is off",
             in_use.text);
}

int undo_store(struct request *rq, struct node *n, struct span line)
{
    UNDO_AUTO undo = {.change = {.apply = apply,
                                 .committed = committed,
                                 .cannot_wait = true}}; /* next takes lines, and no "1" */
    int r = undo_find(rq, n, line, &undo, &undo.change.diag);
    if (r == 0) {
        undo.change.by = caller_by(rq);
        undo.change.by.undoes = undo.what.of->id;
        undo.change.by.undoes_since = undo.what.since;
        r = remote_commit(rq->vfs->remote, undo.path, &undo.change, &rq->wait);
    }
    if (r == -EBUSY)
        add_next(&undo.change.diag);
    struct diag note = {0};
    describe_passed(&undo, &note);
    if (r == 0 && note.text[0])
        journal_add(rq->vfs->journal, 0, undo.path, "undo", note.text);
    return refuse_change(rq, undo.path, "undo", r, &undo.change.diag);
}

/* ---- what it would do */

static int add_who(const struct history_version *v, struct buf *ret)
{
    char time[CLOCK_UTC_SIZE];
    clock_utc(v->time_s, time);
    return buf_addf(ret, "# %s\t", time)
        ?: safe_text_add(ret, span_of(v->user[0] ? v->user : "-"))
        ?: buf_add_char(ret, '\t')
        ?: safe_text_add(ret, span_of(v->program[0] ? v->program : "-"))
        ?: buf_add_char(ret, '\n');
}

static int add_diff(struct request *rq, const struct undo *u, const struct vmx_dict *current,
                    struct buf *ret, struct diag *why)
{
    BUF_AUTO after = {0};
    BUF_AUTO shown = {0};
    struct diag note = {0};
    describe_passed(u, &note);
    return take_back(u, current, &after, why)
        ?: remote_add_shown(rq->vfs->remote, u->path, &shown)
        ?: add_who(u->what.from, ret)
        ?: (note.text[0] ? buf_addf(ret, "# %s\n", note.text) : 0)
        ?: vmx_diff(vmx_dict_text(current), buf_span(&after), shown.data, shown.data, ret);
}

int undo_show(struct request *rq, struct node *n, struct buf *ret)
{
    DOCUMENT_AUTO *doc = NULL;
    UNDO_AUTO undo = {0};
    struct diag why = {0};
    int r = undo_find(rq, n, SPAN_LITERAL("1"), &undo, &why)
                ?: remote_document(rq->vfs->remote, undo.path, cache_ms(rq), &rq->wait, &doc)
                ?: add_diff(rq, &undo, doc->dict, ret, &why);
    if (r < 0 && why.text[0])
        return buf_add_str(ret, "# refused: ")
            ?: safe_text_add(ret, span_of(why.text))
            ?: buf_add_char(ret, '\n');
    return r;
}
