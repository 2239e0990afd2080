/* SPDX-License-Identifier: MIT */
/* Commands through a shell: what comes back whatever they print and however they end, and what is
 * made of peers that are no shells. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "host/shell/exec.h"

enum { LONG_MS = 60 * 1000 }; /* nothing here takes that long, on whatever machine */

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

/* What a connection leads to. */
struct end {
    const char *const *argv; /* a program; NULL: the other end is kept here */
    sem_t *held;             /* NULL, or: posted when it may be there */
    int error;               /* instead of one */
    bool over;               /* the program has ended before it is heard */
    atomic_int made;
    atomic_int fd; /* the other end of the last one, without a program */
};

static int spawn(const char *const *argv, int fd, pid_t *ret)
{
    pid_t pid = fork();
    if (pid < 0)
        return -errno;
    if (pid == 0) {
        dup2(fd, STDIN_FILENO);
        dup2(fd, STDOUT_FILENO);
        execvp(argv[0], (char *const *)(uintptr_t)argv);
        _exit(126);
    }
    *ret = pid;
    return 0;
}

static int connect_end(void *ctx, struct transport **ret, struct diag *why)
{
    struct end *end = ctx;
    int ends[2];
    pid_t pid = 0;
    atomic_fetch_add(&end->made, 1);
    if (end->held)
        sem_wait(end->held);
    if (end->error) {
        diag_set(why, "no way");
        return end->error;
    }
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
        return -errno;
    if (end->argv && spawn(end->argv, ends[1], &pid) < 0)
        return -EIO;
    siginfo_t ended;
    if (end->over)
        waitid(P_PID, (id_t)pid, &ended, WEXITED | WNOWAIT);
    if (end->argv)
        close(ends[1]);
    else
        atomic_store(&end->fd, ends[1]);
    return transport_from_fd(ends[0], pid, "test", ret);
}

static struct exec *exec_with(struct end *end, int idle_ms)
{
    const struct exec_options options = {.connect = connect_end, .ctx = end, .idle_ms = idle_ms};
    struct exec *e;
    assert_int_equal(exec_new(&options, &e), 0);
    return e;
}

static struct exec *exec_of(struct end *end)
{
    return exec_with(end, 0);
}

/* Its result, with output and status. */
static int run(struct exec *e, int ms, const char *const *words, struct buf *ret_out,
               int *ret_status)
{
    const struct wait wait = wait_for_ms(ms);
    struct diag why = {0};
    buf_clear(ret_out);
    int r = exec_run(e, words, &wait, ret_out, ret_status, &why);
    assert_int_equal(r < 0, why.text[0] != '\0');
    return r;
}

static void must_print(struct exec *e, const char *const *words, struct span expected, int status)
{
    BUF_AUTO out = {0};
    int got = -1;
    assert_int_equal(run(e, LONG_MS, words, &out, &got), 0);
    assert_int_equal(out.len, expected.n);
    if (expected.n > 0)
        assert_memory_equal(out.data, expected.p, expected.n);
    assert_int_equal(got, status);
}

static const char *const sh[] = {"/bin/sh", NULL};
static const char *const ash[] = {"busybox", "ash", NULL};
static const char *const bash[] = {"bash", NULL};
static const char *const *const shells[] = {sh, ash, bash};
enum { SHELLS = 3 };

static void a_word_is_quoted_whole(void **state)
{
    (void)state;
    static const char *const table[][2] = {
        {"", "''"},
        {"a b", "'a b'"},
        {"it's", "'it'\\''s'"},
        {"$(id) `id` \"x\" \\", "'$(id) `id` \"x\" \\'"},
        {"'", "''\\'''"},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        BUF_AUTO out = {0};
        assert_int_equal(buf_add_quoted(&out, span_of(table[i][0])), 0);
        assert_string_equal(out.data, table[i][1]);
    }
}

static void no_name_is_more_than_a_word(void **state)
{
    (void)state;
    static const char *const names[] = {
        "",
        "it's [here] \"now\"",
        "$(touch /tmp/x) `id` ${HOME} $HOME",
        "; exit 3; #",
        "' ; exit 3 ; '",
        "''\\''",
        "a\\nb\\",
        "-n",
        "*",
        "~",
        "a=b",
        "\t\r\x01\x7f",
        "\x80\x81\x82\x83\x84\x85\x86\x87\x88\x89\xff",
        "\xc3\xa9\xe2\x82\xac",
        "&& false || true &",
    };
    for (size_t s = 0; s < SHELLS; s++) {
        struct end end = {.argv = shells[s]};
        struct exec *e = exec_of(&end);
        for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
            must_print(e, WORDS("printf", "%s", names[i]), span_of(names[i]), 0);
        exec_free(e);
    }
}

