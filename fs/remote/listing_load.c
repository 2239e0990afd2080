/* SPDX-License-Identifier: MIT */
/*
 * The flights that load a listing: OPENDIR, then READDIRs, more of them each time; then READLINKs
 * in a directory where links may name UUIDs.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "flight.h"
#include "load.h"

/* A hostile server could go on for ever, in many directories at once. */
enum {
    BYTES_MAX = 16 << 20,     /* of one listing: about 200,000 names */
    ALL_BYTES_MAX = 24 << 20, /* of all that are being loaded */
    BLOCK_BYTES = 16,         /* what a block of memory takes besides its content */
    LINKS = 512,              /* that are read at once */
    NAMES = 100,              /* with which OpenSSH answers a READDIR at most */
    READDIRS = 2,             /* in the first flight: of a VM's folder, say */
    READDIRS_FOR_USERS = 8,
    READDIRS_MAX = 64,
};

enum stage { START, OPENING, READING };

struct listing_load {
    struct load load; /* first */
    enum stage stage;
    struct sftp_call *open;
    struct sftp_call *root; /* its attributes, where the listing is the root's */
    struct sftp_handle handle;
    struct flight names;
    struct listing *listing; /* being made */
    size_t room;             /* entries that it has memory for */
    size_t counted;          /* of its bytes, in remote->listings_bytes */
};

static void destroy(struct cached *c)
{
    struct listing *l = (struct listing *)c;
    for (size_t i = 0; i < l->n; i++)
        free(l->entries[i].name);
    free(l->entries);
    free(l);
}

static int compare_entries(const void *a, const void *b)
{
    const struct listing_entry *x = a;
    const struct listing_entry *y = b;
    return strcmp(x->name, y->name);
}

