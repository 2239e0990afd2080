/* SPDX-License-Identifier: MIT */
#include "host_view.h"

#include <errno.h>

#include "base/clock.h"
#include "parser/text/safe_text.h"
#include "vfs/refuse.h"

int host_said(struct request *rq, int max_age_ms, const struct host_facts **ret)
{
    return host_facts(rq->vfs->host, max_age_ms, &rq->wait, ret);
}

int host_said_if_any(struct request *rq, const struct host_facts **ret)
{
    int r = host_said(rq, cache_ms(rq), ret);
    if (r < 0)
        go_on_waiting(rq);
    return r == -EINTR || r == -ENOMEM ? r : 0;
}

struct vmx_around around_vm(const struct vfs *vfs, const struct host_facts *facts, const char *path,
                            struct vmx_host_vm *vm)
{
    struct vmx_around around = around_alone(vfs);
    if (facts) {
        host_about_vm(facts, path, vm);
        around.host = &facts->host;
        around.vm = vm;
    }
    return around;
}

void go_on_waiting(struct request *rq)
{
    rq->wait.deadline = clock_ms() + remote_options(rq->vfs->remote)->timeout_ms;
}

const char *vm_power_word(const struct host_facts *facts, const struct host_vm *vm,
                          const struct vmx_dict *dict)
{
    BUF_AUTO state = {0};
    if (vm && vm->running)
        return "on";
    if (dict && vmx_dict_get(dict, SPAN_LITERAL("checkpoint.vmState"), &state) == 0 &&
        state.len > 0)
        return "suspended";
    return vm && dict && facts && facts->running_known ? "off" : "unknown";
}

int host_add_line(struct buf *ret, const char *text)
{
    return safe_text_add(ret, span_of(text && text[0] ? text : "unknown"))
               ?: buf_add_char(ret, '\n');
}

int refuse_host(struct request *rq, const char *path, const char *key, int r,
                const struct diag *why)
{
    struct diag diag = *why;
    if (r == -EREMOTEIO)
        r = -EIO;
    if (!why->text[0] && r == -EOPNOTSUPP)
        diag_set(&diag, "the server is no ESXi host, or runs no commands");
    return refuse(rq, path, key, r, &diag);
}
