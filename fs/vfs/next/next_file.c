/* SPDX-License-Identifier: MIT */
/* What becomes of the file, always under the lock of its .vmx. */
#include "next_file.h"

#include <errno.h>
#include <stdio.h>
#include <sys/random.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/path.h"
#include "base/user_name.h"
#include "next_known.h"
#include "remote/cache/document.h"
#include "remote/commit/beside.h"
#include "remote/names/paths.h"
#include "vfs/refuse.h"

static const char key[] = "next"; /* in the journal */

int next_load(const struct next_of *of, struct vmx_next *ret)
{
    BUF_AUTO text = {0};
    int r = remote_beside_read(of->vfs->remote, of->path, of->wait, &text);
    return r == -EMEDIUMTYPE ? -EBADMSG : r ?: vmx_next_read(buf_span(&text), ret);
}

/* Whether no .vmx is at the server's path "full" any more. Below another folder than ours there may
 * be none. */
static bool is_gone(const struct next_of *of, const char *full)
{
    DOCUMENT_AUTO *doc = NULL;
    const char *path = remote_below_root(of->vfs->remote, full);
    return !path || remote_document(of->vfs->remote, path, 0, of->wait, &doc) == -ENOENT;
}

bool next_is_ours(const struct next_of *of, const struct vmx_next *next,
                  const struct vmx_dict *dict)
{
    FREE_AUTO char *full = remote_path(of->vfs->remote, of->path);
    if (!full || !next->path.data || vmx_next_is_of(next, span_of(full), dict))
        return true; /* without memory nothing is dropped */
    FREE_AUTO char *moved = next_known_moved_to(of->vfs->next, next->path.data);
    return moved && strcmp(moved, full) == 0 && vmx_next_is_of(next, buf_span(&next->path), dict) &&
           is_gone(of, next->path.data);
}

/* Whether another mount may be moving it here with its VM: it is of another path, which the VM has
 * left. */
static bool may_be_moving(const struct next_of *of, const struct vmx_next *next,
                          const struct vmx_dict *dict)
{
    return vmx_next_is_of(next, buf_span(&next->path), dict) && is_gone(of, next->path.data) &&
           next_known_spares(of->vfs->next, of->path);
}

int next_is_tidy(const struct next_of *of, const struct vmx_next *next, const struct vmx_dict *dict,
                 bool *ret)
{
    size_t done = 0;
    FREE_AUTO char *full = remote_path(of->vfs->remote, of->path);
    int r = full ? vmx_next_count(next, dict, VMX_NEXT_DONE, &done) : -ENOMEM;
    /* Of a VM that has got its uuid.bios meanwhile the file is to know it. */
    const bool lacks_uuid =
        next->uuid.len == 0 && vmx_dict_find(dict, SPAN_LITERAL("uuid.bios")) != SIZE_MAX;
    if (r == 0)
        *ret = done == 0 && !lacks_uuid && vmx_next_is_of(next, span_of(full), dict);
    return r;
}

/* ---- changes of the file */

struct file_change {
    const struct next_of *of;
    struct span lines; /* to be added */
    uid_t uid;
    struct span carried; /* the text that is to be the file's */
    const struct next_of *carried_from;
    struct buf foreign; /* why it was not ours, for people */
};

static int make_token(char ret[33])
{
    unsigned char bytes[16];
    if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
        return -EIO;
    for (size_t i = 0; i < sizeof(bytes); i++)
        snprintf(ret + 2 * i, 3, "%02x", bytes[i]);
    return 0;
}

/* The file's text with these lines, for this place. */
static int write_file(const struct next_of *of, struct vmx_next *next, const struct vmx_dict *dict,
                      struct buf *ret, struct diag *diag)
{
    char token[33];
    FREE_AUTO char *full = remote_path(of->vfs->remote, of->path);
    int r = full ? make_token(token) : -ENOMEM;
    r = r ?: vmx_next_mark(next, span_of(token), span_of(full), dict) ?: vmx_next_write(next, ret);
    const size_t max = remote_options(of->vfs->remote)->vmx_max;
    if (r == 0 && ret->len > max) {
        diag_set(diag, "more would wait than a .vmx may hold (%zu KiB: vmx_max)", max / 1024);
        r = -EFBIG;
    }
    return r;
}

