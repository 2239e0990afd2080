/* SPDX-License-Identifier: MIT */
/*
 * The flights that load a listing: OPENDIR, then READDIRs, more of them each time; then READLINKs
 * in a directory where links may stand for others (aliases.h).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "listed_documents.h"
#include "load.h"
#include "remote/call_group.h"
#include "remote/file/files.h"
#include "remote/lock/leftovers.h"
#include "remote/lock/lock.h"
#include "remote/names/aliases.h"
#include "remote/names/paths.h"
#include "remote/notes.h"
#include "sftp/requests.h"
#include "sftp/results.h"

/* A hostile server could go on for ever, in many directories at once. */
enum {
    BYTES_MAX = 16 << 20,     /* of one listing: about 200,000 names */
    ALL_BYTES_MAX = 24 << 20, /* of all that are being loaded */
    NAMES = 100,              /* with which OpenSSH answers a READDIR at most */
    READDIRS = 2,             /* in the first flight: of a VM's folder, say */
    READDIRS_FOR_USERS = 8,
    READDIRS_MAX = 64,
    READDIRS_MEASURED = 4,     /* in the last flight that is measured */
    LOCKS_MAX = 8,             /* without a .vmx, of which it is looked whether they hold it */
    LOCK_BYTES_MAX = 16 << 10, /* of their names, and of what waits */
};

struct listing_load {
    struct load load; /* first */
    struct sftp_call *open;
    struct sftp_call *root; /* its attributes, where the listing is the root's */
    struct sftp_handle handle;
    struct flight names;
    struct listing *listing; /* being made */
    size_t counted;          /* of its bytes, in remote->listings_bytes */
    struct buf locks;        /* names, each with its NUL, if a .vmx may be in one of them ... */
    bool gave_back;          /* ... and one was given its name back */
    struct buf waiting;      /* names of what waits for a .vmx, each with its NUL */
};

static int compare_entries(const void *a, const void *b)
{
    const struct listing_entry *x = a;
    const struct listing_entry *y = b;
    return strcmp(x->name, y->name);
}

/* 0; -EFBIG: the listing is too long; -ENOMEM: there are too many at once. */
static int count(struct listing_load *l, size_t bytes)
{
    l->listing->cached.bytes += bytes;
    l->counted += bytes;
    size_t others = atomic_fetch_add(&l->load.remote->listings_bytes, bytes);
    if (l->listing->cached.bytes > BYTES_MAX)
        return -EFBIG;
    return others + bytes > ALL_BYTES_MAX ? -ENOMEM : 0;
}

static int add_name(struct listing_load *l, const struct sftp_name *name)
{
    return count(l, listing_entry_bytes(name->name))
               ?: listing_add(l->listing, name->name, &name->attrs);
}

static bool is_lock(const char *name)
{
    const size_t n = strlen(name);
    return n > strlen(LOCK_SUFFIX) && strcmp(name + n - strlen(LOCK_SUFFIX), LOCK_SUFFIX) == 0;
}

static int add_names(struct listing_load *l, const struct sftp_call *call)
{
    size_t n;
    const struct sftp_name *names = sftp_call_names(call, &n);
    int r = 0;
    for (size_t i = 0; r == 0 && i < n; i++) {
        if (!remote_is_hidden_name(names[i].name)) {
            r = add_name(l, &names[i]);
            continue;
        }
        l->listing->own++;
        if (remote_is_beside_name(names[i].name) && l->waiting.len < LOCK_BYTES_MAX)
            r = buf_add(&l->waiting, (struct span){names[i].name, strlen(names[i].name) + 1});
        else if (is_lock(names[i].name) && l->locks.len < LOCK_BYTES_MAX &&
                 leftovers_may_be_set_aside(l->load.remote))
            r = buf_add(&l->locks, (struct span){names[i].name, strlen(names[i].name) + 1});
    }
    l->listing->left_out += sftp_call_left_out(call);
    return r;
}

