/* SPDX-License-Identifier: MIT */
#include "vm_tasks.h"

#include <errno.h>
#include <stdlib.h>

#include "parser/text/text.h"

/* Asks for each task of the VM, the last one first, until see says that it has seen enough (1).
 * Tasks that the host has forgotten meanwhile are passed over. 0, 1, -errno. */
static int each_task(struct host *host, const char *id, const struct wait *wait,
                     int (*see)(void *ctx, const struct vm_task *task), void *ctx)
{
    char names[TASKS_MAX][TASK_NAME_MAX];
    BUF_AUTO list = {0};
    struct diag why = {0};
    int status = 0;
    const char *const words[] = {"vim-cmd", "vmsvc/get.tasklist", id, NULL};
    int r = exec_ask(host->exec, words, wait, &list, &status, &why);
    if (r == 0 && status != 0)
        r = -EIO;
    size_t n = r == 0 ? parse_task_names(buf_span(&list), names) : 0;
    while (r == 0 && n > 0) {
        const char *const info[] = {"vim-cmd", "vimsvc/task_info", names[--n], NULL};
        BUF_AUTO text = {0};
        struct vm_task task = {0};
        r = exec_ask(host->exec, info, wait, &text, &status, &why);
        if (r == 0 && status == 0 && parse_task(buf_span(&text), &task) == 0)
            r = see(ctx, &task);
        buf_done(&task.error);
    }
    return r;
}

static int see_busy(void *ctx, const struct vm_task *task)
{
    (void)ctx;
    return task->is_under_way;
}

int vm_is_busy(struct host *host, const char *id, const struct wait *wait)
{
    return each_task(host, id, wait, see_busy, NULL);
}

static int see_error(void *ctx, const struct vm_task *task)
{
    if (!task->has_failed || task->error.len == 0)
        return 0;
    return buf_add(ctx, buf_span(&task->error)) ?: 1;
}

int vm_task_error(struct host *host, const char *id, const struct wait *wait, struct buf *ret)
{
    int r = each_task(host, id, wait, see_error, ret);
    return r == 1 ? 0 : r == -ENOMEM ? r : -ENOENT;
}

struct description {
    struct buf *lines;
    time_t now; /* by the host's clock; 0: not known */
};

static bool has_line(const struct buf *lines, const char *what)
{
    struct span rest = buf_span(lines);
    struct span line;
    bool has = false;
    while (!has && text_line(&rest, &line))
        has = span_starts_with(line, span_of(what)) && line.n > strlen(what) &&
              line.p[strlen(what)] == ' ';
    return has;
}

static int see_task(void *ctx, const struct vm_task *task)
{
    const struct description *d = ctx;
    if (!task->is_under_way || has_line(d->lines, task->what))
        return 0;
    if (d->now == 0 || task->began == 0 || d->now < task->began)
        return buf_addf(d->lines, "%s\n", task->what);
    return buf_addf(d->lines, "%s %lld s\n", task->what, (long long)(d->now - task->began));
}

time_t vm_host_now(struct host *host, const struct wait *wait)
{
    BUF_AUTO text = {0};
    struct diag why = {0};
    int status = 0;
    const char *const words[] = {"date", "-u", "+%s", NULL};
    int r = exec_ask(host->exec, words, wait, &text, &status, &why);
    const time_t now =
        r == 0 && status == 0 && text.data ? (time_t)strtoll(text.data, NULL, 10) : 0;
    if (now > 0)
        remote_tell_date(host->remote, now);
    return now;
}

int vm_tasks_describe(struct host *host, const char *id, const struct wait *wait, struct buf *ret)
{
    struct description d = {.lines = ret, .now = vm_host_now(host, wait)};
    return each_task(host, id, wait, see_task, &d);
}
