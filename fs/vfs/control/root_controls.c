/* SPDX-License-Identifier: MIT */
/* The control files of the whole mount: status, errors, transfers, check, profiles/NAME. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "parser/check/check.h"
#include "parser/text/safe_text.h"
#include "remote/in_use/suspend_image.h"
#include "parser/text/shell_word.h"
#include "remote/file/transfers.h"
#include "remote/names/shown_names.h"
#include "vfs/host/host_view.h"
#include "vfs/next/next.h"
#include "vm_walk.h"
#include "vmx_log.h"

/* The server's words (its version, the reason of a loss) are among these lines. */
static int add_safe_lines(struct buf *ret, const struct buf *lines)
{
    int r = 0;
    for (size_t at = 0; r == 0 && at < lines->len;) {
        size_t n = strcspn(lines->data + at, "\n");
        r = safe_text_add(ret, (struct span){lines->data + at, n}) ?: buf_add_char(ret, '\n');
        at += n + 1;
    }
    return r;
}

int status_show(struct request *rq, struct node *n, struct buf *ret)
{
    (void)n;
    BUF_AUTO lines = {0};
    int r = buf_addf(&lines, "version: %s\nmounted: %s\n", VMXFS_VERSION,
                   rq->vfs->options.read_only ? "read-only" : "read-write")
        ?: sftp_describe(remote_sftp(rq->vfs->remote), &lines)
        ?: remote_describe(rq->vfs->remote, &lines)
        ?: host_describe(rq->vfs->host, &lines);
    return r ?: add_safe_lines(ret, &lines);
}

int errors_show(struct request *rq, struct node *n, struct buf *ret)
{
    (void)n;
    return journal_print(rq->vfs->journal, NULL, NULL, ret);
}

int profile_text_show(struct request *rq, struct node *n, struct buf *ret)
{
    const struct vmx_profile *profile = vmx_profiles_find(&rq->vfs->profiles, span_of(n->name));
    return profile ? buf_add(ret, vmx_profile_text(profile)) : -ENOENT;
}

/* ---- transfers: one line for each that runs */

static int add_transfer(struct remote *remote, const struct transfer *t, struct buf *ret)
{
    enum { MB = 1000 * 1000 };
    BUF_AUTO shown = {0};
    int r = remote_add_shown(remote, t->path, &shown)
                ?: safe_text_add(ret, buf_span(&shown))
                ?: buf_addf(ret, "\t%s\t%" PRIu64 "\t", t->way == TRANSFER_READ ? "read" : "write",
                            t->done);
    if (r == 0 && t->size > 0)
        r = buf_addf(ret, "%" PRIu64, t->size);
    else if (r == 0)
        r = buf_add_char(ret, '-');
    r = r ?: buf_addf(ret, "\t%.1f\t", t->rate / MB);
    if (r == 0 && t->size > 0 && t->rate >= 1)
        r = buf_addf(ret, "%.0f", (double)(t->size - t->done) / t->rate);
    else if (r == 0)
        r = buf_add_char(ret, '-');
    return r ?: buf_add_char(ret, '\n');
}

int transfers_show(struct request *rq, struct node *n, struct buf *ret)
{
    (void)n;
    struct remote *remote = rq->vfs->remote;
    struct transfer *transfers = NULL;
    size_t number = 0;
    int r = remote_transfers(remote, &transfers, &number)
                ?: buf_add_str(ret, "# path\tdirection\tdone\tsize\tmb/s\teta\n");
    for (size_t i = 0; r == 0 && i < number; i++)
        r = add_transfer(remote, &transfers[i], ret);
    transfers_free(transfers, number);
    return r;
}

/* ---- check: one line for each VM below the root */

struct root_check {
    struct vm_walk survey;
    const struct host_facts *facts; /* once for all; or NULL */
    struct buf *report;
    size_t count[VMX_SEVERITIES]; /* VMs, by their worst; none has a NOTE as such */
};

/* The path as a field, and a command that shows the whole report. */
static int add_place(const struct vfs *vfs, const char *path, const struct vmx_check *check,
                     struct buf *ret)
{
    BUF_AUTO full = {0};
    int r = buf_addf(&full, "%s/%s/.vmxfs/check", vfs->options.mountpoint, path);
    r = r
        ?: buf_add_char(ret, '\t')
        ?: safe_text_add(ret, span_of(path))
        ?: buf_add_char(ret, '\t')
        ?: vmx_check_add_counts(check, ret)
        ?: buf_add_char(ret, '\t')
        ?: buf_add_str(ret, "cat ")
        ?: shell_word_add(ret, buf_span(&full));
    return r ?: buf_add_char(ret, '\n');
}

static int see_vmx(struct vm_walk *s, const char *path, const char *shown,
                   const struct vmx_dict *dict)
{
    struct root_check *all = (struct root_check *)s;
    struct vmx_check check = {0};
    const struct vfs *vfs = s->rq->vfs;
    struct vmx_host_vm vm = {0};
    START_AUTO start = {0};
    NEXT_AUTO next = {0};
    struct vmx_around around = around_vm(vfs, all->facts, path, &vm);
    around.next = &next;
    around.image_gone = remote_image_is_gone(vfs->remote, path, dict, &s->rq->wait);
    int r = vmx_log_start(s->rq, path, dict, &around, &start)
                ?: next_of_vm(s->rq, path, dict, true, &next)
                ?: vmx_check_run(dict, &around, ".", ".", NULL, &check);
    if (r < 0)
        return r;
    all->count[check.worst]++;
    return buf_add_str(all->report, vmx_severity_name(check.worst))
               ?: add_place(vfs, shown, &check, all->report);
}

int root_check_show(struct request *rq, struct node *n, struct buf *ret)
{
    (void)n;
    FACTS_AUTO *facts = NULL;
    struct root_check all = {.survey = {.rq = rq, .see = see_vmx}, .report = ret};
    int r = host_said_if_any(rq, &facts);
    all.facts = facts;
    r = r ?: vm_walk_run(&all.survey);
    if (r < 0)
        return r;
    return buf_addf(ret, "# %zu VMs PASS, %zu WARN, %zu FAIL, %zu UNKNOWN\n", all.count[VMX_PASS],
                    all.count[VMX_WARN], all.count[VMX_FAIL], all.count[VMX_UNKNOWN]);
}
