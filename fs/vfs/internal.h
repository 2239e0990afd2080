/* SPDX-License-Identifier: MIT */
/*
 * What the files of this folder share.
 *
 * A node is one name in the tree; its kind decides what can be done with it (struct node_ops).
 * Nodes form a tree by parent and name, so that a renamed folder takes all below it along. The
 * kernel knows a node by its address.
 *
 * Locking: vfs->lock protects the tree of nodes and all that is said to be protected by it; it is
 * held for short computations only, never while waiting for the server and never across a reply.
 * Only the notifier's is taken while it is held.
 */
#pragma once

#include <limits.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <uthash.h>

#include "base/journal.h"
#include "base/sync.h"
#include "parser/diag.h"
#include "parser/profile.h"
#include "remote/document.h"
#include "remote/listing.h"
#include "remote/remote.h"
#include "vfs.h"

/* The directory that vmxfs adds to the root, and to each directory of settings, and the tree in the
 * former in which a .vmx is a file. */
#define CONTROL_NAME ".vmxfs"
#define PLAIN_NAME "plain"

struct notifier;
struct key_state;  /* vmx.h: a key that is being written */
struct scratch;    /* scratch.c */
struct whole;      /* whole.c: a .vmx as one file, ... */
struct whole_text; /* ... and what one open file writes to it */
struct kept;       /* kept.c: what the kernel keeps of a plain file */

/* One request of the kernel. */
struct call {
    struct vfs *vfs;
    fuse_req_t request; /* NULL once it was answered before its end (interrupt.c) */
    pid_t thread;       /* of the caller; 0: in another PID namespace */
    uid_t uid;          /* the same */
    struct wait wait;
    bool listing;       /* the lookup is for a directory listing: nothing is to be loaded for it */
    bool changes;       /* it is to change something; by change_begin */
    bool committed;     /* and something of that has been sent */
    bool again;         /* the open that it is was answered with ESTALE just now */
    bool mapped;        /* it writes a page that somebody has mapped, and appends nothing */
    bool told;          /* why it is refused is in the journal, or needs not be */
    int refused_before; /* what its open file was refused before (struct handle), as that is told
                           again */
    bool by_name;       /* what was found is what the name leads to, and no open file */
    int64_t interrupted_at; /* clock_ms() when that was first seen; 0: never */
    int64_t asked_at;       /* the same of a signal that asks to end, as long as it is pending */
    struct node *nodes[2];  /* kept until change_end: their caller may be gone by then */
    struct handle *handle;
    struct node *folder;      /* that it renames, or NULL; as the next two in gate.c */
    struct call *prev, *next; /* in vfs->gate.inside */
};

/* What a node is. */
enum node_kind {
    KIND_NONE,     /* of what was not found */
    KIND_DIR,      /* a directory of the server */
    KIND_FILE,     /* a plain file of the server */
    KIND_LINK,     /* a link of the server */
    KIND_VMX_DIR,  /* a .vmx in the main tree: the directory of its settings */
    KIND_VMX_FILE, /* a .vmx below .vmxfs/plain, and raw: the whole text */
    KIND_SETTING,
    KIND_SCRATCH, /* an editor's helper beside the settings */
    KIND_SCRATCH_LINK,
    KIND_CONTROL, /* a file whose content is made, and whose text is a command */
    KIND_FOLDER,  /* .vmxfs, and a directory in it */
};

/* What a lookup found, before it has a node. */
struct found {
    const struct node_ops *ops;
    int64_t true_at; /* clock_ms() as of which it is true: the kernel may trust it as long as
                        what is left of the cache timeout; 0: not at all */
    struct stat st;  /* st_ino is filled in by the caller */
    char name[NAME_MAX + 1]; /* its own, where it was found by another one; or "" */
    bool followed;           /* it was found by a link that is shown as what it leads to: ... */
    char target[PATH_MAX];   /* ... that has this remote path */
    bool fresh;              /* a directory of settings that was just made */
    bool folded;             /* the inode number is the same for all spellings of the name */
    bool written;            /* it is opened for writing with it */
    const void
        *detail; /* of a control: struct control; of a folder, and of the root: struct folder */
};

struct dir_names;