static int tell_foreign(const struct vmx_next *next, const struct next_of *of, struct buf *ret)
{
    FREE_AUTO char *full = remote_path(of->vfs->remote, of->path);
    buf_clear(ret);
    if (!full)
        return -ENOMEM;
    if (!span_eq(buf_span(&next->path), span_of(full)))
        return buf_addf(ret,
                        "what waited here was dropped: it was written for the VM at %s, and came "
                        "here with a copy of that, or a move that vmxfs did not make",
                        next->path.data);
    return buf_add_str(ret,
                       "what waited here was dropped: it was written for another VM, of "
                       "another uuid.bios");
}

static int wish_tidy(void *ctx, bool there, struct span text, const struct wait *wait,
                     struct buf *ret, enum beside_wish *ret_wish, struct diag *diag)
{
    struct file_change *c = ctx;
    const struct next_of *of = c->of;
    NEXT_AUTO next = {0};
    DOCUMENT_AUTO *doc = NULL;
    bool tidy = false;
    buf_clear(&c->foreign);
    *ret_wish = BESIDE_STAYS;
    int r = there ? vmx_next_read(text, &next) : -ENOENT;
    r = r ?: remote_document(of->vfs->remote, of->path, 0, wait, &doc);
    if (r < 0)
        return r == -ENOENT || r == -EBADMSG ? 0 : r;
    if (!next_is_ours(of, &next, doc->dict)) {
        if (may_be_moving(of, &next, doc->dict))
            return 0;
        *ret_wish = BESIDE_GOES;
        return tell_foreign(&next, of, &c->foreign);
    }
    r = next_is_tidy(of, &next, doc->dict, &tidy);
    if (r < 0 || tidy)
        return r;
    r = vmx_next_tidy(&next, doc->dict);
    *ret_wish = next.n > 0 ? BESIDE_HOLDS : BESIDE_GOES;
    return r == 0 && next.n > 0 ? write_file(of, &next, doc->dict, ret, diag) : r;
}

int next_tidy(const struct next_of *of, struct diag *diag)
{
    struct file_change c = {.of = of};
    const struct beside_change change = {.wish = wish_tidy, .ctx = &c, .goes = true};
    int r = remote_beside_change(of->vfs->remote, of->path, &change, of->wait, diag);
    if (r == 0 && c.foreign.len > 0)
        journal_add(of->vfs->journal, 0, of->path, key, c.foreign.data);
    buf_done(&c.foreign);
    return r;
}

static int add_lines(const struct file_change *c, struct vmx_next *next,
                     const struct vmx_dict *dict, struct diag *diag)
{
    struct vmx_edits edits = {0};
    char when[CLOCK_UTC_SIZE];
    BUF_AUTO who = {0};
    clock_utc(clock_wall_s(), when);
    int r = vmx_edits_parse(c->lines, vmx_dict_charset(dict), &edits, diag)
        ?: vmx_edits_check(&edits, dict, diag)
        ?: user_name_add(&who, c->uid)
        ?: vmx_next_add(next, &edits, dict, buf_span(&who), span_of(when), diag);
    vmx_edits_done(&edits);
    return r;
}

static int wish_more(void *ctx, bool there, struct span text, const struct wait *wait,
                     struct buf *ret, enum beside_wish *ret_wish, struct diag *diag)
{
    struct file_change *c = ctx;
    const struct next_of *of = c->of;
    NEXT_AUTO next = {0};
    DOCUMENT_AUTO *doc = NULL;
    buf_clear(&c->foreign);
    int r = there ? vmx_next_read(text, &next) : 0;
    r = r ?: remote_document(of->vfs->remote, of->path, 0, wait, &doc);
    if (r < 0)
        return r == -ENOENT ? refuse_gone(diag) : r;
    if (vmx_dict_encrypted(doc->dict))
        return refuse_encrypted(diag);
    if (there && !next_is_ours(of, &next, doc->dict)) {
        r = tell_foreign(&next, of, &c->foreign);
        vmx_next_done(&next);
    }
    r = r ?: vmx_next_tidy(&next, doc->dict) ?: add_lines(c, &next, doc->dict, diag);
    *ret_wish = next.n > 0 ? BESIDE_HOLDS : BESIDE_GOES;
    return r == 0 && next.n > 0 ? write_file(of, &next, doc->dict, ret, diag) : r;
}

