/* SPDX-License-Identifier: MIT */
/* The lock: whose is respected, whose is broken, and what a broken one can still do. */
#include "relay.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "remote/lock/token.h"
#include "sftp/protocol/proto.h"

#define VMX "a.vmx"
#define TEXT "memSize = \"4096\"\n"
#define LOCK ".a.vmx.vmxfs-lock"
#define FOREIGN "01234567000123abcdef00000001-root@elsewhere"
#define OLD_TEMP ".a.vmx.vmxfs-0123456700012300001"

enum { SOON_MS = 1000 };

/* Where it must fail it is given up after a while. (A while that ends in the middle of an attempt,
 * on a busy machine, is -EIO: nobody knows; or -ENOLCK, and whose lock it is was not seen.) */
static void must_commit(struct mount *mount, struct set *set, int result)
{
    int r;
    do {
        struct wait wait = result == 0 ? patience() : wait_for_ms(SOON_MS);
        r = remote_commit(mount->remote, VMX, &set->change, &wait);
    } while (r == -EIO || (r == -ENOLCK && !set->change.diag.text[0]));
    assert_int_equal(r, result);
}

struct lock_case {
    const char *token;
    int age; /* seconds */
    bool broken;
};

static void must_behave(const struct lock_case *c)
{
    struct folder folder;
    struct mount mount;
    char made[TOKEN_MAX + 1];
    char path[PATH_MAX];
    char name[PATH_MAX];
    const char *token = token_named(c->token, made);
    struct set set = set_of("memSize", "8192");
    must_make_folder(&folder);
    must_write(&folder, VMX, TEXT);
    must_sign(&folder, LOCK, token, c->age);
    must_mount(&mount, &folder, NULL);
    must_commit(&mount, &set, c->broken ? 0 : -ENOLCK);
    mount_end(&mount);
    if (c->broken) {
        must_hold(&folder, VMX, "memSize = \"8192\"\n");
        must_be_clean(&folder);
    } else {
        must_hold(&folder, VMX, TEXT);
        must_hold(&folder, name_in(LOCK, token, path), "half");
        token_describe(token, name, sizeof(name));
        assert_non_null(strstr(set.change.diag.text, name));
        assert_non_null(strstr(set.change.diag.text, LOCK));
        assert_int_equal(count_names(&folder, ".vmxfs-"), 1);
    }
    folder_remove(&folder);
}

static void a_fresh_foreign_lock_is_respected(void **state)
{
    (void)state;
    must_behave(&(struct lock_case){.token = FOREIGN});
    must_behave(&(struct lock_case){.token = FOREIGN, .age = 20});
    must_behave(&(struct lock_case){.token = FOREIGN, .age = -20});
}

static void a_foreign_lock_from_another_time_is_broken(void **state)
{
    (void)state;
    must_behave(&(struct lock_case){.token = FOREIGN, .age = 62, .broken = true});
    must_behave(&(struct lock_case){.token = FOREIGN, .age = 3 * 3600, .broken = true});
    must_behave(&(struct lock_case){.token = FOREIGN, .age = -70, .broken = true});
    must_behave(&(struct lock_case){.token = FOREIGN, .age = -3 * 3600, .broken = true});
}

static void a_dead_process_lock_is_broken_at_once(void **state)
{
    (void)state;
    must_behave(&(struct lock_case){.token = "D", .broken = true});
    must_behave(&(struct lock_case){.token = "S", .broken = true});
}

static void a_living_process_lock_is_respected_until_it_is_stale(void **state)
{
    (void)state;
    must_behave(&(struct lock_case){.token = "L", .age = 20});
    must_behave(&(struct lock_case){.token = "L", .age = 62, .broken = true});
}

static void an_empty_folder_is_nobodys_lock(void **state)
{
    (void)state;
    struct folder folder;
    struct mount mount;
    must_make_folder(&folder);
    must_write(&folder, VMX, TEXT);
    must_mkdir(&folder, LOCK);
    must_mount(&mount, &folder, NULL);
    assert_int_equal(commit_set(&mount, VMX, "memSize", "8192"), 0);
    mount_end(&mount);
    must_be_clean(&folder);
    folder_remove(&folder);
}

