/* SPDX-License-Identifier: MIT */
/*
 * .vmxfs/datastores: a table of the host's datastores. TAB-separated: name, uuid, type, size, free,
 * accessible. What the host does not say is "-". Its own volumes (boot banks, OSDATA, LOCKER) are
 * no datastores.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "host_view.h"
#include "parser/text/safe_text.h"
#include "remote/names/aliases.h"

static bool is_datastore(const struct host_store *store)
{
    return strcmp(store->type, "vfat") != 0 && !aliases_is_of_host(store->name);
}

static int add_field(struct buf *ret, const char *text, char behind)
{
    return safe_text_add(ret, span_of(text[0] ? text : "-")) ?: buf_add_char(ret, behind);
}

static const char *accessible(const struct host_store *store)
{
    return store->accessible == VMX_YES ? "yes" : store->accessible == VMX_NO ? "no" : "";
}

static int by_name(const void *left, const void *right)
{
    const struct host_store *a = *(const struct host_store *const *)left;
    const struct host_store *b = *(const struct host_store *const *)right;
    return strcmp(a->name, b->name) ?: strcmp(a->uuid, b->uuid);
}

int root_datastores_show(struct request *rq, struct node *n, struct buf *ret)
{
    (void)n;
    FACTS_AUTO *facts = NULL;
    int r = host_stores(rq->vfs->host, cache_ms(rq), &rq->wait, &facts);
    if (r < 0)
        return r;
    FREE_AUTO const struct host_store **rows = calloc(facts->n_stores + 1, sizeof(*rows));
    size_t n_rows = 0;
    for (size_t i = 0; rows && i < facts->n_stores; i++) {
        if (is_datastore(&facts->stores[i]))
            rows[n_rows++] = &facts->stores[i];
    }
    if (!rows)
        return -ENOMEM;
    if (n_rows > 0)
        qsort(rows, n_rows, sizeof(*rows), by_name);
    for (size_t i = 0; r == 0 && i < n_rows; i++) {
        const struct host_store *store = rows[i];
        r = add_field(ret, store->name, '\t')
            ?: add_field(ret, store->uuid, '\t')
            ?: add_field(ret, store->type, '\t')
            ?: add_field(ret, store->size, '\t')
            ?: add_field(ret, store->free, '\t')
            ?: add_field(ret, accessible(store), '\n');
    }
    return r;
}
