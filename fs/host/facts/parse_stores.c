/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "lines.h"
#include "parse.h"
#include "parser/text/list.h"
#include "parser/text/text.h"
#include "table.h"

enum { STORES_MAX = 4096 };

static struct host_store *find(struct host_facts *facts, struct span uuid)
{
    for (size_t i = 0; i < facts->n_stores; i++) {
        if (span_eq(span_of(facts->stores[i].uuid), uuid))
            return &facts->stores[i];
    }
    return NULL;
}

/* The datastore, which may be a new one. NULL: no memory, or more than a host has. */
static struct host_store *add(struct host_facts *facts, struct span uuid)
{
    struct host_store *known = find(facts, uuid);
    if (known || facts->n_stores == STORES_MAX)
        return known;
    struct host_store *room = list_room(facts->stores, facts->n_stores, sizeof(*room));
    if (!room) {
        facts->no_memory = true;
        return NULL;
    }
    facts->stores = room;
    room[facts->n_stores] = (struct host_store){
        .name = "", .uuid = host_facts_text(facts, uuid), .type = "", .size = "", .free = ""};
    return &room[facts->n_stores++];
}

/* It is a directory's name, and becomes part of a path. */
static bool is_uuid(struct span s)
{
    return s.n > 0 && text_find(s, '/') == s.n && text_find(s, ' ') == s.n &&
           !span_eq(s, SPAN_LITERAL(".")) && !span_eq(s, SPAN_LITERAL(".."));
}

static enum vmx_truth read_truth(struct span s)
{
    return span_eq(s, SPAN_LITERAL("true"))    ? VMX_YES
           : span_eq(s, SPAN_LITERAL("false")) ? VMX_NO
                                               : VMX_NOT_KNOWN;
}

static const char *bytes(struct host_facts *facts, struct span s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (text_digit(s.p[i]) >= 10)
            return "";
    }
    return host_facts_text(facts, s);
}

static bool is_null(struct span s)
{
    return span_eq(s, SPAN_LITERAL("(null)"));
}

static const char *word(struct host_facts *facts, struct span s)
{
    return is_null(s) ? "" : host_facts_text(facts, s);
}

/* "Error getting data for filesystem on '/vmfs/volumes/UUID': Cannot open volume: ..., skipping.":
 * in place of its row. False: the line is no such. */
static bool read_error(struct span line, struct span *ret_uuid)
{
    if (!line_skip(&line, SPAN_LITERAL("Error getting data for filesystem on '")))
        return false;
    struct span path = span_head(line, text_find(line, '\''));
    for (size_t n; (n = text_find(path, '/')) < path.n;)
        path = span_from(path, n + 1);
    *ret_uuid = path;
    return is_uuid(path);
}

static void read_errors(struct span text, struct host_facts *ret)
{
    for (struct span line, uuid; line_next(&text, &line);) {
        struct host_store *store = read_error(line, &uuid) ? add(ret, uuid) : NULL;
        if (store)
            store->accessible = VMX_NO;
    }
}

int parse_stores(struct span text, struct host_facts *ret)
{
    struct table table;
    struct span rest = text;
    struct span cells[TABLE_COLUMNS];
    bool any = table_begin(&rest, &table);
    while (any && table_row(&table, &rest, cells)) {
        struct span uuid = table_cell(&table, cells, SPAN_LITERAL("UUID"));
        struct host_store *store = is_uuid(uuid) && !find(ret, uuid) ? add(ret, uuid) : NULL;
        if (!store)
            continue;
        store->name = word(ret, table_cell(&table, cells, SPAN_LITERAL("Volume Name")));
        store->type = word(ret, table_cell(&table, cells, SPAN_LITERAL("Type")));
        store->size = bytes(ret, table_cell(&table, cells, SPAN_LITERAL("Size")));
        store->free = bytes(ret, table_cell(&table, cells, SPAN_LITERAL("Free")));
        store->accessible = read_truth(table_cell(&table, cells, SPAN_LITERAL("Mounted")));
    }
    read_errors(text, ret);
    return ret->no_memory ? -ENOMEM : 0;
}

int parse_nas(struct span text, const char *type, struct host_facts *ret)
{
    struct table table;
    struct span cells[TABLE_COLUMNS];
    bool any = table_begin(&text, &table);
    while (any && table_row(&table, &text, cells)) {
        struct span name = table_cell(&table, cells, SPAN_LITERAL("Volume Name"));
        if (read_truth(table_cell(&table, cells, SPAN_LITERAL("Accessible"))) != VMX_NO)
            continue;
        for (size_t i = 0; i < ret->n_stores; i++) {
            struct host_store *store = &ret->stores[i];
            if (strcmp(store->type, type) == 0 && span_eq(span_of(store->name), name))
                store->accessible = VMX_NO;
        }
    }
    return 0;
}
