/* SPDX-License-Identifier: MIT */
/*
 * /etc/vmware/hostd/vmInventory.xml:
 *
 *     <ConfigRoot>
 *       <ConfigEntry id="0001">
 *         <objID>1</objID>
 *         <vmxCfgPath>/vmfs/volumes/5f1e2d3c-.../vm/vm.vmx</vmxCfgPath>
 *       </ConfigEntry>
 *
 * Only these elements are looked for, in whatever order and beside whatever others.
 */
#include "inventory.h"

#include <errno.h>
#include <stdint.h>

#include "lines.h"
#include "parser/text/text.h"

/* Takes the text up to, and without, the mark off the front. False: it is not there. */
static bool cut_at(struct span *rest, struct span mark, struct span *ret)
{
    const char *at = rest->n ? memmem(rest->p, rest->n, mark.p, mark.n) : NULL;
    if (!at)
        return false;
    *ret = span_head(*rest, (size_t)(at - rest->p));
    *rest = span_from(*rest, ret->n + mark.n);
    return true;
}

static bool element(struct span entry, struct span open, struct span close, struct span *ret)
{
    struct span before;
    return cut_at(&entry, open, &before) && cut_at(&entry, close, ret);
}

/* Appends a text without the entities that XML has for characters of its own. */
static int add_text(struct span text, struct buf *ret)
{
    static const struct {
        const char *entity, *text;
    } entities[] = {
        {"&amp;", "&"}, {"&lt;", "<"}, {"&gt;", ">"}, {"&quot;", "\""}, {"&apos;", "'"}};
    int r = 0;
    while (r == 0 && text.n > 0) {
        size_t n = 1;
        struct span add = span_head(text, 1);
        for (size_t i = 0; i < sizeof(entities) / sizeof(entities[0]); i++) {
            if (!span_starts_with(text, span_of(entities[i].entity)))
                continue;
            n = strlen(entities[i].entity);
            add = span_of(entities[i].text);
        }
        r = buf_add(ret, add);
        text = span_from(text, n);
    }
    return r;
}

static int note(struct host_facts *facts, unsigned long id, struct span path)
{
    BUF_AUTO text = {0};
    int r = add_text(path, &text);
    for (size_t i = 0; r == 0 && i < facts->n_vms; i++) {
        struct host_vm *vm = &facts->vms[i];
        if (vm->id != id || vm->valid)
            continue;
        vm->entry = host_facts_text(facts, buf_span(&text));
        r = facts->no_memory ? -ENOMEM : 0;
    }
    return r;
}

int inventory_parse(struct span text, struct host_facts *ret)
{
    struct span entry;
    struct span id;
    struct span path;
    int r = 0;
    while (r == 0 && cut_at(&text, SPAN_LITERAL("</ConfigEntry>"), &entry)) {
        unsigned long number;
        if (element(entry, SPAN_LITERAL("<objID>"), SPAN_LITERAL("</objID>"), &id) &&
            element(entry, SPAN_LITERAL("<vmxCfgPath>"), SPAN_LITERAL("</vmxCfgPath>"), &path) &&
            line_number(&id, 10, UINT32_MAX, &number) && id.n == 0 && path.n > 0 &&
            path.p[0] == '/' && text_find(path, '\0') == path.n)
            r = note(ret, number, path);
    }
    return r;
}

static bool has_invalid(const struct host_facts *facts)
{
    bool has = false;
    for (size_t i = 0; i < facts->n_vms; i++)
        has = has || !facts->vms[i].valid;
    return has;
}

/* The file lies beside the datastores, from the root of the host's file system on. */
static int add_path(struct span volumes, struct buf *ret)
{
    static const char below[] = "/vmfs/volumes";
    return buf_add(ret, span_head(volumes, volumes.n - (sizeof(below) - 1)))
               ?: buf_add_str(ret, "/etc/vmware/hostd/vmInventory.xml");
}

int inventory_ask(struct host *host, struct span volumes, const struct wait *wait,
                  struct host_facts *ret, struct diag *why)
{
    BUF_AUTO path = {0};
    BUF_AUTO text = {0};
    int status = 0;
    if (!has_invalid(ret))
        return 0;
    int r = add_path(volumes, &path);
    if (r < 0)
        return r;
    const char *const words[] = {"cat", path.data, NULL};
    r = exec_ask(host->exec, words, wait, &text, &status, why);
    return r == 0 && status == 0 ? inventory_parse(buf_span(&text), ret) : r;
}
