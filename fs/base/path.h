/* SPDX-License-Identifier: MIT */
/* Relative paths: no slash at either end, "" for the top. New strings are NULL without memory. */
#pragma once

#include <stdbool.h>

char *path_dir(const char *path);        /* the folder, "" at the top */
const char *path_name(const char *path); /* the last component */
char *path_join(const char *dir, const char *name);

/* What leads from folder to path: "" where they are the same. NULL: path is not below it. */
const char *path_below(const char *folder, const char *path);

/* Whether a relative path can only lead down: no empty component, no "." and "..", none longer than
 * a name may be. "" can. */
bool path_leads_down(const char *path);

/* The path that a relative name means in dir, without "." and "..". NULL also where that is above
 * the top, or the top itself. */
char *path_resolve(const char *dir, const char *name);
