/* SPDX-License-Identifier: MIT */
#include "relay.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "sftp/proto.h"

enum { IDLE_MS = 25, PACKET_MAX = 300000, TEXT_AT = 9, SOCKET_BYTES = 1 << 20, FLIGHT_MAX = 4096 };

struct ends {
    struct relay *relay;
    int client, server;
    pid_t pid;
};

static int read_all(int fd, char *bytes, size_t n)
{
    while (n > 0) {
        ssize_t got = read(fd, bytes, n);
        if (got <= 0)
            return -ECONNRESET;
        bytes += got;
        n -= (size_t)got;
    }
    return 0;
}

static int write_all(int fd, const char *bytes, size_t n)
{
    while (n > 0) {
        ssize_t sent = send(fd, bytes, n, MSG_NOSIGNAL);
        if (sent < 0)
            return -ECONNRESET;
        bytes += sent;
        n -= (size_t)sent;
    }
    return 0;
}

/* Appends one packet with its length. */
static int read_packet(int fd, struct buf *packet)
{
    uint32_t length;
    int r = buf_reserve(packet, PACKET_MAX);
    if (r == 0)
        r = read_all(fd, packet->data + packet->len, 4);
    if (r < 0)
        return r;
    memcpy(&length, packet->data + packet->len, 4);
    length = ntohl(length);
    if (length > PACKET_MAX - 4)
        return -EPROTO;
    r = read_all(fd, packet->data + packet->len + 4, length);
    if (r == 0)
        packet->len += length + 4;
    return r;
}

static bool is_hello(const struct buf *packet)
{
    static const char limits[] = "limits@openssh.com";
    return packet->data[4] == SSH_FXP_INIT ||
           (packet->len > TEXT_AT + 4 + sizeof(limits) - 1 - 1 &&
            memcmp(packet->data + TEXT_AT + 4, limits, sizeof(limits) - 1) == 0);
}

static void tell(struct relay *relay, const struct buf *packet, int number)
{
    char text[4200] = "";
    uint32_t length;
    if (packet->len > TEXT_AT + 4) {
        memcpy(&length, packet->data + TEXT_AT, 4);
        length = ntohl(length);
        if (length < sizeof(text) && TEXT_AT + 4 + length <= packet->len)
            memcpy(text, packet->data + TEXT_AT + 4, length);
    }
    const struct relay_request request = {
        .number = number, .type = (uint8_t)packet->data[4], .text = text};
    if (relay->before)
        relay->before(relay->ctx, &request);
}

/* Takes one request to the server and appends the answer. */
static int serve_one(struct ends *ends, const struct buf *packet, struct buf *answers)
{
    struct relay *relay = ends->relay;
    bool hello = is_hello(packet);
    int number = 0;
    enum relay_cut cut = RELAY_CUT_NONE;
    if (!hello) {
        lock_take(&relay->lock);
        number = ++relay->requests;
        if (number == relay->cut_at)
            cut = relay->cut;
        lock_drop(&relay->lock);
        tell(relay, packet, number);
    }
    if (cut == RELAY_CUT_BEFORE)
        return -ECONNRESET;
    int r = write_all(ends->server, packet->data, packet->len);
    if (r == 0)
        r = read_packet(ends->server, answers);
    return cut == RELAY_CUT_AFTER ? -ECONNRESET : r;
}

/* By /proc/self/task/TID/stat, proc(5). One that merely has no processor at the moment does not. */
static bool thread_sleeps(const char *tid)
{
    char path[64];
    char stat[256];
    snprintf(path, sizeof(path), "/proc/self/task/%s/stat", tid);
    FILE *f = fopen(path, "re");
    size_t n = f ? fread(stat, 1, sizeof(stat) - 1, f) : 0;
    if (f)
        fclose(f);
    stat[n] = '\0';
    const char *name_end = strrchr(stat, ')');
    return !name_end || strncmp(name_end, ") S", 3) == 0; /* else it has just ended */
}

static bool other_threads_sleep(void)
{
    DIR *tasks = opendir("/proc/self/task");
    bool all = tasks;
    const struct dirent *task;
    while (all && (task = readdir(tasks)))
        all =
            task->d_name[0] == '.' || atoi(task->d_name) == gettid() || thread_sleeps(task->d_name);
    if (tasks)
        closedir(tasks);
    return all;
}

static bool has_input(int fd, int ms)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    return poll(&p, 1, ms) > 0;
}

/* Whether more requests come before whoever could send them waits for an answer. */
static bool has_more(int fd, int idle_ms)
{
    bool idle = false;
    for (;;) {
        if (has_input(fd, idle ? 0 : idle_ms))
            return true;
        if (idle)
            return false;
        idle = other_threads_sleep();
    }
}

static void set_serving(struct relay *relay, int change)
{
    lock_take(&relay->lock);
    relay->serving += change;
    lock_drop(&relay->lock);
}

void relay_await_idle(struct relay *relay)
{
    int quiet = 0;
    while (quiet < 2) {
        usleep(IDLE_MS * 1000);
        lock_take(&relay->lock);
        bool serving = relay->serving > 0;
        lock_drop(&relay->lock);
        quiet = !serving && other_threads_sleep() ? quiet + 1 : 0;
    }
}