static void status_and_output_are_the_command_s(void **state)
{
    (void)state;
    static const struct {
        const char *command, *output;
        int status;
    } table[] = {
        {"true", "", 0},
        {"exit 3", "", 3},
        {"echo one; echo two >&2; exit 255", "one\ntwo\n", 255},
        {"printf 'no newline'", "no newline", 0},
        {"printf '\\n'", "\n", 0},
        {"printf '\\n\\n'", "\n\n", 0},
        {"cat; echo read", "read\n", 0},
        {"kill -9 $$", "", 137},
        {"echo \"$LC_ALL $PWD\"", "C /\n", 0},
        {"printf '\\n00000000000000000000000000000000:1 0\\n'",
         "\n00000000000000000000000000000000:1 0\n", 0},
    };
    for (size_t s = 0; s < SHELLS; s++) {
        struct end end = {.argv = shells[s]};
        struct exec *e = exec_of(&end);
        for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
            must_print(e, WORDS("sh", "-c", table[i].command), span_of(table[i].output),
                       table[i].status);
        assert_int_equal(end.made, 1);
        exec_free(e);
    }
}

/* Its builtins run in a subshell. */
static void the_shell_is_not_changed_or_ended_by_its_commands(void **state)
{
    (void)state;
    for (size_t s = 0; s < SHELLS; s++) {
        struct end end = {.argv = shells[s]};
        struct exec *e = exec_of(&end);
        must_print(e, WORDS("exit", "7"), span_of(""), 7);
        must_print(e, WORDS("exec", "false"), span_of(""), 1);
        must_print(e, WORDS("cd", "/tmp"), span_of(""), 0);
        must_print(e, WORDS("eval", "exit 9"), span_of(""), 9);
        must_print(e, WORDS("exec"), span_of(""), 0);
        must_print(e, WORDS("pwd"), span_of("/\n"), 0);
        assert_int_equal(end.made, 1);
        exec_free(e);
    }
}

static void a_word_with_a_newline_is_refused(void **state)
{
    (void)state;
    struct end end = {.argv = sh};
    struct exec *e = exec_of(&end);
    BUF_AUTO out = {0};
    int status;
    assert_int_equal(run(e, 1000, WORDS("echo", "a\nb"), &out, &status), -EINVAL);
    assert_int_equal(end.made, 0);
    exec_free(e);
}

static void output_may_be_anything_up_to_its_limit(void **state)
{
    (void)state;
    struct end end = {.argv = sh};
    struct exec *e = exec_of(&end);
    BUF_AUTO out = {0};
    int status = -1;
    assert_int_equal(run(e, LONG_MS, WORDS("head", "-c", "8388608", "/dev/zero"), &out, &status),
                     0);
    assert_int_equal(out.len, 8388608);
    assert_int_equal(status, 0);
    assert_int_equal(end.made, 1);
    assert_int_equal(run(e, LONG_MS, WORDS("head", "-c", "8388609", "/dev/zero"), &out, &status),
                     -EFBIG);
    assert_int_equal(run(e, LONG_MS, WORDS("cat", "/dev/zero"), &out, &status), -EFBIG);
    assert_int_equal(out.len, 0);
    must_print(e, WORDS("echo", "on"), span_of("on\n"), 0);
    assert_int_equal(end.made, 3);
    exec_free(e);
}

static void what_comes_too_late_is_of_no_other_command(void **state)
{
    (void)state;
    struct end end = {.argv = sh};
    struct exec *e = exec_of(&end);
    BUF_AUTO out = {0};
    int status;
    int64_t before = clock_ms();
    assert_int_equal(run(e, 200, WORDS("sh", "-c", "sleep 0.5; echo late"), &out, &status), -EIO);
    while (clock_ms() - before < 1000)
        must_print(e, WORDS("echo", "now"), span_of("now\n"), 0);
    assert_int_equal(end.made, 2);
    /* What stays behind in the background, too. */
    must_print(e, WORDS("sh", "-c", "(sleep 0.2; echo later) & echo soon"), span_of("soon\n"), 0);
    usleep(500000);
    must_print(e, WORDS("echo", "now"), span_of("now\n"), 0);
    exec_free(e);
}

