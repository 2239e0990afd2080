/* SPDX-License-Identifier: MIT */
/*
 * The work tree and the index of the repository's owner, brought to where vmxfs has moved the
 * branch.
 *
 * They are his. Of each file that differs between the commit that they show and the new one:
 *
 *     in the index     in the work tree
 *     as it was        as it was           both get the new text
 *     as it was        anything else       the index gets it; the file stays: he has changed it
 *     anything else    anything            both stay: he has staged something
 *
 * Nothing is touched while another branch is checked out, or none. While his git has the index
 * locked, all is left for the next time, as it is where the process is killed:
 * DIR/.git/vmxfs/checked-out says from which commit on.
 */
#pragma once

#include <git2.h>

/* Of both, tip: where the branch was before the recording, NULL: nowhere. Where that does not go
 * back to what was checked out, its owner has moved it, and has brought index and files to it by
 * himself. */

/* Before the branch is moved: notes what index and files show. 0, -errno. */
int work_tree_prepare(git_repository *repository, const char *branch, const git_oid *tip);

/* 0; -EAGAIN: the index is locked; -errno. */
int work_tree_update(git_repository *repository, const char *branch, const git_oid *tip);