/* An open file or directory. */
struct handle {
    struct node *node;
    bool reads;
    bool writes;
    bool append;
    int64_t opened_at;     /* clock_ms(), of a plain file; 0: unknown */
    struct buf content;    /* what reads give, where it was made at open; or what was written
                              and not carried out yet */
    struct key_state *key; /* keys that are open for writing: counted as a writer there */
    unsigned epoch;        /* the key's, when it was opened, ... */
    unsigned removals;     /* ... and this one */
    bool cut;              /* what it writes next does not go into the old value: it cut that,
                              and nothing came of it yet */
    bool wrote;            /* keys, with vfs->lock: a write of it was taken, ... */
    unsigned long edit;    /* ... and the version of the text that its last one made; 0: none */
    bool lost;             /* that was thrown away with what others had written */
    int refused;       /* with vfs->lock: why what it wrote was lost (plain files) or thrown away
                          (keys, texts of .vmx, controls). Of a plain file each close is told, until
                          a sync was. The others get it until they cut the text: they would go on
                          in the middle of another. It is told again when it is closed: of a large
                          write, which the kernel splits, it knows only that it was short. */
    pid_t writer;      /* the same: the process that wrote last; 0: not known */
    bool carrying;     /* controls, with vfs->lock: what was written is being carried out, ... */
    int carried;       /* ... and what came of it the last time */
    bool closing;      /* keys, with vfs->lock: counted as such there */
    unsigned changing; /* changes that are under way with it; protected by vfs->lock */
    enum handle_io {   /* keys: how it is counted in its node's pages (pages.h) */
                     IO_NONE,
                     IO_DIRECT,
                     IO_PAGED,
    } io;
    bool keep;                      /* files: the kernel's pages are good */
    bool direct;                    /* plain files: it goes past the kernel's pages (kept.h) */
    unsigned generation;            /* plain files: 0, or how it is counted (kept.h) */
    struct whole_text *whole;       /* a .vmx as a file, of who writes it (whole_text.h) */
    struct remote_file *file;       /* plain files */
    struct handle *before, *behind; /* plain files: in node->open_files */
    struct dir_names *names;        /* directories */
    struct handle *prev, *next;
};

/* All return 0 or -errno. A missing function means -EPERM, or what the comment says. */
struct node_ops {
    enum node_kind kind;
    mode_t type; /* S_IFDIR, S_IFREG, S_IFLNK */
    bool named;  /* its name is part of the remote path */
    bool plain;  /* it is the top of .vmxfs/plain: in the tree below it a .vmx is a file */

    int (*getattr)(struct call *c, struct node *n, struct stat *st, int64_t *ret_true_at);
    /* handle may be NULL. valid: FUSE_SET_ATTR_*. Missing: accepted and ignored. */
    int (*setattr)(struct call *c, struct node *n, struct handle *h, const struct stat *st,
                   int valid);

    /* Directories. */
    int (*lookup)(struct call *c, struct node *dir, const char *name, struct found *ret);
    int (*list)(struct call *c, struct node *dir, struct dir_names *ret);
    /* Makes and opens a regular file. The node is new, or there already (O_EXCL was checked). One
     * that carries state from now on is left in h->node, with a reference for the caller. */
    int (*create)(struct call *c, struct node *dir, const char *name, mode_t mode, int flags,
                  struct handle *h, struct found *ret);
    int (*mkdir)(struct call *c, struct node *dir, const char *name, mode_t mode,
                 struct found *ret);
    int (*symlink)(struct call *c, struct node *dir, const char *name, const char *target,
                   struct found *ret);
    int (*unlink)(struct call *c, struct node *dir, const char *name);
    int (*rmdir)(struct call *c, struct node *dir, const char *name);
    /* Within one directory, or between two whose ops are the same; else -EXDEV. */
    int (*rename)(struct call *c, struct node *dir, const char *name, struct node *new_dir,
                  const char *new_name, unsigned flags);

    /* Files. direct_io: no kernel cache, no size needed beforehand. */
    int (*open)(struct call *c, struct node *n, int flags, struct handle *h);
    int (*read)(struct call *c, struct node *n, struct handle *h, off_t offset, size_t size,
                struct buf *ret);
    int (*write)(struct call *c, struct node *n, struct handle *h, off_t offset, struct span data);
    int (*flush)(struct call *c, struct node *n, struct handle *h);
    /* Instead of flush, where a signal ends who closes: drops what that process has written and was
     * not committed. Nothing is waited for. */
    void (*drop)(struct call *c, struct node *n, struct handle *h);
    int (*fsync)(struct call *c, struct node *n, struct handle *h);
    void (*release)(struct call *c, struct node *n, struct handle *h);
    int (*readlink)(struct call *c, struct node *n, struct buf *ret);