static bool soon(void *ctx)
{
    return clock_ms() > *(const int64_t *)ctx;
}

static void an_interrupt_ends_the_wait(void **state)
{
    (void)state;
    struct end end = {.argv = sh};
    struct exec *e = exec_of(&end);
    BUF_AUTO out = {0};
    int status;
    struct diag why = {0};
    int64_t when = clock_ms() + 200;
    struct wait wait = {.deadline = when + 100000, .interrupted = soon, .ctx = &when};
    assert_int_equal(exec_run(e, WORDS("sleep", "100"), &wait, &out, &status, &why), -EINTR);
    must_print(e, WORDS("echo", "on"), span_of("on\n"), 0);
    exec_free(e);
}

static void a_command_goes_out_once(void **state)
{
    (void)state;
    char name[] = "/tmp/vmxfs-exec-XXXXXX";
    char command[128];
    assert_true(mkdtemp(name) != NULL);
    /* The shell is its parent: the subshell has become the command. */
    snprintf(command, sizeof(command), "echo x >>%s/log; kill -9 $PPID; sleep 1", name);
    struct end end = {.argv = sh};
    struct exec *e = exec_of(&end);
    BUF_AUTO out = {0};
    int status;
    must_print(e, WORDS("echo", "up"), span_of("up\n"), 0);
    assert_int_equal(run(e, LONG_MS, WORDS("sh", "-c", command), &out, &status), -EIO);
    snprintf(command, sizeof(command), "cat %s/log; rm -r %s", name, name);
    must_print(e, WORDS("sh", "-c", command), span_of("x\n"), 0);
    assert_int_equal(end.made, 2);
    exec_free(e);
}

/* It died while nobody used it: nothing of the command was sent. */
static void a_connection_lost_while_idle_is_made_anew(void **state)
{
    (void)state;
    struct end end = {.argv = sh};
    struct exec *e = exec_of(&end);
    BUF_AUTO out = {0};
    int status;
    int shell;
    siginfo_t ended;
    static const char dying[] = "(sleep 0.2; kill -9 $PPID) >/dev/null 2>&1 & echo $PPID";
    assert_int_equal(run(e, LONG_MS, WORDS("sh", "-c", dying), &out, &status), 0);
    assert_int_equal(sscanf(out.data, "%d", &shell), 1);
    assert_int_equal(waitid(P_PID, (id_t)shell, &ended, WEXITED | WNOWAIT), 0);
    must_print(e, WORDS("echo", "two"), span_of("two\n"), 0);
    assert_int_equal(end.made, 2);
    exec_free(e);
}

static void noise_before_the_shell_is_passed_over(void **state)
{
    (void)state;
    static const char *const noisy[] = {"sh", "-c",
                                        "echo; echo Welcome; printf '0:0 0\\n> '; exec sh", NULL};
    struct end end = {.argv = noisy};
    struct exec *e = exec_of(&end);
    must_print(e, WORDS("echo", "on"), span_of("on\n"), 0);
    exec_free(e);
}

static void what_is_no_shell_is_not_asked_again(void **state)
{
    (void)state;
    static const char *const says_no[] = {"sh", "-c", "echo no shells here; exit 1", NULL};
    static const char *const ends[] = {"true", NULL};
    static const char *const floods[] = {"cat", "/dev/zero", NULL};
    static const char *const *const table[] = {says_no, ends, floods};
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct end end = {.argv = table[i]};
        struct exec *e = exec_of(&end);
        BUF_AUTO out = {0};
        int status;
        for (int n = 0; n < 3; n++)
            assert_int_equal(run(e, LONG_MS, WORDS("true"), &out, &status), -EOPNOTSUPP);
        assert_int_equal(end.made, 1);
        exec_free(e);
    }
}

