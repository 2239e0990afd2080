/* SPDX-License-Identifier: MIT */
/* How often a caller waits for the server. */
#include "relay.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "remote/listing.h"

#define VMX "vm/a.vmx"
#define TEXT "memSize = \"4096\"\n"

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
    must_mkdir(&p->folder, "vm");
    must_write(&p->folder, VMX, TEXT);
    must_make_relay(&p->relay);
    p->relay.gathers = true;
    must_mount_relay(&p->mount, &p->relay, &p->folder, NULL);
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

/* Lets what nobody waits for come to its end, and counts from there. */
static void begin(struct place *p)
{
    usleep(100000);
    relay_restart(&p->relay, RELAY_CUT_NONE, 0);
}

static void must_load(struct place *p, int64_t max_age_ms)
{
    struct wait wait = patience();
    DOCUMENT_AUTO *d = NULL;
    assert_int_equal(remote_document(p->mount.remote, VMX, max_age_ms, &wait, &d), 0);
}

static void a_cold_load_is_three_flights(void **state)
{
    struct place *p = *state;
    begin(p);
    must_load(p, 0);
    assert_in_range(relay_flights(&p->relay), 1, 3);
}

static void a_revalidation_is_one_flight(void **state)
{
    struct place *p = *state;
    must_load(p, 0);
    usleep(2100000);
    must_load(p, 0);
    begin(p);
    must_load(p, 0);
    assert_int_equal(relay_flights(&p->relay), 1);
    assert_int_equal(relay_requests(&p->relay), 1);
}

static void a_cached_document_is_no_flight(void **state)
{
    struct place *p = *state;
    must_load(p, 0);
    begin(p);
    must_load(p, 5000);
    assert_int_equal(relay_flights(&p->relay), 0);
}

static void a_commit_is_three_flights(void **state)
{
    struct place *p = *state;
    must_load(p, 0);
    begin(p);
    assert_int_equal(commit_set(&p->mount, VMX, "memSize", "8192"), 0);
    assert_int_equal(relay_flights(&p->relay), 3);
    must_hold(&p->folder, VMX, "memSize = \"8192\"\n");
    begin(p);
    assert_int_equal(commit_set(&p->mount, VMX, "memSize", "1"), 0);
    assert_int_equal(relay_flights(&p->relay), 3);
}

/* Names of a swap file, and folders of some hundred files, cost no flight more. */
static void a_commit_of_a_full_folder_is_three_flights(void **state)
{
    struct place *p = *state;
    char name[32];
    must_write(&p->folder, VMX, TEXT "sched.swap.derivedName = \"/vmfs/volumes/x/vm/a.vswp\"\n");
    for (int i = 0; i < 200; i++) {
        snprintf(name, sizeof(name), "vm/file-%d", i);
        must_write(&p->folder, name, "");
    }
    must_load(p, 0);
    begin(p);
    assert_int_equal(commit_set(&p->mount, VMX, "memSize", "8192"), 0);
    assert_int_equal(relay_flights(&p->relay), 3);
}

/* Many names are asked for in ever larger flights. */
static void a_commit_in_a_huge_folder_is_few_flights(void **state)
{
    struct place *p = *state;
    char name[32];
    for (int i = 0; i < 5000; i++) {
        snprintf(name, sizeof(name), "vm/file-%d", i);
        must_write(&p->folder, name, "");
    }
    must_load(p, 0);
    begin(p);
    assert_int_equal(commit_set(&p->mount, VMX, "memSize", "8192"), 0);
    assert_in_range(relay_flights(&p->relay), 3, 8);
}

static void a_merge_is_one_flight_more(void **state)
{
    struct place *p = *state;
    must_load(p, 0);
    must_write(&p->folder, VMX, TEXT "foreign = \"yes\"\n");
    begin(p);
    assert_int_equal(commit_set(&p->mount, VMX, "memSize", "8192"), 0);
    assert_int_equal(relay_flights(&p->relay), 4);
    must_hold(&p->folder, VMX, "memSize = \"8192\"\nforeign = \"yes\"\n");
}

static void a_listing_is_two_flights(void **state)
{
    struct place *p = *state;
    struct wait wait = patience();
    LISTING_AUTO *l = NULL;
    begin(p);
    assert_int_equal(remote_list(p->mount.remote, "vm", 0, &wait, &l), 0);
    assert_int_equal(relay_flights(&p->relay), 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_cold_load_is_three_flights),
        TEST(a_revalidation_is_one_flight),
        TEST(a_cached_document_is_no_flight),
        TEST(a_commit_is_three_flights),
        TEST(a_commit_of_a_full_folder_is_three_flights),
        TEST(a_commit_in_a_huge_folder_is_few_flights),
        TEST(a_merge_is_one_flight_more),
        TEST(a_listing_is_two_flights),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
