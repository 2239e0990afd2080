/* SPDX-License-Identifier: MIT */
#include "files.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "file_name.h"
#include "file_turn.h"
#include "remote/cache/listed_documents.h"
#include "remote/lock/leftovers.h"
#include "remote/names/paths.h"
#include "remote/notes.h"
#include "remote/server_errors.h"
#include "sftp/results.h"
#include "shared_file.h"

/* Forgets what a change at path makes untrue. */
static void changed(struct remote *remote, const char *path)
{
    FREE_AUTO char *dir = path_dir(path);
    cache_drop(remote->documents, path);
    if (dir)
        cache_drop(remote->listings, dir);
}

/* The type of what is at path (S_IFMT bits), 0 for nothing. */
static int type_at(struct remote *remote, const char *path, const struct wait *wait, uint32_t *ret)
{
    FREE_AUTO char *full = remote_path(remote, path);
    SFTP_CALL_AUTO *call = full ? sftp_lstat(remote->sftp, full) : NULL;
    int r = sftp_wait(call, wait);
    if (r == 0)
        *ret = sftp_call_attrs(call)->mode & S_IFMT;
    if (r == -ENOENT)
        *ret = 0;
    return r == -ENOENT ? 0 : r;
}

/* ---- changes of names. Of some it can be seen whether they were made. */

/* Makes a folder, or a link with the text target. Where a request was sent and nobody knows what
 * came of it, what is found there could be somebody else's. 0; -EEXIST: something has the name; ...
 */
static int make_name(struct remote *remote, const char *path, const char *target, uint32_t mode,
                     const struct wait *wait)
{
    uint32_t type = 0;
    FREE_AUTO char *full = remote_path(remote, path);
    int r = full ? remote_check_new(remote, path) : -ENOMEM;
    if (r < 0)
        return r;
    do {
        SFTP_CALL_AUTO *call = target ? sftp_symlink(remote->sftp, target, full)
                                      : sftp_mkdir(remote->sftp, full, mode);
        r = sftp_wait(call, wait);
        r = unsure_is_unanswered(call, r) ? -EUCLEAN : r;
    } while (remote_again(remote, wait, &r));
    if (r == -EREMOTEIO && type_at(remote, path, wait, &type) == 0 && type)
        r = -EEXIST;
    changed(remote, path);
    return remote_write_error(remote, path, wait, r);
}

int remote_mkdir(struct remote *remote, const char *path, uint32_t mode, const struct wait *wait)
{
    return make_name(remote, path, NULL, mode, wait);
}

int remote_symlink(struct remote *remote, const char *target, const char *path,
                   const struct wait *wait)
{
    return make_name(remote, path, target, 0, wait);
}

static bool is_as_seen(const struct sftp_attrs *seen, const struct sftp_attrs *now)
{
    if (!seen || (seen->mode ^ now->mode) & S_IFMT)
        return false;
    return S_ISDIR(now->mode) || (seen->size == now->size && seen->mtime == now->mtime);
}

/* What became of a name, after an answer was lost. 0: what was seen there has it; -ENOENT: nothing;
 * -EUCLEAN: something else. */
static int look_again(struct remote *remote, const char *path, const struct sftp_attrs *seen,
                      const struct wait *wait)
{
    FREE_AUTO char *full = remote_path(remote, path);
    SFTP_CALL_AUTO *call = full ? sftp_lstat(remote->sftp, full) : NULL;
    int r = sftp_wait(call, wait);
    return r == 0 && !is_as_seen(seen, sftp_call_attrs(call)) ? -EUCLEAN : r;
}

/* A name that is to go. */
struct going {
    struct remote *remote;
    const char *path, *to; /* it is renamed; NULL: removed, */
    bool folder;           /* as a folder is */
    bool exclusive;        /* replaces nothing */
    const struct sftp_attrs *seen;
    const struct wait *wait;
    bool lost; /* an answer: the old server process may still make the names go */
};

static struct sftp_call *ask_to_go(const struct going *m, const char *path, const char *to)
{
    if (to)
        return sftp_best_rename(m->remote->sftp, path, to, 0);
    return m->folder ? sftp_rmdir(m->remote->sftp, path) : sftp_remove(m->remote->sftp, path, 0);
}

