/* SPDX-License-Identifier: MIT */
#include "relay.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "remote/cache/listing.h"
#include "sftp/protocol/proto.h"
#include "remote/names/aliases.h"
#include "remote/names/inaccessible.h"
#include "remote/names/shown_names.h"
#include "remote/names/paths.h"

enum { SLOW_MS = 100 };

#define UUID_A "5f3c1a2b-1234abcd-9e8f-001122334455"
#define UUID_B "6a3c1a2b-1234abcd-9e8f-001122334455"
#define VSAN "52a7c1e2-3b4d-5f60-7182-93a4b5c6d7e8"

static struct listing *must_list(struct mount *mount, const char *dir, int64_t max_age_ms)
{
    struct wait wait = patience();
    struct listing *l = NULL;
    assert_int_equal(remote_list(mount->remote, dir, max_age_ms, &wait, &l), 0);
    return l;
}

static int list_error(struct mount *mount, const char *dir)
{
    struct wait wait = patience();
    LISTING_AUTO *l = NULL;
    return remote_list(mount->remote, dir, 0, &wait, &l);
}

static void names_tell_what_is_a_vmx(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        bool vmx, hidden;
    } cases[] = {
        {"a.vmx", true, false},
        {"A.VMX", true, false},
        {"a.vmtx", true, false},
        {"a.VmTx", true, false},
        {".vmx", false, false},
        {"vmx", false, false},
        {"a.vmx~", false, false},
        {"a.vmx.lck", false, false},
        {"a.vmxf", false, false},
        {".a.vmx.vmxfs-lock", false, true},
        {".a.vmx.vmxfs-break", false, true},
        {".A.VMX.vmxfs-lock", false, true},
        {".a.vmtx.vmxfs-0123456789abcd00000", false, true},
        {"a.vmx.vmxfs-lock", false, false},
        {".notes.vmxfs-lock", false, false},
        {".vmxfs-lock", false, false},
        {".vmxfs-0f3a6b1c0004d25e6f7081000003-root@lab", false, true},
        {".vmxfs-0f3a6b1c0004d25e6f7081000003-root@", false, false},
        {".vmxfs-0f3a6b1c0004d25e6f708100000-root@lab", false, false},
        {"vmxfs-0f3a6b1c0004d25e6f7081000003-root@lab", false, false},
        {".vmxfs", false, false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(remote_is_vmx_name(cases[i].name), cases[i].vmx);
        assert_int_equal(remote_is_hidden_name(cases[i].name), cases[i].hidden);
    }
}

/* It would be taken for empty, and written anew. */
static void a_file_of_unknown_size_is_no_vmx(void **state)
{
    (void)state;
    struct folder folder;
    struct mount mount;
    must_make_folder(&folder);
    must_mount(&mount, &folder, NULL);
    struct sftp_attrs attrs = {
        .flags = SFTP_ATTR_MODE | SFTP_ATTR_SIZE, .mode = S_IFREG, .size = 1 << 20};
    assert_true(remote_is_vmx(mount.remote, "a.vmx", &attrs));
    attrs.size++;
    assert_false(remote_is_vmx(mount.remote, "a.vmx", &attrs));
    attrs = (struct sftp_attrs){.flags = SFTP_ATTR_MODE, .mode = S_IFREG};
    assert_false(remote_is_vmx(mount.remote, "a.vmx", &attrs));
    mount_end(&mount);
    folder_remove(&folder);
}