/* Once, as long as the directory is known. */
static void tell_left_out(const struct listing_load *l)
{
    const struct listing *known = (const struct listing *)l->load.known;
    if (l->listing->left_out == 0 || (known && known->left_out > 0))
        return;
    remote_note(l->load.remote, l->load.path[0] ? l->load.path : "/", NULL,
                "entries of the server's were left out, because no file can have such a name "
                "(empty, over 255 bytes, or with / or NUL) or such a size (beyond all offsets)");
}

static int opened(struct load *load, const struct wait *wait);
static int have_names(struct load *load, const struct wait *wait);

static int ask(struct load *load, const struct wait *wait)
{
    struct listing_load *l = (struct listing_load *)load;
    (void)wait;
    l->listing = listing_new();
    if (!l->listing)
        return -ENOMEM;
    if (!load->path[0])
        l->root = sftp_lstat(load->remote->sftp, load->full);
    l->open = sftp_opendir(load->remote->sftp, load->full);
    load->step = opened;
    return 1;
}

static void restart(struct load *load)
{
    struct listing_load *l = (struct listing_load *)load;
    sftp_call_free(&l->open);
    sftp_call_free(&l->root);
    flight_done(&l->names);
    if (l->handle.len > 0)
        sftp_forget(sftp_close(load->remote->sftp, &l->handle));
    l->handle.len = 0;
    buf_done(&l->locks);
    buf_done(&l->waiting);
    listing_unref(&l->listing);
    atomic_fetch_sub(&load->remote->listings_bytes, l->counted);
    l->counted = 0;
    load->step = ask;
}

static int ask_names(struct listing_load *l, size_t requests)
{
    flight_done(&l->names);
    while (requests-- > 0)
        flight_add(&l->names, sftp_readdir(l->load.remote->sftp, &l->handle));
    l->load.step = have_names;
    return 1;
}

static bool is_measured(const struct listing_load *l)
{
    return l->load.kind == &listing_measure_kind;
}

/* The last one is answered with the end. */
static size_t first_readdirs(const struct listing_load *l)
{
    const struct listing *known = (const struct listing *)l->load.known;
    if (is_measured(l))
        return 1;
    size_t n = known ? known->n / NAMES + 2 : l->load.ticket.ahead ? READDIRS : READDIRS_FOR_USERS;
    return n < READDIRS_MAX ? n : READDIRS_MAX;
}

static int opened(struct load *load, const struct wait *wait)
{
    struct listing_load *l = (struct listing_load *)load;
    int r = sftp_wait(l->open, wait);
    if (r < 0)
        return r;
    l->handle = *sftp_call_handle(l->open);
    l->listing->trips = 1;
    return ask_names(l, first_readdirs(l));
}

/* Whether a .vmx got its name back that only its lock was there of. Once: others may go on so. */
static bool give_back(struct listing_load *l, const struct wait *wait)
{
    unsigned asked = 0;
    if (l->gave_back)
        return false;
    for (size_t at = 0; at < l->locks.len && asked < LOCKS_MAX;
         at += strlen(l->locks.data + at) + 1) {
        FREE_AUTO char *vmx = leftovers_vmx(l->load.path, l->locks.data + at);
        if (vmx && !listing_find(l->listing, path_name(vmx))) {
            l->gave_back |= leftovers_give_back(l->load.remote, vmx, wait);
            asked++;
        }
    }
    return l->gave_back;
}

/* Before anybody gets the listing: he would ask for the documents himself. */
static int look_at_documents(struct listing_load *l)
{
    struct remote *remote = l->load.remote;
    for (size_t i = 0; i < l->listing->n; i++) {
        const struct listing_entry *e = &l->listing->entries[i];
        if (!remote_is_vmx(remote, e->name, &e->attrs))
            continue;
        FREE_AUTO char *path = path_join(l->load.path, e->name);
        if (!path)
            return -ENOMEM;
        l->listing->shows_changes |= document_listed(remote, path, &e->attrs, l->load.ticket.began);
    }
    return 0;
}