static int send(struct going *m)
{
    FREE_AUTO char *path = remote_path(m->remote, m->path);
    FREE_AUTO char *to = m->to ? remote_path(m->remote, m->to) : NULL;
    uint32_t type = 0;
    int r = m->exclusive ? type_at(m->remote, m->to, m->wait, &type) : 0;
    if (r < 0 || type)
        return r < 0 ? r : -EEXIST;
    SFTP_CALL_AUTO *call = path && (to || !m->to) ? ask_to_go(m, path, to) : NULL;
    r = sftp_wait(call, m->wait);
    if (!unsure_is_unanswered(call, r))
        return r;
    m->lost = true;
    return unsure_names_going(m->remote, m->path, m->to) ?: r;
}

/* Where what was to be renamed has gone while no answer came, it is looked for under the new name.
 */
static int go_once(struct going *m)
{
    int r = m->lost ? look_again(m->remote, m->path, m->seen, m->wait) : 0;
    r = r ?: send(m);
    if (r != -ENOENT || !m->lost)
        return r;
    r = m->to ? look_again(m->remote, m->to, m->seen, m->wait) : 0;
    return r == -ENOENT ? -EUCLEAN : r;
}

/* Until it is known what came of it. */
static int go(struct going *m)
{
    int r = m->to ? remote_check_new(m->remote, m->to) : 0;
    if (r < 0)
        return r;
    do
        r = go_once(m);
    while (remote_again(m->remote, m->wait, &r));
    /* The old one finds nothing to rename as long as nobody has that name. */
    if (r == 0 && m->lost && m->to)
        unsure_name_settled(m->remote, m->to);
    return r == -EIO && m->lost ? -EUCLEAN : r;
}

/* The same after an attempt to remove what was there. before: as of listing_before. */
static void tried_to_remove(struct remote *remote, const char *path, const struct listing *before,
                            const struct going *m, int r)
{
    if (r < 0 || m->lost) {
        changed(remote, path);
        return;
    }
    cache_drop(remote->documents, path);
    listing_name_gone(remote, path, before);
}

/* What a bare failure to remove a folder meant, or "no such file", which OpenSSH says of a file
 * too. One that cannot be listed is not empty, as far as anybody can tell. *ret_hidden: it is not,
 * but what it holds is not shown. */
static int explain_rmdir(struct remote *remote, const char *path, const struct wait *wait, int r,
                         bool *ret_hidden)
{
    LISTING_AUTO *l = NULL;
    *ret_hidden = false;
    if (r != -EREMOTEIO && r != -ENOENT)
        return r;
    int list_r = remote_list(remote, path, 0, wait, &l);
    if (list_r == -ENOTDIR || list_r == -ENOENT)
        return list_r;
    *ret_hidden = list_r == 0 && l->n == 0 && l->own > 0;
    bool full = list_r == 0 ? l->n + l->own > 0 : list_r == -EACCES && r == -EREMOTEIO;
    return full ? -ENOTEMPTY : r;
}

int remote_rmdir(struct remote *remote, const char *path, const struct sftp_attrs *seen,
                 const struct wait *wait)
{
    struct going m = {.remote = remote, .path = path, .folder = true, .seen = seen, .wait = wait};
    LISTING_AUTO *before = listing_before(remote, path);
    struct diag diag = {0};
    bool hidden;
    int r = explain_rmdir(remote, path, wait, go(&m), &hidden);
    if (hidden && leftovers_clear(remote, path, wait, &diag))
        r = explain_rmdir(remote, path, wait, go(&m), &hidden);
    if (hidden)
        leftovers_note(remote, path, &diag);
    tried_to_remove(remote, path, before, &m, r);
    cache_drop_below(remote->listings, path);
    return remote_write_error(remote, path, wait, r);
}

int remote_remove(struct remote *remote, const char *path, const struct sftp_attrs *seen,
                  const struct wait *wait)
{
    struct going m = {.remote = remote, .path = path, .seen = seen, .wait = wait};
    LISTING_AUTO *before = listing_before(remote, path);
    int r = go(&m);
    uint32_t type = 0;
    if (r == -EREMOTEIO && type_at(remote, path, wait, &type) == 0 && type == S_IFDIR)
        r = -EISDIR;
    if (r == 0)
        files_renamed(remote, path, NULL);
    tried_to_remove(remote, path, before, &m, r);
    return remote_write_error(remote, path, wait, r);
}