    /* Called with vfs->lock held when a lookup gives the node to the kernel. False: it cannot show
     * what was found, and another one takes its name. Missing: it can. */
    bool (*take)(struct vfs *vfs, struct node *n, const struct found *found);

    /* Called with vfs->lock held when the node goes. */
    void (*destroy)(struct vfs *vfs, struct node *n);
};

/* What the kernel keeps of a key (pages.h); protected by vfs->lock, but for what says something
 * else. */
struct pages {
    enum { PAGES_UNREAD, PAGES_HELD, PAGES_DIRECT } state;
    uint32_t size;    /* told, as long as not DIRECT */
    uint32_t mtime;   /* told last, the same */
    unsigned paged;   /* open handles that read through the page cache */
    unsigned direct;  /* other open handles */
    bool told;        /* size and mtime are known */
    bool retired;     /* not in the table any more */
    atomic_bool read; /* needs no lock */
    char *text;       /* of size bytes, once HELD; constant, so that reads need no lock */
};

static inline enum node_kind found_kind(const struct found *found)
{
    return found->ops ? found->ops->kind : KIND_NONE;
}

static inline bool found_is_vmx(const struct found *found)
{
    return found_kind(found) == KIND_VMX_DIR || found_kind(found) == KIND_VMX_FILE;
}

struct node {
    /* A rename can turn a scratch file into a key and back. */
    const struct node_ops *_Atomic ops;
    const void *_Atomic detail; /* see struct found */
    _Atomic uint64_t ino;       /* st_ino: the same after a remount */
    char *target;               /* the remote path, where a link led here (struct found); or NULL */
    /* Protected by vfs->lock, as all below: a rename changes them. The names in folders that vmxfs
     * makes up stay, and so does the parent of a setting: those are read without it. */
    char *name;
    struct node *parent;
    struct node *children, *prev, *next;
    struct node *link_prev, *link_next; /* in vfs->by_links, if it has a target */
    uint64_t lookups;                   /* the kernel's */
    unsigned refs;                      /* children, pins and running requests */
    bool in_table;
    bool stray;                /* its number is kept (numbers.h) */
    struct key_state *keys;    /* of a directory of settings: those that are being written */
    struct scratch *scratches; /* of such a directory, and of its .vmxfs */
    struct whole *whole;       /* of a .vmx as a file */
    struct stat *told; /* what the kernel was told last, of what is on the server; or NULL */
    struct handle *open_files; /* of a plain file (open_files.h) */
    struct pages pages;        /* of a key: what the kernel keeps of it */
    struct kept *kept;         /* of a plain file, once it was opened: the same; or NULL */
    struct {
        struct node *parent;
        uint64_t name_hash;
    } key;
    UT_hash_handle hh;
};

struct vfs {
    struct remote *remote; /* borrowed, as the next two */
    struct host *host;     /* NULL: none */
    struct journal *journal;
    struct vfs_options options;
    struct timespec started;
    struct vmx_profiles profiles; /* read only after vfs_new */
    struct notifier *notifier;
    atomic_uint_least64_t init_request; /* the kernel's INIT; 0: not seen, or answered */

    struct lock opening; /* taken before lock, while a plain file becomes open (open_files.h) */
    struct lock lock;
    struct {
        struct condition moved; /* with lock: somebody has left */
        struct call *inside;    /* changes that are under way */
        unsigned waiting;       /* threads */
    } gate;                     /* gate.c; protected by lock */
    struct condition
        changed; /* with lock: a change of an open file has ended, or the file was released */
    struct node *root;
    struct node *nodes GUARDED_BY(lock);
    struct node *by_links GUARDED_BY(lock); /* that were found by a link which is followed */
    struct handle *handles GUARDED_BY(lock);
    size_t scratch_bytes GUARDED_BY(lock);
    struct recent *recent GUARDED_BY(lock); /* recent.c, as the next one */
    size_t recent_bytes GUARDED_BY(lock);
    struct stray *strays GUARDED_BY(lock); /* numbers.c */
};

/* ---- node.c */

/* The node of a name, made if need be, with one lookup (lookup true) and one reference more.
 * NULL: no memory. A node of another kind under that name is left to those who hold it. */
