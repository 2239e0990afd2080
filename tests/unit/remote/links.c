/* SPDX-License-Identifier: MIT */
#include "rig.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "remote/files.h"

struct link_case {
    const char *dir;
    const char *target; /* "R" and "G" at the front: the real and the given root */
    const char *shown;  /* "O" in it: the outside, for this mount */
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

static void must_show(struct mount *mount, const struct folder *folder, const struct link_case *c)
{
    char target[PATH_MAX];
    char shown[PATH_MAX];
    BUF_AUTO text = {0};
    expand(folder, c->target, target);
    const char *outside = strchr(c->shown, 'O');
    if (outside)
        snprintf(shown, sizeof(shown), "%.*s.vmxfs/outside%s%s", (int)(outside - c->shown),
                 c->shown, outside[1] == 'F' ? folder->path : "",
                 outside + (outside[1] == 'F' ? 2 : 1));
    else
        snprintf(shown, sizeof(shown), "%s", c->shown);
    assert_int_equal(remote_contain_link(mount->remote, c->dir, target, &text), 0);
    assert_string_equal(text.data, shown);
}

static void links_stay_in_the_tree(void **state)
{
    (void)state;
    static const struct link_case cases[] = {
        {"", "vm/vm.vmx", "vm/vm.vmx"},
        {"", ".", "."},
        {"", "./vm", "./vm"},
        {"", "vm/", "vm/"},
        {"vm", "..", ".."},
        {"vm", "../other/x", "../other/x"},
        {"a/b", "../../x", "../../x"},
        {"a/b", ".././../x", ".././../x"},
        /* too many */
        {"", "..", "OF"},
        {"", "../x", "OF/x"},
        {"vm", "../../x", "../OF/x"},
        {"a/b", "../../../etc", "../../OF/etc"},
        {"", "../../../../../../etc/passwd", "O/etc/passwd"},
        /* ".." behind a name, which may be a link itself */
        {"", "a/../b", "b"},
        {"", "a/../../x", "OF/x"},
        {"vm", "a/../../x", "../x"},
        {"vm", "../a/../../x", "../OF/x"},
        /* back in by the name of the root */
        {"", "../real/vm", "vm"},
        {"vm", "../../given/vm", "../vm"},
        /* absolute */
        {"", "R/vm/vm.vmx", "vm/vm.vmx"},
        {"", "G/vm/vm.vmx", "vm/vm.vmx"},
        {"a/b/c", "R/vm", "../../../vm"},
        {"a/b/c", "G/vm", "../../../vm"},
        {"", "R", "."},
        {"", "R/", "."},
        {"", "G", "."},
        {"vm", "R", ".."},
        {"", "R/a/../b", "b"},
        {"", "R/../x", "OF/x"},
        {"", "R//a/./b", "a/b"},
        {"", "Rx/vm", "OF/realx/vm"},
        {"", "Gx/vm", "OF/givenx/vm"},
        {"", "/etc/passwd", "O/etc/passwd"},
        {"vm", "/etc/passwd", "../O/etc/passwd"},
        {"", "/", "O"},
        {"", "//etc", "O/etc"},
        {"", "/..", "O"},
    };
    struct folder folder;
    struct mount mount;
    must_make_folder(&folder);
    must_mkdir(&folder, "real");
    must_link(&folder, "real", "given");
    struct folder given;
    snprintf(given.path, sizeof(given.path), "%.40s/given/", folder.path);
    must_mount(&mount, &given, NULL);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        must_show(&mount, &folder, &cases[i]);
    mount_end(&mount);
    folder_remove(&folder);
}

static void links_below_the_servers_top(void **state)
{
    (void)state;
    static const struct link_case cases[] = {
        {"", "/etc/passwd", "etc/passwd"},
        {"etc", "/etc/passwd", "../etc/passwd"},
        {"", "../x", "x"},
        {"a/b", "../../../x", "../../x"},
        {"", "/", "."},
        {"a", "/", ".."},
        {"", "vmfs/volumes", "vmfs/volumes"},
    };
    struct folder top = {.path = "/"};
    struct mount mount;
    must_mount(&mount, &top, NULL);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        must_show(&mount, &top, &cases[i]);
    mount_end(&mount);
}

static void readlink_contains_what_the_server_says(void **state)
{
    (void)state;
    struct folder folder;
    struct mount mount;
    struct wait wait = patience();
    BUF_AUTO inside = {0};
    BUF_AUTO outside = {0};
    must_make_folder(&folder);
    must_mkdir(&folder, "vm");
    must_link(&folder, "../other", "vm/inside");
    must_link(&folder, "/etc/passwd", "vm/outside");
    must_mount(&mount, &folder, NULL);
    assert_int_equal(remote_readlink(mount.remote, "vm/inside", &wait, &inside), 0);
    assert_string_equal(inside.data, "../other");
    assert_int_equal(remote_readlink(mount.remote, "vm/outside", &wait, &outside), 0);
    assert_string_equal(outside.data, "../.vmxfs/outside/etc/passwd");
    mount_end(&mount);
    folder_remove(&folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(links_stay_in_the_tree),
        cmocka_unit_test(links_below_the_servers_top),
        cmocka_unit_test(readlink_contains_what_the_server_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
