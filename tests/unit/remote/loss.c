/* SPDX-License-Identifier: MIT */
/* A connection that is lost in the middle, at each single request. */
#include "relay.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "remote/file/files.h"
#include "remote/cache/listing.h"
#include "sftp/protocol/proto.h"

#define VMX "a.vmx"
#define TEXT "memSize = \"4096\"\n"

/* Something to do while the link is cut. 0 or -errno. */
typedef int action(struct mount *mount);

static int do_commit(struct mount *mount)
{
    return commit_set(mount, VMX, "memSize", "8192");
}

/* A change that cannot be made twice. */
static int add_line(struct change *change, const struct server_text *server,
                    const struct vmx_dict *current, struct buf *ret, struct diag *diag)
{
    (void)change;
    (void)diag;
    int r = server->exists ? buf_add(ret, vmx_dict_text(current)) : -ENOENT;
    return r == 0 ? buf_add_str(ret, "# more\n") : r;
}

static void count_committed(struct change *change, const struct document *before,
                            const struct document *after)
{
    struct set *set = (struct set *)change;
    set->committed++;
    set->nothing_to_do = before == after;
}

static int do_add_line(struct mount *mount)
{
    struct set set = {.change = {.apply = add_line, .committed = count_committed}};
    struct wait wait = patience();
    int r = remote_commit(mount->remote, VMX, &set.change, &wait);
    return r == 0 && (set.committed != 1 || set.nothing_to_do) ? -EBADMSG : r;
}

static int do_read(struct mount *mount)
{
    struct wait wait = patience();
    DOCUMENT_AUTO *d = NULL;
    int r = remote_document(mount->remote, VMX, 0, &wait, &d);
    return r == 0 && !span_eq(vmx_dict_text(d->dict), SPAN_LITERAL(TEXT)) ? -EBADMSG : r;
}

static int do_rename(struct mount *mount)
{
    struct wait wait = patience();
    struct diag diag;
    return remote_rename_vmx(mount->remote, VMX, "b.vmx", MOVE_ONTO_ANY, NULL, &wait, &diag, NULL);
}

static int do_remove(struct mount *mount)
{
    struct wait wait = patience();
    struct diag diag;
    return remote_remove_vmx(mount->remote, VMX, NULL, &wait, &diag);
}

static void must_be_committed(const struct folder *folder)
{
    must_hold(folder, VMX, "memSize = \"8192\"\n");
}

static void must_have_one_line_more(const struct folder *folder)
{
    must_hold(folder, VMX, TEXT "# more\n");
}

static void must_be_unchanged(const struct folder *folder)
{
    must_hold(folder, VMX, TEXT);
}

static void must_be_renamed(const struct folder *folder)
{
    must_hold(folder, "b.vmx", TEXT);
    assert_false(file_exists(folder, VMX));
}

static void must_be_removed(const struct folder *folder)
{
    assert_false(file_exists(folder, VMX));
}

struct loss {
    const char *name;
    action *act;
    void (*must_be_done)(const struct folder *folder);
    int requests_min;
    int behind; /* requests behind the decisive one that the caller waits for too */
};

/* Notes the number of the decisive request. */
static void note_decision(void *ctx, const struct relay_request *request)
{
    atomic_int *number = ctx; /* links that follow each other have threads of their own */
    size_t len = strlen(request->text);
    size_t end = strlen("/" VMX);
    bool removes = request->type == SSH_FXP_REMOVE && len > end &&
                   strcmp(request->text + len - end, "/" VMX) == 0;
    if (atomic_load(number) == 0 && (removes || relay_is_install(request)))
        atomic_store(number, request->number);
}

/* False when the action made fewer requests. */
static bool cut_at(const struct loss *loss, enum relay_cut cut, int at)
{
    struct folder folder;
    struct mount mount;
    struct relay relay;
    atomic_int decision = 0;
    must_make_folder(&folder);
    must_write(&folder, VMX, TEXT);
    must_make_relay(&relay);
    relay.before = note_decision;
    relay.ctx = &decision;
    must_mount_relay(&mount, &relay, &folder, NULL);
    relay_restart(&relay, cut, at);
    int r = loss->act(&mount);
    if (r != 0)
        print_error("%s, cut at request %d (%d): %d\n", loss->name, at, (int)cut, r);
    assert_int_equal(r, 0);
    loss->must_be_done(&folder);
    mount_end_relay(&mount, &relay);
    bool reached = relay.links > 1;
    /* What is cut off when the caller has its answer is for the next commit to clear away. */
    int decided = atomic_load(&decision);
    if (decided > 0 && at > decided + loss->behind) {
        must_write(&folder, VMX, TEXT);
        must_mount(&mount, &folder, NULL);
        assert_int_equal(commit_set(&mount, VMX, "memSize", "1"), 0);
        if (file_exists(&folder, "b.vmx")) /* a move has a lock at each of its names */
            assert_int_equal(commit_set(&mount, "b.vmx", "memSize", "1"), 0);
        mount_end(&mount);
    }
    must_be_clean(&folder);
    folder_remove(&folder);
    return reached;
}