static void tell_waiting(const struct listing_load *l)
{
    for (size_t at = 0; at < l->waiting.len; at += strlen(l->waiting.data + at) + 1) {
        FREE_AUTO char *vmx = leftovers_vmx(l->load.path, l->waiting.data + at);
        if (vmx && listing_find(l->listing, path_name(vmx)))
            remote_tell_waiting(l->load.remote, vmx);
    }
}

/* Who sees a disk may read it next. */
static void expect_data(const struct listing_load *l)
{
    uint64_t largest = 0;
    if (is_measured(l))
        return;
    for (size_t i = 0; i < l->listing->n; i++) {
        const struct sftp_attrs *attrs = &l->listing->entries[i].attrs;
        if (S_ISREG(attrs->mode) && attrs->size > largest)
            largest = attrs->size;
    }
    remote_expect_data(l->load.remote, largest);
}

/* The end has been seen. */
static int complete(struct listing_load *l, const struct wait *wait)
{
    struct listing *listing = l->listing;
    if (listing->n > 0)
        qsort(listing->entries, listing->n, sizeof(*listing->entries), compare_entries);
    if (give_back(l, wait)) {
        restart(&l->load);
        return ask(&l->load, wait);
    }
    int r = look_at_documents(l) ?: aliases_find(l->load.remote, l->load.path, wait, listing);
    if (l->root && sftp_wait(l->root, wait) == 0)
        listing->root = *sftp_call_attrs(l->root);
    if (r < 0)
        return r;
    tell_left_out(l);
    tell_waiting(l);
    aliases_learn(l->load.remote, l->load.path, listing);
    expect_data(l);
    listing->took_ms = clock_ms() - l->load.ticket.began;
    l->load.made = &steal(l->listing)->cached;
    return 0;
}

static int have_names(struct load *load, const struct wait *wait)
{
    struct listing_load *l = (struct listing_load *)load;
    int r = l->names.error;
    l->listing->trips++;
    for (size_t i = 0; r == 0 && i < l->names.n; i++) {
        r = sftp_wait(l->names.calls[i], wait) ?: add_names(l, l->names.calls[i]);
        sftp_call_free(&l->names.calls[i]);
    }
    if (r == -ENODATA)
        return complete(l, wait);
    if (r == 0 && is_measured(l) && l->names.n >= READDIRS_MEASURED)
        return -EINTR; /* enough is known of the line, and nothing of the directory */
    const size_t more = l->names.n * (is_measured(l) ? 2 : 8);
    return r ?: ask_names(l, more < READDIRS_MAX ? more : READDIRS_MAX);
}

static struct sftp_call *last(const struct load *load)
{
    const struct listing_load *l = (const struct listing_load *)load;
    return load->step == opened ? l->open : l->names.n > 0 ? l->names.calls[l->names.n - 1] : NULL;
}

/* Why a directory cannot be opened: OpenSSH says "no such file" of a file too, others "failure". */
static int explain(struct load *load, const struct wait *wait, int r)
{
    if (r != -EREMOTEIO && r != -ENOENT)
        return r;
    SFTP_CALL_AUTO *stat = sftp_lstat(load->remote->sftp, load->full);
    if (sftp_wait(stat, wait) == 0 && !S_ISDIR(sftp_call_attrs(stat)->mode))
        return -ENOTDIR;
    return r;
}

static void loaded(struct load *load)
{
    const struct listing *before = (const struct listing *)load->known;
    const struct listing *now = (const struct listing *)load->made;
    if (before != now && (now || load->result == -ENOENT))
        documents_tell_gone(load->remote, load->path, before, now, load->ticket.began);
}

#define LISTING_LOAD                                                                               \
    .size = sizeof(struct listing_load), .restart = restart, .last = last, .explain = explain,     \
    .loaded = loaded

const struct load_kind listing_load_kind = {LISTING_LOAD};
const struct load_kind listing_measure_kind = {LISTING_LOAD};
