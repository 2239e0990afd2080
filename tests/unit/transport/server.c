/* SPDX-License-Identifier: MIT */
#include "server.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"

enum { LOG_MS = 60 * 1000 };

static void die(const char *what)
{
    fprintf(stderr, "test server: %s\n", what);
    exit(1);
}

static int run(const char *format, ...) __attribute__((format(printf, 1, 2)));
static int run(const char *format, ...)
{
    char command[4096];
    va_list args;
    va_start(args, format);
    vsnprintf(command, sizeof(command), format, args);
    va_end(args);
    return system(command);
}

void server_restart(struct server *s, const char *env, const char *lines)
{
    if (run("DIR='%s'; SSHD_OWNER=%d %s sh '%s' start '%s' %s", s->dir, (int)getpid(), env,
            TEST_SSHD, s->dir, lines) != 0)
        die("sshd.sh did not start it");
    FILE *f = fopen(server_path(s, "port"), "re");
    if (!f || fscanf(f, "%u", &s->port) != 1)
        die("no port");
    fclose(f);
}

void server_start(struct server *s, const char *env, const char *lines)
{
    snprintf(s->dir, sizeof(s->dir), "/tmp/vmxfs-sshd-XXXXXX");
    if (!mkdtemp(s->dir))
        die("no directory");
    snprintf(s->key, sizeof(s->key), "%s/id", s->dir);
    snprintf(s->known_hosts, sizeof(s->known_hosts), "%s/known_hosts", s->dir);
    server_restart(s, env, lines);
}

void server_signal(const struct server *s, const char *name)
{
    if (run("sh '%s' signal '%s' %s", TEST_SSHD, s->dir, name) != 0)
        die("sshd.sh did not signal it");
}

void server_kill(const struct server *s)
{
    server_signal(s, "KILL");
}

void server_stop(struct server *s)
{
    if (run("sh '%s' stop '%s' && rm -rf '%s'", TEST_SSHD, s->dir, s->dir) != 0)
        die("sshd.sh did not stop it");
}

struct connect_options server_options(const struct server *s)
{
    return (struct connect_options){
        .host = "127.0.0.1",
        .port = s->port,
        .identity_file = s->key,
        .known_hosts_file = s->known_hosts,
        .timeout_ms = 60000, /* nothing takes that long, not even on a machine with other work */
        .via = CONNECT_LIBSSH2,
    };
}

const char *server_path(const struct server *s, const char *name)
{
    static char path[128];
    snprintf(path, sizeof(path), "%s/%s", s->dir, name);
    return path;
}

const char *server_write(const struct server *s, const char *name, const char *text)
{
    const char *path = server_path(s, name);
    FILE *f = fopen(path, "we");
    if (!f || fputs(text, f) < 0 || fclose(f) != 0)
        die("cannot write a file");
    return path;
}

void server_shell(const struct server *s, const char *command)
{
    if (run("DIR='%s' PORT=%u; %s", s->dir, s->port, command) != 0)
        die(command);
}

int server_log_count(const struct server *s, const char *text)
{
    char line[1024];
    int n = 0;
    FILE *f = fopen(server_path(s, "log"), "re");
    while (f && fgets(line, sizeof(line), f)) {
        if (strstr(line, text))
            n++;
    }
    if (f)
        fclose(f);
    return n;
}

static int logged(const struct server *s, const char *const texts[])
{
    int n = 0;
    for (size_t i = 0; texts[i]; i++)
        n += server_log_count(s, texts[i]);
    return n;
}

static int await_logged(const struct server *s, const char *const texts[], int n)
{
    const int64_t end = clock_ms() + LOG_MS;
    while (logged(s, texts) < n && clock_ms() < end)
        usleep(10000);
    usleep(300000);
    return logged(s, texts);
}

int server_log_await(const struct server *s, const char *text, int n)
{
    return await_logged(s, (const char *const[]){text, NULL}, n);
}

