/* SPDX-License-Identifier: MIT */
/* Reading ahead where the cache has no room for all that is there. */
#include "relay.h"

#include <stdio.h>
#include <string.h>

#include "remote/cache/listing.h"

enum {
    VMS = 200,
    EACH = VMS / 4, /* flights, where each VM would cost two at least */
    /* Who comes from elsewhere needs 30 flights, some more where threads wait for a processor, and
     * where there is no room 300. */
    ELSEWHERE = VMS * 3 / 4,
    TEXT_BYTES = 1024,
    /* Listings get a quarter: less than VMS of them take, and three times the one above them. */
    FEW_LISTINGS = 4 * 64 << 10,
    FILES = 4,
};

/* A folder, and a mount of it through a relay that counts flights. */
struct lab {
    struct folder folder;
    struct relay relay;
    struct mount mount;
};

static void must_make_vms(const struct folder *folder, const char *store)
{
    char name[64];
    char text[TEXT_BYTES];
    memset(text, '#', sizeof(text));
    text[sizeof(text) - 2] = '\n';
    text[sizeof(text) - 1] = '\0';
    must_mkdir(folder, store);
    for (int i = 0; i < VMS; i++) {
        snprintf(name, sizeof(name), "%s/vm%03d", store, i);
        must_mkdir(folder, name);
        snprintf(name, sizeof(name), "%s/vm%03d/vm%03d.vmx", store, i, i);
        must_write(folder, name, text);
        for (int file = 1; file < FILES; file++) {
            snprintf(name, sizeof(name), "%s/vm%03d/vm%03d-%d.log", store, i, i, file);
            must_write(folder, name, "");
        }
    }
}

static void lab_open(struct lab *lab)
{
    must_make_folder(&lab->folder);
    must_make_vms(&lab->folder, "a");
    must_make_vms(&lab->folder, "b");
    must_make_relay(&lab->relay);
    lab->relay.gathers = true;
    struct remote_options options = default_options(&lab->folder);
    options.prefetch = true;
    options.cache_timeout_ms = 60000;
    options.cache_size = FEW_LISTINGS;
    must_mount_relay(&lab->mount, &lab->relay, &lab->folder, &options);
}

static void lab_close(struct lab *lab)
{
    mount_end_relay(&lab->mount, &lab->relay);
    folder_remove(&lab->folder);
}

static void must_list(struct lab *lab, const char *dir)
{
    struct wait wait = patience();
    LISTING_AUTO *l = NULL;
    assert_int_equal(remote_list(lab->mount.remote, dir, 60000, &wait, &l), 0);
}

static void must_list_vm(struct lab *lab, const char *store, int i)
{
    char dir[64];
    snprintf(dir, sizeof(dir), "%s/vm%03d", store, i);
    must_list(lab, dir);
}

static void must_read(struct lab *lab, const char *store, int i)
{
    char path[64];
    struct wait wait = patience();
    DOCUMENT_AUTO *d = NULL;
    snprintf(path, sizeof(path), "%s/vm%03d/vm%03d.vmx", store, i, i);
    assert_int_equal(remote_document(lab->mount.remote, path, 60000, &wait, &d), 0);
}

/* All listings, and then all documents, of a store that was just listed; counts flights. */
static int go_through(struct lab *lab, const char *store, bool backward)
{
    relay_restart(&lab->relay, RELAY_CUT_NONE, 0);
    for (int i = 0; i < VMS; i++)
        must_list_vm(lab, store, backward ? VMS - 1 - i : i);
    for (int i = 0; i < VMS; i++)
        must_read(lab, store, backward ? VMS - 1 - i : i);
    return relay_flights(&lab->relay);
}

static void must_be_small(struct lab *lab)
{
    const unsigned long bytes = must_count(&lab->mount, "cached-listing-bytes");
    assert_true(bytes > FEW_LISTINGS / 8 && bytes <= FEW_LISTINGS / 4);
}

/* The listing of the directory itself stays, whatever is loaded: nobody is kept ahead of without. */
static void listings_that_do_not_fit_are_read_ahead(void **state)
{
    (void)state;
    for (int backward = 0; backward < 2; backward++) {
        struct lab lab = {0};
        lab_open(&lab);
        must_list(&lab, "a");
        assert_within(go_through(&lab, "a", backward), 3, 2 * EACH);
        must_be_small(&lab);
        /* As bash's glob and its loop do. */
        assert_within(go_through(&lab, "a", !backward), 3, 2 * EACH);
        lab_close(&lab);
    }
}

/* What a wide walk has found fills the room. */
static void a_reader_from_the_other_end_has_room(void **state)
{
    (void)state;
    struct lab lab = {0};
    lab_open(&lab);
    must_list(&lab, "a");
    relay_await_idle(&lab.relay);
    relay_restart(&lab.relay, RELAY_CUT_NONE, 0);
    for (int i = VMS - 1; i >= 0; i--)
        must_read(&lab, "a", i);
    assert_within(relay_flights(&lab.relay), 3, ELSEWHERE);
    lab_close(&lab);
}

/* What was loaded for a reader who is elsewhere now fills the room. */
static void a_reader_who_has_gone_elsewhere_has_room(void **state)
{
    (void)state;
    struct lab lab = {0};
    lab_open(&lab);
    must_list(&lab, "a");
    must_list(&lab, "b");
    relay_await_idle(&lab.relay);
    for (int i = VMS - 1; i > VMS - 10; i--)
        must_read(&lab, "a", i);
    relay_await_idle(&lab.relay);
    relay_restart(&lab.relay, RELAY_CUT_NONE, 0);
    for (int i = VMS - 1; i >= 0; i--)
        must_read(&lab, "b", i);
    assert_within(relay_flights(&lab.relay), 3, ELSEWHERE);
    lab_close(&lab);
}

/* Who looks at names only comes for listings, too. */
static void looks_at_names_make_room_for_the_next(void **state)
{
    (void)state;
    struct lab lab = {0};
    char path[64];
    lab_open(&lab);
    must_list(&lab, "a");
    relay_await_idle(&lab.relay);
    relay_restart(&lab.relay, RELAY_CUT_NONE, 0);
    for (int i = 0; i < VMS; i++) {
        struct wait wait = patience();
        struct sftp_attrs attrs;
        int64_t true_at;
        snprintf(path, sizeof(path), "a/vm%03d/vm%03d-1.log", i, i);
        assert_int_equal(remote_getattr(lab.mount.remote, path, 60000, &wait, &attrs, &true_at), 0);
    }
    assert_within(relay_flights(&lab.relay), 1, EACH);
    lab_close(&lab);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(listings_that_do_not_fit_are_read_ahead),
        cmocka_unit_test(a_reader_from_the_other_end_has_room),
        cmocka_unit_test(a_reader_who_has_gone_elsewhere_has_room),
        cmocka_unit_test(looks_at_names_make_room_for_the_next),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
