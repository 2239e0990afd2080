/* SPDX-License-Identifier: MIT */
/* What the listener of a remote is told of the texts of documents: what was made here, by whom, and
 * what was found. */
#include "relay.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "remote/cache/listing.h"
#include "remote/file/files.h"
#include "sftp/protocol/proto.h"

#define VMX "a.vmx"
#define TEXT "memSize = \"4096\"\n"

enum { THREADS = 16 };

/* What was told, in a line each. */
struct told {
    struct folder folder;
    struct mount mount;
    struct lock lock;
    struct buf text;
    int64_t wall_ms; /* of the last sight */
    bool torn;       /* a change did not begin with what the one before it made */
    struct buf after;
};

static void tell(struct told *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void tell(struct told *t, const char *format, ...)
{
    char line[512];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    for (char *c = line; *c; c++)
        *c = *c == '\n' ? '/' : *c;
    assert_int_equal(buf_add_str(&t->text, line) ?: buf_add_char(&t->text, '\n'), 0);
}

static void committed(void *ctx, const char *path, bool existed, struct span before,
                      struct span after, const struct remote_by *by)
{
    struct told *t = ctx;
    lock_take(&t->lock);
    tell(t, "%s %s by %d %s: %.*s -> %.*s", path, existed ? "changed" : "made", (int)by->uid,
         by->program, (int)before.n, before.p ? before.p : "", (int)after.n,
         after.p ? after.p : "");
    t->torn |= t->after.len > 0 && !span_eq(buf_span(&t->after), before);
    buf_clear(&t->after);
    assert_int_equal(buf_add(&t->after, after), 0);
    lock_drop(&t->lock);
}

static void renamed(void *ctx, const char *from, const char *to, const struct remote_by *by)
{
    struct told *t = ctx;
    lock_take(&t->lock);
    tell(t, "%s became %s by %d %s", from, to, (int)by->uid, by->program);
    lock_drop(&t->lock);
}

static void removed(void *ctx, const char *path, const struct remote_by *by)
{
    struct told *t = ctx;
    lock_take(&t->lock);
    tell(t, "%s removed by %d %s", path, (int)by->uid, by->program);
    lock_drop(&t->lock);
}

static void seen(void *ctx, const char *path, struct span text, int64_t wall_ms)
{
    struct told *t = ctx;
    lock_take(&t->lock);
    tell(t, "%s seen: %.*s", path, (int)text.n, text.p);
    t->wall_ms = wall_ms;
    lock_drop(&t->lock);
}

static void gone(void *ctx, const char *path, int64_t wall_ms)
{
    struct told *t = ctx;
    lock_take(&t->lock);
    tell(t, "%s gone", path);
    t->wall_ms = wall_ms;
    lock_drop(&t->lock);
}

static const struct remote_by me = {.uid = 7, .program = "echo"};

static void must_listen(struct told *t)
{
    lock_init(&t->lock);
    remote_listen(t->mount.remote, &(struct remote_listener){.committed = committed,
                                                             .renamed = renamed,
                                                             .removed = removed,
                                                             .seen = seen,
                                                             .gone = gone,
                                                             .ctx = t});
}

static void must_begin(struct told *t)
{
    *t = (struct told){.torn = false};
    must_make_folder(&t->folder);
    must_write(&t->folder, VMX, TEXT);
    must_set_age(&t->folder, VMX, 3600);
    struct remote_options options = default_options(&t->folder);
    options.cache_timeout_ms = 0;
    must_mount(&t->mount, &t->folder, &options);
    must_listen(t);
}

static void must_end(struct told *t)
{
    mount_end(&t->mount);
    folder_remove(&t->folder);
    lock_done(&t->lock);
    buf_done(&t->text);
    buf_done(&t->after);
}

/* Just this was told since the last time. */
static void must_be_told(struct told *t, const char *text)
{
    assert_string_equal(t->text.data ? t->text.data : "", text);
    buf_done(&t->text);
}

static int set_by_me(struct mount *mount, const char *path, const char *key, const char *value)
{
    struct set set = set_of(key, value);
    struct wait wait = patience();
    set.change.by = me;
    return remote_commit(mount->remote, path, &set.change, &wait);
}

static int look(struct mount *mount, const char *path)
{
    struct wait wait = patience();
    DOCUMENT_AUTO *d = NULL;
    return remote_document(mount->remote, path, 0, &wait, &d);
}

static int list(struct mount *mount, const char *dir)
{
    struct wait wait = patience();
    LISTING_AUTO *l = NULL;
    return remote_list(mount->remote, dir, 0, &wait, &l);
}

static void a_text_is_seen_once_and_again_when_others_have_changed_it(void **state)
{
    struct told t;
    (void)state;
    must_begin(&t);
    const int64_t began = clock_wall_ms();
    assert_int_equal(look(&t.mount, VMX), 0);
    must_be_told(&t, "a.vmx seen: memSize = \"4096\"/\n");
    assert_true(t.wall_ms >= began - 1 && t.wall_ms <= clock_wall_ms());
    assert_int_equal(look(&t.mount, VMX), 0);
    must_set_age(&t.folder, VMX, 1800); /* touched */
    assert_int_equal(look(&t.mount, VMX), 0);
    must_be_told(&t, "");
    must_write(&t.folder, VMX, "memSize = \"12\"\n");
    assert_int_equal(look(&t.mount, VMX), 0);
    must_be_told(&t, "a.vmx seen: memSize = \"12\"/\n");
    must_end(&t);
}

static void what_is_made_here_is_told_with_who_asked_and_is_not_seen(void **state)
{
    struct told t;
    struct wait wait = patience();
    (void)state;
    must_begin(&t);
    assert_int_equal(set_by_me(&t.mount, VMX, "memSize", "1"), 0);
    assert_int_equal(look(&t.mount, VMX), 0);
    must_be_told(&t,
                 "a.vmx seen: memSize = \"4096\"/\n"
                 "a.vmx changed by 7 echo: memSize = \"4096\"/ -> memSize = \"1\"/\n");
    assert_int_equal(set_by_me(&t.mount, VMX, "memSize", "1"), 0); /* nothing to do */
    struct set refused = set_of("memSize", "2");
    refused.expected = "4096";
    assert_int_equal(remote_commit(t.mount.remote, VMX, &refused.change, &wait), -ECANCELED);
    must_be_told(&t, "");
    assert_int_equal(remote_create_vmx(t.mount.remote, "b.vmx", &me, &wait), 0);
    must_be_told(&t, "b.vmx made by 7 echo:  -> \n");
    must_end(&t);
}

static void the_text_before_a_change_is_what_the_server_had(void **state)
{
    struct told t;
    (void)state;
    must_begin(&t);
    assert_int_equal(look(&t.mount, VMX), 0);
    must_be_told(&t, "a.vmx seen: memSize = \"4096\"/\n");
    must_write(&t.folder, VMX, TEXT "x = \"1\"\n");
    assert_int_equal(set_by_me(&t.mount, VMX, "memSize", "1"), 0);
    must_be_told(&t,
                 "a.vmx changed by 7 echo: memSize = \"4096\"/x = \"1\"/ -> "
                 "memSize = \"1\"/x = \"1\"/\n");
    must_end(&t);
}

static void must_have_told(const struct told *t, const char *line)
{
    assert_true(t->text.data && strstr(t->text.data, line));
}

static void moves_are_told(void **state)
{
    struct told t;
    struct wait wait = patience();
    struct diag diag;
    (void)state;
    must_begin(&t);
    struct remote *remote = t.mount.remote;
    assert_int_equal(
        remote_rename_vmx(remote, VMX, "b.vmx", MOVE_ONTO_NOTHING, &me, &wait, &diag, NULL), 0);
    must_be_told(&t, "a.vmx became b.vmx by 7 echo\n");
    assert_int_equal(
        remote_rename_vmx(remote, "b.vmx", "b.old", MOVE_ONTO_ANY, &me, &wait, &diag, NULL), 0);
    must_be_told(&t, "b.vmx removed by 7 echo\n");
    must_write(&t.folder, VMX, TEXT);
    assert_int_equal(remote_remove_vmx(remote, VMX, &me, &wait, &diag), 0);
    must_be_told(&t, "a.vmx removed by 7 echo\n");
    assert_int_equal(remote_remove_vmx(remote, VMX, &me, &wait, &diag), -ENOENT);
    must_be_told(&t, "");
    /* What was no .vmx is made here. */
    assert_int_equal(
        remote_rename_vmx(remote, "b.old", "c.vmx", MOVE_ONTO_NOTHING, &me, &wait, &diag, NULL), 0);
    must_be_told(&t,
                 "c.vmx seen: memSize = \"4096\"/\n"
                 "c.vmx made by 7 echo:  -> memSize = \"4096\"/\n");
    must_end(&t);
}

static void what_is_in_a_folder_moves_with_it(void **state)
{
    struct told t;
    struct wait wait = patience();
    (void)state;
    must_begin(&t);
    must_mkdir(&t.folder, "vm");
    must_mkdir(&t.folder, "vm/in");
    must_write(&t.folder, "vm/in/b.vmx", TEXT);
    must_write(&t.folder, "vm2.vmx", TEXT);
    assert_int_equal(look(&t.mount, "vm/in/b.vmx"), 0);
    assert_int_equal(look(&t.mount, "vm2.vmx"), 0);
    buf_clear(&t.text);
    assert_int_equal(remote_rename(t.mount.remote, "vm", "new", false, NULL, &me, &wait), 0);
    must_be_told(&t, "vm/in/b.vmx became new/in/b.vmx by 7 echo\n");
    /* Also what is only listed, and what nobody has looked at. */
    const struct sftp_attrs folder = {.flags = SFTP_ATTR_MODE, .mode = S_IFDIR | 0755};
    must_write(&t.folder, "new/c.vmx", TEXT);
    must_write(&t.folder, "new/in/d.vmx", TEXT);
    assert_int_equal(list(&t.mount, "new/in"), 0);
    assert_int_equal(remote_rename(t.mount.remote, "new", "last", false, &folder, &me, &wait), 0);
    must_have_told(&t, "new/c.vmx became last/c.vmx by 7 echo\n");
    must_have_told(&t, "new/in/b.vmx became last/in/b.vmx by 7 echo\n");
    must_have_told(&t, "new/in/d.vmx became last/in/d.vmx by 7 echo\n");
    must_end(&t);
}

static void what_others_remove_is_gone(void **state)
{
    struct told t;
    char path[PATH_MAX];
    (void)state;
    must_begin(&t);
    must_mkdir(&t.folder, "vm");
    must_write(&t.folder, "vm/b.vmx", TEXT);
    must_write(&t.folder, "c.vmx", TEXT);
    assert_int_equal(look(&t.mount, VMX) ?: look(&t.mount, "vm/b.vmx") ?: list(&t.mount, ""), 0);
    buf_clear(&t.text);
    assert_int_equal(unlink(file_path(&t.folder, VMX, path)), 0);
    const int64_t began = clock_wall_ms();
    assert_int_equal(look(&t.mount, VMX), -ENOENT);
    must_be_told(&t, "a.vmx gone\n");
    assert_true(t.wall_ms >= began - 1 && t.wall_ms <= clock_wall_ms());
    assert_int_equal(look(&t.mount, VMX), -ENOENT);
    assert_int_equal(list(&t.mount, ""), 0);
    must_be_told(&t, "");
    /* Never read, but listed; and below a folder that went with it. */
    assert_int_equal(unlink(file_path(&t.folder, "c.vmx", path)), 0);
    assert_int_equal(unlink(file_path(&t.folder, "vm/b.vmx", path)), 0);
    assert_int_equal(rmdir(file_path(&t.folder, "vm", path)), 0);
    assert_int_equal(list(&t.mount, ""), 0);
    must_be_told(&t, "c.vmx gone\nvm/b.vmx gone\n");
    /* Of a folder that is listed for the first time, too. */
    must_mkdir(&t.folder, "new");
    must_write(&t.folder, "new/d.vmx", TEXT);
    assert_int_equal(look(&t.mount, "new/d.vmx"), 0);
    buf_clear(&t.text);
    assert_int_equal(unlink(file_path(&t.folder, "new/d.vmx", path)), 0);
    assert_int_equal(list(&t.mount, "new"), 0);
    must_be_told(&t, "new/d.vmx gone\n");
    must_end(&t);
}

struct writer {
    struct mount *mount;
    char key[16];
    int result;
    pthread_t thread;
};

static void *write_key(void *ctx)
{
    struct writer *w = ctx;
    for (int i = 0; i < 8 && w->result == 0; i++) {
        char value[16];
        snprintf(value, sizeof(value), "%d", i);
        w->result = set_by_me(w->mount, VMX, w->key, value);
    }
    return NULL;
}

static void each_change_of_a_joined_commit_is_told_in_its_order(void **state)
{
    struct told t;
    struct writer writers[THREADS] = {{.result = 0}};
    char path[PATH_MAX];
    (void)state;
    must_begin(&t);
    for (int i = 0; i < THREADS; i++) {
        writers[i].mount = &t.mount;
        snprintf(writers[i].key, sizeof(writers[i].key), "key%d", i);
        assert_int_equal(pthread_create(&writers[i].thread, NULL, write_key, &writers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(writers[i].thread, NULL);
        assert_int_equal(writers[i].result, 0);
    }
    assert_true(must_count(&t.mount, "commits-joined") > 0);
    assert_false(t.torn);
    size_t lines = 0;
    for (const char *at = t.text.data; (at = strstr(at, " changed by 7 echo: ")); at++)
        lines++;
    assert_int_equal(lines, THREADS * 8);
    char *text = file_text(file_path(&t.folder, VMX, path));
    assert_string_equal(text, t.after.data);
    free(text);
    must_end(&t);
}

/* ---- answers that are lost, and editors that take no lock */

static void note_decision(void *ctx, const struct relay_request *request)
{
    atomic_int *number = ctx;
    if (atomic_load(number) == 0 && relay_is_install(request))
        atomic_store(number, request->number);
}

/* Returns the number of the request that decided. */
static int commit_with_a_cut(enum relay_cut cut, int at)
{
    struct told t = {.torn = false};
    struct relay relay;
    atomic_int decision = 0;
    must_make_folder(&t.folder);
    must_write(&t.folder, VMX, TEXT);
    must_make_relay(&relay);
    relay.before = note_decision;
    relay.ctx = &decision;
    must_mount_relay(&t.mount, &relay, &t.folder, NULL);
    must_listen(&t);
    assert_int_equal(look(&t.mount, VMX), 0);
    buf_clear(&t.text);
    relay_restart(&relay, cut, at);
    assert_int_equal(set_by_me(&t.mount, VMX, "memSize", "1"), 0);
    must_hold(&t.folder, VMX, "memSize = \"1\"\n");
    const char *line = strstr(t.text.data, "a.vmx changed");
    assert_string_equal(line, "a.vmx changed by 7 echo: memSize = \"4096\"/ -> memSize = \"1\"/\n");
    mount_end_relay(&t.mount, &relay);
    folder_remove(&t.folder);
    lock_done(&t.lock);
    buf_done(&t.text);
    buf_done(&t.after);
    return atomic_load(&decision);
}

static void a_change_whose_answer_was_lost_is_told_once(void **state)
{
    (void)state;
    const int at = commit_with_a_cut(RELAY_CUT_NONE, 0);
    commit_with_a_cut(RELAY_CUT_BEFORE, at);
    commit_with_a_cut(RELAY_CUT_AFTER, at);
}

struct editor {
    const struct folder *folder;
    int looks; /* of the commit at its target, which replaces it after the third */
};

static void edit_when_it_is_replaced(void *ctx, const struct relay_request *request)
{
    struct editor *e = ctx;
    char target[PATH_MAX];
    char own[PATH_MAX];
    file_path(e->folder, VMX, target);
    if (request->type != SSH_FXP_LSTAT || strcmp(request->text, target) != 0 || ++e->looks != 3)
        return;
    file_write(file_path(e->folder, "own", own), TEXT "theirs = \"1\"\n");
    rename(own, target);
}

static void what_a_merge_adds_is_seen(void **state)
{
    struct told t = {.torn = false};
    struct editor editor = {.folder = &t.folder};
    struct relay relay;
    (void)state;
    must_make_folder(&t.folder);
    must_write(&t.folder, VMX, TEXT);
    must_set_age(&t.folder, VMX, 3600);
    must_make_relay(&relay);
    relay.before = edit_when_it_is_replaced;
    relay.ctx = &editor;
    must_mount_relay(&t.mount, &relay, &t.folder, NULL);
    must_listen(&t);
    assert_int_equal(look(&t.mount, VMX), 0);
    buf_clear(&t.text);
    editor.looks = 0;
    assert_int_equal(set_by_me(&t.mount, VMX, "memSize", "1"), 0);
    must_hold(&t.folder, VMX, "memSize = \"1\"\ntheirs = \"1\"\n");
    must_be_told(&t,
                 "a.vmx changed by 7 echo: memSize = \"4096\"/ -> memSize = \"1\"/\n"
                 "a.vmx seen: memSize = \"1\"/theirs = \"1\"/\n");
    mount_end_relay(&t.mount, &relay);
    folder_remove(&t.folder);
    lock_done(&t.lock);
    buf_done(&t.text);
    buf_done(&t.after);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_is_seen_once_and_again_when_others_have_changed_it),
        cmocka_unit_test(what_is_made_here_is_told_with_who_asked_and_is_not_seen),
        cmocka_unit_test(the_text_before_a_change_is_what_the_server_had),
        cmocka_unit_test(moves_are_told),
        cmocka_unit_test(what_is_in_a_folder_moves_with_it),
        cmocka_unit_test(what_others_remove_is_gone),
        cmocka_unit_test(each_change_of_a_joined_commit_is_told_in_its_order),
        cmocka_unit_test(a_change_whose_answer_was_lost_is_told_once),
        cmocka_unit_test(what_a_merge_adds_is_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
