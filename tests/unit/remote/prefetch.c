/* SPDX-License-Identifier: MIT */
/* Reading ahead of the user. */
#include "relay.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "remote/cache/listing.h"

enum { VMS = 200, MANY = 400, SHORT_MS = 1000, CHECK_MS = 6000 };

static struct remote_options ahead(const struct folder *folder)
{
    struct remote_options options = default_options(folder);
    options.prefetch = true;
    options.cache_timeout_ms = 60000;
    return options;
}

/* A folder, and a mount of it through a relay that counts. Between place_init and place_mount a test
 * puts into the folder, and sets of the options, what it needs. */
struct place {
    struct folder folder;
    struct relay relay;
    struct mount mount;
    struct remote_options options;
};

static void must_make_vms(const struct folder *folder, int n)
{
    char name[64];
    char text[64];
    for (int i = 0; i < n; i++) {
        snprintf(name, sizeof(name), "vm%03d", i);
        must_mkdir(folder, name);
        snprintf(name, sizeof(name), "vm%03d/vm%03d.vmx", i, i);
        snprintf(text, sizeof(text), "memSize = \"%d\"\n", i);
        must_write(folder, name, text);
    }
}

static void place_init(struct place *p, int vms)
{
    must_make_folder(&p->folder);
    must_make_vms(&p->folder, vms);
    must_make_relay(&p->relay);
    p->options = ahead(&p->folder);
}

static void place_mount(struct place *p)
{
    must_mount_relay(&p->mount, &p->relay, &p->folder, &p->options);
}

static void place_done(struct place *p)
{
    mount_end_relay(&p->mount, &p->relay);
    folder_remove(&p->folder);
}

/* As who trusts what is as young as this. */
static void must_list_at(struct mount *mount, const char *dir, int64_t max_age_ms)
{
    struct wait wait = patience();
    LISTING_AUTO *l = NULL;
    assert_int_equal(remote_list(mount->remote, dir, max_age_ms, &wait, &l), 0);
}

static void must_list(struct mount *mount, const char *dir)
{
    must_list_at(mount, dir, 60000);
}

static void must_read(struct mount *mount, int i)
{
    char path[64];
    char text[64];
    struct wait wait = patience();
    DOCUMENT_AUTO *d = NULL;
    snprintf(path, sizeof(path), "vm%03d/vm%03d.vmx", i, i);
    snprintf(text, sizeof(text), "memSize = \"%d\"\n", i);
    assert_int_equal(remote_document(mount->remote, path, 60000, &wait, &d), 0);
    assert_true(span_eq(vmx_dict_text(d->dict), span_of(text)));
}

/* A document that is read as a user does who trusts what is as young as this. */
static void must_read_at(struct mount *mount, const char *path, int64_t max_age_ms)
{
    struct wait wait = patience();
    DOCUMENT_AUTO *d = NULL;
    assert_int_equal(remote_document(mount->remote, path, max_age_ms, &wait, &d), 0);
}

static void must_read_in(struct mount *mount, const char *dir, int i, int64_t max_age_ms)
{
    char path[64];
    snprintf(path, sizeof(path), "%svm%03d/vm%03d.vmx", dir, i, i);
    must_read_at(mount, path, max_age_ms);
}

enum {
    FEW = 4,
    LISTING = 8, /* requests, at most */
};

static void a_listing_brings_what_is_below(void **state)
{
    (void)state;
    struct place p = {0};
    place_init(&p, VMS);
    p.relay.gathers = true;
    place_mount(&p);
    /* A walk is given up when nobody comes for what it has found, which a busy machine may need
     * longer for. Then the next one goes on, until there is nothing left to bring. */
    int flights = 0;
    do {
        relay_restart(&p.relay, RELAY_CUT_NONE, 0);
        must_list_at(&p.mount, "", 0);
        relay_await_idle(&p.relay);
        flights += relay_flights(&p.relay);
    } while (relay_requests(&p.relay) > LISTING);
    assert_within(flights, 3, 80); /* not some for each VM */
    relay_restart(&p.relay, RELAY_CUT_NONE, 0);
    for (int i = 0; i < VMS; i++) {
        char dir[16];
        snprintf(dir, sizeof(dir), "vm%03d", i);
        must_list(&p.mount, dir);
        must_read(&p.mount, i);
    }
    assert_int_equal(relay_requests(&p.relay), 0);
    place_done(&p);
}

