/* SPDX-License-Identifier: MIT */
#include "relay.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "sftp/protocol/proto.h"

/* The document's text is this. */
static void must_read(struct mount *mount, const char *path, int64_t max_age_ms, const char *text)
{
    struct wait wait = patience();
    DOCUMENT_AUTO *d = NULL;
    assert_int_equal(remote_document(mount->remote, path, max_age_ms, &wait, &d), 0);
    struct span found = vmx_dict_text(d->dict);
    assert_int_equal(found.n, strlen(text));
    assert_memory_equal(found.p, text, found.n);
}

static int read_error(struct mount *mount, const char *path, int64_t max_age_ms)
{
    struct wait wait = patience();
    DOCUMENT_AUTO *d = NULL;
    return remote_document(mount->remote, path, max_age_ms, &wait, &d);
}

static void load_parses_the_bytes(void **state)
{
    (void)state;
    struct folder folder;
    struct mount mount;
    must_make_folder(&folder);
    must_mkdir(&folder, "vm");
    must_write(&folder, "vm/vm.vmx", "memSize = \"4096\"\n");
    must_mount(&mount, &folder, NULL);
    struct wait wait = patience();
    DOCUMENT_AUTO *d = NULL;
    BUF_AUTO value = {0};
    assert_int_equal(remote_document(mount.remote, "vm/vm.vmx", 0, &wait, &d), 0);
    assert_int_equal(vmx_dict_get(d->dict, SPAN_LITERAL("MEMSIZE"), &value), 0);
    assert_string_equal(value.data, "4096");
    assert_int_equal(d->attrs.size, strlen("memSize = \"4096\"\n"));
    assert_int_equal(d->attrs.mtime, must_lstat(&folder, "vm/vm.vmx").st_mtime);
    document_unref(&d);
    mount_end(&mount);
    folder_remove(&folder);
}