static void must_survive_cuts(const struct loss *loss, enum relay_cut cut)
{
    int at = 1;
    while (cut_at(loss, cut, at))
        at++;
    assert_true(at > loss->requests_min);
}

static void must_survive_all_cuts(const struct loss *loss)
{
    must_survive_cuts(loss, RELAY_CUT_BEFORE);
    must_survive_cuts(loss, RELAY_CUT_AFTER);
}

static void a_load_survives_a_lost_link(void **state)
{
    (void)state;
    must_survive_all_cuts(&(struct loss){"load", do_read, must_be_unchanged, 3, 0});
}

static void a_commit_survives_a_lost_link(void **state)
{
    (void)state;
    must_survive_cuts(&(struct loss){"commit", do_commit, must_be_committed, 20, 2},
                      RELAY_CUT_AFTER);
}

static void a_lost_answer_does_not_make_a_change_twice(void **state)
{
    (void)state;
    must_survive_all_cuts(&(struct loss){"add", do_add_line, must_have_one_line_more, 20, 2});
}

static void a_rename_survives_a_lost_link(void **state)
{
    (void)state;
    must_survive_all_cuts(&(struct loss){"rename", do_rename, must_be_renamed, 10, 0});
}

static void a_removal_survives_a_lost_link(void **state)
{
    (void)state;
    must_survive_cuts(&(struct loss){"remove", do_remove, must_be_removed, 10, 0}, RELAY_CUT_AFTER);
}

struct writer {
    struct mount *mount;
    int number;
    atomic_bool *stop;
    unsigned done; /* the last value that is known to be there */
    int result;
    pthread_t thread;
};

static void *count_up(void *ctx)
{
    struct writer *w = ctx;
    char key[16];
    char value[16];
    snprintf(key, sizeof(key), "key%d", w->number);
    while (!atomic_load(w->stop) && w->result == 0) {
        snprintf(value, sizeof(value), "%u", w->done + 1);
        w->result = commit_set(w->mount, VMX, key, value);
        w->done += w->result == 0;
    }
    return NULL;
}

static void commits_survive_killed_servers(void **state)
{
    (void)state;
    enum { WRITERS = 8, KILLS = 4 };
    struct folder folder;
    struct mount mount;
    struct writer writers[WRITERS];
    atomic_bool stop = false;
    unsigned seed = 99;
    char path[PATH_MAX];
    must_make_folder(&folder);
    must_write(&folder, VMX, TEXT);
    must_mount(&mount, &folder, NULL);
    for (int i = 0; i < WRITERS; i++) {
        writers[i] = (struct writer){.mount = &mount, .number = i, .stop = &stop};
        assert_int_equal(pthread_create(&writers[i].thread, NULL, count_up, &writers[i]), 0);
    }
    for (int i = 0; i < KILLS; i++) {
        struct wait wait = patience();
        usleep(100000 + (useconds_t)rand_r(&seed) % 50000);
        local_server_signal(&mount.server, SIGKILL);
        usleep(10000);
        assert_int_equal(sftp_wait_up(mount.sftp, &wait), 0);
    }
    usleep(100000);
    atomic_store(&stop, true);
    for (int i = 0; i < WRITERS; i++)
        pthread_join(writers[i].thread, NULL);
    FREE_AUTO char *text = file_text(file_path(&folder, VMX, path));
    for (int i = 0; i < WRITERS; i++) {
        char line[64];
        snprintf(line, sizeof(line), "key%d = \"%u\"\n", i, writers[i].done);
        assert_int_equal(writers[i].result, 0);
        assert_non_null(strstr(text, line));
    }
    must_be_clean(&folder);
    mount_end(&mount);
    folder_remove(&folder);
}

static int servers_started(struct mount *mount)
{
    lock_take(&mount->server.lock);
    int started = mount->server.started;
    lock_drop(&mount->server.lock);
    return started;
}

/* The engine gives a silent server up, and has another. */
static void await_new_server(struct mount *mount)
{
    struct wait wait = patience();
    int64_t end = wait.deadline;
    while (servers_started(mount) < 2 && clock_ms() < end)
        usleep(10000);
    while (sftp_wait_up(mount->sftp, &wait) < 0 && clock_ms() < end)
        usleep(10000);
}

