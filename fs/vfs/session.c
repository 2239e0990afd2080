/* SPDX-License-Identifier: MIT */
/*
 * The FUSE session: worker threads that may all be blocked at once, and a cure for libfuse.
 *
 * libfuse up to 3.16.2 forgets to pass FUSE_PARALLEL_DIROPS on to the kernel, which then asks for
 * one name of a directory at a time, however long each takes (fixed by libfuse's commit c9905341).
 * The session's own read and write functions find the reply to INIT and set the flag in it.
 */
#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include <linux/fuse.h>

#include "internal.h"

enum {
    WORKERS_MAX = 1000,
    IDLE_MAX = 32, /* a worker holds on to 256 KiB */
    DETACH_POLL_MS = 10,
};

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

/* The session is to be closed, so nobody may use it. But a notice may wait in the kernel for a lock
 * that is held for a request, and the workers that would answer it have gone. */
static void detach_notifier(struct vfs *vfs, struct fuse_session *session)
{
    struct fuse_buf buf = {0};
    struct pollfd device = {.fd = fuse_session_fd(session), .events = POLLIN};
    while (!notifier_detach(vfs->notifier)) {
        if (poll(&device, 1, DETACH_POLL_MS) > 0 && fuse_session_receive_buf(session, &buf) > 0)
            fuse_session_process_buf(session, &buf);
    }
    free(buf.mem);
}

int vfs_serve(struct vfs *vfs, struct fuse_session *session)
{
    const struct fuse_custom_io io = {.read = session_read, .writev = session_write};
    struct fuse_loop_config *config = fuse_loop_cfg_create();
    if (!config)
        return -ENOMEM;
    fuse_loop_cfg_set_max_threads(config, WORKERS_MAX);
    fuse_loop_cfg_set_idle_threads(config, IDLE_MAX);
    fuse_loop_cfg_set_clone_fd(config, 0);
    int r = fuse_session_custom_io(session, &io, fuse_session_fd(session));
    if (r == 0) {
        notifier_attach(vfs->notifier, session);
        r = fuse_session_loop_mt(session, config);
        detach_notifier(vfs, session);
    }
    fuse_loop_cfg_destroy(config);
    /* A signal that asked for the end is a clean end. */
    return r > 0 ? 0 : r;
}
