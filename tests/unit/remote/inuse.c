/* SPDX-License-Identifier: MIT */
/* What counts as evidence that a VM is in use. */
#include "rig.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "remote/names/shown_names.h"
#include "remote/in_use/evidence.h"

#define TEXT "memSize = \"4096\"\n"
#define IMAGE(name) TEXT "checkpoint.vmState = \"" name "\"\n"
#define SWAP(name) TEXT "sched.swap.derivedName = \"" name "\"\n"

struct evidence {
    const char *text;   /* of vm/a.vmx */
    const char *folder; /* to be made, or NULL */
    const char *file;   /* to be made, or NULL; "F" at the front of text: the folder's path */
    int result;
    const char *why; /* in the diagnosis */
};

static const struct evidence cases[] = {
    {TEXT, NULL, NULL, 0, NULL},
    {TEXT, NULL, "vm/a.vmx.lck", -EBUSY, "a.vmx.lck"},
    {TEXT, "vm/a.vmx.lck", NULL, 0, NULL},
    {TEXT, "vm/a.vmx.lck", "vm/a.vmx.lck/M12345.lck", -EBUSY, "a.vmx.lck"},
    {TEXT, NULL, "vm/b.vmx.lck", 0, NULL},
    {TEXT, NULL, "vm/.lck-abcdef", -EBUSY, ".lck-abcdef"},
    {TEXT, NULL, "vm/.lck-0123456789ABCDEF", -EBUSY, ".lck-0123456789ABCDEF"},
    {TEXT, NULL, "vm/.lck-", 0, NULL},
    {TEXT, NULL, "vm/.lck-notes", 0, NULL},
    {TEXT, NULL, "vm/a.vmx~", 0, NULL},
    {TEXT, NULL, "vm/other-1234abcd.vswp", 0, NULL},
    {TEXT, NULL, "vm/vmx-a-1234abcd-1.vswp", 0, NULL},
    {SWAP("a-1234abcd.vswp"), NULL, NULL, 0, NULL},
    {SWAP("a-1234abcd.vswp"), NULL, "vm/a-1234abcd.vswp", -EBUSY, "swap"},
    {SWAP("a-1234abcd.vswp"), NULL, "vm/other-1234abcd.vswp", 0, NULL},
    {SWAP("/vmfs/volumes/5f3c1a2b/vm/a-1234abcd.vswp"), NULL, NULL, 0, NULL},
    {SWAP("/vmfs/volumes/5f3c1a2b/vm/a-1234abcd.vswp"), NULL, "vm/a-1234abcd.vswp", -EBUSY, "swap"},
    {SWAP(""), NULL, NULL, 0, NULL},
    {SWAP("/"), NULL, NULL, 0, NULL},
    {SWAP("."), NULL, NULL, 0, NULL},
    {SWAP(".."), NULL, NULL, 0, NULL},
    {TEXT "checkpoint.vmState = \"\"\n", NULL, NULL, 0, NULL},
    {IMAGE("a-1234abcd.vmss"), NULL, "vm/a-1234abcd.vmss", -EBUSY, "suspended"},
    {IMAGE("a-1234abcd.vmss"), NULL, NULL, 0, NULL},
    {IMAGE("a-1234abcd.vmss"), NULL, "vm/other-1234abcd.vmss", 0, NULL},
    {IMAGE("/vmfs/volumes/5f3c1a2b/vm/a.vmss"), NULL, NULL, 0, NULL},
    {IMAGE("/vmfs/volumes/5f3c1a2b/vm/a.vmss"), NULL, "vm/a.vmss", -EBUSY, "suspended"},
    {IMAGE("images/a.vmss"), NULL, NULL, -EBUSY, "suspended"},
    {IMAGE(".."), NULL, NULL, -EBUSY, "suspended"},
    {TEXT "CHECKPOINT.VMSTATE = a.vmss\n", NULL, "vm/a.vmss", -EBUSY, "suspended"},
};
enum { CASES = sizeof(cases) / sizeof(cases[0]) };

