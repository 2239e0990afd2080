/* SPDX-License-Identifier: MIT */
/*
 * A folder, the name of a file as a .vmx or a disk gives it, and the text of a link, parted by
 * lines: whatever they are, neither the name nor what is shown of the link leads out of the mount.
 */
#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "parser/vm/vmdk.h"
#include "remote/remote_private.h"
#include "remote/names/links.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_up(const char *component, size_t n)
{
    return n == 2 && component[0] == '.' && component[1] == '.';
}

static size_t depth_of(const char *dir)
{
    size_t depth = dir[0] != '\0';
    for (; *dir; dir++)
        depth += *dir == '/';
    return depth;
}

/* Relative, with ".." at its beginning only, and not more often than there are folders above. */
static void check_shown(const char *text, size_t depth)
{
    bool named = false;
    size_t ups = 0;
    assert(text[0] && text[0] != '/');
    while (*text) {
        size_t n = strcspn(text, "/");
        bool up = is_up(text, n);
        assert(!up || !named);
        ups += up;
        named = named || (!up && n > 0 && !(n == 1 && text[0] == '.'));
        text += n + (text[n] == '/');
    }
    assert(ups <= depth);
}

static void check_link(const char *root, const char *given_root, const char *dir,
                       const char *target)
{
    char real[64];
    char given[64];
    strcpy(real, root);
    strcpy(given, given_root);
    for (int absolute = 0; absolute < 2; absolute++) {
        BUF_AUTO shown = {0};
        const struct remote remote = {
            .root = real, .given_root = given, .options.absolute_links = absolute};
        int r = remote_show_link(&remote, dir, target, &shown);
        assert(r == 0 || r == -EPERM);
        if (r == 0)
            check_shown(shown.data, depth_of(dir));
        assert(r < 0 || target[0] == '/' || strcmp(shown.data, target) == 0);
    }
}

static void check_inside(const char *path)
{
    while (*path) {
        size_t n = strcspn(path, "/");
        assert(n > 0 && !is_up(path, n) && !(n == 1 && path[0] == '.'));
        path += n + (path[n] == '/');
        assert(path[0] || path[-1] != '/');
    }
}

static void check_name(const char *dir, const char *name)
{
    char *path = path_resolve(dir, name);
    if (path)
        check_inside(path);
    free(path);
}

/* What a disk's descriptor names is looked for in its folder. */
static void check_descriptor(const char *dir, struct span text)
{
    BUF_AUTO names = {0};
    int r = vmdk_parents(text, &names);
    if (r == 0)
        r = vmdk_extents(text, &names);
    assert(r == 0);
    for (size_t at = 0; at < names.len; at += strlen(names.data + at) + 1) {
        assert(names.data[at]);
        check_name(dir, names.data + at);
    }
}

static char *take_line(char **rest)
{
    char *line = *rest;
    size_t n = strcspn(line, "\n");
    *rest = line + n + (line[n] == '\n');
    line[n] = '\0';
    return line;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    if (!text)
        return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    char *rest = text;
    const char *dir = take_line(&rest);
    const char *name = take_line(&rest);
    const char *target = take_line(&rest);
    if (!path_leads_down(dir))
        dir = "";
    check_name(dir, name);
    check_link("/vmfs/volumes/ds", "/vmfs/volumes/ds", dir, target);
    check_link("/vmfs/volumes/5f3c1a2b-1234abcd", "/vmfs/volumes/ds", dir, target);
    check_link("", "", dir, target);
    check_descriptor(dir, (struct span){(const char *)data, size});
    free(text);
    return 0;
}
