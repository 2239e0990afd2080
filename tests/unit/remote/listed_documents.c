/* SPDX-License-Identifier: MIT */
/* What a listing of their folder tells of documents that are cached. */
#include "rig.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "remote/cache/listing.h"
#include "remote/remote_private.h"

#define TEXT "memSize = \"4096\"\n"
#define OTHER "memSize = \"8192\"\n" /* as long */

enum { DAY_S = 24 * 60 * 60, TRUST_MS = 60000 };

struct place {
    struct folder folder;
    struct mount mount;
};

/* vm/old.vmx is of yesterday, vm/new.vmx of now. */
static int set_up(void **state)
{
    static struct place p;
    p = (struct place){0};
    must_make_folder(&p.folder);
    must_mkdir(&p.folder, "vm");
    must_write(&p.folder, "vm/old.vmx", TEXT);
    must_write(&p.folder, "vm/new.vmx", TEXT);
    must_set_age(&p.folder, "vm/old.vmx", DAY_S);
    must_mount(&p.mount, &p.folder, NULL);
    *state = &p;
    return 0;
}

static int tear_down(void **state)
{
    struct place *p = *state;
    mount_end(&p->mount);
    folder_remove(&p->folder);
    return 0;
}

static void must_read(struct place *p, const char *path, const char *text)
{
    struct wait wait = patience();
    DOCUMENT_AUTO *d = NULL;
    assert_int_equal(remote_document(p->mount.remote, path, TRUST_MS, &wait, &d), 0);
    assert_true(span_eq(vmx_dict_text(d->dict), span_of(text)));
}

static int64_t true_at(struct place *p, const char *path)
{
    return remote_document_true_at(p->mount.remote, path);
}

/* Later than what was done before. Whether it shows documents that have changed. */
static bool must_list(struct place *p)
{
    struct wait wait = patience();
    LISTING_AUTO *l = NULL;
    usleep(5000);
    assert_int_equal(remote_list(p->mount.remote, "vm", 0, &wait, &l), 0);
    return l->shows_changes;
}

static void what_it_shows_unchanged_is_as_young(void **state)
{
    struct place *p = *state;
    must_read(p, "vm/old.vmx", TEXT);
    const int64_t before = true_at(p, "vm/old.vmx");
    assert_false(must_list(p));
    assert_true(true_at(p, "vm/old.vmx") > before);
    must_read(p, "vm/old.vmx", TEXT);
}

/* Another text could have the same time. */
static void it_proves_nothing_of_a_time_within_its_second(void **state)
{
    struct place *p = *state;
    must_read(p, "vm/new.vmx", TEXT);
    const int64_t before = true_at(p, "vm/new.vmx");
    assert_false(must_list(p));
    assert_int_equal(true_at(p, "vm/new.vmx"), before);
}

static void what_has_changed_stays_as_old(void **state)
{
    struct place *p = *state;
    must_read(p, "vm/old.vmx", TEXT);
    const int64_t before = true_at(p, "vm/old.vmx");
    must_write(&p->folder, "vm/old.vmx", OTHER);
    assert_true(must_list(p));
    assert_int_equal(true_at(p, "vm/old.vmx"), before);
}

static void an_own_change_is_not_made_older(void **state)
{
    struct place *p = *state;
    must_read(p, "vm/old.vmx", TEXT);
    assert_int_equal(commit_set(&p->mount, "vm/old.vmx", "memSize", "8192"), 0);
    const int64_t before = true_at(p, "vm/old.vmx");
    must_list(p);
    assert_true(true_at(p, "vm/old.vmx") >= before);
    must_read(p, "vm/old.vmx", OTHER);
}

static bool is_listed(struct place *p, const char *path)
{
    return remote_document_is_listed(p->mount.remote, path, TRUST_MS);
}

/* What it is, is known without a request, until there is more. */
static void it_tells_what_is_a_document(void **state)
{
    struct place *p = *state;
    must_mkdir(&p->folder, "vm/folder.vmx");
    must_link(&p->folder, "old.vmx", "vm/link.vmx");
    must_write(&p->folder, "vm/vm.log", TEXT);
    assert_false(is_listed(p, "vm/old.vmx"));
    must_list(p);
    assert_true(is_listed(p, "vm/old.vmx"));
    assert_false(is_listed(p, "vm/folder.vmx"));
    assert_false(is_listed(p, "vm/link.vmx"));
    assert_false(is_listed(p, "vm/vm.log"));
    assert_false(is_listed(p, "vm/missing.vmx"));
    assert_false(remote_document_is_listed(p->mount.remote, "vm/old.vmx", 0));
    must_read(p, "vm/old.vmx", TEXT);
    assert_false(is_listed(p, "vm/old.vmx"));
}

static void it_is_not_believed_after_an_own_change(void **state)
{
    struct place *p = *state;
    must_list(p);
    assert_int_equal(commit_set(&p->mount, "vm/old.vmx", "memSize", "8192"), 0);
    assert_false(is_listed(p, "vm/old.vmx"));
}

/* The next look asks the server. */
static void it_is_forgotten_when_a_reading_refutes_it(void **state)
{
    struct place *p = *state;
    struct wait wait = patience();
    DOCUMENT_AUTO *d = NULL;
    struct sftp_attrs attrs;
    int64_t as_of;
    char path[PATH_MAX];
    must_list(p);
    assert_int_equal(unlink(file_path(&p->folder, "vm/old.vmx", path)), 0);
    assert_true(is_listed(p, "vm/old.vmx"));
    assert_int_equal(remote_document(p->mount.remote, "vm/old.vmx", TRUST_MS, &wait, &d), -ENOENT);
    assert_false(is_listed(p, "vm/old.vmx"));
    assert_int_equal(remote_getattr(p->mount.remote, "vm/old.vmx", TRUST_MS, &wait, &attrs, &as_of),
                     -ENOENT);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(what_it_shows_unchanged_is_as_young),
        TEST(it_proves_nothing_of_a_time_within_its_second),
        TEST(what_has_changed_stays_as_old),
        TEST(an_own_change_is_not_made_older),
        TEST(it_tells_what_is_a_document),
        TEST(it_is_not_believed_after_an_own_change),
        TEST(it_is_forgotten_when_a_reading_refutes_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