static void must_be_at(struct place *p, const char *progress)
{
    BUF_AUTO text = {0};
    assert_int_equal(remote_describe(p->mount.remote, &text), 0);
    if (!strstr(text.data, progress))
        fail_msg("no %s in %s", progress, text.data);
}

static void how_far_it_is_can_be_seen(void **state)
{
    (void)state;
    struct place p = {0};
    place_init(&p, FEW);
    must_write(&p.folder, "notes", "");
    must_write(&p.folder, "top.vmx", "memSize = \"1\"\n");
    place_mount(&p);
    must_be_at(&p, "\nprefetch: 0/0\n");
    must_list_at(&p.mount, "", 0);
    struct wait wait = patience();
    BUF_AUTO text = {0};
    do {
        buf_clear(&text);
        assert_int_equal(remote_describe(p.mount.remote, &text), 0);
    } while (!strstr(text.data, "\nprefetch: 5/5\n") && wait_sleep(&wait, 5) == 0);
    relay_await_idle(&p.relay);
    must_be_at(&p, "\nprefetch: 5/5\n");
    place_done(&p);
}

static void nothing_is_read_ahead_unless_wanted(void **state)
{
    (void)state;
    struct place p = {0};
    place_init(&p, 3);
    p.options = default_options(&p.folder);
    place_mount(&p);
    relay_restart(&p.relay, RELAY_CUT_NONE, 0);
    must_list(&p.mount, "");
    relay_await_idle(&p.relay);
    const int listing = relay_requests(&p.relay);
    assert_within(listing, 1, 16); /* at least 3 for each VM more */
    must_read(&p.mount, 1);
    assert_true(relay_requests(&p.relay) > listing);
    must_be_at(&p, "\nprefetch: off\n");
    place_done(&p);
}

/* Who asks for what is being read ahead gets it, and nothing is read twice. */
static void a_user_shares_what_is_under_way(void **state)
{
    (void)state;
    struct place p = {0};
    place_init(&p, VMS);
    place_mount(&p);
    relay_restart(&p.relay, RELAY_CUT_NONE, 0);
    must_list(&p.mount, "");
    for (int i = 0; i < VMS; i++)
        must_read(&p.mount, i);
    relay_await_idle(&p.relay);
    /* OPENDIR, 2 READDIRs and CLOSE of each folder; LSTAT, OPEN, READ, FSTAT, CLOSE of each .vmx */
    assert_true(relay_requests(&p.relay) <= VMS * 9 + VMS / 2);
    place_done(&p);
}

static void a_lost_link_does_not_spoil_what_is_read(void **state)
{
    (void)state;
    for (int at = 5; at < 400; at += 60) {
        struct folder folder;
        struct mount mount;
        struct relay relay;
        must_make_folder(&folder);
        must_make_vms(&folder, 50);
        must_make_relay(&relay);
        const struct remote_options options = ahead(&folder);
        must_mount_relay(&mount, &relay, &folder, &options);
        relay_restart(&relay, RELAY_CUT_BEFORE, at);
        must_list(&mount, "");
        for (int i = 0; i < 50; i++)
            must_read(&mount, i);
        mount_end_relay(&mount, &relay);
        folder_remove(&folder);
    }
}

static void an_unmount_does_not_wait_for_it(void **state)
{
    (void)state;
    struct folder folder;
    struct mount mount;
    must_make_folder(&folder);
    must_make_vms(&folder, VMS);
    struct remote_options options = ahead(&folder);
    options.timeout_ms = 1000;
    must_mount(&mount, &folder, &options);
    must_list(&mount, "");
    local_server_signal(&mount.server, SIGSTOP);
    int64_t began = clock_ms();
    mount_end(&mount);
    assert_true(clock_ms() - began < 60000);
    folder_remove(&folder);
}

