/* SPDX-License-Identifier: MIT */
/*
 * For LD_PRELOAD of vmxfs: its kernel is older than 6.16, and knows no FUSE_NOTIFY_INC_EPOCH. EINVAL
 * is its answer to a message from the filesystem whose code it does not know.
 */
#include <dlfcn.h>
#include <errno.h>
#include <linux/fuse.h>
#include <string.h>
#include <unistd.h>

static ssize_t (*real_write)(int, const void *, size_t);

__attribute__((constructor)) static void find(void)
{
    *(void **)&real_write = dlsym(RTLD_NEXT, "write");
}

ssize_t write(int fd, const void *data, size_t size)
{
    enum { INC_EPOCH = 8 };
    struct fuse_out_header header;
    if (size == sizeof(header)) {
        memcpy(&header, data, size);
        if (header.len == size && header.unique == 0 && header.error == INC_EPOCH) {
            errno = EINVAL;
            return -1;
        }
    }
    return real_write(fd, data, size);
}