/* One request, or all of a flight. */
static int serve(struct ends *ends)
{
    int idle_ms = ends->relay->idle_ms > 0 ? ends->relay->idle_ms : IDLE_MS;
    struct buf packets[FLIGHT_MAX] = {0};
    BUF_AUTO answers = {0};
    size_t n = 0;
    bool hello = false;
    int r;
    has_input(ends->client, -1);
    set_serving(ends->relay, 1);
    do {
        r = read_packet(ends->client, &packets[n]);
        hello = r == 0 && is_hello(&packets[n]);
        n++;
    } while (r == 0 && ends->relay->gathers && n < FLIGHT_MAX && has_more(ends->client, idle_ms));
    if (r == 0 && !hello) {
        lock_take(&ends->relay->lock);
        ends->relay->flights++;
        lock_drop(&ends->relay->lock);
    }
    for (size_t i = 0; i < n && r == 0; i++)
        r = serve_one(ends, &packets[i], &answers);
    if (r == 0)
        r = write_all(ends->client, answers.data, answers.len);
    set_serving(ends->relay, -1);
    for (size_t i = 0; i < n; i++)
        buf_done(&packets[i]);
    return r;
}

static void *run(void *ctx)
{
    struct ends *ends = ctx;
    while (serve(ends) == 0)
        ;
    close(ends->client);
    close(ends->server);
    kill(ends->pid, SIGKILL);
    waitpid(ends->pid, NULL, 0);
    free(ends);
    return NULL;
}

static pid_t start_server(int fd)
{
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    dup2(fd, STDIN_FILENO);
    dup2(fd, STDOUT_FILENO);
    const char *given = getenv("SFTP_SERVER");
    execl(given ? given : "/usr/lib/openssh/sftp-server", "sftp-server", (char *)NULL);
    _exit(127);
}

static int socket_pair(int ends[2])
{
    const int size = SOCKET_BYTES;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
        return -errno;
    for (int i = 0; i < 2; i++)
        setsockopt(ends[i], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
    return 0;
}

static int connect_locked(struct relay *relay, struct transport **ret) REQUIRES(&relay->lock)
{
    int client[2];
    int server[2];
    if (relay->links == RELAY_LINKS || relay->stopping)
        return -ECONNREFUSED;
    struct ends *ends = calloc(1, sizeof(*ends));
    int r = ends ? socket_pair(client) : -ENOMEM;
    if (r == 0)
        r = socket_pair(server);
    if (r < 0) {
        free(ends);
        return r; /* a test program that runs out of descriptors may leak some */
    }
    *ends = (struct ends){relay, client[1], server[0], start_server(server[1])};
    close(server[1]);
    r = transport_from_fd(client[0], 0, "relay", ret);
    if (r == 0)
        r = -pthread_create(&relay->threads[relay->links], NULL, run, ends);
    relay->links += r == 0;
    return r;
}

int relay_connect(void *ctx, struct transport **ret, struct why *why)
{
    struct relay *relay = ctx;
    lock_take(&relay->lock);
    int r = connect_locked(relay, ret);
    lock_drop(&relay->lock);
    if (r != 0)
        why_set(why, "the relay does not connect: %s", strerror(-r));
    return r;
}

void must_make_relay(struct relay *relay)
{
    *relay = (struct relay){0};
    assert_int_equal(lock_init(&relay->lock), 0);
}

void relay_done(struct relay *relay)
{
    lock_take(&relay->lock);
    relay->stopping = true;
    int links = relay->links;
    lock_drop(&relay->lock);
    for (int i = 0; i < links; i++)
        pthread_join(relay->threads[i], NULL);
    lock_done(&relay->lock);
}

void relay_restart(struct relay *relay, enum relay_cut cut, int at)
{
    lock_take(&relay->lock);
    relay->cut = cut;
    relay->cut_at = at;
    relay->requests = 0;
    relay->flights = 0;
    lock_drop(&relay->lock);
}

int relay_requests(struct relay *relay)
{
    lock_take(&relay->lock);
    int n = relay->requests;
    lock_drop(&relay->lock);
    return n;
}

int relay_flights(struct relay *relay)
{
    lock_take(&relay->lock);
    int n = relay->flights;
    lock_drop(&relay->lock);
    return n;
}

void must_mount_relay(struct mount *mount, struct relay *relay, const struct folder *folder,
                      const struct remote_options *options)
{
    const struct remote_options plain = default_options(folder);
    const struct sftp_options sftp_options = {
        .timeout_ms = (options ? options : &plain)->timeout_ms,
        .connect = relay_connect,
        .ctx = relay,
    };
    struct transport *transport = NULL;
    struct why why = {0};
    *mount = (struct mount){0};
    assert_int_equal(relay_connect(relay, &transport, &why), 0);
    assert_int_equal(sftp_new(transport, &sftp_options, &mount->sftp, &why), 0);
    assert_int_equal(remote_new(mount->sftp, options ? options : &plain, &mount->remote, &why), 0);
}

void mount_end_relay(struct mount *mount, struct relay *relay)
{
    remote_free(mount->remote);
    sftp_free(mount->sftp);
    relay_done(relay);
}
