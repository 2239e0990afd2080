/* SPDX-License-Identifier: MIT */
/*
 * The session's own functions to read and write find the reply to INIT and set the flag in it.
 */
#include "fuse_library.h"

#include <errno.h>
#include <linux/fuse.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "vfs_private.h"

void fuse_library_want_parallel(struct fuse_conn_info *connection)
{
    connection->want |= connection->capable & FUSE_CAP_PARALLEL_DIROPS;
}

bool fuse_library_forgets_parallel(int version)
{
    return version < FUSE_MAKE_VERSION(3, 17);
}

static ssize_t session_read(int fd, void *bytes, size_t size, void *userdata)
{
    struct vfs *vfs = userdata;
    ssize_t n = read(fd, bytes, size);
    struct fuse_in_header header;
    if (n >= (ssize_t)sizeof(header)) {
        memcpy(&header, bytes, sizeof(header));
        if (header.opcode == FUSE_INIT)
            atomic_store(&vfs->init_request, header.unique);
    }
    return n;
}

static ssize_t session_write(int fd, struct iovec *iov, int count, void *userdata)
{
    struct vfs *vfs = userdata;
    struct fuse_out_header header;
    struct fuse_init_out init;
    uint64_t unique = atomic_load(&vfs->init_request);
    if (unique && count == 2 && iov[0].iov_len == sizeof(header) &&
        iov[1].iov_len >= offsetof(struct fuse_init_out, flags) + sizeof(init.flags) &&
        iov[1].iov_len <= sizeof(init)) {
        memcpy(&header, iov[0].iov_base, sizeof(header));
        if (header.unique == unique && header.error == 0) {
            memcpy(&init, iov[1].iov_base, iov[1].iov_len);
            init.flags |= FUSE_PARALLEL_DIROPS;
            memcpy(iov[1].iov_base, &init, iov[1].iov_len);
            atomic_store(&vfs->init_request, 0);
        }
    }
    return writev(fd, iov, count);
}

int fuse_library_forget_names(struct fuse_session *session)
{
    enum { INC_EPOCH = 8 }; /* FUSE_NOTIFY_INC_EPOCH of the protocol's version 7.44 */
    const struct fuse_out_header message = {.len = sizeof(message), .error = INC_EPOCH};
    return write(fuse_session_fd(session), &message, sizeof(message)) < 0 ? -errno : 0;
}

int fuse_library_mend(struct fuse_session *session)
{
    const struct fuse_custom_io io = {.read = session_read, .writev = session_write};
    if (!fuse_library_forgets_parallel(fuse_version()))
        return 0;
    return fuse_session_custom_io(session, &io, fuse_session_fd(session));
}