static void must_make(struct folder *folder, const struct evidence *c)
{
    must_make_folder(folder);
    must_mkdir(folder, "vm");
    must_write(folder, "vm/a.vmx", c->text);
    if (c->folder)
        must_mkdir(folder, c->folder);
    if (c->file)
        must_write(folder, c->file, "");
}

static int commit(struct mount *mount, struct set *set)
{
    struct wait wait = patience();
    return remote_commit(mount->remote, "vm/a.vmx", &set->change, &wait);
}

static void evidence_refuses_a_commit(void **state)
{
    (void)state;
    for (size_t i = 0; i < CASES; i++) {
        struct folder folder;
        struct mount mount;
        struct set set = set_of("memSize", "8192");
        must_make(&folder, &cases[i]);
        must_mount(&mount, &folder, NULL);
        int r = commit(&mount, &set);
        if (r != cases[i].result)
            print_error("case %zu: %d\n", i, r);
        assert_int_equal(r, cases[i].result);
        if (r < 0) {
            must_hold(&folder, "vm/a.vmx", cases[i].text);
            assert_non_null(strstr(set.change.diag.text, cases[i].why));
        }
        mount_end(&mount);
        struct folder vm;
        snprintf(vm.path, sizeof(vm.path), "%.50s/vm", folder.path);
        must_be_clean(&vm);
        folder_remove(&folder);
    }
}

static void evidence_refuses_a_removal_and_a_renaming(void **state)
{
    (void)state;
    for (size_t i = 0; i < CASES; i++) {
        struct folder folder;
        struct mount mount;
        struct wait wait = patience();
        struct diag diag = {0};
        must_make(&folder, &cases[i]);
        must_mount(&mount, &folder, NULL);
        assert_int_equal(remote_rename_vmx(mount.remote, "vm/a.vmx", "vm/c.vmx", MOVE_ONTO_ANY,
                                           NULL, &wait, &diag, NULL),
                         cases[i].result);
        const char *path = cases[i].result == 0 ? "vm/c.vmx" : "vm/a.vmx";
        must_hold(&folder, path, cases[i].text);
        if (cases[i].result < 0)
            assert_int_equal(remote_remove_vmx(mount.remote, path, NULL, &wait, &diag), -EBUSY);
        assert_true(file_exists(&folder, path));
        mount_end(&mount);
        folder_remove(&folder);
    }
}

static void running_can_be_ignored(void **state)
{
    (void)state;
    for (size_t i = 0; i < CASES; i++) {
        struct folder folder;
        struct mount mount;
        struct set set = set_of("memSize", "8192");
        must_make(&folder, &cases[i]);
        struct remote_options options = default_options(&folder);
        options.ignore_running = true;
        must_mount(&mount, &folder, &options);
        assert_int_equal(commit(&mount, &set), 0);
        mount_end(&mount);
        folder_remove(&folder);
    }
}

static void setting_what_is_there_is_allowed_while_it_runs(void **state)
{
    (void)state;
    for (size_t i = 0; i < CASES; i++) {
        struct folder folder;
        struct mount mount;
        struct set set = set_of("memSize", "4096");
        must_make(&folder, &cases[i]);
        must_mount(&mount, &folder, NULL);
        assert_int_equal(commit(&mount, &set), 0);
        must_hold(&folder, "vm/a.vmx", cases[i].text);
        mount_end(&mount);
        folder_remove(&folder);
    }
}

