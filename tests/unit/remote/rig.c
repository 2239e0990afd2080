/* SPDX-License-Identifier: MIT */
#include "rig.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "remote/remote_private.h"

enum { PATIENCE_MS = 60 * 1000, CLEAN_MS = 60 * 1000 };

void must_make_folder(struct folder *folder)
{
    *folder = (struct folder){.path = "/tmp/vmxfs-remote-XXXXXX"};
    assert_non_null(mkdtemp(folder->path));
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

void folder_remove(struct folder *folder)
{
    nftw(folder->path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

const char *file_path(const struct folder *folder, const char *name, char *ret)
{
    snprintf(ret, PATH_MAX, "%s/%s", folder->path, name);
    return ret;
}

int file_write(const char *path, const char *text)
{
    FD_AUTO fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0)
        return -errno;
    size_t len = strlen(text);
    for (size_t at = 0; at < len;) {
        ssize_t n = write(fd, text + at, len - at);
        if (n < 0)
            return -errno;
        at += (size_t)n;
    }
    return 0;
}

char *file_text(const char *path)
{
    FD_AUTO fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return NULL;
    BUF_AUTO text = {0};
    ssize_t n = 1;
    while (n > 0) {
        if (buf_reserve(&text, 65536) < 0)
            return NULL;
        n = read(fd, text.data + text.len, 65536);
        text.len += n > 0 ? (size_t)n : 0;
    }
    text.data[text.len] = '\0';
    return n < 0 ? NULL : buf_steal(&text);
}

void must_write(const struct folder *folder, const char *name, const char *text)
{
    char path[PATH_MAX];
    assert_int_equal(file_write(file_path(folder, name, path), text), 0);
}

void must_mkdir(const struct folder *folder, const char *name)
{
    char path[PATH_MAX];
    assert_int_equal(mkdir(file_path(folder, name, path), 0755), 0);
}

void must_link(const struct folder *folder, const char *target, const char *name)
{
    char path[PATH_MAX];
    assert_int_equal(symlink(target, file_path(folder, name, path)), 0);
}

void must_set_age(const struct folder *folder, const char *name, int seconds)
{
    char path[PATH_MAX];
    const struct timespec then = {.tv_sec = time(NULL) - seconds};
    const struct timespec times[2] = {then, then};
    assert_int_equal(utimensat(AT_FDCWD, file_path(folder, name, path), times, AT_SYMLINK_NOFOLLOW),
                     0);
}

bool file_exists(const struct folder *folder, const char *name)
{
    char path[PATH_MAX];
    struct stat st;
    return lstat(file_path(folder, name, path), &st) == 0;
}

struct stat must_lstat(const struct folder *folder, const char *name)
{
    char path[PATH_MAX];
    struct stat st;
    assert_int_equal(lstat(file_path(folder, name, path), &st), 0);
    return st;
}

void must_hold(const struct folder *folder, const char *name, const char *text)
{
    char path[PATH_MAX];
    FREE_AUTO char *found = file_text(file_path(folder, name, path));
    assert_non_null(found);
    assert_string_equal(found, text);
}

static size_t count_entries(const char *path, const char *text)
{
    DIR *dir = opendir(path);
    const struct dirent *e;
    size_t n = 0;
    while (dir && (e = readdir(dir))) {
        bool dots = strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0;
        n += !dots && strstr(e->d_name, text);
    }
    if (dir)
        closedir(dir);
    return n;
}

size_t count_names(const struct folder *folder, const char *text)
{
    return count_entries(folder->path, text);
}

size_t count_in(const struct folder *folder, const char *name)
{
    char path[PATH_MAX];
    return count_entries(file_path(folder, name, path), "");
}

void must_sign(const struct folder *folder, const char *lock, const char *token, int age)
{
    char name[PATH_MAX];
    snprintf(name, sizeof(name), "%s/%s", lock, token);
    must_mkdir(folder, lock);
    must_write(folder, name, "half");
    must_set_age(folder, name, age);
}

/* For nftw, which hands nothing on: of must_age_locks. */
static struct timespec age_times[2];

static int age_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    if (strstr(path, ".vmxfs-"))
        utimensat(AT_FDCWD, path, age_times, AT_SYMLINK_NOFOLLOW);
    return 0;
}

void must_age_locks(const struct folder *folder, int seconds)
{
    age_times[0] = age_times[1] = (struct timespec){.tv_sec = time(NULL) - seconds};
    nftw(folder->path, age_one, 16, FTW_PHYS);
}

char task_state(const char *stat_path)
{
    char stat[256];
    FILE *f = fopen(stat_path, "re");
    size_t n = f ? fread(stat, 1, sizeof(stat) - 1, f) : 0;
    if (f)
        fclose(f);
    stat[n] = '\0';
    const char *name_end = strrchr(stat, ')');
    return name_end ? name_end[strlen(") ")] : '\0';
}

void must_be_clean(const struct folder *folder)
{
    int64_t end = clock_ms() + CLEAN_MS;
    while (count_names(folder, ".vmxfs-") > 0 && clock_ms() < end)
        usleep(5000);
    assert_int_equal(count_names(folder, ".vmxfs-"), 0);
}

/* A token of a process of this machine. */
static const char *token_of_process(pid_t pid, char ret[TOKEN_MAX + 1])
{
    struct token_owner self;
    token_owner_init(&self);
    snprintf(ret, TOKEN_MAX + 1, "%.8s%06xabcdef00000001-root@here", self.process, (unsigned)pid);
    return ret;
}

static pid_t dead_process(void)
{
    pid_t pid = fork();
    if (pid == 0)
        _exit(0);
    assert_true(pid > 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    return pid;
}

const char *token_named(const char *name, char ret[TOKEN_MAX + 1])
{
    if (strcmp(name, "D") == 0)
        return token_of_process(dead_process(), ret);
    if (strcmp(name, "L") == 0)
        return token_of_process(getppid(), ret);
    if (strcmp(name, "S") == 0)
        return token_of_process(getpid(), ret);
    return name;
}

const char *name_in(const char *folder, const char *name, char *ret)
{
    size_t n = strlen(folder);
    assert_true(n + 1 + strlen(name) < PATH_MAX);
    memcpy(ret, folder, n);
    ret[n] = '/';
    strcpy(ret + n + 1, name);
    return ret;
}

struct remote_options default_options(const struct folder *folder)
{
    return (struct remote_options){
        .root = folder->path,
        .timeout_ms = 15000,
        .cache_timeout_ms = 5000,
        .cache_size = 16 << 20,
        .vmx_max = 1 << 20,
    };
}

int mount_start(struct mount *mount, const struct folder *folder,
                const struct remote_options *options)
{
    const struct remote_options plain = default_options(folder);
    struct transport *transport = NULL;
    struct diag why = {0};
    *mount = (struct mount){0};
    int r = local_server_init(&mount->server);
    if (r != 0)
        return r;
    const struct sftp_options sftp_options = {
        .timeout_ms = options ? options->timeout_ms : plain.timeout_ms,
        .connect = local_server_connect,
        .ctx = &mount->server,
    };
    r = local_server_connect(&mount->server, &transport, &why);
    if (r == 0)
        r = sftp_new(transport, &sftp_options, &mount->sftp, &why);
    if (r == 0)
        r = remote_new(mount->sftp, options ? options : &plain, &mount->remote, &why);
    return r;
}

void must_mount(struct mount *mount, const struct folder *folder,
                const struct remote_options *options)
{
    assert_int_equal(mount_start(mount, folder, options), 0);
}

void mount_end(struct mount *mount)
{
    remote_free(mount->remote);
    sftp_free(mount->sftp);
    local_server_done(&mount->server);
}

void mount_as_foreign(struct mount *mount, unsigned machine)
{
    char name[TOKEN_BOOT_LEN + 1];
    snprintf(name, sizeof(name), "f0e1%04x", machine & 0xffffU);
    memcpy(mount->remote->owner.process, name, TOKEN_BOOT_LEN);
}

unsigned long must_count(struct mount *mount, const char *name)
{
    BUF_AUTO text = {0};
    char label[64];
    unsigned long n = 0;
    assert_int_equal(remote_describe(mount->remote, &text), 0);
    int len = snprintf(label, sizeof(label), "\n%s: ", name);
    const char *at = strstr(text.data, label);
    assert_non_null(at);
    assert_int_equal(sscanf(at + len, "%lu", &n), 1);
    return n;
}

static int apply_set(struct change *change, const struct server_text *server,
                     const struct vmx_dict *current, struct buf *ret, struct diag *diag)
{
    struct set *set = (struct set *)change;
    BUF_AUTO value = {0};
    struct vmx_edits edits = {0};
    set->applied++;
    if (set->expected) {
        int r = vmx_dict_get(server->doc->dict, span_of(set->key), &value);
        if (r < 0 || strcmp(value.data, set->expected) != 0)
            return -ECANCELED;
    }
    int r = vmx_edits_set(&edits, span_of(set->key), span_of(set->value));
    if (r == 0)
        r = vmx_edits_apply(&edits, current, ret, diag);
    vmx_edits_done(&edits);
    return r;
}

static void note_committed(struct change *change, const struct document *before,
                           const struct document *after)
{
    struct set *set = (struct set *)change;
    set->committed++;
    set->nothing_to_do = before == after;
}

struct set set_of(const char *key, const char *value)
{
    return (struct set){
        .change = {.apply = apply_set, .committed = note_committed}, .key = key, .value = value};
}

struct wait patience(void)
{
    return wait_for_ms(PATIENCE_MS);
}

int commit_set(struct mount *mount, const char *path, const char *key, const char *value)
{
    struct set set = set_of(key, value);
    struct wait wait = patience();
    return remote_commit(mount->remote, path, &set.change, &wait);
}

int commit_set_in_turn(struct mount *mount, const char *path, const char *key, const char *value)
{
    int r;
    do
        r = commit_set(mount, path, key, value);
    while (r == -ENOLCK || r == -EIO);
    return r;
}

int times_asked_for(int64_t since, int64_t max_age_ms)
{
    return 1 + (int)((clock_ms() - since) / max_age_ms);
}
