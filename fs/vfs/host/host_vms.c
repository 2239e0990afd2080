/* SPDX-License-Identifier: MIT */
/*
 * .vmxfs/host/vms: a link to the .vmx of each VM that is registered on the host and below the root,
 * by the VM's name. "%" and "/" in it are written %25 and %2F, as in the names of keys; so is the
 * first byte of "." and "..".
 */
#include <errno.h>
#include <string.h>

#include "host_view.h"
#include "vfs/node/attr.h"
#include "vfs/node/dir_names.h"

enum { NAME_BYTES_MAX = 255 };

static bool is_shown(const struct host_vm *vm)
{
    return vm->valid && vm->path;
}

static bool shares_name(const struct host_facts *facts, const struct host_vm *vm)
{
    for (size_t i = 0; i < facts->n_vms; i++) {
        const struct host_vm *other = &facts->vms[i];
        if (other != vm && other->valid && strcmp(other->name, vm->name) == 0)
            return true;
    }
    return false;
}

static int add_name(const struct host_facts *facts, const struct host_vm *vm, struct buf *ret)
{
    const char *name = vm->name;
    bool shared = shares_name(facts, vm);
    bool dots = !shared && (strcmp(name, ".") == 0 || strcmp(name, "..") == 0);
    int r = 0;
    for (size_t i = 0; r == 0 && name[i]; i++) {
        bool plain = name[i] != '%' && name[i] != '/' && !(dots && i == 0);
        r = plain ? buf_add_char(ret, name[i]) : buf_addf(ret, "%%%02X", (unsigned char)name[i]);
    }
    return r == 0 && shared ? buf_addf(ret, ".%lu", vm->id) : r;
}

/* The VM that a name means. 0 with a reference to the facts that it is of; -ENOENT; ... */
static int find_vm(struct request *rq, const char *name, const struct host_facts **ret_facts,
                   const struct host_vm **ret)
{
    FACTS_AUTO *facts = NULL;
    int r = host_said(rq, cache_ms(rq), &facts);
    for (size_t i = 0; r == 0 && i < facts->n_vms; i++) {
        BUF_AUTO own = {0};
        if (!is_shown(&facts->vms[i]))
            continue;
        r = add_name(facts, &facts->vms[i], &own);
        if (r == 0 && span_eq(buf_span(&own), span_of(name))) {
            *ret = &facts->vms[i];
            *ret_facts = host_facts_ref(facts);
            return 0;
        }
    }
    return r < 0 ? r : -ENOENT;
}

static int link_getattr(struct request *rq, struct node *n, struct found *ret)
{
    (void)n;
    attr_file(rq->vfs, &ret->st, 0, 0, (uint32_t)rq->vfs->started.tv_sec);
    ret->st.st_mode = S_IFLNK | 0777;
    return 0;
}

static int link_readlink(struct request *rq, struct node *n, struct buf *ret)
{
    FACTS_AUTO *facts = NULL;
    const struct host_vm *vm = NULL;
    return find_vm(rq, n->name, &facts, &vm)
        ?: buf_add_str(ret, "../../../")
        ?: buf_add_str(ret, vm->shown);
}

static const struct node_ops vm_link_ops = {
    .type = S_IFLNK,
    .getattr = link_getattr,
    .readlink = link_readlink,
};

static int vms_find(struct request *rq, struct node *dir, const char *name, struct found *ret)
{
    FACTS_AUTO *facts = NULL;
    const struct host_vm *vm = NULL;
    int r = find_vm(rq, name, &facts, &vm);
    if (r < 0)
        return r;
    ret->ops = &vm_link_ops;
    return link_getattr(rq, dir, ret);
}

static int vms_list(struct request *rq, struct node *dir, struct dir_names *ret)
{
    (void)dir;
    FACTS_AUTO *facts = NULL;
    int r = host_said(rq, cache_ms(rq), &facts);
    for (size_t i = 0; r == 0 && i < facts->n_vms; i++) {
        BUF_AUTO name = {0};
        if (!is_shown(&facts->vms[i]))
            continue;
        r = add_name(facts, &facts->vms[i], &name);
        if (r == 0 && name.len > 0 && name.len <= NAME_BYTES_MAX)
            r = dir_names_add(ret, name.data, S_IFLNK, NULL);
    }
    return r;
}

const struct folder host_vms_folder = {.name = "vms", .find = vms_find, .list = vms_list};
