/* SPDX-License-Identifier: MIT */
#include "tries.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/path.h"
#include "remote/cache/listing.h"
#include "remote/lock/token.h"
#include "remote/names/paths.h"
#include "remote/server_errors.h"
#include "sftp/requests.h"
#include "sftp/results.h"

enum {
    FOLDER_MODE = S_IFDIR | 0700,
    LOOK_MS = 50,
    CLOCK_FAR_S = 600, /* from here on a file's time proves nothing */
    CLOCK_NEAR_S = 2,  /* what the seconds of both clocks and a round trip make */
};

/* The names in the folder. */
static const char *const names[] = {"folder", "moved", "file", "target"};
enum { FOLDER, MOVED, FILE_, TARGET, NAMES };

struct place {
    struct sftp *sftp;
    const struct tries *tries;
    const char *shown;  /* of the directory that the folder is in */
    char *beside;       /* a path below the root for what is in that directory */
    char *folder;       /* ours */
    char *paths[NAMES]; /* of what is made in it */
};

/* Waits, and frees the call. 0, -errno. */
static int result(struct sftp_call *call, const struct wait *wait)
{
    int r = sftp_wait(call, wait);
    sftp_call_free(&call);
    return r;
}

/* ---- the folder */

static void place_done(struct place *p)
{
    for (size_t i = 0; i < NAMES; i++)
        free(p->paths[i]);
    free(p->beside);
    free(p->folder);
    *p = (struct place){.sftp = p->sftp, .tries = p->tries};
}

/* Makes a folder below dir, under a name that no mount shows. 0, -errno. */
static int make_folder(struct remote *remote, const char *dir, struct place *p)
{
    struct token_owner owner;
    char token[TOKEN_MAX + 1];
    FREE_AUTO char *full = remote_path(remote, dir);
    token_owner_init(&owner);
    token_make(&owner, 0, token, sizeof(token));
    if (!full ||
        asprintf(&p->folder, "%s/.vmxfs-%s", strcmp(full, "/") == 0 ? "" : full, token) < 0)
        p->folder = NULL;
    p->beside = p->folder ? path_join(dir, path_name(p->folder)) : NULL;
    if (!p->beside)
        return -ENOMEM;
    for (size_t i = 0; i < NAMES; i++) {
        p->paths[i] = path_join(p->folder, names[i]);
        if (!p->paths[i])
            return -ENOMEM;
    }
    return result(sftp_mkdir(p->sftp, p->folder, FOLDER_MODE), p->tries->wait);
}

/* The first datastore: a directory that a link beside it names. Those of the host's own system have
 * names that say so. NULL: there is none. Borrowed from the listing. */
static const char *first_store(const struct listing *l)
{
    static const char *const system[] = {"BOOTBANK", "OSDATA-", "LOCKER-"};
    for (size_t i = 0; i < l->n; i++) {
        bool is_system = false;
        for (size_t k = 0; k < sizeof(system) / sizeof(system[0]); k++)
            is_system |= strncmp(l->entries[i].name, system[k], strlen(system[k])) == 0;
        if (l->entries[i].stands_for && !is_system)
            return l->entries[i].stands_for;
    }
    return NULL;
}

/* Makes the folder in the root, or in a datastore where the root is the directory of those. */
static int find_place(struct remote *remote, struct place *p)
{
    LISTING_AUTO *l = NULL;
    int r = make_folder(remote, "", p);
    if (r == 0 || is_unanswered(r) || remote_list(remote, "", 0, p->tries->wait, &l) < 0 ||
        !first_store(l))
        return r;
    place_done(p);
    return make_folder(remote, first_store(l), p);
}

static void remove_all(const struct place *p, const struct wait *wait)
{
    struct sftp *s = p->sftp;
    for (size_t i = FILE_; i < NAMES; i++)
        result(sftp_remove(s, p->paths[i], 0), wait);
    result(sftp_rmdir(s, p->paths[FOLDER]), wait);
    result(sftp_rmdir(s, p->paths[MOVED]), wait);
    result(sftp_rmdir(s, p->folder), wait);
}

