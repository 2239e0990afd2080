/* SPDX-License-Identifier: MIT */
#include "branch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "../files.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/path.h"
#include "own_lock.h"
#include "parser/text/safe_text.h"

int branch_tip(git_repository *repository, const char *branch, git_oid *ret)
{
    const int error = git_reference_name_to_id(ret, repository, branch);
    return error == 0 ? 0 : error == GIT_ENOTFOUND ? -ENOENT : -EIO;
}

bool branch_is_checked_out(git_repository *repository, const char *branch)
{
    git_reference *head = NULL;
    if (git_reference_lookup(&head, repository, "HEAD") < 0)
        return false;
    const char *target = git_reference_symbolic_target(head);
    const bool is = target && strcmp(target, branch) == 0;
    git_reference_free(head);
    return is;
}

/* ---- the reflog */

static void make_folders(const char *git_dir)
{
    static const char *const folders[] = {"refs", "refs/heads", "logs", "logs/refs",
                                          "logs/refs/heads"};
    for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
        FREE_AUTO char *path = NULL;
        if (asprintf(&path, "%s/%s", git_dir, folders[i]) >= 0)
            mkdir(path, 0777);
    }
}

static int write_line(const struct branch_move *move, struct buf *ret)
{
    static const git_oid none = {{0}};
    char from[GIT_OID_HEXSZ + 1];
    char to[GIT_OID_HEXSZ + 1];
    const int64_t now = clock_wall_s();
    const time_t at = (time_t)now;
    struct tm tm = {0};
    const long minutes = localtime_r(&at, &tm) ? tm.tm_gmtoff / 60 : 0;
    git_oid_tostr(from, sizeof(from), move->from ? move->from : &none);
    git_oid_tostr(to, sizeof(to), move->to);
    return buf_addf(ret, "%s %s %s <%s> %lld %c%02ld%02ld\t", from, to, move->name, move->mail,
                    (long long)now, minutes < 0 ? '-' : '+', labs(minutes) / 60, labs(minutes) % 60)
        ?: safe_text_add(ret, span_of(move->message))
        ?: buf_add_char(ret, '\n');
}

/* A line that is missing does no harm: it is written after the branch has moved. */
static void add_line(const char *git_dir, const char *name, struct span line)
{
    FREE_AUTO char *path = NULL;
    if (asprintf(&path, "%s/logs/%s", git_dir, name) < 0)
        return;
    FD_AUTO fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
    if (fd < 0)
        return;
    struct stat st;
    if (fstat(fd, &st) == 0 && files_write_all(fd, line) < 0 && ftruncate(fd, st.st_size) < 0)
        return; /* half a line is left on a full disk: git passes over it */
}

static void add_to_logs(git_repository *repository, const struct branch_move *move)
{
    BUF_AUTO line = {0};
    const char *git_dir = git_repository_path(repository);
    if (write_line(move, &line) < 0)
        return;
    add_line(git_dir, move->branch, buf_span(&line));
    if (branch_is_checked_out(repository, move->branch))
        add_line(git_dir, "HEAD", buf_span(&line));
}

/* ---- the move */

static int check_place(git_repository *repository, const struct branch_move *move)
{
    git_oid at;
    const int r = branch_tip(repository, move->branch, &at);
    if (r == -ENOENT)
        return move->from ? -EAGAIN : 0;
    return r ?: move->from && git_oid_equal(&at, move->from) ? 0 : -EAGAIN;
}

int branch_sync(git_repository *repository, const char *branch)
{
    FREE_AUTO char *path = path_join(git_repository_path(repository), branch);
    return path ? files_sync_folder_of(path) : -ENOMEM;
}

int branch_move(git_repository *repository, const struct branch_move *move, bool *ret_moved,
                struct diag *why)
{
    const char *git_dir = git_repository_path(repository);
    struct own_lock lock;
    FREE_AUTO char *path = path_join(git_dir, move->branch);
    char id[GIT_OID_HEXSZ + 1];
    BUF_AUTO content = {0};
    make_folders(git_dir);
    *ret_moved = false;
    int r = path ? buf_addf(&content, "%s\n", git_oid_tostr(id, sizeof(id), move->to)) : -ENOMEM;
    r = r ?: own_lock_take(&lock, git_dir, move->branch, "branch", buf_span(&content));
    if (r == 0) {
        r = check_place(repository, move) ?: own_lock_install(&lock, path);
        *ret_moved = r == 0;
        if (r == 0)
            add_to_logs(repository, move);
        own_lock_give(&lock);
    }
    r = r ?: branch_sync(repository, move->branch);
    if (r < 0)
        diag_set(why,
                 *ret_moved ? "the branch %s was moved, but that may not be on the disk: %s"
                            : "the branch %s cannot be moved: %s",
                 move->branch, strerror(-r));
    return r;
}
