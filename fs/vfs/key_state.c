/* SPDX-License-Identifier: MIT */
/* Keys that are being written, and keys in documents (vmx.h). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "parser/names.h"
#include "vmx.h"

struct vmx *vmx_get(struct vfs *vfs, struct node *dir)
{
    (void)vfs;
    if (!dir->vmx)
        dir->vmx = calloc(1, sizeof(*dir->vmx));
    return dir->vmx;
}

void seen_done(struct seen *seen)
{
    buf_done(&seen->value);
    seen->known = false;
}

int seen_set(struct seen *seen, bool there, struct span value)
{
    struct buf copy = {0};
    int r = buf_add(&copy, value);
    if (r < 0)
        return r;
    buf_done(&seen->value);
    *seen = (struct seen){.known = true, .there = there, .value = copy};
    return 0;
}

static void free_state(struct key_state *ks)
{
    text_done(&ks->text);
    seen_done(&ks->base);
    free(ks);
}

static void fold(struct span key, char *ret)
{
    for (size_t i = 0; i < key.n; i++) {
        char c = key.p[i];
        ret[i] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
    }
}

void key_state_tidy(struct vfs *vfs, struct node *dir, struct key_state *ks)
{
    (void)vfs;
    if (ks->writers > 0 || ks->text.state != TEXT_CLEAN)
        return;
    HASH_DEL(dir->vmx->keys, ks);
    dir->refs--; /* the caller holds another one */
    free_state(ks);
}

struct key_state *key_state(struct vfs *vfs, struct node *dir, struct span key, bool create)
{
    struct vmx *vmx = vmx_get(vfs, dir);
    struct key_state *ks = NULL;
    if (!vmx || (!create && !vmx->keys))
        return NULL;
    struct key_state *fresh = calloc(1, sizeof(*fresh) + key.n + 1);
    if (!fresh)
        return NULL;
    fold(key, fresh->id);
    HASH_FIND(hh, vmx->keys, fresh->id, key.n, ks);
    if (ks || !create) {
        free(fresh);
        return ks;
    }
    HASH_ADD_KEYPTR(hh, vmx->keys, fresh->id, key.n, fresh);
    if (!fresh->hh.tbl) {
        free(fresh);
        return NULL;
    }
    dir->refs++; /* the directory's node lives as long as something is written in it */
    return fresh;
}

void vmx_free(struct vfs *vfs, struct vmx *vmx) REQUIRES(vfs->lock)
{
    struct key_state *ks;
    struct key_state *next_ks;
    struct scratch *s;
    struct scratch *next;
    if (!vmx)
        return;
    HASH_ITER (hh, vmx->keys, ks, next_ks) {
        HASH_DEL(vmx->keys, ks);
        free_state(ks);
    }
    DL_FOREACH_SAFE(vmx->scratches, s, next)
    {
        scratch_free(vfs, s);
    }
    free(vmx);
}

size_t vmx_name_extent(const struct vmx_dict *dict, const char *name)
{
    BUF_AUTO key = {0};
    if (vmx_key_from_name(vmx_dict_charset(dict), span_of(name), &key) < 0)
        return SIZE_MAX;
    return vmx_dict_find(dict, buf_span(&key));
}

void key_at_done(struct key_at *at)
{
    free(at->path);
    document_unref(&at->doc);
    buf_done(&at->key);
    *at = (struct key_at){0};
}

static int look_up(struct call *c, struct node *dir, const char *name, int64_t max_age_ms,
                   struct key_at *at)
{
    at->path = node_path(c->vfs, dir);
    if (!at->path)
        return -ENOMEM;
    at->asked_at = clock_ms();
    int r = remote_document(c->vfs->remote, at->path, max_age_ms, &c->wait, &at->doc);
    if (r < 0)
        return r == -EMEDIUMTYPE ? -ENOENT : r;
    r = vmx_key_from_name(vmx_dict_charset(at->doc->dict), span_of(name), &at->key);
    if (r < 0)
        return r;
    at->extent = vmx_dict_find(at->doc->dict, buf_span(&at->key));
    return 0;
}

int key_at(struct call *c, struct node *dir, const char *name, int64_t max_age_ms,
           struct key_at *ret)
{
    struct key_at at = {0};
    int r = look_up(c, dir, name, max_age_ms, &at);
    if (r == 0)
        *ret = at;
    else
        key_at_done(&at);
    return r;
}

int refuse_name(struct call *c, struct node *dir, const char *name, int r)
{
    struct vmx_diag diag = {0};
    FREE_AUTO char *path = node_path(c->vfs, dir);
    if (r == -EINVAL)
        vmx_diag_set(
            &diag, 0, 0,
            "no key can have this name: white space, # and = end a key, and a percent sign "
            "begins %%25 or the like");
    else if (r == -ENAMETOOLONG)
        vmx_diag_set(&diag, 0, 0, "a name has 255 bytes at most; .vmxfs/raw takes longer keys");
    else if (r == -EILSEQ)
        vmx_diag_set(&diag, 0, 0, "the file's .encoding cannot hold this name");
    return refuse(c, path, name, r, &diag);
}

int key_text(const struct key_at *at, struct buf *ret)
{
    if (at->extent == SIZE_MAX)
        return -ENOENT;
    int r = vmx_dict_value(at->doc->dict, at->extent, ret);
    return r == 0 ? buf_add_char(ret, '\n') : r;
}