static bool is_gone(const struct place *p, const struct wait *wait)
{
    return result(sftp_lstat(p->sftp, p->folder), wait) == -ENOENT;
}

/* A server that does not answer takes the link down, which then comes back by itself. */
static void await_link(const struct place *p, const struct wait *wait)
{
    while (sftp_state(p->sftp) != SFTP_UP && wait_sleep(wait, LOOK_MS) == 0)
        ;
}

/* Removes the folder, also when the tries were interrupted or their time is over; over the next
 * connection, where this one is lost. */
static void clean_up(struct remote *remote, const struct place *p)
{
    const int timeout_ms = remote_options(remote)->timeout_ms;
    const struct wait now = wait_for_ms(timeout_ms);
    remove_all(p, &now);
    if (is_gone(p, &now))
        return;
    const struct wait again = wait_for_ms(timeout_ms);
    await_link(p, &again);
    remove_all(p, &again);
    if (!is_gone(p, &again))
        report_line(p->tries->report, VMX_WARN, "left-over", "%s is still there; remove it",
                    p->folder);
}

/* ---- what is tried */

/* A file with a byte in it. *ret_synced: what fsync said. */
static int make_file(const struct place *p, const char *path, int *ret_synced, uint32_t *ret_mtime)
{
    const struct wait *wait = p->tries->wait;
    SFTP_CALL_AUTO *open =
        sftp_open(p->sftp, path, SFTP_OPEN_WRITE | SFTP_OPEN_CREAT | SFTP_OPEN_EXCL, NULL);
    int r = sftp_wait(open, wait);
    if (r < 0)
        return r;
    const struct sftp_handle *handle = sftp_call_handle(open);
    r = result(sftp_write(p->sftp, handle, 0, SPAN_LITERAL("\n")), wait);
    *ret_synced = result(sftp_fsync(p->sftp, handle), wait);
    SFTP_CALL_AUTO *stat = sftp_fstat(p->sftp, handle);
    r = r ?: sftp_wait(stat, wait);
    if (r == 0)
        *ret_mtime = sftp_call_attrs(stat)->mtime;
    return r ?: result(sftp_close(p->sftp, handle), wait);
}

static void try_fsync(const struct place *p, int synced)
{
    if (synced == 0)
        report_line(p->tries->report, VMX_PASS, "fsync", "a change is on the disk when it is done");
    else if (synced == -EOPNOTSUPP)
        report_line(p->tries->report, VMX_WARN, "fsync",
                    "not offered: a change that is done may be lost when the server's power fails");
    else
        report_line(p->tries->report, VMX_WARN, "fsync", "offered, and fails: %s",
                    strerror(-synced));
}

static void try_clock(const struct place *p, int64_t before, uint32_t mtime)
{
    const int64_t ahead = (int64_t)mtime - before;
    const int64_t far = ahead < 0 ? -ahead : ahead;
    const char *which = ahead < 0 ? "behind" : "ahead of";
    if (far <= CLOCK_NEAR_S)
        report_line(p->tries->report, VMX_PASS, "clock", "the same as here");
    else
        report_line(p->tries->report, far > CLOCK_FAR_S ? VMX_WARN : VMX_PASS, "clock",
                    "%lld s %s the clock here", (long long)far, which);
}

/* No answer says nothing of what the server can. */
static bool report_unanswered(const struct place *p, const char *rule, int r)
{
    if (!is_unanswered(r))
        return false;
    report_line(p->tries->report, VMX_UNKNOWN, rule, "there was no answer: %s", strerror(-r));
    return true;
}

/* What a refused write meant: of a bare "failure" the filesystem's numbers tell. */
static int write_error(struct remote *remote, const struct place *p, int r)
{
    return p->beside ? remote_write_error(remote, p->beside, p->tries->wait, r) : r;
}

static const char *write_reason(int r)
{
    return r == -EIO ? "the server does not say why" : strerror(-r);
}

static void report_unwritable(const struct place *p, int r)
{
    report_line(p->tries->report, VMX_FAIL, "write", "no file can be written in %s: %s", p->shown,
                write_reason(r));
}

