/* SPDX-License-Identifier: MIT */
/* The calls: how each one's packet is put together. */
#include <assert.h>
#include <errno.h>

#include "call.h"
#include "sftp/requests.h"

static struct span handle_span(const struct sftp_handle *handle)
{
    assert(handle->len <= sizeof(handle->bytes));
    return (struct span){(const char *)handle->bytes, handle->len};
}

static struct sftp_call *on_path(struct sftp *s, enum call_kind kind, const char *path)
{
    struct sftp_call *call = call_new(s, kind);
    if (call)
        wire_put_path(&call->request, path);
    return call;
}

static struct sftp_call *on_paths(struct sftp *s, enum call_kind kind, const char *first,
                                  const char *second)
{
    struct sftp_call *call = on_path(s, kind, first);
    if (call)
        wire_put_path(&call->request, second);
    return call;
}

static struct sftp_call *on_handle(struct sftp *s, enum call_kind kind,
                                   const struct sftp_handle *handle)
{
    struct sftp_call *call = call_new(s, kind);
    if (call)
        wire_put_string(&call->request, handle_span(handle));
    return call;
}

struct sftp_call *sftp_open(struct sftp *sftp, const char *path, uint32_t open_flags,
                            const struct sftp_attrs *attrs)
{
    struct sftp_call *call = on_path(sftp, CALL_OPEN, path);
    if (call) {
        call->changes = open_flags & (SFTP_OPEN_CREAT | SFTP_OPEN_TRUNC);
        wire_put_u32(&call->request, open_flags);
        wire_put_attrs(&call->request, attrs);
    }
    return call_submit(call, NULL);
}

struct sftp_call *sftp_close(struct sftp *sftp, const struct sftp_handle *handle)
{
    return call_submit(on_handle(sftp, CALL_CLOSE, handle), handle);
}

struct sftp_call *sftp_read(struct sftp *sftp, const struct sftp_handle *handle, uint64_t offset,
                            uint32_t size)
{
    struct sftp_call *call = on_handle(sftp, CALL_READ, handle);
    uint64_t max = sftp_features(sftp).max_read;
    if (call) {
        call->asked = size < max ? size : (uint32_t)max;
        wire_put_u64(&call->request, offset);
        wire_put_u32(&call->request, call->asked);
    }
    return call_submit(call, handle);
}

struct sftp_call *sftp_write(struct sftp *sftp, const struct sftp_handle *handle, uint64_t offset,
                             struct span data)
{
    struct sftp_call *call = on_handle(sftp, CALL_WRITE, handle);
    if (!call)
        return NULL;
    if (call->request.error == 0) /* all at once: no second move of much data */
        call->request.error = data.n > sftp_features(sftp).max_write
                                  ? -EMSGSIZE
                                  : buf_reserve(&call->request.bytes, 8 + 4 + data.n);
    wire_put_u64(&call->request, offset);
    if (call->request.error == 0) {
        wire_put_string(&call->request, data);
        call->asked = (uint32_t)data.n;
    }
    return call_submit(call, handle);
}

struct sftp_call *sftp_lstat(struct sftp *sftp, const char *path)
{
    return call_submit(on_path(sftp, CALL_LSTAT, path), NULL);
}

struct sftp_call *sftp_stat(struct sftp *sftp, const char *path)
{
    return call_submit(on_path(sftp, CALL_STAT, path), NULL);
}

struct sftp_call *sftp_fstat(struct sftp *sftp, const struct sftp_handle *handle)
{
    return call_submit(on_handle(sftp, CALL_FSTAT, handle), handle);
}

static struct sftp_call *submit_attrs(struct sftp_call *call, const struct sftp_attrs *attrs,
                                      const struct sftp_handle *handle)
{
    if (call)
        wire_put_attrs(&call->request, attrs);
    return call_submit(call, handle);
}

struct sftp_call *sftp_setstat(struct sftp *sftp, const char *path, const struct sftp_attrs *attrs)
{
    return submit_attrs(on_path(sftp, CALL_SETSTAT, path), attrs, NULL);
}

