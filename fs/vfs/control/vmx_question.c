/* SPDX-License-Identifier: MIT */
/* NAME.vmx/.vmxfs/question and guest: what the VM asks, and what its guest says of itself. */
#include <errno.h>

#include "base/cleanup.h"
#include "host/tell/question.h"
#include "parser/text/safe_text.h"
#include "parser/text/text.h"
#include "vfs/host/host_view.h"
#include "vfs/node/node_path.h"

static int add_question(const struct vm_question *question, struct buf *ret)
{
    struct span text = buf_span(&question->text);
    struct span line;
    int r = 0;
    while (r == 0 && text_line(&text, &line))
        r = safe_text_add(ret, line) ?: buf_add_char(ret, '\n');
    for (size_t i = 0; r == 0 && i < question->n; i++)
        r = question_add_choice(&question->choices[i], ret) ?: buf_add_char(ret, '\n');
    return r;
}

int question_show(struct request *rq, struct node *n, struct buf *ret)
{
    struct diag why = {0};
    struct vm_question question = {0};
    FREE_AUTO char *path = vmx_path_above(rq, n);
    int r = path ? host_question(rq->vfs->host, path, &rq->wait, &question, &why) : -ENOMEM;
    if (r < 0)
        return r == -ENOENT ? 0 : refuse_host(rq, path, "question", r, &why);
    r = add_question(&question, ret);
    vm_question_done(&question);
    return r;
}

int question_store(struct request *rq, struct node *n, struct span line)
{
    struct diag why = {0};
    FREE_AUTO char *path = vmx_path_above(rq, n);
    int r = path ? host_answer(rq->vfs->host, path, line, &rq->wait, &why) : -ENOMEM;
    return refuse_host(rq, path, "question", r, &why);
}

static int add_field(struct buf *ret, const char *name, const char *value)
{
    return buf_addf(ret, "%s: ", name)
        ?: safe_text_add(ret, span_of(value[0] ? value : "-"))
        ?: buf_add_char(ret, '\n');
}

int guest_show(struct request *rq, struct node *n, struct buf *ret)
{
    struct diag why = {0};
    struct vm_guest guest;
    FREE_AUTO char *path = vmx_path_above(rq, n);
    int r = path ? host_guest(rq->vfs->host, path, &rq->wait, &guest, &why) : -ENOMEM;
    if (r < 0)
        return r == -ENOENT ? 0 : refuse_host(rq, path, "guest", r, &why);
    return add_field(ret, "tools", guest.tools)
        ?: add_field(ret, "host-name", guest.host_name)
        ?: add_field(ret, "address", guest.address);
}
