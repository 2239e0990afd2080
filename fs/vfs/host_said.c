/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <limits.h>

#include "base/clock.h"
#include "host_views.h"
#include "parser/safe_text.h"

int host_said(struct call *c, int64_t max_age_ms, const struct host_facts **ret)
{
    if (!c->vfs->host)
        return -EOPNOTSUPP;
    int age = max_age_ms < INT_MAX ? (int)max_age_ms : INT_MAX;
    return host_facts(c->vfs->host, age, &c->wait, ret);
}

int host_said_if_any(struct call *c, const struct host_facts **ret)
{
    int r = host_said(c, cache_ms(c), ret);
    if (r < 0)
        go_on_waiting(c);
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

void go_on_waiting(struct call *c)
{
    c->wait.deadline = clock_ms() + remote_options(c->vfs->remote)->timeout_ms;
}

int host_add_line(struct buf *ret, const char *text)
{
    int r = safe_text_add(ret, span_of(text && text[0] ? text : "unknown"));
    return r == 0 ? buf_add_char(ret, '\n') : r;
}

int refuse_host(struct call *c, const char *path, const char *key, int r, const struct why *why)
{
    struct vmx_diag diag = {0};
    if (r == -EREMOTEIO)
        r = -EIO;
    if (why->text[0])
        vmx_diag_set(&diag, 0, 0, "%s", why->text);
    else if (r == -EOPNOTSUPP)
        vmx_diag_set(&diag, 0, 0, "the server is no ESXi host, or runs no commands");
    return refuse(c, path, key, r, &diag);
}
