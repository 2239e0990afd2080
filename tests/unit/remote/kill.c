/* SPDX-License-Identifier: MIT */
/*
 * Processes that end, or stop, in the middle of a commit. This program is started by itself to play
 * them: kill-test commit ROOT KEY VALUE, or kill-test count ROOT.
 */
#include "rig.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"

#define VMX "a.vmx"
#define LOCK ".a.vmx.vmxfs-lock"

enum { KILLS = 60, STOPS = 20, PAD = 20000, NEXT_COMMIT_MS = 30000 };

static int play_commit(struct mount *mount, const char *key, const char *value)
{
    return commit_set(mount, VMX, key, value) == 0 ? 0 : 1;
}

/* Counts up, and says each number that is on the server. */
static int play_count(struct mount *mount)
{
    struct wait wait = patience();
    DOCUMENT_AUTO *d = NULL;
    BUF_AUTO value = {0};
    int r = remote_document(mount->remote, VMX, 0, &wait, &d);
    if (r == 0)
        r = vmx_dict_get(d->dict, SPAN_LITERAL("count"), &value);
    unsigned n = 0;
    if (r < 0 || sscanf(value.data, "%u", &n) != 1)
        return 2;
    for (;;) {
        char next[16];
        snprintf(next, sizeof(next), "%u", ++n);
        if (commit_set(mount, VMX, "count", next) != 0)
            return 1;
        if (write(STDOUT_FILENO, &n, sizeof(n)) != sizeof(n))
            return 0;
    }
}

static int play(int argc, char **argv)
{
    struct folder folder;
    struct mount mount;
    snprintf(folder.path, sizeof(folder.path), "%s", argv[2]);
    if (mount_start(&mount, &folder, NULL) != 0)
        return 3;
    rmdir(mount.server.dir); /* not needed, and nobody removes it after a kill */
    int r = argc == 5 ? play_commit(&mount, argv[3], argv[4]) : play_count(&mount);
    mount_end(&mount);
    return r;
}

/* Starts this program. ret_fd: what it writes, or NULL. */
static pid_t must_start(const struct folder *folder, const char *const more[2], int *ret_fd)
{
    int ends[2] = {-1, -1};
    if (ret_fd)
        assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    pid_t pid = fork();
    if (pid == 0) {
        if (ret_fd)
            dup2(ends[1], STDOUT_FILENO);
        execl("/proc/self/exe", "kill-test", more ? "commit" : "count", folder->path,
              more ? more[0] : NULL, more ? more[1] : NULL, (char *)NULL);
        _exit(127);
    }
    assert_true(pid > 0);
    if (ret_fd) {
        close(ends[1]);
        *ret_fd = ends[0];
    }
    return pid;
}

static void must_write_counter(const struct folder *folder)
{
    static char text[PAD + 100];
    int n = snprintf(text, sizeof(text), "count = \"0\"\npad = \"");
    memset(text + n, 'p', PAD);
    strcpy(text + n + PAD, "\"\nend = \"yes\"\n");
    must_write(folder, VMX, text);
}

/* The number in the file, which must be whole. */
static unsigned must_be_whole(const struct folder *folder)
{
    char path[PATH_MAX];
    unsigned count = 0;
    int at = 0;
    FREE_AUTO char *text = file_text(file_path(folder, VMX, path));
    assert_non_null(text);
    assert_int_equal(sscanf(text, "count = \"%u\"\npad = \"%n", &count, &at), 1);
    assert_true(at > 0);
    assert_int_equal(strspn(text + at, "p"), PAD);
    assert_string_equal(text + at + PAD, "\"\nend = \"yes\"\n");
    return count;
}

/* Reads the numbers that a child has said, until none comes for a while. */
static unsigned last_said(int fd, int ms, unsigned last)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    unsigned n;
    while (poll(&p, 1, ms) > 0 && read(fd, &n, sizeof(n)) == sizeof(n)) {
        last = n;
        ms = 0;
    }
    return last;
}