static void what_is_no_document_has_its_errno(void **state)
{
    (void)state;
    struct folder folder;
    struct mount mount;
    must_make_folder(&folder);
    struct remote_options options = default_options(&folder);
    options.vmx_max = 100;
    must_mkdir(&folder, "folder.vmx");
    must_write(&folder, "exact.vmx",
               "0123456789012345678901234567890123456789012345678"
               "\n0123456789012345678901234567890123456789012345678\n");
    must_write(&folder, "large.vmx",
               "0123456789012345678901234567890123456789012345678"
               "\n0123456789012345678901234567890123456789012345678\nx");
    must_link(&folder, "exact.vmx", "link.vmx");
    must_mount(&mount, &folder, &options);
    static const struct {
        const char *path;
        int result;
    } cases[] = {
        {"exact.vmx", 0},           {"large.vmx", -EMEDIUMTYPE}, {"folder.vmx", -EMEDIUMTYPE},
        {"link.vmx", -EMEDIUMTYPE}, {"missing.vmx", -ENOENT},    {"no/folder.vmx", -ENOENT},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_int_equal(read_error(&mount, cases[i].path, 0), cases[i].result);
    mount_end(&mount);
    folder_remove(&folder);
}

static void an_empty_file_is_a_document(void **state)
{
    (void)state;
    struct folder folder;
    struct mount mount;
    must_make_folder(&folder);
    must_write(&folder, "a.vmx", "");
    must_mount(&mount, &folder, NULL);
    must_read(&mount, "a.vmx", 0, "");
    mount_end(&mount);
    folder_remove(&folder);
}

static void a_large_file_is_read_whole(void **state)
{
    (void)state;
    struct folder folder;
    struct mount mount;
    must_make_folder(&folder);
    BUF_AUTO text = {0};
    while (text.len < 900000)
        assert_int_equal(buf_addf(&text, "key%zu = \"%zu\"\n", text.len, text.len), 0);
    must_write(&folder, "a.vmx", text.data);
    must_mount(&mount, &folder, NULL);
    must_read(&mount, "a.vmx", 0, text.data);
    mount_end(&mount);
    folder_remove(&folder);
}

static void an_answer_is_trusted_for_its_age(void **state)
{
    (void)state;
    struct folder folder;
    struct mount mount;
    struct relay relay;
    must_make_folder(&folder);
    must_make_relay(&relay);
    must_write(&folder, "a.vmx", "a = \"1\"\n");
    must_mount_relay(&mount, &relay, &folder, NULL);
    must_read(&mount, "a.vmx", 5000, "a = \"1\"\n");
    must_write(&folder, "a.vmx", "a = \"22\"\n");
    relay_count_anew(&relay);
    must_read(&mount, "a.vmx", 5000, "a = \"1\"\n");
    assert_int_equal(relay_requests(&relay), 0);
    must_read(&mount, "a.vmx", 0, "a = \"22\"\n");
    mount_end_relay(&mount, &relay);
    folder_remove(&folder);
}

/* The mtime has one second: what was read within two of it is read again. */
static void an_edit_of_the_same_size_and_second_is_seen(void **state)
{
    (void)state;
    struct folder folder;
    struct mount mount;
    must_make_folder(&folder);
    must_write(&folder, "a.vmx", "a = \"1\"\n");
    must_mount(&mount, &folder, NULL);
    for (int i = 0; i < 5; i++) {
        char text[16];
        snprintf(text, sizeof(text), "a = \"%d\"\n", i);
        must_write(&folder, "a.vmx", text);
        must_set_age(&folder, "a.vmx", 1800);
        must_read(&mount, "a.vmx", 0, text);
    }
    mount_end(&mount);
    folder_remove(&folder);
}

/* Once a time has been seen for long enough, one LSTAT will do. */
static void an_unchanged_file_is_not_read_again(void **state)
{
    (void)state;
    struct folder folder;
    struct mount mount;
    struct relay relay;
    must_make_folder(&folder);
    must_make_relay(&relay);
    must_write(&folder, "a.vmx", "a = \"1\"\n");
    must_mount_relay(&mount, &relay, &folder, NULL);
    must_read(&mount, "a.vmx", 0, "a = \"1\"\n");
    usleep(2100000);
    must_read(&mount, "a.vmx", 0, "a = \"1\"\n"); /* reads again: it was racy */
    relay_count_anew(&relay);
    for (int i = 0; i < 3; i++)
        must_read(&mount, "a.vmx", 0, "a = \"1\"\n");
    assert_int_equal(relay_requests(&relay), 3);
    must_write(&folder, "a.vmx", "a = \"2\"\n"); /* another time */
    must_read(&mount, "a.vmx", 0, "a = \"2\"\n");
    mount_end_relay(&mount, &relay);
    folder_remove(&folder);
}

/* A file whose time is old is trusted from its first reading on. */
static void an_old_document_is_read_once(void **state)
{
    (void)state;
    struct folder folder;
    struct mount mount;
    struct relay relay;
    must_make_folder(&folder);
    must_make_relay(&relay);
    must_write(&folder, "a.vmx", "a = \"1\"\n");
    must_set_age(&folder, "a.vmx", 24 * 3600);
    must_mount_relay(&mount, &relay, &folder, NULL);
    must_read(&mount, "a.vmx", 0, "a = \"1\"\n");
    relay_count_anew(&relay);
    for (int i = 0; i < 3; i++)
        must_read(&mount, "a.vmx", 0, "a = \"1\"\n");
    assert_int_equal(relay_requests(&relay), 3);
    must_write(&folder, "a.vmx", "a = \"2\"\n");
    must_read(&mount, "a.vmx", 0, "a = \"2\"\n");
    mount_end_relay(&mount, &relay);
    folder_remove(&folder);
}

static void must_set_times(const struct folder *folder, const char *name, const struct stat *as)
{
    char path[PATH_MAX];
    const struct timespec times[] = {as->st_atim, as->st_mtim};
    assert_int_equal(utimensat(AT_FDCWD, file_path(folder, name, path), times, 0), 0);
}

/* A writer is given what is cached while the server's attributes are the same, for one LSTAT; that
 * does not make it newer to readers. */
static void a_racy_document_costs_a_writer_one_request(void **state)
{
    (void)state;
    struct folder folder;
    struct mount mount;
    struct relay relay;
    must_make_folder(&folder);
    must_make_relay(&relay);
    must_write(&folder, "a.vmx", "a = \"1\"\n");
    must_set_age(&folder, "a.vmx", 1800);
    const struct stat first = must_lstat(&folder, "a.vmx");
    must_mount_relay(&mount, &relay, &folder, NULL);
    must_read(&mount, "a.vmx", 0, "a = \"1\"\n");
    relay_count_anew(&relay);
    must_read(&mount, "a.vmx", DOCUMENT_TO_WRITE, "a = \"1\"\n");
    assert_int_equal(relay_requests(&relay), 1);
    must_write(&folder, "a.vmx", "a = \"2\"\n");
    must_set_times(&folder, "a.vmx", &first);
    must_read(&mount, "a.vmx", DOCUMENT_TO_WRITE, "a = \"1\"\n");
    must_read(&mount, "a.vmx", 0, "a = \"2\"\n");
    must_write(&folder, "a.vmx", "a = \"33\"\n");
    must_read(&mount, "a.vmx", DOCUMENT_TO_WRITE, "a = \"33\"\n");
    mount_end_relay(&mount, &relay);
    folder_remove(&folder);
}

static void a_file_that_became_a_folder_is_noticed(void **state)
{
    (void)state;
    struct folder folder;
    struct mount mount;
    char path[PATH_MAX];
    must_make_folder(&folder);
    must_write(&folder, "a.vmx", "a = \"1\"\n");
    must_mount(&mount, &folder, NULL);
    must_read(&mount, "a.vmx", 0, "a = \"1\"\n");
    assert_int_equal(unlink(file_path(&folder, "a.vmx", path)), 0);
    assert_int_equal(read_error(&mount, "a.vmx", 0), -ENOENT);
    must_mkdir(&folder, "a.vmx");
    assert_int_equal(read_error(&mount, "a.vmx", 0), -EMEDIUMTYPE);
    assert_int_equal(rmdir(path), 0);
    must_write(&folder, "a.vmx", "b = \"1\"\n");
    must_read(&mount, "a.vmx", 0, "b = \"1\"\n");
    mount_end(&mount);
    folder_remove(&folder);
}

/* A foreign editor that writes at an exact moment. */
struct editor {
    const struct folder *folder;
    uint8_t before; /* this kind of request, and ... */
    int times;      /* ... so often */
    const char *text;
};

static void edit_before(void *ctx, const struct relay_request *request)
{
    struct editor *editor = ctx;
    char path[PATH_MAX];
    if (request->type != editor->before || editor->times == 0)
        return;
    editor->times--;
    file_write(file_path(editor->folder, "a.vmx", path), editor->text);
}

static void a_file_that_changes_while_it_is_read_is_read_again(void **state)
{
    (void)state;
    static const uint8_t moments[] = {SSH_FXP_OPEN, SSH_FXP_READ, SSH_FXP_FSTAT};
    for (size_t i = 0; i < sizeof(moments); i++) {
        struct folder folder;
        struct mount mount;
        struct relay relay;
        struct editor editor = {&folder, moments[i], 1, "a = \"a longer one\"\n"};
        must_make_folder(&folder);
        must_write(&folder, "a.vmx", "a = \"1\"\n");
        must_make_relay(&relay);
        relay.before = edit_before;
        relay.ctx = &editor;
        must_mount_relay(&mount, &relay, &folder, NULL);
        must_read(&mount, "a.vmx", 0, editor.text);
        mount_end_relay(&mount, &relay);
        folder_remove(&folder);
    }
}

/* The file is longer each time somebody is about to open it. */
static void edit_always(void *ctx, const struct relay_request *request)
{
    const struct editor *editor = ctx;
    char path[PATH_MAX];
    char text[PATH_MAX];
    if (request->type != SSH_FXP_OPEN)
        return;
    snprintf(text, sizeof(text), "a = \"%0*d\"\n", request->number * 50, 1);
    file_write(file_path(editor->folder, "a.vmx", path), text);
}

static void a_file_that_never_rests_is_an_error(void **state)
{
    (void)state;
    struct folder folder;
    struct mount mount;
    struct relay relay;
    struct editor editor = {.folder = &folder};
    must_make_folder(&folder);
    must_write(&folder, "a.vmx", "a = \"something else\"\n");
    must_make_relay(&relay);
    relay.before = edit_always;
    relay.ctx = &editor;
    must_mount_relay(&mount, &relay, &folder, NULL);
    assert_int_equal(read_error(&mount, "a.vmx", 0), -EIO);
    mount_end_relay(&mount, &relay);
    folder_remove(&folder);
}

static struct remote_options impatient(const struct folder *folder)
{
    struct remote_options options = default_options(folder);
    options.timeout_ms = 500;
    options.cache_timeout_ms = 20;
    return options;
}

static void refuse(struct mount *mount, bool refuses)
{
    lock_take(&mount->server.lock);
    mount->server.refuses = refuses;
    lock_drop(&mount->server.lock);
}

/* Readers of one document, all at once. */
struct reader {
    struct mount *mount;
    int result;
    size_t size;
    pthread_t thread;
};

static void *read_stale(void *ctx)
{
    struct reader *reader = ctx;
    struct wait wait = patience();
    DOCUMENT_AUTO *d = NULL;
    reader->result = remote_document(reader->mount->remote, "a.vmx", 20, &wait, &d);
    if (reader->result == 0)
        reader->size = vmx_dict_text(d->dict).n;
    return NULL;
}

static void what_is_cached_is_shown_to_all_while_the_link_is_down(void **state)
{
    (void)state;
    enum { READERS = 8 };
    struct folder folder;
    struct mount mount;
    struct reader readers[READERS];
    must_make_folder(&folder);
    struct remote_options options = impatient(&folder);
    must_write(&folder, "a.vmx", "a = \"1\"\n");
    must_mount(&mount, &folder, &options);
    must_read(&mount, "a.vmx", 20, "a = \"1\"\n");
    refuse(&mount, true);
    local_server_signal(&mount.server, SIGKILL);
    usleep(50000);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < READERS; i++) {
            readers[i] = (struct reader){.mount = &mount};
            assert_int_equal(pthread_create(&readers[i].thread, NULL, read_stale, &readers[i]), 0);
        }
        for (int i = 0; i < READERS; i++)
            pthread_join(readers[i].thread, NULL);
        for (int i = 0; i < READERS; i++) {
            assert_int_equal(readers[i].result, 0);
            assert_int_equal(readers[i].size, 8);
        }
    }
    /* Who needs to know gets no old answer. */
    assert_int_equal(read_error(&mount, "a.vmx", 0), -EIO);
    assert_int_equal(read_error(&mount, "b.vmx", 20), -EIO);
    /* And when it is up again, the truth. */
    must_write(&folder, "a.vmx", "a = \"22\"\n");
    refuse(&mount, false);
    struct wait wait = patience();
    while (sftp_wait_up(mount.sftp, &wait) < 0)
        usleep(20000);
    must_read(&mount, "a.vmx", 20, "a = \"22\"\n");
    mount_end(&mount);
    folder_remove(&folder);
}