/* Whoever may write to the VM's folder can put anything there: it keeps others out, and is named,
 * but nothing is touched that is not exactly a token. */
static void what_is_no_token_is_not_touched(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        char kind; /* file, directory with something in it, link */
    } cases[] = {
        {"precious", 'f'},
        {".hidden", 'f'},
        {"01234567000123abcdef0000001-root@elsewhere", 'f'},
        {"01234567000123ABCDEF00000001-root@elsewhere", 'f'},
        {"01234567000123abcdef00000001-root@", 'f'},
        {FOREIGN, 'd'},
        {FOREIGN, 'l'},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct folder folder;
        struct mount mount;
        char path[PATH_MAX];
        struct set set = set_of("memSize", "8192");
        must_make_folder(&folder);
        must_write(&folder, VMX, TEXT);
        must_write(&folder, "precious", TEXT);
        must_mkdir(&folder, LOCK);
        name_in(LOCK, cases[i].name, path);
        if (cases[i].kind == 'f')
            must_write(&folder, path, TEXT);
        else if (cases[i].kind == 'd')
            must_sign(&folder, path, "precious", 0);
        else
            must_link(&folder, "../precious", path);
        must_set_age(&folder, path, 1000);
        must_mount(&mount, &folder, NULL);
        must_commit(&mount, &set, -ENOLCK);
        mount_end(&mount);
        assert_non_null(strstr(set.change.diag.text, cases[i].name));
        assert_true(file_exists(&folder, path));
        must_hold(&folder, "precious", TEXT);
        must_hold(&folder, VMX, TEXT);
        assert_int_equal(count_names(&folder, ".vmxfs-"), 1);
        folder_remove(&folder);
    }
}

/* A lock that is no folder and no file is no vmxfs's. To open a pipe would never end. */
static void what_is_no_lock_is_not_touched(void **state)
{
    (void)state;
    static const char kinds[] = {'p', 'l', 'd'};
    for (size_t i = 0; i < sizeof(kinds); i++) {
        struct folder folder;
        struct mount mount;
        char path[PATH_MAX];
        struct set set = set_of("memSize", "8192");
        must_make_folder(&folder);
        must_write(&folder, VMX, TEXT);
        if (kinds[i] == 'p')
            assert_int_equal(mkfifo(file_path(&folder, LOCK, path), 0644), 0);
        else
            must_link(&folder, kinds[i] == 'l' ? VMX : "nowhere", LOCK);
        must_set_age(&folder, LOCK, 1000);
        must_mount(&mount, &folder, NULL);
        must_commit(&mount, &set, -ENOLCK);
        mount_end(&mount);
        assert_non_null(strstr(set.change.diag.text, LOCK));
        assert_true(file_exists(&folder, LOCK));
        must_hold(&folder, VMX, TEXT);
        folder_remove(&folder);
    }
}

/* vmxfs 0.1 made a file, which held the name of its owner's temporary file. */
static void a_lock_of_0_1_is_respected_for_its_time(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int age;
        bool broken, temp_stays;
    } cases[] = {
        {OLD_TEMP "\nhost elsewhere, process 1, boot 2\n", 20, false, true},
        {OLD_TEMP "\nhost elsewhere, process 1, boot 2\n", 62, true, false},
        {OLD_TEMP "\nhost elsewhere, process 1, boot 2\n", -70, true, false},
        {"", 0, false, true},
        {"", 62, true, true},
        {"precious\n", 62, true, true},
        {"../precious\n", 62, true, true},
        {VMX "\n", 62, true, true},
        {".b.vmx.vmxfs-0123456700012300001\n", 62, true, true},
        {".a.vmx.vmxfs-a//////////precious\n", 62, true, true},
        {".a.vmx.vmxfs-0123456700012300/0F\n", 62, true, true},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct folder folder;
        struct mount mount;
        struct set set = set_of("memSize", "8192");
        must_make_folder(&folder);
        must_write(&folder, VMX, TEXT);
        must_write(&folder, "precious", TEXT);
        must_link(&folder, ".", ".a.vmx.vmxfs-a");
        must_write(&folder, ".b.vmx.vmxfs-0123456700012300001", TEXT);
        must_write(&folder, OLD_TEMP, "half");
        must_write(&folder, LOCK, cases[i].text);
        must_set_age(&folder, LOCK, cases[i].age);
        must_mount(&mount, &folder, NULL);
        must_commit(&mount, &set, cases[i].broken ? 0 : -ENOLCK);
        mount_end(&mount);
        must_hold(&folder, VMX, cases[i].broken ? "memSize = \"8192\"\n" : TEXT);
        assert_int_equal(file_exists(&folder, LOCK), !cases[i].broken);
        assert_int_equal(file_exists(&folder, OLD_TEMP), cases[i].temp_stays);
        must_hold(&folder, "precious", TEXT);
        must_hold(&folder, ".b.vmx.vmxfs-0123456700012300001", TEXT);
        folder_remove(&folder);
    }
}

