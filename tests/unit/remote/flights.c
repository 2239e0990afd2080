/* SPDX-License-Identifier: MIT */
/* How often a caller waits for the server. */
#include "relay.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "parser/plan/plan.h"
#include "remote/cache/listing.h"
#include "sftp/protocol/proto.h"

#define VMX "vm/a.vmx"
#define TEXT "memSize = \"4096\"\n"

enum { TRUST_MS = 5000, VMS = 500, ROUNDS = 12, MANY = 20 };

struct place {
    struct folder folder;
    struct mount mount;
    struct relay relay;
    int syncs, syncs_before_rename; /* protected by relay.lock */
};

static void count_syncs(void *ctx, const struct relay_request *request)
{
    struct place *p = ctx;
    if (request->type != SSH_FXP_EXTENDED)
        return;
    lock_take(&p->relay.lock);
    if (strcmp(request->text, SSH_EXT_FSYNC) == 0)
        p->syncs++;
    if (relay_is_install(request))
        p->syncs_before_rename = p->syncs;
    lock_drop(&p->relay.lock);
}

static int set_up(void **state)
{
    struct place *p = calloc(1, sizeof(*p));
    assert_non_null(p);
    must_make_folder(&p->folder);
    must_mkdir(&p->folder, "vm");
    must_write(&p->folder, VMX, TEXT);
    must_make_relay(&p->relay);
    p->relay.gathers = true;
    p->relay.before = count_syncs;
    p->relay.ctx = p;
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

static void begin(struct place *p)
{
    relay_count_anew(&p->relay);
}

static void must_load_path(struct place *p, const char *path, int64_t max_age_ms)
{
    struct wait wait = patience();
    DOCUMENT_AUTO *d = NULL;
    assert_int_equal(remote_document(p->mount.remote, path, max_age_ms, &wait, &d), 0);
}

static void must_load(struct place *p, int64_t max_age_ms)
{
    must_load_path(p, VMX, max_age_ms);
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

/* What a lookup of each folder on the way costs. */
static void must_look_up(struct place *p, const char *dir)
{
    struct wait wait = patience();
    struct sftp_attrs attrs;
    int64_t true_at;
    assert_int_equal(remote_getattr(p->mount.remote, dir, TRUST_MS, &wait, &attrs, &true_at), 0);
}

/* As the kernel asks for vm/a.vmx/memSize: one name after the other; the third costs nothing. */
static void a_cold_key_two_levels_deep_is_three_flights(void **state)
{
    struct place *p = *state;
    begin(p);
    must_look_up(p, "vm");
    assert_int_equal(relay_flights(&p->relay), 1);
    must_load(p, TRUST_MS);
    assert_int_equal(relay_flights(&p->relay), 3);
    must_load(p, TRUST_MS);
    assert_int_equal(relay_flights(&p->relay), 3);
}

static void each_level_more_is_one_flight_more(void **state)
{
    struct place *p = *state;
    must_mkdir(&p->folder, "store");
    must_mkdir(&p->folder, "store/vm");
    must_write(&p->folder, "store/" VMX, TEXT);
    begin(p);
    must_look_up(p, "store");
    must_look_up(p, "store/vm");
    must_load_path(p, "store/" VMX, TRUST_MS);
    assert_int_equal(relay_flights(&p->relay), 4);
}

/* What opening a key for writing asks, and the commit: right after the text was read first, too. */
static void a_set_is_four_flights(void **state)
{
    struct place *p = *state;
    must_set_age(&p->folder, VMX, 3600);
    must_load(p, TRUST_MS);
    begin(p);
    must_load(p, DOCUMENT_TO_WRITE);
    assert_int_equal(relay_flights(&p->relay), 1);
    assert_int_equal(commit_set(&p->mount, VMX, "memSize", "8192"), 0);
    assert_int_equal(relay_flights(&p->relay), 4);
    must_hold(&p->folder, VMX, "memSize = \"8192\"\n");
}

static void must_have(struct place *p, const char *text)
{
    char path[PATH_MAX];
    FREE_AUTO char *found = file_text(file_path(&p->folder, VMX, path));
    assert_non_null(found);
    assert_non_null(strstr(found, text));
}

/* A profile's settings, as vfs commits them. */
struct profile_change {
    struct change change; /* first */
    struct vmx_profiles profiles;
};

static int apply_profile(struct change *change, const struct server_text *server,
                         const struct vmx_dict *current, struct buf *ret, struct diag *diag)
{
    const struct profile_change *p = (const struct profile_change *)change;
    struct vmx_edits edits = {0};
    (void)server;
    int r = vmx_plan_line(current, &(struct vmx_around){.profiles = &p->profiles}, span_of("one"),
                          &edits, NULL, diag);
    if (r == 0)
        r = vmx_edits_apply(&edits, current, ret, diag);
    vmx_edits_done(&edits);
    return r;
}

static void a_profile_is_four_flights(void **state)
{
    struct place *p = *state;
    struct profile_change c = {.change.apply = apply_profile};
    struct vmx_profile *profile = NULL;
    struct diag diag;
    struct wait wait = patience();
    static const char text[] = "vhv.enable = \"TRUE\"\nsched.mem.min = \"${memSize}\"\n";
    assert_int_equal(vmx_profile_parse("one", span_of(text), &profile, &diag), 0);
    assert_int_equal(vmx_profiles_add(&c.profiles, profile), 0);
    must_set_age(&p->folder, VMX, 3600);
    must_load(p, TRUST_MS);
    begin(p);
    must_load(p, DOCUMENT_TO_WRITE);
    assert_int_equal(remote_commit(p->mount.remote, VMX, &c.change, &wait), 0);
    assert_int_equal(relay_flights(&p->relay), 4);
    must_have(p, "vhv.enable = \"TRUE\"\n");
    must_have(p, "vmxfs.profile = \"one");
    vmx_profiles_done(&c.profiles);
}

/* Whoever is told that it is done can lose power: the text and its name were synced before. */
static void a_set_that_is_answered_is_durable(void **state)
{
    struct place *p = *state;
    must_load(p, TRUST_MS);
    begin(p);
    lock_take(&p->relay.lock);
    p->syncs = p->syncs_before_rename = 0;
    lock_drop(&p->relay.lock);
    assert_int_equal(commit_set(&p->mount, VMX, "memSize", "8192"), 0);
    lock_take(&p->relay.lock);
    int syncs = p->syncs;
    int before = p->syncs_before_rename;
    lock_drop(&p->relay.lock);
    assert_int_equal(before, 1);
    assert_int_equal(syncs, 2);
}

static void a_commit_is_three_flights(void **state)
{
    struct place *p = *state;
    must_set_age(&p->folder, VMX, 3600);
    must_load(p, 0);
    begin(p);
    assert_int_equal(commit_set(&p->mount, VMX, "memSize", "8192"), 0);
    assert_int_equal(relay_flights(&p->relay), 3);
    must_hold(&p->folder, VMX, "memSize = \"8192\"\n");
    must_set_age(&p->folder, VMX, 10);
    begin(p);
    assert_int_equal(commit_set(&p->mount, VMX, "memSize", "1"), 0);
    assert_int_equal(relay_flights(&p->relay), 3);
}

/* Its time does not tell whether it was replaced meanwhile: what our rename replaced is read. */
static void a_commit_within_the_files_second_is_one_flight_more(void **state)
{
    struct place *p = *state;
    must_set_age(&p->folder, VMX, -60);
    must_load(p, 0);
    begin(p);
    assert_int_equal(commit_set(&p->mount, VMX, "memSize", "8192"), 0);
    assert_int_equal(relay_flights(&p->relay), 4);
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
    must_set_age(&p->folder, VMX, 3600);
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
    assert_within(relay_flights(&p->relay), 3, 8);
}

static void a_merge_is_one_flight_more(void **state)
{
    struct place *p = *state;
    must_load(p, 0);
    must_write(&p->folder, VMX, TEXT "foreign = \"yes\"\n");
    must_set_age(&p->folder, VMX, 3600);
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

static void must_make_vms(const struct folder *folder)
{
    char name[32];
    for (int i = 0; i < VMS; i++) {
        snprintf(name, sizeof(name), "all/vm%03d", i);
        must_mkdir(folder, name);
        snprintf(name, sizeof(name), "all/vm%03d/a.vmx", i);
        must_write(folder, name, TEXT);
        must_set_age(folder, name, 3600);
    }
}

/* As a cat of one key of all VMs does it: lists the directory, then each below it, then reads.
 * Gives up where that takes many flights: each takes a second. */
static void must_read_all(struct mount *mount, struct relay *relay, int64_t max_age_ms)
{
    struct wait wait = patience();
    LISTING_AUTO *all = NULL;
    char name[32];
    assert_int_equal(remote_list(mount->remote, "all", max_age_ms, &wait, &all), 0);
    assert_int_equal(all->n, VMS);
    for (int i = 0; i < VMS && relay_flights(relay) < MANY; i++) {
        LISTING_AUTO *l = NULL;
        wait = patience();
        snprintf(name, sizeof(name), "all/vm%03d", i);
        assert_int_equal(remote_list(mount->remote, name, max_age_ms, &wait, &l), 0);
    }
    for (int i = 0; i < VMS && relay_flights(relay) < MANY; i++) {
        DOCUMENT_AUTO *d = NULL;
        wait = patience();
        snprintf(name, sizeof(name), "all/vm%03d/a.vmx", i);
        assert_int_equal(remote_document(mount->remote, name, max_age_ms, &wait, &d), 0);
    }
}

/* Who comes after the cache timeout waits a few times in all, not some times for each VM. How many
 * may be asked at once is learnt: the best of some rounds counts. */
static void a_revalidation_of_many_documents_is_few_flights(void **state)
{
    struct folder folder;
    struct mount mount;
    struct relay relay;
    (void)state;
    must_make_folder(&folder);
    must_mkdir(&folder, "all");
    must_make_vms(&folder);
    must_make_relay(&relay);
    relay.gathers = true;
    relay.idle_ms = 1000; /* beside which the time for hundreds of requests is short */
    struct remote_options options = default_options(&folder);
    options.prefetch = true;
    options.timeout_ms = 120000; /* a busy machine is as long silent until a flight is gathered */
    options.cache_timeout_ms = 5000;
    must_mount_relay(&mount, &relay, &folder, &options);
    int least = INT_MAX;
    for (int round = 0; round < ROUNDS && least > 3; round++) {
        relay_restart(&relay, RELAY_CUT_NONE, 0);
        int64_t began = clock_ms();
        must_read_all(&mount, &relay, options.cache_timeout_ms);
        int times = times_asked_for(began, options.cache_timeout_ms);
        int all = relay_flights(&relay);
        int flights = (all + times - 1) / times; /* none: what was read late is still good */
        least = flights > 0 && all < MANY && flights < least ? flights : least;
        usleep((unsigned)(options.cache_timeout_ms + 200) * 1000);
    }
    assert_within(least, 1, 3);
    mount_end_relay(&mount, &relay);
    folder_remove(&folder);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_cold_key_two_levels_deep_is_three_flights),
        TEST(each_level_more_is_one_flight_more),
        TEST(a_set_is_four_flights),
        TEST(a_profile_is_four_flights),
        TEST(a_set_that_is_answered_is_durable),
        TEST(a_revalidation_is_one_flight),
        TEST(a_cached_document_is_no_flight),
        TEST(a_commit_is_three_flights),
        TEST(a_commit_within_the_files_second_is_one_flight_more),
        TEST(a_commit_of_a_full_folder_is_three_flights),
        TEST(a_commit_in_a_huge_folder_is_few_flights),
        TEST(a_merge_is_one_flight_more),
        TEST(a_listing_is_two_flights),
        cmocka_unit_test(a_revalidation_of_many_documents_is_few_flights),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
