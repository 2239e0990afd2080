/* SPDX-License-Identifier: MIT */
/* The control files of one VM: passthrough-profile, plan/LINE, merge, check, errors. */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/path.h"
#include "parser/check/check.h"
#include "parser/document/names.h"
#include "parser/document/value.h"
#include "remote/commit/commit.h"
#include "remote/in_use/suspend_image.h"
#include "remote/names/paths.h"
#include "remote/names/shown_names.h"
#include "vfs/host/host_view.h"
#include "vfs/key/key_at.h"
#include "vfs/node/node_path.h"
#include "vfs/notify.h"
#include "vfs/ops/caller.h"
#include "vfs/refuse.h"
#include "vmx_log.h"

/* ---- changes that are a text to carry out */

struct text_change {
    struct change change;
    struct vfs *vfs;
    const char *path;
    struct span text;
    bool asks_host;
    struct vmx_around around;
    struct buf notes; /* for people: what was left alone */
    int (*edits)(struct text_change *t, const struct vmx_dict *current, struct vmx_edits *ret,
                 struct diag *diag);
};

static int apply(struct change *change, const struct server_text *server,
                 const struct vmx_dict *current, struct buf *ret, struct diag *diag)
{
    struct text_change *t = (struct text_change *)change;
    struct vmx_edits edits = {0};
    if (!server->exists)
        return refuse_gone(diag);
    buf_clear(&t->notes);
    int r = t->edits(t, current, &edits, diag);
    if ((r < 0 || edits.n > 0) && r != -ENOMEM && vmx_dict_encrypted(current))
        r = refuse_encrypted(diag);
    r = r ?: vmx_edits_apply(&edits, current, ret, diag);
    vmx_edits_done(&edits);
    return r;
}

static void committed(struct change *change, const struct document *before,
                      const struct document *after)
{
    const struct text_change *t = (const struct text_change *)change;
    notify_commit(t->vfs, t->path, before, after);
}

static int run(struct request *rq, struct node *n, const char *name, struct text_change *t)
{
    FREE_AUTO char *path = vmx_path_above(rq, n);
    FACTS_AUTO *facts = NULL;
    struct vmx_host_vm vm = {0};
    if (!path)
        return -ENOMEM;
    int r = t->asks_host ? host_said_if_any(rq, &facts) : 0;
    if (r < 0)
        return r;
    t->vfs = rq->vfs;
    t->path = path;
    t->around = around_vm(rq->vfs, facts, path, &vm);
    t->change.by = caller_by(rq);
    t->change.apply = apply;
    t->change.committed = committed;
    r = remote_commit(rq->vfs->remote, path, &t->change, &rq->wait);
    refuse_change(rq, path, name, r, &t->change.diag);
    for (char *line = r == 0 && t->notes.data ? t->notes.data : NULL; line && *line;) {
        size_t len = strcspn(line, "\n");
        struct diag note = {0};
        diag_set(&note, "%.*s", (int)len, line);
        journal_add(rq->vfs->journal, 0, path, name, note.text);
        line += len + (line[len] == '\n');
    }
    buf_done(&t->notes);
    return r;
}

/* ---- passthrough-profile */

static int profile_show(struct request *rq, struct node *n, struct buf *ret)
{
    DOCUMENT_AUTO *doc = NULL;
    FREE_AUTO char *path = vmx_path_above(rq, n);
    const struct vmx_around around = around_alone(rq->vfs);
    if (!path)
        return -ENOMEM;
    return remote_document(rq->vfs->remote, path, cache_ms(rq), &rq->wait, &doc)
        ?: vmx_plan_state(doc->dict, &around, ret)
        ?: buf_add_char(ret, '\n');
}

static int profile_edits(struct text_change *t, const struct vmx_dict *current,
                         struct vmx_edits *ret, struct diag *diag)
{
    return vmx_plan_line(current, &t->around, t->text, ret, &t->notes, diag);
}

int profile_write(struct request *rq, struct node *vmx_dir, struct span line)
{
    /* The host is not asked for what needs none: no profile, and the line that was read. */
    bool applies = !span_eq(line, SPAN_LITERAL("none")) && !memchr(line.p, '[', line.n);
    struct text_change t = {.text = line, .edits = profile_edits, .asks_host = applies};
    return run(rq, vmx_dir, PROFILE_NAME, &t);
}

const struct control profile_control = {
    .name = PROFILE_NAME,
    .by_line = true,
    .listed = true,
    .show = profile_show,
    .store = profile_write,
};

/* ---- .vmxfs/merge */