int next_add(const struct next_of *of, struct span lines, uid_t uid, struct diag *diag)
{
    struct file_change c = {.of = of, .lines = lines, .uid = uid};
    const struct beside_change change = {.wish = wish_more, .ctx = &c};
    int r = remote_beside_change(of->vfs->remote, of->path, &change, of->wait, diag);
    if (r == 0 && c.foreign.len > 0)
        journal_add(of->vfs->journal, 0, of->path, key, c.foreign.data);
    buf_done(&c.foreign);
    return r;
}

static int wish_none(void *ctx, bool there, struct span text, const struct wait *wait,
                     struct buf *ret, enum beside_wish *ret_wish, struct diag *diag)
{
    (void)ctx, (void)there, (void)text, (void)wait, (void)ret, (void)diag;
    *ret_wish = BESIDE_GOES;
    return 0;
}

int next_drop(const struct next_of *of, struct diag *diag)
{
    const struct beside_change change = {.wish = wish_none, .goes = true, .unread = true};
    return remote_beside_change(of->vfs->remote, of->path, &change, of->wait, diag);
}

static int wish_orphan(void *ctx, bool there, struct span text, const struct wait *wait,
                       struct buf *ret, enum beside_wish *ret_wish, struct diag *diag)
{
    struct file_change *c = ctx;
    DOCUMENT_AUTO *doc = NULL;
    (void)there, (void)text, (void)ret, (void)diag;
    buf_clear(&c->foreign);
    int r = remote_document(c->of->vfs->remote, c->of->path, 0, wait, &doc);
    *ret_wish = r == -ENOENT ? BESIDE_GOES : BESIDE_STAYS;
    return r == -ENOENT ? buf_add_str(&c->foreign, "what waited here was dropped: its .vmx is gone")
                        : r;
}

int next_drop_orphan(const struct next_of *of, struct diag *diag)
{
    struct file_change c = {.of = of};
    const struct beside_change change = {
        .wish = wish_orphan, .ctx = &c, .goes = true, .unread = true};
    int r = remote_beside_change(of->vfs->remote, of->path, &change, of->wait, diag);
    if (r == 0 && c.foreign.len > 0)
        journal_add(of->vfs->journal, 0, of->path, key, c.foreign.data);
    buf_done(&c.foreign);
    return r;
}

/* What is carried keeps nothing that was applied: the record in the .vmx is of the old token. */
static int wish_carried(void *ctx, bool there, struct span text, const struct wait *wait,
                        struct buf *ret, enum beside_wish *ret_wish, struct diag *diag)
{
    struct file_change *c = ctx;
    const struct next_of *of = c->of;
    NEXT_AUTO next = {0};
    DOCUMENT_AUTO *doc = NULL;
    (void)there, (void)text;
    buf_clear(&c->foreign);
    int r = vmx_next_read(c->carried, &next)
                ?: remote_document(of->vfs->remote, of->path, 0, wait, &doc);
    if (r < 0)
        return r == -ENOENT ? refuse_gone(diag) : r;
    if (!next_is_ours(c->carried_from, &next, doc->dict)) {
        *ret_wish = BESIDE_STAYS; /* it is not of the VM that is here now */
        return tell_foreign(&next, c->carried_from, &c->foreign);
    }
    r = vmx_next_tidy(&next, doc->dict);
    *ret_wish = next.n > 0 ? BESIDE_HOLDS : BESIDE_GOES;
    return r == 0 && next.n > 0 ? write_file(of, &next, doc->dict, ret, diag) : r;
}

int next_carry(const struct next_of *to, const char *from, bool *ret, struct diag *diag)
{
    const struct next_of old = {to->vfs, from, to->wait};
    BUF_AUTO text = {0};
    int r = remote_beside_read(to->vfs->remote, from, to->wait, &text);
    *ret = r == 0;
    if (r < 0)
        return r == -ENOENT ? 0 : r;
    struct file_change c = {.of = to, .carried = buf_span(&text), .carried_from = &old};
    const struct beside_change change = {.wish = wish_carried, .ctx = &c};
    r = remote_beside_change(to->vfs->remote, to->path, &change, to->wait, diag)
            ?: next_drop(&old, diag);
    if (r == 0 && c.foreign.len > 0)
        journal_add(to->vfs->journal, 0, to->path, key, c.foreign.data);
    buf_done(&c.foreign);
    return r;
}
