/* SPDX-License-Identifier: MIT */
#include "others.h"

#include <errno.h>

#include "../names.h"
#include "parser/text/text.h"

struct seen {
    int64_t time_s;
    const char *mount;
};

/* Nobody knows who; the host that the file is of is known. */
static int commit(struct recording *rec, const struct recording_change *changes, size_t n,
                  const char *subject, bool by_host, const struct seen *seen)
{
    const struct span file = span_of(changes->file);
    BUF_AUTO host = {0};
    const int r = names_decode(&host, span_head(file, text_find(file, '/')));
    if (r < 0)
        return r;
    return recording_commit(rec, changes, n,
                            &(struct message){.author = {"unknown", host.data},
                                              .time_s = seen->time_s,
                                              .subject = subject,
                                              .mount = seen->mount,
                                              .by = by_host ? "host" : "others"});
}

static int changed(struct recording *rec, const char *file, const git_oid *recorded,
                   const struct span *after, const struct seen *seen)
{
    BUF_AUTO before = {0};
    BUF_AUTO subject = {0};
    bool by_host = false;
    const int r = objects_read(&rec->objects, recorded, GIT_OBJECT_BLOB, &before)
                      ?: message_changed(file, buf_span(&before), *after, &subject, &by_host);
    return r
               ?: commit(rec, &(struct recording_change){file, after}, 1, subject.data, by_host,
                         seen);
}

int others_commit(struct recording *rec, const char *file, const struct span *after, int64_t time_s,
                  const char *mount)
{
    const struct seen seen = {time_s, mount};
    const struct recording_change change = {file, after};
    git_oid recorded;
    int r = recording_blob(rec, file, &recorded);
    if (r == 0 && after)
        return changed(rec, file, &recorded, after, &seen);
    if (r == -ENOENT)
        return after ? others_first(rec, &change, 1, time_s, mount) : 0;
    BUF_AUTO subject = {0};
    r = r ?: message_subject(file, "removed", &subject);
    return r ?: commit(rec, &change, 1, subject.data, false, &seen);
}

int others_first(struct recording *rec, const struct recording_change *changes, size_t n,
                 int64_t time_s, const char *mount)
{
    BUF_AUTO subject = {0};
    const int r = n == 1 ? message_subject(changes->file, "first seen", &subject)
                         : buf_addf(&subject, "%zu VMs first seen", n);
    return r ?: commit(rec, changes, n, subject.data, false, &(struct seen){time_s, mount});
}

int others_renamed(struct recording *rec, const char *from, const char *file, struct span text,
                   int64_t time_s, const char *mount)
{
    const struct recording_change changes[] = {{file, &text}, {from, NULL}};
    BUF_AUTO subject = {0};
    const int r = message_renamed(from, file, &subject);
    return r ?: commit(rec, changes, 2, subject.data, false, &(struct seen){time_s, mount});
}
