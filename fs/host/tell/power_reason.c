/* SPDX-License-Identifier: MIT */
#include "power_reason.h"

#include <errno.h>

#include "parser/text/safe_text.h"
#include "parser/why/fault.h"
#include "vm_tasks.h"

static bool says(struct span said, struct span what)
{
    return said.n > 0 && memmem(said.p, said.n, what.p, what.n) != NULL;
}

static int add_reason(struct host *host, const char *id, struct buf *said, const struct wait *wait,
                      struct buf *ret)
{
    BUF_AUTO reason = {0};
    int r = vmx_fault_reason(buf_span(said), &reason);
    if (r == -ENOENT) {
        r = vm_task_error(host, id, wait, &reason);
        r = r ?: buf_addf(said, "\n%s\n", reason.data);
    }
    if (r == -ENOENT)
        r = buf_add_str(&reason, "the host gives no reason");
    return r ?: safe_text_add(ret, buf_span(&reason));
}

int power_reason(struct host *host, const char *id, struct buf *said, const struct wait *wait,
                 struct diag *why)
{
    BUF_AUTO reason = {0};
    if (says(buf_span(said), SPAN_LITERAL("vim.fault.ToolsUnavailable"))) {
        diag_set(why,
                 "the guest cannot be asked to shut down: VMware Tools does not run in it; "
                 "shut it down from within, or write off, which cuts its power");
        return -EOPNOTSUPP;
    }
    if (add_reason(host, id, said, wait, &reason) < 0)
        return -ENOMEM;
    diag_set(why, "%.400s", reason.data);
    if (says(buf_span(said), SPAN_LITERAL("msg.pciPassthru.noSuspend")))
        return -EOPNOTSUPP;
    bool busy = says(buf_span(said), SPAN_LITERAL("another task is in progress")) ||
                says(buf_span(said), SPAN_LITERAL("vim.fault.TaskInProgress"));
    return busy ? -EBUSY : -EREMOTEIO;
}
