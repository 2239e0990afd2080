/* SPDX-License-Identifier: MIT */
/* The FUSE session: worker threads that may all be blocked at once. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>

#include "next/next.h"
#include "notify.h"

enum {
    WORKERS_MAX = 1000,
    IDLE_MAX = 32, /* a worker holds on to 256 KiB */
    DETACH_POLL_MS = 10,
};

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
    struct fuse_loop_config *config = fuse_loop_cfg_create();
    if (!config)
        return -ENOMEM;
    fuse_loop_cfg_set_max_threads(config, WORKERS_MAX);
    fuse_loop_cfg_set_idle_threads(config, IDLE_MAX);
    fuse_loop_cfg_set_clone_fd(config, 0);
    int r = fuse_library_mend(session);
    if (r == 0) {
        vfs->session = session;
        notifier_attach(vfs, session);
        r = fuse_session_loop_mt(session, config);
        next_watch_end(vfs->next); /* it may have something to tell the kernel */
        detach_notifier(vfs, session);
    }
    fuse_loop_cfg_destroy(config);
    /* A signal that asked for the end is a clean end. */
    return r > 0 ? 0 : r;
}
