/* SPDX-License-Identifier: MIT */
/* The control files of the whole mount: status, errors, check, profiles/NAME. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/path.h"
#include "control.h"
#include "parser/check.h"

static int status_show(struct call *c, struct node *n, struct buf *ret)
{
    (void)n;
    int r = buf_addf(ret, "version: %s\nmounted: %s\n", VMXFS_VERSION,
                     c->vfs->options.read_only ? "read-only" : "read-write");
    if (r == 0)
        r = sftp_describe(remote_sftp(c->vfs->remote), ret);
    if (r == 0)
        r = remote_describe(c->vfs->remote, ret);
    return r;
}

const struct control status_control = {.name = "status", .mode = 0444, .show = status_show};

static int errors_show(struct call *c, struct node *n, struct buf *ret)
{
    (void)n;
    return journal_print(c->vfs->journal, ret);
}

const struct control errors_control = {.name = "errors", .mode = 0444, .show = errors_show};

static int profile_text_show(struct call *c, struct node *n, struct buf *ret)
{
    const struct vmx_profile *profile = vmx_profiles_find(&c->vfs->profiles, span_of(n->name));
    return profile ? buf_add(ret, vmx_profile_text(profile)) : -ENOENT;
}

const struct control profile_text_control = {
    .name = "profile", .mode = 0444, .show = profile_text_show};

/* ---- check: one line for each VM below the root */

struct survey {
    struct call *c;
    struct buf *report;
    size_t count[VMX_SEVERITIES];
};

static const char *severity_name(enum vmx_severity severity)
{
    static const char *const names[] = {
        [VMX_PASS] = "PASS", [VMX_UNKNOWN] = "UNKNOWN", [VMX_WARN] = "WARN", [VMX_FAIL] = "FAIL"};
    return names[severity];
}

/* Quoted for a shell. */
static int add_quoted(struct buf *ret, const char *text)
{
    int r = buf_add_char(ret, '\'');
    for (; r == 0 && *text; text++)
        r = *text == '\'' ? buf_add_str(ret, "'\\''") : buf_add_char(ret, *text);
    return r == 0 ? buf_add_char(ret, '\'') : r;
}

/* The server is silent for the timeout, or it is not: many VMs may take longer. */
static void go_on_waiting(struct call *c)
{
    c->wait.deadline = clock_ms() + remote_options(c->vfs->remote)->timeout_ms;
}

/* The path as a field, and a command that shows the whole report; a name that is more than one line
 * cannot stand in a command of one. */
static int add_place(const struct vfs *vfs, const char *path, const struct vmx_check *check,
                     struct buf *ret)
{
    FREE_AUTO char *field = strdup(path);
    FREE_AUTO char *full = NULL;
    if (asprintf(&full, "%s/%s/.vmxfs/check", vfs->options.mountpoint, path) < 0)
        full = NULL;
    if (!field || !full)
        return -ENOMEM;
    bool odd = path[strcspn(path, "\t\r\n")] != '\0';
    for (char *at = field; (at = strpbrk(at, "\t\r\n"));)
        *at = '?';
    int r = buf_addf(ret, "\t%s\t%zu PASS, %zu WARN, %zu FAIL, %zu UNKNOWN\t", field,
                     check->count[VMX_PASS], check->count[VMX_WARN], check->count[VMX_FAIL],
                     check->count[VMX_UNKNOWN]);
    if (r == 0)
        r = buf_add_str(ret, odd ? "-" : "cat ");
    if (r == 0 && !odd)
        r = add_quoted(ret, full);
    return r == 0 ? buf_add_char(ret, '\n') : r;
}

/* shown: the path with the names that people use. */
static int survey_one(struct survey *s, const char *path, const char *shown)
{
    DOCUMENT_AUTO *doc = NULL;
    struct vmx_check check = {0};
    struct vfs *vfs = s->c->vfs;
    go_on_waiting(s->c);
    int r = remote_document(vfs->remote, path, remote_options(vfs->remote)->cache_timeout_ms,
                            &s->c->wait, &doc);
    if (r == -ENOENT || r == -EMEDIUMTYPE || r == -EACCES)
        return 0;
    if (r == 0)
        r = vmx_check_run(doc->dict, &(struct vmx_around){&vfs->profiles, NULL, NULL}, ".", ".",
                          NULL, &check);
    if (r < 0)
        return r;
    s->count[check.worst]++;
    r = buf_add_str(s->report, severity_name(check.worst));
    return r == 0 ? add_place(vfs, shown, &check, s->report) : r;
}

static int survey_dir(struct survey *s, const char *dir, const char *shown_dir, int depth)
{
    enum { DEPTH_MAX = 16 };
    LISTING_AUTO *l = NULL;
    struct vfs *vfs = s->c->vfs;
    go_on_waiting(s->c);
    int r = remote_list(vfs->remote, dir, remote_options(vfs->remote)->cache_timeout_ms,
                        &s->c->wait, &l);
    if (r == -EACCES || r == -ENOENT)
        return 0;
    for (size_t i = 0; r == 0 && i < l->n; i++) {
        const struct listing_entry *e = &l->entries[i];
        FREE_AUTO char *path = path_join(dir, e->name);
        FREE_AUTO char *shown = path_join(shown_dir, e->link ? e->link : e->name);
        if (!path || !shown)
            return -ENOMEM;
        if (S_ISDIR(e->attrs.mode) && depth < DEPTH_MAX)
            r = survey_dir(s, path, shown, depth + 1);
        else if (remote_is_vmx(vfs->remote, e->name, &e->attrs))
            r = survey_one(s, path, shown);
    }
    return r;
}

static int root_check_show(struct call *c, struct node *n, struct buf *ret)
{
    (void)n;
    struct survey s = {.c = c, .report = ret};
    int r = survey_dir(&s, "", "", 0);
    if (r < 0)
        return r;
    return buf_addf(ret, "# %zu VMs PASS, %zu WARN, %zu FAIL, %zu UNKNOWN\n", s.count[VMX_PASS],
                    s.count[VMX_WARN], s.count[VMX_FAIL], s.count[VMX_UNKNOWN]);
}

const struct control root_check_control = {.name = "check", .mode = 0444, .show = root_check_show};
