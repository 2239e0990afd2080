/* SPDX-License-Identifier: MIT */
/* Loading profiles from directories: NAME.profile files, later directories win over earlier ones.
 */
#include "profiles.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/path.h"

enum { PROFILE_MAX = 1 << 20 };

static const char suffix[] = ".profile";

static int is_profile(const struct dirent *e)
{
    struct span name = span_of(e->d_name);
    struct span end = span_of(suffix);
    return name.n > end.n && name.p[0] != '.' && span_ends_with(name, end);
}

/* The guide's own profiles come first, in the order in which the guide uses them. */
static int rank(const char *name)
{
    static const char *const guide[] = {"nested-esxi.profile", "inner-guest.profile"};
    for (int i = 0; i < 2; i++) {
        if (strcmp(name, guide[i]) == 0)
            return i;
    }
    return 2;
}

static int in_order(const struct dirent **a, const struct dirent **b)
{
    int difference = rank((*a)->d_name) - rank((*b)->d_name);
    return difference ? difference : strcmp((*a)->d_name, (*b)->d_name);
}

static int load_one(const char *path, const char *file_name, struct vmx_profiles *profiles,
                    struct diag *diag)
{
    BUF_AUTO text = {0};
    struct vmx_profile *profile = NULL;
    FREE_AUTO char *name = strndup(file_name, strlen(file_name) - strlen(suffix));
    int r = name ? file_read(path, PROFILE_MAX, &text) : -ENOMEM;
    if (r < 0)
        diag_set(diag, "%s", strerror(-r));
    r = r
        ?: vmx_profile_parse(name, buf_span(&text), &profile, diag)
        ?: vmx_profiles_add(profiles, profile);
    if (r < 0)
        vmx_profile_free(profile);
    return r;
}

/* A directory that cannot be read has no profiles for us; that there is none is nothing to tell. */
static int no_dir(const char *dir, int r, struct journal *journal)
{
    if (r == -ENOMEM)
        return r;
    if (r != -ENOENT && r != -ENOTDIR)
        journal_add(journal, r, dir, NULL, "cannot be read; its profiles are not offered");
    return 0;
}

static int load_dir(const char *dir, struct vmx_profiles *profiles, struct journal *journal)
{
    struct dirent **entries;
    int n = scandir(dir, &entries, is_profile, in_order);
    if (n < 0)
        return no_dir(dir, -errno, journal);
    int r = 0;
    for (int i = 0; i < n; i++) {
        FREE_AUTO char *path = path_join(dir, entries[i]->d_name);
        struct diag diag = {0};
        char reason[sizeof(diag.text) + 80];
        int one = path ? load_one(path, entries[i]->d_name, profiles, &diag) : -ENOMEM;
        if (one == -ENOMEM)
            r = one;
        if (one < 0) {
            snprintf(reason, sizeof(reason), "line %zu, column %zu: %s; the profile is not offered",
                     diag.line, diag.column, diag.text);
            journal_add(journal, one, path ? path : dir, NULL, reason);
        }
        free(entries[i]);
    }
    free(entries);
    return r;
}

int profiles_load(const char *dirs, struct vmx_profiles *profiles, struct journal *journal)
{
    int r = 0;
    while (*dirs && r == 0) {
        size_t len = strcspn(dirs, ":");
        FREE_AUTO char *dir = strndup(dirs, len);
        r = dir ? load_dir(dir, profiles, journal) : -ENOMEM;
        dirs += len + (dirs[len] == ':');
    }
    return r;
}