static void the_cache_stays_bounded(void **state)
{
    (void)state;
    struct place p = {0};
    place_init(&p, VMS);
    p.options.cache_size = 64 * 1024;
    place_mount(&p);
    must_list(&p.mount, "");
    relay_await_idle(&p.relay);
    assert_true(must_count(&p.mount, "cached-document-bytes") <= p.options.cache_size);
    assert_true(must_count(&p.mount, "cached-listing-bytes") <= p.options.cache_size);
    for (int i = 0; i < VMS; i += 20)
        must_read(&p.mount, i);
    place_done(&p);
}

static void be_slow(void *ctx, const struct relay_request *request)
{
    (void)ctx;
    (void)request;
    usleep(2000);
}

/* A slow server: what a user asks for is behind few requests that nobody waits for. */
static void a_user_is_not_kept_waiting(void **state)
{
    (void)state;
    struct place p = {0};
    struct sftp_attrs attrs;
    int64_t true_at;
    place_init(&p, MANY);
    p.relay.before = be_slow;
    place_mount(&p);
    relay_restart(&p.relay, RELAY_CUT_NONE, 0);
    for (int turn = 0; relay_requests(&p.relay) < 600; turn++) {
        /* What nobody comes for is given up, as where a busy machine keeps this thread from it. */
        if (turn % 1000 == 0)
            must_list(&p.mount, "");
        must_read_in(&p.mount, "", 0, 60000);
        usleep(1000);
    }
    int fewest = INT_MAX; /* on a busy machine some came behind, and are counted, too */
    for (int i = 0; i < 10 && fewest > 64; i++) {
        struct wait wait = patience();
        int before = relay_requests(&p.relay);
        assert_int_equal(
            remote_getattr(p.mount.remote, "vm000/vm000.vmx", 0, &wait, &attrs, &true_at), 0);
        int requests = relay_requests(&p.relay) - before;
        fewest = requests < fewest ? requests : fewest;
    }
    assert_within(fewest, 1, 64);
    assert_true(relay_requests(&p.relay) < MANY * 8); /* it was still at work */
    place_done(&p);
}

static void must_have_loaded_no_more_than_it_found(struct place *p)
{
    BUF_AUTO text = {0};
    unsigned long loaded = 0;
    unsigned long found = 0;
    assert_int_equal(remote_describe(p->mount.remote, &text), 0);
    const char *line = strstr(text.data, "\nprefetch: ");
    assert_non_null(line);
    assert_int_equal(sscanf(line, "\nprefetch: %lu/%lu\n", &loaded, &found), 2);
    assert_true(loaded <= found);
}

/* Texts that were read ahead have become too old when their reader comes to them. */
static void keep_ahead_of_a_reader(bool backward)
{
    struct place p = {0};
    place_init(&p, VMS);
    p.relay.gathers = true;
    p.options.cache_timeout_ms = SHORT_MS;
    place_mount(&p);
    must_list(&p.mount, "");
    relay_await_idle(&p.relay);
    usleep((SHORT_MS + 100) * 1000);
    relay_restart(&p.relay, RELAY_CUT_NONE, 0);
    int64_t began = clock_ms();
    for (int i = 0; i < VMS; i++)
        must_read_in(&p.mount, "", backward ? VMS - 1 - i : i, SHORT_MS);
    int times = times_asked_for(began, SHORT_MS);
    must_have_loaded_no_more_than_it_found(&p);
    assert_within(relay_flights(&p.relay), 3, times * VMS / 4);
    assert_true(relay_requests(&p.relay) <= times * VMS * 9); /* nothing is asked again and again */
    place_done(&p);
}

static void a_reader_is_kept_ahead_of(void **state)
{
    (void)state;
    keep_ahead_of_a_reader(false);
}

/* As bash's globs make it. */
static void a_reader_who_goes_backward_is_kept_ahead_of(void **state)
{
    (void)state;
    keep_ahead_of_a_reader(true);
}