static void a_listing_has_names_and_attributes(void **state)
{
    (void)state;
    struct folder folder;
    struct mount mount;
    must_make_folder(&folder);
    must_write(&folder, "b.vmx", "123");
    must_write(&folder, "notes with \xc3\xa4 and \xff", "");
    must_mkdir(&folder, "c");
    must_link(&folder, "b.vmx", "a");
    must_mount(&mount, &folder, NULL);
    LISTING_AUTO *l = must_list(&mount, "", 0);
    assert_int_equal(l->n, 4);
    assert_string_equal(l->entries[0].name, "a");
    assert_true(S_ISLNK(l->entries[0].attrs.mode));
    const struct listing_entry *e = listing_find(l, "b.vmx");
    assert_non_null(e);
    assert_true(S_ISREG(e->attrs.mode));
    assert_int_equal(e->attrs.size, 3);
    assert_non_null(listing_find(l, "notes with \xc3\xa4 and \xff"));
    assert_true(S_ISDIR(listing_find(l, "c")->attrs.mode));
    assert_null(listing_find(l, "."));
    assert_null(listing_find(l, "d"));
    LISTING_AUTO *empty = must_list(&mount, "c", 0);
    assert_int_equal(empty->n, 0);
    assert_null(listing_find(empty, "x"));
    mount_end(&mount);
    folder_remove(&folder);
}

static void our_own_files_are_hidden(void **state)
{
    (void)state;
    struct folder folder;
    struct mount mount;
    must_make_folder(&folder);
    must_write(&folder, "a.vmx", "");
    must_mkdir(&folder, ".a.vmx.vmxfs-lock");
    must_mkdir(&folder, ".vmxfs-0f3a6b1c0004d25e6f7081000003-root@lab");
    must_write(&folder, ".a.vmx.vmxfs-break", "");
    must_write(&folder, ".a.vmx.vmxfs-0123456789abcd00001", "");
    must_write(&folder, ".hidden", "");
    must_mount(&mount, &folder, NULL);
    LISTING_AUTO *l = must_list(&mount, "", 0);
    assert_int_equal(l->n, 2);
    assert_non_null(listing_find(l, "a.vmx"));
    assert_non_null(listing_find(l, ".hidden"));
    mount_end(&mount);
    folder_remove(&folder);
}

static void what_is_no_folder_has_its_errno(void **state)
{
    (void)state;
    struct folder folder;
    struct mount mount;
    must_make_folder(&folder);
    must_write(&folder, "file", "");
    must_mount(&mount, &folder, NULL);
    assert_int_equal(list_error(&mount, "file"), -ENOTDIR);
    assert_int_equal(list_error(&mount, "missing"), -ENOENT);
    mount_end(&mount);
    folder_remove(&folder);
}

/* shown_as, stands_for: what the entry says; NULL: nothing. */
static void must_be(const struct listing *l, const char *name, const char *shown_as,
                    const char *stands_for)
{
    const struct listing_entry *e = listing_find(l, name);
    assert_non_null(e);
    if (shown_as)
        assert_string_equal(e->shown_as, shown_as);
    else
        assert_null(e->shown_as);
    if (stands_for)
        assert_string_equal(e->stands_for, stands_for);
    else
        assert_null(e->stands_for);
}

static void must_be_shown(struct mount *mount, const char *path, const char *shown)
{
    BUF_AUTO text = {0};
    assert_int_equal(remote_add_shown(mount->remote, path, &text), 0);
    assert_string_equal(text.data, shown);
}

static void must_stand_for(struct mount *mount, const char *link, const char *directory)
{
    struct wait wait = patience();
    FREE_AUTO char *found = NULL;
    assert_int_equal(remote_stands_for(mount->remote, link, 5000, &wait, &found), 0);
    if (directory)
        assert_string_equal(found, directory);
    else
        assert_null(found);
}

static void must_make_volumes(struct folder *folder)
{
    static const struct {
        const char *text, *name;
    } links[] = {
        {UUID_A, "volumes/datastore1"},
        {UUID_A, "volumes/datastore0"},
        {UUID_A, "volumes/BOOTBANK1"},
        {UUID_B, "volumes/OSDATA-1"},
        {UUID_B, "volumes/LOCKER-1"},
        {"vsan:52a7c1e23b4d5f60-718293a4b5c6d7e8", "volumes/vsan"},
        {"vvol:0123456789abcdef-0123456789abcdef", "volumes/vvol"},
        {"plain", "volumes/alias"},
        {"./" VSAN, "volumes/dot"},
        {VSAN "/", "volumes/slash"},
        {"../volumes/" VSAN, "volumes/roundabout"},
        {"5f3c1a2b-1234abcd-9e8f-0011223344aa", "volumes/missing"},
        {"6a3c1a2b-1234abcd-9e8f-0011223344bb", "volumes/file"},
    };
    must_make_folder(folder);
    must_mkdir(folder, "volumes");
    must_mkdir(folder, "volumes/" UUID_A);
    must_mkdir(folder, "volumes/" UUID_B);
    must_mkdir(folder, "volumes/" VSAN);
    must_mkdir(folder, "volumes/vsan:52a7c1e23b4d5f60-718293a4b5c6d7e8");
    must_mkdir(folder, "volumes/vvol:0123456789abcdef-0123456789abcdef");
    must_mkdir(folder, "volumes/plain");
    must_write(folder, "volumes/6a3c1a2b-1234abcd-9e8f-0011223344bb", "");
    for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++)
        must_link(folder, links[i].text, links[i].name);
}

