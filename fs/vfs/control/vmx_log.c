/* SPDX-License-Identifier: MIT */
#include "vmx_log.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/path.h"
#include "parser/check/check.h"
#include "parser/text/text.h"
#include "remote/cache/listing.h"
#include "remote/file/files.h"
#include "vfs/control/control.h"

/* More than what one power-on writes. */
enum { PART_MAX = 1 << 20 };

static int read_part(struct request *rq, struct remote_file *file, uint64_t from, uint64_t wanted,
                     struct buf *ret)
{
    size_t n = 0;
    int r =
        buf_reserve(ret, (size_t)wanted)
            ?: remote_file_read(file, from, (size_t)wanted, &rq->wait, ret->data + ret->len, &n);
    if (r == 0)
        ret->len += n;
    return r;
}

/* Without the lines that are not whole: the rest of one could pass for another. */
static int add_parts(struct span head, struct span tail, struct buf *ret)
{
    while (head.n > 0 && head.p[head.n - 1] != '\n')
        head.n--;
    size_t n = text_find(tail, '\n');
    return buf_add(ret, head) ?: buf_add(ret, span_from(tail, n < tail.n ? n + 1 : n));
}

/* All of a log; of a long one, what it begins and ends with. */
static int read_ends(struct request *rq, const char *path, struct buf *ret)
{
    BUF_AUTO head = {0};
    BUF_AUTO tail = {0};
    struct remote_file *file = NULL;
    int r = remote_file_open(rq->vfs->remote, path, SFTP_OPEN_READ, &rq->wait, &file);
    if (r < 0)
        return r;
    const uint64_t size = remote_file_opened_as(file)->size;
    if (size <= 2 * PART_MAX)
        r = read_part(rq, file, 0, size, ret);
    else
        r = read_part(rq, file, 0, PART_MAX, &head)
                ?: read_part(rq, file, size - PART_MAX, PART_MAX, &tail)
                ?: add_parts(buf_span(&head), buf_span(&tail), ret);
    remote_file_free(file);
    return r;
}

/* N of "vmware-N.log"; 0: it is not one. */
static unsigned long number_of(const char *name)
{
    static const char prefix[] = "vmware-";
    char *end = NULL;
    if (strncmp(name, prefix, sizeof(prefix) - 1) != 0)
        return 0;
    unsigned long n = strtoul(name + sizeof(prefix) - 1, &end, 10);
    return strcmp(end, ".log") == 0 ? n : 0;
}

/* The newest of the logs that the host has put aside. NULL: there is none, or no memory. */
static char *older_log(struct request *rq, const char *dir)
{
    struct listing *l = NULL;
    const struct listing_entry *newest = NULL;
    if (remote_list(rq->vfs->remote, dir, cache_ms(rq), &rq->wait, &l) < 0)
        return NULL;
    for (size_t i = 0; i < l->n; i++) {
        if (number_of(l->entries[i].name) > (newest ? number_of(newest->name) : 0))
            newest = &l->entries[i];
    }
    char *path = newest ? path_join(dir, newest->name) : NULL;
    listing_unref(&l);
    return path;
}

int vmx_log_read(struct request *rq, const char *vmx, struct buf *ret)
{
    FREE_AUTO char *dir = path_dir(vmx);
    FREE_AUTO char *path = dir ? path_join(dir, "vmware.log") : NULL;
    int r = path ? read_ends(rq, path, ret) : -ENOMEM;
    if (r == -ENOENT || (r == 0 && ret->len == 0)) {
        FREE_AUTO char *older = older_log(rq, dir);
        r = older ? read_ends(rq, older, ret) : 0;
    }
    return r == -ENOENT ? 0 : r;
}

int vmx_log_start(struct request *rq, const char *vmx, const struct vmx_dict *dict,
                  struct vmx_around *around, struct vm_start *ret)
{
    BUF_AUTO log = {0};
    bool needed = false;
    *ret = (struct vm_start){0};
    int r = vmx_check_needs_log(dict, around, &needed);
    if (r < 0 || !needed)
        return r;
    r = vmx_log_read(rq, vmx, &log);
    if (r == 0)
        r = vm_start_read(buf_span(&log), ret);
    if (r == 0)
        around->start = ret;
    return r == -EINTR || r == -ENOMEM ? r : 0;
}