/* The cached settings are no evidence, for nor against. */
static void the_servers_settings_count(void **state)
{
    (void)state;
    static const struct {
        const char *then, *now, *file;
        int result;
    } changes[] = {
        {TEXT, IMAGE("a.vmss"), "vm/a.vmss", -EBUSY},
        {IMAGE("a.vmss"), TEXT, "vm/a.vmss", 0},
        {IMAGE("a.vmss"), IMAGE("b.vmss"), "vm/a.vmss", 0},
        {IMAGE("a.vmss"), IMAGE("b.vmss"), "vm/b.vmss", -EBUSY},
        {TEXT, SWAP("a.vswp"), "vm/a.vswp", -EBUSY},
        {SWAP("a.vswp"), TEXT, "vm/a.vswp", 0},
        {SWAP("a.vswp"), SWAP("b.vswp"), "vm/a.vswp", 0},
        {SWAP("a.vswp"), SWAP("b.vswp"), "vm/b.vswp", -EBUSY},
    };
    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        struct folder folder;
        struct mount mount;
        struct wait wait = patience();
        struct set set = set_of("memSize", "8192");
        DOCUMENT_AUTO *d = NULL;
        must_make(&folder, &(struct evidence){.text = changes[i].then, .file = changes[i].file});
        must_mount(&mount, &folder, NULL);
        assert_int_equal(remote_document(mount.remote, "vm/a.vmx", 0, &wait, &d), 0);
        must_write(&folder, "vm/a.vmx", changes[i].now);
        assert_int_equal(commit(&mount, &set), changes[i].result);
        mount_end(&mount);
        folder_remove(&folder);
    }
}

/* A file on another datastore, which the setting names by its whole path. */
static void a_file_elsewhere_is_found_by_its_path(const char *key)
{
    struct folder folder;
    struct folder elsewhere;
    struct mount mount;
    char text[2 * PATH_MAX];
    char path[PATH_MAX];
    must_make_folder(&elsewhere);
    file_path(&elsewhere, "a-1234abcd", path);
    snprintf(text, sizeof(text), TEXT "%s = \"%s\"\n", key, path);
    must_make(&folder, &(struct evidence){.text = text});
    must_mount(&mount, &folder, NULL);
    struct set first = set_of("memSize", "1");
    assert_int_equal(commit(&mount, &first), 0);
    must_write(&elsewhere, "a-1234abcd", "");
    struct set second = set_of("memSize", "2");
    assert_int_equal(commit(&mount, &second), -EBUSY);
    mount_end(&mount);
    folder_remove(&folder);
    folder_remove(&elsewhere);
}

static void files_elsewhere_are_found_by_their_paths(void **state)
{
    (void)state;
    a_file_elsewhere_is_found_by_its_path("sched.swap.derivedName");
    a_file_elsewhere_is_found_by_its_path("checkpoint.vmState");
}

/* Whatever the number of names before it. */
static void an_nfs_lock_is_found_in_a_large_folder(void **state)
{
    (void)state;
    struct folder folder;
    struct mount mount;
    char name[64];
    must_make(&folder, &(struct evidence){.text = TEXT});
    for (int i = 0; i < 3000; i++) {
        snprintf(name, sizeof(name), "vm/vmware-%d.log", i);
        must_write(&folder, name, "");
    }
    must_mount(&mount, &folder, NULL);
    struct set first = set_of("memSize", "1");
    assert_int_equal(commit(&mount, &first), 0);
    must_write(&folder, "vm/.lck-0badcafe", "");
    struct set second = set_of("memSize", "2");
    assert_int_equal(commit(&mount, &second), -EBUSY);
    mount_end(&mount);
    folder_remove(&folder);
}

/* A host that says what the test wants. */
struct told {
    bool runs, stale;
    int asked; /* about the lock */
};

static bool told_runs(void *ctx, const char *path, const struct wait *wait, char *ret, size_t size)
{
    const struct told *t = ctx;
    (void)wait;
    snprintf(ret, size, "told of %s", path);
    return t->runs;
}

static bool told_stale(void *ctx, const char *path, const char *lock, const struct wait *wait)
{
    struct told *t = ctx;
    (void)wait;
    t->asked += strcmp(path, "vm/a.vmx") == 0 && strstr(lock, "/vm/a.vmx.lck");
    return t->stale;
}

