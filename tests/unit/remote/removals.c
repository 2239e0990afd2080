/* SPDX-License-Identifier: MIT */
/* What a removal leaves known of the folder's other names. */
#include "relay.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "remote/cache/listing.h"
#include "remote/file/files.h"
#include "remote/in_use/used_files.h"
#include "remote/remote_private.h"

enum { TRUST_MS = 60000 };

struct place {
    struct folder folder;
    struct mount mount;
    struct relay relay;
};

static int set_up(void **state)
{
    struct place *p = calloc(1, sizeof(*p));
    assert_non_null(p);
    must_make_folder(&p->folder);
    must_mkdir(&p->folder, "d");
    must_write(&p->folder, "d/a", "1");
    must_write(&p->folder, "d/b", "12");
    must_write(&p->folder, "d/c", "123");
    must_make_relay(&p->relay);
    p->relay.gathers = true;
    struct remote_options options = default_options(&p->folder);
    options.cache_timeout_ms = TRUST_MS;
    must_mount_relay(&p->mount, &p->relay, &p->folder, &options);
    *state = p;
    return 0;
}

static int tear_down(void **state)
{
    struct place *p = *state;
    mount_end_relay(&p->mount, &p->relay);
    folder_remove(&p->folder);
    free(p);
    return 0;
}

static struct listing *must_list(struct place *p, const char *dir)
{
    struct wait wait = patience();
    struct listing *l = NULL;
    assert_int_equal(remote_list(p->mount.remote, dir, TRUST_MS, &wait, &l), 0);
    return l;
}

static int look_up(struct place *p, const char *path, struct sftp_attrs *ret)
{
    struct wait wait = patience();
    int64_t true_at;
    return remote_getattr(p->mount.remote, path, TRUST_MS, &wait, ret, &true_at);
}

static void must_not_be_used(struct place *p, const char *path, enum used_what what)
{
    struct wait wait = patience();
    struct diag diag = {0};
    FREE_AUTO char *vm = NULL;
    assert_int_equal(remote_check_unused(p->mount.remote, path, what, &wait, &diag, &vm), 0);
}

/* As unlink does. */
static void must_remove(struct place *p, const char *path)
{
    struct wait wait = patience();
    struct sftp_attrs attrs;
    assert_int_equal(look_up(p, path, &attrs), 0);
    must_not_be_used(p, path, USED_FILE);
    assert_int_equal(remote_remove(p->mount.remote, path, &attrs, &wait), 0);
}

/* What the folder itself is known by is another listing. */
static void what_was_listed_is_removed_with_a_request_each(void **state)
{
    struct place *p = *state;
    struct wait wait = patience();
    struct sftp_attrs attrs;
    LISTING_AUTO *above = must_list(p, "");
    LISTING_AUTO *l = must_list(p, "d");
    relay_count_anew(&p->relay);
    must_remove(p, "d/b");
    must_remove(p, "d/a");
    must_remove(p, "d/c");
    assert_int_equal(relay_requests(&p->relay), 3);
    assert_int_equal(look_up(p, "d", &attrs), 0);
    must_not_be_used(p, "d", USED_FOLDER);
    assert_int_equal(remote_rmdir(p->mount.remote, "d", &attrs, &wait), 0);
    assert_int_equal(relay_requests(&p->relay), 4);
    assert_int_equal(look_up(p, "d", &attrs), -ENOENT);
    LISTING_AUTO *left = must_list(p, "");
    assert_int_equal(left->n, 0);
    assert_int_equal(l->n, 3); /* who has it keeps it */
    assert_false(file_exists(&p->folder, "d"));
}

static void what_others_make_in_a_folder_that_was_changed_is_found(void **state)
{
    struct place *p = *state;
    struct sftp_attrs attrs;
    LISTING_AUTO *before = must_list(p, "d");
    must_remove(p, "d/a");
    must_write(&p->folder, "d/foreign", "12345");
    assert_int_equal(look_up(p, "d/foreign", &attrs), 0);
    assert_int_equal(attrs.size, 5);
    must_remove(p, "d/b");
    LISTING_AUTO *l = must_list(p, "d");
    assert_int_equal(l->n, 2);
    assert_non_null(listing_find(l, "foreign"));
}

/* The listing that was loaded meanwhile may hold the name that was made anew. */
static void what_was_listed_meanwhile_is_listed_anew(void **state)
{
    struct place *p = *state;
    struct sftp_attrs attrs;
    LISTING_AUTO *before = must_list(p, "d");
    cache_drop(p->mount.remote->listings, "d");
    LISTING_AUTO *meanwhile = must_list(p, "d");
    listing_name_gone(p->mount.remote, "d/a", before);
    assert_int_equal(look_up(p, "d/a", &attrs), 0);
    assert_int_equal(attrs.size, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_was_listed_is_removed_with_a_request_each),
        TEST(what_others_make_in_a_folder_that_was_changed_is_found),
        TEST(what_was_listed_meanwhile_is_listed_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