static struct listing_entry *find(struct listing *l, const char *name)
{
    const struct listing_entry *e = listing_find(l, name);
    return e ? &l->entries[e - l->entries] : NULL;
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

static void discount(struct listing_load *l)
{
    atomic_fetch_sub(&l->load.remote->listings_bytes, l->counted);
    l->counted = 0;
}

static int make_room(struct listing_load *l)
{
    if (l->listing->n < l->room)
        return 0;
    size_t room = l->room + l->room / 2 + NAMES;
    struct listing_entry *more = reallocarray(l->listing->entries, room, sizeof(*more));
    if (!more)
        return -ENOMEM;
    l->listing->entries = more;
    l->room = room;
    return 0;
}

static int add_name(struct listing_load *l, const struct sftp_name *name)
{
    size_t size = strlen(name->name) + 1;
    int r = count(l, sizeof(struct listing_entry) + size + BLOCK_BYTES);
    if (r == 0)
        r = make_room(l);
    char *copy = r == 0 ? strdup(name->name) : NULL;
    if (!copy)
        return r < 0 ? r : -ENOMEM;
    l->listing->entries[l->listing->n++] =
        (struct listing_entry){.name = copy, .attrs = name->attrs};
    return 0;
}

static int add_names(struct listing_load *l, const struct sftp_call *call)
{
    size_t n;
    const struct sftp_name *names = sftp_call_names(call, &n);
    int r = 0;
    for (size_t i = 0; r == 0 && i < n; i++) {
        if (!remote_is_hidden_name(names[i].name))
            r = add_name(l, &names[i]);
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
                "entries of the server's were left out that no file can be: a name that is empty, "
                "over 255 bytes or holds / or NUL, or a size beyond all offsets");
}

bool listing_is_uuid_name(const char *name)
{
    size_t len = strlen(name);
    return len >= 17 && strspn(name, "0123456789abcdefABCDEF-") == len && strchr(name, '-');
}

/* Takes the directory out of the list that a link beside it names. text: what the link shows. */
static int unlist_one(const char *dir, const char *link, const char *text, struct listing *l)
{
    struct listing_entry *e =
        listing_is_uuid_name(path_name(text)) ? find(l, path_name(text)) : NULL;
    if (!e || !S_ISDIR(e->attrs.mode))
        return 0;
    BUF_AUTO through_root = {0}; /* how an absolute link names what is beside it */
    int r = 0;
    for (const char *at = dir; at && *at && r == 0; at = strchr(at, '/') ? strchr(at, '/') + 1 : 0)
        r = buf_add_str(&through_root, "../");
    if (r == 0)
        r = buf_addf(&through_root, "%s%s%s", dir, dir[0] ? "/" : "", e->name);
    if (r == 0 && (strcmp(text, e->name) == 0 || strcmp(text, through_root.data) == 0))
        e->link = link;
    return r;
}

/* Links that are read at once: where they are in the list. */
struct links {
    struct sftp_call *calls[LINKS];
    size_t at[LINKS];
    size_t n;
};

static void ask_link(struct remote *remote, const char *dir, const struct listing *l, size_t i,
                     struct links *links)
{
    FREE_AUTO char *path = path_join(dir, l->entries[i].name);
    FREE_AUTO char *full = path ? remote_path(remote, path) : NULL;
    links->calls[links->n] = full ? sftp_readlink(remote->sftp, full) : NULL;
    links->at[links->n++] = i;
}

static int answer_links(struct remote *remote, const char *dir, const struct wait *wait,
                        struct listing *l, struct links *links)
{
    int r = 0;
    for (size_t i = 0; i < links->n; i++) {
        int call_r = sftp_wait(links->calls[i], wait);
        BUF_AUTO text = {0};
        if (call_r == 0)
            call_r = remote_contain_link(remote, dir, sftp_call_path(links->calls[i]), &text);
        if (call_r == 0)
            call_r = unlist_one(dir, l->entries[links->at[i]].name, text.data, l);
        if (call_r == -ENOTCONN || call_r == -EINTR || call_r == -EIO || call_r == -ENOMEM)
            r = call_r;
        sftp_call_free(&links->calls[i]);
    }
    links->n = 0;
    return r;
}

/* Takes those directories out of the list that a link beside them names. */
static int unlist_uuids(struct remote *remote, const char *dir, const struct wait *wait,
                        struct listing *l)
{
    bool any = false;
    for (size_t i = 0; i < l->n && !any; i++)
        any = S_ISDIR(l->entries[i].attrs.mode) && listing_is_uuid_name(l->entries[i].name);
    FREE_AUTO struct links *links = any ? calloc(1, sizeof(*links)) : NULL;
    if (!links)
        return any ? -ENOMEM : 0;
    int r = 0;
    for (size_t i = 0; r == 0 && i < l->n; i++) {
        if (S_ISLNK(l->entries[i].attrs.mode))
            ask_link(remote, dir, l, i, links);
        if (links->n == LINKS)
            r = answer_links(remote, dir, wait, l, links);
    }
    int last_r = answer_links(remote, dir, wait, l, links);
    return r < 0 ? r : last_r;
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
    listing_unref(&l->listing);
    l->room = 0;
    discount(l);
    l->stage = START;
}

static int ask(struct listing_load *l)
{
    l->listing = calloc(1, sizeof(*l->listing));
    if (!l->listing)
        return -ENOMEM;
    l->listing->cached.destroy = destroy;
    l->listing->cached.bytes = sizeof(*l->listing);
    atomic_init(&l->listing->cached.refs, 1);
    if (!l->load.path[0])
        l->root = sftp_lstat(l->load.remote->sftp, l->load.full);
    l->open = sftp_opendir(l->load.remote->sftp, l->load.full);
    l->stage = OPENING;
    return 1;
}

static int ask_names(struct listing_load *l, size_t requests)
{
    flight_done(&l->names);
    while (requests-- > 0)
        flight_add(&l->names, sftp_readdir(l->load.remote->sftp, &l->handle));
    l->stage = READING;
    return 1;
}

/* The last one is answered with the end. */
static size_t first_readdirs(const struct listing_load *l)
{
    const struct listing *known = (const struct listing *)l->load.known;
    size_t n = known ? known->n / NAMES + 2 : l->load.ticket.ahead ? READDIRS : READDIRS_FOR_USERS;
    return n < READDIRS_MAX ? n : READDIRS_MAX;
}

static int opened(struct listing_load *l, const struct wait *wait)
{
    int r = sftp_wait(l->open, wait);
    if (r < 0)
        return r;
    l->handle = *sftp_call_handle(l->open);
    return ask_names(l, first_readdirs(l));
}

/* The end has been seen. */
static int complete(struct listing_load *l, const struct wait *wait)
{
    struct listing *listing = l->listing;
    if (listing->n > 0)
        qsort(listing->entries, listing->n, sizeof(*listing->entries), compare_entries);
    int r = unlist_uuids(l->load.remote, l->load.path, wait, listing);
    if (l->root && sftp_wait(l->root, wait) == 0)
        listing->root = *sftp_call_attrs(l->root);
    if (r < 0)
        return r;
    tell_left_out(l);
    l->load.made = &steal(l->listing)->cached;
    return 0;
}

static int have_names(struct listing_load *l, const struct wait *wait)
{
    int r = l->names.error;
    for (size_t i = 0; r == 0 && i < l->names.n; i++) {
        r = sftp_wait(l->names.calls[i], wait);
        if (r == 0)
            r = add_names(l, l->names.calls[i]);
        sftp_call_free(&l->names.calls[i]);
    }
    if (r == -ENODATA)
        return complete(l, wait);
    size_t more = l->names.n * 4 < READDIRS_MAX ? l->names.n * 4 : READDIRS_MAX;
    return r == 0 ? ask_names(l, more) : r;
}

static int step(struct load *load, const struct wait *wait)
{
    struct listing_load *l = (struct listing_load *)load;
    switch (l->stage) {
    case START:
        return ask(l);
    case OPENING:
        return opened(l, wait);
    case READING:
        return have_names(l, wait);
    default:
        return -EINVAL;
    }
}

static struct sftp_call *last(const struct load *load)
{
    const struct listing_load *l = (const struct listing_load *)load;
    return l->stage == OPENING ? l->open : l->names.n > 0 ? l->names.calls[l->names.n - 1] : NULL;
}

/* Why a directory cannot be opened: OpenSSH says "no such file" of a file too, others "failure". */
static int explain(struct load *load, const struct wait *wait, int r)
{
    if (r != -EREMOTEIO && r != -ENOENT)
        return r;
    SFTP_CALL_AUTO *stat = sftp_lstat(load->remote->sftp, load->full);
    if (sftp_wait(stat, wait) == 0 && !S_ISDIR(sftp_call_attrs(stat)->mode))
        return -ENOTDIR;
    return r == -ENOENT ? r : -EIO;
}

const struct load_kind listing_load_kind = {
    .size = sizeof(struct listing_load),
    .restart = restart,
    .step = step,
    .last = last,
    .explain = explain,
};
