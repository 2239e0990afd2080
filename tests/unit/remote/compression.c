/* SPDX-License-Identifier: MIT */
/* What is left of a line's measurement for the users who come then. */
#include "relay.h"

#include <stdio.h>

#include "remote/cache/listing.h"
#include "remote/compression.h"

enum {
    FEW = 20,
    MANY = 500,        /* five answers of OpenSSH's */
    TOO_MANY = 1200,   /* more than is asked for */
    TRUST_MS = 60000,  /* longer than a test takes */
    OF_A_MEASURE = 10, /* requests: LSTAT, OPENDIR, 1, 2 and 4 READDIRs, CLOSE */
};

static bool cannot(void *ctx)
{
    (void)ctx;
    return false;
}

struct place {
    struct folder folder;
    struct relay relay;
    struct mount mount;
};

/* Far enough away for the line to be measured: the relay waits before it answers. */
static void place_init(struct place *p, int vms)
{
    char name[64];
    *p = (struct place){0};
    must_make_folder(&p->folder);
    for (int i = 0; i < vms; i++) {
        snprintf(name, sizeof(name), "vm%04d", i);
        must_mkdir(&p->folder, name);
        snprintf(name, sizeof(name), "vm%04d/vm.vmx", i);
        if (vms == FEW)
            must_write(&p->folder, name, "memSize = \"4\"\n");
    }
    must_make_relay(&p->relay);
    p->relay.gathers = true;
    struct remote_options options = default_options(&p->folder);
    options.prefetch = vms == FEW;
    options.compress = cannot;
    options.cache_timeout_ms = TRUST_MS;
    must_mount_relay(&p->mount, &p->relay, &p->folder, &options);
    relay_count_anew(&p->relay);
    const struct wait wait = patience();
    compress_if_thin(p->mount.remote, &wait); /* as of a first use */
}

static void place_done(struct place *p)
{
    mount_end_relay(&p->mount, &p->relay);
    folder_remove(&p->folder);
}

static size_t must_list(struct place *p)
{
    struct wait wait = patience();
    LISTING_AUTO *l = NULL;
    assert_int_equal(remote_list(p->mount.remote, "", TRUST_MS, &wait, &l), 0);
    return l->n;
}

static void the_listing_that_was_measured_is_known(void **state)
{
    (void)state;
    struct place p;
    struct wait wait = patience();
    struct sftp_attrs attrs;
    int64_t true_at;
    place_init(&p, MANY);
    relay_count_anew(&p.relay);
    assert_int_equal(must_list(&p), MANY);
    assert_int_equal(remote_getattr(p.mount.remote, "", TRUST_MS, &wait, &attrs, &true_at), 0);
    assert_int_equal(relay_requests(&p.relay), 0);
    place_done(&p);
}

static void a_long_one_is_not_waited_for(void **state)
{
    (void)state;
    struct place p;
    place_init(&p, TOO_MANY);
    relay_await_idle(&p.relay);
    assert_within(relay_requests(&p.relay), OF_A_MEASURE, 2 * OF_A_MEASURE);
    relay_restart(&p.relay, RELAY_CUT_NONE, 0);
    assert_int_equal(must_list(&p), TOO_MANY);
    assert_within(relay_requests(&p.relay), TOO_MANY / 100, TOO_MANY);
    place_done(&p);
}

/* As of any listing that was loaded ahead. */
static void who_comes_to_a_measured_one_is_read_ahead_for(void **state)
{
    (void)state;
    struct place p;
    char path[64];
    place_init(&p, FEW);
    assert_int_equal(must_list(&p), FEW);
    relay_await_idle(&p.relay);
    relay_count_anew(&p.relay);
    for (int i = 0; i < FEW; i++) {
        struct wait wait = patience();
        DOCUMENT_AUTO *d = NULL;
        snprintf(path, sizeof(path), "vm%04d/vm.vmx", i);
        assert_int_equal(remote_document(p.mount.remote, path, TRUST_MS, &wait, &d), 0);
    }
    assert_int_equal(relay_requests(&p.relay), 0);
    place_done(&p);
}

/* It could be old for the first who comes. */
static void who_mounts_without_a_use_leaves_none(void **state)
{
    (void)state;
    struct place p;
    place_init(&p, FEW);
    struct remote *remote = NULL;
    struct diag why = {0};
    struct remote_options options = default_options(&p.folder);
    options.compress = cannot;
    assert_int_equal(remote_new(p.mount.sftp, &options, &remote, &why), 0);
    relay_count_anew(&p.relay);
    struct wait wait = patience();
    LISTING_AUTO *l = NULL;
    assert_int_equal(remote_list(remote, "", TRUST_MS, &wait, &l), 0);
    assert_true(relay_requests(&p.relay) > 2);
    remote_free(remote);
    place_done(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_listing_that_was_measured_is_known),
        cmocka_unit_test(a_long_one_is_not_waited_for),
        cmocka_unit_test(who_comes_to_a_measured_one_is_read_ahead_for),
        cmocka_unit_test(who_mounts_without_a_use_leaves_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
