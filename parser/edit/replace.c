/* SPDX-License-Identifier: MIT */
/* May this text take the other's place? No worse than before is good enough. */
#include <errno.h>

#include "edit.h"
#include "keymap.h"
#include "parser/text/encoding.h"
#include "parser/text/text.h"

/* The faults of a text, as something to count: malformed lines by their text, superseded ones by
 * their key. */
struct faults {
    struct keymap malformed;
    struct keymap superseded;
};

static void faults_done(struct faults *faults)
{
    keymap_done(&faults->malformed);
    keymap_done(&faults->superseded);
}

#define FAULTS_AUTO __attribute__((cleanup(faults_done))) struct faults

/* Where a fault of an extent is counted, and as what. NULL if nothing is wrong. */
static struct keymap *fault_of(const struct vmx_dict *dict, size_t extent, struct faults *faults,
                               struct span *ret)
{
    const struct vmx_extent *e = vmx_dict_extent(dict, extent);
    if (e->line.kind == VMX_LINE_MALFORMED) {
        *ret = (struct span){vmx_dict_text(dict).p + e->at, e->line.body_len};
        return &faults->malformed;
    }
    if (e->line.kind != VMX_LINE_ENTRY || vmx_dict_counts(dict, extent))
        return NULL;
    *ret = vmx_dict_name(dict, extent);
    return &faults->superseded;
}

static int count_faults(const struct vmx_dict *dict, struct faults *faults)
{
    for (size_t i = 0; i < vmx_dict_extents(dict); i++) {
        struct span fault;
        struct keymap *map = fault_of(dict, i, faults, &fault);
        if (!map)
            continue;
        struct keymap_item *item = keymap_add(map, fault);
        if (!item)
            return -ENOMEM;
        item->count++;
    }
    return 0;
}

static int refuse_fault(const struct vmx_dict *dict, size_t extent, size_t line, struct diag *diag)
{
    const struct vmx_extent *e = vmx_dict_extent(dict, extent);
    if (e->line.kind == VMX_LINE_MALFORMED)
        diag_set_at(diag, line, e->line.error_at + 1, "not of the form key = \"value\"");
    else
        diag_set_at(diag, line, e->line.name_at + 1,
                    "the key \"" SPAN_FORMAT "\" comes again later",
                    SPAN_SHOWN(vmx_dict_name(dict, extent)));
    return -EINVAL;
}

static bool is_ended(struct span text)
{
    return text.n > 0 && (text.p[text.n - 1] == '\n' || text.p[text.n - 1] == '\r');
}

int vmx_replace_check(const struct vmx_dict *old, const struct vmx_dict *text, struct diag *diag)
{
    if (!old)
        return 0;
    FAULTS_AUTO allowed = {0};
    int r = count_faults(old, &allowed);
    if (r != 0)
        return r;
    size_t line = 1;
    for (size_t i = 0; i < vmx_dict_extents(text); i++) {
        struct span fault;
        const struct keymap *map = fault_of(text, i, &allowed, &fault);
        if (map) {
            struct keymap_item *item = keymap_find(map, fault);
            if (!item || item->count == 0)
                return refuse_fault(text, i, line, diag);
            item->count--;
        }
        line += vmx_dict_extent(text, i)->line.kind != VMX_LINE_BOM;
    }
    if (is_ended(vmx_dict_text(old)) && !is_ended(vmx_dict_text(text))) {
        diag_set_at(diag, line - 1, 0, "the text ends without a newline: it may be only a part");
        return -EINVAL;
    }
    return 0;
}

/* first: nothing stands before it, and a U+FEFF that it begins with would be the mark of the text.
 */
static int add_line(const struct vmx_dict *dict, size_t extent, bool first, struct buf *ret)
{
    const struct vmx_extent *e = vmx_dict_extent(dict, extent);
    struct span body = {vmx_dict_text(dict).p + e->at, e->line.body_len};
    int r = 0;
    if (first && span_starts_with(body, UTF8_BOM))
        r = buf_add_str(ret, "\n");
    return r ?: buf_add(ret, body) ?: buf_add_str(ret, "\n");
}

/* A superseded line is one only as long as the line that supersedes it comes behind. */
static bool has_part(const struct vmx_dict *dict, size_t extent, const struct faults *faults)
{
    enum vmx_line_kind kind = vmx_dict_extent(dict, extent)->line.kind;
    return kind == VMX_LINE_MALFORMED ||
           (kind == VMX_LINE_ENTRY &&
            keymap_find(&faults->superseded, vmx_dict_name(dict, extent)) != NULL);
}

int vmx_replace_rest(const struct vmx_dict *old, struct buf *ret)
{
    FAULTS_AUTO faults = {0};
    size_t before = ret->len;
    int r = count_faults(old, &faults);
    for (size_t i = 0; r == 0 && i < vmx_dict_extents(old); i++) {
        if (has_part(old, i, &faults))
            r = add_line(old, i, ret->len == before, ret);
    }
    bool ended = is_ended(vmx_dict_text(old));
    if (r == 0 && ended && ret->len == before)
        r = buf_add_str(ret, "\n");
    if (r == 0 && !ended && ret->len > before)
        ret->data[--ret->len] = '\0';
    return r;
}
