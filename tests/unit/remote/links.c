/* SPDX-License-Identifier: MIT */
#include "rig.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "remote/file/files.h"
#include "remote/remote_private.h"
#include "remote/cache/listing.h"
#include "remote/names/links.h"
#include "remote/names/shown_names.h"
#include "remote/names/paths.h"

struct link_case {
    const char *dir;
    const char *text; /* on the server; "R" and "G" at the front: the real and the given root */
    const char *contained; /* what is shown; NULL: nothing */
    const char *relative;  /* the same where absolute links into the mount are made relative */
};

/* Writes what a case means by its short forms. */
static void expand(const struct folder *folder, const char *text, char *ret)
{
    if (text[0] == 'R')
        snprintf(ret, PATH_MAX, "%s/real%s", folder->path, text + 1);
    else if (text[0] == 'G')
        snprintf(ret, PATH_MAX, "%s/given%s", folder->path, text + 1);
    else
        snprintf(ret, PATH_MAX, "%s", text);
}

static void must_show(struct mount *mount, const char *dir, const char *text, const char *shown)
{
    BUF_AUTO ret = {0};
    int r = remote_show_link(mount->remote, dir, text, &ret);
    if (r != (shown ? 0 : -EPERM) || (shown && strcmp(ret.data, shown) != 0))
        fail_msg("%s in \"%s\": %d, \"%s\"", text, dir, r, ret.data);
}

static const struct link_case cases[] = {
    {"", "vm/vm.vmx", "vm/vm.vmx", "vm/vm.vmx"},
    {"", ".", ".", "."},
    {"", "./vm", "./vm", "./vm"},
    {"", "vm/", "vm/", "vm/"},
    {"", "vm//x", "vm//x", "vm//x"},
    {"", "...", "...", "..."},
    {"", "..x/y", "..x/y", "..x/y"},
    {"vm", "..", "..", ".."},
    {"vm", "../", "../", "../"},
    {"vm", "../other/x", "../other/x", "../other/x"},
    {"a/b", "../../x", "../../x", "../../x"},
    {"a/b", ".././../x", ".././../x", ".././../x"},
    {"a/b", "..//..//x", "..//..//x", "..//..//x"},
    /* more than there are folders */
    {"", "..", NULL, NULL},
    {"", "../x", NULL, NULL},
    {"vm", "../../x", NULL, NULL},
    {"vm", ".././../x", NULL, NULL},
    {"a/b", "../../../etc", NULL, NULL},
    {"", "../real/vm", NULL, NULL},
    /* ".." behind a name, which may be a link itself */
    {"", "a/..", NULL, NULL},
    {"", "a/../b", NULL, NULL},
    {"a/b/c", "../x/../y", NULL, NULL},
    {"a/b/c", "x/./..", NULL, NULL},
    /* absolute, into the mount */
    {"", "R/vm/vm.vmx", NULL, "vm/vm.vmx"},
    {"", "G/vm/vm.vmx", NULL, "vm/vm.vmx"},
    {"a/b/c", "R/vm", NULL, "../../../vm"},
    {"a/b/c", "G/vm", NULL, "../../../vm"},
    {"a/b/c", "R/a/x", NULL, "../../x"},
    {"a/b/c", "R//a/b//c/x/y", NULL, "x/y"},
    {"a/b", "R/a/bc", NULL, "../bc"},
    {"", "R", NULL, "."},
    {"", "R/", NULL, "."},
    {"a/b", "R", NULL, "../.."},
    {"a/b", "R/a/b/", NULL, "."},
    {"a/b", "R/a", NULL, ".."},
    {"", "R/a/../b", NULL, NULL},
    {"a", "R/a/../b", NULL, "../b"},
    {"", "R/../x", NULL, NULL},
    {"a", "R/../x", NULL, NULL},
    /* absolute, elsewhere */
    {"", "Rx/vm", NULL, NULL},
    {"", "Gx/vm", NULL, NULL},
    {"", "/etc/passwd", NULL, NULL},
    {"vm", "/", NULL, NULL},
    {"", "//etc", NULL, NULL},
    {"", "", NULL, NULL},
};

static void must_show_all(bool absolute_links, bool any_links)
{
    struct folder folder;
    struct folder given;
    struct mount mount;
    must_make_folder(&folder);
    must_mkdir(&folder, "real");
    must_link(&folder, "real", "given");
    snprintf(given.path, sizeof(given.path), "%.40s/given/", folder.path);
    struct remote_options options = default_options(&given);
    options.absolute_links = absolute_links;
    options.any_links = any_links;
    must_mount(&mount, &given, &options);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[PATH_MAX];
        const struct link_case *c = &cases[i];
        expand(&folder, c->text, text);
        must_show(&mount, c->dir, text,
                  any_links        ? text
                  : absolute_links ? c->relative
                                   : c->contained);
    }
    mount_end(&mount);
    folder_remove(&folder);
}