static void a_server_s_words_cannot_reach_the_terminal(void **state)
{
    (void)state;
    static const char *const says[] = {"printf", "no \033[31mshells\a here\r\nbye\n", NULL};
    for (int over = 0; over < 2; over++) {
        struct end end = {.argv = says, .over = over};
        struct exec *e = exec_of(&end);
        const struct wait wait = wait_for_ms(LONG_MS);
        struct diag why = {0};
        BUF_AUTO out = {0};
        int status;
        assert_int_equal(exec_run(e, WORDS("true"), &wait, &out, &status, &why), -EOPNOTSUPP);
        assert_string_equal(why.text, "the server runs no commands: no ?[31mshells? here");
        exec_free(e);
    }
}

static void refusals_are_final_and_other_failures_are_not(void **state)
{
    (void)state;
    static const struct {
        int error, result, made;
    } table[] = {
        {-EACCES, -EACCES, 1},
        {-EOPNOTSUPP, -EOPNOTSUPP, 1},
        {-EHOSTUNREACH, -EIO, 2},
        {-EPERM, -EIO, 2},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct end end = {.error = table[i].error};
        struct exec *e = exec_of(&end);
        BUF_AUTO out = {0};
        int status;
        for (int n = 0; n < 2; n++)
            assert_int_equal(run(e, 1000, WORDS("true"), &out, &status), table[i].result);
        assert_int_equal(end.made, table[i].made);
        exec_free(e);
    }
}

static void a_silent_peer_costs_no_more_than_the_wait(void **state)
{
    (void)state;
    static const char *const silent[] = {"sleep", "30", NULL};
    static const char *const echoes[] = {"cat", NULL};
    static const char *const *const table[] = {silent, echoes};
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct end end = {.argv = table[i]};
        struct exec *e = exec_of(&end);
        BUF_AUTO out = {0};
        int status;
        assert_int_equal(run(e, 300, WORDS("true"), &out, &status), -EIO);
        exec_free(e);
    }
}

static void a_slow_connection_is_left_to_the_next_command(void **state)
{
    (void)state;
    sem_t held;
    struct end end = {.argv = sh, .held = &held};
    assert_int_equal(sem_init(&held, 0, 0), 0);
    struct exec *e = exec_of(&end);
    BUF_AUTO out = {0};
    int status;
    assert_int_equal(run(e, 100, WORDS("true"), &out, &status), -EIO);
    assert_int_equal(sem_post(&held), 0);
    must_print(e, WORDS("echo", "on"), span_of("on\n"), 0);
    assert_int_equal(end.made, 1);
    exec_free(e);
    sem_destroy(&held);
}

static void idle_ones_are_closed(void **state)
{
    (void)state;
    static const struct {
        int idle_ms, made;
    } table[] = {{0, 2}, {60000, 1}};
    for (size_t i = 0; i < 2; i++) {
        struct end end = {.argv = sh};
        struct exec *e = exec_with(&end, table[i].idle_ms);
        exec_tidy(e);
        must_print(e, WORDS("echo", "one"), span_of("one\n"), 0);
        must_print(e, WORDS("echo", "two"), span_of("two\n"), 0);
        assert_int_equal(end.made, 1);
        exec_tidy(e);
        must_print(e, WORDS("echo", "three"), span_of("three\n"), 0);
        assert_int_equal(end.made, table[i].made);
        exec_free(e);
    }
}

/* A peer that answers as a shell would, but for what it puts before the second command's answer. */
struct liar {
    struct end *end;
    const char *first; /* "NONCE" in it becomes the real one */
};

static void *lie(void *arg)
{
    const struct liar *liar = arg;
    char line[2048];
    size_t n = 0;
    int fd;
    while ((fd = atomic_load(&liar->end->fd)) < 0)
        usleep(1000);
    while (n + 1 < sizeof(line) && read(fd, line + n, 1) == 1) {
        char nonce[33] = "", answer[512];
        if (line[n++] != '\n')
            continue;
        line[n] = '\0';
        n = 0;
        const char *mark = strstr(line, " %d\\n' ");
        if (!mark || strlen(mark) < 7 + 32)
            break;
        memcpy(nonce, mark + 7, 32);
        unsigned long count = strtoul(mark + 7 + 32, NULL, 10);
        snprintf(answer, sizeof(answer), "%s\n%s:%lu 0\n", count == 2 ? liar->first : "", nonce,
                 count);
        for (char *at; (at = strstr(answer, "NONCE"));) {
            memmove(at + 32, at + 5, strlen(at + 5) + 1);
            memcpy(at, nonce, 32);
        }
        if (write(fd, answer, strlen(answer)) < 0)
            break;
    }
    close(fd);
    return NULL;
}