static void a_killed_process_leaves_the_old_file_or_the_new(void **state)
{
    (void)state;
    struct folder folder;
    unsigned seed = 12345;
    unsigned last = 0;
    must_make_folder(&folder);
    must_write_counter(&folder);
    for (int i = 0; i < KILLS; i++) {
        int fd = -1;
        int64_t began = clock_ms();
        pid_t pid = must_start(&folder, NULL, &fd);
        unsigned first = last_said(fd, NEXT_COMMIT_MS, last);
        /* It is not kept waiting by what the one before it left. */
        if (first <= last)
            print_error("round %d: nothing within %d ms\n", i, (int)(clock_ms() - began));
        assert_true(first > last);
        usleep((useconds_t)rand_r(&seed) % 12000);
        kill(pid, SIGKILL);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
        last = last_said(fd, 0, first);
        close(fd);
        usleep(2000); /* its server still does what it was asked to */
        unsigned count = must_be_whole(&folder);
        assert_true(count == last || count == last + 1);
        last = count;
    }
    struct mount mount;
    must_mount(&mount, &folder, NULL);
    assert_int_equal(commit_set(&mount, VMX, "count", "1"), 0);
    mount_end(&mount);
    must_be_clean(&folder);
    folder_remove(&folder);
}

static char state_of(pid_t pid)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    return task_state(path);
}

/* Waits until the server of a stopped process has done what it was asked to. It may have been
 * closed before. */
static void must_await_server(pid_t pid)
{
    char path[64];
    int server = 0;
    snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)pid, (int)pid);
    FREE_AUTO char *children = file_text(path);
    assert_non_null(children);
    while (sscanf(children, "%d", &server) == 1 && state_of(server) != 'S' &&
           state_of(server) != 'Z' && state_of(server) != '\0')
        usleep(1000);
}

/* Stops a process that holds the lock. False when it was too quick. */
static bool stop_in_the_middle(const struct folder *folder, pid_t pid, useconds_t delay)
{
    while (count_in(folder, LOCK) == 0 && state_of(pid) != 'Z')
        usleep(50);
    usleep(delay);
    kill(pid, SIGSTOP);
    while (state_of(pid) != 'T' && state_of(pid) != 'Z')
        usleep(50);
    if (state_of(pid) == 'T')
        must_await_server(pid);
    return count_in(folder, LOCK) > 0;
}

static void a_stopped_process_does_not_install_an_old_text(void **state)
{
    (void)state;
    static const char *const edit[2] = {"slow", "1"};
    struct folder folder;
    struct mount mount;
    char path[PATH_MAX];
    int stopped = 0;
    unsigned seed = 4711;
    must_make_folder(&folder);
    must_mount(&mount, &folder, NULL);
    for (int i = 0; i < STOPS; i++) {
        int status = 0;
        must_write_counter(&folder);
        pid_t pid = must_start(&folder, edit, NULL);
        bool middle = stop_in_the_middle(&folder, pid, (useconds_t)rand_r(&seed) % 3000);
        if (middle) {
            stopped++;
            must_age_locks(&folder, i % 2 ? 62 : -62);
        }
        assert_int_equal(commit_set(&mount, VMX, "quick", "1"), 0);
        kill(pid, SIGCONT);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        FREE_AUTO char *text = file_text(file_path(&folder, VMX, path));
        assert_non_null(strstr(text, "end = \"yes\"\n"));
        assert_non_null(strstr(text, "quick = \"1\"\n"));
        if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
            assert_non_null(strstr(text, "slow = \"1\"\n"));
        must_be_clean(&folder);
    }
    print_message("stopped in the middle: %d of %d\n", stopped, (int)STOPS);
    assert_true(stopped > STOPS / 4);
    mount_end(&mount);
    folder_remove(&folder);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_killed_process_leaves_the_old_file_or_the_new),
        cmocka_unit_test(a_stopped_process_does_not_install_an_old_text),
    };
    if (argc > 1)
        return play(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