/* What a hook sees of the lock while the rename is about to be made. */
struct witness {
    const struct folder *folder;
    char names[1024];
    unsigned mode;
    int removals;
    bool refused; /* a removal */
};

static void look_at_lock(void *ctx, const struct relay_request *request)
{
    struct witness *w = ctx;
    char path[PATH_MAX];
    struct stat st;
    if (request->type == SSH_FXP_REMOVE && strstr(request->text, LOCK "/" FOREIGN))
        w->removals++;
    if (!relay_is_install(request))
        return;
    if (stat(file_path(w->folder, LOCK, path), &st) == 0)
        w->mode = st.st_mode & 07777;
    snprintf(w->names, sizeof(w->names), "%s", strrchr(request->from, '/') + 1);
}

static void a_held_lock_tells_whose_it_is(void **state)
{
    (void)state;
    struct folder folder;
    struct mount mount;
    struct relay relay;
    struct witness witness = {.folder = &folder};
    struct token_owner self;
    char who[TOKEN_MAX + 32];
    char process[64];
    must_make_folder(&folder);
    must_write(&folder, VMX, TEXT);
    must_make_relay(&relay);
    relay.before = look_at_lock;
    relay.ctx = &witness;
    must_mount_relay(&mount, &relay, &folder, NULL);
    assert_int_equal(commit_set(&mount, VMX, "memSize", "8192"), 0);
    mount_end_relay(&mount, &relay);
    token_owner_init(&self);
    assert_true(token_is(witness.names));
    assert_int_equal(memcmp(witness.names, self.process, TOKEN_BOOT_LEN + TOKEN_PID_LEN), 0);
    snprintf(process, sizeof(process), "%s, process %d", self.who, (int)getpid());
    token_describe(witness.names, who, sizeof(who));
    assert_string_equal(who, process);
    assert_int_equal(witness.mode & 0522, 0500); /* others read, and write nothing */
    folder_remove(&folder);
}

static uint32_t refuse_removal(void *ctx, const struct relay_request *request)
{
    struct witness *w = ctx;
    bool theirs = request->type == SSH_FXP_REMOVE && strstr(request->text, LOCK "/" FOREIGN);
    w->refused = w->refused || theirs;
    return theirs ? SSH_FX_PERMISSION_DENIED : 0;
}

/* Its folder may be written to by its owner only. It is broken by renaming it back. */
static void another_users_lock_is_broken_too(void **state)
{
    (void)state;
    struct folder folder;
    struct mount mount;
    struct relay relay;
    struct witness witness = {.folder = &folder};
    char path[PATH_MAX];
    must_make_folder(&folder);
    must_write(&folder, VMX, TEXT);
    must_sign(&folder, LOCK, FOREIGN, 62);
    must_make_relay(&relay);
    relay.refuse = refuse_removal;
    relay.ctx = &witness;
    must_mount_relay(&mount, &relay, &folder, NULL);
    assert_int_equal(commit_set(&mount, VMX, "memSize", "8192"), 0);
    mount_end_relay(&mount, &relay);
    assert_true(witness.refused);
    assert_false(file_exists(&folder, LOCK));
    /* What is left is a leftover like others, for who may remove it. */
    must_hold(&folder, name_in(".vmxfs-" FOREIGN, FOREIGN, path), "half");
    must_age_locks(&folder, 62);
    must_mount(&mount, &folder, NULL);
    assert_int_equal(commit_set(&mount, VMX, "memSize", "1"), 0);
    mount_end(&mount);
    must_be_clean(&folder);
    folder_remove(&folder);
}

