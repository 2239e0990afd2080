/* SPDX-License-Identifier: MIT */
/*
 * .vmxfs/vms: a table of all VMs, those that are registered on the host and those whose .vmx is
 * below the root. Its first line names the columns. What is not known is "-", of power "unknown".
 */
#include <errno.h>
#include <string.h>

#include "parser/device/passed.h"
#include "parser/document/value.h"
#include "parser/text/list.h"
#include "parser/text/safe_text.h"
#include "vfs/host/host_view.h"
#include "vfs/next/next.h"
#include "vm_walk.h"

static const char columns[] =
    "# power\tid\tregistered\tprofile\tpath\tmemory-mb\tcpus\tgpus\tpending\n";

struct row {
    char *text;
    size_t path; /* where that column is in the text; it holds no TAB */
};

struct table {
    struct vm_walk survey;
    const struct host_facts *facts; /* NULL: nothing is known */
    bool *seen;                     /* for each of the host's VMs: its .vmx was found */
    struct row *rows;
    size_t n;
};

/* Takes over what it holds. */
static int add_row(struct table *t, struct buf *row, size_t path)
{
    struct row *rows = list_room(t->rows, t->n, sizeof(*rows));
    if (!rows)
        return -ENOMEM;
    t->rows = rows;
    rows[t->n++] = (struct row){buf_steal(row), path};
    return rows[t->n - 1].text ? 0 : -ENOMEM;
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

/* A number that VMware takes. otherwise: what it is where the setting is missing. */
static int add_number(const struct vmx_dict *dict, const char *key, const char *otherwise,
                      struct buf *ret)
{
    BUF_AUTO value = {0};
    long long number = 0;
    int r = vmx_dict_get(dict, span_of(key), &value);
    if (r == -ENOENT)
        return buf_add_str(ret, otherwise);
    if (r == 0 && vmx_value_int(buf_span(&value), &number) && number > 0)
        return buf_addf(ret, "%lld", number);
    return r ?: buf_add_char(ret, '-');
}

/* Whether the host says that the device is something else. */
static bool is_no_gpu(const struct table *t, const struct vmx_passed_device *device)
{
    const struct vmx_host_pci *pci =
        t->facts ? vmx_host_find(&t->facts->host, &device->address) : NULL;
    return pci && pci->class >= 0 && !vmx_host_is_display(pci);
}

static int add_gpu(const struct table *t, const struct vmx_passed_device *device, bool first,
                   struct buf *ret)
{
    if (device->vgpu.len == 0 && (!device->has_address || is_no_gpu(t, device)))
        return 0;
    int r = buf_add_str(ret, first ? "" : ",");
    if (r < 0 || device->vgpu.len == 0)
        return r ?: vmx_pci_add_address(&device->address, ret);
    return buf_add_str(ret, "vgpu:") ?: safe_field_add(ret, buf_span(&device->vgpu), ',');
}

static int add_gpus(const struct table *t, const struct vmx_dict *dict, struct buf *ret)
{
    PASSED_AUTO passed = {0};
    size_t before = ret->len;
    int r = vmx_passed_find(dict, &passed);
    for (size_t i = 0; r == 0 && i < passed.n; i++) {
        if (vmx_passed_is_first(&passed, i))
            r = add_gpu(t, &passed.items[i], ret->len == before, ret);
    }
    return r == 0 && ret->len == before ? buf_add_char(ret, '-') : r;
}

/* How many settings wait until the VM is off. */
static int add_pending(const struct table *t, const char *path, const struct vmx_dict *dict,
                       struct buf *ret)
{
    NEXT_AUTO next = {0};
    size_t waits = 0;
    size_t changed = 0;
    int r = next_of_vm(t->survey.rq, path, dict, true, &next)
        ?: vmx_next_count(&next, dict, VMX_NEXT_WAITS, &waits)
        ?: vmx_next_count(&next, dict, VMX_NEXT_CHANGED, &changed);
    if (r < 0)
        return r;
    return waits + changed > 0 ? buf_addf(ret, "%zu", waits + changed) : buf_add_char(ret, '-');
}

/* The columns behind the path. */
static int add_rest(const struct table *t, const char *path, const struct vmx_dict *dict,
                    struct buf *ret)
{
    return buf_add_char(ret, '\t')
        ?: add_number(dict, "memSize", "-", ret)
        ?: buf_add_char(ret, '\t')
        ?: add_number(dict, "numvcpus", "1", ret)
        ?: buf_add_char(ret, '\t')
        ?: add_gpus(t, dict, ret)
        ?: buf_add_char(ret, '\t')
        ?: add_pending(t, path, dict, ret);
}

static int see_vmx(struct vm_walk *s, const char *path, const char *shown,
                   const struct vmx_dict *dict)
{
    struct table *t = (struct table *)s;
    BUF_AUTO row = {0};
    const struct host_vm *vm = t->facts ? host_facts_vm(t->facts, path) : NULL;
    const struct host_vm *entry = vm ? vm : t->facts ? host_facts_invalid(t->facts, path) : NULL;
    if (entry)
        t->seen[entry - t->facts->vms] = true;
    int r = buf_addf(&row, "%s\t", vm_power_word(t->facts, vm, dict));
    if (r == 0 && entry)
        r = buf_addf(&row, "%lu\t%s\t", entry->id, vm ? "yes" : "invalid");
    else if (r == 0)
        r = buf_addf(&row, "-\t%s\t", t->facts && t->facts->vms_known ? "no" : "-");
    r = r ?: add_profile(t, dict, &row) ?: buf_add_char(&row, '\t');
    size_t at = row.len;
    return r
        ?: safe_text_add(&row, span_of(shown))
        ?: add_rest(t, path, dict, &row)
        ?: add_row(t, &row, at);
}

/* Where a VM is whose .vmx was not found. */
static int add_place(const struct host_vm *vm, struct buf *ret)
{
    BUF_AUTO outside = {0};
    if (vm->path)
        return safe_text_add(ret, span_of(vm->shown));
    if (!vm->valid)
        return buf_add_char(ret, '-');
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
        r = buf_addf(&row, "%s\t%lu\t%s\t-\t", vm_power_word(t->facts, vm, NULL), vm->id,
                     vm->valid ? "yes" : "invalid");
        size_t at = row.len;
        r = r ?: add_place(vm, &row) ?: buf_add_str(&row, "\t-\t-\t-\t-") ?: add_row(t, &row, at);
    }
    return r;
}

static int by_path(const void *a, const void *b)
{
    const struct row *x = a;
    const struct row *y = b;
    return strcmp(x->text + x->path, y->text + y->path);
}

static int print(struct table *t, struct buf *ret)
{
    int r = buf_add_str(ret, columns);
    if (t->n > 0)
        qsort(t->rows, t->n, sizeof(*t->rows), by_path);
    for (size_t i = 0; r == 0 && i < t->n; i++)
        r = buf_addf(ret, "%s\n", t->rows[i].text);
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
        free(t.rows[i].text);
    free(t.rows);
    free(t.seen);
    return r;
}