static int merge_edits(struct text_change *t, const struct vmx_dict *current, struct vmx_edits *ret,
                       struct diag *diag)
{
    int r = vmx_edits_parse(t->text, vmx_dict_charset(current), ret, diag);
    for (size_t i = 0; i < ret->n && r == 0; i++) {
        const struct vmx_edit *e = &ret->items[i];
        if (e->op == VMX_EDIT_SET && vmx_dict_find(current, buf_span(&e->key)) == SIZE_MAX)
            r = vmx_name_check_new(buf_span(&e->key), diag);
        if (r == 0 && e->op == VMX_EDIT_SET)
            r = vmx_value_check(buf_span(&e->key), buf_span(&e->value), diag);
    }
    return r ?: vmx_plan_follow(current, &t->around, ret);
}

int merge_store(struct request *rq, struct node *n, struct span text)
{
    struct text_change t = {.text = text, .edits = merge_edits};
    return run(rq, n, "merge", &t);
}

/* ---- .vmxfs/plan/LINE and .vmxfs/check */

/* The line that the name of a plan stands for: "%2F" is "/" in it, and "%25" is "%". */
static int add_line(const char *name, struct buf *ret)
{
    int r = 0;
    for (const char *p = name; r == 0 && *p; p++) {
        const bool slash = strncasecmp(p, "%2f", 3) == 0;
        const bool percent = strncmp(p, "%25", 3) == 0;
        r = buf_add_char(ret, slash ? '/' : *p);
        p += slash || percent ? 2 : 0;
    }
    return r;
}

static int plan_show(struct request *rq, struct node *n, struct buf *ret)
{
    DOCUMENT_AUTO *doc = NULL;
    BUF_AUTO line = {0};
    FREE_AUTO char *path = vmx_path_above(rq, n);
    FACTS_AUTO *facts = NULL;
    BUF_AUTO shown = {0};
    struct vmx_host_vm vm = {0};
    int r = path ? host_said_if_any(rq, &facts) : -ENOMEM;
    r = r
        ?: add_line(n->name, &line)
        ?: remote_document(rq->vfs->remote, path, cache_ms(rq), &rq->wait, &doc)
        ?: remote_add_shown(rq->vfs->remote, path, &shown);
    if (r < 0)
        return r;
    const struct vmx_around around = around_vm(rq->vfs, facts, path, &vm);
    return vmx_plan_diff(doc->dict, &around, buf_span(&line), shown.data, ret);
}

const struct control plan_control = {.name = "plan", .show = plan_show};

/* A profile with parameters. What is behind its name is judged when the plan is made. */
int plan_find(struct request *rq, struct node *dir, const char *name, struct found *ret)
{
    const struct vmx_profiles *profiles = &rq->vfs->profiles;
    for (size_t i = 0; i < profiles->n; i++) {
        if (span_starts_with(span_of(name), span_of(vmx_profile_name(profiles->items[i]))))
            return control_found(rq, dir, &plan_control, ret);
    }
    return -ENOENT;
}

int vmx_check_show(struct request *rq, struct node *n, struct buf *ret)
{
    DOCUMENT_AUTO *doc = NULL;
    FREE_AUTO char *path = vmx_path_above(rq, n);
    FACTS_AUTO *facts = NULL;
    struct vmx_host_vm vm = {0};
    START_AUTO start = {0};
    struct vmx_check check;
    BUF_AUTO dir = {0};
    int r = path ? host_said_if_any(rq, &facts) : -ENOMEM;
    r = r
        ?: remote_document(rq->vfs->remote, path, cache_ms(rq), &rq->wait, &doc)
        ?: path_add_mounted(rq, path, &dir);
    if (r < 0)
        return r;
    struct vmx_around around = around_vm(rq->vfs, facts, path, &vm);
    around.image_gone = remote_image_is_gone(rq->vfs->remote, path, doc->dict, &rq->wait);
    r = vmx_log_start(rq, path, doc->dict, &around, &start);
    if (r < 0)
        return r;
    return vmx_check_run(doc->dict, &around, dir.data, rq->vfs->options.mountpoint, ret, &check);
}

/* ---- .vmxfs/errors */

/* Whether a file beside a .vmx begins with the VM's name and is no other .vmx: "vm-flat.vmdk". */
static bool is_named_after(const char *vmx, const char *name)
{
    const size_t stem = (size_t)(strrchr(vmx, '.') - vmx);
    return strncmp(vmx, name, stem) == 0 && name[stem] && strchr(".-_", name[stem]) &&
           !remote_is_vmx_name(name);
}

static bool is_of_vm(const void *vmx, const char *file)
{
    const char *path = vmx;
    const size_t folder = (size_t)(path_name(path) - path);
    if (!file || strncmp(path, file, folder) != 0 || strchr(file + folder, '/'))
        return false;
    return strcmp(path, file) == 0 || is_named_after(path + folder, file + folder);
}

int vmx_errors_show(struct request *rq, struct node *n, struct buf *ret)
{
    FREE_AUTO char *path = vmx_path_above(rq, n);
    return path ? journal_print(rq->vfs->journal, is_of_vm, path, ret) : -ENOMEM;
}