static void a_lock_is_broken_by_one_removal(void **state)
{
    (void)state;
    struct folder folder;
    struct mount mount;
    struct relay relay;
    struct witness witness = {.folder = &folder};
    must_make_folder(&folder);
    must_write(&folder, VMX, TEXT);
    must_sign(&folder, LOCK, FOREIGN, 62);
    must_make_relay(&relay);
    relay.before = look_at_lock;
    relay.ctx = &witness;
    must_mount_relay(&mount, &relay, &folder, NULL);
    assert_int_equal(commit_set(&mount, VMX, "memSize", "8192"), 0);
    mount_end_relay(&mount, &relay);
    assert_int_equal(witness.removals, 1);
    folder_remove(&folder);
}

static void leftovers_are_removed(void **state)
{
    (void)state;
    static const struct {
        const char *token;
        const char *inside; /* NULL: nothing; "T": the temporary file */
        int age;
        bool stays;
    } cases[] = {
        {"D", "T", 0, false},       {"D", NULL, 0, false},       {"S", "T", 0, false},
        {"L", "T", 0, true},        {"L", "T", 62, false},       {FOREIGN, "T", 20, true},
        {FOREIGN, "T", 62, false},  {FOREIGN, NULL, -62, false}, {FOREIGN, "precious", 62, true},
        {"notes", NULL, 100, true},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct folder folder;
        struct mount mount;
        char made[TOKEN_MAX + 1];
        char dir[PATH_MAX];
        char path[PATH_MAX];
        const char *token = token_named(cases[i].token, made);
        must_make_folder(&folder);
        must_write(&folder, VMX, TEXT);
        snprintf(dir, sizeof(dir), ".vmxfs-%s", token);
        must_mkdir(&folder, dir);
        if (cases[i].inside)
            must_write(
                &folder,
                name_in(dir, strcmp(cases[i].inside, "T") == 0 ? token : cases[i].inside, path),
                "half");
        must_age_locks(&folder, cases[i].age);
        must_mount(&mount, &folder, NULL);
        assert_int_equal(commit_set(&mount, VMX, "memSize", "8192"), 0);
        mount_end(&mount);
        assert_int_equal(file_exists(&folder, dir), cases[i].stays);
        if (cases[i].stays && cases[i].inside)
            must_hold(&folder, path, "half");
        folder_remove(&folder);
    }
}

static void leftovers_of_0_1_are_removed(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int age;
        bool stays;
    } cases[] = {
        {OLD_TEMP, 20, true},
        {OLD_TEMP, 62, false},
        {".a.vmx.vmxfs-break", 62, false},
        {".b.vmx.vmxfs-0123456700012300001", 100, true}, /* another file's */
        {".a.vmx.vmxfs-notes", 100, true},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct folder folder;
        struct mount mount;
        must_make_folder(&folder);
        must_write(&folder, VMX, TEXT);
        must_write(&folder, cases[i].name, "half");
        must_set_age(&folder, cases[i].name, cases[i].age);
        must_mount(&mount, &folder, NULL);
        assert_int_equal(commit_set(&mount, VMX, "memSize", "8192"), 0);
        mount_end(&mount);
        assert_int_equal(file_exists(&folder, cases[i].name), cases[i].stays);
        folder_remove(&folder);
    }
}

/* A server that renames no folders, or none onto another. */
struct poor_server {
    const struct folder *folder;
    bool onto; /* refuses only where there is one */
    int refused;
};