struct changes {
    int found, gone;
};

static void count_changes(void *ctx, const char *path, bool gone)
{
    struct changes *changes = ctx;
    changes->found += strcmp(path, "a.vmx") == 0;
    changes->gone += gone;
}

static void a_foreign_change_is_told_once(void **state)
{
    (void)state;
    struct folder folder;
    struct mount mount;
    char path[PATH_MAX];
    struct changes changes = {0};
    must_make_folder(&folder);
    must_write(&folder, "a.vmx", "a = \"1\"\n");
    must_mount(&mount, &folder, NULL);
    remote_listen(mount.remote,
                  &(struct remote_listener){.changed = count_changes, .ctx = &changes});
    must_read(&mount, "a.vmx", 0, "a = \"1\"\n");
    must_read(&mount, "a.vmx", 0, "a = \"1\"\n");
    assert_int_equal(changes.found, 0);
    must_write(&folder, "a.vmx", "a = \"22\"\n");
    must_read(&mount, "a.vmx", 0, "a = \"22\"\n");
    must_read(&mount, "a.vmx", 0, "a = \"22\"\n");
    assert_int_equal(changes.found, 1);
    assert_int_equal(changes.gone, 0);
    assert_int_equal(unlink(file_path(&folder, "a.vmx", path)), 0);
    assert_int_equal(read_error(&mount, "a.vmx", 0), -ENOENT);
    assert_int_equal(changes.found, 2);
    assert_int_equal(changes.gone, 1);
    must_write(&folder, "a.vmx", "a = \"1\"\n");
    must_read(&mount, "a.vmx", 0, "a = \"1\"\n");
    assert_int_equal(unlink(file_path(&folder, "a.vmx", path)), 0);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(read_error(&mount, "a.vmx", 0), -EMEDIUMTYPE);
    assert_int_equal(changes.gone, 2);
    assert_int_equal(rmdir(path), 0);
    mount_end(&mount);
    folder_remove(&folder);
}

