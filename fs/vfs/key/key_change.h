/* SPDX-License-Identifier: MIT */
/* Changes to settings, each one atomic rewrite (joined with others under way). */
#pragma once

#include "key_draft.h"

/* ks: of the key, where the caller is a writer of it and has taken its text; NULL, both: what the
 * cached document shows is what the change was made from. Refusals are noted. */
int key_set(struct request *rq, struct node *dir, const char *name, struct span value,
            struct key_state *ks, const struct taken *taken);
int key_remove(struct request *rq, struct node *dir, const char *name);
int key_rename(struct request *rq, struct node *dir, const char *name, const char *new_name,
               bool exclusive);
