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
    struct buf from, to; /* their texts */
};

static void undo_done(struct undo *u)
{
    free(u->path);
    history_versions_done(&u->versions);
    buf_done(&u->from);
    buf_done(&u->to);
}
#define UNDO_AUTO __attribute__((cleanup(undo_done))) struct undo

static int choose(struct undo *u, struct span line, struct diag *why)
{
    const struct span what = text_trim(line);
    return span_eq(what, SPAN_LITERAL("1")) ? history_undo_last(&u->versions, &u->what, why)
                                            : history_undo_since(&u->versions, what, &u->what, why);
}

/* A file is made empty before it gets its first text. */
static int check_made(const struct undo *u, struct diag *why)
{
    if (u->what.since || u->to.len > 0)
        return 0;
    diag_set(why, "nothing is left to take back but that the file was made");
    return -ENOMSG;
}

/* Finds what a line takes back. 0; -ENOMSG: there is nothing; -EINVAL, ... with *why. */
static int undo_find(struct request *rq, struct node *n, struct span line, struct undo *u,
                     struct diag *why)
{
    struct history *history = rq->vfs->history;
    u->vfs = rq->vfs;
    u->path = vmx_path_above(rq, n);
    int r = u->path ? history_wait(history, &rq->wait) : -ENOMEM;
    if (r == -EIO)
        diag_set(why, "what was changed last is not recorded yet");
    r = r
        ?: history_versions(history, u->path, &rq->wait, &u->versions)
        ?: choose(u, line, why)
        ?: history_text(history, u->path, u->what.from->id, &rq->wait, &u->from)
        ?: history_text(history, u->path, u->what.to->id, &rq->wait, &u->to);
    return r ?: check_made(u, why);
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

int undo_store(struct request *rq, struct node *n, struct span line)
{
    UNDO_AUTO undo = {.change = {.apply = apply, .committed = committed}};
    int r = undo_find(rq, n, line, &undo, &undo.change.diag);
    if (r == 0) {
        undo.change.by = caller_by(rq);
        undo.change.by.undoes = undo.what.of->id;
        undo.change.by.undoes_since = undo.what.since;
        r = remote_commit(rq->vfs->remote, undo.path, &undo.change, &rq->wait);
    }
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
    return take_back(u, current, &after, why)
        ?: remote_add_shown(rq->vfs->remote, u->path, &shown)
        ?: add_who(u->what.from, ret)
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