/* Callers fail before the server goes on, and what is left is cleared away later. */
static void a_stalled_server_fails_commits_in_time(void **state)
{
    (void)state;
    struct folder folder;
    struct mount mount;
    must_make_folder(&folder);
    struct remote_options options = default_options(&folder);
    options.timeout_ms = 700;
    must_write(&folder, VMX, TEXT);
    must_mount(&mount, &folder, &options);
    struct set set = set_of("memSize", "1");
    struct wait wait = patience();
    assert_int_equal(remote_commit(mount.remote, VMX, &set.change, &wait), 0);
    assert_int_equal(local_server_signal(&mount.server, SIGSTOP), 0);
    set = set_of("memSize", "2");
    wait = wait_for_ms(700);
    assert_int_equal(remote_commit(mount.remote, VMX, &set.change, &wait), -EIO);
    await_new_server(&mount);
    assert_int_equal(commit_set(&mount, VMX, "memSize", "3"), 0);
    must_hold(&folder, VMX, "memSize = \"3\"\n");
    must_be_clean(&folder);
    mount_end(&mount);
    folder_remove(&folder);
}

/* An open file is opened again, unless it is another one by now. */
static void an_open_file_survives_a_lost_link(void **state)
{
    (void)state;
    struct folder folder;
    struct mount mount;
    struct wait wait = patience();
    struct remote_file *file = NULL;
    char data[16];
    size_t n = 0;
    must_make_folder(&folder);
    must_write(&folder, "disk", "0123456789");
    must_mount(&mount, &folder, NULL);
    assert_int_equal(remote_file_open(mount.remote, "disk", SFTP_OPEN_READ, &wait, &file), 0);
    assert_int_equal(remote_file_read(file, 0, 4, &wait, data, &n), 0);
    local_server_signal(&mount.server, SIGKILL);
    usleep(50000);
    assert_int_equal(remote_file_read(file, 4, 16, &wait, data, &n), 0);
    assert_int_equal(n, 6);
    assert_memory_equal(data, "456789", 6);
    must_write(&folder, "disk", "another one");
    must_set_age(&folder, "disk", 1000);
    local_server_signal(&mount.server, SIGKILL);
    usleep(50000);
    for (int i = 0; i < 3; i++)
        assert_int_equal(remote_file_read(file, 0, 16, &wait, data, &n), -EIO);
    remote_file_free(file);
    mount_end(&mount);
    folder_remove(&folder);
}

/* A file that is open for writing, and what becomes of its name while the link is lost. */
struct written {
    struct folder folder;
    struct mount mount;
    struct wait wait;
    struct remote_file *file;
};

static void must_open(struct written *w)
{
    *w = (struct written){.wait = patience()};
    must_make_folder(&w->folder);
    must_mount(&w->mount, &w->folder, NULL);
    bool made;
    assert_int_equal(remote_file_create(w->mount.remote, "disk", SFTP_OPEN_READ | SFTP_OPEN_WRITE,
                                        0644, false, &w->wait, &w->file, &made),
                     0);
    assert_int_equal(remote_file_write(w->file, 0, false, SPAN_LITERAL("0123456789"), &w->wait), 0);
    assert_int_equal(remote_file_flush(w->file, &w->wait), 0);
}

static void done(struct written *w)
{
    remote_file_free(w->file);
    mount_end(&w->mount);
    folder_remove(&w->folder);
}

static void lose_link(struct written *w)
{
    local_server_signal(&w->mount.server, SIGKILL);
    usleep(50000);
}

static void must_be_lost(struct written *w)
{
    char data[16];
    size_t n = 0;
    struct sftp_attrs attrs;
    const struct sftp_attrs cut = {.flags = SFTP_ATTR_SIZE};
    assert_int_equal(remote_file_read(w->file, 0, 16, &w->wait, data, &n), -EIO);
    assert_int_equal(remote_file_getattr(w->file, &w->wait, &attrs), -EIO);
    assert_int_equal(remote_file_setattr(w->file, &cut, &w->wait), -EIO);
    remote_file_write(w->file, 0, false, SPAN_LITERAL("X"), &w->wait);
    assert_int_equal(remote_file_flush(w->file, &w->wait), -EIO);
}

static void must_be_written(struct written *w, const char *name)
{
    assert_int_equal(remote_file_write(w->file, 10, false, SPAN_LITERAL("more"), &w->wait), 0);
    assert_int_equal(remote_file_flush(w->file, &w->wait), 0);
    must_hold(&w->folder, name, "0123456789more");
}

static void must_move(struct folder *folder, const char *from, const char *to)
{
    char a[PATH_MAX];
    char b[PATH_MAX];
    assert_int_equal(rename(file_path(folder, from, a), file_path(folder, to, b)), 0);
}

static void what_was_written_is_not_looked_for_in_another_file(void **state)
{
    (void)state;
    struct written w;
    must_open(&w);
    must_write(&w.folder, "other", "another file");
    must_move(&w.folder, "other", "disk");
    lose_link(&w);
    must_be_lost(&w);
    must_hold(&w.folder, "disk", "another file");
    done(&w);
}