static void a_value_now_and_then_is_nothing_to_keep_ahead_of(void **state)
{
    (void)state;
    struct place p = {0};
    place_init(&p, VMS);
    p.options.cache_timeout_ms = SHORT_MS;
    place_mount(&p);
    must_list(&p.mount, "");
    relay_count_anew(&p.relay);
    for (int i = 0; i < 3; i++) {
        usleep((SHORT_MS + 100) * 1000);
        must_read_in(&p.mount, "", 3 * i, SHORT_MS);
    }
    relay_await_idle(&p.relay);
    assert_within(relay_requests(&p.relay), 3, 3 * 5);
    place_done(&p);
}

/* Documents beside each other in one folder are neighbours, too. */
static void a_reader_of_one_folder_is_kept_ahead_of(void **state)
{
    (void)state;
    struct place p = {0};
    char name[32];
    place_init(&p, 0);
    for (int i = 0; i < VMS; i++) {
        snprintf(name, sizeof(name), "%03d.vmx", i);
        must_write(&p.folder, name, "memSize = \"4\"\n");
    }
    p.relay.gathers = true;
    p.options.cache_timeout_ms = SHORT_MS;
    place_mount(&p);
    must_list(&p.mount, "");
    relay_await_idle(&p.relay);
    usleep((SHORT_MS + 100) * 1000);
    relay_restart(&p.relay, RELAY_CUT_NONE, 0);
    int64_t began = clock_ms();
    for (int i = 0; i < VMS; i++) {
        snprintf(name, sizeof(name), "%03d.vmx", i);
        must_read_at(&p.mount, name, SHORT_MS);
    }
    assert_within(relay_flights(&p.relay), 3, times_asked_for(began, SHORT_MS) * VMS / 4);
    place_done(&p);
}

/* So few that they are read on the busiest machine before the walk is given up, because nobody has
 * come for what it found. */
enum { WALKED = 20 };

/* A datastore that was listed ahead is no less opened by its first user. */
static void a_folder_that_was_listed_ahead_is_walked_when_it_is_opened(void **state)
{
    (void)state;
    struct place p = {0};
    char name[64];
    place_init(&p, 0);
    must_mkdir(&p.folder, "store");
    for (int i = 0; i < WALKED; i++) {
        snprintf(name, sizeof(name), "store/vm%03d", i);
        must_mkdir(&p.folder, name);
        snprintf(name, sizeof(name), "store/vm%03d/vm%03d.vmx", i, i);
        must_write(&p.folder, name, "memSize = \"4\"\n");
    }
    place_mount(&p);
    must_list(&p.mount, "");
    relay_await_idle(&p.relay);
    must_list(&p.mount, "store");
    relay_count_anew(&p.relay);
    for (int i = 0; i < WALKED; i++)
        must_read_in(&p.mount, "store/", i, 60000);
    assert_int_equal(relay_requests(&p.relay), 0);
    place_done(&p);
}

/* More than the cache holds is read as its reader goes on, and nothing twice. */
static void a_small_cache_does_not_thrash(void **state)
{
    (void)state;
    struct place p = {0};
    char name[64];
    static char text[4096];
    memset(text, '#', sizeof(text) - 2);
    text[sizeof(text) - 2] = '\n';
    place_init(&p, VMS);
    for (int i = 0; i < VMS; i++) {
        snprintf(name, sizeof(name), "vm%03d/vm%03d.vmx", i, i);
        must_write(&p.folder, name, text);
    }
    p.relay.gathers = true;
    p.options.cache_size = 512 * 1024;
    place_mount(&p);
    relay_restart(&p.relay, RELAY_CUT_NONE, 0);
    must_list(&p.mount, "");
    relay_await_idle(&p.relay);
    assert_true(must_count(&p.mount, "cached-document-bytes") <= p.options.cache_size * 3 / 8);
    for (int i = 0; i < VMS; i++)
        must_read_in(&p.mount, "", i, 60000);
    assert_within(relay_requests(&p.relay), VMS * 8, VMS * 12); /* twice would be VMS * 17 */
    assert_within(relay_flights(&p.relay), 3, VMS);
    place_done(&p);
}

