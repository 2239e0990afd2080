/* SPDX-License-Identifier: MIT */
/*
 * The files that VMs name are collected when they are first wanted, and anew after USED_MS;
 * meanwhile folders and documents that were not known are added. One thread at a time does so, and
 * asks; the others wait for their turn.
 */
#include "used_files.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/turn.h"
#include "in_use.h"
#include "named_files.h"
#include "parser/text/list.h"
#include "parser/vm/vm_files.h"
#include "remote/names/paths.h"
#include "remote/names/shown_names.h"
#include "remote/server_errors.h"

enum {
    DEPTH_MAX = 64,      /* a folder is moved only if all below it can be looked into: so deep, */
    FOLDERS_MAX = 10000, /* ... and so many */
};

struct used_files {
    _Atomic int64_t use_changed_at; /* clock_ms(); needs no turn */
    struct turn turn;               /* of all below */
    int64_t began_at;               /* of the collection */
    unsigned long changes;          /* of the cache of documents, that was looked through then */
    struct path_item *folders;      /* that were looked into */
    struct named_files named;
};

int used_files_new(struct used_files **ret)
{
    struct used_files *used = calloc(1, sizeof(*used));
    if (!used)
        return -ENOMEM;
    turn_init(&used->turn);
    *ret = used;
    return 0;
}

static void clear(struct used_files *used)
{
    path_table_clear(&used->folders);
    named_files_clear(&used->named);
    used->changes = 0;
}

void used_files_free(struct used_files *used)
{
    if (!used)
        return;
    clear(used);
    named_files_done(&used->named);
    turn_done(&used->turn);
    free(used);
}

/* ---- collecting */

/* VMs whose files are to be added, or that are registered. */
struct vms {
    char **paths;
    struct document **docs;
    size_t n;
    int error;
};

static void vms_done(struct vms *vms)
{
    for (size_t i = 0; i < vms->n; i++) {
        free(vms->paths[i]);
        document_unref(&vms->docs[i]);
    }
    free(vms->paths);
    free(vms->docs);
}

/* doc: NULL where the .vmx cannot be read. */
static void vms_add(struct vms *vms, const char *path, struct document *doc)
{
    char **paths = list_room(vms->paths, vms->n, sizeof(*paths));
    if (paths)
        vms->paths = paths;
    struct document **docs = list_room(vms->docs, vms->n, sizeof(*docs));
    if (docs)
        vms->docs = docs;
    char *copy = strdup(path);
    if (!paths || !docs || !copy) {
        free(copy);
        vms->error = -ENOMEM;
        return;
    }
    vms->paths[vms->n] = copy;
    vms->docs[vms->n++] = doc ? document_ref(doc) : NULL;
}

static void see_document(void *ctx, const char *path, struct cached *c)
{
    vms_add(ctx, path, (struct document *)c);
}

static int load_vm(struct remote *remote, const char *path, const struct sftp_attrs *attrs,
                   const struct wait *wait, struct vms *vms)
{
    DOCUMENT_AUTO *doc = NULL;
    int r = remote_can_be_vmx(remote, attrs) ? remote_document(remote, path, USED_MS, wait, &doc)
                                             : -EMEDIUMTYPE;
    if (is_unanswered(r))
        return r;
    if (r != -ENOENT)
        vms_add(vms, path, doc);
    return 0;
}

/* Paths, each of them owned. */
struct folders {
    char **paths;
    size_t n;
};

static void folders_done(struct folders *folders)
{
    for (size_t i = 0; i < folders->n; i++)
        free(folders->paths[i]);
    free(folders->paths);
}

/* Takes path. 0, -ENOMEM. */
static int folders_add(struct folders *folders, char *path)
{
    char **paths = list_room(folders->paths, folders->n, sizeof(*paths));
    if (!paths) {
        free(path);
        return -ENOMEM;
    }
    folders->paths = paths;
    folders->paths[folders->n++] = path;
    return 0;
}

/* Loads the .vmx of a folder, and adds the folders in it, unless they are not wanted (NULL). */
static int load_folder(struct remote *remote, const char *dir, const struct wait *wait,
                       struct vms *vms, struct folders *ret)
{
    LISTING_AUTO *l = NULL;
    int r = remote_list_changed(remote, dir, USED_MS, wait, &l);
    if (r < 0)
        return without_answer(r);
    for (size_t i = 0; i < l->n && r == 0; i++) {
        const struct listing_entry *e = &l->entries[i];
        bool is_vmx = remote_is_vmx_name(e->name) && S_ISREG(e->attrs.mode);
        if (!is_vmx && !(ret && S_ISDIR(e->attrs.mode)))
            continue;
        char *path = path_join(dir, e->name);
        if (!path) {
            r = -ENOMEM;
        } else if (is_vmx) {
            r = load_vm(remote, path, &e->attrs, wait, vms);
            free(path);
        } else {
            r = folders_add(ret, path);
        }
    }
    return r ?: vms->error;
}