static uint32_t refuse_folders(void *ctx, const struct relay_request *request)
{
    struct poor_server *p = ctx;
    const char *name = strrchr(request->from, '/');
    bool folder = name && strncmp(name, "/.vmxfs-", 8) == 0;
    if (!folder || (p->onto && !file_exists(p->folder, LOCK)))
        return 0;
    p->refused++;
    return SSH_FX_FAILURE;
}

static void must_mount_poor(struct mount *mount, struct relay *relay, struct poor_server *poor)
{
    must_make_relay(relay);
    relay->refuse = refuse_folders;
    relay->ctx = poor;
    must_mount_relay(mount, relay, poor->folder, NULL);
}

static void a_lock_is_signed_in_its_place_where_folders_are_not_renamed(void **state)
{
    (void)state;
    struct folder folder;
    struct mount mount;
    struct relay relay;
    struct poor_server poor = {.folder = &folder};
    char path[PATH_MAX];
    must_make_folder(&folder);
    must_write(&folder, VMX, TEXT);
    must_mount_poor(&mount, &relay, &poor);
    assert_int_equal(commit_set(&mount, VMX, "memSize", "1"), 0);
    must_be_clean(&folder);
    int refused = poor.refused;
    assert_true(refused > 0);
    assert_int_equal(commit_set(&mount, VMX, "memSize", "2"), 0);
    must_be_clean(&folder);
    assert_int_equal(poor.refused, refused); /* it knows */
    /* Others' locks count as elsewhere. */
    struct set set = set_of("memSize", "3");
    must_sign(&folder, LOCK, FOREIGN, 0);
    must_commit(&mount, &set, -ENOLCK);
    must_hold(&folder, name_in(LOCK, FOREIGN, path), "half");
    relay_await_idle(&relay); /* nobody waited for the making and the removal of ours */
    must_age_locks(&folder, 62);
    must_commit(&mount, &set, 0);
    must_be_clean(&folder);
    must_write(&folder, LOCK, "");
    set = set_of("memSize", "4");
    must_commit(&mount, &set, -ENOLCK);
    relay_await_idle(&relay);
    must_age_locks(&folder, 62);
    must_commit(&mount, &set, 0);
    must_hold(&folder, VMX, "memSize = \"4\"\n");
    must_be_clean(&folder);
    mount_end_relay(&mount, &relay);
    folder_remove(&folder);
}

static void an_empty_folder_that_cannot_be_replaced_is_removed(void **state)
{
    (void)state;
    struct folder folder;
    struct mount mount;
    struct relay relay;
    struct poor_server poor = {.folder = &folder, .onto = true};
    must_make_folder(&folder);
    must_write(&folder, VMX, TEXT);
    must_mkdir(&folder, LOCK);
    must_mount_poor(&mount, &relay, &poor);
    assert_int_equal(commit_set(&mount, VMX, "memSize", "1"), 0);
    assert_true(poor.refused > 0);
    must_be_clean(&folder);
    mount_end_relay(&mount, &relay);
    folder_remove(&folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fresh_foreign_lock_is_respected),
        cmocka_unit_test(a_foreign_lock_from_another_time_is_broken),
        cmocka_unit_test(a_dead_process_lock_is_broken_at_once),
        cmocka_unit_test(a_living_process_lock_is_respected_until_it_is_stale),
        cmocka_unit_test(an_empty_folder_is_nobodys_lock),
        cmocka_unit_test(what_is_no_token_is_not_touched),
        cmocka_unit_test(what_is_no_lock_is_not_touched),
        cmocka_unit_test(a_lock_of_0_1_is_respected_for_its_time),
        cmocka_unit_test(a_held_lock_tells_whose_it_is),
        cmocka_unit_test(another_users_lock_is_broken_too),
        cmocka_unit_test(a_lock_is_broken_by_one_removal),
        cmocka_unit_test(a_lock_is_signed_in_its_place_where_folders_are_not_renamed),
        cmocka_unit_test(an_empty_folder_that_cannot_be_replaced_is_removed),
        cmocka_unit_test(leftovers_are_removed),
        cmocka_unit_test(leftovers_of_0_1_are_removed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