/* What is known below a directory is checked while it is listed again. */
static void a_directory_is_checked_in_few_flights(void **state)
{
    (void)state;
    struct place p = {0};
    struct wait wait = patience();
    place_init(&p, VMS);
    p.relay.gathers = true;
    p.relay.idle_ms = 500; /* a flight; beside which the time for hundreds of requests is short */
    p.options.cache_timeout_ms = CHECK_MS;
    place_mount(&p);
    int flights = INT_MAX;
    int requests = INT_MAX;
    const int all = VMS * 4; /* OPENDIR, READDIRs and CLOSE, which tell of the texts, too */
    const int most = all + VMS / 4;
    /* A busy machine makes two flights of one, now and then, and is late for the next check, or so
     * late with this one that some of it is still good. */
    for (int i = 0; i < 12 && (i < 3 || flights > FEW || requests < all || requests > most); i++) {
        if (i > 0) /* texts are read a second time; then their times will do */
            usleep((CHECK_MS + 100) * 1000);
        relay_restart(&p.relay, RELAY_CUT_NONE, 0);
        LISTING_AUTO *l = NULL;
        assert_int_equal(remote_list(p.mount.remote, "", CHECK_MS, &wait, &l), 0);
        relay_await_idle(&p.relay);
        flights = relay_flights(&p.relay);
        requests = relay_requests(&p.relay);
    }
    assert_within(flights, 2, FEW);
    assert_within(requests, all, most);
    place_done(&p);
}

/* What a listing tells of texts is not asked for, but where it shows that one has changed. */
static void what_a_listing_shows_changed_is_read(void **state)
{
    (void)state;
    struct place p = {0};
    char name[64];
    place_init(&p, FEW);
    for (int i = 0; i < FEW; i++) {
        snprintf(name, sizeof(name), "vm%03d/vm%03d.vmx", i, i);
        must_set_age(&p.folder, name, 24 * 60 * 60);
    }
    p.options.cache_timeout_ms = CHECK_MS;
    place_mount(&p);
    must_list_at(&p.mount, "", CHECK_MS);
    relay_await_idle(&p.relay);
    must_write(&p.folder, "vm001/vm001.vmx", "memSize = \"16384\"\n");
    usleep((CHECK_MS + 100) * 1000);
    must_list_at(&p.mount, "", CHECK_MS);
    relay_await_idle(&p.relay);
    relay_count_anew(&p.relay);
    struct wait wait = patience();
    DOCUMENT_AUTO *d = NULL;
    assert_int_equal(remote_document(p.mount.remote, "vm001/vm001.vmx", 60000, &wait, &d), 0);
    assert_true(span_eq(vmx_dict_text(d->dict), span_of("memSize = \"16384\"\n")));
    must_read(&p.mount, 0);
    assert_int_equal(relay_requests(&p.relay), 0);
    place_done(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_listing_brings_what_is_below),
        cmocka_unit_test(how_far_it_is_can_be_seen),
        cmocka_unit_test(nothing_is_read_ahead_unless_wanted),
        cmocka_unit_test(a_user_shares_what_is_under_way),
        cmocka_unit_test(a_lost_link_does_not_spoil_what_is_read),
        cmocka_unit_test(an_unmount_does_not_wait_for_it),
        cmocka_unit_test(the_cache_stays_bounded),
        cmocka_unit_test(a_user_is_not_kept_waiting),
        cmocka_unit_test(a_reader_is_kept_ahead_of),
        cmocka_unit_test(a_reader_who_goes_backward_is_kept_ahead_of),
        cmocka_unit_test(a_reader_of_one_folder_is_kept_ahead_of),
        cmocka_unit_test(a_value_now_and_then_is_nothing_to_keep_ahead_of),
        cmocka_unit_test(a_folder_that_was_listed_ahead_is_walked_when_it_is_opened),
        cmocka_unit_test(a_small_cache_does_not_thrash),
        cmocka_unit_test(a_directory_is_checked_in_few_flights),
        cmocka_unit_test(what_a_listing_shows_changed_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
