/* SPDX-License-Identifier: MIT */
/* Attributes of what the tree shows, and the contents of directories. */
#include "attr.h"

#include <limits.h>

#include "base/clock.h"

enum { BLOCK = 512 };

static void common(const struct vfs *vfs, struct stat *st, mode_t mode, off_t size, uint32_t mtime)
{
    mode_t masked = mode & ~vfs->options.umask;
    if (vfs->options.read_only)
        masked &= ~(mode_t)0222;
    *st = (struct stat){
        .st_mode = (mode & S_IFMT) | (masked & 07777),
        .st_nlink = 1, /* of directories too: nothing has to be listed for a stat */
        .st_uid = vfs->options.owners.uid,
        .st_gid = vfs->options.owners.gid,
        .st_size = size,
        .st_blksize = 4096,
        .st_blocks = size / BLOCK + (size % BLOCK > 0),
    };
    st->st_mtim.tv_sec = mtime;
    st->st_ctim.tv_sec = mtime;
    st->st_atim.tv_sec = mtime;
}

void attr_file(const struct vfs *vfs, struct stat *st, mode_t mode, off_t size, uint32_t mtime)
{
    common(vfs, st, S_IFREG | mode, size, mtime);
}

void attr_dir(const struct vfs *vfs, struct stat *st, uint32_t mtime)
{
    common(vfs, st, S_IFDIR | 0755, 0, mtime);
}

int attr_vmx(const struct vfs *vfs, struct stat *st, const struct sftp_attrs *attrs)
{
    attr_dir(vfs, st, attrs->mtime);
    return owners_show(&vfs->options.owners, attrs, st);
}

int attr_remote(const struct vfs *vfs, struct stat *st, const struct sftp_attrs *attrs)
{
    common(vfs, st, attrs->mode, (off_t)attrs->size, attrs->mtime);
    /* What the server says, as it says it: a copy from a read-only mount is no other file. */
    st->st_mode = (mode_t)attrs->mode;
    if (vfs->options.masks_all)
        st->st_mode = (st->st_mode & S_IFMT) | (0777 & ~vfs->options.umask);
    st->st_atim.tv_sec = attrs->atime;
    return owners_show(&vfs->options.owners, attrs, st);
}

/* The kernel passes on 32 bits of it, and programs divide by it. */
static unsigned long block_size(uint64_t size)
{
    return size > 0 && size <= INT32_MAX ? size : 4096;
}

void attr_space(const struct sftp_statvfs *fs, struct statvfs *ret)
{
    *ret = (struct statvfs){
        .f_bsize = block_size(fs->bsize),
        .f_frsize = block_size(fs->frsize),
        .f_blocks = fs->blocks,
        .f_bfree = fs->bfree,
        .f_bavail = fs->bavail,
        .f_files = fs->files,
        .f_ffree = fs->ffree,
        .f_favail = fs->favail,
        .f_flag = fs->flag,
        .f_namemax = fs->namemax > 0 && fs->namemax < NAME_MAX ? fs->namemax : NAME_MAX,
    };
}

uint32_t attr_seconds(const struct timespec *time)
{
    if (time->tv_sec < 0)
        return 0;
    return time->tv_sec > UINT32_MAX ? UINT32_MAX : (uint32_t)time->tv_sec;
}

double attr_timeout(const struct vfs *vfs, int64_t true_at)
{
    int64_t left = true_at + remote_options(vfs->remote)->cache_timeout_ms - clock_ms();
    /* Where links are followed a file may have names that are not told of its changes. */
    bool trusted = true_at > 0 && left > 0 && !vfs->options.follow_links;
    return trusted ? (double)left / 1000.0 : 0.0;
}
