/* SPDX-License-Identifier: MIT */
/*
 * The numbers of users, or of groups, here and on a server, as the files hold them that sshfs calls
 * uidfile and gidfile: lines NAME:NUMBER with the server's number, or lines as in passwd(5) and
 * group(5). The name is one of this machine. Of several lines that say something of one number the
 * last counts, for each direction of its own.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "parser/text/diag.h"
#include "parser/text/text.h"

struct id_pair;

struct id_map {
    struct id_pair *to_here, *to_server; /* sorted by what is looked up */
    size_t here, server;                 /* how many */
};

/* The number that a name has on this machine. 0; -ENOENT: none; -errno. */
typedef int (*id_find)(const char *name, uint32_t *ret);

/* Lines with a name that this machine does not know mean nothing. 0; -EINVAL with *why, which has
 * the line; -ENOMEM; what find says. Where it fails *ret is empty. */
int id_map_parse(struct span text, id_find find, struct id_map *ret, struct diag *why);
void id_map_done(struct id_map *map);

/* Turn a number into that of the other side. False: no line has it. */
bool id_map_to_here(const struct id_map *map, uint32_t *id);
bool id_map_to_server(const struct id_map *map, uint32_t *id);