/* Somebody who is told of changes, and takes his time. */
struct listener {
    struct mount *mount;
    atomic_bool told, done;
};

static void listen(void *ctx, const char *path, bool gone)
{
    struct listener *l = ctx;
    (void)path;
    (void)gone;
    atomic_store(&l->told, true);
    usleep(200000);
    atomic_store(&l->done, true);
}

static void *read_again(void *ctx)
{
    struct listener *l = ctx;
    read_error(l->mount, "vm.vmx", 0);
    return NULL;
}

/* At unmount the listener goes while documents are still read ahead. */
static void who_does_not_listen_any_more_is_not_being_told(void **state)
{
    (void)state;
    struct folder folder;
    struct mount mount;
    struct listener listener = {.mount = &mount};
    pthread_t thread;
    must_make_folder(&folder);
    must_write(&folder, "vm.vmx", "memSize = \"4096\"\n");
    must_mount(&mount, &folder, NULL);
    remote_listen(mount.remote, &(struct remote_listener){.changed = listen, .ctx = &listener});
    assert_int_equal(read_error(&mount, "vm.vmx", 0), 0);
    must_write(&folder, "vm.vmx", "memSize = \"16384\"\n");
    assert_int_equal(pthread_create(&thread, NULL, read_again, &listener), 0);
    while (!atomic_load(&listener.told))
        usleep(1000);
    remote_listen(mount.remote, NULL);
    bool done = atomic_load(&listener.done);
    pthread_join(thread, NULL);
    assert_true(done);
    must_write(&folder, "vm.vmx", "memSize = \"8\"\n");
    atomic_store(&listener.told, false);
    must_read(&mount, "vm.vmx", 0, "memSize = \"8\"\n");
    assert_false(atomic_load(&listener.told));
    mount_end(&mount);
    folder_remove(&folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(load_parses_the_bytes),
        cmocka_unit_test(what_is_no_document_has_its_errno),
        cmocka_unit_test(an_empty_file_is_a_document),
        cmocka_unit_test(a_large_file_is_read_whole),
        cmocka_unit_test(an_answer_is_trusted_for_its_age),
        cmocka_unit_test(an_edit_of_the_same_size_and_second_is_seen),
        cmocka_unit_test(an_unchanged_file_is_not_read_again),
        cmocka_unit_test(an_old_document_is_read_once),
        cmocka_unit_test(a_racy_document_costs_a_writer_one_request),
        cmocka_unit_test(a_file_that_became_a_folder_is_noticed),
        cmocka_unit_test(a_file_that_changes_while_it_is_read_is_read_again),
        cmocka_unit_test(a_file_that_never_rests_is_an_error),
        cmocka_unit_test(what_is_cached_is_shown_to_all_while_the_link_is_down),
        cmocka_unit_test(a_foreign_change_is_told_once),
        cmocka_unit_test(who_does_not_listen_any_more_is_not_being_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
