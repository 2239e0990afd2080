/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as what a host prints, to every parser, and as all of its answers together, parted by
 * lines "----": what they make of it is whole, and can be asked about.
 */
#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "host/facts/inventory.h"
#include "host/facts/parse.h"
#include "host/facts/parse_vm.h"
#include "parser/vm/passthrough.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef int parser(struct span text, struct host_facts *ret);

static parser *const parsers[] = {
    parse_version,  parse_uuid,         parse_platform, parse_cpu_list, parse_cpu_global,
    parse_pci_list, parse_pci_passthru, parse_vms,      parse_running,  parse_stores};

enum { PARSERS = sizeof(parsers) / sizeof(parsers[0]) };

/* Each function once, the one itself first, and none that is a bridge. */
static void check_passthrough(const struct vmx_host *host, const struct vmx_host_pci *pci)
{
    for (int on = 0; on < 2; on++) {
        const struct vmx_passthrough how = {.on = on == 1, .force = true};
        struct vmx_passthrough_plan plan = {0};
        struct buf why = {0};
        int r = vmx_passthrough_decide(host, &pci->address, &how, &plan, &why);
        assert(r == 0 || (r == -EOPNOTSUPP && pci->capable == VMX_NO));
        for (size_t i = 0; i < plan.n_change; i++) {
            assert(i == 0 || plan.change[i] != pci);
            assert(i < 2 || plan.change[i - 1] < plan.change[i]);
            assert(plan.change[i] == pci || !vmx_host_is_bridge(plan.change[i]));
        }
        vmx_passthrough_plan_done(&plan);
        buf_done(&why);
    }
}

static void check_pci(const struct vmx_host *host)
{
    for (size_t i = 0; i < host->n_pci && i < 4; i++)
        check_passthrough(host, &host->pci[i]);
    for (size_t i = 0; i < host->n_pci; i++) {
        const struct vmx_host_pci *pci = &host->pci[i];
        const struct vmx_host_pci *all[8];
        const char *reason = vmx_host_needs(host, pci);
        assert(vmx_host_find(host, &pci->address) == pci);
        size_t n = vmx_host_functions(host, &pci->address, all, 8);
        assert(n >= 1 && n <= 8 && all[0] == pci);
        for (size_t k = 1; k < n; k++)
            assert(all[k] != pci && all[k]->address.domain == pci->address.domain);
        assert(!reason || reason[0]);
        assert(pci->name && pci->vmkernel_name && pci->owner && pci->reset && !pci->user);
        assert(pci->vendor <= 0xffff && pci->device <= 0xffff && pci->class <= 0xffff);
        assert(pci->spawned_bus >= 0 && pci->spawned_bus <= 0xff);
    }
}

static void check_vms(const struct host_facts *facts)
{
    for (size_t i = 0; i < facts->n_vms; i++) {
        const struct host_vm *vm = &facts->vms[i];
        assert(i == 0 || facts->vms[i - 1].id < vm->id);
        assert(!vm->path && !vm->running);
        assert(vm->valid == (vm->datastore[0] != '\0') && vm->valid == (vm->file[0] != '\0'));
        assert(vm->valid || vm->name[0] == '\0');
        assert(vm->file[0] != '/' && !strstr(vm->file, "/../") && !strchr(vm->datastore, '/'));
        assert(!strchr(vm->name, '\n') && !strchr(vm->file, '\n'));
        size_t n = strlen(vm->file);
        assert(!vm->valid || (n >= 4 && strcmp(vm->file + n - 4, ".vmx") == 0));
    }
    for (size_t i = 0; i < facts->n_running; i++)
        assert(facts->running[i][0] == '/' && !strchr(facts->running[i], '\n'));
}

