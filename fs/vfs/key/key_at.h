/* SPDX-License-Identifier: MIT */
/* A setting, looked up in its document by the name of its file. */
#pragma once

#include <errno.h>

#include "remote/cache/document.h"
#include "vfs/node/node.h"
#include "vfs/ops/request.h"

#define PROFILE_NAME "passthrough-profile"

struct key_at {
    char *path; /* of the .vmx */
    struct document *doc;
    struct buf key;         /* bytes in the document's charset */
    size_t extent;          /* SIZE_MAX: the document has no such key */
    int64_t asked_at;       /* clock_ms() before the document was asked for */
    struct sftp_call *look; /* it was taken as it is cached, and this asks about it; or NULL */
};

/* 0 (also where the document has no such key); -EINVAL: no key can have this name; -ENAMETOOLONG:
 * it is too long for one; -EILSEQ: the document's charset cannot hold it; -ENOENT: there is no
 * document; ... */
int key_at(struct request *rq, struct node *dir, const char *name, int64_t max_age_ms,
           struct key_at *ret);
void key_at_done(struct key_at *at);
/* Whether key_at says so of a name that no key of this document can have. */
static inline bool is_no_key(int r)
{
    return r == -EINVAL || r == -ENAMETOOLONG || r == -EILSEQ;
}
/* The key that the node of a setting has the name of, as key_at. */
int key_at_node(struct request *rq, struct node *n, struct key_at *ret);
/* Notes the refusal of such a name and returns r. Other errors are noted too. */
int refuse_name(struct request *rq, struct node *dir, const char *name, int r);
#define KEY_AT_AUTO __attribute__((cleanup(key_at_done))) struct key_at

/* The text of a file as a value: less one newline at the end. */
static inline struct span text_value(struct span text)
{
    if (text.n > 0 && text.p[text.n - 1] == '\n')
        text.n--;
    return text;
}