static void a_link_stands_for_the_uuid_beside_it(void **state)
{
    (void)state;
    struct folder folder;
    struct mount mount;
    char target[PATH_MAX];
    must_make_volumes(&folder);
    must_link(&folder, file_path(&folder, "volumes/" VSAN, target), "volumes/absolute");
    must_mount(&mount, &folder, NULL);
    must_be_shown(&mount, "volumes/" UUID_A "/x", "volumes/" UUID_A "/x");
    LISTING_AUTO *l = must_list(&mount, "volumes", 0);
    must_be(l, UUID_A, "datastore0", NULL);
    must_be(l, "datastore0", NULL, UUID_A);
    must_be(l, "datastore1", NULL, NULL); /* not the first one */
    must_be(l, "BOOTBANK1", NULL, NULL);  /* comes before, and is the host's */
    must_be(l, UUID_B, "LOCKER-1", NULL);
    must_be(l, "LOCKER-1", NULL, NULL);
    must_be(l, "OSDATA-1", NULL, NULL);
    must_be(l, "vsan", NULL, "vsan:52a7c1e23b4d5f60-718293a4b5c6d7e8");
    must_be(l, "vvol", NULL, "vvol:0123456789abcdef-0123456789abcdef");
    must_be(l, VSAN, NULL, NULL); /* no text is its name alone */
    must_be(l, "plain", NULL, NULL);
    must_be(l, "missing", NULL, NULL);
    must_be(l, "file", NULL, NULL);
    must_be_shown(&mount, "volumes/" UUID_A "/x/" UUID_A, "volumes/datastore0/x/" UUID_A);
    must_be_shown(&mount, "volumes/" UUID_A, "volumes/datastore0");
    must_be_shown(&mount, "volumes/" UUID_B "/x", "volumes/LOCKER-1/x");
    must_be_shown(&mount, "volumes", "volumes");
    must_be_shown(&mount, UUID_A, UUID_A);
    assert_true(remote_is_shown_otherwise(mount.remote, "volumes/" UUID_A));
    assert_false(remote_is_shown_otherwise(mount.remote, "volumes/" VSAN));
    mount_end(&mount);
    folder_remove(&folder);
}

static void what_a_link_stands_for_is_found_without_a_listing(void **state)
{
    (void)state;
    for (int listed = 0; listed < 2; listed++) {
        struct folder folder;
        struct mount mount;
        must_make_volumes(&folder);
        must_mount(&mount, &folder, NULL);
        LISTING_AUTO *l = listed ? must_list(&mount, "volumes", 0) : NULL;
        must_stand_for(&mount, "volumes/alias", NULL);
        must_stand_for(&mount, "volumes/missing", NULL);
        must_stand_for(&mount, "volumes/datastore1", NULL);
        must_stand_for(&mount, "volumes/BOOTBANK1", NULL);
        must_stand_for(&mount, "volumes/plain", NULL);
        must_stand_for(&mount, "volumes/datastore0", "volumes/" UUID_A);
        must_stand_for(&mount, "volumes/vsan", "volumes/vsan:52a7c1e23b4d5f60-718293a4b5c6d7e8");
        mount_end(&mount);
        folder_remove(&folder);
    }
}