static void check_stores(const struct host_facts *facts)
{
    for (size_t i = 0; i < facts->n_stores; i++) {
        const struct host_store *store = &facts->stores[i];
        assert(store->uuid[0] && !strchr(store->uuid, '/') && !strchr(store->uuid, '\n'));
        assert(!strchr(store->name, '\n') && !strchr(store->type, '\n'));
        size_t size = strspn(store->size, "0123456789");
        size_t free = strspn(store->free, "0123456789");
        assert(store->size[size] == '\0' && store->free[free] == '\0');
    }
}

static void parse(parser *with, struct span text, struct host_facts *facts)
{
    size_t before = facts->host.n_pci + facts->n_vms + facts->n_running;
    int r = with(text, facts);
    assert(r == 0 || r == -EBADMSG);
    assert(r == 0 || facts->host.n_pci + facts->n_vms + facts->n_running == before);
    check_pci(&facts->host);
    check_vms(facts);
    check_stores(facts);
    assert(facts->version_line &&
           (strlen(facts->host.uuid) == 0 || strlen(facts->host.uuid) == 36));
    assert(facts->hv_support >= -1 && facts->hv_support <= 9);
}

static void parse_alone(struct span text)
{
    enum vmx_power power = VMX_POWER_UNKNOWN;
    bool held = false;
    for (size_t i = 0; i < PARSERS; i++) {
        struct host_facts *facts = host_facts_new();
        assert(facts);
        parse(parsers[i], text, facts);
        host_facts_unref(facts);
    }
    struct host_facts *facts = host_facts_new();
    assert(facts && parse_stores(text, facts) == 0 && parse_nas(text, "NFS", facts) == 0);
    host_facts_unref(facts);
    int r = parse_power(text, &power);
    assert(r == 0 || r == -ENOENT || r == -EBADMSG);
    assert((r == 0) == (power != VMX_POWER_UNKNOWN));
    unsigned long id = 0;
    r = parse_exists(text, &id);
    assert(r == -EBADMSG || (r == 0 && id <= UINT32_MAX));
    r = parse_lock(text, &held);
    assert(r == 0 || (r == -EBADMSG && !held));
}

static void parse_one_vm(struct span text)
{
    struct vm_question question;
    struct vm_task task;
    struct vm_guest guest;
    char names[TASKS_MAX][TASK_NAME_MAX];
    int r = parse_question(text, &question);
    assert(r == 0 || r == -ENOENT || r == -EBADMSG);
    assert((r == 0) == (question.n > 0) && (r == 0) == (question.id[0] != '\0'));
    for (size_t i = 0; i < question.n; i++)
        assert(!question.choices[i].label.data || !strchr(question.choices[i].label.data, '\n'));
    vm_question_done(&question);
    size_t n = parse_task_names(text, names);
    assert(n <= TASKS_MAX);
    for (size_t i = 0; i < n; i++)
        assert(names[i][0] && strlen(names[i]) < TASK_NAME_MAX);
    r = parse_task(text, &task);
    assert(r == -EBADMSG || (r == 0 && task.what[0] && !(task.is_under_way && task.has_failed)));
    buf_done(&task.error);
    r = parse_guest(text, &guest);
    assert((r == 0 || r == -EBADMSG) && !strchr(guest.host_name, '\n'));
}

static void parse_together(struct span text)
{
    struct host_facts *facts = host_facts_new();
    assert(facts);
    for (size_t i = 0; text.n > 0; i = (i + 1) % PARSERS) {
        const char *parting = memmem(text.p, text.n, "----\n", 5);
        size_t n = parting ? (size_t)(parting - text.p) : text.n;
        parse(parsers[i], (struct span){text.p, n}, facts);
        assert(inventory_parse((struct span){text.p, n}, facts) == 0);
        n += parting ? 5 : 0;
        text = (struct span){text.p + n, text.n - n};
    }
    host_facts_unref(facts);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* more costs the checks time that is better spent on other inputs */
    struct span text = {(const char *)data, size < 65536 ? size : 65536};
    parse_alone(text);
    parse_one_vm(text);
    parse_together(text);
    return 0;
}