/* What a bare failure of a rename meant, or "no such file", which OpenSSH says of files too. */
static int explain_rename(struct remote *remote, const char *from, const char *to,
                          const struct wait *wait, int r)
{
    uint32_t from_type = 0;
    uint32_t to_type = 0;
    if (r != -EREMOTEIO && r != -ENOENT)
        return r;
    if (type_at(remote, from, wait, &from_type) < 0 || type_at(remote, to, wait, &to_type) < 0)
        return -EIO;
    if (!from_type)
        return -ENOENT;
    if (from_type != S_IFDIR && to_type == S_IFDIR)
        return -EISDIR;
    if (from_type == S_IFDIR && to_type && to_type != S_IFDIR)
        return -ENOTDIR;
    if (from_type == S_IFDIR && to_type == S_IFDIR)
        return -ENOTEMPTY;
    return to_type && !sftp_features(remote->sftp).posix_rename ? -EOPNOTSUPP : r;
}

/* Whether they are in two volumes of an ESXi host. Their names are those of directories: links to
 * them are not paths of ours. */
static bool in_two_volumes(const char *a, const char *b)
{
    static const char volumes[] = "/vmfs/volumes/";
    const char *at = strstr(a, volumes);
    const size_t n = at ? (size_t)(at - a) + strlen(volumes) : 0;
    if (!at || strncmp(a, b, n) != 0)
        return false;
    const size_t name = strcspn(a + n, "/");
    return name != strcspn(b + n, "/") || strncmp(a + n, b + n, name) != 0;
}

/* Numbers may be missing (NFS) or shared (quotas of a project, beyond which nothing is renamed). */
static bool same_filesystem(const struct sftp_statvfs *a, const struct sftp_statvfs *b)
{
    return a->fsid == b->fsid && a->bsize == b->bsize && a->frsize == b->frsize &&
           a->blocks == b->blocks && a->namemax == b->namemax;
}

/* Whether the server shows that two folders lie in two filesystems. Some count their blocks anew
 * all the time: those have no such number. */
static bool lie_apart(struct remote *remote, const char *from, const char *to,
                      const struct wait *wait)
{
    if (strcmp(from, to) == 0)
        return false;
    SFTP_CALL_AUTO *a = sftp_statvfs(remote->sftp, from);
    SFTP_CALL_AUTO *b = sftp_statvfs(remote->sftp, to);
    SFTP_CALL_AUTO *again = sftp_statvfs(remote->sftp, from);
    return sftp_wait(a, wait) == 0 && sftp_wait(b, wait) == 0 && sftp_wait(again, wait) == 0 &&
           same_filesystem(sftp_call_statvfs(a), sftp_call_statvfs(again)) &&
           !same_filesystem(sftp_call_statvfs(a), sftp_call_statvfs(b));
}

/* SFTP has no word for it. That the server tells nothing of a failure and the paths are in two
 * volumes is taken for it, too: no host renames from one to the other, and if it is something else
 * a program that copies meets it again. */
int remote_rename_error(struct remote *remote, const char *from, const char *to, bool lost,
                        const struct wait *wait, int r)
{
    FREE_AUTO char *from_dir = path_dir(from);
    FREE_AUTO char *to_dir = path_dir(to);
    FREE_AUTO char *full_from = from_dir ? remote_path(remote, from_dir) : NULL;
    FREE_AUTO char *full_to = to_dir ? remote_path(remote, to_dir) : NULL;
    if (!full_from || !full_to)
        return -ENOMEM;
    if (r == -EREMOTEIO && !lost && lie_apart(remote, full_from, full_to, wait))
        return -EXDEV;
    r = explain_rename(remote, from, to, wait, r);
    if (r != -EREMOTEIO)
        return r;
    r = remote_write_error(remote, to, wait, r);
    return r == -EIO && !lost && in_two_volumes(full_from, full_to) ? -EXDEV : r;
}

static int try_to_rename(struct going *m)
{
    int r = go(m);
    return r < 0 ? remote_rename_error(m->remote, m->path, m->to, m->lost, m->wait, r) : r;
}

/* The documents in a folder that gets another name. What somebody records has another path then,
 * whether or not it has been read by now; but nobody looks into folders in the folder for that. */