/* Whoever begins with a UUID hears the name that people use, too; and then its next one. */
static void a_name_is_learned_and_forgotten(void **state)
{
    (void)state;
    struct folder folder;
    struct mount mount;
    struct wait wait = patience();
    char path[PATH_MAX];
    must_make_folder(&folder);
    must_mkdir(&folder, UUID_A);
    must_link(&folder, UUID_A, "old");
    must_mount(&mount, &folder, NULL);
    must_be_shown(&mount, UUID_A "/vm", UUID_A "/vm");
    assert_int_equal(remote_learn_shown(mount.remote, UUID_A "/vm", &wait), 0);
    must_be_shown(&mount, UUID_A "/vm", "old/vm");
    unlink(file_path(&folder, "old", path));
    must_link(&folder, UUID_A, "new");
    LISTING_AUTO *again = must_list(&mount, "", 0);
    must_be_shown(&mount, UUID_A "/vm", "new/vm");
    unlink(file_path(&folder, "new", path));
    LISTING_AUTO *last = must_list(&mount, "", 0);
    must_be_shown(&mount, UUID_A "/vm", UUID_A "/vm");
    assert_false(remote_is_shown_otherwise(mount.remote, UUID_A));
    mount_end(&mount);
    folder_remove(&folder);
}

static void ten_thousand_entries_are_listed(void **state)
{
    (void)state;
    enum { ENTRIES = 10000 };
    struct folder folder;
    struct mount mount;
    char name[32];
    must_make_folder(&folder);
    for (int i = 0; i < ENTRIES; i++) {
        snprintf(name, sizeof(name), "file-%05d", i);
        must_write(&folder, name, "");
    }
    must_mount(&mount, &folder, NULL);
    LISTING_AUTO *l = must_list(&mount, "", 0);
    assert_int_equal(l->n, ENTRIES);
    for (int i = 0; i < ENTRIES; i++) {
        snprintf(name, sizeof(name), "file-%05d", i);
        assert_string_equal(l->entries[i].name, name);
    }
    mount_end(&mount);
    folder_remove(&folder);
}

static void getattr_takes_a_young_listing(void **state)
{
    (void)state;
    struct folder folder;
    struct mount mount;
    struct relay relay;
    struct wait wait = patience();
    struct sftp_attrs attrs;
    int64_t true_at;
    must_make_folder(&folder);
    must_write(&folder, "a", "123");
    must_make_relay(&relay);
    must_mount_relay(&mount, &relay, &folder, NULL);
    struct remote *remote = mount.remote;
    LISTING_AUTO *l = must_list(&mount, "", 0);
    relay_count_anew(&relay);
    must_write(&folder, "a", "12345");
    assert_int_equal(remote_getattr(remote, "a", 5000, &wait, &attrs, &true_at), 0);
    assert_int_equal(attrs.size, 3);
    assert_int_equal(remote_getattr(remote, "b", 5000, &wait, &attrs, &true_at), -ENOENT);
    assert_int_equal(relay_requests(&relay), 0);
    assert_int_equal(remote_getattr(remote, "a", 0, &wait, &attrs, &true_at), 0);
    assert_int_equal(attrs.size, 5);
    assert_int_equal(remote_getattr(remote, "b", 0, &wait, &attrs, &true_at), -ENOENT);
    assert_int_equal(remote_getattr(remote, "", 5000, &wait, &attrs, &true_at), 0);
    assert_true(S_ISDIR(attrs.mode));
    mount_end_relay(&mount, &relay);
    folder_remove(&folder);
}

static void be_slow(void *ctx, const struct relay_request *request)
{
    (void)ctx;
    if (request->type != SSH_FXP_LSTAT)
        usleep(SLOW_MS * 1000);
}