struct sftp_call *sftp_fsetstat(struct sftp *sftp, const struct sftp_handle *handle,
                                const struct sftp_attrs *attrs)
{
    return submit_attrs(on_handle(sftp, CALL_FSETSTAT, handle), attrs, handle);
}

struct sftp_call *sftp_lsetstat(struct sftp *sftp, const char *path, const struct sftp_attrs *attrs)
{
    return submit_attrs(on_path(sftp, CALL_LSETSTAT, path), attrs, NULL);
}

struct sftp_call *sftp_opendir(struct sftp *sftp, const char *path)
{
    return call_submit(on_path(sftp, CALL_OPENDIR, path), NULL);
}

struct sftp_call *sftp_readdir(struct sftp *sftp, const struct sftp_handle *handle)
{
    return call_submit(on_handle(sftp, CALL_READDIR, handle), handle);
}

struct sftp_call *sftp_mkdir(struct sftp *sftp, const char *path, uint32_t mode)
{
    struct sftp_attrs attrs = {.flags = SFTP_ATTR_MODE, .mode = mode};
    return submit_attrs(on_path(sftp, CALL_MKDIR, path), &attrs, NULL);
}

struct sftp_call *sftp_rmdir(struct sftp *sftp, const char *path)
{
    return call_submit(on_path(sftp, CALL_RMDIR, path), NULL);
}

struct sftp_call *sftp_realpath(struct sftp *sftp, const char *path)
{
    return call_submit(on_path(sftp, CALL_REALPATH, path), NULL);
}

struct sftp_call *sftp_readlink(struct sftp *sftp, const char *path)
{
    return call_submit(on_path(sftp, CALL_READLINK, path), NULL);
}

struct sftp_call *sftp_symlink(struct sftp *sftp, const char *target, const char *link_path)
{
    return call_submit(on_paths(sftp, CALL_SYMLINK, target, link_path), NULL);
}

struct sftp_call *sftp_hardlink(struct sftp *sftp, const char *path, const char *name)
{
    return call_submit(on_paths(sftp, CALL_HARDLINK, path, name), NULL);
}

static struct sftp_call *submit_until(struct sftp_call *call, int64_t not_after)
{
    if (call)
        call->not_after = not_after;
    return call_submit(call, NULL);
}

struct sftp_call *sftp_rename(struct sftp *sftp, const char *from, const char *to,
                              int64_t not_after)
{
    return submit_until(on_paths(sftp, CALL_RENAME, from, to), not_after);
}

struct sftp_call *sftp_posix_rename(struct sftp *sftp, const char *from, const char *to,
                                    int64_t not_after)
{
    return submit_until(on_paths(sftp, CALL_POSIX_RENAME, from, to), not_after);
}

struct sftp_call *sftp_best_rename(struct sftp *sftp, const char *from, const char *to,
                                   int64_t not_after)
{
    return sftp_features(sftp).posix_rename ? sftp_posix_rename(sftp, from, to, not_after)
                                            : sftp_rename(sftp, from, to, not_after);
}

struct sftp_call *sftp_remove(struct sftp *sftp, const char *path, int64_t not_after)
{
    return submit_until(on_path(sftp, CALL_REMOVE, path), not_after);
}

struct sftp_call *sftp_fsync(struct sftp *sftp, const struct sftp_handle *handle)
{
    return call_submit(on_handle(sftp, CALL_FSYNC, handle), handle);
}

struct sftp_call *sftp_copy_data(struct sftp *sftp, const struct sftp_handle *from,
                                 uint64_t from_offset, const struct sftp_handle *to,
                                 uint64_t to_offset, uint64_t size)
{
    assert(size > 0); /* none means all */
    struct sftp_call *call = on_handle(sftp, CALL_COPY_DATA, from);
    if (call) {
        wire_put_u64(&call->request, from_offset);
        wire_put_u64(&call->request, size);
        wire_put_string(&call->request, handle_span(to));
        wire_put_u64(&call->request, to_offset);
    }
    /* If a handle is dead, so is the older one. */
    return call_submit(call, from->len == 0 || from->epoch < to->epoch ? from : to);
}

struct sftp_call *sftp_statvfs(struct sftp *sftp, const char *path)
{
    return call_submit(on_path(sftp, CALL_STATVFS, path), NULL);
}