static const char *const refusals[] = {"Failed keyboard-interactive", "Failed password", NULL};

int server_refusals(const struct server *s)
{
    return logged(s, refusals);
}

int server_refusals_await(const struct server *s, int n)
{
    return await_logged(s, refusals, n);
}

static short ready(struct transport *t, short events)
{
    struct pollfd p = {.fd = t->fd, .events = events};
    return poll(&p, 1, 10000) == 1 ? p.revents : 0;
}

/* SSH_FXP_INIT, version 3; the answer is SSH_FXP_VERSION, 3, and extensions. */
bool transport_greets(struct transport *t)
{
    static const unsigned char hello[] = {0, 0, 0, 5, 1, 0, 0, 0, 3};
    unsigned char reply[4096];
    size_t n = 0;
    if (t->ops->write(t, hello, sizeof(hello)) != (ssize_t)sizeof(hello))
        return false;
    while (n < 9) {
        short events = ready(t, t->ops->events(t));
        if (events == 0 || ((events & POLLOUT) && t->ops->flush(t) < 0))
            return false;
        ssize_t r = t->ops->read(t, reply + n, sizeof(reply) - n);
        if (r == 0 || (r < 0 && r != -EAGAIN))
            return false;
        if (r > 0)
            n += (size_t)r;
    }
    return reply[4] == 2 && reply[8] == 3;
}

struct attempt attempt(const struct connect_options *options)
{
    struct attempt a = {0};
    struct connector *c = NULL;
    struct transport *t = NULL;
    a.result = connector_new(options, &c, &a.why);
    if (a.result == 0)
        a.result = connector_connect(c, false, &t, &a.why);
    if (c)
        a.refused = connector_refused(c);
    if (t && transport_greets(t)) {
        struct buf about = {0};
        t->ops->describe(t, &about);
        snprintf(a.about, sizeof(a.about), "%s", about.data);
        buf_done(&about);
    }
    transport_free(t);
    connector_free(c);
    return a;
}

int count_descriptors(void)
{
    int n = 0;
    DIR *d = opendir("/proc/self/fd");
    while (d && readdir(d))
        n++;
    if (d)
        closedir(d);
    return n;
}

bool has_children(void)
{
    siginfo_t info;
    return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

/* Reads what the terminal shows until it is quiet at a prompt, or ends. */
static bool read_screen(int terminal, char *seen, size_t size)
{
    size_t n = strlen(seen);
    int64_t deadline = clock_ms() + 20000;
    while (clock_ms() < deadline && n + 1 < size) {
        struct pollfd p = {.fd = terminal, .events = POLLIN};
        bool prompt = n >= 2 && strcmp(seen + n - 2, ": ") == 0;
        int r = poll(&p, 1, prompt ? 200 : 1000);
        if (r == 0 && prompt)
            return true;
        if (r <= 0)
            continue;
        ssize_t got = read(terminal, seen + n, size - 1 - n);
        if (got <= 0)
            return false;
        n += (size_t)got;
        seen[n] = '\0';
    }
    return false;
}

static void type(int terminal, const char *answers, char *seen, size_t size)
{
    while (read_screen(terminal, seen, size)) {
        size_t n = strcspn(answers, "|");
        if (write(terminal, answers, n) < 0 || write(terminal, "\n", 1) < 0)
            return;
        answers += n + (answers[n] ? 1 : 0);
    }
}

int with_terminal(int (*function)(void *ctx), void *ctx, const char *answers, char *seen,
                  size_t size)
{
    int terminal;
    seen[0] = '\0';
    pid_t pid = forkpty(&terminal, NULL, NULL, NULL);
    if (pid < 0)
        die("no terminal");
    if (pid == 0)
        _exit(function(ctx));
    type(terminal, answers, seen, size);
    int status;
    waitpid(pid, &status, 0);
    close(terminal);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}