/* Its removal is known, so that no likeness counts. */
static void a_removed_file_is_lost_with_its_link(void **state)
{
    (void)state;
    struct written w;
    must_open(&w);
    assert_int_equal(remote_remove(w.mount.remote, "disk", NULL, &w.wait), 0);
    assert_int_equal(remote_file_write(w.file, 10, false, SPAN_LITERAL("x"), &w.wait), 0);
    assert_int_equal(remote_file_flush(w.file, &w.wait), 0);
    must_write(&w.folder, "disk", "0123456789x");
    lose_link(&w);
    must_be_lost(&w);
    must_hold(&w.folder, "disk", "0123456789x");
    done(&w);
}

static void a_renamed_file_is_found_under_its_new_name(void **state)
{
    (void)state;
    struct written w;
    must_open(&w);
    must_mkdir(&w.folder, "a");
    assert_int_equal(remote_rename(w.mount.remote, "disk", "a/disk", false, NULL, NULL, &w.wait),
                     0);
    assert_int_equal(remote_rename(w.mount.remote, "a", "b", false, NULL, NULL, &w.wait), 0);
    must_write(&w.folder, "disk", "0123456789");
    lose_link(&w);
    must_be_written(&w, "b/disk");
    must_hold(&w.folder, "disk", "0123456789");
    done(&w);
}

/* What one handle wrote is no reason to lose the other. */
static void two_handles_of_one_file_survive_a_lost_link(void **state)
{
    (void)state;
    struct written w;
    struct remote_file *other = NULL;
    char data[16];
    size_t n = 0;
    must_open(&w);
    assert_int_equal(remote_file_open(w.mount.remote, "disk", SFTP_OPEN_READ, &w.wait, &other), 0);
    must_be_written(&w, "disk");
    lose_link(&w);
    assert_int_equal(remote_file_read(other, 8, 16, &w.wait, data, &n), 0);
    assert_int_equal(n, 6);
    remote_file_free(w.file);
    w.file = NULL;
    lose_link(&w);
    assert_int_equal(remote_file_read(other, 8, 16, &w.wait, data, &n), 0);
    assert_memory_equal(data, "89more", 6);
    remote_file_free(other);
    done(&w);
}

static void whether_a_file_has_its_name_is_seen(void **state)
{
    (void)state;
    struct written w;
    struct sftp_attrs attrs;
    bool named = false;
    must_open(&w);
    assert_int_equal(remote_file_look(w.file, &w.wait, &attrs, &named), 0);
    assert_true(named);
    must_be_written(&w, "disk");
    assert_int_equal(remote_file_look(w.file, &w.wait, &attrs, &named), 0);
    assert_true(named);
    must_write(&w.folder, "other", "another file");
    must_move(&w.folder, "other", "disk");
    for (int i = 0; i < 2; i++) {
        assert_int_equal(remote_file_look(w.file, &w.wait, &attrs, &named), 0);
        assert_false(named);
        assert_int_equal(attrs.size, 14);
    }
    done(&w);
}

/* It is found out by whoever looks, and hinders nobody who means the name. */
static void a_name_that_another_file_has_is_given_up_with_the_link(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct written w;
        struct sftp_attrs attrs;
        bool named = true;
        const bool removed = i == 1;
        must_open(&w);
        must_be_written(&w, "disk");
        must_write(&w.folder, "other", "another file");
        if (removed)
            must_move(&w.folder, "disk", "kept");
        else
            must_move(&w.folder, "other", "disk");
        lose_link(&w);
        assert_int_equal(remote_file_look(w.file, &w.wait, &attrs, &named), -EIO);
        assert_false(named);
        int64_t true_at;
        assert_int_equal(remote_getattr(w.mount.remote, "disk", 0, &w.wait, &attrs, &true_at),
                         removed ? -ENOENT : 0);
        done(&w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_load_survives_a_lost_link),
        cmocka_unit_test(a_commit_survives_a_lost_link),
        cmocka_unit_test(a_lost_answer_does_not_make_a_change_twice),
        cmocka_unit_test(a_rename_survives_a_lost_link),
        cmocka_unit_test(a_removal_survives_a_lost_link),
        cmocka_unit_test(commits_survive_killed_servers),
        cmocka_unit_test(a_stalled_server_fails_commits_in_time),
        cmocka_unit_test(an_open_file_survives_a_lost_link),
        cmocka_unit_test(what_was_written_is_not_looked_for_in_another_file),
        cmocka_unit_test(a_removed_file_is_lost_with_its_link),
        cmocka_unit_test(a_renamed_file_is_found_under_its_new_name),
        cmocka_unit_test(two_handles_of_one_file_survive_a_lost_link),
        cmocka_unit_test(whether_a_file_has_its_name_is_seen),
        cmocka_unit_test(a_name_that_another_file_has_is_given_up_with_the_link),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