/* Or it would be loaded again and again by who asks for all that is in it. */
static void a_listing_that_took_long_is_good_for_as_long_again(void **state)
{
    (void)state;
    struct folder folder;
    struct mount mount;
    struct relay relay;
    struct wait wait = patience();
    struct sftp_attrs attrs;
    int64_t true_at;
    int64_t took_ms = 0;
    int asked = 1;
    must_make_folder(&folder);
    struct remote_options options = default_options(&folder);
    options.cache_timeout_ms = SLOW_MS; /* three requests at least take longer */
    must_write(&folder, "a", "123");
    must_make_relay(&relay);
    relay.before = be_slow;
    must_mount_relay(&mount, &relay, &folder, &options);
    for (int round = 0; round < 10 && asked > 0; round++) { /* a busy machine may come too late */
        LISTING_AUTO *l = must_list(&mount, "", 0);
        const int before = relay_requests(&relay);
        assert_int_equal(remote_getattr(mount.remote, "a", SLOW_MS, &wait, &attrs, &true_at), 0);
        assert_int_equal(attrs.size, 3);
        asked = relay_requests(&relay) - before;
        took_ms = l->took_ms;
    }
    assert_int_equal(asked, 0);
    must_write(&folder, "a", "12345");
    usleep((useconds_t)(2 * took_ms + SLOW_MS) * 1000);
    assert_int_equal(remote_getattr(mount.remote, "a", SLOW_MS, &wait, &attrs, &true_at), 0);
    assert_int_equal(attrs.size, 5);
    mount_end_relay(&mount, &relay);
    folder_remove(&folder);
}

static void a_listing_is_shown_while_the_link_is_down(void **state)
{
    (void)state;
    struct folder folder;
    struct mount mount;
    struct wait wait = patience();
    struct sftp_attrs attrs;
    int64_t true_at;
    must_make_folder(&folder);
    struct remote_options options = default_options(&folder);
    options.timeout_ms = 300;
    must_write(&folder, "a", "123");
    must_mount(&mount, &folder, &options);
    LISTING_AUTO *l = must_list(&mount, "", 0);
    lock_take(&mount.server.lock);
    mount.server.refuses = true;
    lock_drop(&mount.server.lock);
    local_server_signal(&mount.server, SIGKILL);
    usleep(100000);
    for (int i = 0; i < 2; i++) {
        LISTING_AUTO *again = must_list(&mount, "", 20);
        assert_int_equal(again->n, 1);
    }
    assert_int_equal(remote_getattr(mount.remote, "a", 20, &wait, &attrs, &true_at), 0);
    assert_int_equal(remote_getattr(mount.remote, "b", 20, &wait, &attrs, &true_at), -EIO);
    mount_end(&mount);
    folder_remove(&folder);
}

/* No listing has the root as an entry. */
static void the_root_is_known_from_its_own_listing(void **state)
{
    (void)state;
    struct folder folder;
    struct mount mount;
    struct relay relay;
    struct sftp_attrs attrs;
    int64_t true_at;
    struct wait wait = patience();
    must_make_folder(&folder);
    must_make_relay(&relay);
    must_mount_relay(&mount, &relay, &folder, NULL);
    LISTING_AUTO *l = must_list(&mount, "", 0);
    /* The close of the folder has been sent when a later question is answered. */
    assert_int_equal(remote_getattr(mount.remote, "none", 0, &wait, &attrs, &true_at), -ENOENT);
    relay_restart(&relay, RELAY_CUT_NONE, 0);
    assert_int_equal(remote_getattr(mount.remote, "", 5000, &wait, &attrs, &true_at), 0);
    assert_true(S_ISDIR(attrs.mode));
    assert_int_equal(attrs.mtime, must_lstat(&folder, ".").st_mtime);
    assert_int_equal(relay_requests(&relay), 0);
    assert_int_equal(remote_getattr(mount.remote, "", 0, &wait, &attrs, &true_at), 0);
    assert_int_equal(relay_requests(&relay), 1);
    listing_unref(&l);
    mount_end_relay(&mount, &relay);
    folder_remove(&folder);
}