/* The same for all folders of a level, whose listings are loaded together. */
static int load_level(struct remote *remote, const struct folders *level, const struct wait *wait,
                      struct vms *vms, struct folders *ret)
{
    int r = remote_load_listings(remote, level->paths, level->n, USED_MS, wait);
    for (size_t i = 0; i < level->n && r == 0; i++)
        r = load_folder(remote, level->paths[i], wait, vms, ret);
    return r;
}

/* Loads the .vmx of a folder and of those below it, level by level. -E2BIG: they are too many, or
 * deeper than depth. */
static int load_tree(struct remote *remote, const char *dir, int depth, const struct wait *wait,
                     struct vms *vms)
{
    struct folders level = {0};
    size_t seen = 0;
    char *copy = strdup(dir);
    int r = copy ? folders_add(&level, copy) : -ENOMEM;
    while (r == 0 && level.n > 0) {
        struct folders next = {0};
        seen += level.n;
        r = depth-- < 0 || seen > FOLDERS_MAX ? -E2BIG
                                              : load_level(remote, &level, wait, vms, &next);
        folders_done(&level);
        level = next;
    }
    folders_done(&level);
    return r;
}

/* Adds what is not known yet: the VMs in dir, and those whose .vmx is cached. depth: -1, or that of
 * the folders below dir in which VMs are looked for, too. */
static int collect(struct used_files *used, struct remote *remote, const char *dir, int depth,
                   const struct wait *wait)
{
    struct vms vms = {0};
    int r = 0;
    if (!used->began_at || clock_ms() - used->began_at >= USED_MS) {
        clear(used);
        used->began_at = clock_ms();
    }
    if (depth >= 0)
        r = load_tree(remote, dir, depth, wait, &vms);
    else if (!path_table_find(used->folders, dir))
        r = load_folder(remote, dir, wait, &vms, NULL);
    if (r == 0)
        cache_each_since(remote->documents, &used->changes, see_document, &vms);
    r = r ?: vms.error ?: named_files_add(&used->named, remote, vms.paths, vms.docs, vms.n, wait);
    if (r == 0 && !path_table_take(&used->folders, dir, sizeof(struct path_item)))
        r = -ENOMEM;
    if (r < 0)
        clear(used); /* what is known of some VMs is not all that they name */
    vms_done(&vms);
    return r;
}

/* ---- judging */

/* What is asked of a file. */
struct asked {
    const char *path;
    enum used_what what;
    bool held; /* whether a VM that runs holds it open; otherwise whether it may be changed */
};

/* -EBUSY, -ENOMEM. */
static int refuse_use(struct remote *remote, const struct asked *asked, const char *vm,
                      const char *found, struct diag *diag)
{
    BUF_AUTO shown = {0};
    int r = remote_add_shown(remote, vm, &shown);
    if (r == 0 && asked->held)
        diag_set(diag, "the running VM %s holds it: %s; power it off to read it", shown.data,
                 found);
    else if (r == 0)
        diag_set(diag, "a file of %s: %s; power it off, or mount with -o running=allow", shown.data,
                 found);
    return r ?: -EBUSY;
}

/* Folders that could not all be looked into. */
static int refuse_unknown(struct diag *diag)
{
    diag_set(diag,
             "whether a VM below it is in use is not known: it has more than %d folders, or "
             "they are more than %d deep; move them one by one, or mount with -o running=allow",
             FOLDERS_MAX, DEPTH_MAX);
    return -EBUSY;
}

/* Asks for the evidence, as a commit does. 0: the VM is not in use. */
static int ask(struct remote *remote, const struct asked *asked, const char *path,
               const struct vmx_dict *dict, const struct wait *wait, struct diag *diag)
{
    struct inuse inuse = {.found = ""};
    LISTING_AUTO *l = NULL;
    FREE_AUTO char *dir = path_dir(path);
    int r = dir ? inuse_ask(&inuse, remote, path, dict) : -ENOMEM;
    r = r ?: remote_list(remote, dir, 0, wait, &l);
    for (size_t i = 0; r == 0 && i < l->n; i++)
        inuse_look_at_name(&inuse, l->entries[i].name);
    if (r == 0 || r == -EACCES)
        r = inuse_answer(&inuse, dict, wait);
    if (r == 0 && asked->held && inuse.suspended)
        r = -ENODATA;
    else if (r == 0 && inuse.found[0])
        r = refuse_use(remote, asked, path, inuse.found, diag);
    inuse_done(&inuse);
    return r;
}