static void a_host_tells_too(void **state)
{
    (void)state;
    static const struct {
        struct evidence files;
        bool runs, stale;
        int result, asked;
    } table[] = {
        {{TEXT, NULL, NULL, 0, NULL}, false, false, 0, 0},
        {{TEXT, NULL, NULL, 0, NULL}, true, false, -EBUSY, 0},
        {{TEXT, NULL, "vm/a.vmx.lck", 0, NULL}, false, false, -EBUSY, 1},
        {{TEXT, NULL, "vm/a.vmx.lck", 0, NULL}, false, true, 0, 1},
        {{TEXT, NULL, "vm/a.vmx.lck", 0, NULL}, true, true, -EBUSY, 1},
        /* It may overrule nothing but that file. */
        {{TEXT, "vm/a.vmx.lck", "vm/a.vmx.lck/M1.lck", 0, NULL}, false, true, -EBUSY, 0},
        {{TEXT, NULL, "vm/.lck-abcdef", 0, NULL}, false, true, -EBUSY, 0},
        {{SWAP("a-1.vswp"), NULL, "vm/a-1.vswp", 0, NULL}, false, true, -EBUSY, 0},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct folder folder;
        struct mount mount;
        struct set set = set_of("memSize", "8192");
        struct told told = {.runs = table[i].runs, .stale = table[i].stale};
        const struct remote_evidence evidence = {
            .runs = told_runs, .lock_is_stale = told_stale, .ctx = &told};
        must_make(&folder, &table[i].files);
        must_mount(&mount, &folder, NULL);
        remote_set_evidence(mount.remote, &evidence);
        assert_int_equal(commit(&mount, &set), table[i].result);
        assert_int_equal(told.asked, table[i].asked);
        if (table[i].runs)
            assert_non_null(strstr(set.change.diag.text, "told of vm/a.vmx"));
        mount_end(&mount);
        folder_remove(&folder);
    }
}

static void paths_of_the_server_are_found_below_the_root(void **state)
{
    (void)state;
    struct folder folder;
    struct folder elsewhere;
    struct mount mount;
    char in[PATH_MAX], linked[PATH_MAX], missing[PATH_MAX], out[PATH_MAX];
    char *found[5];
    struct wait wait = patience();
    must_make(&folder, &(struct evidence){.text = TEXT});
    must_make(&elsewhere, &(struct evidence){.text = TEXT});
    must_link(&folder, "vm", "name of it");
    must_mount(&mount, &folder, NULL);
    const char *paths[] = {
        file_path(&folder, "vm/a.vmx", in), file_path(&folder, "name of it/a.vmx", linked),
        file_path(&folder, "vm/b.vmx", missing), file_path(&elsewhere, "vm/a.vmx", out), NULL};
    assert_int_equal(remote_locate(mount.remote, paths, 5, &wait, found), 0);
    assert_string_equal(found[0], "vm/a.vmx");
    assert_string_equal(found[1], "vm/a.vmx");
    assert_null(found[2]);
    assert_null(found[3]);
    assert_null(found[4]);
    free(found[0]);
    free(found[1]);
    mount_end(&mount);
    folder_remove(&folder);
    folder_remove(&elsewhere);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(evidence_refuses_a_commit),
        cmocka_unit_test(evidence_refuses_a_removal_and_a_renaming),
        cmocka_unit_test(running_can_be_ignored),
        cmocka_unit_test(setting_what_is_there_is_allowed_while_it_runs),
        cmocka_unit_test(the_servers_settings_count),
        cmocka_unit_test(files_elsewhere_are_found_by_their_paths),
        cmocka_unit_test(an_nfs_lock_is_found_in_a_large_folder),
        cmocka_unit_test(a_host_tells_too),
        cmocka_unit_test(paths_of_the_server_are_found_below_the_root),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