struct node *node_take(struct vfs *vfs, struct node *dir, const char *name,
                       const struct found *found, bool lookup);
/* The node that is known under a name, with a reference more, or NULL. */
struct node *node_find(struct vfs *vfs, struct node *dir, const char *name);
struct node *node_ref(struct vfs *vfs, struct node *n);
void node_unref(struct vfs *vfs, struct node *n); /* accepts NULL */
void node_unref_locked(struct vfs *vfs, struct node *n) REQUIRES(vfs->lock);
void node_forget(struct vfs *vfs, struct node *n, uint64_t lookups);
/* Takes the node of a name out of the table: the next lookup makes a new one. */
void node_detach(struct vfs *vfs, struct node *dir, const char *name);
/* The same of a key's node, whose inode the kernel shall not open any more. */
void node_retire(struct vfs *vfs, struct node *n) REQUIRES(vfs->lock);
/* The same of a node, if it has its name. */
void node_lose_name(struct vfs *vfs, struct node *n) REQUIRES(vfs->lock);
/* The node of a name becomes what found says. */
void node_become(struct vfs *vfs, struct node *dir, const char *name, const struct found *found);
/* Gives the node of a name another parent and name; what was there is detached. */
void node_move(struct vfs *vfs, struct node *dir, const char *name, struct node *new_dir,
               const char *new_name);
/* A copy of its name. NULL: no memory. */
char *node_name(struct vfs *vfs, struct node *n);
/* The remote path of a node. NULL: no memory. */
char *node_path(struct vfs *vfs, struct node *n);
/* Appends it with a slash behind each name. 0, -ENOMEM. */
int node_add_path(struct vfs *vfs, const struct node *n, struct buf *ret) REQUIRES(vfs->lock);
/* The remote path of a name below it. */
char *node_child_path(struct vfs *vfs, struct node *dir, const char *name);
/* The node at a remote path in the main tree (plain false) or below .vmxfs/plain, with a reference
 * more; NULL if the kernel does not know it. */
struct node *node_at(struct vfs *vfs, const char *path, bool plain);
/* Calls back for each node that shows what is at a remote path: in the main tree, below
 * .vmxfs/plain, and by links that are followed. With vfs->lock held; they must stay in the table.
 */
void node_each_at(struct vfs *vfs, const char *path,
                  void (*see)(struct vfs *vfs, struct node *n, void *ctx), void *ctx);
/* Whether a name means the node: none was removed, replaced or detached from it. */
bool node_has_name(struct vfs *vfs, struct node *n);
/* The directory of settings that a node is in (or is). */
struct node *vmx_above(struct vfs *vfs, struct node *n);

/* Its path, the caller's to free. NULL: there is none, or no memory. */
char *vmx_path_above(struct call *c, struct node *n);
/* Whether the node is below .vmxfs/plain. */
bool node_is_plain(struct vfs *vfs, struct node *n);
/* FNV-1a, 64 bits. */
uint64_t hash_of(struct span bytes);
uint64_t node_ino(const struct node *dir, const char *name, bool folded);
/* The number of what has a remote path, in the tree that dir is in. */
uint64_t node_path_ino(struct vfs *vfs, struct node *dir, const char *path);
/* Calls back for each child that is known, with vfs->lock held. */
void node_each_child(struct vfs *vfs, struct node *dir,
                     void (*see)(struct vfs *vfs, struct node *child, void *ctx), void *ctx);

/* Frees all nodes, whoever held them: at the end. */
void node_free_all(struct vfs *vfs);

/* ---- handle.c */

/* flags: of open(2). n may be NULL: it is to be filled in. NULL: no memory. */
struct handle *handle_new(struct vfs *vfs, struct node *n, int flags);
void handle_free(struct vfs *vfs, struct handle *h); /* accepts NULL */
/* Why what it wrote was thrown away: h->refused. */
int handle_refused(struct vfs *vfs, const struct handle *h);
/* Frees those whose release never came: an unmounting kernel drops what it has not sent. */
void handle_free_all(struct vfs *vfs);

/* ---- entry.c: attributes and directory contents */

void attr_file(const struct vfs *vfs, struct stat *st, mode_t mode, off_t size, uint32_t mtime);
void attr_dir(const struct vfs *vfs, struct stat *st, uint32_t mtime);
void attr_remote(const struct vfs *vfs, struct stat *st, const struct sftp_attrs *attrs);
void attr_space(const struct sftp_statvfs *fs, struct statvfs *ret);
double attr_timeout(const struct vfs *vfs, int64_t true_at); /* seconds */