static void the_mark_of_another_command_is_output(void **state)
{
    (void)state;
    struct end end = {.fd = -1};
    struct liar liar = {&end, "x\nNONCE:1 0\n"};
    struct exec *e = exec_of(&end);
    BUF_AUTO out = {0};
    int status = -1;
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, lie, &liar), 0);
    assert_int_equal(run(e, LONG_MS, WORDS("true"), &out, &status), 0);
    assert_int_equal(status, 0);
    assert_non_null(strstr(out.data, ":1 0\n"));
    assert_int_equal(out.len, strlen("x\n") + 32 + strlen(":1 0\n"));
    exec_free(e);
    pthread_join(thread, NULL);
}

static void a_status_is_a_number_behind_the_mark(void **state)
{
    (void)state;
    static const struct {
        const char *first;
        int status;
    } table[] = {
        {"x\nNONCE:2 12\n", 12},         {"x\nNONCE:2 \n7\n", -1}, {"x\nNONCE:2 -1\n", -1},
        {"x\nNONCE:2 4294967296\n", -1}, {"x\nNONCE:2 0 \n", -1},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct end end = {.fd = -1};
        struct liar liar = {&end, table[i].first};
        struct exec *e = exec_of(&end);
        BUF_AUTO out = {0};
        int status = 0;
        pthread_t thread;
        assert_int_equal(pthread_create(&thread, NULL, lie, &liar), 0);
        assert_int_equal(run(e, LONG_MS, WORDS("true"), &out, &status), 0);
        assert_int_equal(status, table[i].status);
        assert_int_equal(out.len, 1);
        exec_free(e);
        pthread_join(thread, NULL);
    }
}

enum { THREADS = 4, ROUNDS = 20 };

struct user {
    struct exec *exec;
    char name[16];
    int right;
};

static void *use(void *arg)
{
    struct user *u = arg;
    for (int i = 0; i < ROUNDS; i++) {
        BUF_AUTO out = {0};
        const struct wait wait = wait_for_ms(LONG_MS);
        int status;
        if (exec_run(u->exec, WORDS("echo", u->name), &wait, &out, &status, NULL) == 0 &&
            out.len == strlen(u->name) + 1 && strncmp(out.data, u->name, strlen(u->name)) == 0)
            u->right++;
        exec_tidy(u->exec);
    }
    return NULL;
}

static void each_of_several_threads_gets_its_own_answers(void **state)
{
    (void)state;
    struct end end = {.argv = sh};
    struct exec *e = exec_of(&end);
    struct user users[THREADS] = {0};
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) {
        users[i].exec = e;
        snprintf(users[i].name, sizeof(users[i].name), "thread %d", i);
        assert_int_equal(pthread_create(&threads[i], NULL, use, &users[i]), 0);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(users[i].right, ROUNDS);
    exec_free(e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_word_is_quoted_whole),
        cmocka_unit_test(no_name_is_more_than_a_word),
        cmocka_unit_test(status_and_output_are_the_command_s),
        cmocka_unit_test(the_shell_is_not_changed_or_ended_by_its_commands),
        cmocka_unit_test(a_word_with_a_newline_is_refused),
        cmocka_unit_test(output_may_be_anything_up_to_its_limit),
        cmocka_unit_test(what_comes_too_late_is_of_no_other_command),
        cmocka_unit_test(an_interrupt_ends_the_wait),
        cmocka_unit_test(a_command_goes_out_once),
        cmocka_unit_test(a_connection_lost_while_idle_is_made_anew),
        cmocka_unit_test(noise_before_the_shell_is_passed_over),
        cmocka_unit_test(what_is_no_shell_is_not_asked_again),
        cmocka_unit_test(a_server_s_words_cannot_reach_the_terminal),
        cmocka_unit_test(refusals_are_final_and_other_failures_are_not),
        cmocka_unit_test(a_silent_peer_costs_no_more_than_the_wait),
        cmocka_unit_test(a_slow_connection_is_left_to_the_next_command),
        cmocka_unit_test(idle_ones_are_closed),
        cmocka_unit_test(the_mark_of_another_command_is_output),
        cmocka_unit_test(a_status_is_a_number_behind_the_mark),
        cmocka_unit_test(each_of_several_threads_gets_its_own_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