static void a_name_tells_what_may_hang(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        bool nas, vsan;
    } cases[] = {
        {"2707af93-17b6f4d4", true, false}, /* NFS 3, NFS 4.1, VMFS, vSAN */
        {"e54abc3f-f6a5bb1f-0000-000000000000", true, false},
        {UUID_A, false, false},
        {"vsan:5246f9374fa1cd5c-a5fadb7fd2d1f0b8", false, true},
        {"vvol:5246f9374fa1cd5c-a5fadb7fd2d1f0b8", false, false},
        {"2707af93-17b6f4d4-", false, false},
        {"2707af9-317b6f4d4", false, false},
        {"vsan:x", false, false},
        {"datastore1", false, false},
        {"", false, false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(aliases_is_nas(cases[i].name), cases[i].nas);
        assert_int_equal(aliases_is_vsan(cases[i].name), cases[i].vsan);
    }
}

static void assert_errors(struct mount *mount, const char *dir, int error)
{
    struct wait wait = patience();
    struct sftp_attrs attrs;
    int64_t true_at;
    char path[64];
    DOCUMENT_AUTO *doc = NULL;
    snprintf(path, sizeof(path), "%s/vm.vmx", dir);
    assert_int_equal(list_error(mount, dir), error);
    assert_int_equal(remote_getattr(mount->remote, dir, 0, &wait, &attrs, &true_at), error);
    assert_int_equal(remote_getattr(mount->remote, path, 0, &wait, &attrs, &true_at), error);
    assert_int_equal(remote_document(mount->remote, path, 0, &wait, &doc), error);
}

static void what_is_inaccessible_is_not_asked_about(void **state)
{
    (void)state;
    static const char *const dirs[] = {"2707af93-17b6f4d4", UUID_A};
    static const char *const root[] = {""};
    struct folder folder;
    struct mount mount;
    struct relay relay;
    must_make_folder(&folder);
    must_mkdir(&folder, dirs[0]);
    must_mkdir(&folder, UUID_B);
    must_write(&folder, "2707af93-17b6f4d4/vm.vmx", "a = \"1\"\n");
    must_write(&folder, UUID_B "/vm.vmx", "a = \"1\"\n");
    must_make_relay(&relay);
    must_mount_relay(&mount, &relay, &folder, NULL);
    assert_errors(&mount, dirs[0], 0);
    assert_int_equal(remote_set_inaccessible(mount.remote, dirs, 2), 0);
    relay_await_idle(&relay);
    relay_restart(&relay, RELAY_CUT_NONE, 0);
    assert_errors(&mount, dirs[0], -EIO);
    assert_int_equal(relay_requests(&relay), 0);
    assert_errors(&mount, UUID_B, 0);
    assert_int_equal(remote_check_accessible(mount.remote, "2707af93-17b6f4d40"), 0);
    assert_int_equal(list_error(&mount, ""), 0);
    assert_int_equal(remote_set_inaccessible(mount.remote, root, 1), 0);
    assert_int_equal(list_error(&mount, ""), -EIO);
    assert_int_equal(list_error(&mount, UUID_B), -EIO);
    assert_int_equal(remote_set_inaccessible(mount.remote, NULL, 0), 0);
    assert_errors(&mount, dirs[0], 0);
    mount_end_relay(&mount, &relay);
    folder_remove(&folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_tell_what_is_a_vmx),
        cmocka_unit_test(a_file_of_unknown_size_is_no_vmx),
        cmocka_unit_test(a_listing_has_names_and_attributes),
        cmocka_unit_test(our_own_files_are_hidden),
        cmocka_unit_test(what_is_no_folder_has_its_errno),
        cmocka_unit_test(a_link_stands_for_the_uuid_beside_it),
        cmocka_unit_test(what_a_link_stands_for_is_found_without_a_listing),
        cmocka_unit_test(a_name_is_learned_and_forgotten),
        cmocka_unit_test(a_name_tells_what_may_hang),
        cmocka_unit_test(what_is_inaccessible_is_not_asked_about),
        cmocka_unit_test(ten_thousand_entries_are_listed),
        cmocka_unit_test(getattr_takes_a_young_listing),
        cmocka_unit_test(the_root_is_known_from_its_own_listing),
        cmocka_unit_test(a_listing_that_took_long_is_good_for_as_long_again),
        cmocka_unit_test(a_listing_is_shown_while_the_link_is_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