static void links_stay_in_the_tree(void **state)
{
    (void)state;
    must_show_all(false, false);
}

static void absolute_links_are_made_relative_and_judged(void **state)
{
    (void)state;
    must_show_all(true, false);
}

static void links_are_shown_as_they_are(void **state)
{
    (void)state;
    must_show_all(false, true);
}

static void links_below_the_servers_top(void **state)
{
    (void)state;
    struct folder top = {.path = "/"};
    struct mount mount;
    struct remote_options options = default_options(&top);
    options.absolute_links = true;
    must_mount(&mount, &top, &options);
    must_show(&mount, "", "/etc/passwd", "etc/passwd");
    must_show(&mount, "etc", "/etc/passwd", "passwd");
    must_show(&mount, "", "../x", NULL);
    must_show(&mount, "", "/", ".");
    must_show(&mount, "a", "/", "..");
    must_show(&mount, "", "vmfs/volumes", "vmfs/volumes");
    mount_end(&mount);
}

static void readlink_tells_what_it_does_not_show(void **state)
{
    (void)state;
    struct folder folder;
    struct mount mount;
    struct wait wait = patience();
    BUF_AUTO inside = {0};
    BUF_AUTO outside = {0};
    BUF_AUTO none = {0};
    must_make_folder(&folder);
    must_mkdir(&folder, "vm");
    must_link(&folder, "../other", "vm/inside");
    must_link(&folder, "/etc/passwd", "vm/outside");
    must_mount(&mount, &folder, NULL);
    assert_int_equal(remote_readlink(mount.remote, "vm/inside", &wait, &inside), 0);
    assert_string_equal(inside.data, "../other");
    assert_int_equal(remote_readlink(mount.remote, "vm/outside", &wait, &outside), -EPERM);
    assert_string_equal(outside.data, "/etc/passwd");
    assert_int_equal(remote_readlink(mount.remote, "vm", &wait, &none), -EINVAL);
    assert_int_equal(remote_readlink(mount.remote, "missing", &wait, &none), -ENOENT);
    mount_end(&mount);
    folder_remove(&folder);
}

static void must_lead(struct mount *mount, const char *link, const char *path)
{
    struct wait wait = patience();
    FREE_AUTO char *found = NULL;
    assert_int_equal(remote_follow(mount->remote, link, &wait, &found), 0);
    if (path)
        assert_string_equal(found, path);
    else
        assert_null(found);
}

/* The path of something that is beside the mounted root. */
static void beside(const struct folder *folder, const char *name, char *ret)
{
    /* The folder is two levels deep, /tmp/NAME, and the root one level deeper. */
    snprintf(ret, PATH_MAX, "../../../%s/%s", folder->path + 1, name);
}

static void links_lead_to_one_path(void **state)
{
    (void)state;
    struct folder folder;
    struct folder root;
    struct mount mount;
    char path[PATH_MAX];
    struct wait wait = patience();
    LISTING_AUTO *listing = NULL;
    must_make_folder(&folder);
    must_mkdir(&folder, "real");
    must_mkdir(&folder, "real/vm");
    must_mkdir(&folder, "out");
    must_write(&folder, "out/file", "");
    must_link(&folder, "../vm", "real/vm/inside");
    must_link(&folder, "../vm/inside", "real/vm/chain");
    must_link(&folder, "..", "real/vm/root");
    must_link(&folder, "../out", "real/out");
    must_link(&folder, "/", "real/top");
    must_link(&folder, "missing", "real/dangling");
    must_link(&folder, "loop", "real/loop");
    snprintf(root.path, sizeof(root.path), "%.40s/real", folder.path);
    must_mount(&mount, &root, NULL);
    must_lead(&mount, "vm/inside", "vm");
    must_lead(&mount, "vm/chain", "vm");
    must_lead(&mount, "vm/root", "");
    must_lead(&mount, "top", "../../..");
    must_lead(&mount, "dangling", NULL);
    must_lead(&mount, "loop", NULL);
    beside(&folder, "out", path);
    must_lead(&mount, "out", path);
    assert_false(remote_is_root(mount.remote, path));
    assert_int_equal(remote_list(mount.remote, path, 0, &wait, &listing), 0);
    assert_non_null(listing_find(listing, "file"));
    beside(&folder, "real", path);
    assert_true(remote_is_root(mount.remote, path));
    mount_end(&mount);
    folder_remove(&folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(links_stay_in_the_tree),
        cmocka_unit_test(absolute_links_are_made_relative_and_judged),
        cmocka_unit_test(links_are_shown_as_they_are),
        cmocka_unit_test(links_below_the_servers_top),
        cmocka_unit_test(readlink_tells_what_it_does_not_show),
        cmocka_unit_test(links_lead_to_one_path),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
