/* SPDX-License-Identifier: MIT */
#include "told.h"

#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/cleanup.h"
#include "base/user_name.h"
#include "file_path.h"
#include "files.h"
#include "parser/history/secret.h"

struct told *told_new(enum told_kind kind, const char *path, const char *from,
                      const struct history_by *by)
{
    struct told *told = calloc(1, sizeof(*told));
    if (!told)
        return NULL;
    told->kind = kind;
    told->time_ns = clock_wall_ns();
    told->path = strdup(path);
    told->from = from ? strdup(from) : NULL;
    told->undoes = strdup(by && by->undoes ? by->undoes : "");
    if (by) {
        told->uid = by->uid;
        told->undoes_since = by->undoes_since;
        memcpy(told->program, by->program, sizeof(told->program));
        told->program[sizeof(told->program) - 1] = '\0';
    }
    if (told->path && told->undoes && !told->from == !from)
        return told;
    told_free(told);
    return NULL;
}

void told_free(struct told *told)
{
    if (!told)
        return;
    free(told->path);
    free(told->from);
    free(told->undoes);
    buf_done(&told->before);
    buf_done(&told->after);
    free(told);
}

size_t told_bytes(const struct told *told)
{
    return sizeof(*told) + strlen(told->path) + told->before.len + told->after.len;
}

static char *name_file(const struct history *history, const char *path, int *r)
{
    BUF_AUTO file = {0};
    *r = *r ?: history_file(history, path, &file);
    char *name = *r == 0 ? buf_steal(&file) : NULL;
    if (*r == 0 && !name)
        *r = -ENOMEM;
    return name;
}

static int fill(struct item *item, const struct told *told, const struct history *history)
{
    BUF_AUTO user = {0};
    BUF_AUTO mail = {0};
    struct secret_key key = history->key;
    int r = user_name_add(&user, told->uid)
        ?: buf_addf(&mail, "%s@%s", user.data, history->machine)
        ?: vmx_hide_secrets(buf_span(&told->before), secret_key_mark, &key, &item->before)
        ?: vmx_hide_secrets(buf_span(&told->after), secret_key_mark, &key, &item->after);
    item->file = name_file(history, told->path, &r);
    if (told->from)
        item->from = name_file(history, told->from, &r);
    item->user = buf_steal(&user);
    item->mail = buf_steal(&mail);
    item->program = strdup(told->program);
    item->mount = strdup(history->options.mountpoint);
    item->undoes = strdup(told->undoes);
    return r
               ?: item->user && item->mail && item->program && item->mount && item->undoes
                  ? 0
                  : -ENOMEM;
}

int told_item(const struct told *told, const struct history *history, struct item *ret)
{
    struct item item = {.kind = told->kind == TOLD_COMMITTED ? ITEM_COMMITTED
                                : told->kind == TOLD_RENAMED ? ITEM_RENAMED
                                                             : ITEM_REMOVED,
                        .existed = told->existed,
                        .undoes_since = told->undoes_since,
                        .time_ns = told->time_ns};
    const int r = fill(&item, told, history);
    if (r < 0) {
        item_done(&item);
        return r;
    }
    *ret = item;
    return 0;
}