struct dir_names {
    struct dir_name {
        char *name;
        char *own; /* what a lookup will find under another name; or NULL */
        mode_t type;
    } *items;
    size_t n, cap;
};
int dir_names_add(struct dir_names *names, const char *name, mode_t type);
int dir_names_add_alias(struct dir_names *names, const char *name, const char *own);
void dir_names_free(struct dir_names *names);

/* ---- call.c */

/* A request that changes nothing. */
void call_begin(struct call *c, fuse_req_t request);

/* One that does. What it works with (NULL: nothing) stays until change_end, also when its caller is
 * answered before that and closes and forgets it. */
void change_begin(struct call *c, fuse_req_t request, struct node *n, struct node *other,
                  struct handle *h);
void change_end(struct call *c);

/* Waits until no change is under way with an open file that is being released. */
void change_await(struct vfs *vfs, const struct handle *h);

/* ---- killed.c */

/* The process that makes the request; 0: not known. */
pid_t call_process(const struct call *c);

/* Whether that process closes the file because a signal ends it. */
bool call_is_killed(const struct call *c);

/* Whether another process than the one that wrote last closes an open file: a child that has
 * inherited it, say. The writer will close it, too, and what it wrote is complete then. */
bool call_is_bystander(const struct call *c, const struct handle *h);

/* Notes in the journal that what it wrote was dropped. */
void note_killed(struct vfs *vfs, const char *path, const char *key);

/* ---- interrupt.c */

/* For a struct wait, whose ctx is the call: whether its caller is to be freed with EINTR. A caller
 * that ends while its change is committed is answered by this, and the change goes on. */
bool is_interrupted(void *call);

/* ---- gate.c: the rename of a directory waits for the changes below it, and they for it */

/* A change to c->nodes begins. folder: what it renames, if that is a directory; or NULL. 0, -EINTR,
 * -EIO. */
int gate_enter(struct call *c, struct node *folder);
void gate_leave(struct call *c);

/* ---- told.c: what is known while the link is down */

/* Before the reply. False: the node is an open file by now, and what was found by its name may be
 * another one; it is to be looked at anew. */
bool told_remember(struct call *c, struct node *n, const struct stat *st);

/* What is remembered in place of an error. 0, or r: there is nothing, or no need to. */
int told_recall(struct vfs *vfs, struct node *n, int r, struct stat *ret);
int told_recall_name(struct vfs *vfs, struct node *dir, const char *name, int r, struct found *ret);
/* The same of a directory that is gone, for those who have it open: it has no name any more. 0;
 * -ENOENT: nobody has. */
int told_of_removed(struct vfs *vfs, struct node *n, struct stat *ret);

/* Whether the kernel was told this size last, in bytes. */
bool told_size_is(struct vfs *vfs, const struct node *n, uint64_t size);

/* 0, or the errno that the kernel is told instead. */
int told_check_type(struct vfs *vfs, struct node *n, const struct stat *st);

/* ---- refuse.c */

/* Notes a refusal in the journal and returns r. path: of the file; key: or NULL. diag may be empty:
 * the errno is explained then. Only r < 0 is noted; -EINTR and -ENOENT are not. */
int refuse(struct call *c, const char *path, const char *key, int r, const struct vmx_diag *diag);

/* The same for what was written, and what its user believes to be there: -ENOENT is noted, too. A
 * name that is looked up, opened or removed and is not there is nothing to tell of. */
int refuse_change(struct call *c, const char *path, const char *key, int r,
                  const struct vmx_diag *diag);

/* Says that a change finds no .vmx to be made in. -ENOENT. */
int refuse_gone(struct vmx_diag *diag);

/* Says that vmxfs makes a name up, and it is not to be changed. -EPERM. */
int refuse_made_up(struct vmx_diag *diag);

/* As refuse, for a removal. Of all that one process may not remove of one VM in use ("rm -r") only
 * the first is noted. vm: the path of its .vmx. */
int refuse_removal(struct call *c, const char *path, const char *key, int r,
                   const struct vmx_diag *diag, const char *vm);

/* Notes that in this directory nothing of the name can be made, renamed or removed, whatever the
 * server would say; of what one thread tries only the first for each reason. -EPERM. */
int refuse_here(struct call *c, struct node *dir, const char *name);

