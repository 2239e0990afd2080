/* SPDX-License-Identifier: MIT */
#include "objects.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"

void objects_clear(struct objects *objects)
{
    for (struct object *o = objects->first; o;) {
        struct object *next = o->next;
        HASH_DEL(objects->by_id, o);
        buf_done(&o->data);
        free(o);
        o = next;
    }
    *objects = (struct objects){.odb = objects->odb};
}

static struct object *find(const struct objects *objects, const git_oid *id)
{
    struct object *o;
    HASH_FIND(hh, objects->by_id, id, sizeof(*id), o);
    return o;
}

static int append(struct objects *objects, struct object *o)
{
    HASH_ADD(hh, objects->by_id, id, sizeof(o->id), o);
    if (!o->hh.tbl)
        return -ENOMEM;
    *(objects->last ? &objects->last->next : &objects->first) = o;
    objects->last = o;
    objects->bytes += o->data.len;
    return 0;
}

int objects_add(struct objects *objects, git_object_t type, struct span data, const git_oid *base,
                git_oid *ret)
{
    git_oid id;
    if (git_odb_hash(&id, data.n ? data.p : "", data.n, type) < 0)
        return -EIO;
    /* An object that another process has made meanwhile may be missed: it is there twice then. */
    if (!find(objects, &id) && !git_odb_exists_ext(objects->odb, &id, GIT_ODB_LOOKUP_NO_REFRESH)) {
        struct object *o = calloc(1, sizeof(*o));
        int r = o ? buf_add(&o->data, data) : -ENOMEM;
        if (r == 0) {
            o->id = id;
            o->type = type;
            o->base = base ? *base : (git_oid){{0}};
            r = append(objects, o);
        }
        if (r < 0) {
            if (o)
                buf_done(&o->data);
            free(o);
            return r;
        }
    }
    *ret = id;
    return 0;
}

int objects_read(const struct objects *objects, const git_oid *id, git_object_t type,
                 struct buf *ret)
{
    const struct object *o = find(objects, id);
    if (o)
        return o->type == type ? buf_add(ret, buf_span(&o->data)) : -EIO;
    git_odb_object *read = NULL;
    const int error = git_odb_read(&read, objects->odb, id);
    if (error < 0)
        return error == GIT_ENOTFOUND ? -ENOENT : -EIO;
    const struct span data = {git_odb_object_data(read), git_odb_object_size(read)};
    const int r = git_odb_object_type(read) == type ? buf_add(ret, data) : -EIO;
    git_odb_object_free(read);
    return r;
}
