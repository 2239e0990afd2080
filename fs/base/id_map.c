/* SPDX-License-Identifier: MIT */
#include "id_map.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "parser/text/list.h"

struct id_pair {
    uint32_t from, to;
    size_t line;
};

/* Digits alone; the largest number means "nobody" to the system. */
static bool read_number(struct span text, uint32_t *ret)
{
    uint64_t value = 0;
    for (size_t i = 0; i < text.n; i++) {
        const unsigned digit = text_digit(text.p[i]);
        value = value * 10 + digit;
        if (digit > 9 || value >= UINT32_MAX)
            return false;
    }
    *ret = (uint32_t)value;
    return text.n > 0;
}

/* NAME:NUMBER, or NAME:PASSWORD:NUMBER with anything behind it. */
static bool read_line(struct span line, struct span *ret_name, uint32_t *ret_id)
{
    size_t at = text_find(line, ':');
    if (at == 0 || at == line.n || memchr(line.p, '\0', line.n))
        return false;
    *ret_name = span_head(line, at);
    struct span rest = span_from(line, at + 1);
    at = text_find(rest, ':');
    if (at < rest.n) {
        rest = span_from(rest, at + 1);
        rest = span_head(rest, text_find(rest, ':'));
    }
    return read_number(rest, ret_id);
}

static int add(struct id_pair **pairs, size_t *n, struct id_pair pair)
{
    struct id_pair *room = list_room(*pairs, *n, sizeof(**pairs));
    if (!room)
        return -ENOMEM;
    *pairs = room;
    room[(*n)++] = pair;
    return 0;
}

static int compare(const void *a, const void *b)
{
    const struct id_pair *x = a;
    const struct id_pair *y = b;
    return (x->from > y->from) - (x->from < y->from);
}

static int compare_with_lines(const void *a, const void *b)
{
    const struct id_pair *x = a;
    const struct id_pair *y = b;
    return compare(a, b) ?: (x->line > y->line) - (x->line < y->line);
}

/* Sorts pairs; of those that turn the same number into another the last line's stays. */
static size_t settle(struct id_pair *pairs, size_t n)
{
    size_t kept = 0;
    if (n > 0)
        qsort(pairs, n, sizeof(*pairs), compare_with_lines);
    for (size_t i = 0; i < n; i++) {
        if (i + 1 == n || pairs[i].from != pairs[i + 1].from)
            pairs[kept++] = pairs[i];
    }
    return kept;
}

static int see_line(struct span line, size_t number, id_find find, struct id_map *map,
                    struct diag *why)
{
    struct span name;
    uint32_t here;
    uint32_t there;
    if (line.n == 0)
        return 0;
    if (!read_line(line, &name, &there))
        return diag_set_at(why, number, 0,
                           "this is neither NAME:NUMBER nor a line as in passwd(5) or group(5)");
    FREE_AUTO char *copy = strndup(name.p, name.n);
    int r = copy ? find(copy, &here) : -ENOMEM;
    if (r < 0)
        return r == -ENOENT ? 0 : r;
    return add(&map->to_here, &map->here, (struct id_pair){there, here, number})
               ?: add(&map->to_server, &map->server, (struct id_pair){here, there, number});
}

int id_map_parse(struct span text, id_find find, struct id_map *ret, struct diag *why)
{
    struct span line;
    size_t number = 0;
    int r = 0;
    *ret = (struct id_map){0};
    while (r == 0 && text_line(&text, &line))
        r = see_line(line, ++number, find, ret, why);
    if (r < 0) {
        id_map_done(ret);
        return r;
    }
    ret->here = settle(ret->to_here, ret->here);
    ret->server = settle(ret->to_server, ret->server);
    return 0;
}

void id_map_done(struct id_map *map)
{
    free(map->to_here);
    free(map->to_server);
    *map = (struct id_map){0};
}

static bool turn(const struct id_pair *pairs, size_t n, uint32_t *id)
{
    const struct id_pair probe = {.from = *id};
    const struct id_pair *found = n > 0 ? bsearch(&probe, pairs, n, sizeof(*pairs), compare) : NULL;
    if (found)
        *id = found->to;
    return found != NULL;
}

bool id_map_to_here(const struct id_map *map, uint32_t *id)
{
    return turn(map->to_here, map->here, id);
}

bool id_map_to_server(const struct id_map *map, uint32_t *id)
{
    return turn(map->to_server, map->server, id);
}
