/* SPDX-License-Identifier: MIT */
#include "ancestry.h"

#include <errno.h>

#include "parser/text/list.h"

static int add(struct ancestry *a, const struct ancestor *ancestor)
{
    struct ancestor *list = list_room(a->list, a->n, sizeof(*list));
    if (!list)
        return -ENOMEM;
    a->list = list;
    list[a->n++] = *ancestor;
    return 0;
}

static void turn_around(struct ancestry *a)
{
    for (size_t i = 0; i < a->n / 2; i++) {
        const struct ancestor one = a->list[i];
        a->list[i] = a->list[a->n - 1 - i];
        a->list[a->n - 1 - i] = one;
    }
}

/* Where a file got its name, it goes on under the one that it had, before that commit. What the
 * name meant before is another file. */
int ancestry_of(const struct history_reader *reader, const struct reader_file *file,
                struct ancestry *ret)
{
    struct ancestry a = {0};
    uint32_t before = UINT32_MAX;
    int r = 0;
    for (size_t i = file ? file->n : 0; r == 0 && i-- > 0;) {
        struct reader_change *change = &reader->known.changes[file->changes[i]];
        if (change->commit >= before)
            continue;
        const struct ancestor one = {change, reader_moved_from(reader, change)};
        r = add(&a, &one);
        if (one.moved_from) {
            before = change->commit;
            file = one.moved_from->file;
            i = file->n;
        }
    }
    turn_around(&a);
    if (r == 0)
        *ret = a;
    else
        ancestry_done(&a);
    return r;
}

void ancestry_done(struct ancestry *ancestry)
{
    free(ancestry->list);
    *ancestry = (struct ancestry){0};
}