/* Notes what a change is refused with, before its reply, where nobody has noted a reason: the errno
 * is explained. Not of ordinary answers, such as -EEXIST. n: its file, or the directory of a name.
 */
void refuse_rest(struct call *c, struct node *n, const char *name, int r);

/* Refuses, and notes, a change to a file of a VM in use. 0, -EBUSY, -EIO, ... */
int check_unused(struct call *c, const char *path);

/* ---- vmx_registered.c */

/* Whether a file, no folder, may be removed as far as VMs that the host has registered need it.
 * -EBUSY with *diag and *ret_vm, as refuse_removal takes them; -EIO, ... */
int check_unregistered(struct call *c, const char *path, struct vmx_diag *diag, char **ret_vm);

/* The errno that the kernel is told. ENOSYS and ESTALE have side effects there (docs), and what is
 * only ours must not leak. */
int errno_for_kernel(int r);

/* ---- notify.c: telling the kernel, by a thread that holds no lock */

int notifier_new(struct notifier **ret);
void notifier_free(struct notifier *t);
void notifier_attach(struct notifier *t, struct fuse_session *session);
/* Begins nothing more. False: it is still talking to the kernel about the session. */
bool notifier_detach(struct notifier *t);
void notify_inode(struct vfs *vfs, const struct node *n);
/* At once, from a request's thread: the attributes alone are under no lock of the kernel's. */
void notify_attributes(struct vfs *vfs, const struct node *n);
void notify_entry(struct vfs *vfs, const struct node *dir, const char *name);

/* Tells the kernel what differs between two documents; either may be NULL (unknown). */
void notify_document(struct vfs *vfs, const char *path, const struct document *before,
                     const struct document *after);

/* After each commit: tells the kernel of it, and the host. before == after: nothing was written. */
void notify_commit(struct vfs *vfs, const char *path, const struct document *before,
                   const struct document *after);

/* The same after a .vmx was created, or renamed. */
void notify_host(struct vfs *vfs, const char *path);

/* ---- views.c */

/* A name in a directory of the server means something else from now on, or nothing, and the kernel
 * knows it of this directory alone: it shall look the name up anew wherever else it is shown. */
void views_renew(struct vfs *vfs, struct node *dir, const char *name);

/* A plain file was changed through this node: the kernel shall ask the other nodes that show it for
 * their attributes. Anything else is left alone. */
void views_changed(struct vfs *vfs, struct node *n);

/* ---- file.c */

/* The plain file under a name, if somebody has it open: what it shows. -ENODATA: it is to be looked
 * up on the server. */
int file_lookup_open(struct call *c, struct node *dir, const char *name, struct sftp_attrs *ret);

/* How a file is opened on the server for a handle. */
uint32_t file_open_flags(const struct handle *h);

/* A file was created, or opened in place of that, under a name: a node that has the name and is
 * another file leaves the table. made: the server said that there was none. */
void file_found_created(struct vfs *vfs, struct node *dir, const char *name, bool made);
/* The node is there, and the handle with its file is the node's from now on. */
void file_created(struct vfs *vfs, struct node *n, struct handle *h);

/* Sets attributes of something on the server (FUSE_SET_ATTR_*). */
int file_set_attributes(struct call *c, const char *path, const struct stat *st, int valid);

/* ---- the kinds */

extern const struct node_ops dir_ops, plain_dir_ops, link_ops, file_ops; /* dir.c, file.c */
extern const struct node_ops vmx_ops, key_ops;                           /* vmx.c, key.c */
extern const struct node_ops scratch_ops, scratch_link_ops;              /* scratch.c */
extern const struct node_ops whole_ops;                                  /* whole.c */
extern const struct node_ops control_ops;                                /* control.c */
extern const struct node_ops folder_ops, vmx_folder_ops; /* folder.c, vmx_folder.c */

/* How old an answer may be that is not asked for again. */
static inline int64_t cache_ms(const struct call *c)
{
    return remote_options(c->vfs->remote)->cache_timeout_ms;
}

/* How long a .vmx, or what is written to a control, may be, in bytes. */
static inline size_t max_text(const struct call *c)
{
    return remote_options(c->vfs->remote)->vmx_max;
}

static inline uint64_t node_id(const struct vfs *vfs, const struct node *n)
{
    return n == vfs->root ? FUSE_ROOT_ID : (uint64_t)(uintptr_t)n;
}