/* 0, -EBUSY, -errno. -ENODATA: it is suspended, so that it holds nothing. */
static int check_vm(struct remote *remote, const struct asked *asked, struct known_vm *vm,
                    const struct wait *wait, struct diag *diag)
{
    DOCUMENT_AUTO *doc = NULL;
    int64_t now = clock_ms();
    if (vm->unused_at > remote->used->use_changed_at && now - vm->unused_at < USED_MS)
        return 0;
    int r = remote_document(remote, vm->item.path, 0, wait, &doc);
    if (r == -ENOENT)
        return 0;
    if (r < 0 && !is_unanswered(r)) /* its settings are not known, but it may be in use */
        r = document_new((struct span){0}, &vm->version, now, &doc);
    r = r ?: ask(remote, asked, vm->item.path, doc->dict, wait, diag);
    if (r == 0)
        vm->unused_at = now;
    return r;
}

/* Whether a path is the VM's .vmx, or a name beside it one of its VM's. Of a .vmx that does not
 * tell its disks all that are beside it are taken for such. */
static bool is_beside(const struct known_vm *vm, const char *path)
{
    const char *name = path_name(path);
    const char *vmx = path_name(vm->item.path);
    size_t dir = (size_t)(name - path);
    return dir == (size_t)(vmx - vm->item.path) && memcmp(path, vm->item.path, dir) == 0 &&
           (strcmp(name, vmx) == 0 || vm_files_has(vmx, name) ||
            (vm->opaque && vm_files_is_disk(name)));
}

/* NULL: the VM does not name the file. */
static const struct naming *naming_by(const struct known_vm *vm, const struct named_file *file)
{
    const struct naming *by = file ? file->by : NULL;
    while (by && by->vm != vm)
        by = by->next;
    return by;
}

static bool is_disk_of(const struct known_vm *vm, const struct named_file *file, const char *path)
{
    const struct naming *by = naming_by(vm, file);
    return (by && by->disk) || (is_beside(vm, path) && vm_files_is_disk(path_name(path)));
}

static bool holds_a_file_of(const struct named_files *named, const char *folder,
                            const struct known_vm *vm)
{
    if (path_below(folder, vm->item.path))
        return true;
    for (const struct path_item *f = named->files; f; f = f->hh.next) {
        if (path_below(folder, f->path) && naming_by(vm, (const struct named_file *)f))
            return true;
    }
    return false;
}

/* Whether the host says that nobody holds a lock. */
static bool is_stale(struct remote *remote, const struct known_vm *vm, const char *path,
                     const struct wait *wait)
{
    const struct remote_evidence *host = &remote->evidence;
    FREE_AUTO char *full = remote_path(remote, path);
    return full && host->lock_is_stale && vm_files_is_lock(path_name(path)) &&
           host->lock_is_stale(host->ctx, vm->item.path, full, wait);
}

static int check_file(struct remote *remote, const struct asked *asked, const struct wait *wait,
                      struct diag *diag, char **ret_vm)
{
    struct used_files *used = remote->used;
    const char *path = asked->path;
    FREE_AUTO char *dir = path_dir(path);
    int r = dir ? collect(used, remote, dir, -1, wait) : -ENOMEM;
    if (r == 0 && asked->what != USED_FILE)
        r = collect(used, remote, path, asked->what == USED_TREE ? DEPTH_MAX : 0, wait);
    if (r == -E2BIG && asked->what == USED_FOLDER)
        return 0; /* it holds a folder, so the server keeps it */
    if (r == -E2BIG)
        return refuse_unknown(diag);
    const struct named_file *file = r == 0 ? named_files_find(&used->named, path) : NULL;
    struct known_vm *vm = (struct known_vm *)used->named.vms;
    for (; vm && r == 0; vm = vm->item.hh.next) {
        if (!naming_by(vm, file) && !is_beside(vm, path) &&
            !(asked->what != USED_FILE && holds_a_file_of(&used->named, path, vm)))
            continue;
        if (asked->held || vm_files_is_lock(path_name(path)))
            vm->unused_at = 0; /* it says itself that there is use */
        r = check_vm(remote, asked, vm, wait, diag);
        if (r == -ENODATA || (r == -EBUSY && is_stale(remote, vm, path, wait)))
            r = 0;
        if (r == -EBUSY)
            *ret_vm = strdup(vm->item.path);
    }
    return r;
}

