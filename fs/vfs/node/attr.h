/* SPDX-License-Identifier: MIT */
/* The attributes that the kernel is told. */
#pragma once

#include <sys/stat.h>
#include <sys/statvfs.h>

#include "sftp/requests.h"
#include "vfs/vfs_private.h"

/* Of what vmxfs makes up: it belongs to who mounts. */
void attr_file(const struct vfs *vfs, struct stat *st, mode_t mode, off_t size, uint32_t mtime);
void attr_dir(const struct vfs *vfs, struct stat *st, uint32_t mtime);
/* Of what has attrs on the server; a .vmx is a directory (attr_vmx). 0; -EPERM: its owner cannot be
 * shown. */
int attr_remote(const struct vfs *vfs, struct stat *st, const struct sftp_attrs *attrs);
int attr_vmx(const struct vfs *vfs, struct stat *st, const struct sftp_attrs *attrs);
void attr_space(const struct sftp_statvfs *fs, struct statvfs *ret);
/* A time that somebody sets, as SFTP can tell it: seconds of 32 bits since 1970. One before or
 * after them is the nearest, as on every file system that cannot hold it. */
uint32_t attr_seconds(const struct timespec *time);
double attr_timeout(const struct vfs *vfs, int64_t true_at); /* seconds */