static int find_moving(struct remote *remote, const char *from, const struct sftp_attrs *seen,
                       const struct remote_by *by, const struct wait *wait, struct known_below *ret)
{
    LISTING_AUTO *l = NULL;
    int r = documents_known_below(remote, from, ret);
    if (r < 0 || !by || !seen || !S_ISDIR(seen->mode) || !remote_is_recorded(remote))
        return r;
    r = remote_list(remote, from, DOCUMENT_ANY_AGE, wait, &l);
    return r == -EINTR || r == -ENOMEM ? r : documents_listed_below(remote, from, ret);
}

/* A folder has another name: so have the documents in it. */
static void tell_moved(struct remote *remote, const struct known_below *known, const char *from,
                       const char *to, const struct remote_by *by)
{
    for (size_t i = 0; i < known->n; i++) {
        FREE_AUTO char *path = path_join(to, path_below(from, known->paths[i]));
        if (path)
            remote_tell_moved(remote, known->paths[i], path, by);
    }
}

int remote_rename(struct remote *remote, const char *from, const char *to, bool exclusive,
                  const struct sftp_attrs *seen, const struct remote_by *by,
                  const struct wait *wait)
{
    struct known_below known = {0};
    struct going m = {remote, from, to, false, exclusive, seen, wait, false};
    struct diag diag = {0};
    int r = find_moving(remote, from, seen, by, wait, &known) ?: try_to_rename(&m);
    if (r == -ENOTEMPTY && leftovers_clear(remote, to, wait, &diag)) {
        r = try_to_rename(&m);
        if (r == -ENOTEMPTY)
            leftovers_note(remote, to, &diag);
    }
    if (r == 0)
        files_renamed(remote, from, to);
    changed(remote, from);
    changed(remote, to);
    cache_drop_below(remote->listings, from);
    cache_drop_below(remote->listings, to);
    cache_drop_below(remote->documents, from);
    cache_drop_below(remote->documents, to);
    if (r == 0)
        tell_moved(remote, &known, from, to, by);
    known_below_done(&known);
    return r;
}

/* ---- the rest */

int remote_setattr(struct remote *remote, const char *path, const struct sftp_attrs *attrs,
                   const struct wait *wait)
{
    FREE_AUTO char *full = remote_path(remote, path);
    if (!full)
        return -ENOMEM;
    const struct effect effect = {.what = EFFECT_ATTRS, .attrs = *attrs};
    int r = remote_settle(remote, path, wait, NULL); /* or late writes would change the times */
    r = r ?: name_check(remote, path, &effect);
    if (r < 0)
        return r;
    do { /* setting the same twice is setting it once */
        SFTP_CALL_AUTO *call = sftp_setstat(remote->sftp, full, attrs);
        r = sftp_wait(call, wait);
        if (unsure_is_unanswered(call, r) && unsure_name_note(remote, path, &effect) < 0)
            r = -ENOMEM;
    } while (remote_again(remote, wait, &r));
    changed(remote, path);
    name_count_change(remote, path);
    const uint64_t size = attrs->flags & SFTP_ATTR_SIZE ? attrs->size : 0;
    return remote_size_error(remote, path, size, wait, r);
}

int remote_link_setattr(struct remote *remote, const char *path, const struct sftp_attrs *attrs,
                        const struct wait *wait)
{
    FREE_AUTO char *full = remote_path(remote, path);
    int r = full ? 0 : -ENOMEM;
    if (r == 0 && !sftp_features(remote->sftp).lsetstat)
        r = -EOPNOTSUPP;
    if (r < 0)
        return r;
    do {
        SFTP_CALL_AUTO *call = sftp_lsetstat(remote->sftp, full, attrs);
        r = sftp_wait(call, wait);
    } while (remote_again(remote, wait, &r));
    changed(remote, path);
    return remote_write_error(remote, path, wait, r);
}

int remote_statvfs(struct remote *remote, const char *path, const struct wait *wait,
                   struct sftp_statvfs *ret)
{
    FREE_AUTO char *full = remote_path(remote, path);
    if (!full)
        return -ENOMEM;
    int r;
    do {
        SFTP_CALL_AUTO *call = sftp_statvfs(remote->sftp, full);
        r = sftp_wait(call, wait);
        if (r == 0)
            *ret = *sftp_call_statvfs(call);
    } while (remote_again(remote, wait, &r));
    return r == -EREMOTEIO ? -EIO : r;
}