static bool counts_as_unregistered(const struct remote *remote, enum vmx_truth is)
{
    return is == VMX_NO || (is == VMX_NOT_KNOWN && remote->options.ignore_running);
}

static int check_vm_unregistered(struct remote *remote, const char *vm, const struct wait *wait,
                                 char **ret_vm)
{
    const struct remote_evidence *host = &remote->evidence;
    enum vmx_truth is = host->is_registered(host->ctx, vm, wait);
    if (counts_as_unregistered(remote, is))
        return 0;
    *ret_vm = strdup(vm);
    return !*ret_vm ? -ENOMEM : is == VMX_YES ? -EBUSY : -ENODATA;
}

static void see_registered(void *ctx, const char *path)
{
    vms_add(ctx, path, NULL);
}

/* Loads the VMs that are registered: a linked clone of a disk may lie anywhere, and nobody have
 * looked at it yet. *ret_any: whether any VM may be registered. */
static int load_registered(struct remote *remote, bool disk, const struct wait *wait, bool *ret_any)
{
    const struct remote_evidence *host = &remote->evidence;
    struct vms vms = {0};
    enum vmx_truth any = host->each_registered(host->ctx, wait, see_registered, &vms);
    int r = vms.error;
    *ret_any = !counts_as_unregistered(remote, any);
    if (r == 0 && disk)
        r = remote_load_documents(remote, vms.paths, vms.n, wait);
    vms_done(&vms);
    return r;
}

static int check_disk_unregistered(struct remote *remote, const char *path, const struct wait *wait,
                                   char **ret_vm)
{
    struct used_files *used = remote->used;
    FREE_AUTO char *dir = path_dir(path);
    bool any = true;
    int r = dir ? load_registered(remote, vm_files_is_disk(path_name(path)), wait, &any) : -ENOMEM;
    if (r < 0 || !any)
        return r;
    r = collect(used, remote, dir, false, wait);
    const struct named_file *file = r == 0 ? named_files_find(&used->named, path) : NULL;
    const struct known_vm *vm = (const struct known_vm *)used->named.vms;
    for (; vm && r == 0; vm = vm->item.hh.next) {
        if (is_disk_of(vm, file, path))
            r = check_vm_unregistered(remote, vm->item.path, wait, ret_vm);
    }
    return r;
}

void remote_use_changed(struct remote *remote)
{
    remote->used->use_changed_at = clock_ms();
}

/* The files in a lock that is a folder are part of the lock. */
static char *lock_above(const char *path)
{
    FREE_AUTO char *dir = path_dir(path);
    if (dir && !vm_files_is_lock(path_name(dir)))
        return strdup(path);
    return steal(dir);
}

static int check_use(struct remote *remote, const struct asked *asked, const struct wait *wait,
                     struct diag *diag, char **ret_vm)
{
    struct used_files *used = remote->used;
    FREE_AUTO char *of = lock_above(asked->path);
    const struct asked same = {of, asked->what, asked->held};
    int r = of ? turn_take(&used->turn, wait) : -ENOMEM;
    if (r < 0)
        return r;
    do
        r = check_file(remote, &same, wait, diag, ret_vm);
    while (remote_again(remote, wait, &r));
    turn_give(&used->turn);
    return r == -EREMOTEIO ? -EIO : r;
}

int remote_check_unused(struct remote *remote, const char *path, enum used_what what,
                        const struct wait *wait, struct diag *diag, char **ret_vm)
{
    const struct asked asked = {path, what, .held = false};
    return remote->options.ignore_running ? 0 : check_use(remote, &asked, wait, diag, ret_vm);
}

int remote_check_held(struct remote *remote, const char *path, const struct wait *wait,
                      struct diag *diag)
{
    const struct asked asked = {path, USED_FILE, .held = true};
    FREE_AUTO char *vm = NULL;
    return check_use(remote, &asked, wait, diag, &vm);
}

int remote_check_unregistered(struct remote *remote, const char *path, const struct wait *wait,
                              char **ret_vm)
{
    struct used_files *used = remote->used;
    if (!remote->evidence.is_registered)
        return 0;
    if (remote_is_vmx_name(path_name(path)))
        return check_vm_unregistered(remote, path, wait, ret_vm);
    int r = turn_take(&used->turn, wait);
    if (r < 0)
        return r;
    do
        r = check_disk_unregistered(remote, path, wait, ret_vm);
    while (remote_again(remote, wait, &r));
    turn_give(&used->turn);
    return r == -EREMOTEIO ? -EIO : r;
}
