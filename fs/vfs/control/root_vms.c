/* SPDX-License-Identifier: MIT */
/*
 * .vmxfs/vms: a table of all VMs, those that are registered on the host and those whose .vmx is
 * below the root. TAB-separated: power, id, registered, profile, path. What is not known is "-", of
 * power "unknown".
 */
#include <errno.h>
#include <string.h>

#include "parser/text/list.h"
#include "parser/text/safe_text.h"
#include "vfs/host/host_view.h"
#include "vm_walk.h"

struct table {
    struct vm_walk survey;
    const struct host_facts *facts; /* NULL: nothing is known */
    bool *seen;                     /* for each of the host's VMs: its .vmx was found */
    char **rows;                    /* the path is last, and holds no TAB */
    size_t n;
};

/* Takes over what it holds. */
static int add_row(struct table *t, struct buf *row)
{
    char **rows = list_room(t->rows, t->n, sizeof(*rows));
    if (!rows)
        return -ENOMEM;
    t->rows = rows;
    t->rows[t->n++] = buf_steal(row);
    return rows[t->n - 1] ? 0 : -ENOMEM;
}

/* The profile that passthrough-profile shows in brackets. */
static int add_profile(struct table *t, const struct vmx_dict *dict, struct buf *ret)
{
    BUF_AUTO state = {0};
    const struct vmx_around around = around_alone(t->survey.rq->vfs);
    int r = vmx_plan_state(dict, &around, &state);
    const char *open = r == 0 ? strchr(state.data, '[') : NULL;
    const char *close = open ? strchr(open, ']') : NULL;
    if (r < 0)
        return r;
    return close ? safe_text_add(ret, (struct span){open + 1, (size_t)(close - open - 1)})
                 : buf_add_char(ret, '-');
}

/* vm: NULL if it is not registered; dict: NULL if its .vmx was not found. */
static const char *power_of(const struct table *t, const struct host_vm *vm,
                            const struct vmx_dict *dict)
{
    BUF_AUTO state = {0};
    if (vm && vm->running)
        return "on";
    if (dict && vmx_dict_get(dict, SPAN_LITERAL("checkpoint.vmState"), &state) == 0 &&
        state.len > 0)
        return "suspended";
    return vm && dict && t->facts->running_known ? "off" : "unknown";
}

static int see_vmx(struct vm_walk *s, const char *path, const char *shown,
                   const struct vmx_dict *dict)
{
    struct table *t = (struct table *)s;
    BUF_AUTO row = {0};
    const struct host_vm *vm = t->facts ? host_facts_vm(t->facts, path) : NULL;
    if (vm)
        t->seen[vm - t->facts->vms] = true;
    int r = buf_addf(&row, "%s\t", power_of(t, vm, dict));
    if (r == 0 && vm)
        r = buf_addf(&row, "%lu\tyes\t", vm->id);
    else if (r == 0)
        r = buf_addf(&row, "-\t%s\t", t->facts && t->facts->vms_known ? "no" : "-");
    return r
        ?: add_profile(t, dict, &row)
        ?: buf_add_char(&row, '\t')
        ?: safe_text_add(&row, span_of(shown))
        ?: add_row(t, &row);
}

/* Where a VM is whose .vmx was not found. */
static int add_place(const struct host_vm *vm, struct buf *ret)
{
    BUF_AUTO outside = {0};
    if (!vm->valid)
        return buf_add_char(ret, '-');
    if (vm->path)
        return safe_text_add(ret, span_of(vm->shown));
    return buf_addf(&outside, "[%s] %s", vm->datastore, vm->file)
               ?: safe_text_add(ret, span_of(outside.data));
}

/* Those that the host lists and whose .vmx is not below the root, or not there. */
static int add_others(struct table *t)
{
    int r = 0;
    for (size_t i = 0; r == 0 && t->facts && i < t->facts->n_vms; i++) {
        const struct host_vm *vm = &t->facts->vms[i];
        BUF_AUTO row = {0};
        if (t->seen[i])
            continue;
        r = buf_addf(&row, "%s\t%lu\t%s\t-\t", power_of(t, vm, NULL), vm->id,
                       vm->valid ? "yes" : "invalid")
            ?: add_place(vm, &row)
            ?: add_row(t, &row);
    }
    return r;
}

static int by_path(const void *a, const void *b)
{
    return strcmp(strrchr(*(char *const *)a, '\t'), strrchr(*(char *const *)b, '\t'));
}

static int print(struct table *t, struct buf *ret)
{
    int r = 0;
    if (t->n > 0)
        qsort(t->rows, t->n, sizeof(*t->rows), by_path);
    for (size_t i = 0; r == 0 && i < t->n; i++)
        r = buf_addf(ret, "%s\n", t->rows[i]);
    return r;
}

int root_vms_show(struct request *rq, struct node *n, struct buf *ret)
{
    (void)n;
    FACTS_AUTO *facts = NULL;
    struct table t = {.survey = {.rq = rq, .see = see_vmx}};
    int r = host_said_if_any(rq, &facts);
    t.facts = facts;
    if (r == 0 && facts) {
        t.seen = calloc(facts->n_vms + 1, sizeof(*t.seen));
        r = t.seen ? 0 : -ENOMEM;
    }
    r = r ?: vm_walk_run(&t.survey) ?: add_others(&t) ?: print(&t, ret);
    for (size_t i = 0; i < t.n; i++)
        free(t.rows[i]);
    free(t.rows);
    free(t.seen);
    return r;
}
