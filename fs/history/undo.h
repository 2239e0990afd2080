/* SPDX-License-Identifier: MIT */
/* Which change an undo takes back, by what was recorded. */
#pragma once

#include "versions.h"

/* The settings that differ from "from" to "to" get the values of "to". Both borrowed. */
struct history_undo {
    const struct history_version *from, *to;
    const struct history_version
        *of; /* the version to name in its commit (struct history_by): from,
                                         or to if since */
    bool since;
};

/* The last change among the first n that was made through vmxfs, takes back none itself, and was
 * not taken back yet. 0; -ENOMSG with *why: there is none, or it made the file. */
int history_undo_last(const struct history_versions *versions, size_t n, struct history_undo *ret,
                      struct diag *why);

/* All that came after a time, as history/ names it, or in ISO 8601: any time, or one of several
 * texts in one second. 0; -EINVAL: this is no time, or -ENOMSG: no text of that time is recorded,
 * or -EKEYREJECTED: the file was removed since then; with *why. */
int history_undo_since(const struct history_versions *versions, struct span time,
                       struct history_undo *ret, struct diag *why);

/* Reads such a name, or a time in ISO 8601. *ret_nth: 0: it names none of several texts. */
bool history_parse_name(struct span name, int64_t *ret_time_s, unsigned *ret_nth);

/* Appends a version's name in history/: 20261126T180225Z, 20261126T180225Z-2. -ENOMEM. */
int history_add_name(const struct history_version *version, struct buf *ret);
