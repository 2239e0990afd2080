/* SPDX-License-Identifier: MIT */
/* Files of the work tree. No symbolic link on the way to one is followed: it leads elsewhere. */
#pragma once

#include <git2.h>
#include <sys/stat.h>

#include "parser/text/buf.h"

enum work_file_state {
    WORK_FILE_NONE,
    WORK_FILE_OLD,   /* it has the bytes of the blob that was asked for first */
    WORK_FILE_NEW,   /* of the second one */
    WORK_FILE_OTHER, /* of neither, or it is no file, or cannot be read */
    WORK_FILE_UNFIT, /* no file can have this name here */
};

/* What is at a path below the folder. old, new: zeros are those of no file. ret: of the file. */
enum work_file_state work_file_state(int folder, const char *path, const git_oid *old,
                                     const git_oid *new, struct stat *ret);

/* Puts a file there, whole; makes folders. scratch: the path of a file on the same file system,
 * which is written first. 0, -errno. */
int work_file_write(int folder, const char *path, const char *scratch, struct span content,
                    struct stat *ret);

/* Removes it, and the folders that are empty then. */
void work_file_remove(int folder, const char *path);