/* Another file is in the place already. */
static void try_posix_rename(const struct place *p)
{
    const struct tries *t = p->tries;
    const enum vmx_severity bad = t->unsafe_rename ? VMX_WARN : VMX_FAIL;
    const char *what = t->unsafe_rename ? "a change of a .vmx is made in two steps (rename=unsafe)"
                                        : "no setting can be changed, but with -o rename=unsafe";
    int r = result(sftp_posix_rename(p->sftp, p->paths[FILE_], p->paths[TARGET], 0), t->wait);
    if (report_unanswered(p, "posix-rename", r))
        return;
    if (r == 0)
        report_line(t->report, VMX_PASS, "posix-rename", "a file is replaced in one step");
    else if (r == -EOPNOTSUPP)
        report_line(t->report, bad, "posix-rename", "not offered: %s", what);
    else
        report_line(t->report, bad, "posix-rename", "offered, and fails (%s): %s", strerror(-r),
                    what);
}

static void try_folder_rename(const struct place *p)
{
    const struct tries *t = p->tries;
    int r = result(sftp_mkdir(p->sftp, p->paths[FOLDER], FOLDER_MODE), t->wait)
                ?: result(sftp_best_rename(p->sftp, p->paths[FOLDER], p->paths[MOVED], 0), t->wait);
    if (report_unanswered(p, "folder-rename", r))
        return;
    if (r == 0)
        report_line(t->report, VMX_PASS, "folder-rename", "tried in %s", p->shown);
    else
        report_line(t->report, VMX_NOTE, "folder-rename",
                    "refused in %s (%s): a change takes one round trip more, and no folder can be "
                    "renamed",
                    p->shown, strerror(-r));
}

static void make_tries(struct remote *remote, const struct place *p)
{
    int synced = -EOPNOTSUPP;
    uint32_t mtime = 0;
    const int64_t before = clock_wall_s();
    int r = make_file(p, p->paths[FILE_], &synced, &mtime)
                ?: make_file(p, p->paths[TARGET], &synced, &mtime);
    if (report_unanswered(p, "write", r))
        return;
    if (r < 0) {
        report_unwritable(p, write_error(remote, p, r));
        return;
    }
    try_posix_rename(p);
    try_folder_rename(p);
    try_fsync(p, synced);
    try_clock(p, before, mtime);
}

/* What the server offers is all that is known where nothing can be written. */
static void skip(struct remote *remote, const struct tries *t, const char *reason)
{
    const struct sftp_features offers = sftp_features(remote_sftp(remote));
    const struct {
        const char *rule, *offered;
    } lines[] = {
        {"posix-rename", offers.posix_rename ? "offered, " : "not offered, "},
        {"folder-rename", ""},
        {"fsync", offers.fsync ? "offered, " : "not offered, "},
        {"clock", ""},
    };
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
        report_line(t->report, VMX_UNKNOWN, lines[i].rule, "%snot tried: %s", lines[i].offered,
                    reason);
}

void tries_make(struct remote *remote, const struct tries *tries)
{
    struct place p = {.sftp = remote_sftp(remote), .tries = tries};
    if (tries->read_only) {
        skip(remote, tries, "the mount is read-only (-o ro)");
        return;
    }
    int r = find_place(remote, &p);
    BUF_AUTO shown = {0};
    FREE_AUTO char *dir =
        p.folder ? strndup(p.folder, (size_t)(path_name(p.folder) - p.folder - 1)) : NULL;
    p.shown = dir && dir[0] ? dir : "/";
    const int refused = is_unanswered(r) ? r : write_error(remote, &p, r);
    if (r == 0) {
        make_tries(remote, &p);
    } else if (refused == -ENOSPC) {
        report_unwritable(&p, refused);
    } else {
        buf_addf(&shown, "%s: %s", p.shown, refused == r ? strerror(-r) : write_reason(refused));
        skip(remote, tries, shown.len ? shown.data : strerror(-r));
    }
    /* One that was made although its answer did not come goes, too. */
    if (p.folder && (r == 0 || is_unanswered(r)))
        clean_up(remote, &p);
    place_done(&p);
}
