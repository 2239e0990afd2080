/* SPDX-License-Identifier: MIT */
/* NAME.vmx/.vmxfs/power, task and reload: what the host does with the VM. */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "host/tell/power.h"
#include "parser/text/shell_word.h"
#include "remote/cache/document.h"
#include "vfs/host/host_view.h"
#include "vfs/next/next.h"
#include "vfs/node/node_path.h"
#include "vfs/ops/interrupt.h"
#include "vfs/refuse.h"

/* ---- power */

static const struct {
    const char *word;
    enum host_power_command command;
} commands[] = {
    {"on", HOST_POWER_ON},       {"shutdown", HOST_POWER_SHUTDOWN}, {"off", HOST_POWER_OFF},
    {"reset", HOST_POWER_RESET}, {"suspend", HOST_POWER_SUSPEND},
};

static const char *power_word(enum vmx_power power)
{
    static const char *const words[] = {[VMX_POWER_UNKNOWN] = "unknown",
                                        [VMX_POWER_OFF] = "off",
                                        [VMX_POWER_ON] = "on",
                                        [VMX_POWER_SUSPENDED] = "suspended"};
    return words[power];
}

/* A host that is there and does not say leaves it unknown: a script compares one word. */
int power_show(struct request *rq, struct node *n, struct buf *ret)
{
    struct diag why = {0};
    enum vmx_power power = VMX_POWER_UNKNOWN;
    FREE_AUTO char *path = vmx_path_above(rq, n);
    int r = path ? host_power(rq->vfs->host, path, &rq->wait, &power, &why) : -ENOMEM;
    if (r == -EOPNOTSUPP || r == -EINTR || r == -ENOMEM)
        return refuse_host(rq, path, "power", r, &why);
    if (r < 0 && r != -ENXIO)
        refuse_host(rq, path, "power", r, &why);
    return buf_addf(ret, "%s\n", power_word(r == 0 ? power : VMX_POWER_UNKNOWN));
}

/* What helps, as a command on a file beside power. */
static void add_command(struct request *rq, const char *path, const char *verb, const char *name,
                        struct diag *why)
{
    BUF_AUTO control = {0};
    BUF_AUTO command = {0};
    int r = path_add_mounted(rq, path, &control)
                ?: buf_addf(&control, "/" CONTROL_NAME "/%s", name)
                ?: buf_addf(&command, "%s; %s ", why->text, verb)
                ?: shell_word_add(&command, buf_span(&control));
    if (r == 0 && command.len < sizeof(why->text))
        diag_set(why, "%s", command.data);
}

/* A wait that may take minutes also ends when the mount does. */
static bool is_over(void *ctx)
{
    const struct request *rq = ctx;
    return is_interrupted(ctx) || fuse_session_exited(rq->vfs->session);
}

/* What waits is in place before the VM starts. What became of that is known, so that the wait for
 * the VM can be interrupted again. */
static int prepare_on(struct request *rq, const char *path, struct wait *wait, struct diag *why)
{
    int r = next_before_power_on(rq, path, why);
    rq->committed = false;
    go_on_waiting(rq);
    wait->deadline = rq->wait.deadline;
    return r;
}

static int carry_out(struct request *rq, const char *path, struct span line, struct diag *why)
{
    static const struct span nowait = {" nowait", sizeof(" nowait") - 1};
    const bool at_once = span_ends_with(line, nowait);
    struct wait wait = rq->wait;
    bool asks = false;
    wait.interrupted = is_over;
    if (at_once)
        line.n -= nowait.n;
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        if (!span_eq(line, span_of(commands[i].word)))
            continue;
        int r = commands[i].command == HOST_POWER_ON ? prepare_on(rq, path, &wait, why) : 0;
        if (r < 0)
            return r;
        r = host_power_set(rq->vfs->host, path, commands[i].command, at_once, &wait, &asks, why);
        if (asks)
            add_command(rq, path, "cat", "question", why);
        else if (r == -ENXIO)
            add_command(rq, path, "echo 1 >", "registered", why);
        else if (r == -EREMOTEIO && commands[i].command == HOST_POWER_ON)
            add_command(rq, path, "cat", "why", why);
        return r;
    }
    return diag_set(why, "write on, shutdown, off, reset or suspend, or one of them and nowait");
}

/* The host has written settings of its own into the .vmx, and may have dropped others. What is
 * cached of it is old, and the kernel is told so when that is found. */
static void look_anew(struct request *rq, const char *path)
{
    DOCUMENT_AUTO *doc = NULL;
    go_on_waiting(rq);
    int r = remote_document(rq->vfs->remote, path, 0, &rq->wait, &doc);
    if (r < 0)
        log_debug("power: %s: %s", path, strerror(-r));
}

int power_store(struct request *rq, struct node *n, struct span line)
{
    struct diag why = {0};
    FREE_AUTO char *path = vmx_path_above(rq, n);
    int r = path ? carry_out(rq, path, line, &why) : -ENOMEM;
    if (path)
        next_power_changed(rq->vfs, path);
    if (r == 0)
        look_anew(rq, path);
    return refuse_host(rq, path, "power", r, &why);
}

int task_show(struct request *rq, struct node *n, struct buf *ret)
{
    struct diag why = {0};
    FREE_AUTO char *path = vmx_path_above(rq, n);
    int r = path ? host_tasks(rq->vfs->host, path, &rq->wait, ret, &why) : -ENOMEM;
    return refuse_host(rq, path, "task", r, &why);
}

/* ---- reload */

/* Whatever is written, it is reloaded. */
int reload_store(struct request *rq, struct node *n, struct span line)
{
    (void)line;
    struct diag why = {0};
    FREE_AUTO char *path = vmx_path_above(rq, n);
    int r = path ? host_reload(rq->vfs->host, path, &rq->wait, &why) : -ENOMEM;
    return refuse_host(rq, path, "reload", r, &why);
}
