/* SPDX-License-Identifier: MIT */
/* Keys that are being written, and keys in documents (vmx.h). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "parser/names.h"
#include "vmx.h"

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
    HASH_DEL(dir->keys, ks);
    dir->refs--; /* the caller holds another one */
    free_state(ks);
}

struct key_state *key_state(struct vfs *vfs, struct node *dir, struct span key, bool create)
{
    (void)vfs;
    struct key_state *ks = NULL;
    if (!create && !dir->keys)
        return NULL;
    struct key_state *fresh = calloc(1, sizeof(*fresh) + key.n + 1);
    if (!fresh)
        return NULL;
    fold(key, fresh->id);
    HASH_FIND(hh, dir->keys, fresh->id, key.n, ks);
    if (ks || !create) {
        free(fresh);
        return ks;
    }
    HASH_ADD_KEYPTR(hh, dir->keys, fresh->id, key.n, fresh);
    if (!fresh->hh.tbl) {
        free(fresh);
        return NULL;
    }
    dir->refs++; /* the directory's node lives as long as something is written in it */
    return fresh;
}

void key_states_free(struct vfs *vfs, struct node *dir)
{
    (void)vfs;
    struct key_state *ks;
    struct key_state *next;
    HASH_ITER (hh, dir->keys, ks, next) {
        HASH_DEL(dir->keys, ks);
        free_state(ks);
    }
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

struct key_state *key_enter(struct call *c, struct node *dir, const struct key_at *at,
                            unsigned long *ret_sets)
{
    lock_take(&c->vfs->lock);
    struct key_state *ks = key_state(c->vfs, dir, buf_span(&at->key), true);
    if (ks) {
        ks->writers++;
        *ret_sets = ks->sets;
    }
    lock_drop(&c->vfs->lock);
    return ks;
}

static void leave(struct call *c, struct node *dir, struct key_state *ks) REQUIRES(c->vfs->lock)
{
    if (--ks->writers == 0)
        seen_done(&ks->base);
    key_state_tidy(c->vfs, dir, ks);
}

void key_end_writing(struct call *c, struct node *dir, struct handle *h)
{
    lock_take(&c->vfs->lock);
    struct key_state *ks = h->key;
    ks->closing -= h->closing;
    h->key = NULL;
    leave(c, dir, ks);
    lock_drop(&c->vfs->lock);
}

/* Makes what the server had when the handle was opened the base. Where others write already, that
 * can be news only if somebody else changed the key since; a text that was made from the old value
 * keeps it, and will be refused. */
static int take_base(struct key_state *ks, bool there, struct span value, bool cut)
{
    const struct seen *base = &ks->base;
    if (base->known && base->there == there && span_eq(buf_span(&base->value), value))
        return 0;
    if (base->known && ks->text.state != TEXT_CLEAN && !cut)
        return 0;
    bool late = base->known;
    int r = seen_set(&ks->base, there, value);
    if (r == 0 && late)
        ks->epoch++;
    return r;
}

/* Notes that the document was not read again for the base. */
static void note_glance(struct seen *base, const struct key_at *at, const struct key_at *asked)
{
    base->glanced = at->doc == asked->doc && document_is_racy(at->doc);
    base->attrs = at->doc->attrs;
    base->asked_at = asked->asked_at;
}

int key_begin_writing(struct call *c, struct node *dir, const char *name,
                      const struct key_at *asked, enum writing how, struct handle *h)
{
    KEY_AT_AUTO at = {0};
    BUF_AUTO value = {0};
    unsigned long sets = 0;
    const pid_t writer = how == WRITING_ANEW ? call_process(c) : 0;
    struct key_state *ks = key_enter(c, dir, asked, &sets);
    if (!ks)
        return -ENOMEM;
    /* What was asked for before may be older than a commit of ours: what is cached is not. */
    int r = key_at(c, dir, name, DOCUMENT_ANY_AGE, &at);
    if (r == 0 && at.extent != SIZE_MAX)
        r = vmx_dict_value(at.doc->dict, at.extent, &value);
    lock_take(&c->vfs->lock);
    const bool cut = how == WRITING_ANEW;
    const bool first = !ks->base.known;
    const bool outdated = how == WRITING_FROM_CACHE && ks->base.known;
    if (r == 0 && ks->sets == sets && ks->committing == 0 && !outdated)
        r = take_base(ks, at.extent != SIZE_MAX, buf_span(&value), cut);
    if (r == 0 && first && ks->base.known && how != WRITING_FROM_CACHE)
        note_glance(&ks->base, &at, asked);
    if (r == 0 && cut) {
        r = text_resize(&ks->text, 0, max_text(c));
        ks->writer = writer;
        ks->begun = ks->text.version;
    }
    if (r == 0 && !h->key) { /* a scratch file that became a key may be written by two at once */
        h->key = ks;
        h->epoch = ks->epoch;
        h->removals = ks->removals;
        h->cut = cut;
    } else {
        leave(c, dir, ks);
    }
    lock_drop(&c->vfs->lock);
    return r;
}
